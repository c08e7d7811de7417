"""Qualities as archives hand them out: of one value, and of two."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
from counted import Read  # noqa: E402

PASSING_MEAN = 20  # Phred


def all_30(quality: np.ndarray) -> np.ndarray:
    """Q30 for every base; uint8 [bases], Phred+33."""
    return np.full_like(quality, 33 + 30)


def lite(quality: np.ndarray) -> np.ndarray:
    """The archive's light form: Q30 for reads of a mean quality of at least 20, and Q3 for the others."""
    passes = quality.sum(dtype=int) >= (33 + PASSING_MEAN) * len(quality)
    return np.full_like(quality, 33 + (30 if passes else 3))


def changed(form: Callable[[np.ndarray], np.ndarray], reads: list[Read]) -> list[Read]:
    """The reads with other qualities."""
    return [dataclasses.replace(read, quality=form(read.quality)) for read in reads]
