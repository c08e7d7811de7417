"""How often wrong bases and right bases get each support code of k-mers, learned from runs with known errors.

A *support code* describes how the k-mers of a run support one base (`BaseSupport` of the crate bm-evidence; the key "statement" in
`experience.json`). The frequencies depend on the depth of the read: the number of reads that contain a typical k-mer of it. Each run
is counted with all its reads and with fewer of them, so that every depth is covered, and again with a fraction of its k-mers, as for
runs too large for memory. The codes come from the example program `base_support` of bm-evidence.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import reads
import sites

FORMAT, VERSION = 1, 2  # of the file, of the support codes
CODES = 1024  # more than exist
DEPTHS = (None, 60, 25, 12, 6, 3)  # depths to which a run is subsampled; None: all reads
SAMPLED_DEPTHS, LEVELS = (None, 60, 12), (2, 3)  # depths at which the run is also counted with one in 2^level k-mers
NEARLY_ALL = 0.8  # fraction of the reads from which subsampling gives no new depth
BORDERS = (1.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0)  # lower limits of the ranges of depth; the first range includes all below
FEW = 200  # wrong bases in a range; a run with fewer gets less weight
TINY = 1e-300  # avoids a division by zero if there are no runs
DIGITS = 4  # significant digits in the file
SEED = 0
APART = 200  # bases between the variants that are drawn into the reads
SHARES = (0.005, 0.5)  # lowest and highest fraction of the templates that have a variant


@dataclass
class Counts:
    """Counts of a run or a part of it: wrong and right bases, by depth of their read and by support code, float [ranges, codes]."""

    level: int
    wrong: np.ndarray
    right: np.ndarray


def look(program: Path, sequences: list[bytes], level: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The support codes of the bases of every read, int [bases] each, and the depth of every read, int [reads]."""
    run = subprocess.run([program, str(level)], input=b"\n".join(sequences), check=True, capture_output=True)
    codes = np.frombuffer(run.stdout, "<u2").astype(np.int64)
    ends = np.cumsum([1 + len(sequence) for sequence in sequences])
    parts = np.split(codes, ends[:-1])
    return [part[1:] for part in parts], np.array([part[0] for part in parts])


def learn(table: Path, program: Path) -> list[Counts]:
    """Counts of a run at every depth that it has reads for."""
    rows = [(sequence, where) for sequence, where in with_variants(table) if sequence]
    mates = len(rows) // 2 if len(reads.fastq_files(table)) == 2 else 0
    _, depths = look(program, [sequence for sequence, _ in rows], 0)
    full = float(np.median(depths[depths > 0])) if depths.any() else 1.0
    draw = np.random.default_rng(SEED)
    counts = []
    for depth in DEPTHS:
        fraction = depth / full if depth else 1.0
        if depth and fraction >= NEARLY_ALL:
            continue
        kept = draw.random(mates or len(rows)) < fraction
        kept = np.tile(kept, 2) if mates else kept  # both mates of a pair, or neither
        some = [row for row, keep in zip(rows, kept) if keep]
        for level in (0, *LEVELS) if depth in SAMPLED_DEPTHS else (0,):
            counts.append(count(program, some, level))
    return counts


def with_variants(table: Path) -> list[tuple[bytes, str | None]]:
    """Sequence and positions of errors of every read of a set, with variants of drawn frequencies drawn into them if it has a reference."""
    if not table.with_name(sites.REFERENCE).exists():
        return [(sequence, where) for sequence, _, where, _, _ in reads.records_with_truth(table)]
    run, reference = sites.reads_of(table)
    draw = np.random.default_rng(SEED)
    shares = np.exp(draw.uniform(*np.log(SHARES), len(reference)))
    sites.with_sites(run, reference, lambda number: float(shares[number]), APART, 1, draw)
    places = [row[2] for row in reads.records_with_truth(table)]
    return [(read.sequence, where) for read, where in zip(run, places)]


def count(program: Path, rows: list[tuple[bytes, str | None]], level: int) -> Counts:
    """Counts of support codes of the wrong and the right bases; reads without truth are part of the run but are not counted."""
    codes_of_reads, depths = look(program, [sequence for sequence, _ in rows], level)
    ranges = np.searchsorted(BORDERS[1:], depths, side="right")
    tallies = np.zeros((2, len(BORDERS), CODES))
    for (sequence, where), codes, of in zip(rows, codes_of_reads, ranges):
        if where is not None:
            wrong = reads.wrong_bases(sequence, where)
            for tally, chosen in zip(tallies, (wrong, ~wrong)):
                tally[of] += np.bincount(codes[chosen], minlength=CODES)
    return Counts(level, tallies[0], tallies[1])


def pooled(counts: list[Counts]) -> tuple[np.ndarray, np.ndarray]:
    """P(code | wrong) and P(code | right) in each range of depth, both float [ranges, codes]: means over runs."""
    shape = (len(BORDERS), CODES)
    wrong, right = np.zeros(shape), np.zeros(shape)
    for each in counts:
        enough = np.minimum(each.wrong.sum(axis=1, keepdims=True) / FEW, 1.0)  # weight of the run, the same for wrong and right bases
        for all_runs, of_run in ((wrong, each.wrong), (right, each.right)):
            all_runs += enough * of_run / np.maximum(of_run.sum(axis=1, keepdims=True), 1)
    return tuple(table / np.maximum(table.sum(axis=1, keepdims=True), TINY) for table in (wrong, right))


def experience(runs: list[list[Counts]]) -> dict:
    """The content of `experience.json`, from all runs."""
    out: dict = {"format": FORMAT, "statements": VERSION, "depths": list(BORDERS)}
    for name, wanted in (("all", lambda level: level == 0), ("some", lambda level: level > 0)):
        chosen = [each for counts in runs for each in counts if wanted(each.level)]
        wrong, right = pooled(chosen)
        made = np.flatnonzero((wrong + right).sum(axis=0))
        short = lambda values: [float(f"{value:.{DIGITS}g}") for value in values]  # noqa: E731
        out[name] = [{"statement": int(s), "wrong": short(wrong[:, s]), "right": short(right[:, s])} for s in made]
    return out


def write(folder: Path, runs: list[list[Counts]]) -> None:
    """Write `experience.json`, one line per support code."""
    found = experience(runs)
    rows = {name: ",\n".join("  " + json.dumps(row) for row in found[name]) for name in ("all", "some")}
    head = ",\n".join(f" {json.dumps(key)}: {json.dumps(found[key])}" for key in ("format", "statements", "depths"))
    body = ",\n".join(f" {json.dumps(name)}: [\n{text}\n ]" for name, text in rows.items())
    (folder / "experience.json").write_text(f"{{\n{head},\n{body}\n}}\n", encoding="utf-8")
