#!/usr/bin/env python3
"""How well long reads are ranked where only one in two, four or eight of the run's k-mers fit in memory.

    python research/long-reads/sampled.py --data DIR --example PATH       results/sampled.{json,md}

PATH is the example of `bm-long` that estimates the error rate of each read of a file (`cargo build --release -p bm-long --example long_reads`);
its last argument says how often the k-mers are halved. AUC of the label "more errors than the run's median", as in research/evaluation.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

# Before this folder, which has another long_reads.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("no-qualities", "evaluation")]
import long_reads  # noqa: E402
import metrics  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

HERE = Path(__file__).resolve().parent
LEVELS = (0, 1, 2, 3)
K = 17


def rates(example: Path, run: long_reads.Run, level: int) -> np.ndarray:
    """Errors per base of each read that counts, as estimated with one in 2^level k-mers."""
    with tempfile.NamedTemporaryFile(suffix=".fastq") as text:
        for file in run.files:
            with gzip.open(file) as source:
                shutil.copyfileobj(source, text)
        text.flush()
        words = [str(example), text.name, str(K), str(level)]
        rows = csv.DictReader(io.StringIO(subprocess.run(words, check=True, capture_output=True, text=True).stdout), delimiter="\t")
        found = {row["name"].split()[0]: float(row["error_rate"]) for row in rows}
    return np.array([found[name] for name in run.names])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--example", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    rows = []
    for table in truth.find(arguments.data):
        run = long_reads.load(table)
        if run is None:
            continue
        bad = run.rate > np.median(run.rate)
        row = {"run": run.name, "EE": metrics.auc_of(bad, run.reported)}
        row |= {f"1 in {1 << level}": metrics.auc_of(bad, rates(arguments.example.resolve(), run, level)) for level in LEVELS}
        rows.append(row)
        print(row, flush=True)
    command = "python research/long-reads/sampled.py --data DIR --example PATH"
    tables.write(arguments.output / "sampled.json", command, rows)
    shown = [{key: value if key == "run" else f"{value:.3f}" for key, value in row.items()} for row in rows]
    text = tables.table(shown, list(shown[0]), "Long reads ranked with a part of the k-mers: AUC", command)
    explained = __doc__.split("\n\n")[-1].replace("\n", " ").strip()
    (arguments.output / "sampled.md").write_text(text.replace("\n| run", f"\n{explained}\n\n| run", 1))


if __name__ == "__main__":
    main()
