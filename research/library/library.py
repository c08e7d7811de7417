#!/usr/bin/env python3
"""What `bm` finds of a library, and which reads `--adapt` keeps with it: simulated on real reads whose errors were counted.

    python research/library/library.py --data DIR --bm BM [--set NAME] [--case CASE]     writes results/library.{json,md}

For each set and case of `simulate.py`: the Matthews correlation of the verdict with "at most one error per hundred bases of the sample", the part of
the good reads and of the bad reads that are kept with --adapt, the same without, and what the report says of the library.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import simulate
from simulate import sets

SETS = ("train/hiseqx_phage", "train/novaseq_sars2_berlin", "devtest/hiseq_measles")
ADDED = ("umi1", "umi4", "umi8", "umi12", "umi8/2", "end6", "barcode", "primer", "spacer", "random-spacer", "switch", "dual", "site", "end-tag")
PARTS = ("umi8@10", "umi4@30", "barcode@10", "primer@10", "spacer@10", "random-spacer@10", "switch@10", "site@10", "end6@10")
TURNED = ("bisulfite97", "bisulfite50", "bisulfite97@50", "bisulfite97@10", "a-to-g20", "a-to-g20@50", "a-to-g3", "ancient", "ancient@50")
STRAINS = ("strain50", "strain10", "strain3")
CASES = ("as it is", *ADDED, *PARTS, *TURNED, *STRAINS)
MOST_TEMPLATES = 10_000  # of a set


def kept(bm: Path, paths: list[Path], options: list[str]) -> set[bytes]:
    """Returns which reads pass, each for itself, by file number and name."""
    passed = set()
    for number, path in enumerate(paths):
        table = subprocess.run([str(bm), "score", str(path), "-q", *options], check=True, capture_output=True).stdout.splitlines()
        header = table[0].split(b"\t")
        name, verdict = header.index(b"read"), header.index(b"verdict")
        rows = (line.split(b"\t") for line in table[1:])
        passed |= {b"%d %s" % (number, row[name]) for row in rows if row[verdict] == b"pass"}
    return passed


def learned(bm: Path, paths: list[Path], scratch: Path) -> tuple[list[str], dict]:
    """Learns the run; returns the options that use the package, and the report."""
    package, report = scratch / "run.model", scratch / "report.json"
    command = [str(bm), "adapt", *map(str, paths), "--evidence", "-o", str(package), "--report", str(report), "-q"]
    subprocess.run(command, check=True)
    return ["-m", str(package)], json.loads(report.read_text())


def measure(bm: Path, folder: Path, case: str) -> dict:
    """Returns the figures of one case."""
    reads = sets.load(folder)
    sources = sets.files(folder)
    per_file = len(reads) // len(sources)
    mates = [number // per_file for number in range(len(reads))]
    chosen = [number for number in range(len(reads)) if number % per_file < MOST_TEMPLATES]
    reads, mates = [reads[number] for number in chosen], [mates[number] for number in chosen]
    modified = simulate.modify(case, reads, mates, folder / "ref.fa")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        paths = [scratch / f"{number}.fastq" for number in range(len(sources))]
        for number, path in enumerate(paths):
            own = [simulate.text(r, m) for r, m, mate in zip(reads, modified, mates, strict=True) if mate == number]
            path.write_bytes(b"".join(own))
        options, report = learned(bm, paths, scratch)
        adapted, plain = kept(bm, paths, options), kept(bm, paths, [])
    clear = np.array([read.clear for read in reads])
    good = np.array([read.good for read in modified])[clear]
    names = [b"%d %s" % (mate, read.definition.split()[0]) for read, mate in zip(reads, mates, strict=True)]
    row: dict = {"set": folder.name, "case": case, "reads": int(clear.sum())}
    for rule, passed in (("", adapted), ("plain ", plain)):
        own = np.array([name in passed for name in names])[clear]
        row[f"{rule}mcc"] = round(sets.mcc(good, own), 3)
        row[f"{rule}good"], row[f"{rule}bad"] = (round(float(own[which].mean()), 3) for which in (good, ~good))
    library = report.get("library", {"structures": []})
    found = [f"{item['what']}, {100 * item['share']:.1f} %, mate {item['mate']}" for item in library["structures"]]
    turned = library.get("conversion")
    found += [f"{turned['from']} to {turned['to']}"] if turned else []
    row["found"] = "; ".join(found) or "–"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--set", action="append", help="a set; can be repeated [default: all]")
    parser.add_argument("--case", action="append", help="a case; can be repeated [default: all]")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.set or SETS:
        for case in arguments.case or CASES:
            rows.append(measure(arguments.bm, arguments.data / name, case))
            print(*rows[-1].values(), sep="\t", flush=True)
    command = "python research/library/library.py --data DIR --bm BM"
    arguments.output.mkdir(exist_ok=True)
    sets.write(arguments.output / "library.json", command, rows)
    page = sets.table(rows, list(rows[0]), "What is found of a library, and what is kept with it", command)
    (arguments.output / "library.md").write_text(page)


if __name__ == "__main__":
    main()
