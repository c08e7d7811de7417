"""Vectors and sketches of 256 bytes a read: what the network is compared with.

A method has ``vectors(reads)``, for rows of base codes, and ``metric``: "cosine" for numbers, or "equal" for sketches, whose likeness is
the number of equal entries.
"""

from __future__ import annotations

import numpy as np

from spectra import Spectra, places

DIMENSIONS = 64


def mixed(values: np.ndarray) -> np.ndarray:
    """Returns hashes of 64 bits (the finalizer of MurmurHash3)."""
    values = values.astype(np.uint64)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values ^= values >> np.uint64(33)
        values *= np.uint64(multiplier)
    return values ^ (values >> np.uint64(33))


def canonical(reads: np.ndarray, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the smaller of both strands' words at each window, and whether all its bases are known. Shapes [reads, windows]."""
    taken = places(pattern)
    windows = max(reads.shape[1] - len(pattern) + 1, 0)
    forward = np.zeros((len(reads), windows), np.uint64)
    backward = np.zeros_like(forward)
    known = np.ones(forward.shape, bool)
    for number, place in enumerate(taken):
        code = reads[:, place : place + windows]
        known &= code < 4
        code = np.minimum(code, 3).astype(np.uint64)
        forward = forward * np.uint64(4) + code
        backward += (np.uint64(3) - code) << np.uint64(2 * number)
    return np.minimum(forward, backward), known


class Hashed:
    """A bag of hashed words: each adds 1 or -1 to one of 64 sums."""

    metric = "cosine"

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns

    def vectors(self, reads: np.ndarray) -> np.ndarray:
        sums = np.zeros(len(reads) * (DIMENSIONS + 1), np.float64)
        for number, pattern in enumerate(self.patterns):
            words, known = canonical(reads, pattern)
            hashes = mixed(words + np.uint64(number << 60))
            column = np.where(known, (hashes >> np.uint64(8)) % np.uint64(DIMENSIONS), DIMENSIONS).astype(np.int64)
            sign = np.where(hashes & np.uint64(1), 1.0, -1.0)
            flat = np.arange(len(reads))[:, None] * (DIMENSIONS + 1) + column
            sums += np.bincount(flat.reshape(-1), sign.reshape(-1), len(sums))
        return sums.reshape(len(reads), -1)[:, :DIMENSIONS].astype(np.float32)


class Projected:
    """Spectra, projected on the directions in which those of other reads differ most (principal components)."""

    metric = "cosine"

    def __init__(self, patterns: tuple[str, ...], reads: np.ndarray, whitened: bool = False) -> None:
        self.spectra = Spectra(patterns)
        known = self.spectra.of(reads)
        self.mean = known.mean(0)
        _, sizes, directions = np.linalg.svd(known - self.mean, full_matrices=False)
        self.directions = directions[:DIMENSIONS].T
        if whitened:
            self.directions = self.directions / sizes[:DIMENSIONS]

    def vectors(self, reads: np.ndarray) -> np.ndarray:
        return ((self.spectra.of(reads) - self.mean) @ self.directions).astype(np.float32)


class MinHash:
    """The least hash of a read's words, for each of many hash functions; so many entries of so many bits."""

    metric = "equal"

    def __init__(self, pattern: str, entries: int, bits: int) -> None:
        self.pattern, self.entries, self.bits = pattern, entries, bits

    def vectors(self, reads: np.ndarray) -> np.ndarray:
        words, known = canonical(reads, self.pattern)
        sketch = np.empty((len(reads), self.entries), np.uint8 if self.bits == 8 else np.uint32)
        for entry in range(self.entries):
            hashes = mixed(words ^ np.uint64(0x9E3779B97F4A7C15 * (entry + 1) % 2**64))
            least = np.where(known, hashes, np.uint64(2**64 - 1)).min(1)
            sketch[:, entry] = least & np.uint64(2**self.bits - 1)
        return sketch


def likeness(queries: np.ndarray, texts: np.ndarray, metric: str) -> np.ndarray:
    """Returns how alike each query and each text are. Shape [queries, texts]."""
    if metric == "equal":
        return np.stack([(texts == query).sum(1, dtype=np.int16) for query in queries]).astype(np.float32)
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12) for rows in (queries, texts)]
    return unit[0] @ unit[1].T
