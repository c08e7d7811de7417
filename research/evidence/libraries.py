"""Simulated libraries in which molecules differ: strains, mutations, V(D)J segments. Qualities and errors are those of real pairs."""

from __future__ import annotations

import collections
import re

import numpy as np

import truth
from sites import COMPLEMENT, Read

LENGTH = 400  # bases of a molecule
SHORTEST = 60  # bases of a read
KINDS = ("strain of 3 %", "strain of 10 %", "strain of 30 %", "deep mutational scanning", "error-prone PCR", "V(D)J", "hypermutated V(D)J")
GENOME = 6_000  # bases of the genome of strains
STRAIN_SITES = 75  # in which strains differ
SEGMENTS = 40, 6  # V and J segments
GERMLINE, JOINED = 280, 60  # bases of a V segment and of a J segment

Molecule = tuple[bytes, set[int]]  # its bases, and the positions in which it differs from most


def whole_pairs(reads: list[Read]) -> list[tuple[Read, Read]]:
    """The pairs of a set whose errors are substitutions and insertions alone."""
    mates: dict[int, dict[int, Read]] = collections.defaultdict(dict)
    for read in reads:
        if read.wrong is not None and read.errors == len(read.wrong) and SHORTEST <= len(read.sequence) <= LENGTH:
            mates[read.template][read.file] = read
    return [(pair[0], pair[1]) for pair in mates.values() if len(pair) == 2]


def sequenced(reads: list[Read], molecules: list[Molecule], draw: np.random.Generator) -> list[Read]:
    """Pairs of the ends of molecules, with the qualities of drawn pairs of a set, and a drawn wrong base at each of their errors."""
    pairs = whole_pairs(reads)
    out = []
    for number, (chosen, (molecule, differs)) in enumerate(zip(draw.permutation(len(pairs)), molecules)):
        for file, (read, bases) in enumerate(zip(pairs[chosen], (molecule, molecule.translate(COMPLEMENT)[::-1]))):
            length = len(read.sequence)
            sequence = bytearray(bases[:length])
            for at in read.wrong:
                sequence[at] = other(sequence[at], draw)
            start = LENGTH - length if file else 0
            made = Read(file, bytes(sequence), read.quality, number, start, bool(file), read.wrong, read.errors, length)
            places = (made.at(place) for place in differs)
            made.variants = {at: 1.0 for at in places if 0 <= at < length and at not in read.wrong}
            out.append(made)
    return sorted(out, key=lambda read: read.file)


def other(base: int, draw: np.random.Generator) -> int:
    """Another base."""
    return [each for each in b"ACGT" if each != base][int(draw.integers(3))]


def mutated(molecule: bytes, number: int, draw: np.random.Generator) -> Molecule:
    """A molecule with this number of mutations."""
    bases, places = bytearray(molecule), {int(at) for at in draw.choice(len(molecule), min(number, len(molecule)), replace=False)}
    for at in sorted(places):
        bases[at] = other(bases[at], draw)
    return bytes(bases), places


def random_bases(number: int, draw: np.random.Generator) -> bytes:
    return bytes(b"ACGT"[base] for base in draw.integers(0, 4, number))


def molecules_of(kind: str, reference: bytes, number: int, draw: np.random.Generator) -> list[Molecule]:
    """Molecules of a library of this kind."""
    base = reference[len(reference) // 2 :][:LENGTH]
    if kind.startswith("strain"):
        genome = reference[:GENOME]
        strain, places = mutated(genome, STRAIN_SITES, draw)
        fraction = int(re.search(r"\d+", kind)[0]) / 100
        out = []
        for _ in range(number):
            start, rare = int(draw.integers(len(genome) - LENGTH)), draw.random() < fraction
            differs = {place - start for place in places if start <= place < start + LENGTH}
            out.append(((strain if rare else genome)[start : start + LENGTH], differs if rare else set()))
        return out
    if kind == "deep mutational scanning":
        return [mutated(base, int(draw.integers(1, 3)), draw) for _ in range(number)]
    if kind == "error-prone PCR":
        return [mutated(base, int(draw.poisson(0.01 * LENGTH)), draw) for _ in range(number)]
    v = [mutated(base[:GERMLINE], int(draw.integers(15, 60)), draw)[0] for _ in range(SEGMENTS[0])]
    j = [random_bases(JOINED, draw) for _ in range(SEGMENTS[1])]
    out = []
    for _ in range(number):
        left = v[min(int(draw.geometric(0.12)), len(v)) - 1]
        left, right = left[: len(left) - int(draw.integers(12))], j[int(draw.integers(len(j)))][int(draw.integers(12)) :]
        junction = random_bases(int(draw.integers(2, 20)), draw)
        molecule = (left + junction + right + base)[:LENGTH]
        differs = set(range(len(left), len(left) + len(junction)))
        if kind.startswith("hyper"):
            molecule, more = mutated(molecule, int(draw.poisson(0.05 * LENGTH)), draw)
            differs |= more
        out.append((molecule, differs))
    return out


def is_good(read: Read) -> bool:
    """Whether at most one in a hundred scored bases of a read is wrong."""
    return truth.GOOD_BASES * read.errors <= read.scored
