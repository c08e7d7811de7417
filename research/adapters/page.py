"""Renders the results files as pages. Every number on a page comes from its file."""

from __future__ import annotations

import math
import statistics

WRITTEN = "<!-- Written by research/adapters/page.py from {}; edit that script, not this page. -->"


def of_adapters(results: dict) -> str:
    """The page of the programs that cut adapters."""
    lines = ["# Adapters: programs beside the truth", "", WRITTEN.format("adapters.json"), "", *measured(results), ""]
    lines += [
        "Figures are of the reads whose end is known; README.md says how, and what the columns are. *given*: the program is told the adapter;",
        "*found*: it is not, and finds it; *own list*: it looks for the adapters that it comes with. Seconds are of one thread, wall clock,",
        "start of the program included. In italics: less is better.", "",
    ]  # fmt: skip
    lines += summary(results["sets"], ("real", "simulated"), "MCC over bases", "mcc", 4)
    lines += summary(results["sets"], ("real", "simulated", "clean"), "Reads without an adapter that are cut, %", "clean_cut", 2, 100)
    for kind, head in (
        ("real", "Real reads"),
        ("simulated", "Random adapters on real reads"),
        ("clean", "Reads without adapters"),
        ("unknown", "Real reads without truth: what is cut may be adapter"),
    ):
        lines += [f"## {head}", ""]
        for name, of in results["sets"].items():
            if of["kind"] == kind:
                lines += [*(clean_table(name, of) if kind in ("clean", "unknown") else table(name, of)), ""]
    lines += ["## Programs", "", "| program | adapter | command |", "|---|---|---|"]
    lines += [f"| {name.split(', ' + p['told'])[0]} | {p['told'] or '–'} | `{p['command']}` |" for name, p in results["programs"].items()]
    lines += absent(results)
    return "\n".join(lines).rstrip() + "\n"


def summary(sets: dict, kinds: tuple[str, ...], head: str, key: str, digits: int, factor: float = 1) -> list[str]:
    """One figure of every program on every set of these kinds; a set of single reads and one of pairs may have different programs."""
    chosen = {name: of for name, of in sets.items() if of["kind"] in kinds}
    programs = list(dict.fromkeys(program for of in sorted(chosen.values(), key=lambda of: -len(of["rows"])) for program in of["rows"]))
    lines = [f"## {head}", "", f"| set | {' | '.join(programs)} |", "|---|" + "---|" * len(programs)]
    for name, of in chosen.items():
        values = (number(of["rows"].get(program, {}).get(key), digits, factor) for program in programs)
        lines += [f"| {name} | {' | '.join(values)} |"]
    return [*lines, ""]


def measured(results: dict) -> list[str]:
    """Command, date, machine and versions."""
    versions = ", ".join(f"{name} {version}" for name, version in results["tools"].items())
    return [f"Measured {results['date']} on {results['machine']}, by", "", f"    {results['command']}", "", f"with {versions}."]


def absent(results: dict) -> list[str]:
    return ["", f"Not installed, so not in the tables: {'; '.join(results['absent'])}."] if results["absent"] else []


def heading(name: str, of: dict) -> list[str]:
    """What a set is."""
    pairs = "mates of pairs" if of["paired"] else "reads"
    told = " and ".join(f"`{adapter}`" for adapter in of["told"])
    line = f"{of['what']}. {of['reads']:,} {pairs}"
    if of["kind"] != "unknown":
        line += f", the end of {of['known']:,} is known, {of['with_adapter']:,} of these have an adapter"
    return [f"### {name}", "", f"{line}. Given: {told}.", ""]


def table(name: str, of: dict) -> list[str]:
    """Figures of each program on one set with adapters."""
    tails = list(next(row["ends"] for row in of["rows"].values() if "ends" in row))
    lines = heading(name, of)
    lines += [f"| program | precision | recall | MCC | *clean reads cut, %* | ends right, tail {' | '.join(tails)} | *reads lost* | *s* |"]
    lines += ["|---|" + "---|" * (len(tails) + 6)]
    for program, row in of["rows"].items():
        if "failed" in row:
            lines += [f"| {program} | failed: {row['failed']}" + " |" * (len(tails) + 6)]
            continue
        ends = " | ".join(number(row["ends"][tail]["right"], 3) for tail in tails)
        figures = " | ".join(number(row[key], 4) for key in ("precision", "recall", "mcc"))
        lines += [f"| {program} | {figures} | {number(row['clean_cut'], 2, 100)} | {ends} | {row['lost']:,} | {row['wall_s']:.1f} |"]
    counts = ", ".join(f"{tail}: {row['reads']:,}" for tail, row in next(r for r in of["rows"].values() if "ends" in r)["ends"].items())
    return [*lines, "", f"Reads by the length of their tail: {counts}."]


def clean_table(name: str, of: dict) -> list[str]:
    """Figures of each program on one set without adapters."""
    lines = [*heading(name, of), "| program | *reads cut, %* | *bases cut, %* | *reads lost* | *s* |", "|---|---|---|---|---|"]
    for program, row in of["rows"].items():
        if "failed" in row:
            lines += [f"| {program} | failed: {row['failed']} | | | |"]
            continue
        bases = row["fp"] / row["sample_bases"]
        lines += [f"| {program} | {number(row['clean_cut'], 3, 100)} | {number(bases, 4, 100)} | {row['lost']:,} | {row['wall_s']:.1f} |"]
    return lines


def number(value: float | None, digits: int, factor: float = 1) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value * factor:.{digits}f}"


# ------------------------------------------------------------------------------------------------ quality trimming


def of_quality(results: dict) -> str:
    """The page of the programs that trim by quality."""
    names, of = list(results["programs"]), results["sets"]
    lines = ["# Quality trimming: errors left at equal right bases kept", "", WRITTEN.format("quality.json"), "", *measured(results), ""]
    grid = ", ".join(f"{share:.0%}" for share in results["grid"])
    lines += [
        "## Errors left beside the best other peer", "",
        f"Errors left, divided by those of the best other peer at equal right bases kept: the median over {grid} of a set's right bases,",
        "as far as both reach. Below 1: better than every peer.", "",
        f"| set | {' | '.join(names)} |", "|---|" + "---|" * len(names),
    ]  # fmt: skip
    lines += [f"| {name} | {' | '.join(number(each['ratio'].get(n), 2) for n in names)} |" for name, each in of.items()]
    lines += [f"| **median** | {' | '.join(number(median(each['ratio'].get(n) for each in of.values()), 2) for n in names)} |", ""]
    lines += ["## Errors per Mb of right bases", "", "Between the two nearest settings; a dash where a program's settings do not reach.", ""]
    lines += [f"| set | right bases kept | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for name, each in of.items():
        lines += [f"| {name} | 100 % | {' | '.join([number(each['errors'] / each['right_bases'], 0, 1e6)] * len(names))} |"]
        for place, share in enumerate(results["grid"]):
            values = [each["errors_per_mb"].get(n, [None] * len(results["grid"]))[place] for n in names]
            lines += [f"| | {share:.0%} | {' | '.join(number(value, 0) for value in values)} |"]
    lines += ["", "## Programs", "", "| program | command | settings |", "|---|---|---|"]
    lines += [f"| {name} | `{p['command']}` | {', '.join(map(str, p['settings']))} |" for name, p in results["programs"].items()]
    failed = [f"{n} on {name} ({c['failed']})" for name, each in of.items() for n, c in each["curves"].items() if "failed" in c]
    lines += ["", f"Failed: {'; '.join(failed)}."] if failed else []
    return "\n".join([*lines, *absent(results)]).rstrip() + "\n"


def median(values) -> float | None:
    found = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.median(found) if found else None
