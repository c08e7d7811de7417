"""Alignments whose reads have the qualities of `bm recalibrate`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pysam

NAME = "recalibrated.bam"

# What follows the `@` of a caller's name, and the options of `bm recalibrate`.
WAYS = {"recalibrated": (), "network": ("--model", "read-error")}


def write_reads(bam: Path, folder: Path) -> list[Path]:
    """Write the primary records as FASTQ, in the direction of sequencing; mates of a pair in two files, in one order."""
    paths = [folder / "reads_1.fastq", folder / "reads_2.fastq"]
    waiting: dict[str, pysam.AlignedSegment] = {}
    with pysam.AlignmentFile(bam) as file, paths[0].open("w") as first, paths[1].open("w") as second:

        def write(read: pysam.AlignedSegment, text) -> None:
            quality = "".join(chr(33 + q) for q in read.get_forward_qualities())
            text.write(f"@{read.query_name}\n{read.get_forward_sequence()}\n+\n{quality}\n")

        for read in file.fetch(until_eof=True):
            if read.is_secondary or read.is_supplementary:
                continue
            if not read.is_paired:
                write(read, first)
            elif (mate := waiting.pop(read.query_name, None)) is None:
                waiting[read.query_name] = read
            else:
                write(read if read.is_read1 else mate, first)
                write(mate if read.is_read1 else read, second)
    if waiting:
        raise SystemExit(f"{bam}: {len(waiting)} reads without their mates, such as {next(iter(waiting))}")
    return [path for path in paths if path.stat().st_size]


def recalibrate(bm: Path, bam: Path, folder: Path, way: str) -> Path:
    """Write a copy of an alignment with new qualities to a folder; reads are not aligned again."""
    reads = write_reads(bam, folder)
    new = [folder / f"new_{mate + 1}.fastq" for mate in range(len(reads))]
    outputs = [part for flag, path in zip(("-o", "-O"), new) for part in (flag, path)]
    subprocess.run([bm, "recalibrate", *reads, *outputs, *WAYS[way], "-q", "--no-sync"], check=True, capture_output=True)
    qualities = {}
    for mate, path in enumerate(new):
        with pysam.FastxFile(str(path)) as records:
            qualities.update(((it.name, mate), it.quality) for it in records)
    out = folder / NAME
    with pysam.AlignmentFile(bam) as source, pysam.AlignmentFile(out, "wb", template=source) as target:
        for read in source.fetch(until_eof=True):
            if read.is_secondary or read.is_supplementary:
                continue
            text = qualities[read.query_name, int(read.is_read2)]
            read.query_qualities = pysam.qualitystring_to_array(text[::-1] if read.is_reverse else text)
            target.write(read)
    pysam.index(str(out))
    for path in (*reads, *new):
        path.unlink()
    return out
