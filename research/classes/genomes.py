"""Genomes as arrays of base codes, and reads drawn from them: changed by divergence, and by sequencing errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

CODES = np.full(256, 4, np.uint8)
for code, letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
    CODES[list(letters)] = code
LETTERS = np.frombuffer(b"ACGTN", np.uint8)
INDELS = 0.1  # fraction of the changes between relatives that are insertions or deletions of one base


def read_fasta(path: Path) -> list[np.ndarray]:
    """Returns the sequences of a FASTA file as codes 0 to 3, 4 for any other letter."""
    opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
    with opened as file:
        records = file.read().split(b">")[1:]
    return [CODES[np.frombuffer(b"".join(record.split(b"\n")[1:]).replace(b"\r", b""), np.uint8)] for record in records]


def changed(bases: np.ndarray, rate: float, draw: np.random.Generator) -> np.ndarray:
    """Returns bases of which each is changed with a probability: substituted, or else deleted or followed by an inserted one."""
    kinds = draw.random(len(bases))
    substituted = kinds < rate * (1 - INDELS)
    deleted = (kinds >= rate * (1 - INDELS)) & (kinds < rate * (1 - INDELS / 2))
    inserted = (kinds >= rate * (1 - INDELS / 2)) & (kinds < rate)
    bases = np.where(substituted & (bases < 4), (bases + draw.integers(1, 4, len(bases))) % 4, bases).astype(np.uint8)
    counts = np.where(deleted, 0, np.where(inserted, 2, 1))
    result = np.repeat(bases, counts)
    second = np.cumsum(counts)[inserted] - 1
    result[second] = draw.integers(0, 4, len(second))
    return result


def drawn(genome: list[np.ndarray], reads: int, length: int, divergence: float, errors: float, draw: np.random.Generator) -> list[np.ndarray]:
    """Returns reads of either strand from a genome whose relative was sequenced with substitution errors."""
    long_enough = [sequence for sequence in genome if len(sequence) >= 1.3 * length + 20]
    sizes = np.array([len(sequence) for sequence in long_enough], float)
    result = []
    while len(result) < reads:
        sequence = long_enough[draw.choice(len(long_enough), p=sizes / sizes.sum())]
        taken = int(1.3 * length + 20)
        start = draw.integers(0, len(sequence) - taken + 1)
        bases = sequence[start : start + taken]
        if (bases > 3).mean() > 0.02:
            continue
        bases = changed(bases, divergence, draw)[:length]
        wrong = (draw.random(len(bases)) < errors) & (bases < 4)
        bases = np.where(wrong, (bases + draw.integers(1, 4, len(bases))) % 4, bases).astype(np.uint8)
        if draw.random() < 0.5:
            bases = np.where(bases < 4, 3 - bases, bases)[::-1]
        result.append(np.ascontiguousarray(bases))
    return result


def write_fastq(path: Path, reads: list[tuple[str, np.ndarray]]) -> None:
    """Writes reads, all with quality 30."""
    with open(path, "wb") as file:
        for name, bases in reads:
            file.write(b"@%s\n%s\n+\n%s\n" % (name.encode(), LETTERS[bases].tobytes(), b"?" * len(bases)))


def write_fasta(path: Path, genome: list[np.ndarray], name: str) -> None:
    """Writes a genome."""
    with open(path, "wb") as file:
        for number, bases in enumerate(genome):
            file.write(b">%s_%d\n%s\n" % (name.encode(), number, LETTERS[bases].tobytes()))
