"""Renders the results file as a page. Every number on the page comes from the file."""

from __future__ import annotations

from measured import METHODS

WRITTEN = "<!-- Written by research/hard-cases/page.py from hard-cases.json; edit that script, not this page. -->"
COLUMNS = ("run", "what was done", "reads", "good, %", "MCC", "AUC", "log2", "good kept, %", "bad kept, %", "all kept, %", "found", "refused")
NONE = "–"


def render(results: dict) -> str:
    """The page."""
    tools = ", ".join(f"{name} {version}" for name, version in results["tools"].items())
    lines = ["# What is an error and what is not", "", WRITTEN, "", f"Measured {results['date']} on {results['machine']}, in {results['wall_s'] / 60:.0f} minutes, by", ""]
    lines += [f"    {results['command']}", "", f"with {tools}. SHA-256 of `bm`: `{results['bm_sha256']}`.", ""]
    lines += ["Three values are those of `bm score --adapt` / `bm score` / reported errors of at most one in a hundred bases.", "README.md has the definitions.", ""]
    for group in dict.fromkeys(row["group"] for row in results["rows"]):
        lines += [f"## {group}", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
        lines += [f"| {' | '.join(cells(row))} |" for row in results["rows"] if row["group"] == group]
        lines.append("")
    if results["absent"]:
        lines += [f"Not in the data: {', '.join(results['absent'])}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def cells(row: dict) -> list[str]:
    """The cells of one row."""
    if "failed" in row:
        return [row["run"], row["what"], *[NONE] * (len(COLUMNS) - 3), f"failed: {text(row['failed'])}"]
    counts = [f"{row['reads']:,}", number(row["good"], 1, 100)] if "reads" in row else [f"{row['in']:,}", NONE]
    figures = [of_methods(row, "mcc", 3), of_methods(row, "auc", 3), of_methods(row, "log2_ratio", 2, sign="+")]
    kept = [of_methods(row, key, 1, 100) for key in ("good_kept", "bad_kept", "kept")]
    said = [text("; ".join(row[key])) or NONE for key in ("found", "refused")]
    return [row["run"], row["what"], *counts, *figures, *kept, *said]


def of_methods(row: dict, key: str, digits: int, factor: float = 1, sign: str = "") -> str:
    """A figure of all methods; one dash if none has it."""
    values = [number(row[name].get(key), digits, factor, sign) for name in METHODS]
    return NONE if all(value == NONE for value in values) else " / ".join(values)


def number(value: float | None, digits: int, factor: float = 1, sign: str = "") -> str:
    return NONE if value is None else f"{factor * value:{sign}.{digits}f}"


def text(value: str) -> str:
    """Text for a cell."""
    return value.replace("|", "\\|")


def brief(row: dict) -> str:
    """The main figures, for the terminal."""
    if "failed" in row:
        return f"failed: {row['failed']}"
    return f"MCC {of_methods(row, 'mcc', 3)}, kept {of_methods(row, 'kept', 1, 100)} %, {row['wall_s']} s"
