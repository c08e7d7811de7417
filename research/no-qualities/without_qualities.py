#!/usr/bin/env python3
"""How well `bm` scores reads whose qualities were taken away, by the truth tables.

    python research/no-qualities/without_qualities.py --data DIR --bm BM     writes results/without-qualities.{json,md}

Each set is scored with `bm score --adapt`: as it is, with all qualities 30, in the archive's light form (Q30 for reads of a mean quality of at
least 20, Q3 for the others), and as it is with --ignore-quality. EE are the reported error probabilities, of the set as it is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("evaluation", "hard-cases")]
import counted  # noqa: E402
import measured  # noqa: E402
import metrics  # noqa: E402
import qualities  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

SETS = (
    "train/hiseqx_phage",
    "train/miseq_sars2_sanger",
    "devtest/hiseq_measles",
    "train/novaseq_sars2_berlin",
    "devtest/miseq_ebov_seedstock",
    "train/nextseq_plasmid_adelaide",
)
FORMS = (
    ("as it is", None, []),
    ("all Q30", qualities.all_30, []),
    ("light", qualities.lite, []),
    ("--ignore-quality", None, ["--ignore-quality"]),
)


def figures(reads: list[counted.Read], expected: np.ndarray) -> dict:
    """MCC of "expected errors of at most 1 %", AUC and log2(expected / true errors), of the clear reads that have a score."""
    used = [i for i, read in enumerate(reads) if read.clear and not np.isnan(expected[i])]
    length = np.array([len(reads[i]) for i in used])
    labels = metrics.Labels(np.array([reads[i].errors.sum() for i in used]), length, length, np.array([reads[i].is_good for i in used]))
    found = metrics.main_figures(measured.method(expected[used], length, expected[used] <= measured.MOST_WRONG * length), labels)
    return {"reads": len(used), "mcc": round(found["mcc"], 3), "auc": round(found["auc"], 3), "log2": round(found["log2_ratio"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results")
    arguments = parser.parse_args()
    rows = []
    for name in SETS:
        table = next((arguments.data / name).glob("*" + truth.SUFFIX))
        reads = counted.load(table, arguments.data)
        for form, change, options in FORMS:
            with tempfile.TemporaryDirectory() as scratch:
                paths = truth.fastq_files(table.parent)
                if change is not None:
                    paths = counted.write(qualities.changed(change, reads), Path(scratch))
                scored = measured.Scored(arguments.bm, paths, ["--adapt", *options])
            if change is None and not options:
                rows.append({"set": name, "qualities": "EE, as it is", **figures(reads, scored.reported)})
            rows.append({"set": name, "qualities": form, **figures(reads, scored.expected)})
            print(*rows[-1].values(), flush=True)
    command = "python research/no-qualities/without_qualities.py --data DIR --bm BM"
    tables.write(arguments.output / "without-qualities.json", command, rows)
    columns = ["set", "qualities", "reads", "mcc", "auc", "log2"]
    page = tables.table(rows, columns, "Reads whose qualities were taken away", command)
    (arguments.output / "without-qualities.md").write_text(page)


if __name__ == "__main__":
    main()
