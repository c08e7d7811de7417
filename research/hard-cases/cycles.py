"""Cycles that failed: in a part of the reads, the instrument wrote another base in one cycle, with the qualities as they were."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
from counted import Read  # noqa: E402

SEED = 1
LAST = 0  # stands for the last cycle of the longest read
RANDOM, ALWAYS_A = "random", "always A"


def longest(reads: list[Read]) -> int:
    """The number of cycles of the run."""
    return max(len(read) for read in reads)


def broken(cycle: int, part: float, kind: str, reads: list[Read]) -> list[Read]:
    """Returns the reads with a cycle, from 1, that is random (one of the other three bases) or always A in this part of the reads.

    Both mates have the same cycle. A base that this changes is an error; a base that was wrong before stays one.
    """
    random = np.random.default_rng(SEED)
    at = (cycle or longest(reads)) - 1
    is_hit, shift = random.random(len(reads)) < part, random.integers(1, 4, len(reads))
    found = []
    for read, hit, by in zip(reads, is_hit, shift, strict=True):
        own = read
        if hit and at < len(read):
            own = read.copy()
            own.bases[at] = 0 if kind == ALWAYS_A else (own.bases[at] + by) % 4
            if own.bases[at] != read.bases[at]:
                own.errors[at] = max(1, own.errors[at])
        found.append(own)
    return found
