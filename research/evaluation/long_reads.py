#!/usr/bin/env python3
"""How well `bm` ranks long reads and counts their errors, beside reported qualities; judged by the truth tables, run by run.

    python research/evaluation/long_reads.py --data DIR --bm BM --output research/evaluation/results

A run is long if half of its reads have more than 600 bases, or its qualities are like Nanopore's: more than 45 values, and more than 1 % errors
reported. A read counts if at least 200 of its bases, and half of them, were compared with the
reference. AUC: of the label "error rate above the run's median". log2: of predicted over true errors, summed over the reads. Intervals: 2.5 % to
97.5 % of 500 resamples of the reads.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import counted  # noqa: E402
import metrics  # noqa: E402
import truth  # noqa: E402

LONG = 600  # bases: half of the reads are longer
MANY_VALUES, HIGH_RATE = 45, 0.01  # of qualities like Nanopore's
FEWEST_SCORED = 200  # bases of a read that were compared with the reference
FEWEST_READS = 50
RESAMPLES = 500
USUAL_RATE = 0.1  # errors per base that users of Nanopore allow


@dataclass
class Run:
    """The reads of a run that count; arrays are [reads]."""

    name: str
    files: list[Path]
    names: list[str]
    rate: np.ndarray  # true errors per scored base
    length: np.ndarray
    reported: np.ndarray  # errors per base that the qualities report
    mean_q: np.ndarray


@dataclass
class Method:
    """What a method says of the reads; arrays are [reads]."""

    rate: np.ndarray  # errors per base
    keep: np.ndarray


def load(table: Path) -> Run | None:
    """The run of a truth table; None if its reads are short, or too few count."""
    rows = truth.read_table(table)
    files = truth.fastq_files(table.parent)
    names, rates, lengths, reported, mean_q = [], [], [], [], []
    all_lengths, bases = [], np.zeros(94)
    for definition, _, text in (record for file in files for record in counted.records(file)):
        all_lengths.append(len(text))
        scores = np.frombuffer(text, np.uint8).astype(int) - 33
        bases += np.bincount(scores, minlength=94)[:94]
        name = definition.split()[0].decode()
        row = rows.get((truth.bare(name), "1"))
        if row is None or row.scored < max(FEWEST_SCORED, row.length / 2):
            continue
        names.append(name)
        rates.append(row.errors / row.scored)
        lengths.append(len(text))
        reported.append(truth.ERROR_PROBABILITY[scores].mean())
        mean_q.append(scores.mean())
    is_like_nanopore = (bases > 0).sum() > MANY_VALUES and (bases * truth.ERROR_PROBABILITY).sum() > HIGH_RATE * bases.sum()
    if len(names) < FEWEST_READS or not (np.median(all_lengths) > LONG or is_like_nanopore):
        return None
    arrays = [np.array(values, float) for values in (rates, lengths, reported, mean_q)]
    return Run(table.parent.name, files, names, *arrays)


def scored(bm: Path, run: Run, *options: str) -> tuple[Method, dict]:
    """What `bm score` says of the reads, and its report."""
    with tempfile.TemporaryDirectory() as folder:
        table, report = Path(folder) / "scores.tsv", Path(folder) / "report.json"
        command = [bm, "score", "-o", table, "--report", report, "-q", *options, "-U", *run.files]
        subprocess.run([str(part) for part in command], check=True)
        rows = list(csv.DictReader(table.open(newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
        facts = json.loads(report.read_text())
    found = {row["read"]: row for row in rows}
    of_run = [found[name] for name in run.names]
    rate = np.array([float(row["expected_errors"]) / int(row["length"]) for row in of_run])
    return Method(rate, np.array([row["verdict"] == "pass" for row in of_run])), facts


def figures(run: Run, methods: dict[str, Method]) -> dict[str, dict]:
    """AUC and log2 with intervals of each method, its AUC beyond that of EE, and what it keeps."""
    bad = run.rate > np.median(run.rate)
    errors = run.rate * run.length
    drawn = np.random.default_rng(1).choice(len(bad), (RESAMPLES, len(bad)))
    aucs = {name: np.array([metrics.auc_of(bad[at], method.rate[at]) for at in drawn]) for name, method in methods.items()}
    found = {}
    for name, method in methods.items():
        expected = method.rate * run.length
        ratios = np.array([metrics.log2_ratio(expected[at].sum(), errors[at].sum()) for at in drawn])
        auc = metrics.auc_of(bad, method.rate)
        beyond = auc - metrics.auc_of(bad, methods["EE"].rate)
        found[name] = {
            "auc": metrics.interval(auc, aucs[name]),
            "beyond EE": metrics.interval(beyond, aucs[name] - aucs["EE"]),
            "log2": metrics.interval(metrics.log2_ratio(expected.sum(), errors.sum()), ratios),
            "kept": float(method.keep.mean()),
            "errors per base kept": float(errors[method.keep].sum() / max(run.length[method.keep].sum(), 1)),
        }
    return found


def evaluate(bm: Path, run: Run) -> dict:
    """The row of a run."""
    usual = run.reported <= USUAL_RATE
    plain, _ = scored(bm, run)
    adapted, report = scored(bm, run, "--adapt")
    evidence = (report["adaptation"] or {}).get("evidence") or {}
    methods = {
        "mean Q": Method(10 ** (-run.mean_q / 10), usual),
        "EE": Method(run.reported, usual),
        "bm score": plain,
        "bm score --adapt": adapted,
    }
    kmers = {"in use": bool(evidence.get("in_use")), "depth": evidence.get("depth"), "covered": evidence.get("evaluable")}
    return {"run": run.name, "reads": len(run.names), "k-mers": kmers, **figures(run, methods)}


def with_interval(values: list[float], digits: int, sign: str = "") -> str:
    """A figure with its interval, as text."""
    value, low, high = (f"{value:{sign}.{digits}f}" for value in values)
    return f"{value} ({low} to {high})"


def page(rows: list[dict], command: str) -> str:
    """The rows as Markdown tables."""
    columns = ["run", "reads", "depth, k-mers covered", "AUC: mean Q", "EE", "`bm score`", "`bm score --adapt`", "beyond EE"]
    lines = ["# Long reads", "", f"`{command}`", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        kmers, adapted = row["k-mers"], row["bm score --adapt"]
        depth = f"{kmers['depth']:.0f}, {100 * kmers['covered']:.0f} %" if kmers["in use"] else "k-mers not in use"
        aucs = [f"{row[name]['auc'][0]:.3f}" for name in ("mean Q", "EE", "bm score")]
        shown = [row["run"], str(row["reads"]), depth, *aucs]
        shown += [with_interval(adapted["auc"], 3), with_interval(adapted["beyond EE"], 3, "+")]
        lines.append("| " + " | ".join(shown) + " |")
    columns = ["run", "log2 of predicted over true errors: EE", "`bm score --adapt`", "reads kept: `bm score`", "with `--adapt`"]
    columns += ["true errors per base in them: `bm score`", "with `--adapt`"]
    lines += ["", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        plain, adapted = row["bm score"], row["bm score --adapt"]
        shown = [row["run"], with_interval(row["EE"]["log2"], 2, "+"), with_interval(adapted["log2"], 2, "+")]
        shown += [f"{100 * method['kept']:.1f} %" for method in (plain, adapted)]
        shown += [f"{100 * method['errors per base kept']:.2f} %" for method in (plain, adapted)]
        lines.append("| " + " | ".join(shown) + " |")
    lines.append("")
    for name in ("EE", "bm score --adapt"):
        mean = np.mean([abs(row[name]["log2"][0]) for row in rows])
        lines.append(f"Mean |log2| of {name} over the runs: {mean:.2f}.  ")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    command = "cargo xtask evaluate --data DIR --long-reads"
    rows = []
    for table in truth.find(arguments.data):
        run = load(table)
        if run is None:
            continue
        rows.append(evaluate(arguments.bm, run))
        shown = {name: row["auc"][0] for name, row in rows[-1].items() if isinstance(row, dict) and "auc" in row}
        print(run.name, *(f"{name} {auc:.3f}" for name, auc in shown.items()), flush=True)
    if not rows:
        sys.exit(f"{arguments.data}: no run of long reads with a truth table")
    arguments.output.mkdir(parents=True, exist_ok=True)
    content = {"command": command, "machine": f"{platform.machine()} {platform.system()}", "rows": rows}
    (arguments.output / "long-reads.json").write_text(json.dumps(content, indent=1) + "\n")
    (arguments.output / "long-reads.md").write_text(page(rows, command))


if __name__ == "__main__":
    main()
