"""Renders the results files as results/README.md. Every number on the page comes from them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import report  # noqa: E402

TIES = ", ties by EE"  # as in peers.py; the verdict of these methods is that of the program itself
PEERS, DOWNSTREAM = "peers.json", "downstream.json"
# Columns of the table of filters: key, head, digits, factor.
COLUMNS = (
    ("kept_share", "bases kept, %", 1, 100),
    ("errors_per_mb", "errors / Mb", 0, 1),
    ("bad_share", "bad reads, %", 2, 100),
    ("false_1_q0", "false alleles, ≥ 1 %", 0, 1),
    ("false_1_q20", "the same, Q ≥ 20", 0, 1),
    ("false_3_q0", "false alleles, ≥ 3 %", 0, 1),
    ("false_3_q20", "the same, Q ≥ 20", 0, 1),
    ("true_1_q20", "true minor alleles, ≥ 1 %, Q ≥ 20", 0, 1),
    ("calls", "bcftools calls", 0, 1),
    ("calls_new", "new calls", 0, 1),
    ("calls_lost", "lost calls", 0, 1),
    ("contigs", "contigs", 0, 1),
    ("n50", "N50", 0, 1),
    ("largest", "largest contig", 0, 1),
    ("total", "total bases", 0, 1),
    ("laid", "aligned bases", 0, 1),
    ("differing_per_100kb", "differences / 100 kb", 1, 1),
)


def write(folder: Path) -> None:
    """Write README.md from the results files in ``folder``."""
    lines = ["# The run's own k-mer evidence, compared with other programs: results", ""]
    lines += ["<!-- Written by research/evidence/page.py from the results files; edit that script, not this page. -->", ""]
    for name, part in ((PEERS, of_peers), (DOWNSTREAM, of_downstream)):
        if (folder / name).exists():
            lines += part(json.loads((folder / name).read_text(encoding="utf-8")))
    (folder / "README.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def measured(results: dict) -> list[str]:
    """Date, command, versions and number of resamples."""
    versions = ", ".join(f"{name} {version}" for name, version in results["tools"].items() if name != "bm_sha256")
    return [
        f"Measured {results['date']} by", "", f"    {results['command']}", "",
        f"with {versions}; the SHA-256 of bm begins with {results['tools']['bm_sha256'][:12]}.",
        f"Programs ran on {results['threads']} thread{'s' * (results['threads'] > 1)}.",
        f"Brackets are 95 % intervals over {results['resamples']:,} bootstrap resamples of the reads (seed {results['seed']}).", "",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- peers


def of_peers(results: dict) -> list[str]:
    """The section on correctors and k-mer filters."""
    sets = results["sets"]
    names = report.in_order(sets)
    complete_first = sorted(sets.values(), key=lambda s: -len(s["judged"]))
    methods = list(dict.fromkeys(method for s in complete_first for method in s["judged"]))
    lines = ["## Correctors and k-mer filters", "", *measured(results)]
    lines += [
        f"- {name}: `{peer['command']}`, " + (f"built from commit {peer['version']}" if peer["built"] else f"Debian {peer['version']}")
        for name, peer in results["peers"].items()
    ]
    if results["absent"]:
        lines += ["", f"Not installed, so not in the tables: {', '.join(results['absent'])}."]
    failed = [f"{method} on {name} ({note['failed']})" for name in names for method, note in sets[name]["notes"].items() if "failed" in note]
    if failed:
        lines += ["", f"Failed: {'; '.join(failed)}."]
    everywhere = [name for name in names if all(method in sets[name]["judged"] for method in methods)]
    lines += ["", f"Means over the {len(everywhere)} of {len(names)} sets on which every method succeeded; seconds are sums.", ""]
    lines += [*summary(sets, everywhere, methods), ""]
    if everywhere != names:
        complete = [method for method in methods if all(method in sets[name]["judged"] for name in names)]
        lines += [f"Means over all {len(names)} sets, for the methods that succeeded on each:", "", *summary(sets, names, complete), ""]
    for key, head, digits in (("mcc", "MCC of the verdict", 3), ("auc", "AUC", 3), ("bad_at_90", "Bad reads among the best 90 %", 4),
                              ("log2_ratio", "log2(predicted / true errors)", 2)):  # fmt: skip
        shown = [method for method in methods if key in ("auc", "bad_at_90") or not method.endswith(TIES)]
        rows = [[method, *(figure(sets[name]["judged"].get(method), key, digits) for name in names)] for method in shown]
        lines += [f"### {head}", "", *report.table(["method", *names], [row for row in rows if set(row[1:]) != {"–"}]), ""]
    using = [method for method in methods if any("wall_s" in sets[name]["notes"].get(method, {}) for name in names)]
    rows = [[method, *(cost(sets[name]["notes"].get(method)) for name in names)] for method in using]
    lines += ["### Wall seconds / CPU seconds / MiB of the largest process", "", *report.table(["method", *names], rows), ""]
    rows = [[method, *(fate(sets[name]["notes"].get(method)) for name in names)] for method in using if not method.startswith("bm ")]
    lines += ["### Changed bases; % of bases cut / reads missing from the output / reads reported as unfixable", ""]
    return [*lines, *report.table(["method", *names], rows), ""]


def summary(sets: dict, names: list[str], methods: list[str]) -> list[str]:
    """One row per method: means over these sets."""
    rows = []
    for method in methods:
        row = [method]
        for key, digits in (("mcc", 3), ("auc", 3), ("bad_at_90", 4), ("log2_ratio", 3)):
            values = [sets[name]["judged"][method]["figures"][key][0] for name in names]
            row.append("–" if None in values or not values else f"{sum(map(abs, values)) / len(values):.{digits}f}")
        notes = [sets[name]["notes"].get(method) for name in names]
        used = [note for note in notes if note]
        memory = [note["peak_mib"] for note in used if note["peak_mib"]]
        row += [f"{sum(note[key] for note in used):.1f}" if used else "–" for key in ("wall_s", "cpu_s")]
        rows.append([*row, f"{max(memory):.0f}" if memory else "–"])
    head = ["method", "MCC", "AUC", "bad among the best 90 %", "mean abs log2(predicted/true errors)", "wall s", "CPU s", "peak MiB"]
    return report.table(head, rows)


def figure(evaluated: dict | None, key: str, digits: int) -> str:
    """A figure with its interval; a dash if there is none."""
    return report.with_interval(evaluated["figures"][key], digits) if evaluated else "–"


def cost(note: dict | None) -> str:
    """Wall seconds, CPU seconds and peak MiB of a program."""
    if not note:
        return "–"
    return f"{note['wall_s']:.1f} / {note['cpu_s']:.1f} / {note['peak_mib'] if note['peak_mib'] is not None else '–'}"


def fate(note: dict | None) -> str:
    """Changed bases, and percentages of cut bases, missing reads and unfixable reads."""
    if not note or "changed_bases" not in note:
        return "–"
    fractions = ("cut_share", "dropped_share", "unfixable_share")
    return f"{note['changed_bases']:,}; " + " / ".join(f"{100 * note[key]:.1f}" for key in fractions)


# ------------------------------------------------------------------------------------------------------ downstream


def of_downstream(results: dict) -> list[str]:
    """The section on filters at equal retention."""
    lines = ["## Downstream, at equal retention", "", *measured(results)]
    if results["absent"]:
        lines += [f"Not installed, so not in the tables: {', '.join(results['absent'])}.", ""]
    for name, s in results["sets"].items():
        lines += [f"### {name}", ""]
        about = "was assembled from the same reads" if s["own_reference"] else "is independent of the reads"
        lines += [f"{s['records']:,} reads, {s['bases']:,} bases; {s['reads']:,} of the reads are unambiguous and have truth."]
        lines += [f"The reference, {s['reference_bases']:,} bases, {about}."]
        if s["true_alleles"] is not None:
            lines += [f"{s['true_alleles']:,} alleles that differ from the reference are real by truth."]
        columns = [column for column in COLUMNS if any(column[0] in row for row in s["filters"])]
        rows = [
            [row["filter"], row["retention"], *(cell(row.get(key), digits, by) for key, _, digits, by in columns)] for row in s["filters"]
        ]
        lines += ["", *report.table(["filter", "retention", *(head for _, head, _, _ in columns)], rows), ""]
        failed = [f"{row['filter']}, {row['retention']}: {row['failed']}" for row in s["filters"] if "failed" in row]
        lines += [*(f"- {each}" for each in failed), ""] if failed else []
    return lines


def cell(value: float | list | None, digits: int, by: float) -> str:
    """A number, with its interval if there is one."""
    if isinstance(value, list):
        return report.with_interval([None if each is None else by * each for each in value], digits)
    return "–" if value is None else f"{by * value:,.{digits}f}"


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results")
