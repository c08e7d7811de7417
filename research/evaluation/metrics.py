"""Figures that measure how well a method separates good reads from bad ones, with bootstrap intervals.

Every function takes one weight per read, so that a bootstrap resample is a vector of counts and not a copy of the reads.
A *badness* is any number that is larger for reads ranked as worse; it is infinite for a read without a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RETENTIONS = (0.5, 0.7, 0.8, 0.9, 0.95)  # fractions of reads kept, best first
# Bins of the reliability curve, by the Phred scale of the predicted errors per base. The outer ones are open.
RELIABILITY_EDGES = np.arange(5.0, 45.1, 2.5)


class Ranking:
    """Reads sorted by badness, ties grouped; sorted once, then used with many weights.

    Parameters
    ----------
    badness : float array [reads]
    """

    def __init__(self, badness: np.ndarray) -> None:
        if np.isnan(badness).any():
            raise ValueError("a badness is NaN")
        self.order = np.argsort(badness, kind="stable")
        ordered = badness[self.order]
        self.last = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])  # [groups], where each tie ends

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of ``values`` [reads] over each group of ties, best first, [groups]."""
        return self.ordered_sums(values[self.order])

    def ordered_sums(self, values: np.ndarray) -> np.ndarray:
        """Like `sums`, for values already in this order; they are whole numbers, so the difference is exact."""
        return np.diff(np.cumsum(values)[self.last], prepend=0.0)


def auc(bad: np.ndarray, total: np.ndarray) -> float:
    """Probability that a bad read ranks behind a good one, ties counting one half; nan if one class is empty.

    Parameters
    ----------
    bad, total : float array [groups]
        Weight of the bad reads and of all reads in each group of ties, best first, from `Ranking.sums`.
    """
    good = total - bad
    pairs = bad.sum() * good.sum()
    if pairs == 0:
        return float("nan")
    return float((bad * (np.cumsum(good) - good / 2)).sum() / pairs)


def auc_of(bad: np.ndarray, badness: np.ndarray) -> float:
    """`auc` of items, none of which counts more than another.

    Parameters
    ----------
    bad : bool array [items]
    badness : float array [items]
    """
    ranking = Ranking(badness)
    return auc(ranking.sums(bad.astype(np.float64)), ranking.sums(np.ones(len(bad))))


def bad_fraction(bad: np.ndarray, total: np.ndarray, retention: float) -> float:
    """Fraction of bad reads among the best ``retention`` of all; a tie at the limit contributes its mean.

    Parameters
    ----------
    bad, total : float array [groups]
        As for `auc`.
    """
    wanted = retention * total.sum()
    after = np.cumsum(total)
    border = min(int(np.searchsorted(after, wanted)), len(total) - 1)
    before = after[border] - total[border]
    part = (wanted - before) / total[border] if total[border] else 0.0
    return float((bad[:border].sum() + part * bad[border]) / wanted)


def mcc(tp: float, fp: float, fn: float, tn: float) -> float:
    """Matthews correlation coefficient; 0 if a row or a column of the confusion table is empty."""
    product = float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn)
    return float((tp * tn - fp * fn) / product**0.5) if product else 0.0


def log2_ratio(predicted: float, true: float) -> float:
    """log2(predicted / true errors): 1 means twice too many predicted; nan if either number is 0."""
    return float(np.log2(predicted / true)) if predicted > 0 and true > 0 else float("nan")


@dataclass
class MethodOutput:
    """Output of one method (a rule or a model) for the reads of one set; arrays are [reads]."""

    by_rate: np.ndarray  # badness by error rate: for the label "errors / scored bases <= 1 %"
    by_count: np.ndarray  # badness by number of errors: for the labels "at least N errors"
    keep: np.ndarray  # bool, the verdict at the default threshold
    predicted: np.ndarray | None = None  # predicted errors in the whole read; None if the method predicts none


@dataclass
class Labels:
    """Ground truth of the reads of one set; arrays are [reads]."""

    errors: np.ndarray
    scored: np.ndarray
    length: np.ndarray
    good: np.ndarray


class Measure:
    """All figures of one method on one set, for any weights of the reads."""

    def __init__(self, output: MethodOutput, labels: Labels) -> None:
        self.output, self.labels = output, labels
        self.by_rate = Ranking(output.by_rate)
        self.by_count = self.by_rate if output.by_count is output.by_rate else Ranking(output.by_count)
        # Each in the order of its ranking, [reads].
        self.bad = (~labels.good)[self.by_rate.order]
        self.with_1, self.with_3 = (labels.errors[self.by_count.order] >= count for count in (1, 3))
        good, keep = labels.good, output.keep
        cells = [good & keep, ~good & keep, good & ~keep, ~good & ~keep]
        self.cells = np.stack(cells).astype(np.float64)  # [4, reads]: tp, fp, fn, tn
        # Rows: bases of kept reads, bases of all reads, errors of kept reads, scored bases of kept reads; [4, reads].
        left = [labels.length * keep, labels.length, labels.errors * keep, labels.scored * keep]
        self.left = np.stack(left).astype(np.float64)
        # True errors were counted on the scored bases only, so the prediction is scaled to them, as if spread evenly.
        predicted = output.predicted
        self.predicted = None if predicted is None else predicted * labels.scored / labels.length

    def figures(self, weight: np.ndarray) -> dict[str, float]:
        """Each figure by name, with ``weight`` [reads]."""
        ordered = weight[self.by_rate.order]
        total, bad = self.by_rate.ordered_sums(ordered), self.by_rate.ordered_sums(ordered * self.bad)
        by_count = total
        if self.by_count is not self.by_rate:
            ordered = weight[self.by_count.order]
            by_count = self.by_count.ordered_sums(ordered)
        cells = self.cells @ weight
        out = {
            "mcc": mcc(*cells),
            "auc": auc(bad, total),
            "auc_1_error": auc(self.by_count.ordered_sums(ordered * self.with_1), by_count),
            "auc_3_errors": auc(self.by_count.ordered_sums(ordered * self.with_3), by_count),
            "kept": float((cells[0] + cells[1]) / cells.sum()),
            "bad_among_kept": float(cells[1] / (cells[0] + cells[1])) if cells[0] + cells[1] else float("nan"),
        }
        kept_bases, bases, errors, scored = self.left @ weight
        out["bases_kept"] = float(kept_bases / bases)
        out["errors_per_mb"] = float(1e6 * errors / scored) if scored else float("nan")
        out |= {f"bad_at_{100 * retention:.0f}": bad_fraction(bad, total, retention) for retention in RETENTIONS}
        true = self.labels.errors @ weight
        out["log2_ratio"] = float("nan") if self.predicted is None else log2_ratio(self.predicted @ weight, true)
        return out

    def reliability(self) -> list[dict[str, float]]:
        """Predicted and measured errors per base, in bins of the predicted; empty if the method predicts no errors."""
        predicted = self.output.predicted
        if predicted is None:
            return []
        phred = -10 * np.log10(np.maximum(predicted, 1e-12) / self.labels.length)
        bins = np.digitize(phred, RELIABILITY_EDGES)
        curve = []
        for number in np.unique(bins):
            inside = bins == number
            curve.append({
                "reads": int(inside.sum()),
                "predicted": float(predicted[inside].sum() / self.labels.length[inside].sum()),
                "measured": float(self.labels.errors[inside].sum() / self.labels.scored[inside].sum()),
            })  # fmt: skip
        return curve


def main_figures(output: MethodOutput, labels: Labels) -> dict[str, float]:
    """MCC, AUC and log2(predicted / true errors) of one method, without intervals."""
    found = Measure(output, labels).figures(np.ones(len(labels.good)))
    return {key: found[key] for key in ("mcc", "auc", "log2_ratio")}


def resamples(reads: int, count: int, seed: int):
    """Bootstrap resamples as weights: yields ``count`` vectors float64 [reads] of how often each read was drawn."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.bincount(rng.integers(0, reads, reads), minlength=reads).astype(np.float64)


def measured(measures: dict[str, Measure], reads: int, count: int, seed: int, reference: str) -> dict[str, dict]:
    """Figures of each method with 95 % intervals, and their differences from those of the method ``reference``.

    All methods use the same resamples, so the intervals of the differences are paired.

    Returns
    -------
    dict
        By method: ``{"figures": {name: [value, low, high]}, "difference": {name: [value, low, high]}}``. An undefined
        figure is nan; a resample in which a figure is undefined is left out of its interval.
    """
    points = {name: measure.figures(np.ones(reads)) for name, measure in measures.items()}
    drawn: dict[str, list[list[float]]] = {name: [] for name in measures}
    for weight in resamples(reads, count, seed):
        for name, measure in measures.items():
            drawn[name].append(list(measure.figures(weight).values()))
    out = {}
    for name, point in points.items():
        values, against = np.array(drawn[name]).reshape(count, -1), np.array(drawn[reference]).reshape(count, -1)
        base = points[reference]
        out[name] = {
            "figures": {key: interval(value, values[:, i]) for i, (key, value) in enumerate(point.items())},
            "difference": {
                key: interval(point[key] - base[key], (values - against)[:, i])
                for i, key in enumerate(point)
                if name != reference and key in ("mcc", "auc")
            },
        }
    return out


def interval(value: float, drawn: np.ndarray) -> list[float]:
    """``[value, low, high]``: the value and the middle 95 % of its resamples ``drawn`` [resamples]."""
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (float("nan"), float("nan"))
    return [value, float(low), float(high)]
