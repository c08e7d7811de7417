#!/usr/bin/env python3
"""Does a small network, as the last judge of candidates, rank them better than the test alone?

    judge.py --sets DIR --bm BM [--output FILE]

DIR is that of measure.py. For each run of ``train``, a network learns from the spiked sets of the other runs, and ranks the calls of this run; for
``devtest``, one that learned from all of ``train``. The test alone ranks by QUAL, with doubted calls last.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import evaluate
import numpy as np
import pysam

HIDDEN = 12
STEPS = 1500
RATE = 0.02
DECAY = 1e-3
NETWORKS = 5
DOUBTS = ("strand_bias", "place_bias", "near_gap", "low_depth")


@dataclass
class Candidates:
    """The candidates of one set."""

    run: str
    features: np.ndarray  # float [candidates, features]
    is_right: np.ndarray  # bool [candidates]
    score: np.ndarray  # float [candidates], of the test alone
    variants: int


def features(record: pysam.VariantRecord) -> list[float]:
    """What the pileup shows of a candidate."""
    info = record.info
    forward, reverse, alt_forward, alt_reverse = info["DP4"]
    found = alt_forward + alt_reverse
    size = len(record.alts[0]) - len(record.ref)
    doubts = [float(it in record.filter.keys()) for it in DOUBTS]
    return [
        np.log1p(max(record.qual, 0)),
        np.log(max(info["AF"][0], 1e-4)),
        np.log(info["DP"]),
        np.log1p(found),
        np.log1p(info["EE"]),
        np.log1p(info["SBP"]),
        np.log1p(info["PBP"]),
        info["NE"] / max(found, 1),
        min(alt_forward, alt_reverse) / max(found, 1),
        min(forward, reverse) / max(forward + reverse, 1),
        info["HRUN"],
        float(size < 0),
        float(size > 0),
        np.log1p(abs(size)),
        *doubts,
    ]


def candidates(folder: Path, bm: Path) -> Candidates:
    """Call a set, and judge the candidates."""
    data = evaluate.Set(folder)
    rows, right, score = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "calls.vcf"
        evaluate.run(f"{bm} call {folder}/spiked.bam -r {folder}/ref.fa -o {out} -q -j 2")
        with pysam.VariantFile(str(out)) as file:
            for record in file:
                if record.chrom != data.chrom:
                    continue
                key = evaluate.normalised(data.reference, record.pos, record.ref, record.alts[0])[0]
                if key not in data.truth and key[0] in data.own:
                    continue
                rows.append(features(record))
                right.append(key in data.truth)
                doubted = set(record.filter.keys()) - {"PASS", "low_quality", "low_depth"}
                score.append(record.qual - 1e6 * bool(doubted))
    return Candidates(folder.name.rsplit(".", 1)[0], np.array(rows), np.array(right), np.array(score), len(data.truth))


class Network:
    """One hidden layer, trained by Adam on the logistic loss."""

    def __init__(self, x: np.ndarray, y: np.ndarray, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.mean, self.scale = x.mean(axis=0), x.std(axis=0) + 1e-6
        x = (x - self.mean) / self.scale
        self.weights = [rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], HIDDEN)), np.zeros(HIDDEN), rng.normal(0, HIDDEN**-0.5, HIDDEN), np.zeros(())]
        first, second = [np.zeros_like(w) for w in self.weights], [np.zeros_like(w) for w in self.weights]
        for step in range(1, STEPS + 1):
            w1, b1, w2, b2 = self.weights
            hidden = np.tanh(x @ w1 + b1)
            wrong = (1 / (1 + np.exp(-(hidden @ w2 + b2))) - y) / len(y)
            back = wrong[:, None] * w2 * (1 - hidden**2)
            gradients = [x.T @ back + DECAY * w1, back.sum(axis=0), hidden.T @ wrong + DECAY * w2, wrong.sum()]
            for at, gradient in enumerate(gradients):
                first[at] = 0.9 * first[at] + 0.1 * gradient
                second[at] = 0.999 * second[at] + 0.001 * gradient**2
                change = first[at] / (1 - 0.9**step) / (np.sqrt(second[at] / (1 - 0.999**step)) + 1e-8)
                self.weights[at] = self.weights[at] - RATE * change

    def __call__(self, x: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = self.weights
        return np.tanh((x - self.mean) / self.scale @ w1 + b1) @ w2 + b2


def ranked(data: Candidates, score: np.ndarray) -> float:
    """Average precision of a ranking."""
    return evaluate.average_precision(data.is_right[np.argsort(-score, kind="stable")], data.variants)


def compare(learn: list[Candidates], test: list[Candidates]) -> dict:
    """Average precision of the test alone and with networks that learned from other sets."""
    x = np.concatenate([it.features for it in learn])
    y = np.concatenate([it.is_right for it in learn]).astype(float)
    networks = [Network(x, y, seed) for seed in range(NETWORKS)]
    rows = [[ranked(it, it.score), ranked(it, sum(network(it.features) for network in networks))] for it in test]
    return {"sets": len(rows), "test_alone": float(np.mean(rows, axis=0)[0]), "with_network": float(np.mean(rows, axis=0)[1])}


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    sides = {
        side: [candidates(it.parent, args.bm) for it in sorted((args.sets / f"{side}-spiked").glob("*/covered.tsv"))] for side in ("train", "devtest")
    }
    results = {}
    for run in sorted({it.run for it in sides["train"]}):
        results[run] = compare([it for it in sides["train"] if it.run != run], [it for it in sides["train"] if it.run == run])
    for run in sorted({it.run for it in sides["devtest"]}):
        results[run] = compare(sides["train"], [it for it in sides["devtest"] if it.run == run])
    for run, figures in results.items():
        print(f"{run:28} {figures['sets']} sets  test alone {figures['test_alone']:.3f}  with network {figures['with_network']:.3f}")
    if args.output:
        args.output.write_text(json.dumps(results, indent=1) + os.linesep)


if __name__ == "__main__":
    main()
