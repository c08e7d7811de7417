"""Renders the results file as Markdown. Every number on the page comes from that file."""

from __future__ import annotations

from collections.abc import Callable

import own_labels as own
import rules

PARTS = ("train", "devtest", "weird")
WORSE = 0.01  # of MCC or AUC: a method that is this far below EE on a set is listed
FEW = 30  # reads of the rarer class; with fewer, a figure is hardly informative


def value(figures: dict, key: str) -> str:
    """A figure, or a dash where it has no value."""
    number = figures.get(key, [None])[0]
    return "–" if number is None or number != number else f"{number:.3f}".replace("-", "−")


def with_interval(triple: list, digits: int = 3) -> str:
    """A figure with its interval, as ``0.533 (0.514 to 0.552)``."""
    point, low, high = triple
    if point is None:
        return "–"
    if low is None or low == point == high:
        return f"{point:.{digits}f}".replace("-", "−")
    return f"{point:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})".replace("-", "−")


def in_order(sets: dict) -> list[str]:
    """Names of the sets: training sets, test sets, unusual ones, others; in each part, Illumina sets first."""
    rank = {part: i for i, part in enumerate(PARTS)}
    return sorted(sets, key=lambda name: (rank.get(sets[name]["part"], len(PARTS)), sets[name]["platform"] != "illumina", name))


def methods(sets: dict) -> list[str]:
    """Names of the methods, in the order of the first set that has all of them."""
    return list(max((s["judged"] for s in sets.values()), key=len))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def means(results: dict, columns: list[str], cell: Callable[[dict], float | None], digits: int) -> list[list[str]]:
    """Rows of means over the Illumina sets of each part. Each set counts once; a dash where a set lacks the column."""
    rows = []
    illumina = {name: s for name, s in results["sets"].items() if s["platform"] == "illumina"}
    choices = [("train", ("train",)), ("devtest", ("devtest",)), ("train and devtest", ("train", "devtest"))]
    for label, parts in choices:
        chosen = [s for s in illumina.values() if s["part"] in parts]
        if not chosen:
            continue
        row = [f"**mean of the Illumina sets ({len(chosen)}), {label}**", ""]
        for column in columns:
            values = [cell(s["judged"][column]) for s in chosen if column in s["judged"]]
            complete = len(values) == len(chosen) and None not in values
            row.append(f"**{sum(values) / len(values):.{digits}f}**".replace("-", "−") if complete else "–")
        rows.append(row)
    return rows


def per_set(results: dict, columns: list[str], key: str, digits: int = 3) -> list[list[str]]:
    """One row per set: its name, its number of reads, and a figure with its interval for each column."""
    rows = []
    for name in in_order(results["sets"]):
        s = results["sets"][name]
        cells = [with_interval(s["judged"][c]["figures"][key], digits) if c in s["judged"] else "–" for c in columns]
        rows.append([name, f"{s['reads']:,}", *cells])
    return rows


def figure_table(results: dict, columns: list[str], key: str, digits: int = 3, absolute: bool = False) -> list[str]:
    """The table of one figure: one row per set, and the means over Illumina sets."""

    def cell(evaluated: dict) -> float | None:
        number = evaluated["figures"][key][0]
        return abs(number) if absolute and number is not None else number

    of_means = 0 if digits == 0 else 3
    return table(["set", "reads", *columns], per_set(results, columns, key, digits) + means(results, columns, cell, of_means))


def summary(results: dict, columns: list[str]) -> list[str]:
    """Means over the Illumina sets below train and devtest: one row per method, one column per figure."""
    chosen = [s for s in results["sets"].values() if s["platform"] == "illumina" and s["part"] in ("train", "devtest")]
    if not chosen:
        return []
    shown = {"MCC": "mcc", "AUC": "auc", "AUC, ≥ 1 error": "auc_1_error", "AUC, ≥ 3 errors": "auc_3_errors",
             "bad among the best 90 %": "bad_at_90", "mean abs log2(predicted/true errors)": "log2_ratio"}  # fmt: skip
    rows = []
    for column in columns:
        row = [column]
        for key in shown.values():
            values = [s["judged"][column]["figures"][key][0] if column in s["judged"] else None for s in chosen]
            if None not in values and key == "log2_ratio":
                values = [abs(number) for number in values]
            row.append("–" if None in values else f"{sum(values) / len(values):.3f}")
        rows.append(row)
    runs = len({s["run"] for s in chosen})
    text = f"Means over the {len(chosen)} Illumina sets below train and devtest, of {runs} flow cells; each set counts once."
    return ["## Summary", "", text, "", *table(["method", *shown], rows), ""]


def sets_table(results: dict) -> list[str]:
    """The table that describes the sets."""
    rows = []
    for name in in_order(results["sets"]):
        s = results["sets"][name]
        rows.append([
            name, s["part"], s["platform"], *(f"{s[key]:,}" for key in ("records", "ambiguous", "reads", "median_length")),
            f"{100 * s['errors'] / s['scored_bases']:.2f} %",
            *(f"{100 * s[key]:.1f} %" for key in ("good_share", "with_1_error", "with_3_errors", "border_share")),
        ])  # fmt: skip
    head = [
        "set", "part", "platform", "records", "ambiguous, left out", "evaluated", "median bases",
        "errors / scored bases", "good", "≥ 1 error", "≥ 3 errors", "label depends on the denominator",
    ]  # fmt: skip
    return table(head, rows)


def differences(results: dict, columns: list[str]) -> list[str]:
    """Differences of each method from EE/len <= 1 %, with intervals over paired resamples; bold if the interval excludes 0."""
    rows = []
    for name in in_order(results["sets"]):
        evaluated = results["sets"][name]["judged"]
        row = [name]
        for column in columns:
            for key in ("mcc", "auc"):
                triple = evaluated.get(column, {}).get("difference", {}).get(key, [None] * 3)
                text = with_interval(triple)
                sure = triple[0] is not None and triple[1] is not None and (triple[1] > 0 or triple[2] < 0)
                row.append(f"**{text}**" if sure else text)
        rows.append(row)
    return table(["set", *(f"{c}: {key}" for c in columns for key in ("MCC", "AUC"))], rows)


def adapting(results: dict) -> list[str]:
    """What `bm adapt` chose on each set, and why; empty if the evaluation ran without --adapt."""
    sets = {name: results["sets"][name] for name in in_order(results["sets"]) if "adapting" in results["sets"][name]}
    if not sets:
        return []
    rows = []
    for name, s in sets.items():
        for method, reported in s["adapting"].items():
            if method == own.UNSEEN and reported == s["adapting"][own.ADAPTED]:
                continue  # the shipped model has not seen the run, so both methods are the same
            doubts = ["; ".join(each["doubts"]) or "–" for each in reported]
            seconds = " + ".join(f"{each['wall_s']:.1f} ({each['cpu_s']:.1f})" for each in reported)
            rows.append([name, method, ", ".join(each["choice"] for each in reported), seconds, " / ".join(dict.fromkeys(doubts))])
    lines = [
        "## Adapting",
        "",
        "`bm adapt` reads all files of a set, but not its truth table. Its gate compares the adapted model with the model it started",
        "from and with the reported qualities, on held-out reads and with the run's own labels, and chooses one: *adapted*, *start* (the",
        "unchanged model) or *reported* (expected errors as reported). The choice is what is evaluated here. *adapted* starts from the",
        "shipped model. *adapted, run left out* starts from a model that was trained without the flow cell; it has no row where the",
        "shipped model was not trained on that flow cell. *adapted, other half* starts from that model too: each half of the templates is",
        "scored by the model learned from the other half. Seconds: wall time of the whole command; in brackets, CPU time of all threads.",
        "",
        *table(["set", "method", "choice", "seconds", "doubts"], rows),
        "",
    ]
    return lines


def evidence(results: dict) -> list[str]:
    """What `bm adapt --evidence` reported on the k-mers of each set, and its cost; empty if the evaluation ran without --adapt."""
    rows = []
    for name in in_order(results["sets"]):
        for reported in results["sets"][name].get("adapting", {}).get(own.POSTERIOR, []):
            found = reported["evidence"]
            expected = " → ".join(f"{found[key]:,.0f}" for key in ("expected_errors_prior", "expected_errors"))
            fractions = [f"{100 * found[key]:.0f} %" for key in ("share", "evaluable")]
            rows.append([
                name, "yes" if found["testifies"] else "no", str(found["k"]), f"{found['kmers']:,}", fractions[0], f"{found['depth']:.0f}",
                fractions[1], expected, "; ".join(found["doubts"]) or "–",
            ])  # fmt: skip
    if not rows:
        return []
    head = ["set", "evidence used", "k", "k-mers", "fraction of k-mers counted", "median depth", "bases covered", "expected errors, prior → posterior", "doubts"]
    return [
        "## The evidence",
        "",
        "What `bm adapt --evidence` reported on the k-mers of each set, for *posterior*. *Median depth*: number of reads that contain a",
        "typical k-mer of a read. *Bases covered*: bases for which the k-mers carry evidence. *Expected errors*: in the sampled reads, by the",
        "network alone (prior) and with the k-mer evidence (posterior). Where the evidence is not used, *posterior* equals *adapted, run left out*.",
        "",
        *table(head, rows),
        "",
        *cost(results),
    ]


def cost(results: dict) -> list[str]:
    """Time and memory of `bm adapt`, without and with evidence."""
    rows = []
    for name in in_order(results["sets"]):
        reported = results["sets"][name].get("adapting", {})
        pair = [reported[method][0] for method in (own.UNSEEN if own.UNSEEN in reported else own.ADAPTED, own.POSTERIOR) if method in reported]
        if len(pair) == 2:
            cells = [" / ".join(f"{each[key]:{form}}" for each in pair) for key, form in (("wall_s", ".1f"), ("cpu_s", ".1f"), ("peak_mb", ".0f"))]
            rows.append([name, f"{results['sets'][name]['records']:,}", *cells])
    if not rows:
        return []
    return ["Cost of `bm adapt` / `bm adapt --evidence`:", "", *table(["set", "records", "wall seconds", "CPU seconds", "peak MB"], rows), ""]


def losses(results: dict, columns: list[str]) -> list[str]:
    """The sets on which methods are below EE/len <= 1 % by more than `WORSE`."""
    rows = []
    for column in columns:
        cells = []
        for key in ("mcc", "auc"):
            found = []
            for name in in_order(results["sets"]):
                number = results["sets"][name]["judged"].get(column, {}).get("difference", {}).get(key, [None])[0]
                if number is not None and number < -WORSE:
                    found.append(f"{name} ({number:.3f})".replace("-", "−"))
            cells.append(", ".join(found) or "none")
        rows.append([column, *cells])
    return [f"Sets on which a method is below EE/len <= 1 % by more than {WORSE:g}:", "", *table(["method", "MCC", "AUC"], rows), ""]


def errors_left(results: dict, columns: list[str]) -> list[str]:
    """Bases kept by the verdicts and errors left in them; empty if the results file lacks these figures."""
    shown = [c for c in (rules.EE_RATE, rules.LEARNED, rules.LEFT_OUT, own.ADAPTED, own.UNSEEN, own.POSTERIOR) if c in columns]
    if not all("bases_kept" in s["judged"][c]["figures"] for s in results["sets"].values() for c in shown if c in s["judged"]):
        return []
    return [
        "## Errors left and bases kept",
        "",
        "Output of a filter at the default threshold. Fraction of bases kept:",
        "",
        *figure_table(results, shown, "bases_kept"),
        "",
        "True errors left per million scored bases of the kept reads:",
        "",
        *figure_table(results, shown, "errors_per_mb", 0),
        "",
    ]


def own_labels(results: dict) -> list[str]:
    """How the run's own labels compare with truth; empty if there are no labels."""
    sets = {name: results["sets"][name] for name in in_order(results["sets"]) if "own_labels" in results["sets"][name]}
    if not sets:
        return []
    fractions = ("share_labelled", "precision", "recall_among_labelled", "recall")
    rows = []
    for name, s in sets.items():
        found = s["own_labels"]
        cells = ["–" if found[key] is None else f"{100 * found[key]:.1f} %" for key in fractions]
        ratio = "–" if found["log2_ratio"] is None else f"{found['log2_ratio']:.2f}".replace("-", "−")
        rows.append([name, f"{found['bases']:,}", f"{found['errors']:,}", *cells, ratio, f"{found['judged_reads_without_labels']:,}"])
    for label, parts in (("train", ("train",)), ("devtest", ("devtest",)), ("train and devtest", ("train", "devtest"))):
        chosen = [s["own_labels"] for s in sets.values() if s["platform"] == "illumina" and s["part"] in parts]
        if not chosen:
            continue
        values = [[each[key] for each in chosen] for key in (*fractions, "log2_ratio")]
        values[-1] = [None if value is None else abs(value) for value in values[-1]]
        means = [None if None in column else sum(column) / len(column) for column in values]
        cells = ["–" if mean is None else f"**{100 * mean:.1f} %**" for mean in means[:-1]]
        last = "–" if means[-1] is None else f"**{means[-1]:.2f}**"
        rows.append([f"**mean of the Illumina sets ({len(chosen)}), {label}**", "", "", *cells, last, ""])
    head = ["set", "bases", "true errors", "labelled", "precision of X", "recall among labelled", "recall among all",
            "log2(labelled wrong / true errors among labelled)", "reads without labels"]  # fmt: skip
    return [
        "## The run's own labels",
        "",
        "`bm adapt --labels` labels each base: other reads confirm it (=), contradict it (X), or neither. This table compares the labels",
        "with truth, on the unclipped bases of the evaluated reads. Here an error is a substituted or inserted base; a deletion has no base",
        "to label. The last mean is of absolute values. In *k-mer breaks*, reads without labels are ranked by reported expected errors.",
        "",
        *table(head, rows),
        "",
    ]


def markdown(results: dict) -> str:
    """Returns the page, as Markdown."""
    sets = results["sets"]
    columns = methods(sets)
    few = [n for n in in_order(sets) if min(sets[n]["good_share"], 1 - sets[n]["good_share"]) * sets[n]["reads"] < FEW]
    ratios = {c: [s["judged"][c]["figures"]["log2_ratio"][0] for s in sets.values() if c in s["judged"]] for c in columns}
    predicting = [c for c in columns if any(ratio is not None for ratio in ratios[c])]
    silent = [c for c in columns if c not in predicting]
    compared = [c for c in columns if c != "EE/len <= 1 %"]
    lines = [
        "# Models and rules against counted errors: results",
        "",
        "<!-- Written by research/evaluation/report.py from evaluation.json; edit that script, not this page. -->",
        "",
        f"Measured {results['date']} by",
        "",
        f"    {results['command']}",
        "",
        "with " + ", ".join(f"{name} {version}" for name, version in results["tools"].items()) + ".",
        f"Brackets are 95 % intervals over {results['resamples']:,} bootstrap resamples of the reads (seed {results['seed']}). The two mates of a pair are",
        "resampled independently, and variation between runs is not included. `evaluation.json` has all figures and the SHA-256 of every",
        "file; `research/evaluation/README.md` defines each figure.",
        "",
        "A read is *good* when it has at most one error in a hundred scored bases. An error is a substituted, inserted or deleted base.",
        "",
        *summary(results, columns),
        "## The sets",
        "",
        *sets_table(results),
        "",
    ]
    long = [n for n in in_order(sets) if sets[n]["clipped_too"]]
    if long:
        lines += [f"Sets of long reads, in which clipped reads are kept: {', '.join(long)}.", ""]
    if results["not_judged"]:
        lines += [f"Not evaluated, because every read is ambiguous: {', '.join(results['not_judged'])}.", ""]
    lines += [
        "The last column is the fraction of reads that would change class if errors were divided by the length of the read instead of",
        "its scored bases. In a read of about a hundred bases one error is the limit, so a single base that was not compared can decide.",
        "",
    ]
    if few:
        lines += [f"One class has fewer than {FEW} reads in {', '.join(few)}: MCC and AUC are hardly informative there, or undefined.", ""]
    lines += [
        *adapting(results),
        *evidence(results),
        *own_labels(results),
        "## MCC of the verdict: is the read good?",
        "",
        "Each method at its default threshold. A verdict that keeps all reads, or none, has an MCC of 0.",
        "",
        *figure_table(results, columns, "mcc"),
        "",
        "![MCC and AUC](verdicts.svg)",
        "",
        "## AUC: are bad reads ranked behind good ones?",
        "",
        *figure_table(results, columns, "auc"),
        "",
        "## Differences from EE/len <= 1 %",
        "",
        "Paired: both methods on the same resamples. Bold: the interval excludes 0.",
        "",
        *differences(results, compared),
        "",
        *losses(results, compared),
        "## Kept reads, and the bad ones among them, at the default threshold",
        "",
        "Fraction of reads kept:",
        "",
        *figure_table(results, columns, "kept"),
        "",
        "Fraction of bad reads among the kept:",
        "",
        *figure_table(results, columns, "bad_among_kept"),
        "",
        *errors_left(results, columns),
        "## Bad reads among the kept, at equal retention",
        "",
        "Every method keeps the best 90 % by its own ranking:",
        "",
        *figure_table(results, columns, "bad_at_90"),
        "",
        "and the best 70 %:",
        "",
        *figure_table(results, columns, "bad_at_70"),
        "",
        "![Bad reads among the kept](retention.svg)",
        "",
        "## AUC for at least one error",
        "",
        *figure_table(results, columns, "auc_1_error"),
        "",
        "## AUC for at least three errors",
        "",
        *figure_table(results, columns, "auc_3_errors"),
        "",
        "## Calibration",
        "",
        "log2(predicted / true errors), summed over all reads of a set: 0 is exact, 1 means twice too many. Means are of absolute values.",
    ]
    if silent:
        lines += [f"Not shown, because they predict no number of errors: {', '.join(silent)}."]
    lines += [
        "",
        *figure_table(results, predicting, "log2_ratio", 2, absolute=True),
        "",
        "![Predicted and measured errors](reliability.svg)",
        "",
    ]
    return "\n".join(lines)
