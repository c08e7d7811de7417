#!/usr/bin/env python3
"""Train `read-error`, which estimates for every base the probability that it is wrong, from the qualities around it.

    train_read_error.py --data DIR --bm target/release/bm --output models/read-error
    train_read_error.py --data DIR --bm target/release/bm --left-out FOLDER

The first command trains on every set with truth below DIR, except held-out sets, and on the files without truth that the config
names. It then leaves one run out at a time, to measure the model on runs outside its training data, measures it on the held-out
sets, and writes the package, the results and the card. The second command writes one package FOLDER/SET for each set, trained
without the set's run, for `cargo xtask evaluate`. Both kinds of package include `experience.json`, made with the example program
`base_support` of the crate bm-evidence.

The same seed, library versions and processor type give the same weights. Training runs on one thread.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

import card
import experience
import network
import package
import reads
from reads import Reads

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import metrics  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "configs" / "read-error.toml"
SOURCES = ROOT / "research" / "data" / "sources.toml"
RESULTS = Path(__file__).parent / "results" / "read-error.json"
PACKAGE = ROOT / "models" / "read-error"
RESAMPLES = 1000
COMMAND = "cargo xtask train --model read-error --data DIR"
SMOKE = {"max_errors": 2_000, "max_right": 6_000, "max_reads": 500, "batch": 256}


@dataclass
class TruthSet:
    """A set with truth: its name, sequencing run and platform, whether it is held out, its weight, most reads to use, and its truth table."""

    name: str
    run: str
    platform: str
    held_out: bool
    weight: float
    max_reads: int
    table: Path


def find_sets(folder: Path, config: dict) -> list[TruthSet]:
    """Every set of short reads with a truth table below ``folder``, except sets of other platforms that are not held out."""
    platforms = {run["name"]: run["platform"] for run in tomllib.loads(SOURCES.read_text(encoding="utf-8"))["run"]}
    sets = []
    for table in sorted(folder.rglob(f"*{reads.SUFFIX}")):
        name, part = table.parent.name, table.relative_to(folder).parts[0]
        known, held_out = config["truth"].get(name, {}), part in config["truth"]["held_out"]
        if part in config["truth"]["unused"]:
            print(f"{name}: left out, below {part}")
            continue
        if (platform_of := platforms.get(name, "illumina")) != "illumina" and not held_out:
            print(f"{name}: left out, {platform_of}")
            continue
        lengths = []
        for path in reads.fastq_files(table):
            for number, (_, sequence, _) in enumerate(reads.records(path)):
                lengths.append(len(sequence))
                if number == 500:
                    break
        if not lengths or np.median(lengths) > config["truth"]["longest_median"]:
            print(f"{name}: left out, {'long reads' if lengths else 'no FASTQ in the folder of its table'}")
            continue
        most = known.get("max_reads", config["training"]["max_reads"])
        sets.append(TruthSet(name, known.get("run", name), platform_of, held_out, known.get("weight", 1.0), most, table))
    return sets


def measured(found: Reads, expected: np.ndarray) -> dict:
    """MCC, AUC and log2(predicted/true errors) of reported qualities and of the model, with 95 % intervals over reads.

    Parameters
    ----------
    found : Reads
    expected : float array [reads]
        Expected errors by the model.
    """
    labels = metrics.Labels(found.errors, found.scored, found.length, found.good())
    reported = found.reported()
    measures = {}
    for name, errors in (("reported", reported), ("model", expected)):
        rate = errors / found.length
        measures[name] = metrics.Measure(metrics.MethodOutput(rate, errors, rate <= 0.01, errors), labels)
    figures = metrics.measured(measures, len(found.length), RESAMPLES, 0, "reported")
    wanted = ("mcc", "auc", "log2_ratio")
    out = {name: {key: figures[name]["figures"][key] for key in wanted} for name in measures}
    out["difference"] = {key: figures["model"]["difference"][key] for key in ("mcc", "auc")}
    return {"reads": len(found.length), "bad": int((~found.good()).sum()), **out}


def show(name: str, row: dict) -> None:
    values = " ".join(f"{who} {row[who]['mcc'][0]:.3f}/{row[who]['auc'][0]:.3f}/{row[who]['log2_ratio'][0]:+.2f}" for who in ("reported", "model"))
    print(f"{name:28s} {values}", flush=True)


def mean_over_runs(rows: dict[str, dict]) -> dict:
    """Means of MCC, AUC and |log2| over runs; sets of one run count as one run."""
    out = {}
    for who in ("reported", "model"):
        runs: dict[str, list] = {}
        for row in rows.values():
            runs.setdefault(row["run"], []).append([row[who]["mcc"][0], row[who]["auc"][0], abs(row[who]["log2_ratio"][0])])
        out[who] = dict(zip(("mcc", "auc", "abs_log2_ratio"), np.mean([np.mean(v, 0) for v in runs.values()], 0).tolist()), runs=len(runs))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings, and facts about runs (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with truth sets below it")
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which encodes the reads")
    parser.add_argument("--statements", type=Path, default=ROOT / "target/release/examples/base_support", help="the example program base_support of bm-evidence")
    parser.add_argument("--output", type=Path, default=PACKAGE, help="package folder")
    parser.add_argument("--seed", type=int, help="seed of draws and weights [default: the config's]")
    parser.add_argument("--left-out", type=Path, metavar="FOLDER", help="only write packages trained without one run each")
    parser.add_argument("--smoke", action="store_true", help="train on a few hundred reads of the test data: tests that the script runs, gives no useful model")
    options = parser.parse_args()
    config = tomllib.loads(options.config.read_text(encoding="utf-8"))
    folder = ROOT / "testdata" if options.smoke else options.data
    if folder is None:
        parser.error("expected --data DIR or --smoke")
    if options.smoke:
        config["training"] |= SMOKE
    if options.seed is not None:
        config["training"]["seed"] = options.seed
    torch.set_num_threads(1)
    began, bm, settings = time.monotonic(), options.bm.resolve(), config["training"]
    seed, window = settings["seed"], config["network"]["window"]
    vectors = reads.vectors(bm)
    sets = find_sets(folder, config)

    parts, data = {}, []  # name of a set or file: (run, sample, weight, has truth)
    taught = {}  # name of a set: (run, counts of its support codes)
    for each in sets:
        if not each.held_out:
            found = reads.with_truth(each.table, bm, each.max_reads, 2)
            if not found:
                print(f"{each.name}: left out, every read is ambiguous")
                continue
            parts[each.name] = (each.run, network.sample(found, window, settings, seed), each.weight, True)
            if config["truth"].get(each.name, {}).get("experience", True):
                taught[each.name] = (each.run, experience.learn(each.table, options.statements.resolve()))
        files = [each.table, *reads.fastq_files(each.table)]
        data += [{"name": each.name, "file": path.name, "sha256": reads.sha256(path), "role": "held-out" if each.held_out else "truth"} for path in files]
    for each in config["own"]:
        path = folder / each["file"]
        if not path.is_file():
            print(f"{each['file']}: not found, left out")
            continue
        found = reads.with_own_labels(path, bm, each.get("offset", 33), settings["max_own_reads"])
        parts[path.name] = (path.name, network.sample(found, window, settings, seed), each.get("weight", 1.0), False)
        data.append({"name": path.name.split(".")[0], "file": path.name, "sha256": reads.sha256(path), "role": "own k-mers"})
    if not any(truth for *_, truth in parts.values()):
        raise SystemExit(f"{folder}: no set with truth to learn from")
    print(f"{len(parts)} runs, {sum(len(part[1][2]) for part in parts.values())} bases", flush=True)

    def fit(without: str | None) -> network.ReadError:
        return network.train([part for part in parts.values() if part[0] != without], vectors, config, seed)

    def write_experience(folder: Path, without: str | None) -> None:
        experience.write(folder, [counts for run, counts in taught.values() if run != without])

    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0].removeprefix("bm ")
    tools = {"bm": version, "python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__.split("+")[0], "onnx": onnx.__version__}
    runs = [run for run in dict.fromkeys(each.run for each in sets if each.name in parts) if any(part[3] and part[0] != run for part in parts.values())]
    if options.left_out:
        for run in runs:
            other = fit(run).weights()
            for each in (each for each in sets if each.run == run and each.name in parts):
                target = options.left_out / each.name
                package.write_models(target, other, config)
                package.write_golden(target, ROOT / "testdata", bm, config)
                write_experience(target, run)
                package.write_manifest(target, config, [entry for entry in data if entry["name"] != each.name], {}, tools)
                print(f"wrote {target.name}, trained without the run {run}", flush=True)
        return

    net = fit(None)
    package.write_models(options.output, net.weights(), config)
    probe = np.arange(min(len(vectors), 1500))  # a read with every code once, to compare engines
    codes = Reads(probe.astype(np.uint16), np.array([len(probe)]), np.zeros(len(probe), bool), np.ones(len(probe), bool))
    with torch.no_grad():
        p = torch.sigmoid(net.double()(*(torch.tensor(x) for x in codes.windows(probe, window)))).numpy()
    differences = package.check(options.output, p, vectors[probe])
    net.float()
    if fault := package.order_fault(options.output, bm):
        raise SystemExit(f"{options.output}: {fault}")
    print("files against PyTorch and each other, max |Δp|:", {key: f"{value:.1e}" for key, value in differences.items()})
    results: dict = {"command": COMMAND, "date": datetime.date.today().isoformat(), "seed": seed, "tools": tools}
    rows: dict[str, dict] = {}
    print("MCC/AUC/log2(predicted/true errors) on left-out runs, then on held-out sets")
    for run in runs:
        other = fit(run)
        for each in (each for each in sets if each.run == run and each.name in parts):
            found = reads.with_truth(each.table, bm, settings["judged_reads"], 1)
            rows[each.name] = {"run": run, **measured(found, network.expected_errors(other, found))}
            show(each.name, rows[each.name])
    held = {}
    for each in (each for each in sets if each.held_out):
        if found := reads.with_truth(each.table, bm, settings["held_out_reads"], 1):
            note = config["truth"].get(each.name, {}).get("note")
            held[each.name] = {"run": each.run, "platform": each.platform, "note": note, **measured(found, network.expected_errors(net, found))}
            show(each.name, held[each.name])
    results |= {"left_out": rows, "held_out": held, "max_delta_p": differences}
    if rows:
        results["mean_left_out"] = mean_over_runs(rows)
        print("mean over left-out runs:", json.dumps(results["mean_left_out"]))
        others = {name: row for name, row in held.items() if row["platform"] == "illumina" and row["run"] not in runs}
        results["mean_unseen"] = mean_over_runs(rows | others)
        print("mean over left-out and held-out Illumina runs:", json.dumps(results["mean_unseen"]))
    package.write_golden(options.output, ROOT / "testdata", bm, config)
    write_experience(options.output, None)
    package.write_manifest(options.output, config, data, results, tools)
    shipped = options.output.resolve() == PACKAGE
    if shipped:  # models trained into another folder are not results of this project
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if rows and not options.smoke:
        manifest = json.loads((options.output / "manifest.json").read_text(encoding="utf-8"))
        (options.output / "README.md").write_text(card.card(manifest, shipped), encoding="utf-8")
    print(f"{options.output}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
