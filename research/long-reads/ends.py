"""Ends of reads that are not of the sample, by k-mers which many reads have at their ends and hardly any elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from support import canonical

K = 17
WINDOW = 200  # bases at an end in which its k-mers are looked for
READS = 2000  # that are looked at
LEAST = 0.05  # fraction of the reads that have the same k-mer at the end: barcodes are found, primers of tiled amplicons are not
FEWEST = 10  # reads that have it
FILLED = 0.1  # fraction of the reads whose k-mers reach the inner border of the window; above, they are of the sample
ELSEWHERE = 0.3  # largest ratio of a k-mer's number elsewhere to the number at the end
SHOWN = 0.5  # fraction of the reads with such k-mers; below, the run shows no end
LONGEST = WINDOW - 30  # bases of an end that does not fill the window
PART = 4  # an end is at most a fourth of the read


@dataclass(frozen=True)
class End:
    """One end of the reads of a run."""

    at_start: bool
    kmers: np.ndarray  # sorted
    beyond: np.ndarray | None = None  # int [k-mers], bases of the end beyond each
    share: float = 0.0  # of the reads: those with one of the k-mers
    median: int = 0  # bases, of these reads

    @property
    def is_shown(self) -> bool:
        """Whether most reads have it."""
        return self.share >= SHOWN

    def found(self, bases: np.ndarray) -> int | None:
        """Bases of this end of a read, by its innermost k-mer and what usually lies beyond it; None without any."""
        depths, kmers = self.in_window(bases, min(WINDOW, len(bases) // PART))
        if not len(depths):
            return None
        innermost = int(np.argmax(depths))
        return int(depths[innermost]) + (0 if self.beyond is None else int(self.beyond[kmers[innermost]]))

    def in_window(self, bases: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
        """The k-mers of the end in a window: bases from the end of the read up to the far end of each, and its place among the k-mers."""
        if not len(self.kmers):
            return np.empty(0, int), np.empty(0, int)
        of_read = canonical(outermost(bases, window, self.at_start), K)
        place = np.minimum(np.searchsorted(self.kmers, of_read), len(self.kmers) - 1)
        at = np.flatnonzero(self.kmers[place] == of_read)
        return (at + K if self.at_start else window - at), place[at]

    def length(self, bases: np.ndarray) -> int:
        """Bases at this end that are not of the sample."""
        if not self.is_shown:
            return 0
        found = self.found(bases)
        return min(self.median if found is None else found, len(bases) // PART)


def outermost(bases: np.ndarray, number: int, at_start: bool) -> np.ndarray:
    """The first or last bases of a read."""
    return bases[:number] if at_start else bases[len(bases) - number :]


def find(reads: list[np.ndarray]) -> tuple[End, End]:
    """The ends of a run: at the start of its reads, and at their end."""
    long = [bases for bases in reads if len(bases) >= 2 * WINDOW][:READS]
    none = [np.empty(0, np.int64)]
    inside, many_inside = np.unique(np.concatenate([canonical(bases[WINDOW:-WINDOW], K) for bases in long] or none), return_counts=True)
    ends = []
    for at_start in (True, False):
        of_reads = [np.unique(canonical(outermost(bases, WINDOW, at_start), K)) for bases in long]
        kmers, many = np.unique(np.concatenate(of_reads or none), return_counts=True)
        elsewhere = np.zeros(len(kmers))
        if len(inside):
            place = np.minimum(np.searchsorted(inside, kmers), len(inside) - 1)
            elsewhere = np.where(inside[place] == kmers, many_inside[place], 0)
        often = (kmers >= 0) & (many >= max(LEAST * len(long), FEWEST)) & (elsewhere <= ELSEWHERE * many)
        ends.append(of_frequent(kmers[often], at_start, long, reads))
    return ends[0], ends[1]


def of_frequent(kmers: np.ndarray, at_start: bool, long: list[np.ndarray], reads: list[np.ndarray]) -> End:
    """The end with these k-mers; one without k-mers if they fill the window, because reads begin at few places."""
    end = End(at_start, kmers)
    in_windows = [end.in_window(bases, WINDOW) for bases in long]
    innermost = np.array([depths.max() for depths, _ in in_windows if len(depths)])
    if len(innermost) and (innermost > LONGEST).mean() > FILLED:
        return End(at_start, np.empty(0, np.int64))
    beyond: list[list[int]] = [[] for _ in kmers]
    for depths, places in in_windows:
        for depth, kmer in zip(depths, places, strict=True):
            beyond[kmer].append(int(depths.max() - depth))
    medians = [sorted(each)[(len(each) - 1) // 2] if each else 0 for each in beyond]
    end = End(at_start, kmers, np.array(medians, int))
    lengths = sorted(length for bases in reads if (length := end.found(bases)) is not None)
    return End(at_start, kmers, end.beyond, len(lengths) / max(len(reads), 1), lengths[len(lengths) // 2] if lengths else 0)
