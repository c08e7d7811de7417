"""Results with a row for each run: one run can be measured again, and the page be written again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import tables

RESULTS = Path(__file__).resolve().parent / "results"


def main(description: str, script: str, name: str, runs: dict[str, Callable[[Path, Path], dict]], page: Callable[[list[dict], str], str]) -> None:
    """Measures runs, given by name with the function that returns the row of one from the data and the program; writes ``name``.json and .md."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bm", type=Path)
    parser.add_argument("--only", help="name of a run; the rows of the others stay")
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    command = f"python research/long-reads/{script} --data DIR --bm PATH"
    file = arguments.output / f"{name}.json"
    found = {row["run"]: row for row in json.loads(file.read_text())["rows"]} if file.exists() else {}
    if not arguments.render:
        if not (arguments.data and arguments.bm):
            parser.error("--data and --bm are needed")
        for run, measure in runs.items():
            if not arguments.only or run == arguments.only:
                found[run] = measure(arguments.data, arguments.bm.resolve())
    rows = [found[run] for run in runs if run in found]
    tables.write(file, command, rows)
    file.with_suffix(".md").write_text(page(rows, command))
