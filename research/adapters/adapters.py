#!/usr/bin/env python3
"""Programs that cut adapters, on reads of which it is known where the sample ends.

    adapters.py --data DIR                     every program on every set
    adapters.py --data DIR --only NAME         this program only; rows of the others stay as they are in the results
    adapters.py --render                       the page again, from the results file

Every program runs as a whole; its output is joined to the reads by name and compared with the truth (measures.py). Writes
adapters.json and adapters.md into --output. A program that is not installed has no row, and the results list it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import re
import tempfile
from pathlib import Path

import numpy as np

import measures
import page
import sets
import tools
from runs import Failed, Job
from sets import Record, Trimmed

RESULTS = Path(__file__).parent / "results"
RESULTS_FILE = "adapters.json"


def cuts(records: list[Record], files: list[Path]) -> measures.Cuts:
    """What is left of each read in the outputs of a program; a read that is missing is cut completely."""
    place = {record.name: number for number, record in enumerate(records)}
    found = measures.Cuts(np.array([len(r) for r in records]), np.zeros(len(records), int), np.zeros(len(records), int))
    seen = np.zeros(len(records), bool)
    for file in files:
        for out in sets.read(file):
            number = place.get(out.name)
            if number is None or seen[number]:
                raise Failed(f"{file.name}: read {out.name} is {'twice' if number is not None else 'not'} in the output's input")
            seen[number] = True
            was = records[number]
            try:
                found.begin[number], found.to[number] = measures.kept_range(was.sequence, was.quality, out.sequence, out.quality)
            except measures.Unexplained as error:
                raise Failed(f"{file.name}: {out.name}: {error}") from error
    return found


def together(parts: list[measures.Cuts]) -> measures.Cuts:
    """The cuts of both mates, one after the other."""
    return measures.Cuts(*(np.concatenate([getattr(part, of) for part in parts]) for of in ("length", "begin", "to")))


def key_of(tool: tools.Tool) -> str:
    """Name of a row: the program and how it knows the adapter."""
    return f"{tool.name}, {tool.told}" if tool.told else tool.name


def evaluated(trimmed: Trimmed, tool: tools.Tool, files: list[Path], scratch: Path, seconds: float) -> dict | None:
    """Figures, time and memory of one program on one set; None if it has no such mode."""
    run = tool.paired if trimmed.paired else tool.single
    if run is None:
        return None
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        job = Job(Path(folder), 1, seconds)
        try:
            outputs = run(tools.Task(job, files, trimmed.told))
            found = together([cuts(records, each) for records, each in zip(trimmed.records, outputs, strict=True)])
        except (Failed, OSError) as error:
            print(f"  {key_of(tool)}: {error}", flush=True)
            return job.used() | {"failed": str(error)}
    figures = measures.of_adapters(found, np.concatenate(trimmed.ends))
    print(f"  {key_of(tool)}: MCC {figures['mcc']:.4f}, clean reads cut {figures['clean_cut']:.4%}, {job.wall_s:.1f} s", flush=True)
    return figures | job.used()


def described(trimmed: Trimmed) -> dict:
    """What the results say of a set."""
    lengths = np.concatenate([[len(r) for r in records] for records in trimmed.records])
    ends = np.concatenate(trimmed.ends)
    return {
        "kind": trimmed.kind, "what": trimmed.what, "paired": trimmed.paired, "told": list(trimmed.told), "reads": len(ends),
        "known": int((ends >= 0).sum()), "with_adapter": int(((ends >= 0) & (ends < lengths)).sum()),
        "seed": [sets.SEED, trimmed.name], "made_from_sha256": trimmed.sources,
    }  # fmt: skip


def machine() -> str:
    """Processor and system, for the results file."""
    info = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.*)", info.read_text(encoding="utf-8")) if info.exists() else None
    return f"{name[1] if name else platform.machine()}, {os.cpu_count()} processors, {platform.system()}"


def provenance(command: str, programs: set[str]) -> dict:
    """Command, date, machine and versions, for the results file."""
    return {
        "format": 1, "command": command, "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "machine": machine(),
        "tools": {"python": platform.python_version(), "numpy": np.__version__} | tools.versions(programs),
    }  # fmt: skip


def plain(value):
    """``value`` for JSON: floats with six digits, NaN and infinity as null."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def to_json(results: dict) -> str:
    """The text of a results file: a list or object without nested ones goes on one line."""
    text = json.dumps(plain(results), indent=1, ensure_ascii=False)
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda m: re.sub(r"\s+", " ", m[0]), text) + "\n"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that both scripts have."""
    parser.add_argument("--data", type=Path, help="folder of the truth sets, which holds train, devtest and weird")
    parser.add_argument("--set", action="append", default=[], help="only this set; may be repeated")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this program; other rows stay; may be repeated")
    parser.add_argument("--program", action="append", default=[], metavar="NAME=PATH", help="use this program instead of the installed one")
    parser.add_argument("--seconds", type=float, default=600, help="time limit of a program on a set")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--render", action="store_true", help="write the page again from the results file")


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options; programs that --program names are set."""
    add_options(parser)
    options = parser.parse_args()
    if not options.render and not options.data:
        parser.error("--data is needed, or --render")
    for word in options.program:
        name, _, path = word.partition("=")
        tools.name_program(name, Path(path).resolve())
    return options


def before(file: Path, options: argparse.Namespace) -> dict:
    """The results that stay: those in the file, if only some sets or programs run."""
    some = options.only or options.set
    return json.loads(file.read_text(encoding="utf-8")) if some and file.exists() else {"sets": {}, "programs": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = parsed(parser)
    file = options.output / RESULTS_FILE
    if not options.render:
        chosen = [tool for tool in tools.ADAPTERS if not options.only or tool.name in options.only]
        present = [tool for tool in chosen if tools.is_installed(tool.programs)]
        absent = sorted({key_of(tool) for tool in chosen} - {key_of(tool) for tool in present})
        old = before(file, options)
        results = provenance("python research/adapters/adapters.py --data DIR", {name for tool in present for name in tool.programs})
        results["tools"] = old.get("tools", {}) | results["tools"]
        results["absent"] = absent
        results["programs"] = old["programs"] | {key_of(tool): {"told": tool.told, "command": tool.command} for tool in present}
        results["sets"] = old["sets"]
        for name, make in sets.SETS.items():
            if options.set and name not in options.set:
                continue
            trimmed = make(options.data.resolve(), name)
            print(f"{name}: {sum(map(len, trimmed.records))} reads", flush=True)
            rows = results["sets"].get(name, {}).get("rows", {}) if options.only else {}
            with tempfile.TemporaryDirectory() as scratch:
                files = trimmed.write(Path(scratch))
                for tool in present:
                    figures = evaluated(trimmed, tool, files, Path(scratch), options.seconds)
                    rows |= {key_of(tool): figures} if figures else {}
            made = results["sets"] | {name: described(trimmed) | {"rows": rows}}
            results["sets"] = {each: made[each] for each in sets.SETS if each in made}
            options.output.mkdir(parents=True, exist_ok=True)
            file.write_text(to_json(results), encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    (options.output / "adapters.md").write_text(page.of_adapters(results), encoding="utf-8")


if __name__ == "__main__":
    main()
