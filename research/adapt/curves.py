#!/usr/bin/env python3
"""How the gain of `bm adapt` depends on coverage and on the size of the genome, measured with counted errors.

    curves.py --data DIR --bm BM                   writes curves.json, the pictures and README.md
    curves.py --data DIR --bm BM --left-out F      the same, from models trained without the evaluated run
    curves.py --render                             renders pictures and README.md again, from the results files

Coverage: templates are drawn from a real run up to 2, 5, … times the bases of the reference. ``bm adapt`` reads only these, and
its result scores all reads of the run, the same ones for every coverage.

Size: random genomes at one coverage. Real reads lend their qualities and the positions of their errors, from the truth table;
their other bases come from the genome. One half of the real reads makes the run, and the other half is scored, each read once, so
that memorising quality strings that were lent repeatedly gives no advantage. ``cargo xtask evaluate --data DIR --curves`` calls this.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import evaluate  # noqa: E402
import metrics  # noqa: E402
import own_labels  # noqa: E402
import rules  # noqa: E402
import truth  # noqa: E402
from truth import Reads  # noqa: E402

RESULTS = Path(__file__).parent / "results"
RESULTS_FILE = "curves.json"

RUNS = ("hiseqx_phage", "novaseq_sars2_berlin", "gaiix_dwv", "miseq_sars2_sanger")
COVERAGES = (2, 5, 10, 20, 50, 100)
SEEDS = 3

LENDER = "hiseqx_phage"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 20_000_000)
SIZE_COVERAGE = 20
MOST_REPEATED = 30_000  # bases; larger genomes take long and vary less, so they get one seed
CHUNK = 1 << 16  # reads made at once

REPORTED, START, ADAPTED = "EE", "start", "adapted"


def figures(output: metrics.MethodOutput, reads: Reads) -> dict:
    """MCC, AUC and log2(predicted / true errors) of one method."""
    labels = metrics.Labels(reads.errors, reads.scored, reads.length, reads.good)
    return metrics.main_figures(output, labels)


def reference_bases(folder: Path) -> int:
    """Number of bases in the reference of a truth set."""
    lines = (folder / "ref.fa").read_text(encoding="utf-8").splitlines()
    return sum(len(line.strip()) for line in lines if not line.startswith(">"))


# ---------------------------------------------------------------------------------------------------- coverage


def templates(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """The template of each record, as a number from 0, and its number of bases; both int [records]."""
    numbers: dict[str, int] = {}
    of, bases = [], []
    for file in files:
        for name, _, quality in truth.records(file):
            of.append(numbers.setdefault(re.sub(r"[./][12]$", "", name) if file_has_mates(name) else name, len(numbers)))
            bases.append(len(quality))
    return np.array(of), np.array(bases)


def file_has_mates(name: str) -> bool:
    """Whether a name ends in a mate number: ``/1``, or ``.1`` after the spot number of an archive."""
    return re.search(r"/[12]$|\.\d+\.[12]$", name) is not None


def drawn(of: np.ndarray, bases: np.ndarray, wanted: float, seed: int) -> np.ndarray:
    """Which records are in a draw of templates with about ``wanted`` bases, bool [records]; draws of one seed are nested."""
    of_template = np.bincount(of, weights=bases)
    order = np.random.default_rng(seed).permutation(len(of_template))
    chosen = np.zeros(len(of_template), bool)
    # The last template is included if that comes nearer to the wanted number.
    chosen[order[: int(np.searchsorted(np.cumsum(of_template[order]), wanted - of_template.mean() / 2))]] = True
    return chosen[of]


def coverage_curve(reads: Reads, folder: Path, bm: Path, start: str) -> dict:
    """Figures of adapting at each coverage of one run."""
    of, bases = templates(reads.files)
    reference = reference_bases(folder)
    full = float(bases.sum() / reference)
    steps = [(c, seed) for c in COVERAGES if c < 0.95 * full for seed in range(SEEDS)]
    points = []
    for coverage, seed in [*steps, (None, 0)]:
        wanted = np.ones(len(of), bool) if coverage is None else drawn(of, bases, coverage * reference, seed)
        with tempfile.TemporaryDirectory() as scratch:
            files = own_labels.part_of(reads.files, wanted, Path(scratch, "reads"))
            reported = own_labels.adapt(bm, files, Path(scratch, "package"), start)
            evaluated = figures(rules.score(bm, str(Path(scratch, "package")), reads)[0], reads)
        points.append({"coverage": coverage or full, "whole_run": coverage is None, "seed": seed, "measured_coverage": float(bases[wanted].sum() / reference)}
                      | adaptation(reported) | {"figures": evaluated})  # fmt: skip
        print(f"{reads.name} at {coverage or full:.0f} x, seed {seed}: {reported['choice']}, MCC/AUC/log2 {shown(evaluated)}", flush=True)
    return {
        "reads": len(reads), "reference_bases": reference, "coverage": full, "start": Path(start).name,
        REPORTED: figures(rules.ee_rate(reads), reads), START: figures(rules.score(bm, start, reads)[0], reads),
        ADAPTED: points,
    }  # fmt: skip


def adaptation(reported: dict) -> dict:
    """The parts of the report of `bm adapt` that go into the results file."""
    labelled = reported["labelled"] / reported["bases_kept"] if reported["bases_kept"] else 0.0
    return {key: reported[key] for key in ("choice", "doubts", "wall_s", "cpu_s", "depth", "labelled", "wrong")} | {"share_labelled": labelled}


def shown(evaluated: dict) -> str:
    """Figures for the terminal."""
    return "/".join(f"{evaluated[key]:.3f}" for key in ("mcc", "auc", "log2_ratio"))


# -------------------------------------------------------------------------------------------------------- size

FROM_GENOME, SUBSTITUTED, AS_READ = 0, 1, 2
LETTERS = np.frombuffer(b"ACGT", np.uint8)
CODES = np.full(256, 4, np.uint8)
CODES[LETTERS] = np.arange(4)


@dataclasses.dataclass
class Lent:
    """Reads of one length whose qualities and errors are transplanted."""

    quality: np.ndarray  # uint8 [reads, bases], bytes as in the file
    base: np.ndarray  # uint8 [reads, bases], the base that was read: 0 to 3, 4 for N
    offset: np.ndarray  # int [reads, bases], position on the genome, relative to the read's first base
    kind: np.ndarray  # uint8 [reads, bases], FROM_GENOME, SUBSTITUTED or AS_READ
    span: np.ndarray  # int [reads], bases of the genome that the read covers

    def __getitem__(self, which: np.ndarray) -> Lent:
        return Lent(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))


def layout(places: str, sequence: bytes) -> tuple[np.ndarray, np.ndarray, int]:
    """Positions of a read's bases on the genome, int [bases], their kinds, uint8 [bases], and the bases of the genome it covers."""
    length = len(sequence)
    kind = np.full(length, FROM_GENOME, np.uint8)
    step = np.ones(length, int)  # distance on the genome from the previous base
    for edit, many, at in re.findall(r"([SID])(?:(\d+)@)?(\d+)", places):
        at, many = int(at), int(many or 1)
        if edit == "S":
            kind[at] = SUBSTITUTED
        elif edit == "I":
            kind[at : at + many] = AS_READ
            step[at : at + many] = 0
        elif at < length:
            step[at] += many
    kind[np.frombuffer(sequence, np.uint8) == ord("N")] = AS_READ
    offset = np.cumsum(step) - 1
    offset = np.maximum(offset, 0)  # inserted before the first base
    return offset, kind, int(offset[-1]) + 1


def lenders(reads: Reads) -> tuple[Reads, Lent]:
    """The unclipped reads of a run that have its median length, and the same reads as lenders."""
    usual = int(np.median(reads.length))
    fit = np.flatnonzero((reads.length == usual) & (reads.clip5 == 0) & (reads.clip3 == 0))
    sequences = [sequence for file in reads.files for sequence in sequences_of(file)]
    qualities = [quality for file in reads.files for _, _, quality in truth.records(file)]
    rows = reads.row[fit]
    laid = [layout(reads.places[place], sequences[row]) for place, row in zip(fit, rows)]
    lent = Lent(
        quality=np.frombuffer(b"".join(qualities[row] for row in rows), np.uint8).reshape(-1, usual),
        base=CODES[np.frombuffer(b"".join(sequences[row] for row in rows), np.uint8)].reshape(-1, usual),
        offset=np.stack([offset for offset, _, _ in laid]), kind=np.stack([kind for _, kind, _ in laid]),
        span=np.array([span for _, _, span in laid]),
    )  # fmt: skip
    return subset(reads, fit), lent


def sequences_of(path: Path):
    """The bases of each record of a file of four-line records."""
    with truth.opened(path) as file:
        while file.readline():
            yield file.readline().rstrip(b"\r\n")
            file.readline()
            file.readline()


def subset(reads: Reads, which: np.ndarray) -> Reads:
    """Some of the reads; ``which`` are indices, int [chosen reads]."""
    arrays = {f.name: getattr(reads, f.name)[which] for f in dataclasses.fields(reads) if isinstance(getattr(reads, f.name), np.ndarray)}
    return dataclasses.replace(reads, **arrays, places=[reads.places[place] for place in which])


def transplanted(lent: Lent, genome: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The bases of each lender at a random place and on a random strand of a genome, uint8 [reads, bases], 0 to 4.

    A substituted base is the base that was read, or a random other one if that equals the genome's base.
    """
    reads, strands = len(lent.span), np.concatenate([genome, 3 - genome[::-1]])
    first = rng.integers(0, len(genome) - lent.span + 1) + len(genome) * rng.integers(0, 2, reads)
    base = strands[first[:, None] + lent.offset]
    substituted = lent.kind == SUBSTITUTED
    other = (base + rng.integers(1, 4, base.shape)) % 4
    as_read = (lent.kind == AS_READ) | (substituted & (lent.base != base) & (lent.base < 4))
    return np.where(as_read, lent.base, np.where(substituted, other, base)).astype(np.uint8)


def write(path: Path, base: np.ndarray, quality: np.ndarray, first: int = 0, mode: str = "wb") -> None:
    """Write reads of one length as FASTQ, named by number; ``base`` and ``quality`` are uint8 [reads, bases]."""
    names = np.char.zfill(np.arange(first, first + len(base)).astype("S10"), 10).view(np.uint8).reshape(-1, 10)

    def same(text: bytes) -> np.ndarray:
        return np.broadcast_to(np.frombuffer(text, np.uint8), (len(base), len(text)))

    letters = np.frombuffer(b"ACGTN", np.uint8)[base]
    with path.open(mode) as file:
        file.write(np.concatenate([same(b"@"), names, same(b"\n"), letters, same(b"\n+\n"), quality, same(b"\n")], axis=1).tobytes())


def size_curve(reads: Reads, bm: Path, start: str, largest: int) -> dict:
    """Figures of adapting on random genomes of each size."""
    names = [name for file in reads.files for name, _, _ in truth.records(file)]
    reads, lent = lenders(reads)
    second = np.array([own_labels.in_second_half(names[row]) for row in reads.row])
    teaching, scored_lent = lent[~second], lent[second]
    kept = np.flatnonzero(second)
    scored_reads = dataclasses.replace(subset(reads, kept), row=np.arange(len(kept)), records=len(kept))
    points, at_start = [], None
    for size in (size for size in SIZES if size <= largest):
        for seed in range(SEEDS if size <= MOST_REPEATED else 1):
            rng = np.random.default_rng([seed, size])
            genome = rng.integers(0, 4, size).astype(np.uint8)
            with tempfile.TemporaryDirectory() as scratch:
                run, asked, package = Path(scratch, "run.fastq"), Path(scratch, "scored.fastq"), Path(scratch, "package")
                write(asked, transplanted(scored_lent, genome, rng), scored_lent.quality)
                many = round(SIZE_COVERAGE * size / lent.quality.shape[1])
                run.touch()
                for first in range(0, many, CHUNK):
                    chosen = teaching[rng.integers(0, len(teaching.span), min(CHUNK, many - first))]
                    write(run, transplanted(chosen, genome, rng), chosen.quality, first, "ab")
                reported = own_labels.adapt(bm, [run], package, start)
                scored_reads.files = [asked]
                evaluated = figures(rules.score(bm, str(package), scored_reads)[0], scored_reads)
                # The start model uses qualities only, so its figures are the same for every genome.
                at_start = at_start or figures(rules.score(bm, start, scored_reads)[0], scored_reads)
            points.append({"size": size, "seed": seed, "reads": many} | adaptation(reported) | {"figures": evaluated})
            print(f"{size} bases, seed {seed}: {reported['choice']}, {reported['wall_s']:.0f} s, MCC/AUC/log2 {shown(evaluated)}", flush=True)
    return {
        "lender": reads.name, "lent_to_the_run": len(teaching.span), "judged": len(kept), "read_length": int(lent.quality.shape[1]),
        "coverage": SIZE_COVERAGE, "start": Path(start).name,
        REPORTED: figures(rules.ee_rate(scored_reads), scored_reads), START: at_start, ADAPTED: points,
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- main


def curves(data: Path, bm: Path, left_out: Path | None, largest: int, command: str) -> dict:
    """The results of both axes."""
    began = time.monotonic()
    tables = {table.parent.name: table for table in truth.find(data)}
    found = {name: truth.load(tables[name], data) for name in RUNS if name in tables}
    sets = [reads for reads in found.values() if reads]
    if not sets:
        raise SystemExit(f"{data}: none of {', '.join(RUNS)} below it")
    starts = {reads.name: evaluate.package_without(reads, sets, left_out) if left_out else None for reads in sets}
    start_of = {name: str(package or rules.LEARNED) for name, package in starts.items()}
    coverage = {reads.name: coverage_curve(reads, reads.files[0].parent, bm, start_of[reads.name]) for reads in sets}
    size = size_curve(found[LENDER], bm, start_of[LENDER], largest) if found.get(LENDER) else None
    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    files = {path.relative_to(data).as_posix(): truth.sha256(path) for reads in sets for path in (tables[reads.name], *reads.files)}
    return {
        "format": 1, "command": command, "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {"bm": version.splitlines()[0].removeprefix("bm "), "python": platform.python_version(), "numpy": np.__version__},
        "wall_s": round(time.monotonic() - began), "left_out": left_out is not None,
        "coverage": coverage, "size": size, "data_sha256": files,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program")
    parser.add_argument("--left-out", type=Path, help="folder of packages trained without one run each, named after the sets of that run")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="bases of the largest genome")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--render", action="store_true", help="render tables and pictures again from the results files")
    options = parser.parse_args()
    if not options.render:
        if not options.data or not options.bm:
            parser.error("--data and --bm are needed, or --render")
        command = "cargo xtask evaluate --data DIR --curves" + (" --leave-one-out" if options.left_out else "")
        results = curves(options.data.resolve(), options.bm, options.left_out, options.largest, command)
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / RESULTS_FILE).write_text(evaluate.to_json(results), encoding="utf-8")
    import page  # matplotlib is needed only here

    page.write(options.output)


if __name__ == "__main__":
    main()
