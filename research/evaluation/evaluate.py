#!/usr/bin/env python3
"""Evaluate every model, and the rules it replaces, against counted errors.

    evaluate.py --data DIR --bm BM                every embedded model on every truth set below DIR
    evaluate.py --data DIR --bm BM --model M …    these models instead: ids, packages or .onnx files
    evaluate.py --data DIR --bm BM --adapt        also what `bm adapt` learns from each set
    evaluate.py --render                          tables and plots again, from the results file

Writes evaluation.json, README.md and the plots into --output. ``cargo xtask evaluate`` calls this.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import platform
import re
import subprocess
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import metrics
import own_labels
import report
import rules
import truth
from metrics import Labels, Measure

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "research" / "data" / "sources.toml"
RESULTS = Path(__file__).parent / "results"
RESULTS_FILE = "evaluation.json"

SEED = 20
RESAMPLES = 1000


@dataclass(frozen=True)
class Methods:
    """The methods to evaluate in addition to the rules."""

    bm: Path
    models: dict[str, str]  # by name: ids, packages or .onnx files
    left_out: Path | None  # folder of packages trained without one run each, named after the sets of that run
    adapt: bool  # whether to run `bm adapt` on each set


def outputs(reads: truth.Reads, sets: list[truth.Reads], platforms: dict[str, str], methods: Methods):
    """Returns the output of each method on one set, by name, and notes for the results file."""
    bm = methods.bm
    evaluated = {rules.MEAN_Q: rules.mean_q20(reads), rules.EE_RATE: rules.ee_rate(reads), rules.EE_ONE: rules.ee_one(reads)}
    notes: dict[str, object] = {}
    if training := rules.training_sets(reads, sets, platforms):
        evaluated[rules.LOGISTIC] = rules.logistic(reads, training)
        notes["logistic_trained_on"] = [s.name for s in training]
    for name, model in methods.models.items():
        evaluated[name], unscored = rules.score(bm, model, reads)
        if unscored:
            notes.setdefault("unscored", {})[name] = unscored
    unseen = package_without(reads, sets, methods.left_out) if methods.left_out else None
    if methods.left_out:
        evaluated[rules.LEFT_OUT], _ = rules.score(bm, str(unseen or rules.LEARNED), reads)
        notes["left_out_package"] = unseen.name if unseen else rules.LEARNED
    if methods.adapt:
        own, reported = own_labels.outputs(bm, reads, str(unseen) if unseen else None, methods.left_out is not None)
        evaluated, notes = evaluated | own, notes | reported
    return evaluated, notes


def package_without(reads: truth.Reads, sets: list[truth.Reads], left_out: Path) -> Path | None:
    """The package trained without the flow cell of ``reads``; None if the shipped model was not trained on it either.

    Each package is named after a set and was trained without its flow cell. A set without a package was never used for training.
    """
    packages = [left_out / each.name for each in sets if each.run == reads.run and (left_out / each.name).is_dir()]
    return packages[0] if packages else None


def measure(reads: truth.Reads, evaluated: dict[str, metrics.MethodOutput], count: int) -> dict:
    """All figures of one set, for the results file."""
    labels = Labels(reads.errors, reads.scored, reads.length, reads.good)
    measures = {name: Measure(output, labels) for name, output in evaluated.items()}
    figures = metrics.measured(measures, len(reads), count, SEED, rules.EE_RATE)
    for name, each in measures.items():
        figures[name]["reliability"] = each.reliability()
    return {
        "part": reads.part, "run": reads.run, "records": reads.records, "reads": len(reads),
        "ambiguous": reads.ambiguous, "without_truth": reads.without_truth,
        "median_length": int(np.median(reads.length)),
        "clipped_too": reads.clipped_too,
        "good_share": float(reads.good.mean()),
        # Fraction of reads whose label would differ if errors were divided by the length of the read.
        "border_share": float((reads.good != (100 * reads.errors <= reads.length)).mean()),
        "with_1_error": float((reads.errors >= 1).mean()), "with_3_errors": float((reads.errors >= 3).mean()),
        "errors": int(reads.errors.sum()), "scored_bases": int(reads.scored.sum()), "bases": int(reads.length.sum()),
        "judged": figures,
    }  # fmt: skip


def known_platforms() -> dict[str, str]:
    """The platform of each set in the list of sources, by name."""
    return {run["name"]: run["platform"] for run in tomllib.loads(SOURCES.read_text(encoding="utf-8"))["run"]}


def plain(value):
    """``value`` for JSON: floats with six digits, NaN and infinity as null."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return None if not math.isfinite(value) else float(f"{value:.6g}")
    return value


def to_json(results: dict) -> str:
    """The text of the results file: one line per figure."""
    text = json.dumps(plain(results), indent=1, ensure_ascii=False)
    # A list or object without nested ones goes on one line.
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda m: re.sub(r"\s+", " ", m[0]), text) + "\n"


def evaluate(data: Path, bm: Path, wanted: list[str], count: int, command: str, left_out: Path | None, adapt: bool) -> dict:
    """Run and measure every method on every set below ``data``; prints one line per set."""
    start = time.monotonic()
    tables = truth.find(data)
    if not tables:
        raise SystemExit(
            f"{data}: no *{truth.SUFFIX} below it; `cargo xtask data` downloads runs and writes their tables (default folder: target/xtask/data), "
            "`bm truth` writes the table of a run from its alignment"
        )
    loaded = {table: truth.load(table, data) for table in tables}
    sets = [reads for reads in loaded.values() if reads]
    if len({s.name for s in sets}) < len(sets):
        raise SystemExit(f"{data}: two truth sets have the same name")
    wanted = wanted or rules.embedded_models(bm)
    models = {Path(model).name: model for model in wanted}
    if len(models) < len(wanted) or set(models) & {*rules.RULES, *own_labels.METHODS}:
        raise SystemExit(f"two methods have the same name: {', '.join([*rules.RULES, *own_labels.METHODS, *(Path(model).name for model in wanted)])}")
    platforms, figures, files = known_platforms(), {}, {}
    methods = Methods(bm, models, left_out, adapt)
    for table, reads in loaded.items():
        if not reads:
            print(f"{table.parent.name}: not evaluated, because every read is ambiguous")
            continue
        evaluated, notes = outputs(reads, sets, platforms, methods)
        figures[reads.name] = {"platform": platforms.get(reads.name, "unknown")} | measure(reads, evaluated, count) | notes
        files |= {path.relative_to(data).as_posix(): truth.sha256(path) for path in (table, *reads.files)}
        shown = {name: f["figures"] for name, f in figures[reads.name]["judged"].items()}
        values = (f"{name} {report.value(f, 'mcc')}/{report.value(f, 'auc')}" for name, f in shown.items())
        print(f"{reads.name}: {len(reads)} reads, MCC/AUC: {', '.join(values)}")
    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "format": 1,
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {"bm": version.splitlines()[0].removeprefix("bm "), "python": platform.python_version(), "numpy": np.__version__},
        "wall_s": round(time.monotonic() - start),
        "resamples": count, "seed": SEED, "models": list(models),
        "logistic_features": list(rules.FEATURES),
        "sets": figures,
        "not_judged": [table.parent.name for table, reads in loaded.items() if not reads],
        "data_sha256": files,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program, which runs the models")
    parser.add_argument("--model", action="append", default=[], help="id, package or .onnx file; may be repeated")
    parser.add_argument("--left-out", type=Path, help="folder of packages trained without one run each, named after the sets of that run")
    parser.add_argument("--adapt", action="store_true", help="also run `bm adapt` on each set and evaluate the result")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="number of bootstrap resamples")
    parser.add_argument("--render", action="store_true", help="write tables and plots again from the results file")
    options = parser.parse_args()
    file = options.output / RESULTS_FILE
    if not options.render:
        if not options.data or not options.bm:
            parser.error("--data and --bm are needed, or --render")
        words = ["cargo xtask evaluate --data DIR", *(f"--model {Path(model).name}" for model in options.model)]
        if options.resamples != RESAMPLES:
            words.append(f"--resamples {options.resamples}")
        if options.adapt:
            words.append("--adapt")
        if options.left_out:
            words.append("--leave-one-out")
        command = " ".join(words)
        results = evaluate(
            options.data.resolve(), options.bm, options.model, options.resamples, command, options.left_out, options.adapt
        )
        options.output.mkdir(parents=True, exist_ok=True)
        file.write_text(to_json(results), encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    (options.output / "README.md").write_text(report.markdown(results), encoding="utf-8")
    import plots  # matplotlib is needed only here

    for path in plots.draw(results, options.output):
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
