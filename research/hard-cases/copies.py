"""Copies of molecules, and runs whose molecules all begin at one place or two. Every draw has a fixed seed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
from counted import Read  # noqa: E402
from reference import Place, Reference  # noqa: E402

SEED = 3
MOVED = 0.1  # part of the bases of an equal copy that get the next lower or the next higher quality of the run
NEAR = 3  # bases by which molecules of an amplicon may begin later or earlier
VARIANTS = 3  # most bases beside its errors in which a read may differ from the reference
APART = 50  # least distance of two amplicons, in bases


def named(definition: bytes, number: int) -> bytes:
    """The definition of a copy; no ending that names a mate."""
    name, space, rest = definition.partition(b" ")
    return b"%b_copy%d%b%b" % (name, number, space, rest)


def read_again(molecule: Read, as_read: Read, random: np.random.Generator) -> Read:
    """A copy of a molecule with the qualities and the errors of another read; what is wrong in the molecule stays wrong.

    All errors of the other read become substitutions at their places.
    """
    length = len(molecule)
    wrong = np.resize(as_read.errors > 0, length)
    bases = np.where(wrong & (molecule.bases < 4), (molecule.bases + random.integers(1, 4, length)) % 4, molecule.bases).astype(np.int8)
    errors = np.maximum(molecule.errors, wrong.astype(np.int16))
    return Read(molecule.definition, bases, np.resize(as_read.quality, length), errors, molecule.clear, molecule.file)


def without_errors(read: Read, reference: Reference) -> Read:
    """The molecule of a read: its errors replaced by the bases of the reference.

    A read that is not clear, that is not found, or whose errors do not explain all that differs stays as it is: it may have gaps.
    """
    if not read.clear or not read.errors.any() or (place := reference.place(read.bases)) is None:
        return read
    right, wrong = reference.under(place, len(read)), read.errors > 0
    if ((read.bases != right) & ~wrong).sum() > VARIANTS:
        return read
    own = read.copy()
    own.bases[wrong], own.errors[:] = right[wrong], 0
    return own


def molecules_read_again(times: int, reads: list[Read], folder: Path) -> list[Read]:
    """Each molecule this many times: once as it was read, then with the qualities and errors of other reads, in random order."""
    random, reference = np.random.default_rng(SEED), Reference(folder / "ref.fa")
    lenders = [read for read in reads if read.clear]
    found = list(reads)
    for read in reads:
        molecule = without_errors(read, reference)
        for number in range(1, times):
            own = read_again(molecule, lenders[random.integers(len(lenders))], random)
            own.definition = named(read.definition, number)
            found.append(own)
    return [found[i] for i in random.permutation(len(found))]


def equal_copies(times: int, moved: float, reads: list[Read]) -> list[Read]:
    """Each read this many times with the same bases, errors included, and qualities of which this part moves, in random order."""
    random = np.random.default_rng(SEED)
    values = np.unique(np.concatenate([read.quality for read in reads]))
    found = list(reads)
    for read in reads:
        at = np.searchsorted(values, read.quality)
        for number in range(1, times):
            own = read.copy()
            step = random.choice([-1, 1], len(read)) * (random.random(len(read)) < moved)
            own.quality = values[np.clip(at + step, 0, len(values) - 1)]
            own.definition = named(read.definition, number)
            found.append(own)
    return [found[i] for i in random.permutation(len(found))]


def amplicons(many: int, reads: list[Read], folder: Path) -> list[Read]:
    """The pairs of the most frequent amplicons: those of which a mate begins where most molecules begin."""
    reference = Reference(folder / "ref.fa")
    pairs = len(reads) // 2
    places = [reference.place(read.bases) for read in reads]
    starts = np.array([left_end(places[pair], places[pair + pairs]) for pair in range(pairs)])
    chosen: list[int] = []
    for start in np.argsort(-np.bincount(starts[starts >= 0]), kind="stable"):
        if len(chosen) < many and all(abs(start - other) >= APART for other in chosen):
            chosen.append(int(start))
    of_them = [any(start >= 0 and abs(start - each) <= NEAR for each in chosen) for start in starts]
    return [read for number, read in enumerate(reads) if of_them[number % pairs]]


def left_end(first: Place | None, second: Place | None) -> int:
    """Where the molecule of a pair begins on the reference: the start of the mate on its forward strand; -1 if that is not known."""
    return next((place.start for place in (first, second) if place and place.strand == 1), -1)
