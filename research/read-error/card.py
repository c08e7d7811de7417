#!/usr/bin/env python3
"""Renders the model card. Every figure comes from the manifest or from the results of `cargo xtask evaluate`.

    card.py models/read-error      writes its README.md again
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

EVALUATION = Path(__file__).resolve().parents[1] / "evaluation"
sys.path.append(str(EVALUATION))
import own_labels  # noqa: E402
import report  # noqa: E402
import rules  # noqa: E402


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def table(rows: dict[str, dict]) -> list[str]:
    """One row per set: reads, and MCC, AUC and log2 of reported qualities and of the model; significant gains and losses are named."""
    lines = [
        "| set | reads | bad | MCC, reported | MCC, model | AUC, reported | AUC, model | log₂, reported | log₂, model | significant differences |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        significant = []
        for key in ("mcc", "auc"):
            _, low, high = row["difference"][key]
            if low is not None and (low > 0 or high < 0):
                significant.append(f"{key.upper()} {'better' if low > 0 else 'WORSE'}")
        cells = [name + (f" ({row['note']})" if row.get("note") else ""), f"{row['reads']:,}", f"{row['bad']:,}"]
        for key in ("mcc", "auc"):
            cells += [f"{row[who][key][0]:.3f}" for who in ("reported", "model")]
        cells += [signed(row[who]["log2_ratio"][0]) for who in ("reported", "model")]
        lines.append("| " + " | ".join([*cells, ", ".join(significant) or "–"]) + " |")
    return lines


def beside_other_rules(trained: str) -> list[str]:
    """The section with figures of `cargo xtask evaluate`: verdicts of `bm` on whole sets. ``trained`` is the model's date."""
    results = json.loads((EVALUATION / "results" / "evaluation.json").read_text(encoding="utf-8"))
    columns = [name for name in report.methods(results["sets"]) if name != "mean-q20" and name not in own_labels.METHODS]
    shown = [name for name in (rules.EE_RATE, rules.LOGISTIC, rules.LEARNED, rules.LEFT_OUT) if name in columns]
    predicting = [name for name in shown if name != rules.LOGISTIC]
    lines = [
        "## Comparison with other rules",
        "",
        f"Verdicts of `bm` on whole sets; {results['date']}, `{results['command']}`. `{rules.LEARNED}` is the shipped model, which was",
        f"trained on the sets below train; `{rules.LEFT_OUT}` was trained without the set's flow cell. 95 % intervals over reads.",
        "`research/evaluation/results` has further figures and plots; `research/evaluation/README.md` defines them.",
        *(["", f"**Measured before this version was trained ({trained}): the figures of `{rules.LEARNED}` are those of the version before.**"] if results["date"] < trained else []),
        "",
        *report.summary(results, columns)[2:],
    ]
    for title, key, names, digits, absolute in (
        ("MCC of the verdict:", "mcc", shown, 3, False),
        ("AUC:", "auc", shown, 3, False),
        ("log₂ of predicted over true errors (means of absolute values):", "log2_ratio", predicting, 2, True),
    ):
        lines += [title, "", *report.figure_table(results, names, key, digits, absolute), ""]
    return lines


def card(manifest: dict, shipped: bool) -> str:
    """Returns the card, as Markdown; parts that apply to the shipped model only are left out for other models."""
    results, training = manifest["metrics"], manifest["training"]
    roles: dict[str, list[str]] = {}
    for file in training["data"]:
        if file["name"] not in roles.setdefault(file["role"], []):
            roles[file["role"]].append(file["name"])
    mean, unseen, read, domain = results["mean_left_out"], results["mean_unseen"], manifest["read_rule"], manifest["domain"]
    lines = [
        f"# {manifest['id']}, version {manifest['version']}",
        "",
        "<!-- Written by research/read-error/card.py from manifest.json and research/evaluation/results; edit that script, not this page. -->",
        "",
        "Estimates the probability that each base of a read is wrong, from the quality scores around it, and the number of errors in the read.",
        "",
        f"- Output: the probability of an error at every base. Their sum is the read's *expected errors*. The read's *probability* is that of"
        f" at most {100 * read['max_error_rate']:g} % wrong bases, by a negative binomial distribution with {read['mean_scale']} times the expected errors as"
        f" mean and a dispersion of {read['dispersion']}.",
        f"- Label: {manifest['label']['definition']}. A read passes at a probability of {manifest['thresholds']['default']} or more.",
        f"- Input: encoding `{manifest['encoding']['id']}` version {manifest['encoding']['version']}: reported qualities and the distance to the"
        " nearer end. The bases themselves are not used. A read is scored as a whole, whatever its length.",
        f"- Network: a convolution over {training['config']['network']['window']} bases with 8 units, ReLU, and one linear"
        f" layer that gives the log-odds of an error. {7 - training['config']['network']['units']} of the units are spare: they have no effect until `bm adapt` trains them. Learning starts from, and shrinks towards, the reported quality with a floor of"
        f" Phred {-10 * math.log10(training['config']['prior']['floor']):.0f}.",
        "- Where nothing was learned: a higher quality never raises an error probability, neither that of the base nor that of a neighbour. Phred scores"
        " over 38 count as 38, and Phred 0 and 1 as 2. A read shorter than"
        " the window counts as surrounded by bases of Phred 2. So a read of Phred 2 alone is expected to have more errors than one of Phred 7, although"
        " the bad ends that older instruments mark with Phred 2 are better than that.",
        "",
        "## Intended use, and limits",
        "",
        "For Illumina reads with Phred+33 qualities of more than two values. The model has learned from real runs how often bases with low",
        "qualities are wrong; on most runs this differs from what the instrument reports. It applies the same correction to every run and",
        "does not know the peculiarities of a single run.",
        "",
        "- It expects too many errors on some runs (hiseq_measles below) and too few on others (miseq_sars2_sanger, miseq_twist)."
        if shipped
        else "- It may expect too many errors on a run, or too few.",
        "- Errors that the qualities do not show (from synthesis, PCR, chimeras) cannot be found by any quality filter"
        + (" (miseq_twist below)." if shipped else "."),
        "- Nanopore, PacBio, 454, Ion Torrent, Element AVITI: the model was not trained on them; do not rely on its expected errors there."
        + (" On the Ion Torrent set below, reported qualities do better." if shipped else ""),
        f"- Runs with fewer than {domain['min_quality_values']} quality values, with qualities over {domain['max_phred']}, with a median length over"
        f" {domain['max_median_length']} bases, or with Phred+64",
        "  that was not converted: `bm` reports that the model does not apply, and uses the reported qualities unless `-m` names the model.",
        "- Reads from few positions, such as amplicons, if the first thousand reads contradict the model where they overlap: the same.",
        "- `bm adapt` learns the peculiarities of a run from the run itself; the result is another model, derived from this one.",
        "",
        "## On runs left out of training",
        "",
        "One sequencing run is left out of training at a time; whole, unambiguous reads. *Good*: at most one error in a hundred scored",
        "bases. *Reported*: expected errors by the reported qualities, Σ 10^(−Q/10). MCC: of the verdict \"at most 1 % expected errors\".",
        "AUC: of the expected error rate. log₂: of predicted / true errors (0 is exact, 1 means twice too many). The last column lists",
        "differences whose 95 % interval over reads excludes 0.",
        "",
        *table(results["left_out"]),
        "",
        "Means over the runs (two sets of one run count as one run; absolute values of log₂): "
        + "; ".join(f"{who}: MCC {m['mcc']:.3f}, AUC {m['auc']:.3f}, log₂ {m['abs_log2_ratio']:.2f}" for who, m in mean.items())
        + ".",
        f"The same over the {unseen['model']['runs']} Illumina runs that the model had not seen, left out here or held out below: "
        + "; ".join(f"{who}: MCC {m['mcc']:.3f}, AUC {m['auc']:.3f}, log₂ {m['abs_log2_ratio']:.2f}" for who, m in unseen.items())
        + ".",
        "Settings were chosen on these runs, so these figures are slightly optimistic. The following runs were looked at, but no setting was chosen on them:",
        "",
        *table(results["held_out"]),
        "",
        "Intervals are over reads, not over runs; a handful of runs is a small sample of sequencing data.",
        "",
        f"Measured {results['date']} by `{results['command']}` with "
        + ", ".join(f"{name} {version}" for name, version in results["tools"].items())
        + "; `manifest.json` has all figures with their intervals.",
        "",
        *(beside_other_rules(results["date"]) if shipped else []),
        "## Training data",
        "",
        "- Runs with counted errors: " + ", ".join(roles.get("truth", [])) + ".",
        "- Runs labelled by their own recurrent k-mers: " + ", ".join(roles.get("own k-mers", [])) + ".",
        "",
        "`manifest.json` has the digest of every file" + (", and `research/data/sources.toml` its source" if shipped else "") + ". `model.ane.onnx` is the same",
        f"network in half precision; the probability of a base differs by at most {results['max_delta_p']['f16_against_f32']:.0e}. The backend `coreml` runs that file.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(card(manifest, shipped=True), encoding="utf-8")
