#!/usr/bin/env python3
"""What does it cost to divide a run among several calls of bm?

    python research/parts/shards.py --data DIR --bm BM --scratch FOLDER     writes shards.json into --output

The run is simulated as in `large_genome.py`, in a file of BGZF. It is learned and filtered by one call of `bm adapt` and one of `bm filter`,
and by 1, 2 and 4 shards: `bm observe --shard`, `bm adapt` of what they observed, `bm filter --shard`, `bm report merge`. The packages must
have the same bytes, and the kept reads the same text. CPU seconds are medians of interleaved repeats.
"""

from __future__ import annotations

import argparse
import datetime
import filecmp
import gzip
import hashlib
import json
import statistics
import subprocess
from pathlib import Path

import large_genome
from large_genome import HERE
from runs import Job

SHARDS = (1, 2, 4)
THREADS = ("-j", "2", "-q")


class Timed:
    """CPU and wall seconds of the calls of one way to do it, by step."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.cpu: dict[str, list[float]] = {}
        self.wall: dict[str, list[float]] = {}
        self.peak_mib: dict[str, float] = {}

    def call(self, step: str, *command: object) -> None:
        """Run a call of bm."""
        job = Job(self.scratch, 2, seconds=3600)
        job.call(*command)
        self.cpu.setdefault(step, []).append(job.cpu_s)
        self.wall.setdefault(step, []).append(job.wall_s)
        self.peak_mib[step] = max(self.peak_mib.get(step, 0), job.peak_mib or 0)


def whole(bm: Path, reads: Path, folder: Path) -> Timed:
    """One call for each step."""
    timed = Timed(folder)
    timed.call("adapt", bm, "adapt", reads, "--evidence", *THREADS, "-o", folder / "run.model")
    timed.call("filter", bm, "filter", reads, "-m", folder / "run.model", *THREADS, "-o", folder / "kept.fastq.gz")
    return timed


def divided(bm: Path, reads: Path, shards: int, folder: Path) -> Timed:
    """Calls for each shard."""
    timed, observed, kept, reports = Timed(folder), [], [], []
    numbers = [f"{number}/{shards}" for number in range(1, shards + 1)]
    for at, shard in enumerate(numbers):
        observed.append(folder / f"{at}.obs")
        timed.call("observe", bm, "observe", reads, "--shard", shard, "--evidence", *THREADS, "-o", observed[-1])
    timed.call("adapt", bm, "adapt", *observed, "--evidence", *THREADS, "-o", folder / "run.model")
    for at, shard in enumerate(numbers):
        kept.append(folder / f"{at}.fastq.gz")
        reports.append(folder / f"{at}.json")
        outputs = ["-o", kept[-1], "--report", reports[-1]]
        timed.call("filter", bm, "filter", reads, "--shard", shard, "-m", folder / "run.model", *THREADS, *outputs)
    timed.call("report merge", bm, "report", "merge", *reports, "-o", folder / "all.json")
    with (folder / "kept.fastq.gz").open("wb") as joined:
        for part in kept:
            joined.write(part.read_bytes())
            part.unlink()
    return timed


def text_of(path: Path) -> str:
    """Return the digest of the text of a gzip file."""
    with gzip.open(path) as text:
        return hashlib.file_digest(text, "sha256").hexdigest()


def check_same(ours: Path, theirs: Path) -> None:
    """Raise SystemExit unless packages have the same bytes and kept reads the same text."""
    names = sorted(file.name for file in (theirs / "run.model").iterdir())
    _, different, missing = filecmp.cmpfiles(ours / "run.model", theirs / "run.model", names, shallow=False)
    if different or missing:
        raise SystemExit(f"{ours}: {', '.join(different + missing)} not as from one call")
    if text_of(ours / "kept.fastq.gz") != text_of(theirs / "kept.fastq.gz"):
        raise SystemExit(f"{ours}: kept reads not as from one call")


def row(runs: list[Timed]) -> dict[str, object]:
    """Medians over repeats: CPU seconds of all calls of a step, wall seconds of the longest."""
    steps = runs[0].cpu
    cpu = {step: round(statistics.median(sum(run.cpu[step]) for run in runs), 2) for step in steps}
    wall = {step: round(statistics.median(max(run.wall[step]) for run in runs), 2) for step in steps}
    peak = {step: round(max(run.peak_mib[step] for run in runs)) for step in steps}
    total = statistics.median(sum(sum(run.cpu[step]) for step in steps) for run in runs)
    return {"cpu_s": cpu, "cpu_all_s": round(total, 2), "longest_call_s": wall, "peak_mib": peak}


def main() -> None:
    """Simulate, measure, compare, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the truth sets")
    parser.add_argument("--bm", type=Path, required=True, help="the program")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for reads and results")
    parser.add_argument("--genome", type=int, default=20_000_000, help="bases of the genome")
    parser.add_argument("--depth", type=float, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    args = parser.parse_args()
    scratch, bm = args.scratch.resolve(), args.bm.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    run = large_genome.simulate(args, scratch / "reads.fastq.zst")
    reads = scratch / "reads.fastq.gz"
    subprocess.run([bm, "filter", scratch / "reads.fastq.zst", "-t", "0", "-q", "-o", reads], check=True)
    ways: dict[str, list[Timed]] = {}
    for repeat in range(args.repeats):
        for shards in (0, *SHARDS):
            folder = scratch / f"{shards}"
            folder.mkdir(exist_ok=True)
            timed = divided(bm, reads, shards, folder) if shards else whole(bm, reads, folder)
            ways.setdefault(str(shards) if shards else "whole", []).append(timed)
            if shards and repeat == 0:
                check_same(folder, scratch / "0")
    rows = {name: row(runs) for name, runs in ways.items()}
    result = {
        "bm": subprocess.run([bm, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0],
        "date": datetime.date.today().isoformat(),
        "machine": large_genome.processor(),
        "run": run | {"file_bytes": reads.stat().st_size},
        "repeats": args.repeats,
        "observed_bytes": {str(shards): sum(file.stat().st_size for file in (scratch / str(shards)).glob("*.obs")) for shards in SHARDS},
        "ways": rows,
    }
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "shards.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
