"""Where a read was cut, and how right that is.

A cut read keeps the bases from ``begin`` up to ``to``, both counted in the read as it was; all else is taken as not of the sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

TAILS = ((1, 3), (4, 6), (7, 12), (13, None))  # bases that are not of the sample, both limits included


class Unexplained(Exception):
    """A program's output that is no part of its input."""


def kept_range(sequence: bytes, quality: bytes, out: bytes, out_quality: bytes) -> tuple[int, int]:
    """Which part of the read was written, (begin, to); (0, 0) if nothing was.

    The part has the same bases. Where several parts do, it is the one whose qualities differ least (BBDuk writes another quality for N),
    then the first. Raises `Unexplained` if there is none.
    """
    if not out:
        return 0, 0
    best, fewest = -1, len(out) + 1
    begin = sequence.find(out)
    while begin >= 0 and fewest:
        part = quality[begin : begin + len(out)]
        differing = 0 if part == out_quality else sum(was != now for was, now in zip(part, out_quality, strict=True))
        if differing < fewest:
            best, fewest = begin, differing
        begin = sequence.find(out, begin + 1)
    if best < 0:
        raise Unexplained("the output is no part of the read")
    return best, best + len(out)


@dataclass
class Cuts:
    """What a program kept of each read; arrays are int [reads]."""

    length: np.ndarray  # of the read as it was
    begin: np.ndarray
    to: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Whether nothing of the read is left, bool [reads]."""
        return self.to <= self.begin


def matthews(tp: int, fp: int, fn: int, tn: int) -> float:
    """Matthews correlation; nan if a row or column of the table is empty."""
    product = float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn)
    return (float(tp) * tn - float(fp) * fn) / math.sqrt(product) if product else math.nan


def of_adapters(cuts: Cuts, end: np.ndarray) -> dict:
    """Figures of one set. ``end``: number of bases of the sample, int [reads]; negative where it is not known.

    Base level: a base is positive if it is not of the sample, and found if it was cut. Ends: ``to`` at most one base from the end.
    """
    known = end >= 0
    length, begin, to, end = (each[known].astype(int) for each in (cuts.length, cuts.begin, cuts.to, end))
    begin, to = np.where(to <= begin, 0, begin), np.where(to <= begin, 0, to)  # all of a lost read is cut
    sample_kept = np.maximum(np.minimum(to, end) - begin, 0)
    foreign_kept = np.maximum(to - np.maximum(begin, end), 0)
    foreign, sample = length - end, end
    tp, fn = int((foreign - foreign_kept).sum()), int(foreign_kept.sum())
    fp, tn = int((sample - sample_kept).sum()), int(sample_kept.sum())
    untouched = (begin == 0) & (to == length)
    clean = foreign == 0
    right = {}
    for least, most in TAILS:
        of = (foreign >= least) & (foreign <= (most or foreign.max(initial=0)))
        right[f"{least}-{most}" if most else f"{least}+"] = {
            "reads": int(of.sum()),
            "right": float((np.abs(to - end)[of] <= 1).mean()) if of.any() else math.nan,
        }
    return {
        "reads": len(end), "foreign_bases": int(foreign.sum()), "sample_bases": int(sample.sum()),
        "tp": tp, "fp": fp, "fn": fn, "tn": tn,
        "precision": tp / (tp + fp) if tp + fp else math.nan,
        "recall": tp / (tp + fn) if tp + fn else math.nan,
        "mcc": matthews(tp, fp, fn, tn),
        "clean_reads": int(clean.sum()),
        "clean_cut": float((~untouched)[clean].mean()) if clean.any() else math.nan,
        "ends": right,
        "lost": int((to <= begin).sum()),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ quality trimming


@dataclass
class Errors:
    """The compared part of each read and its errors."""

    inside: np.ndarray  # int [reads, 2]: the part that was compared with the reference, from and to
    read: np.ndarray  # int [errors]: the read of each error
    place: np.ndarray  # int [errors]: its base
    is_base: np.ndarray  # bool [errors]: whether it is a wrong base, as a deletion is not


def of_quality(cuts: Cuts, errors: Errors) -> tuple[int, int]:
    """(right bases kept, errors left), both within the compared part of the reads."""
    low = np.maximum(cuts.begin, errors.inside[:, 0])
    high = np.minimum(cuts.to, errors.inside[:, 1])
    kept = int(np.maximum(high - low, 0).sum())
    left = (errors.place >= low[errors.read]) & (errors.place < high[errors.read])
    return kept - int((left & errors.is_base).sum()), int(left.sum())


def rate_at(curve: Iterable[tuple[float, float]], kept: float) -> float:
    """Errors per base at this share of right bases kept, between the two nearest points; nan outside the curve.

    ``curve``: (share of right bases kept, errors per right base) of each setting, in any order. Where a setting is no better than one
    that keeps more, the better one counts: nobody would choose the other.
    """
    points = sorted(curve, reverse=True)
    frontier: list[tuple[float, float]] = []
    for share, rate in points:
        if not frontier or rate < frontier[-1][1]:
            if frontier and share == frontier[-1][0]:
                frontier.pop()
            frontier.append((share, rate))
    if not frontier or kept > frontier[0][0]:
        return math.nan
    for (above, high), (below, low) in zip(frontier, frontier[1:], strict=False):
        if below <= kept <= above:
            return low + (high - low) * (kept - below) / (above - below)
    return frontier[-1][1] if kept == frontier[-1][0] else math.nan


def beside_best(curves: dict[str, list[tuple[float, float]]], peers: set[str], grid: Iterable[float]) -> dict[str, float]:
    """For each program: errors left relative to the best other peer at equal right bases kept; the median over the grid.

    A point of the grid counts if the program and one of the other peers reach it. nan if there is none.
    """
    ratios: dict[str, float] = {}
    for name, curve in curves.items():
        found = []
        for kept in grid:
            own = rate_at(curve, kept)
            others = [rate_at(curves[peer], kept) for peer in peers if peer in curves and peer != name]
            others = [rate for rate in others if math.isfinite(rate)]
            if math.isfinite(own) and others and min(others) > 0:
                found.append(own / min(others))
        ratios[name] = float(np.median(found)) if found else math.nan
    return ratios
