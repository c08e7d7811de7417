#!/usr/bin/env python3
"""The model card: every figure in it is from the manifest, or from the results of `cargo xtask evaluate`.

    card.py models/read-error      writes its README.md again
"""

from __future__ import annotations

import json
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
    """A row a set: reads, and MCC / AUC / log2 of both judges, with what is a loss said as plainly as what is a gain."""
    lines = [
        "| set | reads | bad | MCC, reported | MCC, model | AUC, reported | AUC, model | log₂, reported | log₂, model | beyond the intervals |",
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


def beside_other_rules() -> list[str]:
    """The figures of `cargo xtask evaluate`: the verdict as `bm` gives it, on whole sets."""
    results = json.loads((EVALUATION / "results" / "evaluation.json").read_text(encoding="utf-8"))
    columns = [name for name in report.methods(results["sets"]) if name != "mean-q20" and name not in own_labels.METHODS]
    shown = [name for name in (rules.EE_RATE, rules.LOGISTIC, rules.LEARNED, rules.LEFT_OUT) if name in columns]
    predicting = [name for name in shown if name != rules.LOGISTIC]
    lines = [
        "## Beside other rules",
        "",
        f"Whole sets, the verdict as `bm` gives it; {results['date']}, `{results['command']}`. `{rules.LEARNED}` is the model as it ships, which",
        f"has seen the sets below train; `{rules.LEFT_OUT}` has not seen the set's flow cell. 95 % intervals over reads.",
        "`research/evaluation/results` has the other figures, the plots, and says how each is computed.",
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
    """The card; what is said and measured of the shipped model alone is left out of others."""
    results, training = manifest["metrics"], manifest["training"]
    roles: dict[str, list[str]] = {}
    for file in training["data"]:
        if file["name"] not in roles.setdefault(file["role"], []):
            roles[file["role"]].append(file["name"])
    mean, read, domain = results["mean_left_out"], manifest["read_rule"], manifest["domain"]
    lines = [
        f"# {manifest['id']}, version {manifest['version']}",
        "",
        "<!-- Written by research/read-error/card.py from manifest.json and research/evaluation/results; change those, not this. -->",
        "",
        manifest["description"],
        "",
        f"- Output: the probability of an error at every base. Their sum is the read's *expected errors*; its *probability* is that of"
        f" at most {100 * read['max_error_rate']:g} % wrong bases, negative binomial with {read['mean_scale']} times that mean and a"
        f" dispersion of {read['dispersion']}.",
        f"- Label: {manifest['label']['definition']}. A read passes at a probability of {manifest['thresholds']['default']}.",
        f"- Input: encoding `{manifest['encoding']['id']}` version {manifest['encoding']['version']}: reported qualities and the distance to the"
        " nearer end. The bases are not looked at. A read of any length is judged whole.",
        f"- Network: a convolution over {training['config']['network']['window']} bases with {training['config']['network']['units']} units, ReLU, one linear"
        " layer, added to the reported log-odds of an error.",
        "",
        "## What it is for, and what not",
        "",
        "Illumina reads with Phred+33 qualities of more than two values. It has learned what low qualities are worth on real runs,",
        "which is more than what the instrument says on most of them, and the same for every run: what is peculiar to a run, it does",
        "not know.",
        "",
        "- On a run whose reported qualities are honest, it may expect too many errors" + (" (hiseq_measles below)." if shipped else "."),
        "- Where the errors do not show in the qualities (synthesis, PCR, chimeras), no filter by quality finds them"
        + (" (miseq_twist below)." if shipped else "."),
        "- Nanopore, PacBio, 454: it has not learned from them, and its numbers of errors are not to be trusted there.",
        f"- Runs with fewer than {domain['min_quality_values']} quality values, with qualities over {domain['max_phred']}, with a median length over"
        f" {domain['max_median_length']} bases, and Phred+64",
        "  that was not converted: `bm` says that the model does not apply, and goes by reported qualities unless `-m` names it.",
        "- Reads of few places, such as amplicons, whose first thousand contradict it where they overlap: the same.",
        "- What is peculiar to a run, `bm adapt` learns from the run itself; that is another model, made from this one.",
        "",
        "## On runs that it never saw",
        "",
        "One sequencing run left out of training at a time; unambiguous reads, whole. *Good*: at most one error in a hundred scored",
        "bases. *Reported*: expected errors by the reported qualities, Σ 10^(−Q/10). MCC of the verdict \"at most 1 % expected errors\",",
        "AUC of their rate, log₂ of predicted over true errors (0 is right, 1 twice too many). The last column names differences whose",
        "95 % interval, over reads, excludes none.",
        "",
        *table(results["left_out"]),
        "",
        "Means over the runs (two sets of one run count as one; absolute values of log₂): "
        + "; ".join(f"{who}: MCC {m['mcc']:.3f}, AUC {m['auc']:.3f}, log₂ {m['abs_log2_ratio']:.2f}" for who, m in mean.items())
        + ".",
        "Settings were chosen on these runs, so these figures are a little too good. Nothing was chosen on the next ones:",
        "",
        *table(results["held_out"]),
        "",
        "Intervals hold reads, not runs; a handful of runs is a small sample of what sequencers do.",
        "",
        f"Measured {results['date']} by `{results['command']}` with "
        + ", ".join(f"{name} {version}" for name, version in results["tools"].items())
        + "; `manifest.json` has all figures and intervals.",
        "",
        *(beside_other_rules() if shipped else []),
        "## Learned from",
        "",
        "- Counted errors: " + ", ".join(roles.get("truth", [])) + ".",
        "- Labels from the run's own recurrent k-mers: " + ", ".join(roles.get("own k-mers", [])) + ".",
        "",
        "`manifest.json` has the digest of every file" + (", `research/data/sources.toml` where they come from" if shipped else "") + ". `model.ane.onnx` is the same",
        f"network in half precision; a base's probability differs by at most {results['max_delta_p']['f16_against_f32']:.0e}. No engine of `bm` runs that file yet.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "README.md").write_text(card(manifest, shipped=True), encoding="utf-8")
