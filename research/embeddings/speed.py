#!/usr/bin/env python3
"""Measure what `bm embed` takes for 400,000 reads of 150 bases: processor time and memory of the whole process.

    speed.py --bm target/release/bm
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import os
import statistics
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READS = ROOT / "testdata/hiseqx_phage/hiseqx_phage.fastq.gz"
TIMES, RUNS = 40, 5


def run(arguments: list[str]) -> tuple[float, float]:
    """Runs a program; returns processor seconds and peak memory in MB."""
    process = os.posix_spawn(arguments[0], arguments, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)}: status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bm", type=Path, required=True)
    options = parser.parse_args()
    text = gzip.decompress(READS.read_bytes())
    reads = TIMES * (text.count(b"\n") // 4)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "reads.fastq")
        with open(source, "wb") as file:
            for _ in range(TIMES):
                file.write(text)
        del text  # the memory of a new process counts as that of this one, until it runs its program
        for name, threads in (("vectors.npy", 1), ("vectors.npy", 2), ("vectors.parquet", 1)):
            arguments = [str(options.bm), "embed", str(source), "-o", str(Path(folder, name)), "-j", str(threads), "-q", "--no-sync"]
            found = [run(arguments) for _ in range(RUNS)]
            seconds, memory = (statistics.median(column) for column in zip(*found))
            rows.append(f"| `{name}`, {threads} | {seconds:.2f} | {reads / seconds:,.0f} | {memory:.0f} |")
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    page = f"""# Speed of `bm embed`

{reads:,} reads of 150 bases (`testdata/hiseqx_phage/hiseqx_phage.fastq.gz`, {TIMES} times), plain FASTQ, whole process with reading, parsing and writing; medians of {RUNS} runs; {model};
{datetime.date.today()}. `python research/embeddings/speed.py --bm target/release/bm` measures it. The machine had other work, so processor time is given and not wall time.

| output, threads | CPU s | reads a CPU second | peak MB |
|---|---|---|---|
""" + "\n".join(rows) + "\n"
    (Path(__file__).parent / "results" / "speed.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
