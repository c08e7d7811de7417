#!/usr/bin/env python3
"""Makes files of long reads for measurements of speed and memory; seeded, so the same files each time.

    python research/long-reads/simulated.py --genome MB --bases MB -o OUT.fastq           reads of a random genome, with errors
    python research/long-reads/simulated.py --repeat IN.fastq.gz... --bases MB -o OUT.fastq  real reads again and again, with new names
    python research/long-reads/simulated.py --one MB -o OUT.fastq                         one read of that length

Reads of a genome: lengths are lognormal with a median of 6 kb, either strand; error rates are lognormal about 4 % by read, and gamma distributed by
base within it; a third each are substitutions, insertions and deletions. Qualities report the rate of their base.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / "evaluation")]
import counted  # noqa: E402

LETTERS = np.frombuffer(b"ACGT", np.uint8)
COMPLEMENT = np.array([3, 2, 1, 0])
SEED = 11


def read_of(genome: np.ndarray, length: int, chance: np.random.Generator) -> tuple[bytes, bytes]:
    """Bases and qualities of a read with errors; it has about `length` bases."""
    first = int(chance.integers(0, max(len(genome) - length, 0) + 1))
    bases = genome[first : first + length]
    if chance.random() < 0.5:
        bases = COMPLEMENT[bases[::-1]]
    rate = np.clip(0.04 * np.exp(chance.normal(0, 0.5)) * chance.gamma(0.7, 1 / 0.7, len(bases)), 1e-4, 0.6)
    u = chance.random(len(bases)) / rate  # below 1: an error
    bases = np.where(u < 1 / 3, (bases + chance.integers(1, 4, len(bases))) % 4, bases)
    copies = np.where((u >= 1 / 3) & (u < 2 / 3), 2, np.where((u >= 2 / 3) & (u < 1), 0, 1))
    bases, rate = np.repeat(bases, copies), np.repeat(rate, copies)
    return LETTERS[bases].tobytes(), (np.clip(np.round(-10 * np.log10(rate)), 1, 50) + 33).astype(np.uint8).tobytes()


def of_genome(genome_bases: int, bases: int) -> Iterator[tuple[bytes, bytes]]:
    """Reads of a random genome, together of so many bases."""
    chance = np.random.default_rng(SEED)
    genome = chance.integers(0, 4, genome_bases)
    while bases > 0:
        read = read_of(genome, int(np.clip(6000 * np.exp(chance.normal(0, 0.7)), 200, 100_000)), chance)
        bases -= len(read[0])
        yield read


def again(files: list[Path], bases: int) -> Iterator[tuple[bytes, bytes]]:
    """The reads of these files, again and again, together of so many bases."""
    reads = [(sequence, quality) for file in files for _, sequence, quality in counted.records(file)]
    while bases > 0:
        for read in reads:
            bases -= len(read[0])
            yield read
            if bases <= 0:
                break


def one(length: int) -> Iterator[tuple[bytes, bytes]]:
    """One read."""
    chance = np.random.default_rng(SEED)
    yield read_of(chance.integers(0, 4, length), length, chance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genome", type=float, metavar="MB")
    parser.add_argument("--repeat", type=Path, nargs="+", metavar="IN")
    parser.add_argument("--one", type=float, metavar="MB")
    parser.add_argument("--bases", type=float, metavar="MB", default=500)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    bases = int(arguments.bases * 1e6)
    if arguments.genome:
        reads = of_genome(int(arguments.genome * 1e6), bases)
    elif arguments.repeat:
        reads = again(arguments.repeat, bases)
    elif arguments.one:
        reads = one(int(arguments.one * 1e6))
    else:
        parser.error("--genome, --repeat or --one is needed")
    with arguments.output.open("wb") as out:
        for place, (sequence, quality) in enumerate(reads):
            out.write(b"@read_%d\n%b\n+\n%b\n" % (place, sequence, quality))


if __name__ == "__main__":
    main()
