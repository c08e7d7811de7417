#!/usr/bin/env python3
"""What `bm` takes for an error, and what it keeps: on real reads that were changed on purpose, and on runs as they are.

    hard_cases.py --data DIR --bm BM                    writes hard-cases.json and hard-cases.md
    hard_cases.py --data DIR --bm BM --only PATTERN     prints the rows whose name holds this regular expression
    hard_cases.py --render                              renders hard-cases.md again, from the results file

Each row has the agreement of `bm score --adapt`, of `bm score` alone and of reported errors with the errors that were counted. Two rows
are measured at a time, each with one thread. ``cargo xtask evaluate --data DIR --hard-cases`` calls this.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import counted  # noqa: E402
import measured  # noqa: E402
import page  # noqa: E402
import rows  # noqa: E402
import truth  # noqa: E402

RESULTS = Path(__file__).parent / "results"
RESULTS_FILE, PAGE = "hard-cases.json", "hard-cases.md"
AT_A_TIME = 2
PARTS = ("train", "devtest")  # of the runs as they are, where the data has such folders


class Data:
    """What is below the folder of the data: truth sets by the name of their folder, and all files of reads by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = {table.parent.name: table for table in truth.find(folder)}
        self.files = {path.name.removesuffix(".fastq.gz"): path for path in sorted(folder.rglob("*.fastq.gz"))}

    def sources(self, row: rows.Row) -> list[Path]:
        """The table and the files that a row is made from; none if the data lacks them."""
        if table := self.tables.get(row.run):
            return [table, *truth.fastq_files(table.parent)]
        return [self.files[row.run]] if row.run in self.files and row.change is None else []

    def runs(self) -> list[str]:
        """The truth sets of short reads, below `train` and `devtest` if there are such folders."""
        parts = {name: table.relative_to(self.folder).parts[0] for name, table in self.tables.items()}
        chosen = [name for name in self.tables if parts[name] in PARTS] or list(self.tables)
        return [name for name in chosen if is_short(self.tables[name])]


def is_short(table: Path) -> bool:
    """Whether the reads of a truth set are short (truth.py), and some of them are unambiguous."""
    found = list(truth.read_table(table).values())
    clear = any(row.comparable and row.clipped <= truth.MOST_CLIPPED for row in found)
    return clear and float(np.median([row.length for row in found])) <= truth.LONG


@functools.lru_cache(maxsize=1)  # rows of one run follow each other
def loaded(table: Path, data: Path) -> list[counted.Read]:
    """The reads of a truth set."""
    return counted.load(table, data)


def measure(data: Data, row: rows.Row, bm: Path) -> dict:
    """The figures of one row."""
    began = time.monotonic()
    table = data.tables.get(row.run)
    reads = loaded(table, data.folder) if table else None
    with tempfile.TemporaryDirectory() as scratch:
        if row.change is None:
            paths = truth.fastq_files(table.parent) if table else [data.files[row.run]]
        else:
            reads = row.change(reads if row.most is None else counted.first(reads, row.most), table.parent)
            paths = counted.write(reads, Path(scratch))
        found = measured.figures(bm, paths, reads)
    return {"group": row.group, "run": row.run, "what": row.what} | found | {"wall_s": round(time.monotonic() - began, 1)}


def all_measured(data: Data, chosen: list[rows.Row], bm: Path) -> list[dict]:
    """The figures of the rows, in their order."""
    with ProcessPoolExecutor(AT_A_TIME) as processes:
        jobs = {processes.submit(measure, data, row, bm): row for row in chosen}
        for job in as_completed(jobs):
            print(f"{jobs[job].name}\t{page.brief(job.result())}", flush=True)
    return [job.result() for job in jobs]


def results(data: Data, bm: Path, chosen: list[rows.Row]) -> dict:
    """The results file."""
    began = time.monotonic()
    present = [row for row in chosen if data.sources(row)]
    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    measured_rows = all_measured(data, present, bm)
    files = sorted({path for row in present for path in data.sources(row)})
    return {
        "format": 1, "command": "cargo xtask evaluate --data DIR --hard-cases", "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "tools": {"bm": version.removeprefix("bm "), "python": platform.python_version(), "numpy": np.__version__},
        "bm_sha256": truth.sha256(bm), "machine": f"{platform.machine()} {platform.system()}", "wall_s": round(time.monotonic() - began),
        "rows": measured_rows, "absent": sorted({row.run for row in chosen} - {row.run for row in present}),
        "data_sha256": {path.relative_to(data.folder).as_posix(): truth.sha256(path) for path in files},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of truth sets and other files of reads, at any depth")
    parser.add_argument("--bm", type=Path, help="the bm program")
    parser.add_argument("--only", type=re.compile, metavar="PATTERN", help="only rows whose name, `RUN: WHAT`, holds this regular expression; nothing is written")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--render", action="store_true", help="render the page again from the results file")
    options = parser.parse_args()
    file = options.output / RESULTS_FILE
    if not options.render:
        if not options.data or not options.bm:
            parser.error("--data and --bm are needed, or --render")
        data = Data(options.data.resolve())
        chosen = [row for row in rows.all_rows(data.runs()) if not options.only or options.only.search(row.name)]
        if not chosen:
            parser.error(f"no row has a name with {options.only.pattern}")
        found = results(data, options.bm.resolve(), chosen)
        if options.only:
            # A table of some rows must not take the place of the whole one.
            print(page.render(found))
            return
        options.output.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (options.output / PAGE).write_text(page.render(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
