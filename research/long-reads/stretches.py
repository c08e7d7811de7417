#!/usr/bin/env python3
"""Stretches of low quality at which `bm filter --split=stretches` divides long reads: how many of their bases are wrong.

    python research/long-reads/stretches.py --data DIR --bm PATH            every run: results/stretches.{json,md}
    python research/long-reads/stretches.py --data DIR --bm PATH --only RUN one run
    python research/long-reads/stretches.py --render                        the page again, from the results file

Reads count if at least 200 of their bases, and half of them, were compared with the reference. *Divided*: reads with a stretch. *Cut out*: the
fraction of all aligned bases that lies in stretches. *Wrong*: substituted, inserted and deleted bases per base, by the truth tables; *reported*:
the same by the qualities. The cost of a stretch was chosen on the runs of train among 50, 100, 200 and 400 right bases: with 50, a read of
S. aureus is in five pieces; with 200, half of the wrong bases in stretches stay.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("no-qualities", "evaluation")]
import by_run  # noqa: E402
import counted  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

RUNS = (
    "train/ont_sars2_r9",
    "train/ont_r9_sars2_phac",
    "train/ont_r9_saureus_C222",
    "train/ont_r9_plasmid_adelaide",
    "train/ont_r1041_lambda_amplicon",
    "train/ont_r1041_flu",
    "devtest/ont_r1041_mpx",
    "devtest/ont_drna_rcs100",
    "devtest/ont_r9_sars2_nfcore",
    "devtest/ont_sirv_cdna",
    "devtest/ont_lambda_r9",
    "devtest/hifi_ecoli_k12",
)
COMMAND = "bm filter {} --split=stretches --max-ee-rate 1 -q -o {}"
FEWEST_SCORED = 200  # bases of a read that were compared with the reference


def pieces_of(kept: Path) -> dict[str, list[bytes]]:
    """The bases of the pieces of each read that was divided, in order, by the name of the read."""
    pieces: dict[str, list[bytes]] = {}
    for definition, bases, _ in counted.records(kept):
        name, _, number = definition.split()[0].decode().rpartition("_")
        if name and number.isdecimal():
            pieces.setdefault(name, []).append(bases)
    return pieces


def stretches_of(read: bytes, pieces: list[bytes]) -> np.ndarray:
    """Whether each base of a read is in no piece of it, bool [bases]."""
    outside = np.ones(len(read), bool)
    at = 0
    for piece in pieces:
        at = read.index(piece, at)
        outside[at : at + len(piece)] = False
        at += len(piece)
    return outside


def measure(name: str, data: Path, bm: Path) -> dict:
    """The row of a run."""
    folder = data / name
    rows = truth.read_table(next(folder.glob("*" + truth.SUFFIX)))
    found = {"run": name, "reads": 0, "divided": 0, "stretches": 0}
    sums = {part: np.zeros(3) for part in ("inside", "outside")}
    for file in truth.fastq_files(folder):
        with tempfile.TemporaryDirectory() as scratch:
            kept = Path(scratch) / "kept.fastq"
            words = COMMAND.format(file, kept).split()
            subprocess.run([str(bm), *words[1:]], check=True)
            pieces = pieces_of(kept)
        for definition, bases, text in counted.records(file):
            read = definition.split()[0].decode()
            row = rows.get((truth.bare(read), "1"))
            if row is None or row.scored < max(FEWEST_SCORED, row.length / 2):
                continue
            inside = stretches_of(bases, pieces[read]) if read in pieces else np.zeros(len(bases), bool)
            found["reads"] += 1
            found["divided"] += bool(inside.any())
            found["stretches"] += int((np.diff(inside.astype(int)) == 1).sum())
            reported = truth.ERROR_PROBABILITY[np.frombuffer(text, np.uint8).astype(int) - 33]
            errors = counted.errors_by_base(row.places, len(bases))
            aligned = slice(row.clip5, len(bases) - row.clip3)
            for part, chosen in (("inside", inside[aligned]), ("outside", ~inside[aligned])):
                sums[part] += [chosen.sum(), errors[aligned][chosen].sum(), reported[aligned][chosen].sum()]
    return found | {part: {"bases": total[0], "errors": total[1], "reported": total[2]} for part, total in sums.items()}


def page(rows: list[dict], command: str) -> str:
    """The results as a page."""
    flat = []
    for row in rows:
        inside, outside = row["inside"], row["outside"]
        share = inside["bases"] / (inside["bases"] + outside["bases"])

        def rate(part: dict, of: str) -> str:
            return f"{part[of] / part['bases']:.3f}" if part["bases"] else "–"

        flat.append(
            {
                "run": row["run"],
                "reads": row["reads"],
                "divided": f"{100 * row['divided'] / row['reads']:.1f} %",
                "stretches": row["stretches"],
                "cut out": f"{100 * share:.2f} %",
                "wrong in stretches": rate(inside, "errors"),
                "reported in stretches": rate(inside, "reported"),
                "wrong elsewhere": rate(outside, "errors"),
            }
        )
    text = tables.table(flat, list(flat[0]), "Stretches of low quality in long reads", command)
    explained = __doc__.split("\n\n")[-1].replace("\n", " ").strip()
    return text.replace("\n| run", f"\n{explained}\n\n`{COMMAND.format('IN', 'OUT')}`\n\n| run", 1)


if __name__ == "__main__":
    by_run.main(__doc__, "stretches.py", "stretches", {name: lambda data, bm, name=name: measure(name, data, bm) for name in RUNS}, page)
