#!/usr/bin/env python3
"""Write golden/scalar-150-v1.tsv: reads and the exact bits of their features.

    python3 crates/bm-encode/tests/golden/make_golden.py           write the file
    python3 crates/bm-encode/tests/golden/make_golden.py --check   compare the file with what the script would write

This is a second encoder, written from the definition of `scalar-150` version 1 and not from the Rust code, so that the two can
disagree.  It is here for that test only: training and every other program ask `bm encode`.

    features 0 to 149     the bases: A 0.0, C 0.25, G 0.5, T 0.75 in either case, anything else 1.0
    features 150 to 299   the quality scores: Phred / 93, where Phred is the byte minus 33
    a read shorter than 150 bases: 0.0 in the rest of both halves

Columns: name, sequence, quality, then the features of the read's own bases and qualities as hexadecimal IEEE 754 single
precision, eight digits a feature.  All other features are zero to the bit (00000000) and are left out.

Standard library only.  No random numbers: the same script makes the same bytes.
"""

import argparse
import gzip
import struct
import sys
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE / "scalar-150-v1.tsv"
DATA = HERE.parents[3] / "testdata"
WINDOW = 150


def reads_of(path, count, every=1, keep=lambda name, sequence, quality: True):
    """The first `count` of every `every`-th read of a FASTQ file that `keep` accepts."""
    lines = gzip.decompress((DATA / path).read_bytes()).decode("ascii").splitlines()
    found = []
    for i in range(0, len(lines), 4 * every):
        read = (lines[i][1:].split(" ")[0], lines[i + 1], lines[i + 3])
        if keep(*read):
            found.append(read)
        if len(found) == count:
            break
    return found


def single(value):
    """The bits of the nearest float32 of an exact fraction, ties to even, as eight hexadecimal digits."""
    # Every fraction here is k / 93 or k / 4: float() rounds it once, to 53 bits, which is more than twice 24 and so cannot
    # change what struct then rounds to 24.
    return struct.pack(">f", float(value)).hex()


def base_feature(letter):
    if letter in ("A", "a"):
        return Fraction(0)
    if letter in ("C", "c"):
        return Fraction(1, 4)
    if letter in ("G", "g"):
        return Fraction(1, 2)
    if letter in ("T", "t"):
        return Fraction(3, 4)
    return Fraction(1)


def quality_feature(letter):
    phred = ord(letter) - 33
    if not 0 <= phred <= 93:
        raise ValueError(f"{letter!r} is not Phred + 33")
    return Fraction(phred, 93)


def row(name, sequence, quality):
    if not 0 < len(sequence) == len(quality) <= WINDOW:
        raise ValueError(f"{name}: {len(sequence)} bases, {len(quality)} quality scores")
    bases = "".join(single(base_feature(letter)) for letter in sequence)
    qualities = "".join(single(quality_feature(letter)) for letter in quality)
    return "\t".join((name, sequence, quality, bases, qualities))


def golden_reads():
    yield from reads_of("hiseqx_phage/hiseqx_phage.fastq.gz", 6, every=997)
    yield from reads_of("hiseq_measles/hiseq_measles_1.fastq.gz", 4, every=211)
    has_n = reads_of("hiseq_measles/hiseq_measles_2.fastq.gz", 2, keep=lambda _, sequence, __: "N" in sequence)
    yield from has_n
    ambiguous = set("RYKMSWBDHV")
    yield from reads_of("derived/lowercase_and_iupac.fastq.gz", 2, keep=lambda _, s, __: ambiguous & set(s.upper()))
    yield from reads_of("derived/lowercase_and_iupac.fastq.gz", 2, keep=lambda _, s, __: s.islower())
    yield from reads_of("novaseq_A00129_800.fastq.gz", 2, every=101)

    # Parts of one real read, for every kind of length; each starts where the one before it ended.
    _, sequence, quality = reads_of("hiseqx_phage/hiseqx_phage.fastq.gz", 1)[0]
    start = 0
    for length in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 35, 36, 50, 63, 64, 65, 75, 99, 100, 101, 127, 128, 148, 149, 150):
        cut = [(sequence * 2)[start : start + length], (quality * 2)[start : start + length]]
        yield (f"part-{start}-{length}", *cut)
        start = (start + length) % WINDOW

    # Every quality from 0 to 93, and every printable byte as a base.
    every_quality = "".join(chr(33 + phred) for phred in range(94))
    every_base = "".join(chr(byte) for byte in range(33, 127))
    yield ("every-quality", "ACGTNacgtn" * 9 + "ACGT", every_quality)
    yield ("every-base", every_base, "I" * len(every_base))
    yield ("all-n", "N" * WINDOW, "#" * WINDOW)
    yield ("all-a-quality-0", "A" * WINDOW, "!" * WINDOW)
    yield ("all-t-quality-93", "t" * WINDOW, "~" * WINDOW)


def content():
    lines = ["name\tsequence\tquality\tbase_features\tquality_features"]
    lines += [row(*read) for read in golden_reads()]
    return "".join(line + "\n" for line in lines).encode("ascii")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    made = content()
    if not arguments.check:
        TARGET.write_bytes(made)
        print(f"wrote {TARGET.name}, {len(made.splitlines()) - 1} reads", file=sys.stderr)
    elif TARGET.read_bytes() != made:
        sys.exit(f"{TARGET.name} is not what this script writes")


if __name__ == "__main__":
    main()
