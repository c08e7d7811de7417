#!/usr/bin/env python3
"""How well `bm` scores reads whose qualities were taken away, by the truth tables.

    python research/no-qualities/without_qualities.py --data DIR --bm BM     writes results/without-qualities.{json,md}

Each set is scored with `bm score --adapt`: as it is, with all qualities 30, in the archive's light form (Q30 for reads of a mean quality of at
least 20, Q3 for the others), and as it is with --ignore-quality. EE are the reported error probabilities, of the set as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import sets

SETS = (
    "train/hiseqx_phage",
    "train/miseq_sars2_sanger",
    "devtest/hiseq_measles",
    "train/novaseq_sars2_berlin",
    "devtest/miseq_ebov_seedstock",
    "train/nextseq_plasmid_adelaide",
)
PASSING_MEAN = 20  # Phred


def all_30(quality: bytes) -> bytes:
    return b"?" * len(quality)


def lite(quality: bytes) -> bytes:
    passes = sum(quality) - 33 * len(quality) >= PASSING_MEAN * len(quality)
    return (b"?" if passes else b"$") * len(quality)


def scored(bm: Path, paths: list[Path], options: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns expected errors and reported expected errors of each read, file by file."""
    command = [str(bm), "score", *map(str, paths), "--adapt", "-q", *options]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    header = lines[0].split("\t")
    rows = [line.split("\t") for line in lines[1:]]
    if len(paths) == 2:
        rows = rows[0::2] + rows[1::2]
    column = lambda name: np.array([float(row[header.index(name)]) for row in rows])
    return column("expected_errors"), column("phred_expected_errors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results")
    arguments = parser.parse_args()
    rows = []
    for name in SETS:
        folder = arguments.data / name
        reads = sets.load(folder)
        clear = np.array([read.clear for read in reads])
        lengths = np.array([len(read.sequence) for read in reads])
        errors = np.array([read.errors if read.clear else 0 for read in reads])
        with tempfile.TemporaryDirectory() as scratch:
            for form, change, options in (
                ("as it is", None, []),
                ("all Q30", all_30, []),
                ("light", lite, []),
                ("--ignore-quality", None, ["--ignore-quality"]),
            ):
                paths = sets.files(folder)
                if change is not None:
                    paths = [Path(scratch) / path.name.removesuffix(".gz") for path in paths]
                    for source, path in zip(sets.files(folder), paths, strict=True):
                        with path.open("wb") as text:
                            for definition, sequence, quality in sets.records(source):
                                text.write(b"@%s\n%s\n+\n%s\n" % (definition, sequence, change(quality)))
                expected, reported = scored(arguments.bm, paths, options)
                used = clear & ~np.isnan(expected)
                if change is None and not options:
                    measured = sets.figures(lengths[used], errors[used], reported[used])
                    rows.append({"set": name, "qualities": "EE, as it is", "reads": int(used.sum()), **measured})
                measured = sets.figures(lengths[used], errors[used], expected[used])
                rows.append({"set": name, "qualities": form, "reads": int(used.sum()), **measured})
                print(*rows[-1].values(), flush=True)
    command = "python research/no-qualities/without_qualities.py --data DIR --bm BM"
    sets.write(arguments.output / "without-qualities.json", command, rows)
    columns = ["set", "qualities", "reads", "mcc", "auc", "log2"]
    page = sets.table(rows, columns, "Reads whose qualities were taken away", command)
    (arguments.output / "without-qualities.md").write_text(page)


if __name__ == "__main__":
    main()
