#!/usr/bin/env python3
"""Which seeds and which count of their hits tell where reads come from, by divergence, at 1 % of foreign reads called.

    python research/classes/compare_seeds.py --data DIR --debian DIR   on the genomes for choosing; results/seeds.{json,md}
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import seeds
import sets
from genomes import drawn

RESULTS = Path(__file__).resolve().parent / "results"
DIVERGENCES = (0.0, 0.05, 0.1, 0.2)
FALSE = 0.01
ERRORS = 0.005  # of the bases

def symmetric(half: str, middle: str = "") -> str:
    return half + middle + half[::-1]


SEEDS = {
    "exact 13": ["1" * 13],
    "exact 15": ["1" * 15],
    "exact 17": ["1" * 17],
    "exact 21": ["1" * 21],
    "spaced 12": [symmetric("11101001", "11")],
    "spaced 2 x 12": [symmetric("11101001", "11"), symmetric("1100101011", "0")],
    "spaced 3 x 12": [symmetric("11101001", "11"), symmetric("1100101011", "0"), symmetric("11100010001", "11")],
    "spaced 13": [symmetric("1110100101", "1")],
    "spaced 14": [symmetric("11101001011")],
    "spaced 2 x 14": [symmetric("11101001011"), symmetric("1101100010011", "0")],
    "spaced 3 x 14": [symmetric("11101001011"), symmetric("1101100010011", "0"), symmetric("111001000010011", "")],
    "spaced 16": [symmetric("111010010111")],
    "spaced 2 x 16": [symmetric("111010010111"), symmetric("11011000101011", "0")],
    "spaced 3 x 16": [symmetric("111010010111"), symmetric("11011000101011", "0"), symmetric("1110010010000111", "")],
}
COUNTS = ("hits", "bases under hits", "bases of the best chain", "extension")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--debian", type=Path, required=True)
    parser.add_argument("--reads", type=int, default=100, help="of each class and divergence")
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--only", nargs="*", choices=list(SEEDS))
    arguments = parser.parse_args()
    rows = []
    for group in ("viruses", "all"):
        classes, others = sets.choosing(arguments.data, arguments.debian, bacteria=group == "all")
        draw = np.random.default_rng(7)
        reads = [(d, c, r) for d in DIVERGENCES for c, genome in enumerate(classes.values()) for r in drawn(genome, arguments.reads, arguments.length, d, ERRORS, draw)]
        foreign = [r for genome in others.values() for r in drawn(genome, 20 * arguments.reads // len(others), arguments.length, 0.0, ERRORS, draw)]
        for name in arguments.only or SEEDS:
            patterns = SEEDS[name]
            index = seeds.Index(list(classes.values()), patterns)
            none = np.array([[values.max() for values in seeds.matched(index, read, np.full(len(read), ERRORS))] for read in foreign])
            found = [(d, c, seeds.matched(index, read, np.full(len(read), ERRORS))) for d, c, read in reads]
            for number, count in enumerate(COUNTS):
                threshold = np.sort(none[:, number])[int(np.ceil(len(none) * (1 - FALSE))) - 1]
                right = [np.mean([values[number][c] > threshold and values[number].argmax() == c for d, c, values in found if d == divergence]) for divergence in DIVERGENCES]
                of = {"classes": group, "bases": int(index.sizes.sum()), "seeds": name, "patterns": patterns, "count": count}
                row = {**of, "threshold": float(threshold), "right": [round(float(r), 4) for r in right]}
                rows.append(row)
                print(group, name, count, threshold, row["right"], flush=True, file=sys.stderr)
    RESULTS.mkdir(exist_ok=True)
    command = "python research/classes/compare_seeds.py --data DIR --debian DIR"
    result = {"command": command, "reads": arguments.reads, "length": arguments.length, "rows": rows}
    (RESULTS / "seeds.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "seeds.md").write_text(page(result))


def page(result: dict) -> str:
    """Returns the results as tables."""
    lines = ["# Seeds, and what is counted of them", "", f"`{result['command']}` wrote this page and seeds.json.", "",
             f"Reads of {result['length']} bases with {ERRORS:.1%} errors, {result['reads']} of each class and divergence, of the genomes for choosing (`sets.choosing`). Fraction called right at the",
             "threshold that calls at most 1 % of the reads of genomes in no class.", ""]
    for group in dict.fromkeys(row["classes"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["classes"] == group]
        lines += [f"## {rows[0]['bases']:,} bases of references", "", "| seeds | counted | 0 % | 5 % | 10 % | 20 % | threshold |", "|---|---|---|---|---|---|---|"]
        lines += [f"| {row['seeds']} | {row['count']} | " + " | ".join(f"{r:.3f}" for r in row["right"]) + f" | {row['threshold']:.1f} |" for row in rows]
        lines.append("")
    patterns = {row["seeds"]: row["patterns"] for row in result["rows"]}
    lines += ["Patterns: " + "; ".join(f"{name}: " + ", ".join(f"`{p}`" for p in of) for name, of in patterns.items() if name.startswith("spaced")) + ".", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
