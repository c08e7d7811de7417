#!/usr/bin/env python3
"""Compare the model `embed` with sketches and vectors of the same size, on genomes and runs that it has not seen.

    evaluate.py --data DIR --debian DEBIAN [--package models/embed] [--choose] [--output research/embeddings/results]

``--choose`` measures the settings of the other methods on the genomes for choice instead.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

import numpy as np

import methods
import pairs
import split
import tasks
from package import Engine

sys.path.append(str(Path(__file__).resolve().parents[1] / "classes"))
import real  # noqa: E402
from genomes import CODES, drawn  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RATES = (0.0, 0.05, 0.1, 0.2)
RUNS = {
    "measles": ["devtest/hiseq_measles"],
    "lambda": ["devtest/ont_lambda_r9"],
    "mpox": ["devtest/ont_r1041_mpx"],
    "phix": ["train/ont_phix_r9"],
    "e_coli": ["devtest/hifi_ecoli_k12", "devtest/ion_dh10b"],
    "sirv": ["devtest/ont_sirv_cdna"],
}
READS = 300  # of each genome or run, where origins are told apart
LENGTH = 150
SEED = 7
SPACED = "MinHash of 256 × 8 bits, spaced 9 of 13"


def chosen(background: np.ndarray) -> dict:
    """The other methods, with the settings that were best on the genomes for choice."""
    return {
        "MinHash of 64 × 32 bits, 14-mers": methods.MinHash("1" * 14, 64, 32),
        "MinHash of 256 × 8 bits, 8-mers": methods.MinHash("1" * 8, 256, 8),
        SPACED: methods.MinHash("1101101011011", 256, 8),
        "tetranucleotides, 64 components": methods.Projected(("1111",), background),
        "5-mers, 64 components of equal variance": methods.Projected(("11111",), background, True),
        "spaced seeds, hashed to 64": methods.Hashed(("1101011", "110010011")),
        "6-mers, hashed to 64": methods.Hashed(("111111",)),
        "8-mers, hashed to 64": methods.Hashed(("11111111",)),
    }


def settings(background: np.ndarray) -> dict:
    """What the others were chosen from."""
    found: dict = {}
    for k in (6, 8, 10, 12, 14, 16):
        found[f"MinHash of 64 × 32 bits, {k}-mers"] = methods.MinHash("1" * k, 64, 32)
        found[f"MinHash of 256 × 8 bits, {k}-mers"] = methods.MinHash("1" * k, 256, 8)
    for pattern in ("110101011", "1101101011011", "1110100010111"):
        found[f"MinHash of 256 × 8 bits, {pattern}"] = methods.MinHash(pattern, 256, 8)
    for k in (4, 5, 6, 8, 10):
        found[f"{k}-mers, hashed to 64"] = methods.Hashed(("1" * k,))
    for patterns in (("1101011",), ("110010011",), ("1101011", "110010011"), ("1100110011", "1101001011")):
        found[f"{' and '.join(patterns)}, hashed to 64"] = methods.Hashed(patterns)
    for pattern in ("1111", "11111", "111111"):
        for whitened in (False, True):
            name = f"{len(pattern)}-mers, 64 components" + (", of equal variance" if whitened else "")
            found[name] = methods.Projected((pattern,), background, whitened)
    return found


def mixture(genomes: dict, length: int, errors: float, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns reads of all genomes, and the number of the genome of each."""
    reads, origins = [], []
    for number, genome in enumerate(genomes.values()):
        found = drawn(genome, READS, length, 0.0, errors, draw)
        reads += found
        origins += [number] * len(found)
    return pairs.stack(reads), np.array(origins)


def of_runs(data: Path, length: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns a piece of real reads of each run, at a random place of the read, and the number of its genome."""
    reads, origins = [], []
    for number, folders in enumerate(RUNS.values()):
        for folder in folders:
            found = [bases for bases, _ in real.reads(data / folder, 10**9) if len(bases) >= length]
            most = READS // len(folders)
            for place in draw.choice(len(found), min(most, len(found)), replace=False):
                bases = CODES[np.frombuffer(found[place], np.uint8)]
                start = int(draw.integers(0, len(bases) - length + 1))
                reads.append(bases[start : start + length])
                origins.append(number)
    return pairs.stack(reads), np.array(origins)


def origins_of(method, reads: np.ndarray, origins: np.ndarray, clusters: bool = True) -> dict:
    """Purity of neighbours, and clusters."""
    nearest = tasks.neighbours(method, reads, 10, np.random.default_rng(SEED))
    found = tasks.purity(nearest, origins)
    return {**found, **tasks.clusters(nearest, origins)} if clusters else found


def compare(options: argparse.Namespace) -> dict:
    """All figures on the genomes and runs of the report."""
    draw = np.random.default_rng(SEED)
    genomes = split.report(options.data, options.debian)
    training = list(split.training(options.data, options.debian).values())
    background = pairs.stack([s[a : a + LENGTH] for s, a in pairs.gallery(training, 8_000, LENGTH, draw)])
    all_methods = {"embed": Engine(options.package / "model.onnx"), **chosen(background)}
    places = pairs.gallery([genomes["e_coli"], genomes["klebsiella"], genomes["mpox"]], 10_000, LENGTH, draw)
    overlapping = {f"{overlap:.0%} overlap, {rate:.0%}": pairs.retrieval(places, 1_000, LENGTH, overlap, rate, draw) for overlap, rates in ((0.5, RATES), (0.8, (0.1, 0.2))) for rate in rates}
    drawn_reads = {
        f"{length} bases, {errors:.0%} errors": mixture(genomes, length, errors, draw) for length, errors in ((150, 0.02), (150, 0.1), (1_000, 0.08))
    }
    runs = {"pieces of 100 bases": of_runs(options.data, 100, draw), "pieces of 150 bases": of_runs(options.data, 150, draw)}
    out: dict = {"reads": len(places), "overlap": {}, "origins": {}, "runs": {}}
    for name, method in all_methods.items():
        out["overlap"][name] = {key: tasks.recalls(method, *value) for key, value in overlapping.items()}
        out["origins"][name] = {key: origins_of(method, *value) for key, value in drawn_reads.items()}
        out["runs"][name] = {key: origins_of(method, *value) for key, value in runs.items()}
        print(name, json.dumps({key: out[key][name] for key in ("overlap", "origins", "runs")}), flush=True)
    return out


def choose(options: argparse.Namespace) -> None:
    """Writes choice.tsv: figures of the settings on the genomes for choice: each of them, and relabelled, as a genome of its own."""
    draw = np.random.default_rng(SEED)
    genomes = split.choice(options.data, options.debian)
    training = list(split.training(options.data, options.debian).values())
    background = pairs.stack([s[a : a + LENGTH] for s, a in pairs.gallery(training, 8_000, LENGTH, draw)])
    places = pairs.gallery(list(genomes.values()), 6_000, LENGTH, draw)
    overlapping = [pairs.retrieval(places, 500, LENGTH, 0.5, rate, draw) for rate in RATES]
    taxa = {f"{name}{i}": [np.append(table, np.uint8(4))[s] for s in genome] for name, genome in genomes.items() for i, table in enumerate(pairs.RELABELLINGS[:4])}
    reads, origins = mixture(taxa, LENGTH, 0.02, draw)
    lines = ["method\t" + "\t".join(f"recall_at_{rate:.0%}" for rate in RATES) + "\tpurity_1\tpurity_10"]
    for name, method in {"embed": Engine(options.package / "model.onnx"), **settings(background)}.items():
        recalls = [tasks.recalls(method, *each)["recall_1"] for each in overlapping]
        pure = origins_of(method, reads, origins, clusters=False)
        lines.append("\t".join([name, *(f"{value:.3f}" for value in (*recalls, pure["first"], pure["ten"]))]))
        print(lines[-1], flush=True)
    (options.output / "choice.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(figures: dict, part: str, values: list[str]) -> str:
    """A table of one part: a row per method, and the values of each case."""
    cases = list(next(iter(figures[part].values())))
    head = "| method | " + " | ".join(cases) + " |\n|" + "---|" * (len(cases) + 1) + "\n"
    best = {(case, value): max(rows[case][value] for rows in figures[part].values()) for case in cases for value in values}

    def shown(rows: dict, case: str, value: str) -> str:
        text = f"{rows[case][value]:.3f}"
        return f"**{text}**" if rows[case][value] >= best[case, value] - 5e-4 else text

    return head + "".join(f"| {name} | " + " | ".join(" / ".join(shown(rows, case, value) for value in values) for case in cases) + " |\n" for name, rows in figures[part].items())


def page(figures: dict) -> str:
    """results/compare.md."""
    return f"""# Vectors and sketches of reads, 256 bytes each

<!-- Written by research/embeddings/evaluate.py; edit that script, not this page. -->

Measured {figures['date']} by `{figures['command']}`; `compare.json` has the same figures. The best of each case is bold.

## Reads that overlap

The text holds {figures['reads']:,} reads of 150 bases of *E. coli*, *Klebsiella* and mpox that do not overlap each other. Each of 1,000 queries overlaps one of them, is of
either strand, and differs from it in the stated fraction of bases (one difference in ten is an inserted or missing base). How often the read that it overlaps is the most
alike / among the ten most alike; ties count by chance.

{table(figures, 'overlap', ['recall_1', 'recall_10'])}
## Reads of the same genome

{READS} reads of each of eight genomes (measles, lambda, mpox, dengue, mammoth mitochondrion, phiX, *E. coli*, *Klebsiella*), no references: the fraction of reads whose nearest
neighbour / of ten neighbours that are of the same genome, means over genomes. By chance: 0.125.

{table(figures, 'origins', ['first', 'ten'])}
Clusters of the same reads, as many as genomes, in the graph of ten neighbours (spectral clustering): adjusted Rand index / normalised mutual information.

{table(figures, 'origins', ['ari', 'nmi'])}
## Real runs, left out

Pieces of up to {READS} reads of each of six origins that map to the reference of their run, at random places: measles (HiSeq), lambda, phiX and spike-in RNA (Nanopore R9), mpox (Nanopore R10.4.1),
*E. coli* (PacBio HiFi and Ion Torrent). Neighbours of the same origin, as above:

{table(figures, 'runs', ['first', 'ten'])}
Clusters:

{table(figures, 'runs', ['ari', 'nmi'])}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the runs")
    parser.add_argument("--debian", type=Path, required=True, metavar="DEBIAN", help="folder with unpacked Debian packages")
    parser.add_argument("--package", type=Path, default=ROOT / "models/embed", help="the model")
    parser.add_argument("--choose", action="store_true", help="measure settings of the other methods on the genomes for choice")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="folder for compare.json and compare.md")
    options = parser.parse_args()
    if options.choose:
        return choose(options)
    figures = compare(options)
    figures |= {"date": datetime.date.today().isoformat(), "command": "python research/embeddings/evaluate.py --data DIR --debian DEBIAN"}
    options.output.mkdir(exist_ok=True)
    (options.output / "compare.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (options.output / "compare.md").write_text(page(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
