"""Tables of measured machines, from the files that `bm bench-device --json` writes.

    python research/neural-engine/devices.py           # writes them into RESEARCH_NOTES.md
    python research/neural-engine/devices.py --check   # fails if they differ from what is there

Every file in results/devices is a machine. Put a new one there under the name of its processor, and run this.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER, NOTES = HERE / "results/devices", HERE / "RESEARCH_NOTES.md"
BEGIN, END = "<!-- Begin of the tables by devices.py; edit that script, not these lines. -->", "<!-- End of the tables by devices.py. -->"
FORMAT = 1
# Mean number of running threads before, as a fraction of the machine's, from which it was not idle.
BUSY = 0.25


def page(reports: dict[str, dict]) -> str:
    """The tables of all machines, by the name of their file."""
    lines = [BEGIN, ""]
    for name, report in sorted(reports.items()):
        if report["format"] != FORMAT:
            raise SystemExit(f"{name}: format {report['format']}, this script reads {FORMAT}")
        lines += of_machine(name, report)
    return "\n".join([*lines, END])


def of_machine(name: str, report: dict) -> list[str]:
    """What runs, the best speed, times of a call, and energy on one machine."""
    machine = report["machine"]
    kind = ", a virtual machine" if machine["is_virtual"] else ""
    load = machine["load_before"]
    state = "" if load is None else ", idle" if load <= BUSY * machine["threads"] else f", not idle: {load:.1f} threads ran before"
    lines = [
        f"**{machine['processor'] or 'unknown processor'}** ({machine['architecture']}), {machine['threads']} threads, {machine['system']}{kind}{state}.",
        f"bm {report['version']}, {report['settings']['seconds']:.0f} s, `results/devices/{name}`.", "",
        "| engine | model | outcome | max \\|Δp\\| | padding | Neural Engine, share of the plan's cost |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in report["engines"]:
        outcome = row["outcome"] + (f": {row['reason']}" if row["reason"] else "")
        lines += [f"| {row['engine']} | {row['model']} {row['model_version']} | {outcome} | {number(row['max_difference'], '.1e')} | {number(row['padding'], '.1%')} | {planned(row['plan'])} |"]
    batches = report["settings"]["batches"][0]
    short = report["settings"]["read_bases"][0]
    heads = [f"{batch:,} × {short}" for batch in batches] + [f"{count:,} × {report['settings']['read_bases'][1]:,}" for count in report["settings"]["batches"][1]]
    lines += ["", "Thousand reads/s, and in parentheses the median time of a call in ms, by reads in a call × bases:", ""]
    lines += [f"| engine | model | threads | {' | '.join(heads)} | CPU s per million reads |", "|---|---|---|" + "---|" * (len(heads) + 1)]
    for engine, model, threads in dict.fromkeys((row["engine"], row["model"], row["threads"]) for row in report["speed"]):
        rows = [row for row in report["speed"] if (row["engine"], row["model"], row["threads"]) == (engine, model, threads)]
        largest = max((row for row in rows if row["read_bases"] == short), key=lambda row: row["batch"])["measured"]
        lines += [f"| {engine} | {model} | {threads} | {' | '.join(cell(row['measured']) for row in rows)} | {number(largest and largest['cpu_s_per_million_reads'], '.2f')} |"]
    return [*lines, "", *of_energy(report["energy"]), ""]


def cell(measured: dict | None) -> str:
    if measured is None:
        return "–"
    return f"{measured['reads_per_s'] / 1e3:,.4g} ({measured['call_p50_s'] * 1e3:.3g})"


def planned(plan: list[dict]) -> str:
    if not plan or any(operation["cost"] is None for operation in plan):
        return "–"
    return f"{sum(operation['cost'] for operation in plan if operation['device'] == 'Neural Engine'):.0%}"


def of_energy(energy: dict) -> list[str]:
    if energy["source"] is None:
        return [f"Energy was not read: {energy['reason']}."]
    idle = energy["idle"]
    lines = [f"Energy by {energy['source']}; idle {number(idle and idle['total'], '.2f')} W.", ""]
    lines += ["| engine | model | W | CPU W | Neural Engine W | J per million reads | above idle |", "|---|---|---|---|---|---|---|"]
    for load in energy["loads"]:
        watts = load["watts"] or {}
        values = [number(watts.get(key), ".2f") for key in ("total", "cpu", "neural_engine")]
        values += [number(load[key], ".2f") for key in ("joules_per_million_reads", "joules_per_million_reads_above_idle")]
        lines += [f"| {load['engine']} | {load['model']} | {' | '.join(values)} |"]
    return lines


def number(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def written(notes: str, tables: str) -> str:
    """The notes with these tables between their marks."""
    before, rest = notes.split(BEGIN)
    return before + tables + rest.split(END)[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the tables differ from those in the notes")
    options = parser.parse_args()
    notes = NOTES.read_text()
    reports = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    new = written(notes, page(reports))
    if options.check:
        return int(new != notes)
    NOTES.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
