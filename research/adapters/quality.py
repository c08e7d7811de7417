#!/usr/bin/env python3
"""Programs that trim by quality: errors left against right bases kept, over their settings.

    quality.py --data DIR                     every program on every set of short reads with error positions
    quality.py --data DIR --only NAME         this program only; curves of the others stay as they are in the results
    quality.py --render                       the page again, from the results file

Every program gets all reads of a set in one file, first mates before second mates. Figures are of the unambiguous reads
(research/evaluation) and of their compared bases only. Writes quality.json and quality.md into --output.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import adapters
import measures
import page
import runs
import tools
from runs import Failed, Job, Joined

import evaluate
import truth

RESULTS_FILE = "quality.json"
GRID = (0.99, 0.98, 0.95, 0.9, 0.8, 0.7)  # shares of all right bases at which programs are compared


def errors_of(reads: truth.Reads) -> measures.Errors:
    """The compared part of each read, and its errors within. An event counts once, where it begins: a substitution, an insertion or a
    deletion of any length; each inserted base counts, because each is kept or cut."""
    read, place, is_base = [], [], []
    for number, places in enumerate(reads.places):
        for kind, many, at in re.findall(r"([SID])(?:(\d+)@)?(\d+)", places):
            for each in range(int(many or 1) if kind != "D" else 1):
                read.append(number)
                place.append(int(at) + each)
                is_base.append(kind != "D")
    inside = np.stack([reads.clip5, reads.length - reads.clip3], axis=1)
    return measures.Errors(inside, np.array(read, int), np.array(place, int), np.array(is_base, bool))


def cuts(run: Joined, files: list[Path]) -> measures.Cuts:
    """What is left of each evaluated read; the reads are named by their number."""
    begin, to = np.zeros(len(run.sequences), int), np.zeros(len(run.sequences), int)
    for file in files:
        for head, sequence, quality in runs.records(file):
            number = int(head.split()[0][1:])
            try:
                begin[number], to[number] = measures.kept_range(run.sequences[number], run.qualities[number], sequence.upper(), quality)
            except measures.Unexplained as error:
                raise Failed(f"{file.name}: read {number}: {error}") from error
    of = run.reads.row
    return measures.Cuts(run.reads.length, begin[of], to[of])


def curve(run: Joined, errors: measures.Errors, trimmer: tools.Trimmer, scratch: Path, seconds: float) -> dict:
    """Right bases kept and errors left for each setting, and the time of the middle setting."""
    points, used = [], []
    for setting in trimmer.settings:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            job = Job(Path(folder), 1, seconds)
            try:
                outputs = trimmer.run(tools.Task(job, [run.numbered], ()), setting)
                found = cuts(run, outputs[0])
            except (Failed, OSError) as error:
                print(f"  {trimmer.name} {setting}: {error}", flush=True)
                return {"failed": str(error), "setting": setting}
        right, left = measures.of_quality(found, errors)
        points.append({"setting": setting, "right_bases": right, "errors": left, "lost": int(found.lost.sum())})
        used.append(job.used())
    return {"points": points, "wall_s": sorted(each["wall_s"] for each in used)[len(used) // 2],
            "cpu_s": sorted(each["cpu_s"] for each in used)[len(used) // 2]}  # fmt: skip


def summary(of: dict) -> dict:
    """Errors left of one set beside the best other peer, by program, and the best peer at each share of the grid."""
    whole = of["right_bases"]
    start = (1.0, of["errors"] / whole)
    curves = {
        name: [start, *((p["right_bases"] / whole, p["errors"] / p["right_bases"]) for p in each["points"] if p["right_bases"])]
        for name, each in of["curves"].items()
        if "points" in each
    }
    peers = {trimmer.name for trimmer in tools.QUALITIES if trimmer.is_peer} & curves.keys()
    ratio = measures.beside_best(curves, peers, GRID)
    left = {name: [measures.rate_at(each, kept) * 1e6 for kept in GRID] for name, each in curves.items()}
    return {"ratio": ratio, "errors_per_mb": left}


def sets_of(data: Path, names: list[str]) -> Iterator[truth.Reads]:
    """The sets of short reads below train and devtest whose truth comes from a reference; if ``names`` is not empty, only these."""
    platforms = evaluate.known_platforms()
    for table in truth.find(data):
        folder = table.parent
        if (names and folder.name not in names) or not (folder / "ref.fa").exists():
            continue
        if platforms.get(folder.name, "illumina") != "illumina":
            continue
        reads = truth.load(table, data)
        # Sets of long reads are those in which clipped reads are evaluated too.
        if reads and reads.part in ("train", "devtest") and not reads.clipped_too and any(reads.places):
            yield reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = adapters.parsed(parser)
    file = options.output / RESULTS_FILE
    if not options.render:
        chosen = [trimmer for trimmer in tools.QUALITIES if not options.only or trimmer.name in options.only]
        present = [trimmer for trimmer in chosen if tools.is_installed(trimmer.programs)]
        old = adapters.before(file, options)
        command = "python research/adapters/quality.py --data DIR"
        results = adapters.provenance(command, {name for trimmer in present for name in trimmer.programs})
        results["tools"] = old.get("tools", {}) | results["tools"]
        results["absent"] = [trimmer.name for trimmer in chosen if trimmer not in present]
        results["programs"] = old["programs"] | {
            trimmer.name: {"command": trimmer.command, "settings": list(trimmer.settings), "is_peer": trimmer.is_peer} for trimmer in present
        }
        results |= {"grid": list(GRID), "sets": old["sets"]}
        for reads in sets_of(options.data.resolve(), options.set):
            print(f"{reads.name}: {len(reads)} reads", flush=True)
            errors = errors_of(reads)
            curves = results["sets"].get(reads.name, {}).get("curves", {}) if options.only else {}
            with tempfile.TemporaryDirectory() as scratch:
                run = runs.joined(reads, Path(scratch))
                for trimmer in present:
                    curves[trimmer.name] = curve(run, errors, trimmer, Path(scratch), options.seconds)
            whole = measures.Cuts(reads.length, np.zeros(len(reads), int), reads.length)
            right, left = measures.of_quality(whole, errors)
            of = {"part": reads.part, "reads": len(reads), "right_bases": right, "errors": left, "curves": curves}
            tables = [next(reads.files[0].parent.glob("*" + truth.SUFFIX)), *reads.files]
            results["sets"][reads.name] = of | summary(of) | {"made_from_sha256": {path.name: truth.sha256(path) for path in tables}}
            print("  " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in results["sets"][reads.name]["ratio"].items()), flush=True)
            results["sets"] = dict(sorted(results["sets"].items(), key=lambda each: (each[1]["part"], each[0])))
            options.output.mkdir(parents=True, exist_ok=True)
            file.write_text(adapters.to_json(results), encoding="utf-8")
    results = json.loads(file.read_text(encoding="utf-8"))
    (options.output / "quality.md").write_text(page.of_quality(results), encoding="utf-8")


if __name__ == "__main__":
    main()
