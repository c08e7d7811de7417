#!/usr/bin/env python3
"""How many alleles reach each QUAL where nothing was spiked: the control reads of spiked sets.

    quality.py --sets DIR --bm BM [--output FILE]

Alleles are the three other bases of each covered position, without those at which the sample itself differs. By its definition, at most one in
10^(Q/10) alleles that are errors reaches Q.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import evaluate

LIMITS = (10, 20, 30, 40, 50)


def measure(sets: Path, bm: Path, output: Path | None) -> None:
    """Count on the first set of each run, print a line for each, and write the counts to a file."""
    results = {}
    for folder in sorted(it.parent for it in sets.glob("*.1/control.bam.bai")):
        data = evaluate.Set(folder)
        with tempfile.TemporaryDirectory() as temporary:
            out = Path(temporary) / "calls.vcf"
            evaluate.run(f"{bm} call {folder}/control.bam -r {folder}/ref.fa -o {out} -q -j 2")
            calls = [it for it in evaluate.read_vcf(out, data.chrom, data.reference) if it.pos not in data.own and len(it.ref) == len(it.alt)]
        alleles = 3 * data.covered
        reached = {str(limit): sum(it.qual >= limit for it in calls) for limit in LIMITS}
        results[folder.name] = {"alleles": alleles, "reached": reached}
        print(folder.name, alleles, *(f"{limit}:{count}/{alleles / 10 ** (int(limit) / 10):.0f}" for limit, count in reached.items()), flush=True)
    if output:
        output.write_text(json.dumps(results, indent=1) + os.linesep)


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    measure(args.sets, args.bm, args.output)


if __name__ == "__main__":
    main()
