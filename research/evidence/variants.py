#!/usr/bin/env python3
"""Are rare true variants of deep runs taken for errors, and recurrent errors for variants? Measured with counted errors.

    python research/evidence/variants.py --data DIR --bm BM     writes variants.json and variants.md into --output
    python research/evidence/variants.py --render               renders variants.md again from variants.json

Sites: reads of a truth set are placed on the reference of the set. At sites far apart, a drawn base replaces that of the reference in
a fraction of the templates: 0.5 to 50 %. Every site is drawn on its own, so most reads with a variant have no other.

Amplicon: one amplicon of two mates. Each pair of a truth set gives its qualities and the positions of its errors; its bases are those of the
amplicon, with a drawn wrong base at each error. Errors then recur at a place by chance only, at any depth.

Libraries: molecules that differ, as in mixtures of strains, mutational scanning, error-prone PCR and V(D)J repertoires.

`bm adapt --evidence` reads the run, without truth. Counted, at each frequency: how many bases with the variant it labels as wrong and gives
an error probability above one half, and how many of their reads it discards; the same for wrong bases, by how many reads have the same error.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("evaluation", "read-error")]
import evaluate  # noqa: E402
import libraries  # noqa: E402
import metrics  # noqa: E402
import own_labels  # noqa: E402
import reads as fastq  # noqa: E402
import report  # noqa: E402
import rules  # noqa: E402
import sites  # noqa: E402
import truth  # noqa: E402
from sites import COMPLEMENT, Read  # noqa: E402

RESULTS = HERE / "results"
SITES = ("novaseq_10x_mouse_mt", "nextseq_plasmid_adelaide", "novaseq_sars2_berlin", "sars2_theiagen")
AMPLICONS = (("novaseq_sars2_berlin", 1_000), ("novaseq_sars2_berlin", 4_000), ("sars2_theiagen", 4_000))  # pairs; the depth is up to twice as much
LIBRARY = ("novaseq_sars2_berlin", 4_000)  # the pairs of simulated libraries
FREQUENCIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
APART = 40  # bases between sites, more than a k-mer
FEWEST = 400  # reads at a site: below, a variant of 0.5 % is one or two reads
RECURRENCES = {"1": (1, 1), "2 to 3": (2, 3), "4 to 7": (4, 7), "8 to 15": (8, 15), "16 and more": (16, 1 << 30)}
SEED = 0


def write(reads: list[Read], folder: Path) -> list[Path]:
    """Writes the files of a run."""
    files = []
    for file in sorted({read.file for read in reads}):
        files.append(folder / f"reads_{file + 1}.fastq")
        with files[-1].open("wb") as out:
            for read in reads:
                if read.file == file:
                    out.write(b"%s\n%s\n+\n%s\n" % (named(read), read.sequence, read.quality))
    return files


def named(read: Read) -> bytes:
    """The name line of a read."""
    return b"@t%d/%d" % (read.template, read.file + 1)


def measured(bm: Path, reads: list[Read], start: str) -> dict:
    """Figures of a run: labels, posterior probabilities and verdicts, for variants and for errors."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write(reads, folder)
        reported = own_labels.adapt(bm, files, folder / "package", start, labels=folder / "labels", evidence=True)
        labels = own_labels.read_labels(folder / "labels", [sum(read.file == file for read in reads) for file in range(len(files))])
        scored = {}
        for file in files:
            command = [bm, "filter", "--quiet", "--model", folder / "package", "--no-adapters", "--recalibrate", "--annotate", "--threshold", "0"]
            subprocess.run([*command, "--output", folder / "out.fastq", file], check=True)
            for name, _, quality in fastq.records(folder / "out.fastq"):
                p, ee = (float(re.search(rb"\b%s=([0-9.e-]+)" % key, name)[1]) for key in (b"p", b"ee"))
                scored[name.split()[0]] = p, ee, np.frombuffer(quality, np.uint8).astype(int) - 33
    recurs = collections.Counter()
    for read in reads:
        if read.wrong is not None and read.start is not None:
            for at in read.wrong:
                recurs[key(read, at)] += 1
    counts = collections.defaultdict(collections.Counter)
    kept, good, badness = [], [], []
    for read, label in zip(reads, labels):
        said = label if label is not None else b"." * len(read.sequence)
        if read.wrong is None or read.start is None or named(read) not in scored:
            continue
        p, ee, quality = scored[named(read)]
        is_good = libraries.is_good(read)
        kept.append(p >= 0.5)
        good.append(is_good)
        badness.append(ee / len(read.sequence))
        for at, frequency in read.variants.items():
            if at not in read.wrong:
                add(counts[f"variants of {100 * frequency:g} %" if frequency < 1 else "own bases of the molecule"], said[at], quality[at], is_good, p)
        for at in read.wrong:
            if at < len(quality):
                times = recurs[key(read, at)]
                group = next(name for name, (low, high) in RECURRENCES.items() if low <= times <= high)
                add(counts[f"errors in {group}"], said[at], quality[at], is_good, p)
    kept, good, badness = np.array(kept), np.array(good), np.array(badness)
    ranking = metrics.Ranking(badness)
    mcc = metrics.mcc((kept & good).sum(), (kept & ~good).sum(), (~kept & good).sum(), (~kept & ~good).sum())
    auc = metrics.auc(ranking.sums((~good).astype(float)), ranking.sums(np.ones(len(good))))
    return {"reads": len(good), "good": int(good.sum()), "mcc": mcc, "auc": auc, "choice": reported["choice"],
            "doubts": reported["doubts"], "evidence": reported["evidence"]["testifies"],
            "depth": reported["evidence"]["depth"], "groups": {name: dict(group) for name, group in sorted(counts.items())}}  # fmt: skip


def key(read: Read, at: int) -> tuple[int, int]:
    """The position and the base of the reference's strand."""
    base = read.sequence[at]
    return read.position(at), bytes([base]).translate(COMPLEMENT)[0] if read.back else base


def add(group: collections.Counter, label: int, phred: int, good: bool, p: float) -> None:
    """Counts a base."""
    group["bases"] += 1
    group["labelled"] += label != ord(".")
    group["labelled_wrong"] += label == own_labels.WRONG
    group["improbable"] += int(phred <= 3)  # an error probability of one half or more
    group["expected"] += float(10 ** (-phred / 10))
    group["good"] += int(good)
    group["good_lost"] += int(good and p < 0.5)


def study(data: Path, bm: Path, start: str) -> list[dict]:
    """Figures of all runs whose sets are below ``data``."""
    tables = {table.parent.name: table for table in truth.find(data)}
    rows = []
    cases = [("sites", name, 0) for name in SITES] + [("amplicon", *each) for each in AMPLICONS]
    for what, name, pairs in cases + [(kind, *LIBRARY) for kind in libraries.KINDS]:
        if name not in tables:
            print(f"{name}: not found, left out")
            continue
        draw = np.random.default_rng(SEED)
        reads, reference = sites.reads_of(tables[name])
        if what in libraries.KINDS:
            reads = libraries.sequenced(reads, libraries.molecules_of(what, reference, pairs, draw), draw)
            rows.append({"what": what, "set": name, "pairs": pairs} | measured(bm, reads, start.format(set=name)))
            print(in_words(rows[-1]), flush=True)
            continue
        if pairs:
            reference = reference[len(reference) // 2 :][: libraries.LENGTH]
            reads = libraries.sequenced(reads, [(reference, set())] * pairs, draw)
        sites.with_sites(reads, reference, lambda number: FREQUENCIES[number % len(FREQUENCIES)], APART, FEWEST, draw)
        rows.append({"what": what, "set": name, "pairs": pairs} | measured(bm, reads, start.format(set=name)))
        print(in_words(rows[-1]), flush=True)
    return rows


def percent(group: dict, part: str, of: str = "bases") -> str:
    return f"{100 * group[part] / group[of]:.1f} %" if group[of] else "–"


def in_words(row: dict) -> str:
    """Lines for the terminal."""
    lines = [f"{row['what']} {row['set']} {row['pairs'] or ''}: MCC {row['mcc']:.3f}, AUC {row['auc']:.4f}, {row['choice']}, doubts {row['doubts']}, "
             f"evidence {row['evidence']}, depth {row['depth']:.0f}"]  # fmt: skip
    for name, group in row["groups"].items():
        lines.append(f"    {name:24} {group['bases']:6} bases: labelled wrong {percent(group, 'labelled_wrong'):>7} "
                     f"improbable {percent(group, 'improbable'):>7} "
                     f"expected {percent(group, 'expected'):>7} good reads lost {percent(group, 'good_lost', 'good'):>7}")  # fmt: skip
    return "\n".join(lines)


def markdown(results: dict) -> str:
    """Returns the page, as Markdown."""
    lines = [
        "# Rare variants and recurrent errors in deep runs",
        "",
        "<!-- Written by research/evidence/variants.py from variants.json; edit that script, not this page. -->",
        "",
        f"Measured {results['date']} by",
        "",
        "    python research/evidence/variants.py --data DIR --bm BM",
        "",
        f"with bm {results['bm']}. *Sites*: variants drawn into reads of a set, at sites {APART} bases apart. *Amplicon*: one amplicon with the",
        "qualities and the errors of a set, so that errors recur by chance only; so are the libraries.",
        "Errors are grouped by the number of reads that have the same one.",
        "*Labelled wrong*: fraction of the bases that `bm adapt` labels as wrong. *Improbable*: fraction whose error probability, given the",
        "k-mers of the run, is one half or more. *Correct reads lost*: fraction of the reads of these bases with at most one error in a hundred",
        "scored bases that are discarded.",
        "",
    ]
    for row in results["runs"]:
        pairs = f", {row['pairs']:,} pairs" if row["pairs"] else ""
        evidence = "k-mer evidence used" if row["evidence"] else "k-mer evidence not used"
        lines += [f"## {row['set']}, {row['what']}{pairs}", "",
                  f"{row['reads']:,} reads with truth, k-mer depth {row['depth']:,.0f}; {row['choice']} model, {evidence}; "
                  f"MCC {row['mcc']:.3f}, AUC {row['auc']:.3f}.", ""]  # fmt: skip
        rows = [[name, f"{group['bases']:,}", percent(group, "labelled_wrong"), percent(group, "improbable"), percent(group, "good_lost", "good")]
                for name, group in sorted(row["groups"].items(), key=order)]  # fmt: skip
        lines += [*report.table(["bases", "number", "labelled wrong", "improbable", "correct reads lost"], rows), ""]
    return "\n".join(lines)


def order(item: tuple[str, dict]) -> tuple[bool, float]:
    """Variants before errors, by their numbers."""
    number = re.search(r"[\d.]+", item[0])
    return item[0].startswith("errors"), float(number[0]) if number else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program")
    parser.add_argument("--start", default=rules.LEARNED, help="model to start from: an id or a package; {set} stands for the name of the set")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--render", action="store_true", help="render the page again from the results file")
    options = parser.parse_args()
    file = options.output / "variants.json"
    if not options.render:
        if not options.data or not options.bm:
            parser.error("--data and --bm are needed, or --render")
        bm = options.bm.resolve()
        runs = study(options.data.resolve(), bm, options.start)
        version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
        date = datetime.datetime.now(datetime.UTC).date().isoformat()
        options.output.mkdir(parents=True, exist_ok=True)
        file.write_text(evaluate.to_json({"format": 1, "date": date, "bm": version.removeprefix("bm "), "runs": runs}), encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    (options.output / "variants.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
