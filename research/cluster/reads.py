"""Lanes of some million reads, from real reads that are repeated under new names."""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(rb"@[^\s/]+")


@dataclass(frozen=True)
class Lane:
    """A row of the sample sheet."""

    sample: str
    files: tuple[Path, ...]


def repeat(source: Path, copies: range, target: Path) -> int:
    """Writes all reads of a file once for each of ``copies``, with this number at the end of the name; returns the number of reads."""
    lines = gzip.decompress(source.read_bytes()).split(b"\n")
    names = [NAME.match(line).end() for line in lines[0:-1:4]]
    with gzip.open(target, "wb", compresslevel=1) as output:
        for copy in copies:
            suffix = b":%d" % copy
            for read, end in enumerate(names):
                name, *others = lines[4 * read : 4 * read + 4]
                output.write(b"\n".join([name[:end] + suffix + name[end:], *others, b""]))
    return len(copies) * len(names)


def make(sources: dict[str, list[list[Path]]], reads: int, folder: Path) -> tuple[list[Lane], int]:
    """Writes lanes with about this number of reads in all; ``sources`` has the files of each lane of each sample."""
    folder.mkdir(parents=True)
    present = sum(count(file) for lanes in sources.values() for files in lanes for file in files)
    copies = max(1, round(reads / present))
    lanes, written = [], 0
    for sample, all_files in sources.items():
        for number, files in enumerate(all_files, start=1):
            # No name is twice in a sample, also where two lanes are of one file.
            numbers = range(number * copies, (number + 1) * copies)
            targets = []
            for mate, source in enumerate(files, start=1):
                targets.append(folder / f"{sample}_L{number:03}_R{mate}.fastq.gz")
                written += repeat(source, numbers, targets[-1])
            lanes.append(Lane(sample, tuple(targets)))
    return lanes, written


def count(file: Path) -> int:
    return gzip.decompress(file.read_bytes()).count(b"\n") // 4


def write_sheet(lanes: list[Lane], path: Path) -> None:
    with path.open("w", newline="") as sheet:
        rows = csv.writer(sheet)
        rows.writerow(["sample", "fastq_1", "fastq_2"])
        rows.writerows([lane.sample, *lane.files, *[""] * (2 - len(lane.files))] for lane in lanes)
