"""Genotypes of `bm call --ploidy` where they are known."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import evaluate
import pysam

# Sets, fraction of the variants, ploidy, and the genotype that is right.
KNOWN = (("mutated", 1.0, 1, (1,)), ("mutated", 1.0, 2, (1, 1)), ("spiked", 0.5, 2, (0, 1)))
LEAST_DEPTH = 20


def count(folder: Path, bm: Path, fraction: float, ploidy: int, right: tuple[int, ...]) -> dict:
    """The genotypes of the variants of a fraction, at places that enough fragments cover."""
    data = evaluate.Set(folder)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "calls.vcf"
        evaluate.run(f"{bm} call {folder}/spiked.bam -r {folder}/ref.fa --ploidy {ploidy} -o {out} -q -j 2")
        found = {}
        with pysam.VariantFile(str(out)) as file:
            for record in file:
                for key in evaluate.normalised(data.reference, record.pos, record.ref, record.alts[0]):
                    found.setdefault(key, tuple(sorted(record.samples[0]["GT"])))
    wanted = [key for key, it in data.truth.items() if it == fraction and data.depth[key] >= LEAST_DEPTH]
    return {
        "set": folder.name,
        "ploidy": ploidy,
        "fraction": fraction,
        "variants": len(wanted),
        "called": sum(key in found for key in wanted),
        "right": sum(found.get(key) == right for key in wanted),
    }


def measure(sets: Path, side: str, bm: Path, output: Path) -> None:
    """Count the genotypes of all sets of a side, and write them to a file."""
    rows = []
    for kind, fraction, ploidy, right in KNOWN:
        for folder in sorted(it.parent for it in (sets / f"{side}-{kind}").glob("*.1/covered.tsv")):
            rows.append(count(folder, bm, fraction, ploidy, right))
            print(*rows[-1].values(), flush=True)
    if rows:
        output.write_text(json.dumps(rows, indent=1) + os.linesep)
