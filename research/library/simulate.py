"""Library structure, conversions and strains, put into real reads whose errors were counted. Every draw has a fixed seed.

A modified read keeps its length: what is added at one end pushes bases out at the other. Added bases get the qualities that another
read has at the same place. `Modified.errors` counts the errors of the bases that are left of the sample.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "no-qualities"))
import sets

SEED = 7
LETTERS = np.frombuffer(b"ACGTN", np.uint8)
LINKER = b"TGCAG"
SPACER = b"GTACTGAC"
SITE = b"CATG"
DUAL = (7, 10)  # bases in first and second mates
SWITCHED = (0.1, 0.15, 0.25, 0.3, 0.15, 0.05)  # probabilities of 0 to 5 G
WORD = 25  # bases by which a read is found in the reference
DECAY, OUTERMOST = 2.0, 0.3  # of deamination, by the distance to the end in bases


@dataclasses.dataclass
class Modified:
    """A read with what is not of the sample."""

    sequence: np.ndarray  # int8, codes
    quality: np.ndarray  # uint8, Phred+33
    wrong: np.ndarray  # bool, errors of the sample's bases
    before: int = 0  # bases that are not of the sample, at the start
    behind: int = 0  # and at the end

    def push(self, added: np.ndarray, quality: np.ndarray, at_end: bool) -> None:
        """Adds bases at an end."""
        length, many = len(self.sequence), len(added)
        if many == 0:
            return
        none = np.zeros(many, bool)
        join = (lambda own, new: np.r_[own[: length - many], new]) if at_end else (lambda own, new: np.r_[new, own][:length])
        self.sequence = join(self.sequence, added)
        self.quality = join(self.quality, quality[-many:] if at_end else quality[:many])
        self.wrong = join(self.wrong, none)
        self.behind += many * at_end
        self.before += many * (not at_end)

    @property
    def good(self) -> bool:
        """At most one error per hundred bases of the sample."""
        inside = self.wrong[self.before : len(self.wrong) - self.behind]
        return bool(inside.sum() <= len(inside) // 100)


def codes(sequence: bytes) -> np.ndarray:
    return sets.CODES[np.frombuffer(sequence, np.uint8)]


def as_read(read: sets.Read) -> Modified:
    wrong = np.zeros(len(read.sequence), bool)
    wrong[read.wrong] = True
    return Modified(codes(read.sequence).copy(), np.frombuffer(read.quality, np.uint8).copy(), wrong)


class Added:
    """Bases at an end, in a part of the reads: `umi8`, `barcode`, `primer`, `spacer`, `random-spacer`, `switch`, `end6`; `dual`, identifiers
    of other lengths in each mate; `site`, barcodes of several lengths in front of a restriction site; `end-tag`, the same bases at the end."""

    def __init__(self, kind: str, random: np.random.Generator) -> None:
        self.kind, self.random = kind, random
        self.words = random.integers(0, 4, (8, 6)).astype(np.int8)
        self.primer = random.integers(0, 4, 20).astype(np.int8)

    def bases(self, mate: int) -> tuple[np.ndarray, bool]:
        kind, random = self.kind, self.random
        if kind == "dual":
            return random.integers(0, 4, DUAL[mate]).astype(np.int8), False
        if kind == "site":
            number = random.integers(8)
            return np.r_[self.words[number][: 3 + number // 2], codes(SITE)], False
        if kind == "end-tag":
            return self.primer[:9], True
        if kind == "barcode":
            return np.r_[self.words[random.integers(8)], codes(LINKER)], False
        if kind == "primer":
            return self.primer, False
        if kind == "spacer":
            return codes(SPACER)[: random.integers(8)], False
        if kind == "random-spacer":
            return random.integers(0, 4, random.integers(8)).astype(np.int8), False
        if kind == "switch":
            return np.full(random.choice(6, p=SWITCHED), 2, np.int8), False
        name = kind.rstrip("0123456789")
        return random.integers(0, 4, int(kind[len(name) :])).astype(np.int8), name == "end"


def convert(read: Modified, mate: int, base: int, to: int, rate: float, random: np.random.Generator) -> None:
    """Turns a base into another one; its complement in second mates."""
    if mate == 1:
        base, to = 3 - base, 3 - to
    turned = (read.sequence == base) & (random.random(len(read.sequence)) < rate) & ~read.wrong
    read.sequence[turned] = to


def deaminate(read: Modified, random: np.random.Generator) -> None:
    """Turns C into T near the start and G into A near the end."""
    length = len(read.sequence)
    near = OUTERMOST * np.exp(-np.arange(length) / DECAY)
    start = (read.sequence == 1) & (random.random(length) < near) & ~read.wrong
    end = (read.sequence == 2) & (random.random(length) < near[::-1]) & ~read.wrong
    read.sequence[start], read.sequence[end] = 3, 0


class Strain:
    """Reads of a second strain: the reference with substitutions in this part of its bases."""

    def __init__(self, reference: Path, divergence: float, random: np.random.Generator) -> None:
        lines = reference.read_text().splitlines()
        self.reference = codes("".join(line for line in lines if not line.startswith(">")).encode())
        bases = len(self.reference)
        self.places = {self.reference[i : i + WORD].tobytes(): i for i in range(bases - WORD + 1)}
        self.is_changed = random.random(bases) < divergence
        self.shift = random.integers(1, 4, bases)

    def change(self, read: Modified) -> None:
        for strand in (1, -1):
            own = read.sequence if strand == 1 else np.where(read.sequence < 4, 3 - read.sequence, 4)[::-1].astype(np.int8)
            for at in range(0, len(own) - WORD + 1, 7):
                start = self.places.get(np.ascontiguousarray(own[at : at + WORD]).tobytes(), -1) - at
                if start >= 0 and start + len(own) <= len(self.reference):
                    part = slice(start, start + len(own))
                    changed = self.is_changed[part] & (own < 4)
                    own = np.where(changed, (own + self.shift[part]) % 4, own).astype(np.int8)
                    read.sequence = own if strand == 1 else np.where(own < 4, 3 - own, 4)[::-1].astype(np.int8)
                    return


CONVERSIONS = {"bisulfite": (1, 3), "a-to-g": (0, 2)}


def modify(case: str, reads: list[sets.Read], mates: list[int], reference: Path) -> list[Modified]:
    """Returns the reads of a case, such as `umi8`, `umi8@10` (in 10 % of the reads), `umi8/2` (in second mates), `bisulfite97` (in per
    cent of the bases), `ancient`, or `strain10` (of 10 % of the reads)."""
    random = np.random.default_rng(SEED)
    kind, _, part = case.partition("@")
    kind, _, only = kind.partition("/")
    share = float(part or 100) / 100
    name = kind.rstrip("0123456789")
    rate = float(kind[len(name) :] or 0) / 100
    strain = Strain(reference, 0.02, random) if name == "strain" else None
    added = Added(kind, random)
    found = []
    for read, mate in zip(reads, mates, strict=True):
        own = as_read(read)
        donor = reads[random.integers(len(reads))].quality
        if case != "as it is" and random.random() < (rate if strain else share) and not (only and mate != int(only) - 1):
            if strain:
                strain.change(own)
            elif name in CONVERSIONS:
                convert(own, mate, *CONVERSIONS[name], rate, random)
            elif name == "ancient":
                deaminate(own, random)
            else:
                bases, at_end = added.bases(mate)
                quality = np.resize(np.frombuffer(donor, np.uint8), max(len(donor), len(bases)))
                own.push(bases, quality, at_end)
        found.append(own)
    return found


def text(read: sets.Read, modified: Modified) -> bytes:
    """Returns the record."""
    return b"@%s\n%s\n+\n%s\n" % (read.definition, LETTERS[modified.sequence].tobytes(), modified.quality.tobytes())
