#!/usr/bin/env python3
"""Compare callers on spiked sets: average precision, recall at few false calls, F1 by fraction, false calls on the control.

    evaluate.py --sets DIR --bm BM [--caller NAME …] [--set NAME …] [--output FILE]

DIR holds what spike.py, mixtures.py or mutated.py made. NAME@recalibrated is a caller on reads with the qualities of `bm recalibrate`, NAME@network
on those of the shipped network alone. A call is right if it has the position, the reference and the alternative of a spiked variant, both moved to the
left; calls at positions where the sample itself differs are neither right nor false. Calls are ranked by QUAL; those with a filter other than
that of a low quality come last. Intervals are of 95 %, from resampled blocks of the reference.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pysam
import recalibrated

FALSE_PER_30KB = 3
BLOCK = 300
RESAMPLES = 300
CALLERS = ("bm", "bm-adapt", "bm-reported", "bcftools", "freebayes", "ivar")
FRACTIONS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
# Calls for variants of 10 %: the least fraction of a call, and the depth that is asked for.
FOR_TENTHS = 0.05
DEPTH_OF_TENTHS = 100


@dataclass
class Call:
    """One allele, with the score that ranks it."""

    pos: int  # 1-based
    ref: str
    alt: str
    score: float
    qual: float = 0.0
    passed: bool = True
    fraction: float = 0.0


@dataclass
class Outcome:
    """What a caller did on one set."""

    calls: list[Call] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: float = 0.0


def normalised(reference: str, pos: int, ref: str, alt: str) -> list[tuple[int, str, str]]:
    """The alleles of a record, trimmed and moved to the left; a substitution of several bases is one of each."""
    ref, alt = ref.upper(), alt.upper()
    if len(ref) == len(alt):
        return [(pos + i, r, a) for i, (r, a) in enumerate(zip(ref, alt)) if r != a]
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            pos -= 1
            ref, alt = reference[pos - 1] + ref, reference[pos - 1] + alt
            if pos == 1:
                break
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        ref, alt, pos = ref[1:], alt[1:], pos + 1
    return [(pos, ref, alt)]


# Runs a command in a process of its own, whose children's peak memory is not that of this program.
RUN = """
import resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(["bash", "-o", "pipefail", "-c", sys.argv[1]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sys.stderr.buffer.write(done.stderr)
print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
sys.exit(done.returncode)
"""


def run(command: str) -> tuple[float, float]:
    """Seconds and peak memory in MB of a shell command: of its largest process."""
    done = subprocess.run([sys.executable, "-S", "-c", RUN, command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}\n{done.stderr}")
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def fraction_of(record: pysam.VariantRecord, number: int) -> float:
    """The fraction of an alternative: by the depths of the alleles where the caller gives them, otherwise as it states."""
    if len(record.samples) and "AD" in record.samples[0]:
        depths = [it or 0 for it in record.samples[0]["AD"]]
        return depths[number + 1] / max(sum(depths), 1)
    stated = record.info.get("AF", 0.0)
    return stated[min(number, len(stated) - 1)] if isinstance(stated, tuple) else stated


def read_vcf(path: Path, chrom: str, reference: str) -> list[Call]:
    """The calls of a VCF file."""
    calls = []
    with pysam.VariantFile(str(path)) as file:
        for record in file:
            if record.chrom != chrom:
                continue
            filters = set(record.filter.keys()) - {"PASS", "low_quality", "low_depth"}
            for number, alt in enumerate(record.alts or ()):
                if set(alt.upper()) - set("ACGTN"):
                    continue
                fraction = fraction_of(record, number)
                qual = record.qual or 0.0
                passed = not (set(record.filter.keys()) - {"PASS"})
                for pos, r, a in normalised(reference, record.pos, record.ref, alt):
                    calls.append(Call(pos, r, a, qual - 1e6 * bool(filters), qual, passed, fraction))
    return calls


def read_ivar(path: Path, reference: str) -> list[Call]:
    """The calls of iVar, ranked by their p-value and then their fraction."""
    calls = []
    lines = path.read_text().splitlines()
    columns = {name: at for at, name in enumerate(lines[0].split("\t"))} if lines else {}
    for line in lines[1:]:
        cell = line.split("\t")
        pos, ref, alt = int(cell[columns["POS"]]), cell[columns["REF"]], cell[columns["ALT"]]
        p, fraction = float(cell[columns["PVAL"]]), float(cell[columns["ALT_FREQ"]])
        if alt.startswith("+"):
            ref, alt = ref, ref + alt[1:]
        elif alt.startswith("-"):
            ref, alt = ref + alt[1:], ref
        score = float(-10 * np.log10(max(p, 1e-300)) + fraction)
        for q, r, a in normalised(reference, pos, ref, alt):
            calls.append(Call(q, r, a, score, score, p <= 0.05, fraction))
    return calls


def call(name: str, bm: Path, bam: Path, ref: Path, chrom: str, reference: str, copies: Path) -> Outcome:
    """Run a caller; the time is without that of a recalibration, whose alignments are kept in ``copies``."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        out = folder / "calls.vcf"
        name, _, way = name.partition("@")
        if way:
            copy = copies / f"{bam.stem}.{way}"
            if not copy.exists():
                copy.mkdir()
                recalibrated.recalibrate(bm, bam, copy, way)
            bam = copy / recalibrated.NAME
        how = {"bm-adapt": "--adapt", "bm-reported": "--reported"}.get(name, "")
        commands = {
            "bcftools": f"bcftools mpileup -d 1000000 -L 1000000 -a AD -f {ref} {bam} | bcftools call -m -A -v --ploidy 1 -P 0.05 -o {out}",
            "freebayes": f"freebayes -f {ref} -F 0.01 -C 2 --pooled-continuous -p 1 {bam} > {out}",
            "ivar": f"samtools mpileup -aa -A -d 0 -B -Q 0 --reference {ref} {bam} | ivar variants -p {folder}/calls -q 20 -t 0.01 -m 10 -r {ref}",
        }
        command = commands.get(name, f"{bm} call {bam} -r {ref} -o {out} -q -j 2 {how}")
        seconds, peak = run(command)
        calls = read_ivar(folder / "calls.tsv", reference) if name == "ivar" else read_vcf(out, chrom, reference)
    best: dict[tuple, Call] = {}
    for it in calls:
        key = (it.pos, it.ref, it.alt)
        if key not in best or best[key].score < it.score:
            best[key] = it
    return Outcome(sorted(best.values(), key=lambda it: -it.score), seconds, peak)


def average_precision(hits: np.ndarray, total: int) -> float:
    """Of ranked calls, bool [calls], and the number of variants."""
    if total == 0:
        return float("nan")
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1) if len(hits) else np.zeros(0)
    return float((precision * hits).sum() / total)


@dataclass
class Set:
    """A spiked set."""

    folder: Path

    def __post_init__(self) -> None:
        rows = [line.split("\t") for line in (self.folder / "truth.tsv").read_text().splitlines()[1:]]
        with pysam.FastaFile(str(self.folder / "ref.fa")) as fasta:
            self.chrom = rows[0][0]
            self.reference = fasta.fetch(self.chrom).upper()
        self.truth = {normalised(self.reference, int(r[1]), r[2], r[3])[0]: float(r[4]) for r in rows}
        self.depth = {normalised(self.reference, int(r[1]), r[2], r[3])[0]: int(r[5]) for r in rows}
        own = {int(line.split("\t")[1]) for line in (self.folder / "excluded.tsv").read_text().splitlines()[1:]}
        self.own = {pos + off for pos in own for off in (-2, -1, 0, 1, 2)}
        covered = dict(line.split("\t") for line in (self.folder / "covered.tsv").read_text().splitlines())
        self.covered = int(covered["positions_of_depth_20"])
        self.deep = self.positions_of_depth(DEPTH_OF_TENTHS)

    def positions_of_depth(self, least: int) -> set[int]:
        """The 1-based positions that at least so many reads without spikes cover."""
        control = self.folder / "control.bam"
        if not control.exists():
            return set()
        with pysam.AlignmentFile(control) as file:
            depth = np.sum(file.count_coverage(self.chrom, quality_threshold=0), axis=0)
        return set((np.flatnonzero(depth >= least) + 1).tolist())

    def judged(self, calls: list[Call]) -> list[tuple[Call, bool]]:
        """The calls that are right or false."""
        found = [(it, (it.pos, it.ref, it.alt) in self.truth) for it in calls]
        return [(it, hit) for it, hit in found if hit or it.pos not in self.own]


def measures(data: Set, calls: list[Call], control: list[Call]) -> dict:
    """The figures of one caller on one set."""
    judged = data.judged(calls)
    hits = np.array([hit for _, hit in judged], bool)
    total = len(data.truth)
    most_false = FALSE_PER_30KB * data.covered / 30_000
    is_allowed = np.cumsum(~hits) <= max(most_false, 1)
    rng = np.random.default_rng(1)
    blocks = len(data.reference) // BLOCK + 1
    of_call = np.array([it.pos // BLOCK for it, _ in judged], int)
    of_truth = np.array([key[0] // BLOCK for key in data.truth], int)
    resampled = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)
        repeats = weight[of_call] if len(of_call) else np.zeros(0, int)
        resampled.append(average_precision(np.repeat(hits, repeats), int(weight[of_truth].sum())))
    by_fraction = {}
    passed = [(it, hit) for it, hit in judged if it.passed]
    false = sum(not hit for _, hit in passed)
    for fraction in FRACTIONS:
        wanted = [key for key, it in data.truth.items() if it == fraction]
        found = sum((it.pos, it.ref, it.alt) in wanted for it, hit in passed if hit)
        denominator = len(wanted) + found + false * len(wanted) / total
        by_fraction[str(fraction)] = {"variants": len(wanted), "found": found, "f1": 2 * found / denominator if denominator else 0.0}
    own = [it for it in control if it.passed and it.pos not in data.own]
    tenths = {key for key, it in data.truth.items() if it == 0.1 and data.depth[key] >= DEPTH_OF_TENTHS}
    found = {(it.pos, it.ref, it.alt) for it, hit in passed if hit and it.fraction >= FOR_TENTHS}
    return {
        "average_precision": average_precision(hits, total),
        "interval": [float(it) for it in np.nanpercentile(resampled, [2.5, 97.5])],
        "recall_at_few_false": float((hits & is_allowed).sum() / total),
        "passed_right": int(sum(hit for _, hit in passed)),
        "passed_false": int(false),
        "variants": total,
        "by_fraction": by_fraction,
        "control_false": len(own),
        "control_false_per_30kb": 30_000 * len(own) / data.covered,
        "tenths": {
            "variants": len(tenths),
            "found": len(tenths & found),
            "control_false": sum(it.fraction >= FOR_TENTHS and it.pos in data.deep for it in own),
            "covered": len(data.deep - data.own),
        },
        "control_quals": sorted((round(it.qual, 1) for it in control if it.pos not in data.own), reverse=True)[:20],
    }


def measure(sets: Path, bm: Path, callers: list[str], names: list[str] | None, output: Path | None) -> None:
    """Measure callers on the sets of a folder; print a line for each, and write the figures to a file."""
    results: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for folder in sorted(it.parent for it in sets.glob("*/covered.tsv")):
        run_name = folder.name.rsplit(".", 1)[0]
        if names and run_name not in names:
            continue
        data = Set(folder)
        copies = tempfile.TemporaryDirectory()
        for name in callers:
            spiked, control = (
                call(name, bm, bam, folder / "ref.fa", data.chrom, data.reference, Path(copies.name)) if bam.exists() else Outcome()
                for bam in (folder / "spiked.bam", folder / "control.bam")
            )
            figures = measures(data, spiked.calls, control.calls)
            figures |= {"set": folder.name, "wall_s": round(spiked.seconds, 2), "peak_mb": round(spiked.peak_mb)}
            results[run_name][name].append(figures)
            low, high = figures["interval"]
            tenths = figures["tenths"]
            print(
                f"{folder.name:28} {name:12} AP {figures['average_precision']:.3f} ({low:.2f}-{high:.2f}) "
                f"recall@3 {figures['recall_at_few_false']:.3f} pass {figures['passed_right']}/{figures['variants']}+{figures['passed_false']} "
                f"control {figures['control_false_per_30kb']:.1f}/30kb {figures['control_quals'][:4]} "
                f"10 %: {tenths['found']}/{tenths['variants']}+{tenths['control_false']} {figures['wall_s']} s {figures['peak_mb']} MB",
                flush=True,
            )
        copies.cleanup()
    print()
    for name in callers:
        means = [np.mean([it["average_precision"] for it in of_run[name]]) for of_run in results.values()]
        recall = [np.mean([it["recall_at_few_false"] for it in of_run[name]]) for of_run in results.values()]
        print(f"{name:12} mean AP {np.mean(means):.3f} recall@3 {np.mean(recall):.3f}  " + " ".join(f"{it:.3f}" for it in means))
    if output:
        output.write_text(json.dumps(results, indent=1) + os.linesep)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--caller", nargs="+", default=list(CALLERS))
    parser.add_argument("--set", nargs="+")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    measure(args.sets, args.bm, args.caller, args.set, args.output)


if __name__ == "__main__":
    main()
