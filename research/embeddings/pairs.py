"""Pairs of reads that overlap, of which one is changed by divergence and errors, on either strand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "classes"))
from genomes import INDELS, changed  # noqa: E402

PAD = 4  # the code of what is no base
WIDTH = 250  # bases of the longest read of training
SHORTEST_SEQUENCE = 1_500

# The relabellings of bases that keep complements: with them, one genome stands for eight, of other composition.
RELABELLINGS = np.array(
    [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [3, 1, 2, 0], [1, 0, 3, 2], [2, 3, 0, 1], [1, 3, 0, 2], [2, 0, 3, 1]],
    np.uint8,
)


def reverse_complement(bases: np.ndarray) -> np.ndarray:
    """Returns the other strand of one read."""
    return np.where(bases < 4, 3 - bases, bases)[::-1]


def stack(reads: list[np.ndarray]) -> np.ndarray:
    """Returns reads as rows of codes, padded with PAD. Shape [reads, longest]."""
    rows = np.full((len(reads), max(len(read) for read in reads)), PAD, np.uint8)
    for row, read in zip(rows, reads):
        row[: len(read)] = read
    return rows


def relabelled(genomes: dict[str, list[np.ndarray]]) -> list[np.ndarray]:
    """Returns all sequences under each relabelling of their bases."""
    tables = [np.append(table, np.uint8(4)) for table in RELABELLINGS]
    return [table[sequence] for table in tables for genome in genomes.values() for sequence in genome]


class Text:
    """All sequences one after the other, to draw pairs from."""

    def __init__(self, sequences: list[np.ndarray]) -> None:
        self.sequences = [sequence for sequence in sequences if len(sequence) >= SHORTEST_SEQUENCE]
        self.bases = np.concatenate(self.sequences)
        self.lengths = np.array([len(sequence) for sequence in self.sequences])
        self.starts = np.cumsum(self.lengths) - self.lengths
        # By the square root of the length: viruses are seen often enough, and bacteria are not repeated less than they need.
        self.weights = np.sqrt(self.lengths) / np.sqrt(self.lengths).sum()

    def changed(self, starts: np.ndarray, rates: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """Returns reads from these places, changed as ``genomes.changed`` does. Shape [reads, WIDTH]."""
        shape = (len(starts), WIDTH)
        kinds, rates = draw.random(shape), rates[:, None]
        inserted = kinds < rates * (INDELS / 2)
        deleted = ~inserted & (kinds < rates * INDELS)
        substituted = ~inserted & ~deleted & (kinds < rates)
        steps = np.where(inserted, 0, np.where(deleted, 2, 1))
        steps[:, 0] = 0
        at = np.minimum(starts[:, None] + np.cumsum(steps, 1), len(self.bases) - 1)
        codes = self.bases[at]
        other = draw.integers(1, 4, shape, dtype=np.uint8)
        codes = np.where(substituted & (codes < 4), (codes + other) % 4, codes)
        return np.where(inserted, other, codes).astype(np.uint8)

    def pairs(self, count: int, near: float, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Returns pairs for training: most overlap by 40 to 100 %; the fraction ``near`` lies apart, by up to 500 bases.

        Length is 60 to 250, divergence up to 20 %. Two arrays of shape [pairs, WIDTH].
        """
        chosen = draw.choice(len(self.lengths), count, p=self.weights)
        lengths = draw.integers(60, WIDTH + 1, count)
        shifts = (lengths * draw.uniform(0, 0.6, count)).astype(int)
        apart = draw.random(count) < near
        shifts = np.where(apart, lengths + draw.integers(0, 500, count), shifts)
        room = self.lengths[chosen] - shifts - 2 * WIDTH
        first = self.starts[chosen] + np.maximum((draw.random(count) * room).astype(int), 0)
        rates = draw.choice((0.0, 0.02, 0.05, 0.1, 0.15, 0.2), count)
        out = []
        for starts, rate in ((first, np.zeros(count)), (first + shifts, rates)):
            rows = self.changed(starts, rate, draw)
            rows[np.arange(WIDTH) >= lengths[:, None]] = PAD
            out.append(either_strand(rows, draw))
        return out[0], out[1]


def either_strand(rows: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Returns reads of which every second is the other strand; what pads the end is then at the beginning."""
    turned = np.where(rows < 4, 3 - rows, rows)[:, ::-1]
    return np.ascontiguousarray(np.where((draw.random(len(rows)) < 0.5)[:, None], turned, rows))


def gallery(genomes: list[list[np.ndarray]], reads: int, length: int, draw: np.random.Generator) -> list[tuple[np.ndarray, int]]:
    """Returns places of reads that do not overlap one another: a sequence and the first base, with room on both sides."""
    step = 3 * length
    places = [
        (sequence, start)
        for genome in genomes
        for sequence in genome
        for start in range(length, len(sequence) - 3 * length, step)
        if (sequence[start - length : start + 2 * length] < 4).all()
    ]
    chosen = draw.choice(len(places), min(reads, len(places)), replace=False)
    return [places[i] for i in chosen]


def retrieval(places: list[tuple[np.ndarray, int]], queries: int, length: int, overlap: float, rate: float, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns the reads at all places, and queries that overlap the first of them: changed at ``rate``, on either strand."""
    texts = stack([sequence[start : start + length] for sequence, start in places])
    shift = round(length * (1 - overlap))
    changed_reads = []
    for sequence, start in places[:queries]:
        at = start + (shift if draw.random() < 0.5 else -shift)
        read = changed(sequence[at : at + int(1.1 * length) + 10], rate, draw)[:length]
        changed_reads.append(reverse_complement(read) if draw.random() < 0.5 else read)
    return texts, stack(changed_reads)
