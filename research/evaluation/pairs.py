"""Pairs judged as one, beside counted errors: is the probability of a pair right, and does it rank pairs?

    python research/evaluation/pairs.py --data DIR --bm target/release/bm

`bm score R1 R2` gives every pair a probability that at most 1 % of the bases of both mates are wrong. It is compared with what an
alignment counted, for the pairs both of whose mates are unambiguous (truth.py), and with the two simple ways to make one number
of the mates' own probabilities: the lower one, and their product. Brier score: the mean squared distance of a probability from what
is true, 0 is best. AUC: how often a good pair is ranked before a bad one.
"""

import argparse
import subprocess
from pathlib import Path

import metrics
import numpy as np
import truth

RESULTS = Path(__file__).parent / "results/pairs.md"


def scored(bm: Path, files: list[Path]) -> list[dict[str, str]]:
    """The rows of `bm score`, by column; none if the files are no mates."""
    run = subprocess.run([bm, "score", *files, "-q"], capture_output=True, check=False, encoding="latin-1")
    if run.returncode:
        return []
    head, *lines = run.stdout.splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def evaluated(bm: Path, table: Path) -> dict[str, np.ndarray] | None:
    """For every pair that is known: whether it is good, and what each way of judging says."""
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
    """How often a good pair is ranked before a bad one."""
    groups = np.unique(-probability, return_inverse=True)[1]
    return metrics.auc(np.bincount(groups, weights=~good), np.bincount(groups).astype(float))


def version(bm: Path) -> str:
    """The program and its default model."""
    lines = subprocess.run([bm, "--version"], capture_output=True, check=True, text=True).stdout.splitlines()
    return f"{lines[0]}, {lines[1]}"


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [
        "# Pairs judged as one", "",
        f"`research/evaluation/pairs.py` made this with {version(arguments.bm)}; it says what the figures are.", "",
        "| run | pairs | good | mean probability | Brier: as one | lower | product | AUC: as one | lower | product |",
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
