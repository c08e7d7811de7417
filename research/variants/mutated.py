#!/usr/bin/env python3
"""Change the reference instead of the reads: every fragment has the variant.

    mutated.py --data DIR --out DIR [--set NAME …] [--seed N …]

``OUT/NAME.SEED/`` is laid out as spike.py does it; the fractions are 1. Places of the sample's own variants are left alone. Needs bwa and samtools,
and pysam.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mixtures
import numpy as np
import pysam
import spike


@dataclass
class Change:
    """At the 0-based ``start`` of the old reference, ``ref`` of the old one is ``alt`` in the new one."""

    start: int
    ref: str
    alt: str


def changed(reference: str, changes: list[Change]) -> tuple[str, list[int]]:
    """The new reference, and the start of each change in it."""
    parts, starts, behind, length = [], [], 0, 0
    for change in changes:
        parts += [reference[behind : change.start], change.alt]
        length += change.start - behind
        starts.append(length)
        length += len(change.alt)
        behind = change.start + len(change.ref)
    parts.append(reference[behind:])
    return "".join(parts), starts


def moved(place: int, changes: list[Change]) -> int:
    """Where a place of the old reference is in the new one; inside of a change, about."""
    return place + sum(len(it.alt) - len(it.ref) for it in changes if it.start + len(it.ref) <= place)


def make(source: Path, out: Path, seed: int) -> None:
    """One set."""
    folder = out / f"{source.name}.{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    old = folder / "old.fa"
    old.write_bytes((source / "ref.fa").read_bytes())
    pysam.faidx(str(old))
    bam = spike.aligned(source, folder, old, "of_0")
    chrom, sequences = spike.most_covered(bam, old)
    every, good, indels = spike.counts(bam, chrom, len(sequences[chrom]))
    own = spike.own_variants(sequences[chrom], every, good, indels)
    depth = every.sum(axis=(0, 2))
    sites = spike.choose(np.random.default_rng(seed), chrom, sequences[chrom], depth, own)
    changes = [Change(it.start, it.ref, it.alt) for it in sites]
    new, starts = changed(sequences[chrom], changes)
    ref = folder / "ref.fa"
    with ref.open("w") as text:
        for name, sequence in {**sequences, chrom: new}.items():
            text.write(f">{name}\n{sequence}\n")
    pysam.faidx(str(ref))
    reads = mixtures.write_fastq(folder, mixtures.fragments(bam), {})
    spike.align(ref, reads, folder / "spiked.bam")
    variants = []
    for change, start in zip(changes, starts):
        covering = int(depth[change.start])
        variants.append(spike.Site(chrom, start, change.alt, change.ref, 1.0, covering, covering))
    spike.write_tables(folder, variants, {moved(it, changes) for it in own}, chrom, depth)
    for path in [*reads, bam, Path(f"{bam}.bai")]:
        path.unlink()
    print(folder.name, len(changes), "changes", flush=True)


if __name__ == "__main__":
    spike.make_all(__doc__.splitlines()[0], make)
