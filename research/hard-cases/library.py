"""Library structure, conversions and strains, put into real reads whose errors were counted. Every draw has a fixed seed.

A modified read keeps its length: what is added at one end pushes bases out at the other. Added bases get the qualities that another
read has at the same place. `Read.before` and `Read.behind` count them; `Read.is_good` is of the bases that are left of the sample.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import reference  # noqa: E402
from counted import Read, codes  # noqa: E402

SEED = 7
LINKER = b"TGCAG"
SPACER = b"GTACTGAC"
SITE = b"CATG"
DUAL = (7, 10)  # bases in first and second mates
SWITCHED = (0.1, 0.15, 0.25, 0.3, 0.15, 0.05)  # probabilities of 0 to 5 G
DECAY, OUTERMOST = 2.0, 0.3  # of deamination, by the distance to the end in bases
DIVERGENCE = 0.02  # of the second strain, in substitutions per base

ADDED = ("umi1", "umi4", "umi8", "umi12", "umi8/2", "end6", "barcode", "primer", "spacer", "random-spacer", "switch", "dual", "site", "end-tag")
PARTS = ("umi8@10", "umi4@30", "barcode@10", "primer@10", "spacer@10", "random-spacer@10", "switch@10", "site@10", "end6@10")
TURNED = ("bisulfite97", "bisulfite50", "bisulfite97@50", "bisulfite97@10", "a-to-g20", "a-to-g20@50", "a-to-g3", "ancient", "ancient@50")
STRAINS = ("strain50", "strain10", "strain3")
CASES = (*ADDED, *PARTS, *TURNED, *STRAINS)
CONVERSIONS = {"bisulfite": (1, 3), "a-to-g": (0, 2)}


def push(read: Read, added: np.ndarray, quality: np.ndarray, at_end: bool) -> None:
    """Adds bases at an end."""
    length, many = len(read), len(added)
    if many == 0:
        return

    def join(own: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([own[: length - many], new] if at_end else [new, own])[:length]

    read.bases = join(read.bases, added)
    read.quality = join(read.quality, quality[-many:] if at_end else quality[:many])
    read.errors = join(read.errors, np.zeros(many, read.errors.dtype))
    read.behind += many * at_end
    read.before += many * (not at_end)


class Added:
    """Bases at an end: `umi8`, `barcode`, `primer`, `spacer`, `random-spacer`, `switch`, `end6`; `dual`, identifiers of other lengths in
    each mate; `site`, barcodes of several lengths in front of a restriction site; `end-tag`, the same bases at the end."""

    def __init__(self, kind: str, random: np.random.Generator) -> None:
        self.kind, self.random = kind, random
        self.words = random.integers(0, 4, (8, 6)).astype(np.int8)
        self.primer = random.integers(0, 4, 20).astype(np.int8)

    def bases(self, mate: int) -> tuple[np.ndarray, bool]:
        """The bases of one read, and whether they are at its end."""
        kind, random = self.kind, self.random
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
        if kind == "dual":
            return random.integers(0, 4, DUAL[mate]).astype(np.int8), False
        if kind == "site":
            number = random.integers(8)
            return np.r_[self.words[number][: 3 + number // 2], codes(SITE)], False
        if kind == "end-tag":
            return self.primer[:9], True
        name = kind.rstrip("0123456789")
        return random.integers(0, 4, int(kind[len(name) :])).astype(np.int8), name == "end"


def convert(read: Read, base: int, to: int, rate: float, random: np.random.Generator) -> None:
    """Turns a base into another one; its complement in second mates."""
    if read.file == 1:
        base, to = 3 - base, 3 - to
    turned = (read.bases == base) & (random.random(len(read)) < rate) & (read.errors == 0)
    read.bases[turned] = to


def deaminate(read: Read, random: np.random.Generator) -> None:
    """Turns C into T near the start and G into A near the end."""
    length = len(read)
    near = OUTERMOST * np.exp(-np.arange(length) / DECAY)
    start = (read.bases == 1) & (random.random(length) < near) & (read.errors == 0)
    end = (read.bases == 2) & (random.random(length) < near[::-1]) & (read.errors == 0)
    read.bases[start], read.bases[end] = 3, 0


class Strain:
    """Reads of a second strain: the reference with substitutions in this part of its bases."""

    def __init__(self, path: Path, divergence: float, random: np.random.Generator) -> None:
        self.reference = reference.Reference(path)
        bases = len(self.reference.bases)
        self.is_changed = random.random(bases) < divergence
        self.shift = random.integers(1, 4, bases)

    def change(self, read: Read) -> None:
        if (place := self.reference.place(read.bases)) is None:
            return
        part = slice(place.start, place.start + len(read))
        own = reference.turned(read.bases, place.strand)
        changed = self.is_changed[part] & (own < 4)
        own = np.where(changed, (own + self.shift[part]) % 4, own).astype(np.int8)
        read.bases = reference.turned(own, place.strand)


def modify(case: str, reads: list[Read], folder: Path) -> list[Read]:
    """Returns the reads of a case, such as `umi8`, `umi8@10` (in 10 % of the reads), `umi8/2` (in second mates), `bisulfite97` (in per
    cent of the bases), `ancient`, or `strain10` (of 10 % of the reads)."""
    random = np.random.default_rng(SEED)
    kind, _, part = case.partition("@")
    kind, _, only = kind.partition("/")
    share = float(part or 100) / 100
    name = kind.rstrip("0123456789")
    rate = float(kind[len(name) :] or 0) / 100
    strain = Strain(folder / "ref.fa", DIVERGENCE, random) if name == "strain" else None
    added = Added(kind, random)
    found = []
    for read in reads:
        own = read.copy()
        donor = reads[random.integers(len(reads))].quality
        if random.random() < (rate if strain else share) and not (only and read.file != int(only) - 1):
            if strain:
                strain.change(own)
            elif name in CONVERSIONS:
                convert(own, *CONVERSIONS[name], rate, random)
            elif name == "ancient":
                deaminate(own, random)
            else:
                bases, at_end = added.bases(read.file)
                push(own, bases, np.resize(donor, max(len(donor), len(bases))), at_end)
        found.append(own)
    return found
