"""Reads of truth sets placed on their references, with variants drawn into them: differences that are not errors."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

import reads

REFERENCE = "ref.fa"  # in the folder of a truth set
SEED_KMER = 15  # bases that place a read
COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")


@dataclasses.dataclass
class Read:
    """A read of a run with its truth."""

    file: int  # index of its file
    sequence: bytes
    quality: bytes
    template: int
    start: int | None  # position of its first base (of its last one, if it has the other strand) on the reference; None if unplaced
    back: bool  # whether it has the other strand
    wrong: list[int] | None  # wrong bases; None if unknown
    errors: int  # substituted, inserted and deleted bases
    scored: int
    variants: dict[int, float] = dataclasses.field(default_factory=dict)  # frequency, by position in the read

    def at(self, position: int) -> int:
        """The base of the read at a position of the reference."""
        return self.start + len(self.sequence) - 1 - position if self.back else position - self.start

    def position(self, at: int) -> int:
        """The position on the reference of a base of the read."""
        return self.start + len(self.sequence) - 1 - at if self.back else self.start + at


def placed(sequence: bytes, unique: dict[bytes, int], reference: bytes) -> tuple[int, bool] | None:
    """Where a read begins on the reference without gaps, and whether it has the other strand; None if that is not found."""
    for back in (False, True):
        ours = sequence.translate(COMPLEMENT)[::-1] if back else sequence
        for at in range(0, len(ours) - SEED_KMER + 1, SEED_KMER):
            found = unique.get(ours[at : at + SEED_KMER])
            if found is not None and 0 <= found - at <= len(reference) - len(ours):
                start = found - at
                differ = sum(a != b for a, b in zip(ours, reference[start : start + len(ours)]))
                if differ <= len(ours) / 10:
                    return start, back
    return None


def unique_kmers(reference: bytes) -> dict[bytes, int]:
    """The position of each k-mer that the reference has once, on either strand."""
    found = collections.defaultdict(list)
    for at in range(len(reference) - SEED_KMER + 1):
        found[reference[at : at + SEED_KMER]].append(at)
    other = collections.Counter(kmer.translate(COMPLEMENT)[::-1] for kmer in found)
    return {kmer: at[0] for kmer, at in found.items() if len(at) == 1 and not other[kmer]}


def reads_of(table: Path) -> tuple[list[Read], bytes]:
    """The reads of a set, placed, and the reference."""
    reference = b"".join(line.strip() for line in table.with_name(REFERENCE).read_bytes().splitlines() if not line.startswith(b">")).upper()
    unique, files = unique_kmers(reference), reads.fastq_files(table)
    records = [(file, name.split()[0]) for file, path in enumerate(files) for name, _, _ in reads.records(path)]
    numbers: dict[bytes, int] = {}
    out = []
    for (file, name), (sequence, quality, where, errors, scored) in zip(records, reads.records_with_truth(table)):
        template = numbers.setdefault(re.sub(rb"/[12]$", b"", name), len(numbers))
        start, back = placed(sequence, unique, reference) or (None, False)
        wrong = None
        if where is not None:
            # A deletion has no base.
            wrong = reads.positions(",".join(each for each in where.split(",") if not each.startswith("D")))
        out.append(Read(file, sequence, quality, template, start, back, wrong, errors, scored))
    return out, reference


def with_sites(run: list[Read], reference: bytes, frequency: Callable[[int], float], apart: int, fewest: int, draw: np.random.Generator) -> None:
    """Gives the reads variants: at sites ``apart`` bases apart with at least ``fewest`` reads, a drawn base replaces that of the reference.

    Every template at a site has the variant with probability ``frequency(number)`` of the site's number; both mates, or neither. Wrong
    bases stay as they are.
    """
    depth = np.zeros(len(reference) + 1, int)
    for read in run:
        if read.start is not None:
            depth[read.start] += 1
            depth[read.start + len(read.sequence)] -= 1
    places: list[int] = []
    for at in np.flatnonzero(np.cumsum(depth)[:-1] >= fewest):
        if (not places or at - places[-1] >= apart) and reference[at] in b"ACGT":
            places.append(int(at))
    templates = 1 + max((read.template for read in run), default=0)
    sites = []
    for number, place in enumerate(places):
        share, other = frequency(number), int(draw.integers(3))
        sites.append((share, [base for base in b"ACGT" if base != reference[place]][other], draw.random(templates) < share))
    for read in run:
        if read.start is None:
            continue
        first, end = np.searchsorted(places, [read.start, read.start + len(read.sequence)])
        sequence = bytearray(read.sequence)
        for place, (share, base, carriers) in zip(places[first:end], sites[first:end]):
            at, (own, other) = read.at(place), (base, reference[place])
            if read.back:
                own, other = bytes([own, other]).translate(COMPLEMENT)
            if carriers[read.template] and sequence[at] == other:
                sequence[at] = own
                read.variants[at] = share
        read.sequence = bytes(sequence)
