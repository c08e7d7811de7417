#!/usr/bin/env python3
"""Measure a model package on runs that were not used in its training, and write its card.

    evaluate.py --package models/mean-q20 --data DIR      measures, writes results/mean-q20.json and the card
    evaluate.py --package models/mean-q20 --card          writes the card again from results/mean-q20.json

Features come from ``bm encode``, probabilities from Python's ONNX Runtime on ``model.onnx``; PyTorch is not needed.
All counts are of real reads. "Far" reads are more than one Phred from the threshold, "near" reads within one Phred of it.
Exit status 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np

import data
import export
from data import THRESHOLD_PHRED, WINDOW, Reads

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "configs" / "mean-q20.toml"
RESULTS = Path(__file__).parent / "results"

LENGTHS = (35, 50, 75, 100, 125, 150, 151, 175, 200, 225, 250, 275, 300)  # reads are cut to these; targets apply
SHORT_LENGTHS = (1, 2, 5, 10, 15, 20, 25, 30, 34)  # reported only
TARGET_BALANCED = 0.99  # accuracy and F1, both classes balanced
TARGET_AGREEMENT = 0.98  # fraction of far reads whose verdict agrees with the mean quality of the whole read
FEWEST_READS = 50  # a fraction of fewer far reads is reported but not compared with the target
LOGIT_LIMIT = 1e-7  # probabilities are clamped this far from 0 and 1 before the logit


# ------------------------------------------------------------------------------------------------- counting


def confusion(label: np.ndarray, verdict: np.ndarray) -> dict[str, int]:
    """Confusion counts of ``verdict`` and ``label``, bool [reads]; positive means pass."""
    return {
        "tp": int((label & verdict).sum()), "fn": int((label & ~verdict).sum()),
        "tn": int((~label & ~verdict).sum()), "fp": int((~label & verdict).sum()),
    }  # fmt: skip


def metrics(c: dict[str, int]) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of the pass class; 0 if the denominator is 0."""

    def ratio(a: float, b: float) -> float:
        return a / b if b else 0.0

    return {
        "accuracy": ratio(c["tp"] + c["tn"], sum(c.values())), "precision": ratio(c["tp"], c["tp"] + c["fp"]),
        "recall": ratio(c["tp"], c["tp"] + c["fn"]), "f1": ratio(2 * c["tp"], 2 * c["tp"] + c["fp"] + c["fn"]),
    }  # fmt: skip


def far_and_near(mean: np.ndarray, probability: np.ndarray) -> dict[str, int]:
    """Numbers of reads and of right verdicts, separately for reads far from and near the threshold; arrays are [reads]."""
    right = (probability >= 0.5) == (mean >= THRESHOLD_PHRED)
    near = np.abs(mean - THRESHOLD_PHRED) <= 1
    return {
        "far_reads": int((~near).sum()), "far_right": int(right[~near].sum()),
        "near_reads": int(near.sum()), "near_right": int(right[near].sum()),
    }  # fmt: skip


# ------------------------------------------------------------------------------------- reads of any length


def combine(probability: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Probabilities of whole reads, float64 [reads], by the rule ``base-weighted-mean-logit``.

    Parameters
    ----------
    probability : float32 array [windows]
        Probabilities of all windows of all reads, in order.
    lengths : int array [reads]
        Bases of each read.
    """
    weights = {int(n): data.window_weights(int(n)) for n in np.unique(lengths)}
    count = np.array([len(weights[int(n)]) for n in lengths])  # windows of each read
    if count.sum() != len(probability):
        raise SystemExit(f"expected {count.sum()} windows, found {len(probability)}")
    first = np.cumsum(count) - count
    p = np.clip(probability.astype(np.float64), LOGIT_LIMIT, 1 - LOGIT_LIMIT)
    weight = np.concatenate([weights[int(n)] for n in lengths])
    total = np.add.reduceat(weight * np.log(p / (1 - p)), first)  # [windows] -> [reads]
    combined = 1 / (1 + np.exp(-total / np.add.reduceat(weight, first)))
    return np.where(count == 1, probability[first], combined)  # a single window keeps the network's probability


def window_features(records: list[tuple[bytes, bytes]], bm: Path) -> np.ndarray:
    """Features of all windows of all records, float32 [windows, 300]; ``bm encode`` cuts the windows."""
    with tempfile.TemporaryDirectory() as folder:
        fastq = Path(folder, "reads.fastq")
        fastq.write_bytes(b"".join(b"@%d\n%b\n+\n%b\n" % (i, s, q) for i, (s, q) in enumerate(records)))
        return np.array(data.encode(bm, fastq, Path(folder, "features.npy")))


def whole_reads(engine: export.Engine, records: list[tuple[bytes, bytes]], bm: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean Phred and probability of each record, both float64 [reads]."""
    mean = np.array([data.mean_phred(q) for _, q in records])
    lengths = np.array([len(s) for s, _ in records])
    return mean, combine(engine.probability(window_features(records, bm)), lengths)


def rule_alone(records: list[tuple[bytes, bytes]], tau: float) -> dict[str, int]:
    """Right verdicts of the window rule with a perfect network, that is, with exact mean qualities of the windows.

    Bases where the last two windows overlap are in two means. The weights of the windows count each base once, but both means
    depend on these bases, so the combined value of a long read differs slightly from its mean.
    """
    means = np.array([data.mean_phred(q[a : a + WINDOW]) for _, q in records for a in data.window_starts(len(q))])
    perfect = 1 / (1 + np.exp(-(means - THRESHOLD_PHRED) / tau))
    return far_and_near(np.array([data.mean_phred(q) for _, q in records]), combine(perfect, np.array([len(q) for _, q in records])))


# -------------------------------------------------------------------------------------------- measurements


def measure_run(engine: export.Engine, records: list[tuple[bytes, bytes]], bm: Path, tau: float) -> tuple[dict, Reads, np.ndarray]:
    """All figures of one run, and its windows with their probabilities.

    ``windows``  each window of at most 150 bases as a read of its own: the output of the network itself
    ``whole``    whole reads under the window rule, compared with the mean quality of the whole read
    ``lengths``  the same for reads cut to their first N bases
    """
    windows = data.windows_of(records, sys.maxsize, np.random.default_rng(0))
    probability = engine.probability(data.encode_reads(bm, windows))
    mean = windows.mean_phred()
    figures: dict = {
        "reads": len(records),
        "windows": {"count": len(windows), **confusion(windows.passes(), probability >= 0.5), **far_and_near(mean, probability)},
    }
    # Linearity of the logit: the mean Phred that it implies, where float32 still resolves it.
    p = probability.astype(np.float64)
    straight = (mean >= 5) & (mean <= 45) & (p > 0) & (p < 1)
    if straight.any():
        implied = THRESHOLD_PHRED + tau * np.log(p[straight] / (1 - p[straight]))
        figures["windows"]["phred_mean_absolute_error"] = float(np.abs(implied - mean[straight]).mean())
    figures["whole"] = far_and_near(*whole_reads(engine, records, bm))
    figures["rule_alone"] = rule_alone(records, tau)
    figures["lengths"] = {}
    for n in SHORT_LENGTHS + LENGTHS:
        cut = [(s[:n], q[:n]) for s, q in records if len(s) >= n]
        if cut:
            figures["lengths"][str(n)] = far_and_near(*whole_reads(engine, cut, bm))
    return figures, windows, probability


def balanced(parts: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator) -> dict:
    """Figures on equal numbers of passing and failing reads: from each run, all reads of its rarer class and as many of the other.

    Parameters
    ----------
    parts : list of (mean Phred [reads], probability [reads])
        One pair per run.
    """
    means, probabilities = [np.empty(0)], [np.empty(0)]
    for mean, probability in parts:
        classes = [np.flatnonzero((mean >= THRESHOLD_PHRED) == value) for value in (False, True)]
        size = min(map(len, classes))
        rows = np.concatenate([rng.choice(c, size, replace=False) for c in classes]).astype(int)
        means.append(mean[rows])
        probabilities.append(probability[rows])
    mean, probability = np.concatenate(means), np.concatenate(probabilities)
    counts = confusion(mean >= THRESHOLD_PHRED, probability >= 0.5)
    return {"reads": len(mean), **counts, **metrics(counts), **far_and_near(mean, probability)}


def altered(engine: export.Engine, pool: Reads, bm: Path, rng: np.random.Generator, n: int) -> dict:
    """Figures on held-out reads with one kind of alteration each, for inputs that the held-out runs do not contain."""
    steps = ("shift", "stretch", "remap", "tail", "constant", "unknown", "poly_a")
    out = {}
    for step in steps:
        fraction = dict.fromkeys((*steps, "cut", "reorder"), 0.0) | {step: 1.0, "cut": 0.5}
        reads = data.augment(data.draw(pool, n, rng, 30), rng, fraction)
        reads = reads[reads.length >= 35]
        out[step] = far_and_near(reads.mean_phred(), engine.probability(data.encode_reads(bm, reads)))
    # Every constant quality at every length from 35, with the same bases.
    length = np.tile(np.arange(35, WINDOW + 1), 94)
    phred = np.repeat(np.arange(94), WINDOW - 34).astype(np.uint8)
    inside = np.arange(WINDOW) < length[:, None]
    full = pool[np.flatnonzero(pool.length == WINDOW)[:1]]
    for name, base in (("constant, every value and length", None), ("constant, nothing but N", ord("N"))):
        sequence = full.sequence.repeat(len(length), axis=0) if base is None else np.full(inside.shape, base, np.uint8)
        reads = Reads(sequence, np.where(inside, phred[:, None], 0).astype(np.uint8), length)
        out[name] = far_and_near(reads.mean_phred(), engine.probability(data.encode_reads(bm, reads)))
    return out


def measure(package: Path, runs: list[dict], folder: Path, bm: Path, tau: float) -> dict:
    """Measure ``package`` on the held-out runs and on the in-run check, and print one line for each."""
    engine = export.Engine(package / "model.onnx")
    f16 = export.Engine(package / "model.ane.onnx")
    rng = np.random.default_rng(0)
    tools = {"python": platform.python_version(), "numpy": np.__version__, "onnxruntime": export.onnxruntime.__version__}
    out: dict = {"tools": tools | {"bm": data.bm_version(bm)}, "runs": {}, "balanced": {}, "data": []}
    short, long_, pools = [], [], []
    worst = {"reads": 0, "max_delta_p": 0.0, "flips": 0}
    print("Held-out runs: verdicts that agree with the mean quality of the whole read")
    print(f"{'run':<26}{'reads':>8}{'far from 20':>22}{'within one Phred':>20}{'worst length from 35':>24}")
    for run in runs:
        if run["role"] == "train":
            continue
        records = []
        for name in run["files"]:
            found = data.read_fastq(folder / name, run.get("max_records"))
            digest = data.sha256(folder / name)
            out["data"].append({"name": run["name"], "file": Path(name).name, "sha256": digest, "reads": len(found)})
            records += found
        figures, windows, probability = measure_run(engine, records, bm, tau)
        figures["role"] = run["role"]
        out["runs"][run["name"]] = figures
        if run["role"] == "held-out":
            is_long = np.median([len(s) for s, _ in records]) > 2 * WINDOW
            (long_ if is_long else short).append((windows.mean_phred(), probability))
            pools.append(windows)
        some = windows[rng.permutation(len(windows))[:10_000]]
        features = data.encode_reads(bm, some)
        p32, p16 = engine.probability(features), f16.probability(features)
        worst["reads"] += len(some)
        worst["max_delta_p"] = max(worst["max_delta_p"], float(np.abs(p16 - p32).max()))
        worst["flips"] += int(((p16 >= 0.5) != (p32 >= 0.5)).sum())
        w = figures["whole"]
        at, lowest = worst_length(figures)
        far, near = fraction(w["far_right"], w["far_reads"]), fraction(w["near_right"], w["near_reads"])
        print(f"{run['name']:<26}{len(records):>8}{far:>22}{near:>20}{f'{lowest:.2%} at {at}' if at else '-':>24}", flush=True)
    out["balanced"]["all held-out runs"] = balanced(short + long_, rng)
    out["balanced"]["short reads (median at most 300 bases)"] = balanced(short, rng)
    out["balanced"]["long reads"] = balanced(long_, rng)
    for name, b in out["balanced"].items():
        if not b["reads"]:
            print(f"balanced, {name}: no run has reads of both classes")
            continue
        print(f"balanced, {name}: {b['reads']} reads, accuracy {b['accuracy']:.4f}, F1 {b['f1']:.4f}; near {fraction(b['near_right'], b['near_reads'])}")
    out["altered"] = altered(engine, Reads.concatenate(pools), bm, rng, 10_000)
    out["f16_against_f32"] = worst
    return out


def fraction(right: int, of: int) -> str:
    """A fraction as shown in tables: ``99.93 % of 20,314``."""
    return f"{100 * right / of:.2f} % of {of:,}" if of else "none"


def worst_length(figures: dict) -> tuple[str | None, float]:
    """The length from 35 on, or ``whole``, with the lowest agreement of far reads, and that fraction."""
    rows = {n: figures["lengths"][str(n)] for n in LENGTHS if str(n) in figures["lengths"]} | {"whole": figures["whole"]}
    fractions = {n: r["far_right"] / r["far_reads"] for n, r in rows.items() if r["far_reads"] >= FEWEST_READS}
    return min(((str(n), s) for n, s in fractions.items()), key=lambda x: x[1], default=(None, float("nan")))


def missed(results: dict) -> list[str]:
    """Messages for the targets that are missed."""
    out = []
    for name, b in results["balanced"].items():
        out += [f"balanced, {name}: {key} {b[key]:.4f}" for key in ("accuracy", "f1") if b["reads"] and b[key] < TARGET_BALANCED]
    for name, figures in results["runs"].items():
        at, lowest = worst_length(figures)
        if at and lowest < TARGET_AGREEMENT:
            out.append(f"{name}: agreement {lowest:.2%} at {at}")
    if results["f16_against_f32"]["max_delta_p"] > export.F16_TOLERANCE:
        out.append(f"model.ane.onnx: max |Δp| {results['f16_against_f32']['max_delta_p']:.1e}")
    return out


def verdict(results: dict) -> int:
    """Print the missed targets; returns the exit status."""
    for line in missed(results):
        print(f"below target: {line}")
    return 1 if missed(results) else 0


# --------------------------------------------------------------------------------------- golden reads, card


def golden(model: Path, testdata: Path, bm: Path) -> dict:
    """Golden reads: real reads with the probabilities that every engine must reproduce.

    Lengths from 1 to 400 bases, both verdicts, N and lower case; from files of ``testdata`` only.
    """
    chosen: list[tuple[str, bytes, bytes]] = []

    def take(file: str, picks: list[tuple[int, int, int]]) -> None:
        records = data.read_fastq(testdata / file)
        for number, start, length in picks:
            s, q = (line[start : start + length] for line in records[number])
            if not set(s.upper()) & set(b"ACGT"):
                raise SystemExit(f"{file}: record {number + 1}: a golden read needs at least one known base, because reads of N only are not scored")
            chosen.append((f"{Path(file).name.split('.')[0]}/{number + 1}:{start}+{len(s)}", s, q))

    lengths = (1, 2, 3, 5, 8, 13, 21, 34, 35, 36, 50, 75, 100, 125, 149, 150)
    take("hiseqx_phage/hiseqx_phage.fastq.gz", [(60 * i, 0 if n > 100 else 20, n) for i, n in enumerate(lengths)])
    measles = "hiseq_measles/hiseq_measles_2.fastq.gz"
    qualities = [data.mean_phred(q) for _, q in data.read_fastq(testdata / measles)]
    take(measles, [(int(i), 0, 101) for i in np.argsort(qualities)[: 8 * 6 : 6]])  # the lowest mean qualities, on both sides of 20
    take("derived/lowercase_and_iupac.fastq.gz", [(i, 0, n) for i, n in ((0, 150), (1, 150), (2, 90), (3, 150), (4, 41), (5, 150))])
    take("novaseq_A00129_800.fastq.gz", [(90 * i, 0, n) for i, n in enumerate((150, 150, 150, 120, 60, 35))])
    take("miseq_twist/miseq_twist_first2000_2.fastq.gz", [(200 * i, 0, n) for i, n in enumerate((151, 152, 175, 200, 225, 250))])
    long_lengths = (20, 35, 80, 120, 150, 150, 151, 160, 200, 250, 299, 300, 300, 301, 350, 375, 399, 400, 400, 400)
    take("nanopore_lambda_4line.fastq.gz", [(11 * i, 100, n) for i, n in enumerate(long_lengths)])
    _, s, q = chosen[len(lengths)]  # the worst read of the measles run
    chosen.append(("made/n_first_half", b"N" * (len(s) // 2) + s[len(s) // 2 :], q))
    chosen.append(("made/lower_case", s.lower(), q))
    records = [(s, q) for _, s, q in chosen]
    _, probability = whole_reads(export.Engine(model), records, bm)
    reads = [{"name": name, "sequence": s.decode(), "quality": q.decode(), "probability": float(p)} for (name, s, q), p in zip(chosen, probability)]
    passing = sum(r["probability"] >= 0.5 for r in reads)
    if not 0 < passing < len(reads):
        print(f"note: all golden reads have the same verdict ({passing} of {len(reads)} pass)", file=sys.stderr)
    return {"format": 1, "tolerance": 1e-6, "reads": reads}


def card(results: dict, manifest: dict) -> str:
    """Returns the model card; every figure comes from ``results`` or ``manifest``."""

    def row(*cells: object) -> str:
        return "| " + " | ".join(map(str, cells)) + " |"

    def right(counts: dict, side: str) -> str:
        return fraction(counts[f"{side}_right"], counts[f"{side}_reads"])

    names: dict[str, list[str]] = {"train": [], "held-out": [], "in-run check": []}
    for file in manifest["training"]["data"]:
        if file["name"] not in names[file["role"]]:
            names[file["role"]].append(file["name"])
    train, test = manifest["training"]["config"]["train"], manifest["metrics"]["test"]
    lines = [
        f"# {manifest['id']}, version {manifest['version']}",
        "",
        "<!-- Written by research/neural-engine/evaluate.py from its results file; edit that script, not this page. -->",
        "",
        manifest["description"],
        "",
        f"- Label: {manifest['label']['definition']} (arithmetic mean of the Phred scores).",
        f"- Input: encoding `{manifest['encoding']['id']}` version {manifest['encoding']['version']}, windows of"
        f" {manifest['window']['length']} bases combined by `{manifest['window']['rule']}`.",
        f"- Threshold: a read passes at a probability of {manifest['thresholds']['default']} or more.",
        f"- The probability is trained to equal sigmoid((mean Phred − 20) / {train['tau_phred']:g}). It measures the distance of a read from the",
        "  threshold, not the probability that the read is free of errors.",
        "",
        "## Intended use",
        "",
        "Filtering FASTQ reads by mean quality, as a replacement for the rule that it has learned; and testing encoding, engines and",
        "packages with the smallest complete model of this project.",
        "",
        "## Limits",
        "",
        "- It does not estimate true errors. It has learned a rule about reported qualities; if an instrument reports wrong qualities, the",
        "  verdicts are wrong too.",
        "- Qualities without information (one constant value) are taken at face value.",
        "- Phred+64 qualities must be converted first.",
        "- For exact results compute the mean, which is also cheaper. Within one Phred of 20, verdicts can differ from the rule, and a read",
        "  with a mean of exactly 20 can pass or fail.",
        "",
        "## Held-out runs",
        "",
        "Real runs that were not used in training or in any choice. `far` reads are more than one Phred from the threshold, `near`",
        f"reads within one Phred of it. Measured {results['date']} by",
        "",
        f"    {results['command']}",
        "",
        "with " + ", ".join(f"{k} {v}" for k, v in results["tools"].items()) + ". All counts are in",
        f"`research/neural-engine/results/{manifest['id']}.json`.",
        "",
        "Windows of at most 150 bases, each as a read of its own, with balanced classes (from each run, all windows of the rarer class",
        "and as many of the other):",
        "",
        "| runs | windows | accuracy | precision | recall | F1 | far right | near right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, b in results["balanced"].items():
        ratios = (f"{b[key]:.4f}" for key in ("accuracy", "precision", "recall", "f1"))
        lines.append(row(name, f"{b['reads']:,}", *ratios, right(b, "far"), right(b, "near")))
    lines += [
        "",
        "Whole reads under the window rule, compared with the mean quality of the whole read. The last column is the lowest fraction of",
        f"far reads that agree, over whole reads and reads cut to {LENGTHS[0]} to {LENGTHS[-1]} bases (lengths with at least {FEWEST_READS} far reads).",
        "`near, rule alone` is the agreement of the window rule with a perfect network: where the last two windows overlap, the combined",
        "value differs slightly from the mean of the read.",
        "",
        "| run | reads | far agree | near agree | near, rule alone | windows below 20 | mean error of implied Phred | lowest over lengths |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, f in results["runs"].items():
        at, lowest = worst_length(f)
        w, implied = f["windows"], f["windows"].get("phred_mean_absolute_error")
        lines.append(
            row(
                name + (" (same flow cell as a training run)" if f["role"] == "in-run check" else ""),
                f"{f['reads']:,}", right(f["whole"], "far"), right(f["whole"], "near"), right(f["rule_alone"], "near"),
                f"{w['tn'] + w['fp']:,}", "-" if implied is None else f"{implied:.2f}",
                f"{100 * lowest:.2f} % ({at})" if at else "-",
            )
        )  # fmt: skip
    lines += ["", "All held-out runs together, with reads cut to their first N bases:", "", "| bases | far agree | near agree |", "|---|---|---|"]
    for n in SHORT_LENGTHS + LENGTHS:
        rows = [f["lengths"][str(n)] for f in results["runs"].values() if str(n) in f["lengths"] and f["role"] == "held-out"]
        total = {key: sum(r[key] for r in rows) for key in ("far_right", "far_reads", "near_right", "near_reads")}
        lines.append(row(n, right(total, "far"), right(total, "near")))
    lines += [
        "",
        "Held-out reads of 35 to 150 bases with artificial alterations (described in `data.augment`):",
        "",
        "| alteration | far agree | near agree |",
        "|---|---|---|",
    ]
    for name, r in results["altered"].items():
        lines.append(row(name, right(r, "far"), right(r, "near")))
    f16 = results["f16_against_f32"]
    misses = missed(results)
    lines += [
        "",
        f"`model.ane.onnx` (float16) compared with `model.onnx` on {f16['reads']:,} held-out windows, both on the CPU: max |Δp|",
        f"{f16['max_delta_p']:.1e}, different verdicts: {f16['flips']}.",
        "",
        f"Targets: accuracy and F1 of {TARGET_BALANCED:g} with balanced classes, and {100 * TARGET_AGREEMENT:g} % agreement of far reads on every run and",
        "length. " + ("All met." if not misses else "Missed: " + "; ".join(misses) + "."),
        "",
        "## Training",
        "",
        f"Network 300-128-64-1, ReLU, dropout {train['dropout']:g} in the first {train['dropout_epochs']} epochs, Adam, binary cross-entropy,",
        f"seed {manifest['training']['seed']}; each run is split 70/15/15, stratified by label, before any augmentation. On the {test['reads']:,} unaltered",
        f"windows of the test part: accuracy {test['accuracy']:.4f}, precision {test['precision']:.4f}, recall {test['recall']:.4f}, F1 {test['f1']:.4f}.",
        "`research/neural-engine/README.md` explains how the training set is made. `manifest.json` has files, digests and settings.",
        "",
        "Runs trained on: " + ", ".join(names["train"]) + ".",
        "",
        "Runs held out: " + ", ".join(names["held-out"]) + ".",
        "",
    ]
    return "\n".join(lines)


def publish(results: dict, package: Path, to: Path) -> None:
    """Write the results file, add the held-out figures to the manifest, and write the card."""
    manifest = json.loads((package / "manifest.json").read_text())
    results |= {
        "model": {"id": manifest["id"], "version": manifest["version"], "sha256": data.sha256(package / "model.onnx")},
        "command": f"python research/neural-engine/evaluate.py --package models/{manifest['id']} --data DIR",
        "date": datetime.date.today().isoformat(),
    }
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(results, indent=1) + "\n")
    print(f"wrote {to}")
    manifest["metrics"]["held_out_balanced"] = results["balanced"]["all held-out runs"]
    (package / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    write_card(package, to)


def write_card(package: Path, results: Path) -> None:
    """Render the card of ``package`` from a results file, which must have been measured with the same weights."""
    figures = json.loads(results.read_text())
    if figures["model"]["sha256"] != data.sha256(package / "model.onnx"):
        raise SystemExit(f"{results}: measured with other weights than {package / 'model.onnx'}; run evaluate.py without --card")
    (package / "README.md").write_text(card(figures, json.loads((package / "manifest.json").read_text())))
    print(f"wrote {package / 'README.md'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=ROOT / "models/mean-q20")
    parser.add_argument("--config", type=Path, default=CONFIG, help="config that lists the held-out runs")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder the config's file names are relative to")
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm")
    parser.add_argument("--results", type=Path, help="results file [default: results/<package>.json]")
    parser.add_argument("--card", action="store_true", help="only render the card from the results file")
    options = parser.parse_args()
    to = options.results or RESULTS / f"{options.package.resolve().name}.json"
    if options.card:
        write_card(options.package, to)
        return
    if not options.data:
        parser.error("expected --data DIR, or --card")
    config = tomllib.loads(options.config.read_text())
    tau = json.loads((options.package / "manifest.json").read_text())["training"]["config"]["train"]["tau_phred"]
    results = measure(options.package, config["run"], options.data, options.bm.resolve(), tau)
    publish(results, options.package, to)
    sys.exit(verdict(results))


if __name__ == "__main__":
    main()
