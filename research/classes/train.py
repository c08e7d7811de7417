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
LEVELS = (0, 2, 4)  # times that seeds are halved
FIRST = 9  # features, with the constant, that count whether seeds are sampled or not
ROUNDS = 100


def more(x: np.ndarray, offset: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Returns the weights of further features, by Newton's method; those of the others are in `offset` already."""
    found = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-offset - x @ found))
        step = np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(len(found)), x.T @ (w * (y - p)) - 1e-3 * found)
        # A long step may lead far away.
        found += step * min(1.0, 0.1 / np.abs(step).max())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--debian", type=Path, required=True)
    parser.add_argument("--classify", type=Path, required=True)
    parser.add_argument("--rows", type=Path, help="write what is trained on, as npz")
    arguments = parser.parse_args()
    features, labels, weights, names, levels = [], [], [], [], []
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
            program.write(Path(folder) / "reads.fastq", reads)
            for level in LEVELS:
                index = program.build(arguments.classify, Path(folder), {**classes, **filler}, f"level={level}")
                columns, rows = program.rows(arguments.classify, index, Path(folder) / "reads.fastq")
                first, last = columns.index("beyond"), columns.index("hit_level") + 1
                names.append(np.array([row[0] for row in rows]))
                of_class = np.array([not row[0].startswith("none") for row in rows])
                features.append(np.array([row[first:last] for row in rows], float))
                labels.append(of_class)
                levels.append(np.full(len(rows), level))
                weights.append(np.where(of_class, 1 / of_class.sum(), 1 / (~of_class).sum()))
    if arguments.rows:
        np.savez(arguments.rows, x=np.concatenate(features), y=np.concatenate(labels), w=np.concatenate(weights), names=np.concatenate(names))
    x, y, w = np.concatenate(features), np.concatenate(labels), np.concatenate(weights)
    level = np.concatenate(levels)
    # The first weights are those of all seeds; the others, of a sample, leave them as they are.
    whole, sampled = level == 0, level > 0
    w *= whole.sum() / w[whole].sum()
    model = LogisticRegression(C=1e3, tol=1e-6, max_iter=50000).fit(x[whole, : FIRST - 1], y[whole], sample_weight=w[whole])
    of_sample = more(x[sampled, FIRST - 1 :], model.decision_function(x[sampled, : FIRST - 1]), y[sampled].astype(float), w[sampled])
    found = [round(float(v), 4) for v in (model.intercept_[0], *model.coef_[0], *of_sample)]
    p = model.predict_proba(x[whole, : FIRST - 1])[np.arange(whole.sum()), y[whole].astype(int)]
    loss = -np.average(np.log(p), weights=w[whole])
    RESULTS.mkdir(exist_ok=True)
    command = "python research/classes/train.py --data DIR --debian DIR --classify PATH"
    result = {"command": command, "features": ["one", *columns[first:last]], "weights": found, "reads": int(whole.sum()), "log_loss": round(float(loss), 5)}
    (RESULTS / "weights.json").write_text(json.dumps(result, indent=1) + "\n")
    print(result)


if __name__ == "__main__":
    main()
