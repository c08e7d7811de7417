"""The rules that a model has to beat, and models as `bm score` tells of them: each gives a `Judgement`."""

from __future__ import annotations

import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from metrics import MethodOutput
from truth import Reads

MEAN_Q = "mean Q >= 20"
EE_RATE = "EE/len <= 1 %"
EE_ONE = "EE <= 1"
LOGISTIC = "logistic"
RULES = (MEAN_Q, EE_RATE, EE_ONE, LOGISTIC)
LEARNED = "read-error"  # the model that is trained on truth
LEFT_OUT = "read-error, run left out"

RIDGE = 1e-6  # on standardised features and a mean loss: keeps weights finite where classes are apart, and is nothing elsewhere
FEATURES = ("log10 of EE/len", "mean Q", "standard deviation of Q", "mean Q of the last 10 bases", "share of bases below Q15")


def mean_q20(reads: Reads) -> MethodOutput:
    """Mean Phred score of at least 20. It predicts no errors."""
    badness = -reads.mean_q
    return MethodOutput(badness, badness, reads.mean_q >= 20)


def ee_rate(reads: Reads) -> MethodOutput:
    """Expected errors of at most 1 % of the bases: Edgar and Flyvbjerg 2015, by length."""
    rate = reads.ee / reads.length
    return MethodOutput(rate, rate, rate <= 0.01, reads.ee)


def ee_one(reads: Reads) -> MethodOutput:
    """At most one expected error in the read: Edgar and Flyvbjerg 2015."""
    return MethodOutput(reads.ee, reads.ee, reads.ee <= 1, reads.ee)


# ------------------------------------------------------------------------------------- logistic regression


def features(reads: Reads) -> np.ndarray:
    """What the logistic regression sees, float64 [reads, 5]; `FEATURES` names the columns."""
    columns = (np.log10(reads.ee / reads.length), reads.mean_q, reads.sd_q, reads.end_q, reads.low_share)
    return np.stack(columns, axis=1)


class LogisticRegression:
    """P(y) = sigmoid(a + x·b) by Newton's method on standardised features, from zero: no draw, so no seed.

    Parameters
    ----------
    x : float array [reads, features]
    y : bool array [reads]
    weight : float array [reads]
        Of any sum; it is made 1.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        weight = weight / weight.sum()
        self.mean = weight @ x
        self.scale = np.sqrt(weight @ (x - self.mean) ** 2)
        self.scale[self.scale < 1e-9] = 1.0  # a feature that never changes says nothing
        z = np.c_[np.ones(len(x)), (x - self.mean) / self.scale]  # [reads, 1 + features]
        ridge = np.diag(np.r_[RIDGE, np.full(x.shape[1], RIDGE)])  # the constant too: one class alone would send it to infinity
        beta = np.zeros(z.shape[1])

        def loss(b: np.ndarray) -> float:
            logit = z @ b
            return float(weight @ (np.logaddexp(0, logit) - y * logit) + b @ ridge @ b / 2)

        best = loss(beta)
        for _ in range(100):
            p = sigmoid(z @ beta)
            gradient = z.T @ (weight * (p - y)) + ridge @ beta
            hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge
            step = np.linalg.solve(hessian, gradient)
            size = 1.0
            while (after := loss(beta - size * step)) > best and size > 1e-6:
                size /= 2
            if best - after < 1e-12:
                break
            beta, best = beta - size * step, after
        self.beta = beta

    def logit(self, x: np.ndarray) -> np.ndarray:
        """Log-odds of y, float64 [reads]."""
        return self.beta[0] + (x - self.mean) / self.scale @ self.beta[1:]

    def coefficients(self) -> np.ndarray:
        """The constant and a factor a feature, as if nothing had been standardised, float64 [1 + features]."""
        slope = self.beta[1:] / self.scale
        return np.r_[self.beta[0] - slope @ self.mean, slope]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without an overflow."""
    return np.exp(-np.logaddexp(0, -x))


def training_sets(evaluated: Reads, sets: list[Reads], platform: dict[str, str]) -> list[Reads]:
    """What a judge of ``judged`` may be trained on.

    Sets below ``train`` (all, where the data has no such part), of the same platform (of any, where there is none), and
    never the judged run: neither the set itself nor another one of the same flow cell.
    """
    others = [s for s in sets if s.name != evaluated.name and s.run != evaluated.run]
    if any(s.part.split("/")[0] == "train" for s in sets):
        others = [s for s in others if s.part.split("/")[0] == "train"]
    same = [s for s in others if platform.get(s.name) == platform.get(evaluated.name)]
    return same or others


def logistic(evaluated: Reads, training: list[Reads]) -> MethodOutput:
    """P(errors / scored <= 1 %) from five summary features, learned on other runs, each run with the same weight."""
    x = np.concatenate([features(s) for s in training])
    y = np.concatenate([s.good for s in training])
    weight = np.concatenate([np.full(len(s), 1 / len(s)) for s in training])
    logit = LogisticRegression(x, y, weight).logit(features(evaluated))
    badness = -logit
    return MethodOutput(badness, badness, logit >= 0)


# --------------------------------------------------------------------------------------------------- models


def embedded_models(bm: Path) -> list[str]:
    """Ids of the models that ``bm`` carries."""
    table = subprocess.run([bm, "models"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [row["model"] for row in csv.DictReader(table, delimiter="\t")]


def score(bm: Path, model: str, reads: Reads) -> tuple[MethodOutput, int]:
    """What a model says through ``bm score``, and how many of the reads it did not score.

    A table with a column ``expected_errors`` is ranked by it (for the error rate divided by the length) and has a
    calibration; one without is ranked by ``probability``. The verdict is the table's own. A read that was not scored
    ranks behind all others and is not kept, as `bm filter` does by default.
    """
    columns: dict[str, list[str]] = {}
    for file in reads.files:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder, "scores.tsv")
            subprocess.run([bm, "score", "--quiet", "--model", model, "--output", table, file], check=True)
            with table.open(encoding="utf-8", newline="") as lines:
                head = next(lines).rstrip("\n").split("\t")
                rows = [line.rstrip("\n").split("\t") for line in lines]
        for name, values in zip(head, zip(*rows)):
            columns.setdefault(name, []).extend(values)
    return judged_by(columns, reads)


def judged_by(columns: dict[str, list[str]], reads: Reads) -> tuple[MethodOutput, int]:
    """`score`'s answer from the columns of its tables, a row a record of all files."""
    if len(columns["read"]) != reads.records:
        raise SystemExit(f"{reads.name}: {reads.records} records, but bm scored {len(columns['read'])}")

    def column(name: str, kind: type) -> np.ndarray:  # [reads]
        return np.array(columns[name])[reads.row].astype(kind)

    if (column("length", np.int64) != reads.length).any():
        raise SystemExit(f"{reads.name}: bm tells other lengths than the truth table")
    verdict = column("verdict", str)
    unscored = verdict == "unscored"
    if "expected_errors" in columns:
        errors = column("expected_errors", np.float64)
        by_count = np.where(unscored, np.inf, errors)
        by_rate, predicted = by_count / reads.length, np.where(unscored, 0.0, errors)
    else:
        by_rate = by_count = np.where(unscored, np.inf, -column("probability", np.float64))
        predicted = None
    return MethodOutput(by_rate, by_count, verdict == "pass", predicted), int(unscored.sum())
