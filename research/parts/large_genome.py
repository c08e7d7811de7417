#!/usr/bin/env python3
"""Can a run of a large genome be learned where its k-mers do not fit in memory?

    python research/parts/large_genome.py --data DIR --bm BM --scratch FOLDER     writes NAME.json into --output
    python research/parts/large_genome.py --check                                the tests

A random genome of which a fifth are diverged copies of elements, and reads of it with the qualities and the errors of real reads: each
simulated read gets both from a read of `nextseq_plasmid_adelaide` whose errors are counted. `bm observe` counts its k-mers in shards, each
in the memory given; `bm adapt` learns the run from the files, with room for all k-mers and with room for one in two, four and eight; with
`--whole`, also from the reads, in one call with room for all. The packages are compared, and the first reads are scored with each.

The scratch folder needs 0.6 bytes for each simulated base, and some 7 bytes for each k-mer.
"""

from __future__ import annotations

import argparse
import datetime
import filecmp
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("evaluation", "evidence")]
from metrics import auc_of, mcc  # noqa: E402
from runs import Job  # noqa: E402

SET = "nextseq_plasmid_adelaide"
BASES = np.frombuffer(b"ACGT", np.uint8)
CHUNK = 100_000  # reads simulated at a time
SCORED = 200_000  # reads at the start that are scored
COPIED, ELEMENTS, ELEMENT, DIVERGED = 0.2, 1_000, (300, 6_000), 0.1
MOST_ERRORS = 0.01  # of a good read, per base


@dataclass
class Templates:
    """Qualities and errors of real reads."""

    qualities: np.ndarray  # uint8 [reads, bases]
    shifts: np.ndarray  # uint8 [reads, bases]: 0 where the base is right, else 1 to 3


def templates(folder: Path, rng: np.random.Generator) -> Templates:
    """Take the reads of the most frequent length, without their last base, that are aligned to their ends and differ from the
    reference by substitutions only."""
    with gzip.open(next(folder.glob("*.truth.tsv.gz")), "rt") as lines:
        header = lines.readline().lstrip("#").split()
        rows = [dict(zip(header, line.rstrip("\n").split("\t"), strict=True)) for line in lines]
    whole = {
        (row["name"], row["mate"]): row["errpos"]
        for row in rows
        if row["mapped"] == "1" and row["clip5"] == row["clip3"] == row["ins"] == row["del"] == row["n"] == row["masked"] == "0"
    }
    found = []
    for mate in "12":
        with gzip.open(next(folder.glob(f"*_{mate}.fastq.gz")), "rt") as lines:
            for head in lines:
                lines.readline(), lines.readline()
                quality = lines.readline().rstrip()
                errors = whole.get((head[1:].split()[0].removesuffix(f"/{mate}"), mate))
                if errors is not None:
                    found.append((quality, [int(place) for place in re.findall(r"S(\d+)", errors)]))
    lengths = [len(quality) for quality, _ in found]
    length = max(set(lengths), key=lengths.count)
    found = [item for item in found if len(item[0]) == length]
    qualities = np.frombuffer("".join(quality for quality, _ in found).encode(), np.uint8).reshape(-1, length)
    shifts = np.zeros(qualities.shape, np.uint8)
    for row, (_, places) in zip(shifts, found, strict=True):
        row[places] = rng.integers(1, 4, len(places))
    # The last cycle of this run failed.
    return Templates(qualities[:, :-1], shifts[:, :-1])


def genome(bases: int, rng: np.random.Generator) -> np.ndarray:
    """Return the bases of a genome, codes 0 to 3 [bases]: random, with diverged copies of elements."""
    sequence = rng.integers(0, 4, bases, np.uint8)
    elements = [rng.integers(0, 4, length, np.uint8) for length in rng.integers(*ELEMENT, ELEMENTS)]
    copied = 0
    while copied < COPIED * bases:
        element = elements[rng.integers(len(elements))]
        at = rng.integers(bases - min(bases, len(element)) + 1)
        copy = element[: bases - at]
        changed = (rng.random(len(copy)) < DIVERGED) * rng.integers(1, 4, len(copy), np.uint8)
        sequence[at : at + len(copy)] = (copy + changed) % 4
        copied += len(copy)
    return sequence


def reads(sequence: np.ndarray, real: Templates, number: int, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield the text of the reads, in chunks. Their names hold the number of their errors."""
    length = real.qualities.shape[1]
    for first in range(0, number, CHUNK):
        count = min(CHUNK, number - first)
        starts = rng.integers(0, len(sequence) - length + 1, count)
        codes = sequence[starts[:, None] + np.arange(length)]
        backward = rng.random(count) < 0.5
        codes[backward] = 3 - codes[backward, ::-1]
        drawn = rng.integers(0, len(real.qualities), count)
        shifts = real.shifts[drawn]
        names = np.array([b"@s%010d:%03d\n" % (first + at, errors) for at, errors in enumerate((shifts > 0).sum(1))])
        text = [names.view(np.uint8).reshape(count, -1), BASES[(codes + shifts) % 4], constant(b"\n+\n", count)]
        yield np.hstack([*text, real.qualities[drawn], constant(b"\n", count)]).tobytes()


def constant(text: bytes, count: int) -> np.ndarray:
    """Return the same text in each of so many rows, uint8 [count, bytes]."""
    return np.tile(np.frombuffer(text, np.uint8), (count, 1))


def simulate(args: argparse.Namespace, path: Path) -> dict[str, object]:
    """Write the reads, compressed with zstd, and return what they are."""
    rng = np.random.default_rng(args.seed)
    real = templates(args.data / SET, rng)
    length = real.qualities.shape[1]
    number = int(args.depth * args.genome) // length
    sequence = genome(args.genome, rng)
    first = path.with_name("first.fastq")
    with path.open("wb") as file, first.open("wb") as few:
        with subprocess.Popen(["zstd", "-q", "-1", "-c"], stdin=subprocess.PIPE, stdout=file) as compress:
            assert compress.stdin is not None
            for at, text in enumerate(reads(sequence, real, number, rng)):
                compress.stdin.write(text)
                if at * CHUNK < SCORED:
                    few.write(text)
        if compress.returncode:
            raise SystemExit("zstd failed")
    return {
        "genome_bases": args.genome,
        "depth": args.depth,
        "reads": number,
        "read_bases": length,
        "error_rate": round(float((real.shifts > 0).mean()), 6),
        "templates": len(real.qualities),
        "seed": args.seed,
        "file_bytes": path.stat().st_size,
    }


def measured(scratch: Path, *command: object) -> dict[str, object]:
    """Run a program; return its time and memory, and which k-mers it says that it counted, if it says so."""
    job = Job(scratch, 2, seconds=7200)
    job.call(*command)
    said = re.search(r"(\S+(?: % of the)? \d+-mers[^;]*) counted;", (scratch / "stderr").read_text(encoding="utf-8"))
    return job.used() | ({"counted": said[1]} if said else {})


def verdicts(scratch: Path, bm: Path, model: Path) -> dict[str, float]:
    """Score the first reads with a package; return how well its verdicts tell reads with few errors from others."""
    rows = scratch / "scores.tsv"
    measured(scratch, bm, "score", scratch / "first.fastq", "-m", model, "-o", rows, "-q")
    with rows.open(encoding="utf-8") as lines:
        header = lines.readline().rstrip("\n").split("\t")
        table = [line.rstrip("\n").split("\t") for line in lines]
    name, length, expected, verdict = (header.index(column) for column in ("read", "length", "expected_errors", "verdict"))
    errors = np.array([int(row[name].rsplit(":", 1)[1]) for row in table])
    lengths = np.array([int(row[length]) for row in table])
    is_bad = errors > MOST_ERRORS * lengths
    fails = np.array([row[verdict] == "fail" for row in table])
    badness = np.array([float(row[expected]) for row in table])
    cells = [(fails == fail) & (is_bad == bad) for fail, bad in ((False, False), (False, True), (True, False), (True, True))]
    return {
        "reads": len(table),
        "bad": int(is_bad.sum()),
        "mcc": round(mcc(*(int(cell.sum()) for cell in cells)), 4),
        "auc": round(auc_of(is_bad, badness), 4),
        "errors_per_expected": round(float(errors.sum() / badness.sum()), 4),
    }


def processor() -> str:
    """Return the name of the processor and the number of its cores."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.exists() else None
    return f"{name[1] if name else platform.machine()}, {os.cpu_count()} processors, {platform.system()}"


def main() -> None:
    """Simulate, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the truth sets")
    parser.add_argument("--bm", type=Path, help="the program")
    parser.add_argument("--scratch", type=Path, help="folder for reads, files of bm observe and packages")
    parser.add_argument("--genome", type=int, default=300_000_000, help="bases of the genome")
    parser.add_argument("--depth", type=float, default=30)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--memory", default="3G", help="of each call of bm observe")
    parser.add_argument("--adapt", nargs="+", default=["4G"], help="memory of bm adapt, from all k-mers on")
    parser.add_argument("--whole", help="memory to learn the run from its reads in one call, to compare")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    parser.add_argument("--name", default="large_genome", help="of the results file")
    parser.add_argument("--reuse", action="store_true", help="take the reads that are in the scratch folder")
    parser.add_argument("--check", action="store_true", help="run the tests")
    args = parser.parse_args()
    if args.check:
        tests = unittest.defaultTestLoader.discover(str(HERE / "tests"))
        sys.exit(not unittest.TextTestRunner().run(tests).wasSuccessful())
    if not (args.data and args.bm and args.scratch):
        parser.error("--data, --bm and --scratch are needed")
    scratch, bm = args.scratch.resolve(), args.bm.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "reads.fastq.zst"
    facts = scratch / "run.json"
    if not args.reuse:
        facts.write_text(json.dumps(simulate(args, path)))
    run = json.loads(facts.read_text())
    results: dict[str, object] = {
        "bm": subprocess.run([bm, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0],
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "run": run,
        "memory": args.memory,
        "observe": (observed := []),
        "adapt": (learned := []),
    }
    files = []
    for shard in range(1, args.shards + 1):
        files.append(scratch / f"{shard}.obs")
        of = f"{shard}/{args.shards}"
        used = measured(scratch, bm, "observe", path, "--evidence", "--shards-of-kmers", of, "--max-memory", args.memory, "-o", files[-1])
        observed.append({"shard": of, **used, "bytes": files[-1].stat().st_size})
        print(observed[-1], flush=True)
    packages = []
    for memory in args.adapt:
        packages.append(scratch / f"{memory}.model")
        report = scratch / "report.json"
        used = measured(scratch, bm, "adapt", *files, "--evidence", "--max-memory", memory, "-o", packages[-1], "--report", report)
        evidence = json.loads(report.read_text())["adaptation"]["evidence"]
        learned.append({"memory": memory, **used, "kmers": evidence["kmers"], "share": evidence["share"]})
        learned[-1]["verdicts"] = verdicts(scratch, bm, packages[-1])
        print(learned[-1], flush=True)
    results["model_alone"] = verdicts(scratch, bm, Path("read-error"))
    if args.whole:
        package = scratch / "whole.model"
        used = measured(scratch, bm, "adapt", path, "--evidence", "--max-memory", args.whole, "-o", package)
        names = sorted(item.name for item in package.iterdir())
        same = not any(filecmp.cmpfiles(package, packages[0], names, shallow=False)[1:])
        results["whole"] = {"memory": args.whole, **used, "same_bytes_as_in_shards": same}
        print(results["whole"], flush=True)
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / f"{args.name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
