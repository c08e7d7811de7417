#!/usr/bin/env python3
"""Print the tables of README.md from the results files: render.py"""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def read(name: str) -> dict | list | None:
    """A results file, if it is there."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def mean(figures: list[dict], key: str) -> float:
    """The mean over the sets of a run."""
    return sum(it[key] for it in figures) / len(figures)


def head(first: str, columns: list[str]) -> None:
    """The first two lines of a table."""
    print(f"| {first} | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))


def by_run(runs: dict, callers: list[str]) -> None:
    """Average precision, recall at few false and false calls of each run and caller."""
    head("run", [f"`{it}`" for it in callers])
    for run, of in runs.items():
        cells = []
        for figures in (of[it] for it in callers):
            low, high = min(it["interval"][0] for it in figures), max(it["interval"][1] for it in figures)
            false = mean(figures, "control_false_per_30kb")
            precision, recall = mean(figures, "average_precision"), mean(figures, "recall_at_few_false")
            cells.append(f"**{precision:.3f}** ({low:.2f}–{high:.2f}), {recall:.2f}, {false:.1f}")
        print(f"| {run} | " + " | ".join(cells) + " |")
    print()


def by_caller(runs: dict, callers: list[str]) -> None:
    """What each caller reaches in the mean of the runs."""
    first = [it["by_fraction"] for of in runs.values() for it in of[callers[0]]]
    fractions = [it for it in first[0] if any(of_set[it]["variants"] for of_set in first)]
    shown = [f"F1 at {100 * float(it):.0f} %" for it in fractions]
    head("caller", ["average precision", "recall at few false", *shown, "10 %: found", "10 %: false/positions", "s", "MB"])
    for caller in callers:
        sets = [it for of in runs.values() for it in of[caller]]
        precision = sum(mean(of[caller], "average_precision") for of in runs.values()) / len(runs)
        recall = sum(mean(of[caller], "recall_at_few_false") for of in runs.values()) / len(runs)
        cells = [f"**{precision:.3f}**", f"{recall:.2f}"]
        for fraction in fractions:
            values = [it["by_fraction"][fraction]["f1"] for it in sets if it["by_fraction"][fraction]["variants"]]
            cells.append(f"{sum(values) / len(values):.2f}")
        tenths = [it["tenths"] for it in sets]
        controls = [of[caller][0]["tenths"] for of in runs.values()]  # all sets of a run have the same reads without spikes
        cells.append(f"{sum(it['found'] for it in tenths)}/{sum(it['variants'] for it in tenths)}")
        cells.append(f"{sum(it['control_false'] for it in controls)}/{sum(it['covered'] for it in controls):,}")
        cells += [f"{mean(sets, 'wall_s'):.1f}", f"{max(it['peak_mb'] for it in sets)}"]
        print(f"| `{caller}` | " + " | ".join(cells) + " |")
    print()


def few_sets(runs: dict) -> None:
    """Average precision, found and false calls of sets with one seed or two."""
    callers = list(next(iter(runs.values())))
    head("set", [f"`{it}`" for it in callers])
    for run, of in runs.items():
        cells = []
        for figures in (of[it] for it in callers):
            right, wrong = sum(it["passed_right"] for it in figures), sum(it["passed_false"] for it in figures)
            cells.append(f"**{mean(figures, 'average_precision'):.3f}**, {right}/{sum(it['variants'] for it in figures)} + {wrong}")
        print(f"| {run} | " + " | ".join(cells) + " |")
    print()


def main() -> None:
    """Print all tables."""
    for side in ("train", "devtest"):
        if runs := read(f"{side}-spiked"):
            callers = list(next(iter(runs.values())))
            print(f"### {side}\n")
            by_caller(runs, callers)
            by_run(runs, [it for it in callers if "@" not in it and it not in ("bcftools", "freebayes")])
    for kind, title in (("mixed", "Two samples"), ("mutated", "Changed references")):
        print(f"### {title}\n")
        for side in ("train", "devtest"):
            if runs := read(f"{side}-{kind}"):
                print(f"{side}:\n")
                few_sets(runs)
    print("### Genotypes\n")
    head("set", ["--ploidy", "fraction", "variants", "called", "right"])
    for side in ("train", "devtest"):
        for row in read(f"{side}-genotypes") or []:
            print(f"| {row['set']} | {row['ploidy']} | {row['fraction']} | {row['variants']} | {row['called']} | {row['right']} |")
    if judged := read("judge"):
        print("\n### A network as the last judge\n")
        head("run", ["sets", "test alone", "with network"])
        for run, it in judged.items():
            print(f"| {run} | {it['sets']} | {it['test_alone']:.3f} | {it['with_network']:.3f} |")
    print("\n### Quality\n")
    quality = read("quality")
    limits = list(next(iter(quality.values()))["reached"])
    head("run", ["alleles", *limits])
    for run, it in quality.items():
        cells = [f"{it['reached'][limit]} ({it['alleles'] / 10 ** (int(limit) / 10):,.0f})" for limit in limits]
        print(f"| {run.rsplit('.', 1)[0]} | {it['alleles']:,} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
