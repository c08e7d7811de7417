#!/usr/bin/env python3
"""Compare error correctors and k-mer filters with bm, by counted errors.

    peers.py --data DIR --bm BM [--tools FOLDER] [--built NAME=COMMIT …]
    peers.py --data DIR --bm BM --only bm      runs bm only; rows of the other programs stay as they are in the results
    peers.py --check

The bases that a corrector changes are its predicted errors; the bases that a k-mer filter cuts measure how bad it rates the read.
Every program runs on every Illumina set below train and devtest, with all reads of the set in one file. Writes peers.json and
README.md into --output. A program that is not installed has no row, and the results list it. None of these programs is part of
this project.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import page
import runs
from runs import Failed, Job, Joined

import evaluate  # noqa: E402
import metrics  # noqa: E402
import rules  # noqa: E402
import truth  # noqa: E402
from metrics import MethodOutput  # noqa: E402

RESULTS = Path(__file__).parent / "results"
RESULTS_FILE = "peers.json"
SHIPPED, ADAPT = "bm score", "bm score --adapt"
LAST = ", unfixable last"
TIES = ", ties by EE"  # differs in the ranking only; the verdict is the same
MOST_WRONG = 0.01  # errors per base that a kept read may have, the same limit as for every rule


@dataclass(frozen=True)
class Peer:
    """An error corrector or k-mer filter."""

    name: str
    program: str
    package: str | None  # Debian package; None if it has to be built
    run: Callable[[Job, Path, Path, int], Path]  # (job, program, reads, genome size in bases) -> output file
    corrects: bool  # whether it corrects bases; else it only cuts and drops reads
    command: str  # for the page
    gives_up: bool = False  # whether it reports the reads that it could not fix


def lighter(job: Job, program: Path, reads: Path, genome: int) -> Path:
    job.call(program, "-r", reads, "-K", 17, genome, "-t", job.threads, "-od", job.folder)
    return job.folder / f"{reads.stem}.cor.fq"


def bfc(job: Job, program: Path, reads: Path, genome: int) -> Path:
    job.call(program, "-s", genome, "-t", job.threads, reads, stdout=job.folder / "bfc.fq")
    return job.folder / "bfc.fq"


def rcorrector(job: Job, program: Path, reads: Path, genome: int) -> Path:
    job.call("perl", program, "-s", reads, "-t", job.threads, "-od", job.folder)
    return job.folder / f"{reads.stem}.cor.fq"


def karect(job: Job, program: Path, reads: Path, genome: int) -> Path:
    fixed = ("-celltype=haploid", "-matchtype=hamming", "-memory=4", f"-threads={job.threads}")
    job.call(program, "-correct", f"-inputfile={reads}", *fixed, f"-resultdir={job.folder}", f"-tempdir={job.folder}")
    return job.folder / f"karect_{reads.name}"


def tadpole(job: Job, program: Path, reads: Path, genome: int) -> Path:
    out = job.folder / "tadpole.fq"
    job.call("bash", program, "-Xmx2g", f"in={reads}", f"out={out}", "mode=correct", f"threads={job.threads}", "ow")
    return out


def bayes_hammer(job: Job, program: Path, reads: Path, genome: int) -> Path:
    out = job.folder / "spades"
    job.call(program, "--only-error-correction", "-s", reads, "-t", job.threads, "-m", 8, "-o", out, "--disable-gzip-output")
    return next((out / "corrected").glob("*.cor.fast*"))


def sga(job: Job, program: Path, reads: Path, genome: int) -> Path:
    clean, out = job.folder / "clean.fq", job.folder / "sga.fq"
    job.call(program, "preprocess", "--permute-ambiguous", reads, stdout=clean)
    job.call(program, "index", "--algorithm", "ropebwt", "--no-reverse", "--threads", job.threads, clean)
    job.call(program, "correct", "--kmer-size", 31, "--threads", job.threads, "--outfile", out, clean)
    return out


def quorum(job: Job, program: Path, reads: Path, genome: int) -> Path:
    job.call(program, "--size=20M", "--min-q-char=33", f"--threads={job.threads}", f"--prefix={job.folder / 'quorum'}", reads)
    return job.folder / "quorum.fa"


def trim_low_abund(job: Job, program: Path, reads: Path, genome: int) -> Path:
    out = job.folder / "trimmed.fq"
    job.call(program, "trim-low-abund", "-M", "500M", "-k", 20, "-T", job.folder, "-o", out, reads)
    return out


def filter_abund(job: Job, program: Path, reads: Path, genome: int) -> Path:
    counts, out = job.folder / "counts", job.folder / "filtered.fq"
    job.call(program, "load-into-counting", "-M", "500M", "-k", 20, "-T", job.threads, counts, reads)
    job.call(program, "filter-abund", "-T", job.threads, "-o", out, counts, reads)
    return out


PEERS = (
    Peer("Lighter", "lighter", "lighter", lighter, True, "lighter -K 17 GENOME", True),
    Peer("BFC", "bfc", None, bfc, True, "bfc -s GENOME", True),
    Peer("Rcorrector", "run_rcorrector.pl", None, rcorrector, True, "run_rcorrector.pl", True),
    Peer("Karect", "karect", None, karect, True, "karect -correct -celltype=haploid -matchtype=hamming"),
    Peer("BayesHammer", "spades.py", "spades", bayes_hammer, True, "spades.py --only-error-correction"),
    Peer("Tadpole", "tadpole.sh", "bbmap", tadpole, True, "tadpole.sh mode=correct"),
    Peer("SGA", "sga", "sga", sga, True, "sga preprocess --permute-ambiguous; sga index; sga correct"),
    Peer("QuorUM", "quorum", "quorum", quorum, True, "quorum --size=20M --min-q-char=33"),
    Peer("khmer trim-low-abund", "khmer", "khmer", trim_low_abund, False, "khmer trim-low-abund -k 20"),
    Peer("khmer filter-abund", "khmer", "khmer", filter_abund, False, "khmer load-into-counting -k 20; khmer filter-abund"),
)  # fmt: skip


# ------------------------------------------------------------------------------------------------ what it changed


def compared(before: bytes, after: bytes) -> tuple[int, int]:
    """Number of changed bases and number of cut bases, from a read before and after a program.

    A shorter output is placed where it differs least, at the first of several such places, and the rest counts as cut. For a
    longer output, the extra bases count as changed, in addition to the differences at the best place. A replaced N is not a
    change, because it was not a base.
    """
    if before == after:
        return 0, 0
    old, new = np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8)
    if len(new) > len(old):
        places = np.lib.stride_tricks.sliding_window_view(new, len(old))
        return int(((places != old) & (old != ord("N"))).sum(axis=1).min()) + len(new) - len(old), 0
    if not len(new):
        return 0, len(old)
    places = np.lib.stride_tricks.sliding_window_view(old, len(new))
    return int(((places != new) & (places != ord("N"))).sum(axis=1).min()), len(old) - len(new)


def given_up(head: bytes) -> bool:
    """Whether a corrector reports in a read's name line that it could not fix the read.

    Lighter and Rcorrector write ``unfixable_error``; BFC writes ``ec:Z:`` and a code, of which 0 is success.
    """
    _, _, rest = head.replace(b"\t", b" ").partition(b" ")
    return b"unfixable_error" in rest or (b"ec:Z:" in rest and not rest.split(b"ec:Z:")[1].startswith(b"0"))


@dataclass
class Changes:
    """What a program did to each record; arrays are [records]."""

    changed: np.ndarray  # int, changed bases
    cut: np.ndarray  # int, cut bases; all bases of a read that is missing from the output
    dropped: np.ndarray  # bool, missing from the output
    unfixable: np.ndarray  # bool, reported as unfixable


def changes(sequences: list[bytes], out: Path) -> Changes:
    """Compares the reads with a program's output file ``out``; records are joined by the number in their name."""
    many = len(sequences)
    length = np.array([len(sequence) for sequence in sequences], int)
    made = Changes(np.zeros(many, int), length.copy(), np.ones(many, bool), np.zeros(many, bool))
    for head, sequence, _ in runs.records(out):
        number = int(head.split()[0][1:])
        if not made.dropped[number]:
            raise Failed(f"read {number} is twice in the output")
        made.dropped[number] = not sequence
        made.changed[number], made.cut[number] = compared(sequences[number], sequence.upper())
        made.unfixable[number] = given_up(head)
    return made


def evaluated(made: Changes, reads: truth.Reads, corrects: bool, unfixable_last: bool = False) -> MethodOutput:
    """Output of a program as a method: badness is the number of changed and cut bases.

    A corrector predicts as many errors as it changed bases; a filter keeps the reads that it did not cut. A read missing from the
    output counts as cut completely. Cut bases are not predicted errors, because the program does not report how many are wrong.
    With ``unfixable_last``, reads reported as unfixable rank behind all others and are not kept; otherwise they are rated like the
    others, by their changed bases.
    """
    changed, cut, dropped, unfixable = (part[reads.row] for part in (made.changed, made.cut, made.dropped, made.unfixable))
    if not unfixable_last:
        unfixable = np.zeros(len(reads), bool)
    bad = changed + cut
    rate = bad / reads.length
    by_rate = rate + 2.0 * unfixable
    by_count = bad + 2.0 * unfixable * reads.length
    if not corrects:
        return MethodOutput(by_rate, by_count, cut == 0)
    return MethodOutput(by_rate, by_count, (rate <= MOST_WRONG) & ~dropped & ~unfixable, changed.astype(np.float64))


# ---------------------------------------------------------------------------------------------------------- sets


def ties_by_ee(plain: MethodOutput, reads: truth.Reads) -> MethodOutput:
    """The same output with ties ranked by EE / length; there are many ties, because most reads are unchanged."""
    order = np.lexsort((reads.ee / reads.length, plain.by_rate))
    badness = np.empty(len(reads))
    badness[order] = np.arange(len(reads))
    return MethodOutput(badness, badness, plain.keep, plain.predicted)


def of_bm(run: Joined, bm: Path, threads: int, scratch: Path) -> tuple[dict, dict]:
    """Outputs of the rules and of bm, by name; and bm's time and memory."""
    outputs = {rules.MEAN_Q: rules.mean_q20(run.reads), rules.EE_RATE: rules.ee_rate(run.reads)}
    notes: dict[str, dict] = {}
    for name, options in ((SHIPPED, ()), (ADAPT, ("--adapt",))):
        job = Job(fresh(scratch / "bm"), threads)
        outputs[name], _ = runs.score(bm, run, job, *options)
        notes[name] = job.used()
    return outputs, notes


def of_peers(run: Joined, peers: dict[Peer, Path], genome: int, threads: int, seconds: float, scratch: Path) -> tuple[dict, dict]:
    """Outputs of each program on one set, by name; and, by name, its time and memory and what it did to the reads."""
    reads, outputs, notes = run.reads, {}, {}
    for peer, program in peers.items():
        job = Job(fresh(scratch / "peer"), threads, seconds)
        try:
            made = changes(run.sequences, peer.run(job, program, run.numbered, genome))
        except (Failed, OSError, StopIteration) as error:
            notes[peer.name] = job.used() | {"failed": str(error) or type(error).__name__}
            print(f"  {peer.name}: {error}", flush=True)
            continue
        outputs[peer.name] = evaluated(made, reads, peer.corrects)
        if peer.gives_up:
            outputs[peer.name + LAST] = evaluated(made, reads, peer.corrects, unfixable_last=True)
        if peer.corrects:
            plain = outputs[peer.name + LAST * peer.gives_up]
            outputs[peer.name + TIES] = ties_by_ee(plain, reads)
        of = reads.row
        notes[peer.name] = job.used() | {
            "changed_bases": int(made.changed[of].sum()),
            "cut_share": float(made.cut[of].sum() / reads.length.sum()),
            "dropped_share": float(made.dropped[of].mean()),
            "unfixable_share": float(made.unfixable[of].mean()),
        }
        print(f"  {peer.name}: {job.wall_s:.1f} s", flush=True)
    return outputs, notes


def fresh(folder: Path) -> Path:
    """An empty folder."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def measured(reads: truth.Reads, outputs: dict[str, MethodOutput], resamples: int) -> dict:
    """Figures of each method with intervals, as in research/evaluation."""
    labels = metrics.Labels(reads.errors, reads.scored, reads.length, reads.good)
    measures = {name: metrics.Measure(output, labels) for name, output in outputs.items()}
    return metrics.measured(measures, len(reads), resamples, evaluate.SEED, rules.EE_RATE)


def sets_of(data: Path, names: list[str]) -> list[truth.Reads]:
    """The Illumina sets below train and devtest; if ``names`` is not empty, only these."""
    platforms = evaluate.known_platforms()
    tables = [t for t in truth.find(data) if platforms.get(t.parent.name) == "illumina" and (not names or t.parent.name in names)]
    loaded = (truth.load(table, data) for table in tables)
    return [reads for reads in loaded if reads and reads.part in ("train", "devtest")]


def reference_bases(folder: Path) -> int:
    """Number of bases in the reference of a truth set."""
    return sum(len(sequence) for _, sequence, _ in runs.records(folder / "ref.fa"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the program")
    parser.add_argument("--set", action="append", default=[], help="only this set; may be repeated")
    parser.add_argument("--tools", type=Path, help="folder of programs built from source, in it or one level below")
    parser.add_argument("--built", action="append", default=[], metavar="NAME=COMMIT", help="commit that such a program was built from")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="run only bm or this program; rows of others stay as they are")
    parser.add_argument("--seconds", type=float, default=600, help="time limit of a program on a set")
    parser.add_argument("--threads", type=int, default=1, help="threads of every program")
    parser.add_argument("--resamples", type=int, default=evaluate.RESAMPLES, help="number of bootstrap resamples")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--check", action="store_true", help="only the tests with made-up reads")
    options = parser.parse_args()
    if options.check:
        sys.exit(not runs.tests_pass())
    if not options.data or not options.bm:
        parser.error("--data and --bm are needed, or --check")
    data, bm, file = options.data.resolve(), options.bm.resolve(), options.output / RESULTS_FILE
    tools = options.tools.resolve() if options.tools else None
    before = json.loads(file.read_text(encoding="utf-8")) if options.only else None
    programs = {peer: runs.found(peer.program, tools) for peer in PEERS if not options.only or peer.name in options.only}
    absent = [peer.name for peer, program in programs.items() if not program]
    for name in absent:
        print(f"{name}: not installed, so it has no row", flush=True)
    present = {peer: program for peer, program in programs.items() if program}
    built = dict(word.split("=", 1) for word in options.built)
    results = {
        "format": 1, "command": "python research/evidence/peers.py --data DIR --bm BM --tools FOLDER",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "tools": versions(bm),
        "peers": {
            peer.name: {"command": peer.command, "version": version(peer, built), "built": not peer.package} for peer in present
        },
        "absent": absent, "threads": options.threads, "resamples": options.resamples, "seed": evaluate.SEED, "sets": {},
    }  # fmt: skip
    if before:
        results |= {key: before[key] for key in ("resamples", "threads")}
        results["peers"] = before["peers"] | results["peers"]
        results["absent"] = [name for name in before["absent"] if name not in results["peers"]]
    for reads in sets_of(data, options.set or list(before["sets"] if before else [])):
        print(f"{reads.name}: {len(reads)} reads", flush=True)
        folder, reference = reads.files[0].parent, reference_bases(reads.files[0].parent)
        with tempfile.TemporaryDirectory() as scratch:
            run = runs.joined(reads, Path(scratch))
            outputs, notes = of_bm(run, bm, results["threads"], Path(scratch))
            peer_outputs, peer_notes = of_peers(run, present, reference, results["threads"], options.seconds, Path(scratch))
        figures = measured(reads, outputs | peer_outputs, results["resamples"])
        if before:
            kept = before["sets"][reads.name]
            figures, notes = kept["judged"] | figures, kept["notes"] | notes
        results["sets"][reads.name] = {
            "part": reads.part, "platform": "illumina", "run": reads.run, "reads": len(reads), "reference_bases": reference,
            "truth_sha256": truth.sha256(next(folder.glob("*" + truth.SUFFIX))), "judged": figures, "notes": notes | peer_notes,
        }  # fmt: skip
        options.output.mkdir(parents=True, exist_ok=True)
        file.write_text(evaluate.to_json(json.loads(json.dumps(results))), encoding="utf-8")
    page.write(options.output)


def version(peer: Peer, built: dict[str, str]) -> str | None:
    """Version of the Debian package, or the commit given with --built."""
    return runs.version_of(peer.package) if peer.package else built.get(peer.name)


def versions(bm: Path) -> dict[str, str]:
    """Versions of bm, Python and NumPy, for the results file."""
    reported = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {"bm": reported.splitlines()[0].removeprefix("bm "), "bm_sha256": truth.sha256(bm), "python": platform.python_version(), "numpy": np.__version__}


if __name__ == "__main__":
    main()
