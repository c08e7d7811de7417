"""Times `bm filter` of unaligned BAM beside `samtools fastq | bm filter -`, with several kinds of outputs.

Usage: python3 speed.py --bm BM --samtools SAMTOOLS [--rounds N] READS.bam... Writes a table to stdout.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "`bm filter x.bam -o y.bam`": "{bm} filter -q -j {threads} {bam} -o {out}/y.bam",
    "`samtools fastq x.bam \\| bm filter - -o y.fq.gz`": (
        "{samtools} fastq {bam} 2>/dev/null | {bm} filter -q -j {threads} - -o {out}/y.fq.gz"
    ),
    "`bm filter x.bam -o y.fq.gz`": "{bm} filter -q -j {threads} {bam} -o {out}/y.fq.gz",
    "`samtools fastq -T '*' x.bam \\| bm filter - -o y.bam`": (
        "{samtools} fastq -T '*' {bam} 2>/dev/null | {bm} filter -q -j {threads} - -o {out}/y.bam"
    ),
    "`bm filter x.bam -o y.fq`": "{bm} filter -q -j {threads} {bam} -o {out}/y.fq",
    "`samtools fastq x.bam \\| bm filter - -o y.fq`": (
        "{samtools} fastq {bam} 2>/dev/null | {bm} filter -q -j {threads} - -o {out}/y.fq"
    ),
    "`samtools fastq x.bam`": "{samtools} fastq {bam} > /dev/null 2>&1",
}


def timed(command: str) -> tuple[float, float]:
    """Run a command; return its wall and processor time in seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(["bash", "-c", command], check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Write a table for each file: medians, after a run that is not counted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bm", default="bm")
    parser.add_argument("--samtools", default="samtools", help="the program, or a command with its environment")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("bam", nargs="+", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        for bam in options.bam:
            words = {"bm": options.bm, "samtools": options.samtools, "threads": options.threads, "bam": bam, "out": out}
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
            # In turn, so that other work on the machine comes to all of them.
            for turn in range(options.rounds + 1):
                for name, command in COMMANDS.items():
                    found = timed(command.format(**words))
                    if turn > 0:
                        times[name].append(found)
            print(f"\n{bam.name}, {bam.stat().st_size / 1e6:.1f} MB, {options.threads} threads:\n")
            print("| command | wall s | CPU s |\n|---|---|---|")
            for name, found in times.items():
                wall, cpu = (statistics.median(values) for values in zip(*found, strict=True))
                print(f"| {name} | {wall:.2f} | {cpu:.2f} |")


if __name__ == "__main__":
    main()
