"""Is the probability of a pair calibrated, and does it rank pairs well? Compared with counted errors.

    python research/evaluation/pairs.py --data DIR --bm target/release/bm

`bm score R1 R2` gives every pair a probability that at most 1 % of the bases of both mates are wrong. This script compares it with
the errors counted by alignment, for pairs with two unambiguous mates (truth.py), and with two simple ways to combine the
probabilities of the mates: the lower one, and their product. Brier score: the mean squared difference between probability and
outcome (0 or 1); 0 is best. AUC: how often a good pair ranks before a bad one. Writes results/pairs.md.
"""

import argparse
import subprocess
from pathlib import Path

import metrics
import numpy as np
import truth

RESULTS = Path(__file__).parent / "results/pairs.md"


def scored(bm: Path, files: list[Path]) -> list[dict[str, str]]:
    """The rows of `bm score`, by column; empty if `bm` refuses the files, for example because they are not pairs."""
    run = subprocess.run([bm, "score", *files, "-q"], capture_output=True, check=False, encoding="latin-1")
    if run.returncode:
        return []
    head, *lines = run.stdout.splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def evaluated(bm: Path, table: Path) -> dict[str, np.ndarray] | None:
    """For every unambiguous pair: whether it is good, and its probability by each method; arrays [pairs]. None if there are no
    pairs, or none of one class."""
    files = truth.fastq_files(table.parent)
    if len(files) != 2:
        return None
    known = truth.read_table(table)
    good, joint, lower, product = [], [], [], []
    rows = scored(bm, files)
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        mates = [known.get((truth.bare(row["read"]), row["mate"])) for row in (one, other)]
        if any(mate is None or not mate.comparable or mate.clipped > truth.MOST_CLIPPED for mate in mates):
            continue
        if one["pair_probability"] == "nan":
            continue
        good.append(sum(mate.errors for mate in mates) * truth.GOOD_BASES <= sum(mate.scored for mate in mates))
        probability = [float(row["probability"]) for row in (one, other)]
        joint.append(float(one["pair_probability"]))
        lower.append(min(probability))
        product.append(probability[0] * probability[1])
    if not good or all(good) or not any(good):
        return None
    return {"good": np.array(good), "joint": np.array(joint), "lower": np.array(lower), "product": np.array(product)}


def auc_of(probability: np.ndarray, good: np.ndarray) -> float:
    """How often a good pair ranks before a bad one, from ``probability`` and ``good``, both [pairs]."""
    groups = np.unique(-probability, return_inverse=True)[1]
    return metrics.auc(np.bincount(groups, weights=~good), np.bincount(groups).astype(float))


def version(bm: Path) -> str:
    """The program and its default model."""
    lines = subprocess.run([bm, "--version"], capture_output=True, check=True, text=True).stdout.splitlines()
    return f"{lines[0]}, {lines[1]}"


def main() -> None:
    """Writes results/pairs.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [
        "# Probabilities of pairs", "",
        f"Written by `research/evaluation/pairs.py` with {version(arguments.bm)}; the script defines the figures.", "",
        "| run | pairs | good | mean probability | Brier: pair | lower | product | AUC: pair | lower | product |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for table in truth.find(arguments.data):
        pairs = evaluated(arguments.bm, table)
        if pairs is None:
            continue
        good, ways = pairs["good"], [pairs[way] for way in ("joint", "lower", "product")]
        brier = " | ".join(f"{np.mean((way - good) ** 2):.4f}" for way in ways)
        auc = " | ".join(f"{auc_of(way, good):.4f}" for way in ways)
        name = table.name.removesuffix(truth.SUFFIX)
        lines.append(f"| {table.parent.parent.name}/{name} | {len(good)} | {good.mean():.4f} | {ways[0].mean():.4f} | {brier} | {auc} |")
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
