"""Reads made up for the tests of this folder."""

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(FOLDER), *(str(FOLDER.parent / name) for name in ("evaluation", "no-qualities"))]

from counted import LETTERS, Read  # noqa: E402
from reference import turned  # noqa: E402


def genome(bases=2000, seed=1):
    """A random genome, int8 [bases]."""
    return np.random.default_rng(seed).integers(0, 4, bases).astype(np.int8)


def reads_of(genome, many, length=100, file=0, seed=2, wrong=2):
    """Reads of both strands of a genome, each with this many substitutions at Q10 among bases of Q37."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(many):
        start = random.integers(len(genome) - length + 1)
        bases = turned(genome[start : start + length], int(random.choice([1, -1]))).copy()
        at = random.permutation(length)[:wrong]
        bases[at] = (bases[at] + random.integers(1, 4, wrong)) % 4
        quality, errors = np.full(length, 33 + 37, np.uint8), np.zeros(length, np.int16)
        quality[at], errors[at] = 33 + 10, 1
        found.append(Read(b"r%d:%d more" % (file, number), bases, quality, errors, number % 10 != 0, file))
    return found


def write_reference(folder, genome):
    """The genome as ref.fa in a folder, its lines 60 bases long."""
    letters = LETTERS[genome].tobytes()
    lines = [letters[at : at + 60] for at in range(0, len(letters), 60)]
    Path(folder, "ref.fa").write_bytes(b">made up\n" + b"\n".join(lines) + b"\n")
