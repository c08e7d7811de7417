#!/usr/bin/env python3
"""Trains the logistic layer of bm-classes: whether a read is of any class.

    python research/classes/train.py --data DIR --debian DIR --classify PATH

Prints the weights, and writes results/weights.json. It needs scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import drawing
import program
import real
import sets

RESULTS = Path(__file__).resolve().parent / "results"
READS = 1500  # of each class
LARGE = 35_000_000  # random bases in a class of their own, for what large references do by chance
REAL = 400  # of each run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--debian", type=Path, required=True)
    parser.add_argument("--classify", type=Path, required=True)
    parser.add_argument("--rows", type=Path, help="write what is trained on, as npz")
    arguments = parser.parse_args()
    features, labels, weights, names = [], [], [], []
    viruses, others = sets.choosing(arguments.data, arguments.debian, bacteria=False)
    everything, _ = sets.choosing(arguments.data, arguments.debian, bacteria=True)
    random = {"random": [np.random.default_rng(3).integers(0, 4, LARGE).astype(np.uint8)]}
    one = {"phage": viruses["phage"]}
    without = {name: genome for name, genome in viruses.items() if name != "phage"}
    bacteria = {name: genome for name, genome in everything.items() if name not in viruses}
    exchanged = {**viruses, **others}
    cases = ((one, {**others, **without}, {}), (viruses, others, {}), (everything, others, {}), (everything, others, random), (exchanged, bacteria, {}))
    for classes, others, filler in cases:
        draw = np.random.default_rng(11)
        reads = drawing.mixture(classes, READS * (4 if classes is one else 1), draw, none=False)
        reads += drawing.mixture(others, READS * 4 * max(1, len(classes) // 4) // len(others), draw, none=True)
        if classes is viruses:
            reads += drawing.of_runs(arguments.data, real.TRAINING, REAL)
        with tempfile.TemporaryDirectory() as folder:
            index = program.build(arguments.classify, Path(folder), {**classes, **filler})
            program.write(Path(folder) / "reads.fastq", reads)
            columns, rows = program.rows(arguments.classify, index, Path(folder) / "reads.fastq")
        first = columns.index("beyond")
        names.append(np.array([row[0] for row in rows]))
        of_class = np.array([not row[0].startswith("none") for row in rows])
        features.append(np.array([row[first : first + 8] for row in rows], float))
        labels.append(of_class)
        weights.append(np.where(of_class, 1 / of_class.sum(), 1 / (~of_class).sum()))
    if arguments.rows:
        np.savez(arguments.rows, x=np.concatenate(features), y=np.concatenate(labels), w=np.concatenate(weights), names=np.concatenate(names))
    x, y, w = np.concatenate(features), np.concatenate(labels), np.concatenate(weights)
    w *= len(y) / w.sum()
    model = LogisticRegression(C=1e3, tol=1e-6, max_iter=50000).fit(x, y, sample_weight=w)
    found = [round(float(v), 4) for v in (model.intercept_[0], *model.coef_[0])]
    loss = -np.average(np.log(model.predict_proba(x)[np.arange(len(y)), y.astype(int)]), weights=w)
    RESULTS.mkdir(exist_ok=True)
    command = "python research/classes/train.py --data DIR --debian DIR --classify PATH"
    result = {"command": command, "features": ["one", *columns[first : first + 8]], "weights": found, "reads": len(y), "log_loss": round(float(loss), 5)}
    (RESULTS / "weights.json").write_text(json.dumps(result, indent=1) + "\n")
    print(result)


if __name__ == "__main__":
    main()
