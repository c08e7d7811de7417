#!/usr/bin/env python3
"""Print the tables of README.md from the results files: render.py"""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def mean(figures: list[dict], key: str) -> float:
    """The mean over the seeds of a run."""
    return sum(it[key] for it in figures) / len(figures)


def table(name: str) -> None:
    """A row for each run, a column for each caller."""
    runs = json.loads((RESULTS / f"{name}.json").read_text())
    callers = list(next(iter(runs.values())))
    print("| run | " + " | ".join(f"`{it}`" for it in callers) + " |")
    print("|---|" + "---|" * len(callers))
    rows = [[run, *(of[it] for it in callers)] for run, of in runs.items()]
    for run, *cells in rows:
        shown = []
        for figures in cells:
            ends = [min(it["interval"][0] for it in figures), max(it["interval"][1] for it in figures)]
            shown.append(
                f"**{mean(figures, 'average_precision'):.3f}** ({ends[0]:.2f}–{ends[1]:.2f}), {mean(figures, 'recall_at_few_false'):.2f}, "
                f"{mean(figures, 'control_false_per_30kb'):.1f}"
            )
        print(f"| {run} | " + " | ".join(shown) + " |")
    means = []
    for caller in callers:
        ap = sum(mean(of[caller], "average_precision") for of in runs.values()) / len(runs)
        recall = sum(mean(of[caller], "recall_at_few_false") for of in runs.values()) / len(runs)
        means.append(f"**{ap:.3f}**, {recall:.2f}")
    print("| mean | " + " | ".join(means) + " |\n")
    print("| F1 at | " + " | ".join(f"`{it}`" for it in callers) + " |")
    print("|---|" + "---|" * len(callers))
    fractions = list(runs[next(iter(runs))][callers[0]][0]["by_fraction"])
    for fraction in fractions:
        values = []
        for caller in callers:
            of_sets = [it["by_fraction"][fraction] for of in runs.values() for it in of[caller]]
            of_sets = [it["f1"] for it in of_sets if it["variants"]]
            values.append(f"{sum(of_sets) / len(of_sets):.2f}")
        print(f"| {100 * float(fraction):.0f} % | " + " | ".join(values) + " |")
    recalls = []
    for caller in callers:
        of_sets = [it["by_fraction"]["0.1"] for of in runs.values() for it in of[caller]]
        recalls.append(f"{sum(it['found'] for it in of_sets)}/{sum(it['variants'] for it in of_sets)}")
    print("| found at 10 % | " + " | ".join(recalls) + " |\n")


def main() -> None:
    """Print all tables."""
    for name in ("train", "devtest"):
        if (RESULTS / f"{name}.json").exists():
            print(f"### {name}\n")
            table(name)


if __name__ == "__main__":
    main()
