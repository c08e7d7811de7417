"""Reads of all lengths, divergences and error rates, with the qualities that these errors have, and real reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import program
import real
from genomes import drawn

LENGTHS = (50, 75, 100, 150, 250)
DIVERGENCES = (0.0, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2)
ERRORS = (0.001, 0.005, 0.02, 0.05)  # mean rates; those of a read's bases vary

Read = tuple[str, bytes, bytes]  # name that begins with the class, letters, quality scores


def with_errors(bases: np.ndarray, rate: float, draw: np.random.Generator) -> tuple[bytes, bytes]:
    """Returns a read with errors by the probabilities that its qualities report, most of them near its end."""
    ramp = np.linspace(0.2, 1.8, len(bases)) * rate
    errors = np.clip(ramp * draw.lognormal(-0.5, 1.0, len(bases)), 1e-4, 0.6)
    wrong = (draw.random(len(bases)) < errors) & (bases < 4)
    bases = np.where(wrong, (bases + draw.integers(1, 4, len(bases))) % 4, bases).astype(np.uint8)
    return program.letters(bases), program.scores_of(errors)


def mixture(genomes: dict, reads: int, draw: np.random.Generator, none: bool) -> list[Read]:
    """Returns so many reads of each genome, of all kinds; those of no class are not changed further."""
    result = []
    for name, genome in genomes.items():
        for number in range(reads):
            length = int(draw.choice(LENGTHS))
            divergence = 0.0 if none else float(draw.choice(DIVERGENCES))
            bases = drawn(genome, 1, length, divergence, 0.0, draw)[0]
            label = "none" if none else name
            result.append((f"{label}|{name}|{length}|{divergence}|{number}", *with_errors(bases, float(draw.choice(ERRORS)), draw)))
    return result


def of_runs(data: Path, runs: dict[str, list[str]], most: int) -> list[Read]:
    """Returns up to so many real reads of each run, by class; long ones are cut at 2,000 bases."""
    result = []
    for name, folders in runs.items():
        for folder in folders:
            for number, (bases, scores) in enumerate(real.reads(data / folder, most)):
                result.append((f"{name}|{folder}|{len(bases[:2000])}|real|{number}", bases[:2000], scores[:2000]))
    return result
