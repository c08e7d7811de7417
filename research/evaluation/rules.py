"""The rules that a model has to beat, and the models, run through `bm score`. Each returns a `MethodOutput`."""

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

RIDGE = 1e-6  # on standardised features and a mean loss: keeps weights finite if the classes are separable, negligible otherwise
FEATURES = ("log10 of EE/len", "mean Q", "standard deviation of Q", "mean Q of the last 10 bases", "share of bases below Q15")


def mean_q20(reads: Reads) -> MethodOutput:
    """Keeps reads with a mean Phred score of at least 20. Predicts no errors."""
    badness = -reads.mean_q
    return MethodOutput(badness, badness, reads.mean_q >= 20)


def ee_rate(reads: Reads) -> MethodOutput:
    """Keeps reads whose expected errors are at most 1 % of the bases (Edgar and Flyvbjerg 2015, divided by length)."""
    rate = reads.ee / reads.length
    return MethodOutput(rate, rate, rate <= 0.01, reads.ee)


def ee_one(reads: Reads) -> MethodOutput:
    """Keeps reads with at most one expected error (Edgar and Flyvbjerg 2015)."""
    return MethodOutput(reads.ee, reads.ee, reads.ee <= 1, reads.ee)


# ------------------------------------------------------------------------------------- logistic regression


def features(reads: Reads) -> np.ndarray:
    """Input of the logistic regression, float64 [reads, 5]; `FEATURES` names the columns."""
    columns = (np.log10(reads.ee / reads.length), reads.mean_q, reads.sd_q, reads.end_q, reads.low_share)
    return np.stack(columns, axis=1)


class LogisticRegression:
    """P(y) = sigmoid(a + x·b), fitted by Newton's method on standardised features, starting at zero; deterministic.

    Parameters
    ----------
    x : float array [reads, features]
    y : bool array [reads]
    weight : float array [reads]
        Scaled to a sum of 1.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        weight = weight / weight.sum()
        self.mean = weight @ x
        self.scale = np.sqrt(weight @ (x - self.mean) ** 2)
        self.scale[self.scale < 1e-9] = 1.0  # a constant feature carries no information
        z = np.c_[np.ones(len(x)), (x - self.mean) / self.scale]  # [reads, 1 + features]
        ridge = np.diag(np.r_[RIDGE, np.full(x.shape[1], RIDGE)])  # also on the intercept, which would be infinite with a single class
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
        """Intercept and one slope per feature, for features that are not standardised, float64 [1 + features]."""
        slope = self.beta[1:] / self.scale
        return np.r_[self.beta[0] - slope @ self.mean, slope]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -x))


def training_sets(evaluated: Reads, sets: list[Reads], platform: dict[str, str]) -> list[Reads]:
    """The sets on which a method may be trained before it scores ``evaluated``.

    Sets below ``train`` (all sets, if the data has no such part) of the same platform (of any platform, if no other set has it),
    but never the evaluated run: neither the set itself nor another set of the same flow cell.
    """
    others = [s for s in sets if s.name != evaluated.name and s.run != evaluated.run]
    if any(s.part.split("/")[0] == "train" for s in sets):
        others = [s for s in others if s.part.split("/")[0] == "train"]
    same = [s for s in others if platform.get(s.name) == platform.get(evaluated.name)]
    return same or others


def logistic(evaluated: Reads, training: list[Reads]) -> MethodOutput:
    """P(errors / scored <= 1 %) from five summary features, fitted to other runs with equal weights."""
    x = np.concatenate([features(s) for s in training])
    y = np.concatenate([s.good for s in training])
    weight = np.concatenate([np.full(len(s), 1 / len(s)) for s in training])
    logit = LogisticRegression(x, y, weight).logit(features(evaluated))
    badness = -logit
    return MethodOutput(badness, badness, logit >= 0)


# --------------------------------------------------------------------------------------------------- models


def embedded_models(bm: Path) -> list[str]:
    """Ids of the models embedded in ``bm``."""
    table = subprocess.run([bm, "models"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [row["model"] for row in csv.DictReader(table, delimiter="\t")]


def score(bm: Path, model: str, reads: Reads) -> tuple[MethodOutput, int]:
    """Output of a model through ``bm score``, and the number of reads that it left unscored.

    If the table has a column ``expected_errors``, reads rank by it (divided by the length for the error rate), and there is a
    calibration. Otherwise they rank by ``probability``. The verdict is that of the table. An unscored read ranks behind all
    others and is not kept, as in `bm filter` by default.
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
    return output_of_tables(columns, reads)


def output_of_tables(columns: dict[str, list[str]], reads: Reads) -> tuple[MethodOutput, int]:
    """Like `score`, from the columns of its tables, which have one row per record of all files."""
    if len(columns["read"]) != reads.records:
        raise SystemExit(f"{reads.name}: {reads.records} records, but bm scored {len(columns['read'])}")

    def column(name: str, kind: type) -> np.ndarray:  # [reads]
        return np.array(columns[name])[reads.row].astype(kind)

    if (column("length", np.int64) != reads.length).any():
        raise SystemExit(f"{reads.name}: the lengths in bm's table differ from those in the truth table")
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
