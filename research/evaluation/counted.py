"""Reads, base by base, with the errors that were counted in them: for checks that change reads and must know what is still wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import truth

LETTERS = np.frombuffer(b"ACGTN", np.uint8)
CODES = np.full(256, 4, np.int8)
for code, letter in enumerate(b"ACGT"):
    CODES[letter] = CODES[letter + 32] = code


@dataclass
class Read:
    """A read. Of a read that is not clear, nobody knows which bases are wrong: it has no errors here, and no figure is of it."""

    definition: bytes
    bases: np.ndarray  # int8 [bases], 0 to 3 for A, C, G, T, and 4 for others
    quality: np.ndarray  # uint8 [bases], Phred+33
    errors: np.ndarray  # int16 [bases], wrong bases at each place; a deletion is at the base behind it
    clear: bool  # in its truth table, and unambiguous (truth.py)
    file: int  # the number of its file, from 0
    before: int = 0  # bases at the start that are not of the sample
    behind: int = 0  # bases at the end that are not of the sample

    def __len__(self) -> int:
        return len(self.bases)

    def copy(self) -> Read:
        """The read with arrays of its own."""
        return dataclasses.replace(self, bases=self.bases.copy(), quality=self.quality.copy(), errors=self.errors.copy())

    @property
    def errors_of_sample(self) -> np.ndarray:
        """The errors at each base of the sample, int16 [bases of the sample]."""
        return self.errors[self.before : len(self) - self.behind]

    @property
    def is_good(self) -> bool:
        """Whether at most one in a hundred of its bases of the sample is wrong."""
        errors = self.errors_of_sample
        return int(errors.sum()) * truth.GOOD_BASES <= len(errors)

    def text(self) -> bytes:
        """The FASTQ record."""
        return b"@%b\n%b\n+\n%b\n" % (self.definition, LETTERS[self.bases].tobytes(), self.quality.tobytes())


def codes(sequence: bytes) -> np.ndarray:
    """Bases as codes, int8 [bases]."""
    return CODES[np.frombuffer(sequence, np.uint8)]


def records(path: Path) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Definition, sequence and quality of each record of a file of four-line records."""
    with truth.opened(path) as text:
        while definition := text.readline().rstrip():
            sequence, _, quality = (text.readline().rstrip() for _ in range(3))
            yield definition[1:], sequence, quality


def errors_by_base(places: str, length: int) -> np.ndarray:
    """The errors at each base, int16 [length], from a column `errpos`; a deletion behind the last base counts there."""
    errors = np.zeros(length, np.int16)
    for kind, many, at in re.findall(r"([SID])(?:(\d+)@)?(\d+)", places):
        at, many = min(int(at), length - 1), int(many or 1)
        if kind == "I":
            errors[at : at + many] += 1
        else:
            errors[at] += many
    return errors


def load(table: Path, data: Path) -> list[Read]:
    """The reads of a truth set, file by file; none of them is clear if all are ambiguous."""
    found = truth.load(table, data)
    reads = [
        Read(definition, codes(sequence), np.frombuffer(quality, np.uint8), np.zeros(len(sequence), np.int16), False, number)
        for number, file in enumerate(truth.fastq_files(table.parent))
        for definition, sequence, quality in records(file)
    ]
    for row, places, errors in zip(found.row, found.places, found.errors, strict=True) if found else ():
        reads[row].clear, reads[row].errors = True, errors_by_base(places, len(reads[row]))
        if reads[row].errors.sum() != errors:
            raise SystemExit(f"{table}: {errors} errors, but {places} says where they are")
    return reads


def first(reads: list[Read], most: int) -> list[Read]:
    """The first reads of each file, at most this many of one file."""
    files = sorted({read.file for read in reads})
    return [read for number in files for read in [each for each in reads if each.file == number][:most]]


def write(reads: list[Read], folder: Path) -> list[Path]:
    """Writes a file for each file that the reads are of; returns the paths."""
    paths = []
    for number in sorted({read.file for read in reads}):
        paths.append(folder / f"{number + 1}.fastq")
        paths[-1].write_bytes(b"".join(read.text() for read in reads if read.file == number))
    return paths
