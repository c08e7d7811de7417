#!/usr/bin/env python3
"""bm-classes beside kraken2, sourmash and minimap2, with classes that nothing was chosen by.

    python research/classes/compare.py --data DIR --debian DIR --classify PATH   results/compare.{json,md}
    python research/classes/compare.py --render                                  the page again, from the results file

It needs kraken2 and minimap2 (Debian), sourmash and numba (PyPI).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import drawing
import peers
import program
import real
import sets
from genomes import drawn

RESULTS = Path(__file__).resolve().parent / "results"
COMMAND = "python research/classes/compare.py --data DIR --debian DIR --classify PATH"
DIVERGENCES = (0.0, 0.05, 0.1, 0.2)
LENGTHS = (50, 100, 150, 250)
ERROR_RATES = (0.001, 0.01, 0.05)
FALSE = 0.01
READS = 300  # of each class and divergence
FOREIGN = 5000
MIXED = 1000  # of each class, for calibration
REAL = 400  # of each run


def mutated(classes: dict, others: dict, length: int, rate: float, draw: np.random.Generator) -> list:
    """Returns reads of each class and divergence, and those of no class."""
    reads = []
    for divergence in DIVERGENCES:
        for name, genome in classes.items():
            for number, bases in enumerate(drawn(genome, READS, length, divergence, 0.0, draw)):
                reads.append((f"{name}|{divergence}|{number}", *drawing.with_errors(bases, rate, draw)))
    for name, genome in others.items():
        for number, bases in enumerate(drawn(genome, FOREIGN // len(others), length, 0.0, 0.0, draw)):
            reads.append((f"none|{name}|{number}", *drawing.with_errors(bases, rate, draw)))
    return reads


def accuracy(reads: list, found: peers.Found, names: list[str]) -> dict:
    """Returns the fraction of the reads of each divergence that is called right, at the threshold that calls at most 1 % of the foreign reads."""
    origin = np.array([name.split("|")[0] for name, _, _ in reads])
    divergence = np.array([name.split("|")[1] for name, _, _ in reads])
    called = np.array([names[c] if c >= 0 else "" for c, _ in found])
    value = np.array([v for _, v in found])
    foreign = np.sort(value[origin == "none"])
    threshold = max(foreign[int(np.ceil(len(foreign) * (1 - FALSE))) - 1], -0.5)
    right = [float(np.mean(((called == origin) & (value > threshold))[(origin != "none") & (divergence == str(d))])) for d in DIVERGENCES]
    wrong = float(np.mean(((called != origin) & (value > threshold))[origin != "none"]))
    return {"threshold": float(threshold), "false": float(np.mean(foreign > threshold)), "right": right, "other_class": wrong}


def calibration(columns: list[str], rows: list[list[str]], names: list[str]) -> dict:
    """Returns expected and found errors of the most likely answer, in bins of its probability; reads of classes and of none weigh alike."""
    none = columns.index("none")
    classes = [columns.index(f"p_{name}") for name in names]
    origin = np.array([row[0].split("|")[0] for row in rows])
    p = np.array([[float(row[c]) for c in (*classes, none)] for row in rows])
    answers = np.array([*names, "none"])[p.argmax(1)]
    highest, right = p.max(1), answers == origin
    weight = np.where(origin == "none", 0.5 / max(1, (origin == "none").sum()), 0.5 / max(1, (origin != "none").sum()))
    bins = []
    for low, high in ((0, 0.7), (0.7, 0.9), (0.9, 0.98), (0.98, 0.995), (0.995, 1.1)):
        inside = (highest >= low) & (highest < high)
        if inside.any():
            w = weight[inside] / weight[inside].sum()
            bins.append({"from": low, "reads": int(inside.sum()), "expected": float(w @ (1 - highest[inside])), "found": float(w @ ~right[inside])})
    expected, found = float(weight @ (1 - highest)), float(weight @ ~right)
    of_none = origin == "none"
    return {"expected_errors": expected, "found_errors": found, "log2": float(np.log2(expected / found)), "none_called_none": float(np.mean(answers[of_none] == "none")), "bins": bins}


def measured(arguments: argparse.Namespace) -> dict:
    """Returns the results of all sets of classes."""
    result = {"command": COMMAND, "accuracy": [], "calibration": [], "runs": []}
    for group in ("viruses", "viruses and bacteria"):
        classes, others = sets.reporting(arguments.data, arguments.debian, group != "viruses")
        names = list(classes)
        cases = [(100, rate) for rate in ERROR_RATES] + [(length, 0.01) for length in LENGTHS if length != 100]
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            for length, rate in cases:
                reads = mutated(classes, others, length, rate, np.random.default_rng(length))
                fastq = folder / "reads.fastq"
                program.write(fastq, reads)
                programs = {
                    "bm-classes": lambda: peers.bm(arguments.classify, folder, classes, fastq, 0),
                    "bm-classes, one in 16 seeds": lambda: peers.bm(arguments.classify, folder, classes, fastq, 4),
                    "kraken2": lambda: peers.kraken2(folder, classes, fastq, 35, 31, 7, 2),
                    "kraken2, one hit group": lambda: peers.kraken2(folder, classes, fastq, 35, 31, 7, 1),
                    "kraken2, 21-mers": lambda: peers.kraken2(folder, classes, fastq, 21, 19, 4, 1),
                    "sourmash, 21-mers": lambda: peers.sourmash(classes, reads, 21),
                    "sourmash, 31-mers": lambda: peers.sourmash(classes, reads, 31),
                    "minimap2 -x sr": lambda: peers.minimap2(folder, classes, fastq, reads),
                }
                for name, run in programs.items():
                    if arguments.ours and not name.startswith("bm-classes"):
                        continue
                    row = {"classes": group, "length": length, "error_rate": rate, "program": name, **accuracy(reads, run(), names)}
                    result["accuracy"].append(row)
                    print(group, length, rate, name, [round(r, 4) for r in row["right"]], round(row["false"], 4), flush=True)
            draw = np.random.default_rng(5)
            mixed = drawing.mixture(classes, MIXED, draw, False) + drawing.mixture(others, MIXED * len(classes) // len(others), draw, True)
            program.write(folder / "mixed.fastq", mixed)
            for level in (4, 0):
                index = program.build(arguments.classify, folder, classes, f"level={level}")
                title = group + (f", one in {2**level} seeds" if level else "")
                result["calibration"].append({"classes": title, **calibration(*program.rows(arguments.classify, index, folder / "mixed.fastq"), names)})
                print(result["calibration"][-1], flush=True)
            for name, runs in real.REPORTED.items():
                if name != "none" and name not in names:
                    continue
                for run in runs:
                    reads = drawing.of_runs(arguments.data, {name: [run]}, REAL)
                    if reads:
                        program.write(folder / "run.fastq", reads)
                        columns, rows = program.rows(arguments.classify, index, folder / "run.fastq")
                        right = [row[columns.index("class")] == name for row in rows]
                        p = [float(row[columns.index("probability")]) if row[2] == name else 0.0 for row in rows]
                        row = {"classes": group, "run": run, "origin": name, "reads": len(rows), "right": float(np.mean(right)), "mean_probability": float(np.mean(p))}
                        result["runs"].append(row)
                        print(row, flush=True)
    return result


def page(result: dict) -> str:
    """Returns the results as tables."""
    lines = ["# Where reads come from: bm-classes beside other programs", "", f"`{result['command']}` wrote this page and compare.json.", "",
             "Classes, reads and foreign genomes are those of `sets.reporting`. Seeds and weights were chosen on other classes; the foreign genomes, or other strains of",
             "them, were seen there, as classes and as foreign. Figures are the fraction of the",
             "reads that is called right, by the divergence between the read's genome and the reference (substitutions, and one insertion or deletion in ten",
             "changes). The threshold of each program is the lowest that calls at most 1 % of the reads of genomes in no class. *other class*: reads of a class that are called another one.", ""]
    for group in dict.fromkeys(row["classes"] for row in result["accuracy"]):
        lines += [f"## Classes: {group}", "", "| length | errors per base | program | 0 % | 5 % | 10 % | 20 % | foreign called | other class |", "|---|---|---|---|---|---|---|---|---|"]
        for row in result["accuracy"]:
            if row["classes"] == group:
                right = " | ".join(f"{r:.3f}" for r in row["right"])
                lines.append(f"| {row['length']} | {row['error_rate']:.1%} | {row['program']} | {right} | {row['false']:.2%} | {row['other_class']:.2%} |")
        lines.append("")
    lines += ["## Calibration", "", "Reads of 50 to 250 bases, divergence 0 to 20 %, 0.1 to 5 % errors; reads of classes and of none weigh alike.", "",
              "| classes | highest probability | reads | expected errors | found errors |", "|---|---|---|---|---|"]
    for row in result["calibration"]:
        for b in row["bins"]:
            lines.append(f"| {row['classes']} | from {b['from']} | {b['reads']} | {b['expected']:.4f} | {b['found']:.4f} |")
        lines.append(f"| {row['classes']} | all: log2 of the ratio {row['log2']:+.2f} | | {row['expected_errors']:.4f} | {row['found_errors']:.4f} |")
    lines += ["", "Reads of none that are called none: " + ", ".join(f"{row['none_called_none']:.3f} ({row['classes']})" for row in result["calibration"]) + ".", ""]
    lines += ["## Real reads", "", "Reads that map to the reference of their run, ends clipped by the aligner left out, long ones cut at 2,000 bases. `none`: the run's genome is in no class.", "",
              "| classes | run | of | reads | right | mean probability of the right answer |", "|---|---|---|---|---|---|"]
    lines += [f"| {r['classes']} | {r['run']} | {r['origin']} | {r['reads']} | {r['right']:.3f} | {r['mean_probability']:.4f} |" for r in result["runs"]]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--debian", type=Path)
    parser.add_argument("--classify", type=Path)
    parser.add_argument("--ours", action="store_true", help="leave the rows of other programs as they are in the results file")
    parser.add_argument("--render", action="store_true")
    arguments = parser.parse_args()
    file = RESULTS / "compare.json"
    if not arguments.render:
        if not (arguments.data and arguments.debian and arguments.classify):
            parser.error("--data, --debian and --classify are needed")
        arguments.classify = arguments.classify.resolve()
        RESULTS.mkdir(exist_ok=True)
        result = measured(arguments)
        if arguments.ours:
            before = json.loads(file.read_text())["accuracy"]
            others = [row for row in before if not row["program"].startswith("bm-classes")]
            case = lambda row: (row["classes"], row["length"], row["error_rate"])  # noqa: E731
            cases = list(dict.fromkeys(map(case, result["accuracy"])))
            result["accuracy"] = sorted(result["accuracy"] + others, key=lambda row: cases.index(case(row)))
        file.write_text(json.dumps(result, indent=1) + "\n")
    file.with_suffix(".md").write_text(page(json.loads(file.read_text())))


if __name__ == "__main__":
    main()
