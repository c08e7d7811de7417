"""Ends of reads that are not of the sample, by k-mers which many reads have at their ends and hardly any elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from support import canonical

K = 17
WINDOW = 150  # bases at an end in which its k-mers are looked for
READS = 2000  # that are looked at
LEAST = 0.05  # fraction of the reads that have the same k-mer at the end: barcodes are found, primers of tiled amplicons are not
FEWEST = 10  # reads that have it
ELSEWHERE = 0.3  # largest ratio of a k-mer's number elsewhere to the number at the end
SHOWN = 0.5  # fraction of the reads with such k-mers; below, the run shows no end
PART = 4  # an end is at most a fourth of the read


@dataclass(frozen=True)
class End:
    """One end of the reads of a run."""

    at_start: bool
    kmers: np.ndarray
    share: float = 0.0  # of the reads: those with one of the k-mers
    median: int = 0  # bases, of these reads

    @property
    def is_shown(self) -> bool:
        """Whether most reads have it."""
        return self.share >= SHOWN

    def found(self, bases: np.ndarray) -> int | None:
        """Bases from the end of a read up to the far end of its innermost k-mer; None without any."""
        window = min(WINDOW, len(bases) // PART)
        places = np.flatnonzero(np.isin(canonical(outermost(bases, window, self.at_start), K), self.kmers))
        if not len(places):
            return None
        return int(places[-1]) + K if self.at_start else window - int(places[0])

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
        often = (kmers >= 0) & (many >= max(LEAST * len(long), FEWEST))
        kmers, many = kmers[often], many[often]
        elsewhere = np.zeros(len(kmers))
        if len(inside):
            place = np.minimum(np.searchsorted(inside, kmers), len(inside) - 1)
            elsewhere = np.where(inside[place] == kmers, many_inside[place], 0)
        end = End(at_start, kmers[elsewhere <= ELSEWHERE * many])
        lengths = sorted(length for bases in reads if (length := end.found(bases)) is not None)
        ends.append(End(at_start, end.kmers, len(lengths) / max(len(reads), 1), lengths[len(lengths) // 2] if lengths else 0))
    return ends[0], ends[1]
