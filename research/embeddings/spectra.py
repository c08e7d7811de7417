"""Spectra of reads: which fraction of a read's words is each word of a pattern, on either strand.

The Rust encoding `spectrum` of bm-encode is the same; the golden vectors of the model compare the two.
"""

from __future__ import annotations

import numpy as np

# Which bases of a window a word consists of. Patterns are the same from both sides, so that a word's other strand has one as well.
PATTERNS = ("1111", "11111", "110010011")


def places(pattern: str) -> list[int]:
    """The compared places of a window."""
    return [i for i, mark in enumerate(pattern) if mark == "1"]


def columns(weight: int) -> tuple[np.ndarray, int]:
    """Returns the column of each word of so many bases, and the number of columns: a word and its other strand share one.

    Words are numbers to the base of four, the first base counting most; columns are in the order of the smaller of both.
    """
    words = np.arange(4**weight)
    other = np.zeros_like(words)
    rest = words.copy()
    for _ in range(weight):
        other = other * 4 + (3 - rest % 4)
        rest //= 4
    smaller = np.minimum(words, other)
    distinct, column = np.unique(smaller, return_inverse=True)
    return column, len(distinct)


class Spectra:
    """Spectra by patterns."""

    def __init__(self, patterns: tuple[str, ...] = PATTERNS) -> None:
        self.patterns = [places(pattern) for pattern in patterns]
        self.tables, sizes = zip(*(columns(len(pattern)) for pattern in self.patterns))
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self.features = int(self.starts[-1])

    def words(self, reads: np.ndarray) -> list[np.ndarray]:
        """Returns the column of the word at each place, by pattern; -1 where there is none. Each of shape [reads, windows]."""
        found = []
        for pattern, table, start in zip(self.patterns, self.tables, self.starts):
            windows = max(reads.shape[1] - pattern[-1], 0)
            word = np.zeros((len(reads), windows), np.int64)
            known = np.ones((len(reads), windows), bool)
            for place in pattern:
                code = reads[:, place : place + windows]
                known &= code < 4
                word = word * 4 + np.minimum(code, 3)
            found.append(np.where(known, table[word] + start, -1))
        return found

    def of(self, reads: np.ndarray) -> np.ndarray:
        """Returns the spectra of reads. Shape [reads, features], float32; the values of a pattern sum to one, or are zero where no word is known."""
        rows = np.arange(len(reads))[:, None] * (self.features + 1)
        flat = np.concatenate([rows + np.where(word < 0, self.features, word) for word in self.words(reads)], axis=1)
        counts = np.bincount(flat.reshape(-1), minlength=len(reads) * (self.features + 1))
        counts = counts.reshape(len(reads), -1)[:, :-1].astype(np.float32)
        for start, end in zip(self.starts, self.starts[1:]):
            part = counts[:, start:end]
            part /= np.maximum(part.sum(1, keepdims=True), 1)
        return counts
