#!/usr/bin/env python3
"""Are correct reads lost because few other reads support them? Measured with counted errors.

    python research/evidence/rare.py --data DIR --bm BM     writes rare.json and rare.md into --output
    python research/evidence/rare.py --render               renders rare.md again from rare.json

Mixtures: all reads of one truth set, plus so few templates of another set that its depth is 1, 2, 3 or 5. `bm adapt` reads
both together, without truth. Mirror images: the rare reads are some reads of the same set, with A and T, C and G exchanged. They
come from another genome, but have the same qualities and errors, so no property of the instrument separates them. Counted: how many
of the rare set's good reads are discarded, by the verdict of each method, and at equal retention, where each method keeps the
best reads of the mixture by its own ranking, as many as the verdict of *posterior* keeps.

Single run: a set that has many different templates. Its error-free reads are grouped by the number of templates that contain the
rarest of their k-mers.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / name) for name in ("evaluation", "adapt", "read-error")]
import curves  # noqa: E402
import evaluate  # noqa: E402
import own_labels  # noqa: E402
import reads as fastq  # noqa: E402
import report  # noqa: E402
import rules  # noqa: E402
import truth  # noqa: E402
from metrics import MethodOutput  # noqa: E402
from truth import Reads  # noqa: E402

RESULTS = HERE / "results"

MIRROR = bytes.maketrans(b"ACGTacgt", b"TGCAtgca")  # not reversed, so it is not the other strand
MIRROR_NAME = "its mirror image"
# Pairs (all of this set, few of that set); the same name twice means its own mirror image. gaiix_dwv has no mirror image here, because
# an adapted model learns that its four bases have very different error rates: with bases exchanged it passes 5 % of the reads instead of
# 27 %. In the other sets the difference is one or two in a hundred.
MIXTURES = (
    ("hiseqx_phage", "hiseqx_phage"),
    ("hiseq_measles", "hiseq_measles"),
    ("miseq_sars2_sanger", "miseq_sars2_sanger"),
    ("novaseq_sars2_berlin", "novaseq_sars2_berlin"),
    ("hiseqx_phage", "hiseq_measles"),
    ("hiseqx_phage", "gaiix_dwv"),
    ("hiseqx_phage", "novaseq_sars2_berlin"),
    ("hiseq_measles", "hiseqx_phage"),
    ("miseq_sars2_sanger", "hiseqx_phage"),
    ("novaseq_sars2_berlin", "hiseqx_phage"),
    ("gaiix_dwv", "hiseq_measles"),
)
DEPTHS = (1, 2, 3, 5)
DRAWS = 3
ALONE = "miseq_sars2_wastewater"
SEEN = {"1": (1, 1), "2": (2, 2), "3 to 5": (3, 5), "6 to 10": (6, 10), "more": (11, 1 << 60)}  # number of templates with the rarest k-mer

EE, SHIPPED, ADAPTED, POSTERIOR = "EE", "shipped", "adapted", "posterior"
METHODS = (EE, SHIPPED, ADAPTED, POSTERIOR)
RARE, RARE_CLEAN, COMMON = "rare, good", "rare, without error", "common, good"
EVIDENCE = "evidence"  # a file of the package


@dataclasses.dataclass
class Evaluated:
    """Reads of a run with truth, and the output of each method; arrays are [reads]."""

    errors: np.ndarray
    scored: np.ndarray
    badness: dict[str, np.ndarray]  # by method: expected errors per base
    keep: dict[str, np.ndarray]  # by method: the verdict


def together(one: Evaluated, other: Evaluated) -> Evaluated:
    """The reads of both, concatenated."""
    joined = ({name: np.concatenate([ours[name], theirs[name]]) for name in ours}
              for ours, theirs in ((one.badness, other.badness), (one.keep, other.keep)))  # fmt: skip
    return Evaluated(np.concatenate([one.errors, other.errors]), np.concatenate([one.scored, other.scored]), *joined)


# ------------------------------------------------------------------------------------------------------ figures


def best(badness: np.ndarray, fraction: float) -> np.ndarray:
    """Weight of each read if the best ``fraction`` is kept: 1, 0, or in between for ties at the limit; float [reads]."""
    wanted = fraction * len(badness)
    if wanted <= 0:
        return np.zeros(len(badness))
    border = np.sort(badness)[min(int(np.ceil(wanted)), len(badness)) - 1]
    before, tie = badness < border, badness == border
    return before + tie * ((wanted - before.sum()) / tie.sum())


def figures(run: Evaluated, groups: dict[str, np.ndarray]) -> dict:
    """Reads lost from each group, and errors left in the run, by each method's verdict and at equal retention."""
    fraction = float(run.keep[POSTERIOR].mean())
    out: dict = {"reads": len(run.errors), "kept_by_posterior": fraction, "group_reads": {name: int(of.sum()) for name, of in groups.items()}}
    for how, kept in (
        ("verdict", {method: run.keep[method].astype(float) for method in run.keep}),
        ("equal", {method: best(run.badness[method], fraction) for method in run.badness}),
    ):
        out[how] = {
            method: {"lost": {name: float((1 - kept[method][of]).sum()) for name, of in groups.items()}}
            | {"kept_reads": float(kept[method].sum()), "errors": float(kept[method] @ run.errors), "scored": float(kept[method] @ run.scored)}
            for method in kept
        }
    return out


def added(parts: list[dict]) -> dict:
    """Sums of the figures of several draws."""

    def add(values: list):
        if isinstance(values[0], dict):
            return {key: add([value[key] for value in values]) for key in values[0]}
        return sum(values)

    total = add([{key: part[key] for key in ("reads", "group_reads", "verdict", "equal")} for part in parts])
    return total | {"kept_by_posterior": total["verdict"][POSTERIOR]["kept_reads"] / total["reads"]}


def fraction_lost(row: dict, how: str, method: str, group: str) -> float | None:
    """Fraction of a group that a method discards; None if the group is empty."""
    number = row["group_reads"][group]
    return row[how][method]["lost"][group] / number if number else None


# ----------------------------------------------------------------------------------------------------- mixtures


def some_of(reads: Reads, wanted: np.ndarray, folder: Path) -> Reads:
    """A set of the ``wanted`` records, bool [records], whose files are written into ``folder``."""
    chosen = wanted[reads.row]
    arrays = {key: value[chosen] for key, value in vars(reads).items() if isinstance(value, np.ndarray) and len(value) == len(reads)}
    arrays["row"] = (np.cumsum(wanted) - 1)[reads.row[chosen]]
    places = [place for place, keep in zip(reads.places, chosen) if keep]
    files = own_labels.part_of(reads.files, wanted, folder)
    return dataclasses.replace(reads, files=files, places=places, records=int(wanted.sum()), **arrays)


def mirrored(reads: Reads, folder: Path) -> Reads:
    """A set of uncompressed files with A and T, C and G exchanged."""
    folder.mkdir()
    files = []
    for file in reads.files:
        files.append(folder / file.name)
        with file.open("rb") as lines, files[-1].open("wb") as out:
            out.writelines(line.translate(MIRROR) if number % 4 == 1 else line for number, line in enumerate(lines))
    return dataclasses.replace(reads, files=files)


def parts_of(common: Reads, rare: Reads, wanted: np.ndarray, folder: Path) -> tuple[Reads, Reads]:
    """The common and the rare part of a mixture, given the rare records; for a mirror image, each read of the set is in one part."""
    few = some_of(rare, wanted, folder / "rare")
    if common is not rare:
        return common, few
    return some_of(common, ~wanted, folder / "common"), mirrored(few, folder / "mirror")


def mixed(common: Reads, rare: Reads, folder: Path) -> list[Path]:
    """Writes all reads of two sets as one run and returns its files: two files of mates if both sets have two, else one."""
    sources = [*common.files, *rare.files]
    first = sources[:1] + sources[2:3] if len(common.files) == len(rare.files) == 2 else sources
    second = [source for source in sources if source not in first]
    files = []
    for number, parts in enumerate(part for part in (first, second) if part):
        files.append(folder / f"mixture_{number + 1}.fastq")
        with files[-1].open("wb") as out:
            for part in parts:
                with truth.opened(part) as lines:
                    out.write(lines.read())
    return files


def packages(bm: Path, files: list[Path], start: str, folder: Path) -> tuple[dict[str, str], dict]:
    """The models for a run, by method, and what `bm adapt` reported on its k-mers."""
    reported = own_labels.adapt(bm, files, folder / POSTERIOR, start, evidence=True)["evidence"]
    without_evidence(folder / POSTERIOR, folder / ADAPTED)
    return {SHIPPED: start, ADAPTED: str(folder / ADAPTED), POSTERIOR: str(folder / POSTERIOR)}, reported


def without_evidence(package: Path, target: Path) -> None:
    """Writes the package that `bm adapt` would have made without `--evidence`: the same network, without k-mers."""
    shutil.copytree(package, target, ignore=shutil.ignore_patterns(EVIDENCE))
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"].pop(EVIDENCE, None)
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def evaluated(bm: Path, reads: Reads, models: dict[str, str]) -> Evaluated:
    """Output of each method for the reads of a set."""
    reported: dict[str, MethodOutput] = {EE: rules.ee_rate(reads)} | {name: rules.score(bm, model, reads)[0] for name, model in models.items()}
    return Evaluated(reads.errors, reads.scored, {name: j.by_rate for name, j in reported.items()}, {name: j.keep for name, j in reported.items()})


def thinned(reads: Reads) -> Callable[[float, int], np.ndarray]:
    """Returns a function of depth and seed that draws templates so that reads with truth have this depth; bool [records of all files]."""
    of, bases = curves.templates(reads.files)
    with_truth = np.zeros(len(bases))
    with_truth[reads.row] = bases[reads.row]
    reference = curves.reference_bases(reads.files[0].parent)
    return lambda depth, seed: curves.drawn(of, with_truth, depth * reference, seed)


def mixture(bm: Path, common: Reads, rare: Reads, start: str, draws: int) -> list[dict]:
    """Figures of a mixture, one row per depth of the rare set."""
    draw = thinned(rare)
    rows = []
    for depth in DEPTHS:
        parts, kmers_used = [], []
        for seed in range(draws):
            with tempfile.TemporaryDirectory() as scratch:
                parts_now = parts_of(common, rare, draw(depth, seed), Path(scratch))
                models, reported = packages(bm, mixed(*parts_now, Path(scratch)), start, Path(scratch))
                ours, few = (evaluated(bm, part, models) for part in parts_now)
            kmers_used.append(reported["testifies"])
            parts.append(figures(together(ours, few), groups_of_mixture(ours, few)))
        name = rare.name if common is not rare else MIRROR_NAME
        rows.append({"common": common.name, "rare": name, "depth": depth, "draws": draws, "testifies": kmers_used} | added(parts))
        print(f"{common.name} + {name} at {depth} x: {in_words(rows[-1], RARE)}", flush=True)
    return rows


def groups_of_mixture(common: Evaluated, rare: Evaluated) -> dict[str, np.ndarray]:
    """Which reads of a mixture are in each group, bool [reads of both]."""
    is_rare = np.repeat([False, True], [len(common.errors), len(rare.errors)])
    both = together(common, rare)
    good = truth.GOOD_BASES * both.errors <= both.scored
    return {RARE: is_rare & good, RARE_CLEAN: is_rare & (both.errors == 0), COMMON: ~is_rare & good}


# ------------------------------------------------------------------------------------------------------ one run


def rarest(files: list[Path]) -> np.ndarray:
    """Number of templates that contain the rarest k-mer of each record, int [records]; 0 for records without a k-mer."""
    of, _ = curves.templates(files)
    sequences = [sequence for file in files for _, sequence, _ in fastq.records(file)]
    length = np.array([len(sequence) for sequence in sequences])
    kmers, record = canonical(fastq.BASE[np.frombuffer(b"".join(sequences), np.uint8)], length)
    _, kmer = np.unique(kmers, return_inverse=True)
    # A template whose mates overlap counts once per k-mer.
    pairs = np.unique(kmer.astype(np.int64) * (int(of.max()) + 1) + of[record])
    templates = np.bincount(pairs // (int(of.max()) + 1))
    found = np.full(len(sequences), np.iinfo(np.int64).max)
    np.minimum.at(found, record, templates[kmer])
    return np.where(found == np.iinfo(np.int64).max, 0, found)


def canonical(bases: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Canonical k-mers without unknown bases, uint64 [k-mers], and the record of each, int [k-mers].

    Parameters
    ----------
    bases : uint8 array [bases]
        0 to 3; 4 for an unknown base.
    length : int array [records]
    """
    k, record = fastq.K, np.repeat(np.arange(len(length)), length)
    start = np.arange(max(len(bases) - k + 1, 0))
    start = start[record[start] == record[start + k - 1]]
    forward, reverse, unknown = np.zeros(len(start), np.uint64), np.zeros(len(start), np.uint64), np.zeros(len(start), bool)
    for j in range(k):
        base = bases[start + j]
        unknown |= base == fastq.UNKNOWN
        base = np.minimum(base, 3).astype(np.uint64)
        forward = (forward << np.uint64(2)) | base
        reverse |= (np.uint64(3) - base) << np.uint64(2 * j)
    return np.minimum(forward, reverse)[~unknown], record[start][~unknown]


def alone(bm: Path, reads: Reads, start: str) -> dict:
    """Figures of a single run, by how rare its reads are."""
    with tempfile.TemporaryDirectory() as scratch:
        models, reported = packages(bm, reads.files, start, Path(scratch))
        run = evaluated(bm, reads, models)
    seen = rarest(reads.files)[reads.row]
    # Clipped bases were not compared, so they may be wrong.
    clean = (reads.errors == 0) & (reads.clip5 + reads.clip3 == 0)
    groups = {name: clean & (low <= seen) & (seen <= high) for name, (low, high) in SEEN.items()}
    row = {"set": reads.name, "testifies": [reported["testifies"]]} | figures(run, groups)
    for name in SEEN:
        print(f"{reads.name}, rarest k-mer in {name}: {in_words(row, name)}", flush=True)
    return row


# ------------------------------------------------------------------------------------------------------- output


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def in_words(row: dict, group: str) -> str:
    """One line for the terminal."""
    losses = (f"{how} " + "/".join(percent(fraction_lost(row, how, method, group)) for method in METHODS) for how in ("verdict", "equal"))
    return f"{row['group_reads'][group]} reads, lost by {'/'.join(METHODS)}: {', '.join(losses)}"


def lost_cells(row: dict, group: str) -> list[str]:
    """Losses of a group, by verdict and at equal retention; the last is bold if *posterior* loses no more than EE there."""
    cells = [percent(fraction_lost(row, how, method, group)) for how in ("verdict", "equal") for method in METHODS]
    if row["group_reads"][group] and row["equal"][POSTERIOR]["lost"][group] <= row["equal"][EE]["lost"][group]:
        cells[-1] = f"**{cells[-1]}**"
    return cells


def errors_per_mb(row: dict, how: str, method: str) -> str:
    return f"{1e6 * row[how][method]['errors'] / max(row[how][method]['scored'], 1):,.0f}"


def markdown(results: dict) -> str:
    """Returns the page, as Markdown."""
    methods = [f"{method}{how}" for how in (", verdict", ", equal") for method in METHODS]
    rows = []
    for row in results["mixtures"]:
        yes = f"{sum(row['testifies'])} of {len(row['testifies'])}"
        rows.append([row["common"], row["rare"], str(row["depth"]), yes, f"{row['group_reads'][RARE]:,}", percent(row["kept_by_posterior"]),
                     *lost_cells(row, RARE)])  # fmt: skip
    head = ["all of", "few of", "depth", "evidence used", "correct rare reads", "kept of the mixture", *methods]
    common = [[row["common"], row["rare"], str(row["depth"]), *lost_cells(row, COMMON),
               *(errors_per_mb(row, "equal", method) for method in METHODS)] for row in results["mixtures"]]  # fmt: skip
    lines = [
        "# Reads of rare genomes",
        "",
        "<!-- Written by research/evidence/rare.py from rare.json; edit that script, not this page. -->",
        "",
        f"Measured {results['date']} by",
        "",
        f"    {results['command']}",
        "",
        "with " + ", ".join(f"{name} {version}" for name, version in results["tools"].items()) + ".",
        "",
        "A read that few other reads support may be correct and come from a rare genome. How many such reads are discarded? A read is",
        "*correct* if it has at most one error in a hundred scored bases by truth. *EE*: at most 1 % expected errors, as reported. *Shipped*:",
        "the model as shipped. *Adapted*: `bm adapt`. *Posterior*: `bm adapt --evidence`. Both start from the shipped model, which was trained",
        "on the truth of the sets below train. *Verdict*: at the default threshold. *Equal*: each method keeps the best of all reads with truth",
        "by its own expected errors per base, as many as the verdict of *posterior* keeps; a tie at the limit contributes its mean.",
        "Percentages of the methods are fractions of correct reads that are discarded. Bold: *posterior* discards no more than EE at equal",
        "retention.",
        "",
        "## Mixtures",
        "",
        "All reads of one set, plus so few templates of another set that its reads with truth have the given depth on its reference; draws:",
        f"{results['draws']}, summed. The sets come from different instruments, and a model adapted to one of them fits the other less well. *Its mirror",
        "image*: templates of the set itself with A and T, C and G exchanged, that is, another genome with the same qualities and errors; what",
        "an adapted model has learned about single bases applies less there. *Evidence used*: number of draws in which k-mer evidence was used.",
        "",
        *report.table(head, rows),
        "",
        *mean_losses(results),
        "## Effect on the common set",
        "",
        "Fraction of the correct reads of the common set that are discarded, and true errors left per million scored bases of the whole",
        "mixture at equal retention.",
        "",
        *report.table(["all of", "few of", "depth", *methods, *(f"{method}: errors left" for method in METHODS)], common),
        "",
    ]
    for row in results["alone"]:
        shown = [[name, f"{row['group_reads'][name]:,}", *lost_cells(row, name)] for name in SEEN]
        lines += [
            f"## {row['set']}",
            "",
            "A single run with many different templates. Its reads without a true error and without clipped bases, grouped by the number of",
            f"templates of the run that contain the rarest of their {fastq.K}-mers. Truth counts no errors at single positions that were masked as",
            "variants, so some of the rarest reads are not correct." + ("" if row["testifies"][0] else " The k-mer evidence was not used."),
            "",
            *report.table(["templates", "reads", *methods], shown),
            "",
        ]
    return "\n".join(lines)


def mean_losses(results: dict) -> list[str]:
    """The table of means over the mixtures at each depth."""
    rows = []
    for depth in DEPTHS:
        for what, own in (("mirror images", True), ("other sets", False)):
            chosen = [row for row in results["mixtures"] if row["depth"] == depth and (row["rare"] == MIRROR_NAME) == own]
            chosen = [row for row in chosen if row["group_reads"][RARE]]
            if chosen:
                means = [np.mean([fraction_lost(row, how, method, RARE) for row in chosen]) for how in ("verdict", "equal") for method in METHODS]
                rows.append([what, str(depth), *(percent(mean) for mean in means)])
    head = ["few of", "depth", *(f"{method}{how}" for how in (", verdict", ", equal") for method in METHODS)]
    return ["Means over the mixtures, with equal weights:", "", *report.table(head, rows), ""] if rows else []


def study(data: Path, bm: Path, start: str, draws: int) -> dict:
    """Figures of every mixture and every single run whose sets are below ``data``."""
    loaded: dict[str, Reads | None] = {}
    folders = {table.parent.name: table for table in truth.find(data)}

    def load(name: str) -> Reads | None:
        if name not in loaded:
            loaded[name] = truth.load(folders[name], data) if name in folders else None
            if not loaded[name]:
                print(f"{name}: not found, left out")
        return loaded[name]

    mixtures = [row for pair in MIXTURES if all([load(name) for name in pair]) for row in mixture(bm, *map(load, pair), start, draws)]
    runs = [alone(bm, load(name), start) for name in (ALONE,) if load(name)]
    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "format": 1,
        "command": command(start, draws),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {"bm": version.splitlines()[0].removeprefix("bm "), "python": platform.python_version(), "numpy": np.__version__},
        "draws": draws, "mixtures": mixtures, "alone": runs,
    }  # fmt: skip


def command(start: str, draws: int) -> str:
    """The command line, without paths of the machine."""
    words = ["python research/evidence/rare.py --data DIR --bm BM"]
    words += [f"--start {Path(start).name}"] if start != rules.LEARNED else []
    words += [f"--draws {draws}"] if draws != DRAWS else []
    return " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program")
    parser.add_argument("--start", default=rules.LEARNED, help="model to start from: an id or a package")
    parser.add_argument("--draws", type=int, default=DRAWS, help="number of draws of rare templates at each depth")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--render", action="store_true", help="render the page again from the results file")
    options = parser.parse_args()
    file = options.output / "rare.json"
    if not options.render:
        if not options.data or not options.bm:
            parser.error("--data and --bm are needed, or --render")
        results = study(options.data.resolve(), options.bm.resolve(), options.start, options.draws)
        options.output.mkdir(parents=True, exist_ok=True)
        file.write_text(evaluate.to_json(results), encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    (options.output / "rare.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
