#!/usr/bin/env python3
"""Spike variants of known fractions into the real reads of truth sets, and align the reads again.

    spike.py --data DIR --out DIR [--set NAME …] [--seed N …]

For each set and seed, ``OUT/NAME.SEED/`` holds ``ref.fa``, ``spiked.bam``, ``control.bam`` (the same reads without spikes),
``truth.tsv`` (the spiked variants with the fraction of fragments that have them) and ``excluded.tsv`` (positions at which the sample itself
differs from the reference, which are neither right nor false). A spiked read keeps its qualities and its errors: a base is replaced only where
the read had the base of the reference. Needs bwa and samtools, and pysam.
"""

from __future__ import annotations

import argparse
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

FRACTIONS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.5)
SITES = 75
INDELS = 15  # of the sites
LONGEST_INDEL = 10
LEAST_DEPTH = 50  # fragments; less where the run has less
LEAST_READS = 2  # fragments with the variant, for it to count
MIN_MAPQ = 20
GOOD = 30  # quality of a base that shows what the sample has
COMPLEMENT = bytes.maketrans(b"ACGTN", b"TGCAN")


@dataclass
class Site:
    """A variant: at the 0-based ``start``, ``ref`` becomes ``alt``; an indel has the base before it in both."""

    chrom: str
    start: int
    ref: str
    alt: str
    fraction: float
    covering: int = 0
    spiked: int = 0


def align(ref: Path, fastq: list[Path], bam: Path) -> None:
    """Align with bwa mem and sort."""
    if not Path(f"{ref}.bwt").exists():
        subprocess.run(["bwa", "index", ref], check=True, capture_output=True)
    mem = subprocess.Popen(["bwa", "mem", "-t", "2", ref, *fastq], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    subprocess.run(["samtools", "sort", "-o", bam, "-"], stdin=mem.stdout, check=True, capture_output=True)
    if mem.wait() != 0:
        raise SystemExit(f"bwa failed on {fastq[0]}")
    subprocess.run(["samtools", "index", bam], check=True)


def usable(read: pysam.AlignedSegment) -> bool:
    """Whether a record counts."""
    return not (read.is_unmapped or read.is_secondary or read.is_supplementary) and read.mapping_quality >= MIN_MAPQ


def counts(bam: Path, chrom: str, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bases of all and of good quality by strand, int [2 strands, length, 4], and reads with an indel, int [length]."""
    every, good, indels = np.zeros((2, length, 4), int), np.zeros((2, length, 4), int), np.zeros(length, int)
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(chrom):
            if not usable(read):
                continue
            sequence, quality = read.query_sequence, read.query_qualities
            for query, place in read.get_aligned_pairs():
                if place is not None and query is None:
                    indels[place] += 1
                elif place is not None and (code := "ACGT".find(sequence[query])) >= 0:
                    every[int(read.is_reverse), place, code] += 1
                    good[int(read.is_reverse), place, code] += quality[query] >= GOOD
            at = read.reference_start
            for kind, size in read.cigartuples:
                if kind == 1:
                    indels[min(at, length - 1)] += 1
                at += size if kind in (0, 2, 3, 7, 8) else 0
    return every, good, indels


def own_variants(reference: str, every: np.ndarray, good: np.ndarray, indels: np.ndarray) -> set[int]:
    """Positions at which the sample itself may differ: 20 % of all bases, 2 % and 3 reads of the good ones of each strand that covers it, or an
    indel in 1 % and 3 reads."""
    found = set()
    for place, base in enumerate(reference):
        depth = every[:, place].sum() + indels[place]
        if depth == 0:
            continue
        strands = [s for s in (0, 1) if good[s, place].sum() >= 0.1 * good[:, place].sum()]
        for code in range(4):
            if "ACGT"[code] == base:
                continue
            minor = all(good[s, place, code] >= max(3 / len(strands), 0.02 * good[s, place].sum()) for s in strands)
            if minor and good[:, place, code].sum() >= 3 or every[:, place, code].sum() >= 0.2 * depth:
                found.add(place)
        if indels[place] >= max(3, 0.01 * depth):
            found.add(place)
    return found


def choose(rng: np.random.Generator, chrom: str, reference: str, depth: np.ndarray, own: set[int]) -> list[Site]:
    """The sites: far from each other, from variants of the sample and from the ends."""
    least = LEAST_DEPTH if (depth >= LEAST_DEPTH).sum() >= 3000 else max(10, int(np.median(depth[depth > 0])))
    near_own = {place + off for place in own for off in range(-12, 13)}
    eligible = [p for p in range(60, len(reference) - 60) if depth[p] >= least and p not in near_own]
    spacing = 40 if len(eligible) > SITES * 120 else 18
    sites, taken = [], np.zeros(len(reference), bool)
    for place in rng.permutation(eligible):
        if len(sites) == SITES:
            break
        around = reference[place - 1 : place + LONGEST_INDEL + 2]
        if taken[max(0, place - spacing) : place + spacing].any() or set(around) - set("ACGT"):
            continue
        taken[place] = True
        fraction = FRACTIONS[len(sites) % len(FRACTIONS)]
        ref = reference[place]
        if len(sites) % (SITES // INDELS) == SITES // INDELS - 1:
            size = 1 if rng.random() < 0.5 else int(rng.integers(2, LONGEST_INDEL + 1))
            if rng.random() < 0.5:
                site = Site(chrom, int(place), reference[place : place + size + 1], ref, fraction)
            else:
                site = Site(chrom, int(place), ref, ref + "".join(rng.choice(list("ACGT"), size)), fraction)
        else:
            site = Site(chrom, int(place), ref, str(rng.choice([b for b in "ACGT" if b != ref])), fraction)
        sites.append(site)
    return sorted(sites, key=lambda site: site.start)


def spiked_read(read: pysam.AlignedSegment, sites: list[Site], has: dict) -> tuple[bytes, bytes]:
    """Bases and Phred+33 qualities of a read with its variants, in the orientation of the FASTQ record."""
    bases = bytearray(read.query_sequence.encode())
    quality = bytearray(q + 33 for q in read.query_qualities)
    if usable(read):
        query = {place: q for q, place in read.get_aligned_pairs(matches_only=True)}
        for site in reversed(sites):
            if read.reference_name != site.chrom or not has.get((site.start, read.query_name), False):
                continue
            places = [query.get(p) for p in range(site.start, site.start + len(site.ref) + 1)]
            at = places[0]
            if None in places or places[-1] - at != len(site.ref):
                continue
            if len(site.ref) == len(site.alt):
                if chr(bases[at]) == site.ref:
                    bases[at] = ord(site.alt)
            elif len(site.ref) > len(site.alt):
                del bases[at + 1 : at + len(site.ref)], quality[at + 1 : at + len(site.ref)]
            else:
                size = len(site.alt) - 1
                bases[at + 1 : at + 1] = site.alt[1:].encode()
                near = quality[at : at + size] or quality[at : at + 1]
                quality[at + 1 : at + 1] = (near * size)[:size]
    if read.is_reverse:
        return bytes(bases.translate(COMPLEMENT)[::-1]), bytes(quality[::-1])
    return bytes(bases), bytes(quality)


def spike(folder: Path, bam: Path, sites: list[Site], rng: np.random.Generator) -> list[Path]:
    """Write the FASTQ files of the reads with the variants."""
    has: dict[tuple[int, str], bool] = {}
    with pysam.AlignmentFile(bam) as file:
        for site in sites:
            names = sorted({r.query_name for r in file.fetch(site.chrom, site.start, site.start + 1) if usable(r)})
            chosen = rng.random(len(names)) < site.fraction
            has.update(((site.start, name), bool(yes)) for name, yes in zip(names, chosen))
            site.covering, site.spiked = len(names), int(chosen.sum())
    records = defaultdict(dict)
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(until_eof=True):
            if not (read.is_secondary or read.is_supplementary):
                records[read.query_name][int(read.is_read2)] = spiked_read(read, sites, has)
    paired = any(1 in mates for mates in records.values())
    paths = [folder / f"spiked_{mate + 1}.fastq" for mate in range(1 + paired)]
    files = [path.open("wb") for path in paths]
    for name, mates in sorted(records.items()):
        if paired and len(mates) == 2 or not paired:
            for mate, file in enumerate(files):
                file.write(b"@%b\n%b\n+\n%b\n" % (name.encode(), *mates[mate]))
    for file in files:
        file.close()
    return paths


def aligned(source: Path, folder: Path, ref: Path, name: str) -> Path:
    """Align the reads of a run, to ``FOLDER/NAME.bam``."""
    fastq = sorted(source.glob("*.fastq.gz"))
    unique = folder / f"{name}.fastq"
    if len(fastq) == 1:  # names of single files may occur twice
        with pysam.FastxFile(str(fastq[0])) as reads, unique.open("w") as text:
            for number, read in enumerate(reads):
                text.write(f"@r{number}\n{read.sequence}\n+\n{read.quality}\n")
        fastq = [unique]
    bam = folder / f"{name}.bam"
    align(ref, fastq, bam)
    unique.unlink(missing_ok=True)
    return bam


def most_covered(bam: Path, ref: Path) -> tuple[str, dict[str, str]]:
    """The name of the sequence with the most reads, and the letters of all."""
    with pysam.FastaFile(str(ref)) as fasta:
        sequences = {name: fasta.fetch(name).upper() for name in fasta.references}
    with pysam.AlignmentFile(bam) as file:
        return max(file.get_index_statistics(), key=lambda it: it.mapped).contig, sequences


def write_tables(folder: Path, sites: list[Site], own: set[int], chrom: str, depth: np.ndarray) -> None:
    """Write what is known of a set: its variants, the places that do not count, and what is covered."""
    with (folder / "truth.tsv").open("w") as table:
        table.write("chrom\tpos\tref\talt\tfraction\tcovering\tspiked\n")
        for site in sites:
            if site.spiked >= LEAST_READS:
                cells = (site.chrom, site.start + 1, site.ref, site.alt, site.fraction, site.covering, site.spiked)
                table.write("\t".join(map(str, cells)) + "\n")
    with (folder / "excluded.tsv").open("w") as table:
        table.write("chrom\tpos\n")
        for place in sorted(own):
            table.write(f"{chrom}\t{place + 1}\n")
    with (folder / "covered.tsv").open("w") as table:
        table.write(f"positions_of_depth_20\t{int((depth >= 20).sum())}\nmedian_depth\t{int(np.median(depth[depth > 0]))}\n")


def make(source: Path, out: Path, seed: int) -> None:
    """One spiked set."""
    folder = out / f"{source.name}.{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    ref = folder / "ref.fa"
    ref.write_bytes((source / "ref.fa").read_bytes())
    pysam.faidx(str(ref))
    control = aligned(source, folder, ref, "control")
    rng = np.random.default_rng(seed)
    chrom, sequences = most_covered(control, ref)
    every, good, indels = counts(control, chrom, len(sequences[chrom]))
    own = own_variants(sequences[chrom], every, good, indels)
    depth = every.sum(axis=(0, 2))
    sites = choose(rng, chrom, sequences[chrom], depth, own)
    paths = spike(folder, control, sites, rng)
    align(ref, paths, folder / "spiked.bam")
    write_tables(folder, sites, own, chrom, depth)
    for path in paths:
        path.unlink()
    print(folder.name, len(sites), "sites", int(np.median(depth[depth > 0])), "median depth", len(own), "own", flush=True)


def make_all(title: str, make_one: Callable[[Path, Path, int], None]) -> None:
    """Make the sets that the command line names, each with a function of its run, the folder and the seed."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", nargs="+", required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    args = parser.parse_args()
    for name in args.set:
        for seed in args.seed:
            make_one(args.data / name, args.out, seed)


if __name__ == "__main__":
    make_all(__doc__.splitlines()[0], make)
