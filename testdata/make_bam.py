#!/usr/bin/env python3
"""Makes the files in bam/ from real runs, with pysam (samtools).

Usage: python3 make_bam.py, in the folder testdata. The files are committed; pysam 0.24.1 made them.
"""

import gzip
import random
from array import array
from pathlib import Path

import pysam

HERE = Path(__file__).parent
PAIRS = 250
LONG_READS = 12
LONGEST = 2_500


def records(path: Path, most: int) -> list[tuple[str, str, str]]:
    """Return name, bases and qualities of the first records of a FASTQ file of four lines each."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        text = [next(lines).rstrip("\n") for _ in range(4 * most)]
    quads = zip(text[::4], text[1::4], text[3::4], strict=True)
    return [(name[1:].split()[0], bases, qualities) for name, bases, qualities in quads]


def segment(header: pysam.AlignmentHeader, read: tuple[str, str, str], flag: int) -> pysam.AlignedSegment:
    """Return an unaligned record."""
    record = pysam.AlignedSegment(header)
    record.query_name, record.query_sequence = read[0].removesuffix("/1").removesuffix("/2"), read[1]
    record.query_qualities = pysam.qualitystring_to_array(read[2])
    record.flag = flag
    return record


def pairs() -> None:
    """Write pairs of two read groups, as samtools import does."""
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "unsorted", "GO": "query"},
            "RG": [{"ID": "L1", "SM": "measles"}, {"ID": "L2", "SM": "measles"}],
            "PG": [{"ID": "samtools", "PN": "samtools", "VN": "1.24"}],
        }
    )
    mates = [records(HERE / f"hiseq_measles/hiseq_measles_{mate}.fastq.gz", PAIRS) for mate in (1, 2)]
    with pysam.AlignmentFile(str(HERE / "bam/pairs.bam"), "wb", header=header) as bam:
        for place, both in enumerate(zip(*mates, strict=True)):
            for flag, read in zip((77, 141), both, strict=True):
                record = segment(header, read, flag)
                record.set_tag("RG", f"L{1 + place % 2}")
                record.set_tag("BC", "GTGAAA")
                bam.write(record)


def long_reads() -> None:
    """Write reads with the tags of dorado; the values of the tags are made up, their layout is not."""
    header = pysam.AlignmentHeader.from_dict(
        {
            "HD": {"VN": "1.6", "SO": "unknown"},
            "RG": [{"ID": "run_model", "PU": "FLOWCELL", "PL": "ONT"}],
            "PG": [{"ID": "basecaller", "PN": "dorado", "VN": "1.0.0"}],
        }
    )
    chance = random.Random(1)
    with pysam.AlignmentFile(str(HERE / "bam/nanopore.bam"), "wb", header=header) as bam:
        for name, bases, qualities in records(HERE / "nanopore_lambda_4line.fastq.gz", LONG_READS):
            read = (name, bases[:LONGEST], qualities[:LONGEST])
            record = segment(header, read, 4)
            skips: list[int] = []
            skipped = 0
            for base in read[1]:
                if base == "C" and chance.random() < 0.1:
                    skips.append(skipped)
                    skipped = 0
                elif base == "C":
                    skipped += 1
            moves = [6]
            for _ in read[1]:
                moves += [1] + [0] * chance.randrange(3)
            likelihoods = [chance.randrange(256) for _ in range(2 * len(skips))]
            record.set_tag("qs", 12.5, value_type="f")
            record.set_tag("RG", "run_model")
            if skips:
                places = ",".join(map(str, skips))
                record.set_tag("MN", len(read[1]))
                record.set_tag("MM", f"C+hm?,{places};")
                record.set_tag("ML", array("B", likelihoods))
            record.set_tag("mv", array("b", moves))
            record.set_tag("ts", 10)
            record.set_tag("ns", 10 + 6 * (len(moves) - 1))
            bam.write(record)


if __name__ == "__main__":
    (HERE / "bam").mkdir(exist_ok=True)
    pairs()
    long_reads()
