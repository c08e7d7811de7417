#!/usr/bin/env python3
"""Mix the real reads of two samples of one species, aligned to one reference.

    mixtures.py --data DIR --out DIR --pair MAJOR MINOR [--pair …] [--seed N …]

``OUT/MAJOR+MINOR.SEED/`` is laid out as spike.py does it. Fragments of MINOR are drawn so that they are a fraction of the median depth; there is a
set for each of FRACTIONS. The variants are the substitutions that MINOR has in nearly all of its reads and MAJOR in none; their fraction is that
of the fragments there. What else one of the samples has is neither right nor false. Needs bwa and samtools, and pysam.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pysam
import spike

FRACTIONS = (0.02, 0.05, 0.1, 0.2)
FIXED = 0.9  # of the good bases of MINOR have the variant
ABSENT = 0.005  # at most, of those of MAJOR
LEAST_DEPTH = 20  # good bases of MINOR at a variant


def fragments(bam: Path) -> dict[str, list[pysam.AlignedSegment]]:
    """The primary records of each fragment."""
    found: dict[str, list[pysam.AlignedSegment]] = {}
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(until_eof=True):
            if not (read.is_secondary or read.is_supplementary):
                found.setdefault(read.query_name, []).append(read)
    return found


def different(major: np.ndarray, minor: np.ndarray, reference: str) -> dict[int, int]:
    """The substitutions of MINOR by place, with the code of their base: int [2 strands, length, 4] are the good bases of both."""
    found = {}
    for place, base in enumerate(reference):
        ours, theirs = minor[:, place].sum(axis=0), major[:, place].sum(axis=0)
        code = int(ours.argmax())
        if ours.sum() >= LEAST_DEPTH and ours[code] >= FIXED * ours.sum() and "ACGT"[code] != base and base in "ACGT":
            if theirs[code] <= ABSENT * theirs.sum() and theirs.sum() >= LEAST_DEPTH:
                found[place] = code
    return found


def write_fastq(folder: Path, major: dict, minor: dict) -> list[Path]:
    """Write the fragments of both: single reads, or pairs; names tell them apart, mates of pairs only where both are there."""
    most = max(len(it) for reads in (major, minor) for it in reads.values())
    paths = [folder / f"mixed_{mate + 1}.fastq" for mate in range(most)]
    files = [path.open("w") for path in paths]
    for prefix, reads in (("a", major), ("b", minor)):
        for name, mates in sorted(reads.items()):
            if len(mates) != most:
                continue
            for file, read in zip(files, sorted(mates, key=lambda it: it.is_read2)):
                quality = "".join(chr(33 + q) for q in read.get_forward_qualities())
                file.write(f"@{prefix}_{name}\n{read.get_forward_sequence()}\n+\n{quality}\n")
    for file in files:
        file.close()
    return paths


def covering(bam: Path, chrom: str, place: int) -> tuple[int, int]:
    """Fragments at a place, and those of MINOR."""
    with pysam.AlignmentFile(bam) as file:
        names = {it.query_name for it in file.fetch(chrom, place, place + 1) if spike.usable(it)}
    return len(names), sum(it.startswith("b_") for it in names)


def name(runs: tuple[str, str], fraction: float, seed: int) -> str:
    """The name of a set."""
    return f"{'+'.join(runs)}_{100 * fraction:.0f}.{seed}"


def make(data: Path, out: Path, runs: tuple[str, str], fraction: float, seed: int) -> None:
    """One mixture."""
    folder = out / name(runs, fraction, seed)
    folder.mkdir(parents=True, exist_ok=True)
    ref = folder / "ref.fa"
    ref.write_bytes((data / runs[0] / "ref.fa").read_bytes())
    pysam.faidx(str(ref))
    bams = [spike.aligned(data / run, folder, ref, f"of_{at}") for at, run in enumerate(runs)]
    chrom, sequences = spike.most_covered(bams[0], ref)
    reference = sequences[chrom]
    counted = [spike.counts(bam, chrom, len(reference)) for bam in bams]
    own = [spike.own_variants(reference, *it) for it in counted]
    depths = [every.sum(axis=(0, 2)) for every, _, _ in counted]
    variants = different(counted[0][1], counted[1][1], reference)
    major, minor = (fragments(bam) for bam in bams)
    both = (depths[0] > 0) & (depths[1] > 0)
    medians = [float(np.median(it[both])) for it in depths]
    wanted = fraction / (1 - fraction) * medians[0] / medians[1]
    rng = np.random.default_rng(seed)
    # Where MINOR has too few reads, fewer of MAJOR are taken.
    keep = [min(1.0, 1.0 / wanted), min(1.0, wanted)]
    chosen = [
        {fragment: mates for fragment, mates in sorted(it.items()) if rng.random() < share} for it, share in zip((major, minor), keep)
    ]
    spike.align(ref, write_fastq(folder, chosen[0], {}), folder / "control.bam")
    paths = write_fastq(folder, *chosen)
    spike.align(ref, paths, folder / "spiked.bam")
    sites = []
    for place, code in variants.items():
        depth, of_minor = covering(folder / "spiked.bam", chrom, place)
        sites.append(spike.Site(chrom, place, reference[place], "ACGT"[code], fraction, depth, of_minor))
    spike.write_tables(folder, sites, (own[0] | own[1]) - set(variants), chrom, depths[0] * keep[0])
    for path in [*paths, *bams, *(Path(f"{bam}.bai") for bam in bams)]:
        path.unlink(missing_ok=True)
    print(folder.name, len(variants), "variants", flush=True)


def main() -> None:
    """Make the sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pair", nargs=2, action="append", required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    args = parser.parse_args()
    for pair in args.pair:
        for fraction in FRACTIONS:
            for seed in args.seed:
                make(args.data, args.out, tuple(pair), fraction, seed)


if __name__ == "__main__":
    main()
