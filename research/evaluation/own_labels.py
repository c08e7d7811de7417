"""Methods that learn from the run itself: models that `bm adapt` made, and simpler methods built on the run's labels.

``bm adapt --labels`` labels each base of the reads that it looked at: other reads confirm it (``=``), contradict it (``X``) or
neither (``.``). Here, labels are a list with one item per record of all files, in order: the labels of its bases as bytes, or
None for a record that was not looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rules
import truth
from metrics import MethodOutput
from truth import ERROR_PROBABILITY, Reads

ADAPTED = "adapted"
UNSEEN = "adapted, run left out"  # started from a model trained without the flow cell
HALVES = "adapted, other half"
POSTERIOR = "posterior"  # with the run's k-mer evidence; started from a model trained without the flow cell
POSTERIOR_HALVES = "posterior, other half"
TABLE = "self-calibrated table"
BREAKS = "k-mer breaks"
METHODS = (ADAPTED, UNSEEN, HALVES, POSTERIOR, POSTERIOR_HALVES, TABLE, BREAKS)

MOST_WRONG = 0.01  # errors per base that a kept read may have, the same limit as for the rules and the models
TIMED = Path(__file__).with_name("timed.py")
PRIOR = 200  # pseudo-count in bases: a quality with few labels stays near its reported error rate
RIGHT, WRONG = ord("="), ord("X")

Labels = list[bytes | None]


# --------------------------------------------------------------------------------------------------- bm adapt


def adapt(bm: Path, files: list[Path], package: Path, start: str | None = None, labels: Path | None = None, evidence: bool = False) -> dict:
    """Run ``bm adapt`` on a run; returns its choice and doubts, what it counted, and its time and memory.

    Parameters
    ----------
    files : list of Path
        All FASTQ files of the run.
    package : Path
        Output folder for the model package.
    start : str, optional
        Model to start from; the shipped one by default.
    labels : Path, optional
        Output file for the labels.
    evidence : bool
        Whether to store the run's k-mer evidence in the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [bm, "adapt", "--quiet", "--output", package, "--report", report]
        command += ["--model", start] if start else []
        command += ["--labels", labels] if labels else []
        command += ["--evidence"] if evidence else []
        took = timed([*command, *files])
        reported = json.loads(report.read_text(encoding="utf-8"))["adaptation"]
    seen = {key: reported["findings"][key] for key in ("reads_seen", "reads_kept", "bases_kept", "depth", "labelled", "wrong", "mixed_share")}
    kmers = {"evidence": stored_evidence(reported["evidence"])} if evidence else {}
    return {"choice": reported["choice"], "doubts": reported["doubts"]} | took | seen | kmers


def stored_evidence(reported: dict) -> dict:
    """What a report of format 2 says about k-mer evidence, with the keys of the stored results: ``in_use`` is ``testifies`` there."""
    return {"testifies" if key == "in_use" else key: value for key, value in reported.items()}


def timed(command: list) -> dict:
    """Run a command; returns wall seconds, CPU seconds (unaffected by other load on the machine) and peak megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "took.json")
        subprocess.run([sys.executable, TIMED, out, *command], check=True)
        took = json.loads(out.read_text(encoding="utf-8"))
    return {"wall_s": round(took["wall_s"], 2), "cpu_s": round(took["cpu_s"], 2), "peak_mb": round(took["peak_bytes"] / 1e6)}


def outputs(bm: Path, reads: Reads, left_out: str | None, asked_left_out: bool):
    """Outputs of every method that learns from the run itself.

    Parameters
    ----------
    left_out : str or None
        Package trained without the flow cell of the reads; None if the shipped model was not trained on it either.
    asked_left_out : bool
        Whether the evaluation leaves runs out.

    Returns
    -------
    evaluated : dict of MethodOutput
        By method.
    notes : dict
        The results of `adapt`, and the comparison of the labels with truth.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        table, package = scratch / "labels.tsv", scratch / "package"
        reported = {ADAPTED: [adapt(bm, reads.files, package, labels=table)]}
        evaluated = {ADAPTED: rules.score(bm, str(package), reads)[0]}
        if asked_left_out:
            evaluated[UNSEEN], reported[UNSEEN] = evaluated[ADAPTED], reported[ADAPTED]
            if left_out:
                reported[UNSEEN] = [adapt(bm, reads.files, package, left_out)]
                evaluated[UNSEEN] = rules.score(bm, str(package), reads)[0]
        reported[POSTERIOR] = [adapt(bm, reads.files, package, left_out, evidence=True)]
        evaluated[POSTERIOR] = rules.score(bm, str(package), reads)[0]
        evaluated[HALVES], reported[HALVES] = other_half(bm, reads, left_out, scratch / "halves", evidence=False)
        evaluated[POSTERIOR_HALVES], reported[POSTERIOR_HALVES] = other_half(bm, reads, left_out, scratch / "halves-evidence", evidence=True)
        evaluated = {method: evaluated[method] for method in METHODS if method in evaluated}
        names, qualities, sizes = [], [], []
        for file in reads.files:
            before = len(names)
            for name, _, quality in truth.records(file):
                names.append(name)
                qualities.append(quality)
            sizes.append(len(names) - before)
        labels = read_labels(table, sizes)
    for number, (quality, label) in enumerate(zip(qualities, labels)):
        if label is not None and len(label) != len(quality):
            raise SystemExit(f"{reads.name}: record {number + 1} has {len(quality)} bases and {len(label)} labels")
    rates = rate_by_quality(qualities, labels)
    evaluated[TABLE] = by_table(reads, qualities, rates)
    evaluated[BREAKS], unlabelled = by_breaks(reads, labels)
    notes = {
        "adapting": reported,
        "own_labels": beside_truth(reads, labels) | {"judged_reads_without_labels": unlabelled},
        "calibrated_table": {str(q): float(rates[q]) for q in np.unique(np.frombuffer(b"".join(qualities), np.uint8)).astype(int) - 33},
    }
    return evaluated, notes


def other_half(bm: Path, reads: Reads, start: str | None, scratch: Path, evidence: bool) -> tuple[MethodOutput, list[dict]]:
    """Output for each half of the templates, from the model learned from the other half; and the results of both `adapt` runs."""
    second = halves(reads.files)
    of_read, evaluated, reported = second[reads.row], [], []
    for taught in (False, True):
        folder = scratch / f"half-{int(taught)}"
        part = part_of(reads.files, second == taught, folder)
        reported.append(adapt(bm, part, folder / "package", start, evidence=evidence))
        evaluated.append(rules.score(bm, str(folder / "package"), reads)[0])
    # The first package was learned from the first half, so it scores the second half.
    return joined(of_read, evaluated[0], evaluated[1]), reported


def joined(choice: np.ndarray, one: MethodOutput, other: MethodOutput) -> MethodOutput:
    """``one`` for the reads where ``choice``, bool [reads], is true, and ``other`` for the rest."""
    fields = ("by_rate", "by_count", "keep", "predicted")
    return MethodOutput(*(np.where(choice, getattr(one, field), getattr(other, field)) for field in fields))


def halves(files: list[Path]) -> np.ndarray:
    """Whether each record is in the second half, bool [records]; by a hash of the template's name, so mates stay together."""
    return np.array([in_second_half(name) for file in files for name, _, _ in truth.records(file)])


def in_second_half(name: str) -> bool:
    """Whether a template is in the second half. Mate suffixes are ``/1``, or ``.1`` in archives."""
    return bool(hashlib.sha256(re.sub(r"[./][12]$", "", name).encode()).digest()[0] & 1)


def part_of(files: list[Path], wanted: np.ndarray, folder: Path) -> list[Path]:
    """Copies the ``wanted`` records, bool [records of all files], of files with four-line records; returns the copies."""
    folder.mkdir(parents=True)
    parts, number = [], 0
    for file in files:
        part = folder / (file.name.removesuffix(".gz"))
        with truth.opened(file) as lines, part.open("wb") as out:
            while head := lines.readline():
                record = head + lines.readline() + lines.readline() + lines.readline()
                if wanted[number]:
                    out.write(record)
                number += 1
        parts.append(part)
    return parts


# ----------------------------------------------------------------------------------------------------- labels


def read_labels(table: Path, sizes: list[int]) -> Labels:
    """The labels written by ``bm adapt --labels``, one item per record of all files.

    Parameters
    ----------
    table : Path
    sizes : list of int
        Number of records in each file. Pairs need two files with equal numbers of records.
    """
    rows = []
    with table.open("rb") as lines:
        next(lines)
        for line in lines:
            template, mate, labels = line.rstrip(b"\n").split(b"\t")
            rows.append((int(template), int(mate), labels))
    paired = any(mate == 2 for _, mate, _ in rows)
    if paired and (len(sizes) != 2 or sizes[0] != sizes[1]):
        raise SystemExit(f"{table}: labels of pairs, which need two files with equal numbers of records")
    out: Labels = [None] * sum(sizes)
    for template, mate, labels in rows:
        out[template + sizes[0] * (mate - 1)] = labels
    return out


def rate_by_quality(qualities: list[bytes], labels: Labels) -> np.ndarray:
    """Error rate of each reported quality, measured with the labels, float64 [94]; near the reported rate if labels are few."""
    pairs = [(quality, label) for quality, label in zip(qualities, labels) if label is not None]
    scores = np.frombuffer(b"".join(quality for quality, _ in pairs), np.uint8) - 33
    label = np.frombuffer(b"".join(label for _, label in pairs), np.uint8)
    wrong = np.bincount(scores[label == WRONG], minlength=94)
    right = np.bincount(scores[label == RIGHT], minlength=94)
    return (wrong + PRIOR * ERROR_PROBABILITY) / (wrong + right + PRIOR)


def by_table(reads: Reads, qualities: list[bytes], rates: np.ndarray) -> MethodOutput:
    """Output by expected errors, with the measured error rate of each quality instead of the reported one.

    Parameters
    ----------
    qualities : list of bytes [records]
    rates : float array [94]
    """
    scores = np.frombuffer(b"".join(qualities[row] for row in reads.row), np.uint8) - 33
    errors = np.add.reduceat(rates[scores], np.cumsum(reads.length) - reads.length)
    return expecting(errors, reads)


def by_breaks(reads: Reads, labels: Labels) -> tuple[MethodOutput, int]:
    """Output by the fraction of a read's labelled bases that other reads contradict, and the number of reads without labels.

    Reads without labels rank by reported expected errors.
    """
    wrong, right = counts(reads, labels)
    labelled = wrong + right
    rate = np.where(labelled > 0, wrong / np.maximum(labelled, 1), reads.ee / reads.length)
    return expecting(rate * reads.length, reads), int((labelled == 0).sum())


def counts(reads: Reads, labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Bases of each read that other reads contradict, int [reads], and that they confirm, int [reads]."""
    found = [labels[row] or b"" for row in reads.row]
    return np.array([label.count(b"X") for label in found]), np.array([label.count(b"=") for label in found])


def expecting(errors: np.ndarray, reads: Reads) -> MethodOutput:
    """Output by a number of expected errors, float [reads]; keeps reads with at most 1 % of the bases."""
    rate = errors / reads.length
    return MethodOutput(rate, errors, rate <= MOST_WRONG, errors)


# ------------------------------------------------------------------------------------------------------ truth


@dataclass
class Overlap:
    """Counts of bases by label and truth."""

    bases: int = 0
    labelled: int = 0
    wrong: int = 0  # labelled X
    errors: int = 0  # true errors
    labelled_errors: int = 0  # true errors with any label
    both: int = 0  # true errors labelled X

    def add(self, label: np.ndarray, error: np.ndarray) -> None:
        """Count bases, given their labels, uint8 [bases], and whether they are true errors, bool [bases]."""
        wrong = label == WRONG
        labelled = wrong | (label == RIGHT)
        self.bases += len(label)
        self.labelled += int(labelled.sum())
        self.wrong += int(wrong.sum())
        self.errors += int(error.sum())
        self.labelled_errors += int((labelled & error).sum())
        self.both += int((wrong & error).sum())

    def fractions(self) -> dict:
        """The counts, and the ratios computed from them; nan if the denominator is 0."""

        def fraction(part: int, whole: int) -> float:
            return part / whole if whole else float("nan")

        ratio = fraction(self.wrong, self.labelled_errors)
        return vars(self) | {
            "share_labelled": fraction(self.labelled, self.bases),
            "precision": fraction(self.both, self.wrong),
            "recall_among_labelled": fraction(self.both, self.labelled_errors),
            "recall": fraction(self.both, self.errors),
            "log2_ratio": float(np.log2(ratio)) if ratio > 0 else float("nan"),
        }


def error_bases(places: str, length: int) -> np.ndarray:
    """Which bases of a read are substituted or inserted, bool [length]: ``S17``, ``I3``, ``I2@3``.

    A deletion (``D9``, ``D4@9``) has no base that could be labelled, so it is not counted.
    """
    error = np.zeros(length, bool)
    for kind, many, at in re.findall(r"([SID])(?:(\d+)@)?(\d+)", places):
        if kind != "D":
            error[int(at) : int(at) + int(many or 1)] = True
    return error


def beside_truth(reads: Reads, labels: Labels) -> dict:
    """Precision and recall of the labels, on the bases of unambiguous reads that were compared with the reference.

    Clipped ends are left out. The truth table does not name single bases that were masked as variants, so labels on them count as
    if truth had found the base correct.
    """
    overlap = Overlap()
    for place, row in enumerate(reads.row):
        length, inside = int(reads.length[place]), slice(int(reads.clip5[place]), int(reads.length[place] - reads.clip3[place]))
        label = labels[row]
        label = np.full(length, ord("."), np.uint8) if label is None else np.frombuffer(label, np.uint8)
        overlap.add(label[inside], error_bases(reads.places[place], length)[inside])
    return overlap.fractions()
