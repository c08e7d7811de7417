"""Lanes of some million reads, from real reads that are repeated under new names, in files of BGZF blocks."""

from __future__ import annotations

import csv
import gzip
import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(rb"@[^\s/]+")

# Bytes of text in a block; no block may have more than 65,536, compressed or not.
BLOCK = 65_280


@dataclass(frozen=True)
class Lane:
    """A row of the sample sheet."""

    sample: str
    files: tuple[Path, ...]


def repeat(source: Path, copies: int, target: Path, part: int = 0, parts: int = 1) -> int:
    """Writes the reads of one of equal parts of a file ``copies`` times, with new names; returns the number of reads.

    The number of the copy is at the end of the name.
    """
    lines = gzip.decompress(source.read_bytes()).split(b"\n")
    reads = len(lines) // 4
    own = range(reads * part // parts, reads * (part + 1) // parts)
    ends = {read: NAME.match(lines[4 * read]).end() for read in own}

    def records() -> Iterable[bytes]:
        for copy in range(1, copies + 1):
            suffix = b":%d" % copy
            for read, end in ends.items():
                name, *others = lines[4 * read : 4 * read + 4]
                yield b"\n".join([name[:end] + suffix + name[end:], *others, b""])

    write_bgzf(records(), target)
    return copies * len(own)


def write_bgzf(texts: Iterable[bytes], target: Path) -> None:
    """Writes texts as blocks of gzip whose size is in their header, as in section 4.1 of the specification of SAM."""
    with target.open("wb") as output:
        waiting = bytearray()
        for text in texts:
            waiting += text
            while len(waiting) >= BLOCK:
                output.write(block(bytes(waiting[:BLOCK])))
                del waiting[:BLOCK]
        if waiting:
            output.write(block(bytes(waiting)))
        output.write(block(b""))


def block(text: bytes) -> bytes:
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    data = deflate.compress(text) + deflate.flush()
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0"
    return head + struct.pack("<H", len(data) + 25) + data + struct.pack("<II", zlib.crc32(text), len(text))


def make(sources: dict[str, list[list[Path]]], reads: int, folder: Path) -> tuple[list[Lane], int]:
    """Writes lanes with about this number of reads in all; ``sources`` has the files of each lane of each sample.

    Lanes of the same files each have a part of them: bm refuses to learn from the same reads twice.
    """
    folder.mkdir(parents=True)
    present = sum(count(file) / all_files.count(files) for all_files in sources.values() for files in all_files for file in files)
    copies = max(1, round(reads / present))
    lanes, written = [], 0
    for sample, all_files in sources.items():
        for number, files in enumerate(all_files):
            targets = []
            for mate, source in enumerate(files, start=1):
                targets.append(folder / f"{sample}_L{number + 1:03}_R{mate}.fastq.gz")
                written += repeat(source, copies, targets[-1], all_files[:number].count(files), all_files.count(files))
            lanes.append(Lane(sample, tuple(targets)))
    return lanes, written


def count(file: Path) -> int:
    return gzip.decompress(file.read_bytes()).count(b"\n") // 4


def write_sheet(lanes: list[Lane], path: Path) -> None:
    with path.open("w", newline="") as sheet:
        rows = csv.writer(sheet)
        rows.writerow(["sample", "fastq_1", "fastq_2"])
        rows.writerows([lane.sample, *lane.files, *[""] * (2 - len(lane.files))] for lane in lanes)
