#!/usr/bin/env python3
"""How well long reads are ranked, and their errors counted, by qualities, by other reads and by both; judged by the truth tables.

    python research/long-reads/long_reads.py --data DIR             the runs of train: results/long-reads.{json,md}
    python research/long-reads/long_reads.py --data DIR --choose    other values of each constant, leaving runs out: results/constants.{json,md}
    python research/long-reads/long_reads.py --data DIR --devtest   runs that nothing was chosen by: results/devtest.{json,md}

A read counts if at least 200 of its bases, and half of them, were compared with the reference. AUC: of the label "error rate above the run's
median". log2: of predicted over true errors, summed over the reads. Intervals: 2.5 % to 97.5 % of 500 resamples of the reads.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("evaluation", "no-qualities")]
import counted  # noqa: E402
import ends  # noqa: E402
import support  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

TRAIN = tuple(
    f"train/{name}"
    for name in (
        "ont_sars2_r9",
        "ont_phix_r9",
        "ont_r1041_flu",
        "ont_r1041_lambda_amplicon",
        "ont_r9_plasmid_adelaide",
        "ont_r9_sars2_phac",
        "ont_r9_saureus_C222",
    )
)
DEVTEST = tuple(
    f"devtest/{name}" for name in ("ont_drna_rcs100", "ont_lambda_r9", "ont_r1041_mpx", "ont_r9_sars2_nfcore", "ont_sirv_cdna", "hifi_ecoli_k12")
)
THINNED = (1.0, 0.25, 0.06, 0.03)  # fractions of the reads
FEWEST = 90  # reads that a thinned run has with truth, at least
SPOILED = 0.8  # standard deviation of ln(factor on the error probabilities of a read)
RESAMPLES = 500
OTHERS = {
    "k": (21, 25),
    "step": (1, 3, 4),
    "quantile": (0.5, 0.9),
    "seen": (2, 4),
    "fraction": (0.05, 0.15, 0.2),
    "least_depth": (3, 4, 6, 8, 10),
    "gap": (60, 200, 400),
    "covered": (0.02, 0.05, 0.2),
    "chance": (1e-5, 1e-3),
    "by_few": (0.0, 0.03, 0.3, 1.0),
    "least_tested": (0.1, 0.4),
    "noise": (0.0, 0.03),
    "per_error": (0.4, 1.2),
    "by_depth": (5.0, 10.0, 50.0),
    "least_noise": (0.03, 0.1),
    "prior_reads": (5.0, 80.0),
}


@dataclasses.dataclass
class Sequenced:
    """A run, or a fraction of its reads."""

    name: str
    fraction: float
    bases: list[np.ndarray]
    quality: list[np.ndarray]
    before: np.ndarray  # int [reads], bases at the start that are not of the sample
    behind: np.ndarray  # int [reads], and at the end
    judged: np.ndarray  # bool [reads], whether a read counts
    rate: np.ndarray  # float [reads], true error rate
    clipped: np.ndarray  # int [reads, 2], by the aligner
    ends: tuple[ends.End, ends.End]
    counts: dict[int, list[np.ndarray]] = dataclasses.field(default_factory=dict)

    def counts_of(self, k: int) -> list[np.ndarray]:
        """How often the run has each k-mer of each read."""
        if k not in self.counts:
            kmers = [support.canonical(bases, k) for bases in self.bases]
            _, places, many = np.unique(np.concatenate(kmers), return_inverse=True, return_counts=True)
            all_counts = np.minimum(many, 4095)[places].astype(np.int32)
            all_counts[np.concatenate(kmers) < 0] = -1
            self.counts[k] = np.split(all_counts, np.cumsum([len(each) for each in kmers])[:-1])
        return self.counts[k]

    @property
    def length(self) -> np.ndarray:
        """Bases of each read."""
        return np.array([len(bases) for bases in self.bases])


def load(data: Path, name: str, fraction: float) -> Sequenced | None:
    """A run, or a random fraction of its reads; None if too few of these have a truth."""
    folder = data / name
    rows = truth.read_table(next(folder.glob("*" + truth.SUFFIX)))
    records = [record for file in truth.fastq_files(folder) for record in counted.records(file)]
    if fraction < 1:
        records = [record for record, u in zip(records, np.random.default_rng(0).random(len(records)), strict=True) if u < fraction]
    found = [rows.get((truth.bare(definition.split()[0].decode()), "1")) for definition, _, _ in records]
    judged = np.array([row is not None and row.scored >= 200 and row.scored >= row.length / 2 for row in found])
    if judged.sum() < FEWEST:
        return None
    bases = [counted.codes(sequence) for _, sequence, _ in records]
    quality = [np.frombuffer(text, np.uint8).astype(np.int16) - 33 for _, _, text in records]
    shown = ends.find(bases)
    lengths = np.array([[end.length(each) for end in shown] for each in bases])
    rate = np.array([row.errors / max(row.scored, 1) if row else np.nan for row in found])
    clipped = np.array([(row.clip5, row.clip3) if row else (0, 0) for row in found])
    return Sequenced(name, fraction, bases, quality, lengths[:, 0], lengths[:, 1], judged, rate, clipped, shown)


def predictions(run: Sequenced, c: support.Constants, spoil: np.ndarray | None = None, cut: bool = True) -> dict[str, np.ndarray]:
    """Error rates by each method, float [reads]; `spoil` are factors on the error probabilities of each read."""
    factors = np.ones(len(run.bases)) if spoil is None else spoil
    reads = []
    for counts, quality, before, behind, factor in zip(run.counts_of(c.k), run.quality, run.before, run.behind, factors, strict=True):
        first, last = (before, len(quality) - behind) if cut else (0, len(quality))
        reads.append(support.Read(counts[first : max(last - c.k + 1, first)], quality[first:last], c, factor))
    facts = np.array([read.facts for read in reads])
    scale = support.fit(facts, c)
    means = np.array([support.ERROR_PROBABILITY[np.clip(quality, 0, 93)].mean() if len(quality) else 0 for quality in run.quality])
    has = support.has_support(facts, c)
    return {
        "EE": means * factors,
        "EE, ends left out": facts[:, 1],
        "k-mers": np.where(has, np.exp(support.by_kmers(facts, c)), facts[:, 1]),
        "joined": np.exp(support.joined(facts, scale, c)),
        "explained": np.array([read.rate(scale) for read in reads]),
        "has support": has,
        "depth": facts[:, 4],
        "scale": scale,
    }


def auc(bad: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; ties count half."""
    _, places, many = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(many) - (many - 1) / 2)[places]
    wrong = bad.sum()
    return float((ranks[bad].sum() - wrong * (wrong + 1) / 2) / (wrong * (~bad).sum()))


def log2(run: Sequenced, score: np.ndarray, at: np.ndarray) -> float:
    """log2 of predicted over true errors of these reads."""
    length = run.length[at]
    return float(np.log2((score[at] * length).sum() / (run.rate[at] * length).sum()))


def figures(run: Sequenced, found: dict[str, np.ndarray]) -> dict:
    """AUC, intervals and log2 of each method."""
    at = np.flatnonzero(run.judged)
    bad = run.rate > np.median(run.rate[at])
    drawn = np.random.default_rng(1).choice(at, (RESAMPLES, len(at)))
    methods = ("EE", "EE, ends left out", "k-mers", "joined", "explained")
    row = {"run": run.name, "fraction": run.fraction, "reads": len(at), "with support": round(float(found["has support"][at].mean()), 2)}
    row["depth"] = round(float(np.median(found["depth"][at])), 0)
    resampled = {name: [auc(bad[each], found[name][each]) for each in drawn] for name in ("EE", "explained")}
    for name in methods:
        row[name] = {"auc": round(auc(bad[at], found[name][at]), 3), "log2": round(log2(run, found[name], at), 2)}
    row["explained"]["interval"] = interval(resampled["explained"])
    row["explained"]["log2 interval"] = interval([log2(run, found["explained"], each) for each in drawn], 2)
    row["gain"] = {
        "auc": round(auc(bad[at], found["explained"][at]) - auc(bad[at], found["EE"][at]), 3),
        "interval": interval(np.subtract(resampled["explained"], resampled["EE"])),
    }
    scale = found["scale"]
    row["scale"] = {name: round(float(getattr(scale, name)), 3) for name in ("shift", "slope", "noise", "share")}
    row["ends"] = [
        {
            "shown": end.is_shown,
            "share": round(end.share, 2),
            "bases": int(np.median(length[at])),
            "clipped": int(np.median(clipped[at])),
        }
        for end, length, clipped in zip(run.ends, (run.before, run.behind), run.clipped.T, strict=True)
    ]
    return row


def interval(values: list[float], digits: int = 3) -> list[float]:
    """The central 95 % of these values."""
    return [round(float(value), digits) for value in np.percentile(values, (2.5, 97.5))]


def spoiling(run: Sequenced) -> np.ndarray:
    """Factors on the error probabilities of each read that make the qualities rank badly."""
    return np.exp(np.random.default_rng(2).normal(0, SPOILED, len(run.bases)))


def report(data: Path, names: tuple[str, ...], fractions: tuple[float, ...]) -> list[dict]:
    """Rows of all runs, as they are, thinned, and with spoiled qualities."""
    rows = []
    for name in names:
        for fraction in fractions:
            run = load(data, name, fraction)
            if run is None:
                continue
            for qualities in ("reported", "spoiled"):
                c = support.Constants()
                start = time.process_time()
                found = predictions(run, c, None if qualities == "reported" else spoiling(run))
                row = {"qualities": qualities, **figures(run, found)}
                if qualities == "reported":
                    whole = predictions(run, c, cut=False)["explained"]
                    at = np.flatnonzero(run.judged)
                    row["explained, ends kept"] = {"auc": round(auc(run.rate[at] > np.median(run.rate[at]), whole[at]), 3)}
                rows.append(row)
                shown = [f"{row[m]['auc']:.3f}/{row[m]['log2']:+.2f}" for m in ("EE", "EE, ends left out", "k-mers", "joined", "explained")]
                print(name, fraction, qualities, *shown, f"{time.process_time() - start:.0f} s", flush=True)
    return rows


def page(rows: list[dict], title: str, command: str) -> str:
    """The rows as Markdown tables."""
    flat = []
    for row in rows:
        out = {name: row[name] for name in ("run", "qualities", "fraction", "reads", "with support", "depth")}
        for name in ("EE", "EE, ends left out", "k-mers", "joined", "explained"):
            out[name] = f"{row[name]['auc']:.3f} / {row[name]['log2']:+.2f}"
        out["explained"] += " ({:.3f} to {:.3f})".format(*row["explained"]["interval"])
        out["gain over EE"] = "{:+.3f} ({:+.3f} to {:+.3f})".format(row["gain"]["auc"], *row["gain"]["interval"])
        flat.append(out)
    lines = [tables.table(flat, list(flat[0]), title, command)]
    reported = [row for row in rows if row["qualities"] == "reported" and row["fraction"] == 1]
    for name in ("EE", "k-mers", "joined", "explained"):
        lines.append(f"Mean |log2| of {name} over the runs: {np.mean([abs(row[name]['log2']) for row in reported]):.2f}.  ")
    lines += [
        "",
        "## Ends",
        "",
        "| run | end | shown | reads with its k-mers | bases left out | clipped by the aligner | AUC with ends, without |",
    ]
    lines.append("|---" * 7 + "|")
    for row in reported:
        for which, end in zip(("start", "end"), row["ends"], strict=True):
            both = f"{row['explained, ends kept']['auc']:.3f}, {row['explained']['auc']:.3f}"
            shown = "yes" if end["shown"] else "no"
            lines.append(f"| {row['run']} | {which} | {shown} | {end['share']} | {end['bases']} | {end['clipped']} | {both} |")
    return "\n".join(lines) + "\n"


def choose(data: Path) -> tuple[list[dict], list[dict]]:
    """AUC for other values of each constant; and what a run gets if the value is chosen on all other runs."""
    settings = [("as chosen", support.Constants())]
    settings += [(f"{name} {value}", dataclasses.replace(support.Constants(), **{name: value})) for name in OTHERS for value in OTHERS[name]]
    groups = {name: [] for name, _ in settings}
    of_case = []
    for name in TRAIN:
        for fraction in THINNED:
            run = load(data, name, fraction)
            if run is None:
                continue
            at = np.flatnonzero(run.judged)
            bad = run.rate[at] > np.median(run.rate[at])
            of_case.append((name, fraction))
            for label, c in settings:
                plain = predictions(run, c)["explained"]
                spoiled = predictions(run, c, spoiling(run))["explained"]
                groups[label].append((auc(bad, plain[at]), auc(bad, spoiled[at]), log2(run, plain, at)))
            print(name, fraction, flush=True)
    runs, fractions = np.array([name for name, _ in of_case]), np.array([fraction for _, fraction in of_case])
    values = {label: np.array(rows) for label, rows in groups.items()}
    rows = []
    for label, found in values.items():
        row = {"constants": label}
        for fraction in THINNED:
            at = fractions == fraction
            row[f"{fraction:.0%} of the reads"] = f"{found[at, 0].mean():.4f}"
            row[f"{fraction:.0%}, spoiled"] = f"{found[at, 1].mean():.4f}"
        row["mean abs log2"] = f"{np.abs(found[fractions == 1, 2]).mean():.2f}"
        rows.append(row)
    left_out = []
    for name in TRAIN:
        others, own = runs != name, runs == name
        best = max(values, key=lambda label: values[label][others, :2].mean())
        base, chosen = values["as chosen"][own, :2].mean(), values[best][own, :2].mean()
        left_out.append({"run left out": name, "best on the others": best, "its AUC": f"{chosen:.4f}", "AUC as chosen": f"{base:.4f}"})
    return rows, left_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--devtest", action="store_true")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results")
    arguments = parser.parse_args()
    command = "python research/long-reads/long_reads.py --data DIR"
    if arguments.choose:
        command += " --choose"
        rows, left_out = choose(arguments.data)
        tables.write(arguments.output / "constants.json", command, rows + left_out)
        text = tables.table(rows, list(rows[0]), "Other values of the constants, one at a time: mean AUC over the runs of train", command)
        text += "\n" + tables.table(left_out, list(left_out[0]), "Chosen on all other runs", command).replace("# ", "## ", 1)
        (arguments.output / "constants.md").write_text(text)
        return
    name, runs, fractions, title = "long-reads", TRAIN, THINNED, "Long reads, runs of train: AUC / log2 of each method"
    if arguments.devtest:
        command += " --devtest"
        name, runs, fractions, title = "devtest", DEVTEST, (1.0,), "Long reads, runs that nothing was chosen by: AUC / log2 of each method"
    rows = report(arguments.data, runs, fractions)
    tables.write(arguments.output / f"{name}.json", command, rows)
    (arguments.output / f"{name}.md").write_text(page(rows, title, command))


if __name__ == "__main__":
    main()
