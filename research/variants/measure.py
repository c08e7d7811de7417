#!/usr/bin/env python3
"""Make the sets of sets.toml, and measure callers on them.

    measure.py --data DIR --sets DIR [--bm BM] [--output DIR] [--side SIDE …] [--kind KIND …]

DIR of --data has ``train/RUN`` and ``devtest/RUN``; runs that are not there are left out, and named. Sets that are complete are not made again.
Without --bm, the sets are made and nothing is measured. Callers that are not installed are left out, and named.
"""

from __future__ import annotations

import argparse
import shutil
import tomllib
from pathlib import Path

import evaluate
import genotypes
import mixtures
import mutated
import quality
import spike

KINDS = ("spiked", "mixed", "mutated")


def is_complete(folder: Path) -> bool:
    """Whether a set was made to its end."""
    return (folder / "covered.tsv").exists()


def there(data: Path, runs: list[str]) -> bool:
    """Whether all of some runs are there; says so if not."""
    missing = [run for run in runs if not list((data / run).glob("*.fastq.gz"))]
    if missing:
        print(f"left out, because {data} does not have it: {', '.join(missing)}")
    return not missing


def make(kind: str, wanted: dict, data: Path, out: Path) -> None:
    """Make the sets of one entry."""
    for seed in wanted["seeds"]:
        if kind == "mixed":
            for pair in wanted["pairs"]:
                for fraction in mixtures.FRACTIONS:
                    if not is_complete(out / mixtures.name(tuple(pair), fraction, seed)) and there(data, pair):
                        mixtures.make(data, out, tuple(pair), fraction, seed)
            continue
        for run in wanted["runs"]:
            if not is_complete(out / f"{run}.{seed}") and there(data, [run]):
                {"spiked": spike, "mutated": mutated}[kind].make(data / run, out, seed)


def installed(callers: list[str]) -> list[str]:
    """The callers that are installed."""
    found = [it for it in callers if it.startswith("bm") or shutil.which(it.partition("@")[0])]
    missing = sorted({it.partition("@")[0] for it in callers} - {it.partition("@")[0] for it in found})
    if missing:
        print(f"left out, because they are not installed: {', '.join(missing)}")
    return found


def main() -> None:
    """Make and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--bm", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--side", nargs="+", default=["train", "devtest"])
    parser.add_argument("--kind", nargs="+", default=list(KINDS), choices=KINDS)
    args = parser.parse_args()
    sets = tomllib.loads((Path(__file__).parent / "sets.toml").read_text())
    for program in ("bwa", "samtools"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is not installed; the sets need it")
    for kind in args.kind:
        for wanted in sets[kind]:
            side = wanted["side"]
            if side not in args.side:
                continue
            out = args.sets / f"{side}-{kind}"
            out.mkdir(parents=True, exist_ok=True)
            make(kind, wanted, args.data / side, out)
            if args.bm and any(out.glob("*/covered.tsv")):
                args.output.mkdir(parents=True, exist_ok=True)
                evaluate.measure(out, args.bm, installed(wanted["callers"]), None, args.output / f"{side}-{kind}.json")
    if args.bm:
        for side in args.side:
            genotypes.measure(args.sets, side, args.bm, args.output / f"{side}-genotypes.json")
        if (args.sets / "train-spiked").exists():
            quality.measure(args.sets / "train-spiked", args.bm, args.output / "quality.json")


if __name__ == "__main__":
    main()
