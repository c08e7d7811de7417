#!/usr/bin/env python3
"""What is made of the kept long reads: consensus and assembly at equal bases kept, by `bm` and by other filters; judged by the references.

    python research/long-reads/downstream.py --data DIR --bm PATH            every run: results/downstream.{json,md}
    python research/long-reads/downstream.py --data DIR --bm PATH --only RUN one run
    python research/long-reads/downstream.py --render                        the page again, from the results file

It needs minimap2, racon, miniasm, filtlong and nanoq. **Consensus**: racon corrects a draft, the reference with 2 % of its bases changed (seeded),
by the kept reads. So what no kept read covers stays wrong. Only places are judged that all reads of the run cover at least ten times. **Assembly**
(only where miniasm makes one of all reads): miniasm, then racon twice. Errors are mismatches and gaps, a gap counts once however long it is, after
an alignment to the reference by minimap2. Variants of the sample against the reference count as errors too, with every filter alike. Means leave a
run out where a program keeps over 10 % more or fewer bases than it was told, or makes nothing. **Errors of the kept reads**: those of the truth
table per 100 compared bases, over the reads that have a truth; *without truth*: the percentage of the kept bases whose reads are not aligned, or by
less than half.
"""

from __future__ import annotations

import dataclasses
import functools
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("evaluation", "no-qualities")]
import by_run  # noqa: E402
import counted  # noqa: E402
import truth  # noqa: E402

FRACTIONS = (0.9, 0.7, 0.5)  # of the bases
DEPTHS = (50, 20, 10)  # targets too, where half of a run is more
SEEDS = (1, 2, 3)  # of random reads
JUDGED_DEPTH = 10  # of all reads of the run, at places that are judged
CHANGED = 0.02  # of the bases of the draft
EQUAL = 0.1  # a filter keeps as many bases as the others, within this fraction
CIGAR = re.compile(r"(\d+)([=XIDM])")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run, and what is made of it."""

    name: str
    record: str | None = None  # of the reference; all of them without
    doubled: bool = False  # the reference has a circular genome twice
    assembled: bool = False


RUNS = (
    Run("train/ont_phix_r9", doubled=True, assembled=True),
    Run("train/ont_r9_plasmid_adelaide", record="1"),
    Run("train/ont_r1041_lambda_amplicon"),
    Run("train/ont_r1041_flu"),
    Run("train/ont_sars2_r9"),
    Run("train/ont_r9_sars2_phac"),
    Run("devtest/ont_lambda_r9", assembled=True),
    Run("devtest/ont_r1041_mpx"),
    Run("devtest/ont_r9_sars2_nfcore"),
    Run("devtest/ont_drna_rcs100"),
)


@dataclasses.dataclass
class Task:
    """The reads of a run, and a folder to work in."""

    folder: Path
    bm: Path
    records: list[tuple[bytes, bytes, bytes]]
    reads: Path
    reference: dict[str, str]  # a circular genome twice, for what is assembled across its ends
    genome: Path  # a circular genome once
    judged: dict[str, np.ndarray]  # bool [bases] of each record of the genome
    errors: np.ndarray  # int [reads], by the truth table
    scored: np.ndarray  # int [reads], compared bases; 0 without a truth

    @property
    def length(self) -> np.ndarray:
        """Bases of each read."""
        return np.array([len(bases) for _, bases, _ in self.records])

    def call(self, *command: object, stdout: Path | None = None) -> None:
        """Runs a command; raises subprocess.CalledProcessError if it fails."""
        with open(stdout or "/dev/null", "wb") as out:
            subprocess.run([str(word) for word in command], check=True, cwd=self.folder, stdout=out, stderr=subprocess.DEVNULL)

    def write(self, path: Path, kept: np.ndarray) -> Path:
        """Writes some of the reads; `kept` are their places."""
        path.write_bytes(b"".join(b"@%b\n%b\n+\n%b\n" % self.records[place] for place in sorted(kept)))
        return path


def fasta(path: Path) -> dict[str, str]:
    """The records of a FASTA file by the first word of their names."""
    found = {}
    for part in path.read_text(encoding="ascii").split(">")[1:]:
        head, _, bases = part.partition("\n")
        found[head.split()[0]] = bases.replace("\n", "").upper()
    return found


def write_fasta(path: Path, records: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in records.items()), encoding="ascii")
    return path


def changed(bases: str, seed: int) -> str:
    """A sequence with `CHANGED` of its bases wrong: half of them substituted, a quarter left out, a quarter doubled."""
    chance, out = random.Random(seed), []
    for base in bases:
        u = chance.random() / CHANGED
        if u >= 1:
            out.append(base)
        elif u < 0.5:
            out.append(chance.choice([other for other in "ACGT" if other != base]))
        elif u < 0.75:
            out.append(base + chance.choice("ACGT"))
    return "".join(out)


def mapped(task: Task, target: Path, query: Path, preset: str, *options: str) -> list[list[str]]:
    """The primary alignments, as fields of minimap2's PAF."""
    task.call("minimap2", "-t", 1, "-cx", preset, "--eqx", "--secondary=no", *options, target, query, stdout=task.folder / "mapped.paf")
    lines = (task.folder / "mapped.paf").read_text(encoding="ascii").splitlines()
    return [fields for line in lines if "tp:A:P" in (fields := line.split("\t"))]


def depth_of(alignments: list[list[str]], records: dict[str, str]) -> dict[str, np.ndarray]:
    """How many alignments cover each base of the records."""
    steps = {name: np.zeros(len(bases) + 1, int) for name, bases in records.items()}
    for fields in alignments:
        steps[fields[5]][int(fields[7])] += 1
        steps[fields[5]][int(fields[8])] -= 1
    return {name: np.cumsum(each)[:-1] for name, each in steps.items()}


def compare(alignments: list[list[str]], judged: dict[str, np.ndarray]) -> dict:
    """Errors, aligned bases and the share of the judged places that are covered; places of a doubled reference are taken modulo its length."""
    covered = {name: np.zeros(len(places), bool) for name, places in judged.items()}
    errors = bases = 0
    for fields in alignments:
        name, place = fields[5], int(fields[7])
        here, seen = judged[name], covered[name]
        cigar = next(field[5:] for field in fields if field.startswith("cg:Z:"))
        for count, kind in CIGAR.findall(cigar):
            at = np.arange(place, place + (1 if kind == "I" else int(count))) % len(here)
            if kind == "X":
                errors += int(here[at].sum())
            elif kind in "ID":
                errors += int(here[at[0]])
            if kind in "=X":
                bases += int(here[at].sum())
                seen[at] = True
            place += int(count) if kind != "I" else 0
    total = sum(int(places.sum()) for places in judged.values())
    hit = sum(int((covered[name] & judged[name]).sum()) for name in judged)
    return {"errors": errors, "aligned": bases, "per 100 kb": round(1e5 * errors / max(bases, 1), 1), "covered": round(hit / total, 4)}


def consensus(task: Task, reads: Path) -> dict:
    """The draft, corrected by these reads."""
    draft = write_fasta(task.folder / "draft.fa", {name: changed(bases, 7) for name, bases in fasta(task.genome).items()})
    corrected = corrected_by(task, reads, draft, 1)
    return compare(mapped(task, task.genome, corrected, "asm10"), task.judged)


def corrected_by(task: Task, reads: Path, draft: Path, rounds: int) -> Path:
    """A draft after some rounds of racon."""
    for number in range(rounds):
        task.call("minimap2", "-t", 1, "-x", "map-ont", draft, reads, stdout=task.folder / "reads.paf")
        after = task.folder / f"corrected_{number}.fa"
        task.call("racon", "-u", "-t", 1, reads, task.folder / "reads.paf", draft, stdout=after)
        draft = after
    return draft


def assembly(task: Task, reads: Path) -> dict:
    """Contigs by miniasm and racon."""
    task.call("minimap2", "-t", 1, "-x", "ava-ont", reads, reads, stdout=task.folder / "all.paf")
    task.call("miniasm", "-f", reads, task.folder / "all.paf", stdout=task.folder / "contigs.gfa")
    lines = (task.folder / "contigs.gfa").read_text(encoding="ascii").splitlines()
    contigs = {fields[1]: fields[2] for line in lines if (fields := line.split("\t"))[0] == "S"}
    if not contigs:
        return {"contigs": 0}
    corrected = corrected_by(task, reads, write_fasta(task.folder / "contigs.fa", contigs), 2)
    lengths = sorted((len(bases) for bases in fasta(corrected).values()), reverse=True)
    n50 = next(length for place, length in enumerate(lengths) if 2 * sum(lengths[: place + 1]) >= sum(lengths))
    twice = write_fasta(task.folder / "twice.fa", task.reference)
    everywhere = {name: np.ones(len(places), bool) for name, places in task.judged.items()}
    return {"contigs": len(lengths), "N50": n50, **compare(mapped(task, twice, corrected, "asm10"), everywhere)}


# ---------------------------------------------------------------------------------------------------- filters

Filter = Callable[[Task, int], Path]  # the reads that are kept, given how many bases to keep


def scores(task: Task, *options: str) -> Path:
    """The table of `bm score`, with or without --adapt."""
    table = task.folder / f"scores{''.join(options)}.tsv"
    if not table.exists():
        task.call(task.bm, "score", *options, "-q", task.reads, "-o", table)
    return table


def by_bm(task: Task, bases: int) -> Path:
    task.call(task.bm, "filter", task.reads, "--scores", scores(task, "--adapt"), "--target-bases", bases, "-q", "-o", "kept.fq")
    return task.folder / "kept.fq"


def by_bm_rate(task: Task, bases: int) -> Path:
    """The lowest rates: the fraction of the reads with as many bases is found first."""
    lines = [line.split("\t") for line in scores(task, "--adapt").read_text(encoding="utf-8").splitlines()]
    place = lines[0].index("expected_errors")
    rate = np.array([float(line[place]) for line in lines[1:]]) / np.maximum(task.length, 1)
    fraction = number(task, rate, bases) / len(task.records)
    task.call(task.bm, "filter", task.reads, "--scores", scores(task, "--adapt"), "--keep-fraction", f"{fraction:.6f}", "-q", "-o", "kept.fq")
    return task.folder / "kept.fq"


def by_bm_qualities(task: Task, bases: int) -> Path:
    task.call(task.bm, "filter", task.reads, "--scores", scores(task), "--target-bases", bases, "-q", "-o", "kept.fq")
    return task.folder / "kept.fq"


def by_filtlong(task: Task, bases: int) -> Path:
    task.call("filtlong", "--target_bases", bases, task.reads, stdout=task.folder / "kept.fq")
    return task.folder / "kept.fq"


def by_nanoq(task: Task, bases: int) -> Path:
    """Reads above the highest mean quality that keeps as many bases; chopper counts it too as the Phred score of the mean error probability."""
    rate = np.array([truth.ERROR_PROBABILITY[np.frombuffer(quality, np.uint8) - 33].mean() if quality else 1 for _, _, quality in task.records])
    last = np.sort(rate)[number(task, rate, bases) - 1]
    quality = np.floor(-1e5 * np.log10(last)) / 1e4
    task.call("nanoq", "-i", task.reads, "-q", f"{quality:.4f}", "-o", "kept.fq")
    return task.folder / "kept.fq"


def at_random(seed: int) -> Filter:
    def run(task: Task, bases: int) -> Path:
        order = np.random.default_rng(seed).permutation(len(task.records))
        return task.write(task.folder / "kept.fq", order[: int(np.searchsorted(np.cumsum(task.length[order]), bases)) + 1])

    return run


def number(task: Task, rate: np.ndarray, bases: int) -> int:
    """How many reads with the lowest rates have this many bases."""
    return min(int(np.searchsorted(np.cumsum(task.length[np.argsort(rate, kind="stable")]), bases)) + 1, len(rate))


FILTERS: dict[str, Filter] = {
    "bm --adapt, --target-bases": by_bm,
    "bm --adapt, by rate": by_bm_rate,
    "bm without --adapt, --target-bases": by_bm_qualities,
    "filtlong --target_bases": by_filtlong,
    "nanoq, by mean quality": by_nanoq,
    **{f"random reads, seed {seed}": at_random(seed) for seed in SEEDS},
}


# ------------------------------------------------------------------------------------------------------- runs


def start(run: Run, data: Path, bm: Path, folder: Path) -> Task:
    """The reads and the reference of a run, and the places that are judged."""
    source = data / run.name
    records = [record for file in truth.fastq_files(source) for record in counted.records(file)]
    # Programs disagree about records without bases, and about names that two reads have.
    records = [record for record in records if record[1]]
    table = truth.read_table(next(source.glob("*" + truth.SUFFIX)))
    rows = [table.get((truth.bare(definition.split()[0].decode()), "1")) for definition, _, _ in records]
    counted_in = [(row.errors, row.scored) if row and 2 * row.scored >= row.length else (0, 0) for row in rows]
    errors, scored = np.array(counted_in).T
    records = [(b"r%d" % place, bases, quality) for place, (_, bases, quality) in enumerate(records)]
    reference = fasta(source / "ref.fa")
    if run.record:
        reference = {run.record: reference[run.record]}
    genome = {name: bases[: len(bases) // 2] if run.doubled else bases for name, bases in reference.items()}
    task = Task(folder, bm, records, folder / "reads.fq", reference, folder / "genome.fa", {}, errors, scored)
    task.write(task.reads, np.arange(len(records)))
    write_fasta(task.genome, genome)
    depth = depth_of(mapped(task, task.genome, task.reads, "map-ont"), genome)
    task.judged = {name: each >= JUDGED_DEPTH for name, each in depth.items()}
    return task


def of_run(run: Run, data: Path, bm: Path) -> dict:
    """Figures of every filter and target."""
    with tempfile.TemporaryDirectory() as name:
        task = start(run, data, bm, Path(name))
        all_bases = int(task.length.sum())
        places = sum(int(each.sum()) for each in task.judged.values())
        depth = all_bases / places
        targets = {f"{fraction:.0%}": int(fraction * all_bases) for fraction in FRACTIONS}
        targets |= {f"depth {few}": few * places for few in DEPTHS if few < depth * min(FRACTIONS)}
        rows = [{"target": "all reads", "filter": "-", **measured(run, task, task.reads)}]
        for target, bases in targets.items():
            for label, keep in FILTERS.items():
                try:
                    rows.append({"target": target, "filter": label, **measured(run, task, keep(task, bases))})
                except subprocess.CalledProcessError as error:
                    rows.append({"target": target, "filter": label, "failed": Path(error.cmd[0]).name})
                print(run.name, rows[-1], flush=True)
        return {"run": run.name, "reads": len(task.records), "bases": all_bases, "judged": places, "depth": round(depth, 1), "rows": rows}


def measured(run: Run, task: Task, kept: Path) -> dict:
    """The consensus and the assembly of these reads."""
    places = np.array([int(definition.split()[0][1:]) for definition, _, _ in counted.records(kept)])
    errors, scored, lengths = task.errors[places], task.scored[places], task.length[places]
    row = {"reads": len(places), "bases": int(lengths.sum()), "consensus": consensus(task, kept)}
    row["errors of the reads"] = round(100 * float(errors.sum() / max(scored.sum(), 1)), 3)
    row["without truth"] = round(100 * float(lengths[scored == 0].sum() / lengths.sum()), 2)
    if run.assembled:
        row["assembly"] = assembly(task, kept)
    return row


# ------------------------------------------------------------------------------------------------------- page


def page(runs: list[dict], command: str) -> str:
    """The figures as Markdown tables, random reads as the mean of their seeds, with the range of these."""
    lines = ["# Consensus and assembly of the kept reads, at equal bases kept", "", f"`{command}`", ""]
    lines += [__doc__.split("\n\n")[-1].replace("\n", " ").strip(), ""]
    for title, value in FIGURES.items():
        lines += [f"## All runs: {title}", "", *summary(runs, value), ""]
    for run in runs:
        lines += ["", f"## {run['run']}", ""]
        lines.append(f"{run['reads']} reads, {run['bases']} bases, {run['judged']} places judged, depth {run['depth']}.")
        lines += [""]
        columns = ["target", "filter", "reads", "bases", "errors of the reads, %", "without truth, %", "errors of the consensus", "per 100 kb"]
        lines.append("| " + " | ".join([*columns, "assembly: contigs, N50", "per 100 kb", "genome covered"]) + " |")
        lines.append("|---" * 11 + "|")
        for row in run["rows"]:
            if "failed" in row:
                lines.append(f"| {row['target']} | {row['filter']} | {row['failed']} failed" + " | -" * 8 + " |")
                continue
            made = row.get("assembly")
            contigs = "-" if made is None else f"{made['contigs']}, {made['N50']}" if made["contigs"] else "0"
            figures = (str(made.get("per 100 kb", "-")), str(made.get("covered", "-"))) if made else ("-", "-")
            own = row["consensus"]
            cells = [
                row["target"],
                row["filter"],
                row["reads"],
                row["bases"],
                row["errors of the reads"],
                row["without truth"],
                own["errors"],
                own["per 100 kb"],
                contigs,
                *figures,
            ]
            lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


# What the pages sum up: titles, and the figure of a row; None without one.
FIGURES: dict[str, Callable[[dict], float | None]] = {
    "errors per 100 kb of the consensus": lambda row: row["consensus"]["per 100 kb"],
    "errors of the kept reads, %": lambda row: row["errors of the reads"],
    "errors per 100 kb of the assembly": lambda row: row.get("assembly", {}).get("per 100 kb"),
}


def summary(runs: list[dict], value: Callable[[dict], float | None]) -> list[str]:
    """A row for each run and target, and the geometric mean of the ratios to the mean of the random reads.

    A filter that missed the target has its number of bases, over the one asked for, in brackets; the means leave this run out.
    """
    labels = list(dict.fromkeys(label.split(", seed")[0] for label in FILTERS))
    lines = ["| run | target | all reads | " + " | ".join(labels) + " |", "|---" * (len(labels) + 3) + "|"]
    ratios: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        groups: dict[str, dict[str, list[float]]] = {}
        asked = {row["target"]: row["bases"] for row in run["rows"] if row["filter"] == f"random reads, seed {SEEDS[0]}"}
        missed: dict[tuple[str, str], float] = {}
        for row in run["rows"]:
            if "failed" not in row and (figure := value(row)) is not None:
                label = row["filter"].split(", seed")[0]
                groups.setdefault(row["target"], {}).setdefault(label, []).append(figure)
                times = row["bases"] / asked.get(row["target"], row["bases"])
                if label != "random reads" and abs(times - 1) > EQUAL:
                    missed[row["target"], label] = times
        whole = groups.pop("all reads", {"-": [np.nan]})["-"][0]
        for target, found in groups.items():
            cells = []
            for label in labels:
                values = found.get(label, [])
                spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
                cells.append(f"{np.mean(values):.3g}{spread}" if values else "-")
                if (target, label) in missed:
                    cells[-1] += f" [{missed[target, label]:.2g} × the bases]"
                # So that all means are of the same runs.
                if set(labels) <= found.keys() and target not in {each for each, _ in missed}:
                    ratios.setdefault(target, {}).setdefault(label, []).append(np.mean(values) / np.mean(found["random reads"]))
            lines.append(f"| {run['run']} | {target} | {whole:.3g} | " + " | ".join(cells) + " |")
    for target, found in ratios.items():
        means = [f"{np.exp(np.mean(np.log(found[label]))):.2f}" for label in labels]
        lines.append(f"| ratio to random reads, geometric mean of {len(found['random reads'])} runs | {target} | | " + " | ".join(means) + " |")
    return lines


def main() -> None:
    runs = {run.name: functools.partial(of_run, run) for run in RUNS}
    by_run.main(__doc__, "downstream.py", "downstream", runs, page)


if __name__ == "__main__":
    main()
