"""Where a read is in the reference of its run: the place of its words, without gaps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
from counted import codes  # noqa: E402

WORD = 25  # bases by which a read is found
STEP = 7  # bases from one word that is looked up to the next


class Place(NamedTuple):
    """Where a read is: the first base of the reference that it covers, and its strand, 1 or -1."""

    start: int
    strand: int


def turned(bases: np.ndarray, strand: int) -> np.ndarray:
    """The bases as they are on this strand of the read, int8 [bases]: their reverse complement on the other one."""
    return bases if strand == 1 else np.where(bases < 4, 3 - bases, 4)[::-1].astype(np.int8)


class Reference:
    """The bases of a FASTA file, int8, its records one behind the other."""

    def __init__(self, path: Path) -> None:
        self.bases = codes(b"".join(line for line in path.read_bytes().splitlines() if not line.startswith(b">")))
        self.places = {self.bases[i : i + WORD].tobytes(): i for i in range(len(self.bases) - WORD + 1)}

    def place(self, read: np.ndarray) -> Place | None:
        """The place of a read, int8 [bases]; None if no word of it is found, or it reaches over an end."""
        for strand in (1, -1):
            own = turned(read, strand)
            for at in range(0, len(own) - WORD + 1, STEP):
                start = self.places.get(np.ascontiguousarray(own[at : at + WORD]).tobytes(), -1) - at
                if start >= 0 and start + len(own) <= len(self.bases):
                    return Place(start, strand)
        return None

    def under(self, place: Place, length: int) -> np.ndarray:
        """The bases of the reference that a read at this place should have, int8 [length]."""
        return turned(self.bases[place.start : place.start + length], place.strand)
