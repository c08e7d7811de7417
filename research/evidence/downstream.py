#!/usr/bin/env python3
"""Compare filters by what users make of the reads, at equal retention: errors left, false variants, contigs.

    downstream.py --data DIR --bm BM [--tools FOLDER] [--set NAME …]
    downstream.py --check

Every filter ranks all reads of a set and keeps the best reads up to the number of bases that the retention sets. The kept reads are then
evaluated with counted errors, with alleles compared with the run's real alleles, with bcftools and with SPAdes. Writes downstream.json
and README.md into --output. If a program is not installed, its columns are empty and the results list it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import page
import peers
import runs
from runs import Failed, Job, Joined

import evaluate  # noqa: E402  (importing runs puts its folder on the path)
import metrics  # noqa: E402
import own_labels  # noqa: E402
import truth  # noqa: E402

RESULTS = Path(__file__).parent / "results"
RESULTS_FILE = "downstream.json"
# The references of the first three are independent of the reads; that of the phage was assembled from the same reads.
SETS = ("novaseq_sars2_berlin", "miseq_twist_MN908947", "miseq_sars2_sanger", "hiseqx_phage")
OWN_REFERENCE = ("hiseqx_phage",)

NONE, FASTP = "none", "fastp"
MEAN_Q, EE, SHIPPED, ADAPT = "mean quality (fastp -e)", "EE / length", "bm score", "bm score --adapt"
CHANGES = "changes of BFC"  # only if BFC is installed
RANKINGS = (MEAN_Q, EE, SHIPPED, ADAPT, CHANGES)
OWN = "own"  # as many bases as the verdict of bm score --adapt keeps
AS_FASTP = "fastp's"  # as many as fastp keeps by default
RETENTIONS = (OWN, "0.9", "0.8", AS_FASTP)
TIES = 20  # seed of the random order of ties

FEWEST = 3  # reads that an allele needs to be called
MINOR_FRACTIONS = (0.01, 0.03)  # minimum fraction of the depth; 0.03 is ivar's default
BASE_QUALITIES = (0, 20)  # minimum base quality; 20 is ivar's default
DEEP = 20  # minimum depth at which a minor allele is called
SHORTEST = 300  # bases; shorter contigs are not counted
BASES = b"ACGT"


# -------------------------------------------------------------------------------------------------------- keeping


def best(badness: np.ndarray, length: np.ndarray, wanted: float) -> np.ndarray:
    """Which records are kept, bool [records]: the best, until ``wanted`` bases are reached. Ties are in random order.

    Parameters
    ----------
    badness : float array [records]
    length : int array [records]
    """
    drawn = np.random.default_rng(TIES).permutation(len(badness))
    order = drawn[np.argsort(badness[drawn], kind="stable")]
    before = np.cumsum(length[order]) - length[order]
    keep = np.zeros(len(badness), bool)
    keep[order[before < wanted]] = True
    return keep


def write_kept(run: Joined, keep: np.ndarray, path: Path) -> None:
    """Write the kept records as FASTQ, with numbers as names."""
    with path.open("wb") as out:
        for number in np.flatnonzero(keep):
            out.write(b"@r%d\n%b\n+\n%b\n" % (number, run.sequences[number], run.qualities[number]))


# ---------------------------------------------------------------------------------------------------- alignments


@dataclass
class Aligned:
    """Alignments of records to the reference, whose sequences are concatenated."""

    size: int  # bases of the reference
    block_record: np.ndarray  # int [blocks], record of each ungapped block
    block_start: np.ndarray  # int [blocks], on the reference
    block_end: np.ndarray
    record: np.ndarray  # int [mismatches]
    place: np.ndarray  # int [mismatches], on the reference
    base: np.ndarray  # int [mismatches], 0 to 3, on the reference's strand
    quality: np.ndarray  # int [mismatches]
    error: np.ndarray  # bool [mismatches], whether it is an error by the truth table


def aligned(sam: Path, reference: dict[str, bytes], errors: dict[int, np.ndarray]) -> Aligned:
    """Blocks and mismatches of the primary alignments.

    Parameters
    ----------
    reference : dict of bytes
        Sequences by name, upper case.
    errors : dict of bool array [length]
        By record: which of its bases are true errors, in the orientation of the FASTQ.
    """
    offset, size = {}, 0
    for name, sequence in reference.items():
        offset[name], size = size, size + len(sequence)
    blocks: list[tuple[int, int, int]] = []
    rows: list[tuple[int, int, int, int, bool]] = []
    with sam.open("rb") as lines:
        for line in lines:
            if line.startswith(b"@"):
                continue
            name, flag, chromosome, start, _, cigar, _, _, _, sequence, quality = line.rstrip(b"\n").split(b"\t")[:11]
            if int(flag) & 0x904:
                continue
            number, target = int(name[1:]), reference[chromosome.decode()]
            wrong = errors.get(number)
            if wrong is not None and int(flag) & 16:
                wrong = wrong[::-1]
            here, there = 0, int(start) - 1
            for many, kind in re.findall(rb"(\d+)([MIDNSH=X])", cigar):
                many = int(many)
                if kind in b"M=X":
                    place = offset[chromosome.decode()] + there
                    blocks.append((number, place, place + many))
                    for i in mismatches(sequence[here : here + many], target[there : there + many]):
                        error = wrong is not None and bool(wrong[here + i])
                        rows.append((number, place + i, BASES.index(sequence[here + i]), quality[here + i] - 33, error))
                    there += many
                elif kind in b"DN":
                    there += many
                here += many if kind in b"M=XIS" else 0
    block, mismatch = np.array(blocks, int).reshape(-1, 3).T, np.array(rows, int).reshape(-1, 5).T
    return Aligned(size, *block, *mismatch[:4], mismatch[4].astype(bool))


def mismatches(sequence: bytes, target: bytes) -> list[int]:
    """Positions where both sequences have a known base and the bases differ."""
    if sequence == target:
        return []
    return [i for i, (a, b) in enumerate(zip(sequence, target)) if a != b and a in BASES and b in BASES]


def true_alleles(of: Aligned) -> set[int]:
    """Real alleles of the run, as 4 · position + base: at least `FEWEST` reads, and most of the reads with the allele, have it without
    an error in the truth table.

    The truth table masks, as variants, positions where reads agree on another base. So a base that differs from the reference and is
    not listed as an error was masked.
    """
    support = np.bincount(4 * of.place + of.base, minlength=4 * of.size)
    right = np.bincount(4 * of.place[~of.error] + of.base[~of.error], minlength=4 * of.size)
    return set(np.flatnonzero((right >= FEWEST) & (2 * right > support)).tolist())


def minor_alleles(of: Aligned, keep: np.ndarray, fraction: float, quality: int) -> set[int]:
    """Minor alleles called in the kept records: in `FEWEST` reads or more, at this fraction of the depth or more, below one half."""
    step = np.zeros(of.size + 1)
    inside = keep[of.block_record]
    np.add.at(step, of.block_start[inside], 1)
    np.add.at(step, of.block_end[inside], -1)
    depth = np.cumsum(step)[:-1]
    counted = keep[of.record] & (of.quality >= quality)
    support = np.bincount(4 * of.place[counted] + of.base[counted], minlength=4 * of.size)
    at = np.repeat(depth, 4)
    return set(np.flatnonzero((support >= FEWEST) & (support >= fraction * at) & (2 * support < at) & (at >= DEEP)).tolist())


def minor_figures(of: Aligned, keep: np.ndarray, real: set[int]) -> dict[str, int]:
    """Number of false and of true minor alleles called by each rule."""
    figures = {}
    for fraction in MINOR_FRACTIONS:
        for quality in BASE_QUALITIES:
            called = minor_alleles(of, keep, fraction, quality)
            rule = f"{100 * fraction:.0f}_q{quality}"
            figures |= {f"false_{rule}": len(called - real), f"true_{rule}": len(called & real)}
    return figures


# ------------------------------------------------------------------------------------------------- other programs


def called(job: Job, bam: Path, reference: Path) -> set[tuple[str, ...]]:
    """Variants found by ``bcftools mpileup | bcftools call --ploidy 1``: sequence, position, reference, allele."""
    pile, table = job.folder / "pile.bcf", job.folder / "calls.vcf"
    job.call("bcftools", "mpileup", "--max-depth", 10000, "--min-MQ", 1, "-f", reference, "-Ob", "-o", pile, bam)
    job.call("bcftools", "call", "--ploidy", 1, "--multiallelic-caller", "--variants-only", "-Ov", "-o", table, pile)
    rows = (line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#"))
    return {(row[0], row[1], row[3], row[4]) for row in rows}


def contigs(job: Job, reads: Path, reference: Path) -> dict[str, float]:
    """Figures of the contigs that SPAdes assembles, without read correction, and their differences from the reference."""
    out = job.folder / "spades"
    job.call(runs.found("spades.py"), "--only-assembler", "-s", reads, "-t", job.threads, "-m", 8, "-o", out)
    made = [(head, sequence) for head, sequence, _ in runs.records(out / "contigs.fasta") if len(sequence) >= SHORTEST]
    figures = sizes([len(sequence) for _, sequence in made])
    if made and runs.found("minimap2"):
        long, paf = job.folder / "long.fa", job.folder / "contigs.paf"
        long.write_bytes(b"".join(b">%b\n%b\n" % each for each in made))
        job.call("minimap2", "-cx", "asm10", "--cs", "--secondary=no", reference, long, stdout=paf)
        figures |= differences(paf.read_text())
    return figures


def sizes(lengths: list[int]) -> dict[str, float]:
    """Number, total bases, largest contig and N50."""
    lengths, half, n50 = sorted(lengths, reverse=True), sum(lengths) / 2, 0
    for length in lengths:
        n50, half = length, half - length
        if half <= 0:
            break
    return {"contigs": len(lengths), "total": sum(lengths), "largest": max(lengths, default=0), "n50": n50}


def differences(paf: str) -> dict[str, float]:
    """Aligned bases of the contigs, and differences per 100 kb of them; a gap counts as one difference."""
    cs = "".join(field[5:] for line in paf.splitlines() for field in line.split("\t")[12:] if field.startswith("cs:Z:"))
    substitutions, gaps = len(re.findall(r"\*", cs)), len(re.findall(r"[+-]", cs))
    bases = sum(map(int, re.findall(r":(\d+)", cs))) + substitutions
    return {"laid": bases, "differing_per_100kb": 1e5 * (substitutions + gaps) / bases if bases else float("nan")}


# --------------------------------------------------------------------------------------------------------- filters


def fastp(job: Job, run: Joined) -> np.ndarray:
    """Which records fastp keeps by default, bool [records]; trimming of adapters and poly-G is disabled."""
    out = job.folder / "fastp.fq"
    reports = ("--json", job.folder / "fastp.json", "--html", job.folder / "fastp.html")
    uncut = ("--disable_adapter_trimming", "--disable_trim_poly_g")
    job.call("fastp", "--in1", run.numbered, "--out1", out, "--thread", job.threads, *uncut, *reports)
    keep = np.zeros(len(run.sequences), bool)
    keep[[int(head.split()[0][1:]) for head, _, _ in runs.records(out)]] = True
    return keep


def by_changes(made: peers.Changes, length: np.ndarray, ee_rate: np.ndarray) -> np.ndarray:
    """Badness by the bases that a corrector changed, unfixable reads last, ties by EE / length; float [records]."""
    changed = (made.changed + made.cut) / np.maximum(length, 1) + 2.0 * made.unfixable
    badness = np.empty(len(length))
    badness[np.lexsort((ee_rate, changed))] = np.arange(len(length))
    return badness


def by_truth(run: Joined, keep: np.ndarray, resamples: int) -> dict:
    """True errors left per Mb of scored bases, and fraction of bad reads among the kept, with intervals; for reads with truth."""
    reads = run.reads
    kept = keep[reads.row]
    errors, scored, bad = (np.where(kept, values, 0) for values in (reads.errors, reads.scored, ~reads.good))
    # The weight of a read is how often it was drawn.
    drawn = np.array([[w @ errors, w @ scored, w @ bad, w @ kept] for w in metrics.resamples(len(reads), resamples, evaluate.SEED)])
    return {
        "errors_per_mb": metrics.interval(1e6 * errors.sum() / scored.sum(), 1e6 * drawn[:, 0] / drawn[:, 1]),
        "bad_share": metrics.interval(bad.sum() / kept.sum(), drawn[:, 2] / drawn[:, 3]),
    }


def errors_of(reads: truth.Reads) -> dict[int, np.ndarray]:
    """True errors of each record, bool [length], by record number; also for ambiguous reads that have a row."""
    table = truth.read_table(next(reads.files[0].parent.glob("*" + truth.SUFFIX)))
    paired = {mate for _, mate in table} == {"1", "2"}
    wrong, number = {}, 0
    for place, file in enumerate(reads.files):
        for name, description, _ in truth.records(file):
            mate = truth.mate_of(name, description, place if paired and len(reads.files) == 2 else None) if paired else "1"
            if (row := table.get((truth.bare(name), mate))) and row.places:
                wrong[number] = own_labels.error_bases(row.places, row.length)
            number += 1
    return wrong


def of_set(run: Joined, bm: Path, options: argparse.Namespace, scratch: Path) -> dict:
    """All figures of one set."""
    length, threads = run.length, options.threads
    reference = scratch / "ref.fa"
    given = runs.records(run.reads.files[0].parent / "ref.fa")
    sequences = {head.split()[0].decode(): sequence.upper() for head, sequence, _ in given}
    reference.write_bytes(b"".join(b">%b\n%b\n" % (name.encode(), sequence) for name, sequence in sequences.items()))
    job = Job(peers.fresh(scratch / "job"), threads)
    (_, shipped), (_, adapt) = runs.score(bm, run, job), runs.score(bm, run, job, "--adapt")
    badness = {MEAN_Q: -runs.mean_quality(run.qualities), EE: runs.expected_rate(run.qualities)}
    badness |= {SHIPPED: shipped["badness"], ADAPT: adapt["badness"]}
    if corrector := runs.found("bfc", options.tools):
        bases = sum(map(len, sequences.values()))
        badness[CHANGES] = by_changes(peers.changes(run.sequences, peers.bfc(job, corrector, run.numbered, bases)), length, badness[EE])
    kept = {(NONE, "all"): np.ones(len(length), bool)}
    wanted = {OWN: length[adapt["keep"]].sum(), "0.9": 0.9 * length.sum(), "0.8": 0.8 * length.sum()}
    if runs.found("fastp"):
        kept[FASTP, "as it is"] = fastp(job, run)
        wanted[AS_FASTP] = length[kept[FASTP, "as it is"]].sum()
    for retention in RETENTIONS:
        if retention in wanted:
            kept |= {(name, retention): best(badness[name], length, wanted[retention]) for name in RANKINGS if name in badness}
    of = real = None
    if runs.found("bwa"):
        sam = scratch / "all.sam"
        job.call("bwa", "index", reference)
        job.call("bwa", "mem", "-t", threads, reference, run.numbered, stdout=sam)
        of = aligned(sam, sequences, errors_of(run.reads))
        real = true_alleles(of)
    calling = bool(of and runs.found("samtools") and runs.found("bcftools"))
    if calling:
        job.call("samtools", "faidx", reference)
        job.call("samtools", "sort", "-o", scratch / "all.bam", sam)
    unfiltered: set[tuple[str, ...]] = set()
    assembled: dict[bytes, dict] = {}
    rows = []
    for (name, retention), keep in kept.items():
        row = {"filter": name, "retention": retention, "reads": int(keep.sum()), "bases": int(length[keep].sum())}
        row["kept_share"] = row["bases"] / int(length.sum())
        row |= by_truth(run, keep, options.resamples)
        if of and real is not None:
            row |= minor_figures(of, keep, real)
        job = Job(peers.fresh(scratch / "job"), threads)
        try:
            if calling:
                names, bam = job.folder / "names", job.folder / "kept.bam"
                names.write_text("".join(f"r{number}\n" for number in np.flatnonzero(keep)))
                job.call("samtools", "view", "-b", "-N", names, "-o", bam, scratch / "all.bam")
                found = called(job, bam, reference)
                unfiltered = found if name == NONE else unfiltered
                row |= {"calls": len(found), "calls_new": len(found - unfiltered), "calls_lost": len(unfiltered - found)}
            if runs.found("spades.py") and retention != AS_FASTP and not options.no_assembly:
                if keep.tobytes() not in assembled:
                    write_kept(run, keep, job.folder / "kept.fastq")
                    assembled[keep.tobytes()] = contigs(job, job.folder / "kept.fastq", reference)
                row |= assembled[keep.tobytes()]
        except (Failed, OSError) as error:
            row["failed"] = str(error)
        rows.append(row)
        shown = row["errors_per_mb"][0], row.get("false_1_q0", "–"), row.get("n50", "–")
        print(f"  {name}, {retention}: {shown[0]:.0f} errors/Mb, {shown[1]} false, N50 {shown[2]}", flush=True)
    return {
        "reads": len(run.reads), "records": run.reads.records, "bases": int(length.sum()),
        "reference_bases": sum(map(len, sequences.values())),
        "own_reference": run.reads.name in OWN_REFERENCE, "true_alleles": None if real is None else len(real), "filters": rows,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program")
    parser.add_argument(
        "--set", action="append", default=[], help=f"only this set, others stay as they are; may be repeated [default: {' '.join(SETS)}]"
    )
    parser.add_argument("--tools", type=Path, help="folder with BFC, in it or one level below; without it, BFC is left out")
    parser.add_argument("--threads", type=int, default=1, help="threads of every program")
    parser.add_argument("--resamples", type=int, default=evaluate.RESAMPLES, help="number of bootstrap resamples")
    parser.add_argument("--no-assembly", action="store_true", help="skip assembly, which takes most of the time")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--check", action="store_true", help="only the tests with made-up reads")
    options = parser.parse_args()
    if options.check:
        sys.exit(not runs.tests_pass())
    if not options.data or not options.bm:
        parser.error("--data and --bm are needed, or --check")
    bm, options.tools = options.bm.resolve(), options.tools and options.tools.resolve()
    packages = {name.partition(".")[0]: name for name in ("bwa", "samtools", "bcftools", "spades.py", "minimap2", "fastp")}
    absent = [package for package, program in packages.items() if not runs.found(program)]
    for package in absent:
        print(f"{package}: not installed, so its columns are empty", flush=True)
    results = {
        "format": 1, "command": "python research/evidence/downstream.py --data DIR --bm BM --tools FOLDER" + " --no-assembly" * options.no_assembly,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": peers.versions(bm) | {package: runs.version_of(package) for package in packages if package not in absent},
        "absent": absent, "threads": options.threads, "resamples": options.resamples, "seed": evaluate.SEED, "sets": {},
    }  # fmt: skip
    file = options.output / RESULTS_FILE
    if options.set and file.exists():
        results["sets"] = json.loads(file.read_text(encoding="utf-8"))["sets"]
    options.output.mkdir(parents=True, exist_ok=True)
    for reads in peers.sets_of(options.data.resolve(), options.set or list(SETS)):
        print(f"{reads.name}: {len(reads)} reads", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            results["sets"][reads.name] = of_set(runs.joined(reads, Path(scratch)), bm, options, Path(scratch))
        file.write_text(evaluate.to_json(json.loads(json.dumps(results))), encoding="utf-8")
    page.write(options.output)


if __name__ == "__main__":
    main()
