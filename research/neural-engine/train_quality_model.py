#!/usr/bin/env python3
"""Train a network that separates reads with a mean Phred of at least 20 from the others.

A model package from several runs, with held-out runs measured at the end:

    train_quality_model.py --config configs/mean-q20.toml --data DIR --bm target/release/bm --output models/mean-q20

A bare model from one's own reads:

    train_quality_model.py --fastq reads.fastq.gz --max-records 50000 --epochs 20 --output quality_model.onnx

``--smoke`` makes a package from 200 reads of the repository's test data: it tests that training runs and gives no useful model.

The same seed, machine type, library versions and number of threads (``threads`` in the config) give the same weights,
bit for bit. With another number of threads or another processor, sums are added in another order and the weights differ slightly.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import json
import platform
import shlex
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

import data
import evaluate
import export
from data import Reads
from model import QualityMlp

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "configs" / "mean-q20.toml"
RESULTS = Path(__file__).parent / "results"

# The data of --smoke: 200 reads of the test data, including long reads because these have low qualities.
SMOKE_RUNS = [
    {"name": "hiseqx_phage", "role": "train", "files": ["hiseqx_phage/hiseqx_phage.fastq.gz"], "max_records": 100},
    {"name": "hiseq_measles", "role": "train", "files": ["hiseq_measles/hiseq_measles_2.fastq.gz"], "max_records": 60},
    {"name": "ont_lambda_r9", "role": "train", "files": ["nanopore_lambda_4line.fastq.gz"], "max_records": 40},
    {"name": "novaseq_a00129", "role": "held-out", "files": ["novaseq_A00129_800.fastq.gz"], "max_records": 50},
]
SMOKE_SETTINGS = {
    "train": {"epochs": 4, "dropout_epochs": 2, "batch": 128},
    "sets": {"draws_train": 4000, "draws_validation": 1000, "windows_per_read": 8},
}


# ---------------------------------------------------------------------------------------------------- the reads


def prepare(config: dict, folder: Path, rng: np.random.Generator) -> tuple[dict[str, Reads], list[tuple[bytes, bytes]], list[dict]]:
    """Read the training runs and split each 70/15/15, stratified by label, before any read is altered.

    Whole reads are split: all windows of a long read are in the same part.

    Returns
    -------
    dict of Reads
        ``train``, ``validation`` and ``test``: unaltered windows of at most 150 bases.
    list of tuple
        Sequence and quality of the validation reads that are longer than a window.
    list of dict
        One row per file of every run, for the manifest.
    """
    parts: dict[str, list[Reads]] = {"train": [], "validation": [], "test": []}
    long_validation, provenance = [], []
    print(f"{'run':<26}{'reads':>9}{'windows':>9}{'below Q20':>11}")
    for run in config["run"]:
        records = []
        for name in run["files"]:
            found = data.read_fastq(folder / name, run.get("max_records"))
            file = {"name": run["name"], "file": Path(name).name, "sha256": data.sha256(folder / name)}
            provenance.append({**file, "reads": len(found), "role": run["role"]})
            records += found
        if run["role"] != "train":
            continue
        label = np.array([data.mean_phred(q[: data.WINDOW]) >= data.THRESHOLD_PHRED for _, q in records])
        windows = []
        for part, rows in zip(parts, data.stratified_split(label, rng)):
            if part == "validation":
                long_validation += [records[i] for i in rows if len(records[i][0]) > data.WINDOW]
            if len(rows):
                windows.append(data.windows_of([records[i] for i in rows], config["sets"]["windows_per_read"], rng))
                parts[part].append(windows[-1])
        fails = sum(int((~w.passes()).sum()) for w in windows)
        print(f"{run['name']:<26}{len(records):>9}{sum(map(len, windows)):>9}{fails:>11}")
    if not all(parts.values()):
        raise SystemExit("too few reads for three parts: at least 7 in one file are needed")
    return {part: Reads.concatenate(found) for part, found in parts.items()}, long_validation, provenance


def altered_rows(pool: Reads, n: int, fraction: dict, config: dict, bm: Path, rng: np.random.Generator) -> tuple[Reads, torch.Tensor, torch.Tensor]:
    """At most ``n`` reads drawn from ``pool``, altered with the given probabilities, with their features and targets.

    The target is a soft label, sigmoid((mean Phred - 20) / tau). It is on the label's side of one half for every read, and makes
    the logit linear in the mean quality instead of a step. A read longer than a window is scored by the mean of its windows'
    logits. With linear logits, this mean equals the logit of the mean quality; with steps, it would be a vote.
    """
    n = min(n, 10 * len(pool))  # with few reads, more draws would only add repeats
    reads = data.augment(data.draw(pool, n, rng, config["sets"]["max_repeats"]), rng, fraction)
    features = torch.from_numpy(data.encode_reads(bm, reads))  # [n, 300]
    margin = torch.from_numpy((reads.mean_phred() - data.THRESHOLD_PHRED).astype(np.float32))  # [n]
    return reads, features, torch.sigmoid(margin / config["train"]["tau_phred"])


# ------------------------------------------------------------------------------------------------- the training


def logits(model: QualityMlp, features: torch.Tensor) -> torch.Tensor:
    """Logits [rows] without dropout, computed in slices that fit the cache."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part) for part in features.split(8192)])


def fit(
    features: torch.Tensor, target: torch.Tensor, val_features: torch.Tensor, val_target: torch.Tensor, settings: dict
) -> tuple[QualityMlp, list[dict]]:
    """Train with Adam on binary cross-entropy; keep the weights of the epoch with the lowest validation loss.

    The first ``dropout_epochs`` epochs run with dropout, the rest without: dropout prevents the network from relying on few hidden
    units, but its noise also prevents an exact sum over 150 qualities. The learning rate rises over the first tenth of the steps
    and then falls along a cosine. Training stops after ``patience`` epochs without a better validation loss, counted from the end
    of dropout.

    Returns
    -------
    QualityMlp
        With the best weights, in evaluation mode.
    list of dict
        ``epoch``, ``train_loss``, ``val_loss``; one row per epoch.
    """
    model = QualityMlp(settings["dropout"])
    optimiser = torch.optim.Adam(model.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"])
    epochs, batch = settings["epochs"], settings["batch"]
    per_epoch = len(features) // batch
    step, steps = 0, epochs * per_epoch
    if not 0 <= settings["dropout_epochs"] <= epochs or per_epoch < 1:
        raise SystemExit("config: expected 0 <= dropout_epochs <= epochs and at least one batch of reads")
    history: list[dict] = []
    best = None
    for epoch in range(1, epochs + 1):
        if epoch == settings["dropout_epochs"] + 1:
            model.set_dropout(0.0)
        model.train()
        total = 0.0
        for rows in torch.randperm(len(features))[: per_epoch * batch].split(batch):
            rate = min(1.0, (step + 1) / (0.1 * steps)) * 0.5 * (1 + np.cos(np.pi * step / steps))
            for group in optimiser.param_groups:
                group["lr"] = settings["learning_rate"] * max(rate, 1e-3)
            loss = binary_cross_entropy_with_logits(model(features[rows]), target[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            step += 1
        val_loss = binary_cross_entropy_with_logits(logits(model, val_features), val_target).item()
        history.append({"epoch": epoch, "train_loss": total / per_epoch, "val_loss": val_loss})
        print(f"Epoch {epoch}/{epochs} | Train Loss: {total / per_epoch:.4f} | Val Loss: {val_loss:.4f}", flush=True)
        if best is None or val_loss < best[1]:
            best = (epoch, val_loss, copy.deepcopy(model.state_dict()))
        elif epoch - max(best[0], settings["dropout_epochs"]) >= settings["patience"]:
            print(f"stopped early: no better validation loss for {settings['patience']} epochs")
            break
    assert best is not None
    print(f"weights of epoch {best[0]}")
    model.load_state_dict(best[2])
    model.eval()
    return model, history


def validation_report(model: QualityMlp, reads: Reads, features: torch.Tensor, target: torch.Tensor, tau: float) -> dict:
    """Figures by which settings are chosen: how exactly the logit follows the mean quality, on validation reads, by length.

    ``excess_loss`` is the loss above that of a perfect network, which is the entropy of the soft targets.
    ``phred_rmse`` is the root mean square of (20 + tau x logit) - mean Phred over reads of mean 14 to 26.
    """
    z = logits(model, features)
    loss = binary_cross_entropy_with_logits(z, target).item()
    z, mean = z.numpy().astype(np.float64), reads.mean_phred()
    error, right = 20 + tau * z - mean, (z >= 0) == (mean >= data.THRESHOLD_PHRED)
    report: dict = {"reads": len(reads), "excess_loss": loss - binary_cross_entropy(target, target).item(), "by_length": []}
    for low, high in ((1, 34), (35, 50), (51, 100), (101, 149), (150, 150)):
        rows = (reads.length >= low) & (reads.length <= high)
        around, near = rows & (np.abs(mean - 20) <= 6), rows & (np.abs(mean - 20) <= 1)
        if around.any():
            counts = {"right": int(right[rows].sum()), "reads": int(rows.sum()), "near_right": int(right[near].sum()), "near_reads": int(near.sum())}
            report["by_length"].append({"from": low, "to": high, "phred_rmse": float(np.sqrt(np.mean(error[around] ** 2))), **counts})
    return report


def long_report(model: QualityMlp, records: list[tuple[bytes, bytes]], bm: Path) -> dict:
    """Verdicts on validation reads longer than a window, under the window rule, compared with the mean of the whole read."""
    if not records:
        return {}
    mean, lengths = np.array([data.mean_phred(q) for _, q in records]), np.array([len(s) for s, _ in records])
    features = torch.from_numpy(evaluate.window_features(records, bm))  # [windows, 300]
    probability = evaluate.combine(torch.sigmoid(logits(model, features)).numpy(), lengths)
    return {**evaluate.confusion(mean >= data.THRESHOLD_PHRED, probability >= 0.5), **evaluate.far_and_near(mean, probability)}


def print_test_set(pass_label: np.ndarray, verdict: np.ndarray) -> dict[str, float]:
    """Print and return accuracy, precision, recall and F1 of the pass class."""
    metrics = evaluate.metrics(evaluate.confusion(pass_label, verdict))
    print("Test Set Evaluation")
    for name, key in (("Accuracy:", "accuracy"), ("Precision:", "precision"), ("Recall:", "recall"), ("F1 Score:", "f1")):
        print(f"{name:<10} {metrics[key]:.4f}")
    return metrics


# -------------------------------------------------------------------------------------------------- the package


def tool_versions(bm: Path) -> dict[str, str]:
    """Versions of everything the weights depend on."""
    return {
        "python": platform.python_version(), "torch": torch.__version__.split("+")[0], "numpy": np.__version__,
        "onnx": onnx.__version__, "bm": data.bm_version(bm),
    }  # fmt: skip


def write_package(package: Path, config: dict, provenance: list[dict], measured: dict, tools: dict, bm: Path) -> None:
    """Write golden.json and manifest.json into the folder of the two ONNX files."""
    model = config["model"]
    golden = evaluate.golden(package / "model.onnx", ROOT / "testdata", bm)
    (package / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    files = {}
    for name in ("model.onnx", "model.ane.onnx", "golden.json"):
        files[name] = {"sha256": data.sha256(package / name), "bytes": (package / name).stat().st_size}
    manifest = {
        "format": 1,
        "id": model["id"],
        "version": model["version"],
        "task": "read-quality",
        "description": model["description"],
        "encoding": {"id": "scalar-150", "version": 1},
        "window": {"length": data.WINDOW, "rule": "base-weighted-mean-logit"},
        "thresholds": {"default": 0.5},
        "label": {"name": "mean-phred", "definition": "pass: mean Phred of the read >= 20"},
        "input": {"name": "features", "shape": ["batch", data.FEATURES]},
        "output": {"name": "probability", "shape": ["batch", 1]},
        "files": files,
        "training": {
            "data": provenance,
            "seed": config["train"]["seed"],
            "config": {section: config[section] for section in ("train", "sets", "augment")},
            "tools": tools,
        },
        "metrics": measured,
    }
    (package / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


# ------------------------------------------------------------------------------------------------- command line


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings, and the runs of a package (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder the config's file names are relative to")
    parser.add_argument("--fastq", type=Path, nargs="+", metavar="FILE", help="train a model without a package on these files instead")
    parser.add_argument("--max-records", type=int, metavar="N", help="with --fastq: most records to read from each file")
    parser.add_argument("--epochs", type=int, metavar="N", help="most epochs [default: the config's]")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of split, augmentation and weights [default: the config's]")
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which encodes the reads")
    parser.add_argument("--output", type=Path, help="package folder; with --fastq the .onnx file [default: quality_model.onnx]")
    parser.add_argument("--smoke", action="store_true", help="train on 200 reads of the test data: tests that training runs, gives no useful model")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change one setting of the config")
    parser.add_argument("--trial", type=Path, metavar="FILE", help="write validation figures to FILE (JSON), and no model")
    options = parser.parse_args()
    if sum((options.fastq is not None, options.data is not None, options.smoke)) != 1:
        parser.error("expected one of --data DIR, --fastq FILE..., --smoke")
    if not options.fastq and not options.output and not options.trial:
        parser.error("expected --output with a package folder")
    return options


def settings(options: argparse.Namespace) -> tuple[dict, Path]:
    """The config with the changes from the command line, and the folder that its file names are relative to."""
    config, folder = tomllib.loads(options.config.read_text()), options.data
    if options.smoke:
        config["run"], folder = SMOKE_RUNS, ROOT / "testdata"
        for table, values in SMOKE_SETTINGS.items():
            config[table].update(values)
    if options.fastq:
        runs = [{"name": f.name, "role": "train", "files": [str(f.resolve())], "max_records": options.max_records} for f in options.fastq]
        config["run"], folder = runs, Path("/")
        config["model"] |= {"id": (options.output or Path("quality_model")).name.removesuffix(".onnx"), "version": 1}
    config["validation_augment"] = dict(config["augment"])
    for change in options.set:
        for table, values in tomllib.loads(change).items():
            if table not in ("train", "sets", "augment") or not values.keys() <= config[table].keys():
                raise SystemExit(f"--set {change}: not a setting of {options.config.name}")
            config[table].update(values)
    if options.epochs:
        # The fraction of epochs with dropout stays the same.
        fraction = config["train"]["dropout_epochs"] / config["train"]["epochs"]
        config["train"] |= {"epochs": options.epochs, "dropout_epochs": int(fraction * options.epochs)}
    if options.seed is not None:
        config["train"]["seed"] = options.seed
    return config, folder


def command_line(options: argparse.Namespace) -> str:
    """The command that repeats this run, without paths of this machine."""
    parts = ["train_quality_model.py", "--config", f"configs/{options.config.name}", "--data", "DIR"]
    for flag, value in (("--epochs", options.epochs), ("--seed", options.seed)):
        parts += [flag, str(value)] if value is not None else []
    for change in options.set:
        parts += ["--set", change]
    to = ["--trial", f"results/trials/{options.trial.name}"] if options.trial else ["--output", f"models/{options.output.name}"]
    return shlex.join(parts + to)


def main() -> None:
    options = arguments()
    config, folder = settings(options)
    bm, began = options.bm.resolve(), time.monotonic()
    rng = np.random.default_rng(config["train"]["seed"])
    torch.manual_seed(config["train"]["seed"])
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(config["train"]["threads"])

    parts, long_validation, provenance = prepare(config, folder, rng)
    reads, features, target = altered_rows(parts["train"], config["sets"]["draws_train"], config["augment"], config, bm, rng)
    passing, near, short = reads.passes().mean(), (np.abs(reads.mean_phred() - 20) <= 1).mean(), (reads.length < data.WINDOW).mean()
    print(f"training rows: {len(reads)}: {passing:.1%} pass, {near:.1%} within one Phred of the threshold, {short:.1%} under 150 bases")
    # A separate generator and the unchanged config, so that trials of other settings are compared on the same reads.
    val_rng = np.random.default_rng([config["train"]["seed"], 1])
    val_reads, val_features, val_target = altered_rows(
        parts["validation"], config["sets"]["draws_validation"], config["validation_augment"], config, bm, val_rng
    )
    model, history = fit(features, target, val_features, val_target, config["train"])

    natural = torch.from_numpy(data.encode_reads(bm, parts["validation"]))
    tau = config["train"]["tau_phred"]
    natural_target = torch.sigmoid(torch.from_numpy((parts["validation"].mean_phred() - 20).astype(np.float32)) / tau)
    validation = {
        "altered": validation_report(model, val_reads, val_features, val_target, tau),
        "unaltered": validation_report(model, parts["validation"], natural, natural_target, tau),
        "longer than a window": long_report(model, long_validation, bm),
    }
    if options.trial:
        changed = {"command": command_line(options), "epochs_run": len(history)}
        options.trial.parent.mkdir(parents=True, exist_ok=True)
        options.trial.write_text(json.dumps({**changed, "tools": tool_versions(bm), "validation": validation}, indent=1) + "\n")
        print(f"wrote {options.trial}")
        return

    test_features = data.encode_reads(bm, parts["test"])
    # Compared with float64, so that the difference does not include PyTorch's rounding.
    exact = copy.deepcopy(model).double()
    expected = torch.sigmoid(logits(exact, torch.from_numpy(test_features).double())).numpy()
    test = print_test_set(parts["test"].passes(), expected >= 0.5)

    path = (options.output or Path("quality_model.onnx")) if options.fastq else options.output / "model.onnx"
    export.write(model.arrays(), path, export.metadata(config["model"]["id"], config["model"]["version"]))
    d32, d16 = export.check(path, test_features, expected)
    print(f"Model exported to ONNX: {path}")
    print(f"{path.name}: max |Δp| against PyTorch in float64 {d32:.1e}; {export.ane_path(path).name}: against {path.name} {d16:.1e}")

    if options.smoke:
        losses = [row["train_loss"] for row in history]
        assert np.isfinite(losses).all() and losses[-1] < losses[0], f"training loss did not fall: {losses}"
    if options.fastq:
        return

    tools = tool_versions(bm)
    measured = {"test": {"reads": len(parts["test"]), **test}, "max_delta_p": {"f32_against_torch_f64": d32, "f16_against_f32": d16}}
    write_package(options.output, config, provenance, measured, tools, bm)
    if options.smoke:
        evaluate.measure(options.output, config["run"], folder, bm, tau)
        print(f"smoke training: {time.monotonic() - began:.1f} s")
        return
    log = {
        "command": command_line(options),
        "date": datetime.date.today().isoformat(), "seed": config["train"]["seed"], "tools": tools,
        "wall_s": round(time.monotonic() - began, 1), "history": history, "validation": validation, "test": measured["test"],
    }  # fmt: skip
    (RESULTS / f"{config['model']['id']}.training.json").write_text(json.dumps(log, indent=1) + "\n")
    results = evaluate.measure(options.output, config["run"], folder, bm, tau)
    evaluate.publish(results, options.output, RESULTS / f"{config['model']['id']}.json")
    sys.exit(evaluate.verdict(results))


if __name__ == "__main__":
    main()
