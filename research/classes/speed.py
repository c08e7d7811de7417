#!/usr/bin/env python3
"""Time and memory for references of 100 Mb: bm-classes beside deacon, one thread each.

    python research/classes/speed.py --classify PATH --deacon PATH   results/speed.{json,md}
    python research/classes/speed.py --render                        the page again, from the results file

References are random bases; a fifth of the reads comes from them, with 1 % of the bases changed. Reads are uncompressed, 150 bases
long. Times are of the processor (user and system), because other programs ran on the
machine; the reading of the index is included. So is it in the peak memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import genomes
import program

RESULTS = Path(__file__).resolve().parent / "results"
COMMAND = "python research/classes/speed.py --classify PATH --deacon PATH"
BASES = 100_000_000
READS = 200_000
LENGTH = 150


def measured(command: list) -> tuple[float, float]:
    """Returns processor time in s and peak memory in MB of a command."""
    code = """import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, status)"""
    text = subprocess.run([sys.executable, "-c", code, *map(str, command)], check=True, capture_output=True, text=True).stdout
    seconds, kilobytes, status = text.split()
    if status != "0":
        raise SystemExit(f"{command} failed")
    return float(seconds), int(kilobytes) / 1000


def page(result: dict) -> str:
    """Returns the results as a table."""
    lines = ["# Time and memory for references of 100 Mb", "", f"`{result['command']}` wrote this page and speed.json. {result['reads']:,} reads of {LENGTH} bases, one thread.", "",
             "*reads only* is the time for all reads less that for one read, so without start and reading of the index.", "",
             "| program | index: s | index: peak MB | index: file MB | all reads: s | one read: s | reads only: Mb/s | peak MB |", "|---|---|---|---|---|---|---|---|"]
    for row in result["rows"]:
        rate = READS * LENGTH / 1e6 / max(row["all_s"] - row["one_read_s"], 1e-3)
        lines.append(f"| {row['program']} | {row['build_s']:.1f} | {row['build_mb']:.0f} | {row['file_mb']:.0f} | {row['all_s']:.2f} | {row['one_read_s']:.2f} | {rate:.1f} | {row['peak_mb']:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classify", type=Path)
    parser.add_argument("--deacon", type=Path)
    parser.add_argument("--render", action="store_true")
    arguments = parser.parse_args()
    file = RESULTS / "speed.json"
    if not arguments.render:
        draw = np.random.default_rng(1)
        rows = []
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            genome = [draw.integers(0, 4, BASES).astype(np.uint8)]
            genomes.write_fasta(folder / "all.fa", genome, "all")
            ours = genomes.drawn(genome, READS // 5, LENGTH, 0.01, 0.0, draw)
            others = [draw.integers(0, 4, LENGTH).astype(np.uint8) for _ in range(READS - len(ours))]
            reads = [(str(i), program.letters(bases), b"?" * LENGTH) for i, bases in enumerate(ours + others)]
            program.write(folder / "reads.fastq", [reads[i] for i in draw.permutation(len(reads))])
            program.write(folder / "one.fastq", reads[:1])
            classify = arguments.classify.resolve()
            programs = []
            for level in (0, 2, 4):
                index = folder / f"{level}.classes"
                name = "bm-classes, " + (f"one in {2**level} seeds" if level else "all seeds")
                programs.append((name, [classify, "build", index, f"all={folder / 'all.fa'}", f"level={level}"], index, [classify, "abundances", index]))
            if arguments.deacon:
                index = folder / "all.idx"
                programs.append(("deacon", [arguments.deacon, "index", "build", "-t", "1", folder / "all.fa", "-o", index], index, [arguments.deacon, "filter", "-t", "1", index]))
            for name, build, index, classify_reads in programs:
                build_s, build_mb = measured(build)
                seconds, peak = measured([*classify_reads, folder / "reads.fastq"])
                one, _ = measured([*classify_reads, folder / "one.fastq"])
                rows.append({"program": name, "build_s": build_s, "build_mb": build_mb, "file_mb": index.stat().st_size / 1e6, "all_s": seconds, "one_read_s": one, "peak_mb": peak})
                print(rows[-1], flush=True)
        RESULTS.mkdir(exist_ok=True)
        file.write_text(json.dumps({"command": COMMAND, "reads": READS, "rows": rows}, indent=1) + "\n")
    file.with_suffix(".md").write_text(page(json.loads(file.read_text())))


if __name__ == "__main__":
    main()
