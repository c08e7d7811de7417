"""What `bm` says of reads, and how that agrees with the errors that were counted."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import metrics  # noqa: E402
from counted import Read  # noqa: E402

MOST_WRONG = 0.01  # reported errors per base that a read may have
ADAPT, PLAIN, REPORTED = "adapt", "plain", "reported"
METHODS = (ADAPT, PLAIN, REPORTED)
# Lines of the summary that every run has, or that other columns show.
ROUTINE = re.compile(
    r"\d+ reads seen|\d+ reads in:|\d+ pairs in|not kept for:|[\d.]+ s, |model \S+ version|engine |adapted to this run|not adapted to this run"
    r"|k-mer evidence |k-mers cover "
)


class Failed(Exception):
    """`bm` ended with an error; the message is its last line."""


class Scored:
    """The table, the report and the summary of `bm score`; arrays are [reads], file by file."""

    def __init__(self, bm: Path, paths: list[Path], options: list[str]) -> None:
        # By default, mates pass or fail together; with `both`, the table has the reasons of each.
        pair = ["--pair", "both"] if len(paths) == 2 else []
        with tempfile.TemporaryDirectory() as folder:
            table, report = Path(folder, "scores.tsv"), Path(folder, "report.json")
            command = [bm, "score", *paths, "--threads", "1", "--output", table, "--report", report, *pair, *options]
            done = subprocess.run(command, capture_output=True, text=True)
            lines = [line for line in done.stderr.splitlines() if line]
            if done.returncode:
                raise Failed(lines[-1] if lines else f"exit code {done.returncode}")
            head, *rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
            self.report = json.loads(report.read_text(encoding="utf-8"))
        if pair:
            rows = rows[0::2] + rows[1::2]
        columns = dict(zip(head, zip(*rows, strict=True), strict=True))
        self.found = [line for line in lines if not ROUTINE.match(line)]
        self.length = np.array(columns["length"], int)
        self.expected = np.array(columns["expected_errors"], float)  # nan if unscored
        self.reported = np.array(columns["phred_expected_errors"], float)
        self.keep = np.isin(columns["reason"], ["-", "mate"])

    def refusals(self) -> list[str]:
        """What was not learned of the run, and why."""
        learned = self.report.get("adaptation")
        if learned is None:
            return []
        reasons = [] if learned["choice"] == "adapted" else [f"not adapted ({learned['choice']}): {'; '.join(learned['doubts'])}"]
        evidence = learned.get("evidence")
        if evidence is not None and not evidence["in_use"]:
            reasons.append(f"no evidence: {'; '.join(evidence['doubts'])}")
        return reasons


def method(expected: np.ndarray, length: np.ndarray, keep: np.ndarray) -> metrics.MethodOutput:
    """Expected errors, float [reads], and what is kept, bool [reads]; reads without a score (nan) are behind all others."""
    unscored = np.isnan(expected)
    rate = np.where(unscored, np.inf, expected / np.maximum(length, 1))
    return metrics.MethodOutput(rate, rate, keep & ~unscored, np.where(unscored, 0.0, expected))


def outputs(bm: Path, paths: list[Path]) -> tuple[dict[str, metrics.MethodOutput], Scored]:
    """The output of each method for all reads; and what `bm score --adapt` did."""
    adapted, plain = Scored(bm, paths, ["--adapt"]), Scored(bm, paths, [])
    passes = plain.reported <= MOST_WRONG * plain.length
    return {
        ADAPT: method(adapted.expected, adapted.length, adapted.keep),
        PLAIN: method(plain.expected, plain.length, plain.keep),
        REPORTED: method(plain.reported, plain.length, passes),
    }, adapted


def agreement(output: metrics.MethodOutput, labels: metrics.Labels) -> dict[str, float | None]:
    """MCC, AUC, log2(expected / true errors), and the fractions of the good and of the bad reads that are kept; None if undefined."""
    found = metrics.main_figures(output, labels)
    for name, which in (("good_kept", labels.good), ("bad_kept", ~labels.good)):
        found[name] = float(output.keep[which].mean()) if which.any() else math.nan
    return {key: round(value, 4) if math.isfinite(value) else None for key, value in found.items()}


def only(output: metrics.MethodOutput, which: np.ndarray) -> metrics.MethodOutput:
    """The output for some of the reads, bool [reads]."""
    return metrics.MethodOutput(output.by_rate[which], output.by_count[which], output.keep[which], output.predicted[which])


def figures(bm: Path, paths: list[Path], reads: list[Read] | None) -> dict:
    """The figures of one row: of all reads, and of the clear ones of `reads`, which are those of the files; None if nobody knows them."""
    try:
        by_method, adapted = outputs(bm, paths)
    except Failed as error:
        return {"failed": str(error)}
    row: dict = {"in": len(adapted.keep)} | {name: {"kept": round(float(output.keep.mean()), 4)} for name, output in by_method.items()}
    if reads is not None:
        clear = np.array([read.clear for read in reads])
        of = [read for read in reads if read.clear]
        length = np.array([len(read) for read in of])
        errors = np.array([int(read.errors_of_sample.sum()) for read in of])
        labels = metrics.Labels(errors, length, length, np.array([read.is_good for read in of]))
        row |= {"reads": len(of), "good": round(float(labels.good.mean()), 4)}
        for name, output in by_method.items():
            row[name] |= agreement(only(output, clear), labels)
    return row | {"found": adapted.found, "refused": adapted.refusals()}
