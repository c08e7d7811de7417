"""What runs with known errors teach of the statements that k-mers make of bases: how often wrong bases get each, and how often right ones.

They depend on the depth of the read, in how many reads a typical k-mer of it is. A run is looked at as it is and with fewer of its
reads, so that every depth is known, and once more by a share of its k-mers, as runs are that are too large for memory. The statements
are those of the crate bm-evidence, by its example `base_support`.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import reads

FORMAT, VERSION = 1, 1  # of the file, of the statements
STATEMENTS = 1024  # more than there are
DEPTHS = (None, 60, 25, 12, 6, 3)  # reads that a typical k-mer is in; None: all
SHARED_DEPTHS, LEVELS = (None, 60, 12), (2, 3)  # where one in 2^level k-mers is looked at
NEARLY_ALL = 0.8  # of the reads: no new depth
BORDERS = (1.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0)  # where the ranges of depths of reads begin; the first has all below, too
FEW = 200  # wrong bases in a range; a run with fewer says less
TINY = 1e-300  # so that nothing is divided by zero where there are no runs
DIGITS = 4
SEED = 0


@dataclass
class Counts:
    """A run, or part of it: wrong and right bases by the depth of their read and by statement, float [ranges, statements]."""

    level: int
    wrong: np.ndarray
    right: np.ndarray


def look(program: Path, sequences: list[bytes], level: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The statements of the bases of every read, int [bases] each, and in how many reads a typical k-mer of it is, int [reads]."""
    run = subprocess.run([program, str(level)], input=b"\n".join(sequences), check=True, capture_output=True)
    codes = np.frombuffer(run.stdout, "<u2").astype(np.int64)
    ends = np.cumsum([1 + len(sequence) for sequence in sequences])
    parts = np.split(codes, ends[:-1])
    return [part[1:] for part in parts], np.array([part[0] for part in parts])


def learn(table: Path, program: Path) -> list[Counts]:
    """What a run teaches, at every depth that it has reads for."""
    rows = [(sequence, where) for sequence, _, where, _, _ in reads.records_with_truth(table) if sequence]
    mates = len(rows) // 2 if len(reads.fastq_files(table)) == 2 else 0
    _, depths = look(program, [sequence for sequence, _ in rows], 0)
    full = float(np.median(depths[depths > 0])) if depths.any() else 1.0
    draw = np.random.default_rng(SEED)
    counts = []
    for depth in DEPTHS:
        share = depth / full if depth else 1.0
        if depth and share >= NEARLY_ALL:
            continue
        kept = draw.random(mates or len(rows)) < share
        kept = np.tile(kept, 2) if mates else kept  # both mates of a pair, or neither
        some = [row for row, keep in zip(rows, kept) if keep]
        for level in (0, *LEVELS) if depth in SHARED_DEPTHS else (0,):
            counts.append(count(program, some, level))
    return counts


def count(program: Path, rows: list[tuple[bytes, str | None]], level: int) -> Counts:
    """Statements of the wrong and of the right bases of reads; those of which nobody knows are in the run and are not counted."""
    statements, depths = look(program, [sequence for sequence, _ in rows], level)
    ranges = np.searchsorted(BORDERS[1:], depths, side="right")
    tallies = np.zeros((2, len(BORDERS), STATEMENTS))
    for (sequence, where), codes, of in zip(rows, statements, ranges):
        if where is not None:
            wrong = reads.wrong_bases(sequence, where)
            for tally, chosen in zip(tallies, (wrong, ~wrong)):
                tally[of] += np.bincount(codes[chosen], minlength=STATEMENTS)
    return Counts(level, tallies[0], tallies[1])


def pooled(counts: list[Counts]) -> tuple[np.ndarray, np.ndarray]:
    """P(statement | wrong) and P(statement | right) in each range of depths, [ranges, statements]: the mean over runs."""
    shape = (len(BORDERS), STATEMENTS)
    wrong, right = np.zeros(shape), np.zeros(shape)
    for each in counts:
        enough = np.minimum(each.wrong.sum(axis=1, keepdims=True) / FEW, 1.0)  # of both: a run says as much of right bases as of wrong ones
        for all_runs, of_run in ((wrong, each.wrong), (right, each.right)):
            all_runs += enough * of_run / np.maximum(of_run.sum(axis=1, keepdims=True), 1)
    return tuple(table / np.maximum(table.sum(axis=1, keepdims=True), TINY) for table in (wrong, right))


def experience(runs: list[list[Counts]]) -> dict:
    """What all runs together teach, as `experience.json` has it."""
    out: dict = {"format": FORMAT, "statements": VERSION, "depths": list(BORDERS)}
    for name, wanted in (("all", lambda level: level == 0), ("some", lambda level: level > 0)):
        chosen = [each for counts in runs for each in counts if wanted(each.level)]
        wrong, right = pooled(chosen)
        made = np.flatnonzero((wrong + right).sum(axis=0))
        short = lambda values: [float(f"{value:.{DIGITS}g}") for value in values]  # noqa: E731
        out[name] = [{"statement": int(s), "wrong": short(wrong[:, s]), "right": short(right[:, s])} for s in made]
    return out


def write(folder: Path, runs: list[list[Counts]]) -> None:
    """Write `experience.json`: a line a statement."""
    found = experience(runs)
    rows = {name: ",\n".join("  " + json.dumps(row) for row in found[name]) for name in ("all", "some")}
    head = ",\n".join(f" {json.dumps(key)}: {json.dumps(found[key])}" for key in ("format", "statements", "depths"))
    body = ",\n".join(f" {json.dumps(name)}: [\n{text}\n ]" for name, text in rows.items())
    (folder / "experience.json").write_text(f"{{\n{head},\n{body}\n}}\n", encoding="utf-8")
