#!/usr/bin/env python3
"""Train the network of `bm adapt` with PyTorch, with bm's labels and start, and compare the two networks.

    train_torch.py --bm target/release/bm [--data DIR]                  # the committed runs, and every folder of FASTQ below DIR
    train_torch.py --bm target/release/bm --fastq FILES [--labels TSV]  # one run; TSV as `bm adapt FILES --labels TSV` wrote it
    train_torch.py --bm target/release/bm --smoke                       # a few steps on few reads: tests that the script runs

Every fourth template is held out. `bm adapt` learns from the others, and PyTorch from the labels that bm wrote for them: all
labelled bases, the same start and the same prior, with Adam and then L-BFGS until the loss stops falling. Both networks are then
evaluated on the labelled bases of the held-out templates, with the labels of the whole run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import labelled
from definition import CHANNELS, LOG_ODDS, NEAR, PLACE, LETTER, WINDOW, Adapted, log_loss, of_file
from labelled import Bases

ROOT = Path(__file__).resolve().parents[2]
START = ROOT / "models/read-error/model.onnx"
RESULTS = Path(__file__).resolve().parent / "results/torch.json"
RUNS = {
    "hiseqx_phage": ["testdata/hiseqx_phage/hiseqx_phage.fastq.gz"],
    "miseq_twist": [f"testdata/miseq_twist/miseq_twist_first2000_{mate}.fastq.gz" for mate in (1, 2)],
}
COMMAND = "research/adapt/train_torch.py --bm target/release/bm"

HELD_OUT = 4  # one template in four is held out
PULL = 30.0  # the prior of bm-adapt: the inverse variance of a parameter around its start
JITTER = 0.01  # zeros become random values up to this size, so that unused units do not all learn the same
SEEDS = 3  # runs of bm adapt; the spread between seeds shows which differences are noise
BLOCK = 1 << 15  # bases processed at once
NATS = 1000 / math.log(2)  # a nat in millibits

ADAM = {"rounds": 4, "batch": 2048, "rate": 0.01}
LBFGS = {"most": 400, "stays": 1e-6}  # stop if ten iterations lower the loss by less than this fraction
SMOKE = {"rounds": 1, "most": 10, "seeds": 1}
SMOKE_RUN, SMOKE_TEMPLATES = "miseq_twist", 1600  # about the fewest that bm learns from


class Inputs:
    """Input of the network.

    Parameters
    ----------
    vectors : float32 array [codes, CHANNELS]
        A row of zeros is added for positions outside a read.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.outside = len(vectors)
        table = torch.tensor(np.vstack([vectors, np.zeros((1, CHANNELS), np.float32)]))
        self.near, self.log_odds = table[:, NEAR].contiguous(), table[:, LOG_ODDS].contiguous()
        self.place = table[:, PLACE:LETTER].argmax(1)

    def logit(self, net: Adapted, around: np.ndarray) -> torch.Tensor:
        """Log-odds of an error, [bases], from the codes around each base, [bases, WINDOW]: the convolutions at one position each."""
        codes = torch.from_numpy(around.astype(np.int64))
        own = codes[:, WINDOW // 2]
        weights = net.near.permute(2, 1, 0).reshape(-1, net.near.shape[0])  # [window * channels, units]
        near = self.near[codes].reshape(len(codes), -1).to(weights.dtype)  # [bases, window * channels]
        hidden = near @ weights + net.bias + net.place[:, :, 0].T[self.place[own]]
        return net.a * self.log_odds[own] + net.b + torch.relu(hidden) @ net.last

    def check(self, net: Adapted) -> None:
        """Assert that `logit` equals the network of the definition, on a read made of every 61st code."""
        codes = np.arange(0, self.outside, 61).astype(np.uint16)
        around = labelled.windows(codes, np.zeros(len(codes)), np.arange(len(codes)), WINDOW, self.outside)
        table = torch.zeros(CHANNELS, len(codes), dtype=torch.float64)
        table[NEAR], table[LOG_ODDS] = self.near[codes].T.double(), self.log_odds[codes].double()
        table[PLACE + self.place[codes], torch.arange(len(codes))] = 1
        with torch.no_grad():
            torch.testing.assert_close(self.logit(net, around), net(table[None])[0])


class Objective:
    """Mean log loss of labelled bases, in nats, plus the prior of the parameters around their start."""

    def __init__(self, inputs: Inputs, bases: Bases, start: np.ndarray) -> None:
        self.inputs, self.bases, self.start = inputs, bases, Adapted(start)
        self.wrong = torch.from_numpy(bases.wrong.astype(np.float64))
        self.pull = PULL / len(bases.wrong)

    def prior(self, net: Adapted) -> torch.Tensor:
        pairs = zip(net.parameters(), self.start.parameters())
        return self.pull / 2 * sum(((now - then.detach().to(now.dtype)) ** 2).sum() for now, then in pairs)

    def some(self, net: Adapted, at: np.ndarray) -> torch.Tensor:
        """The objective on the bases `at`, int [batch]."""
        logit = self.inputs.logit(net, self.bases.around[at])
        wrong = self.wrong[torch.from_numpy(at)].to(logit.dtype)
        return log_loss(logit, wrong, torch.ones_like(logit)) + self.prior(net)

    def all(self, net: Adapted) -> float:
        """The objective on all bases; also accumulates the gradient if gradients are enabled."""
        total = self.prior(net)
        if torch.is_grad_enabled():
            total.backward()
        total = total.item()
        for first in range(0, len(self.wrong), BLOCK):
            block = slice(first, first + BLOCK)
            logit = self.inputs.logit(net, self.bases.around[block])
            wrong = self.wrong[block].to(logit.dtype)
            loss = log_loss(logit, wrong, torch.ones_like(logit)) * (len(wrong) / len(self.wrong))
            if torch.is_grad_enabled():
                loss.backward()
            total += loss.item()
        return total


def train(objective: Objective, start: np.ndarray, settings: dict, seed: int) -> tuple[Adapted, dict]:
    """The network that PyTorch finds, and the history of its training."""
    rng = np.random.default_rng(seed)
    net = Adapted(np.where(start == 0, rng.uniform(-JITTER, JITTER, len(start)), start)).float()
    bases, batch = len(objective.wrong), settings["batch"]
    steps = settings["rounds"] * (bases // batch)
    optimiser = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings["rate"], total_steps=steps + 1, pct_start=0.2)
    for step in range(steps):
        if (at := step % (bases // batch)) == 0:
            order = rng.permutation(bases)
        optimiser.zero_grad()
        objective.some(net, order[at * batch : (at + 1) * batch]).backward()
        optimiser.step()
        schedule.step()
    net = net.double()
    with torch.no_grad():
        history = {"steps": steps, "loss_after_adam": objective.all(net)}
    return net, history | polish(objective, net, settings)


def polish(objective: Objective, net: Adapted, settings: dict) -> dict:
    """Minimise the objective on all bases with L-BFGS until it stops falling; returns the history."""
    optimiser = torch.optim.LBFGS(net.parameters(), max_iter=10, history_size=30, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        return torch.tensor(objective.all(net))

    iterations, before = 0, math.inf
    while iterations < settings["most"]:
        loss = float(optimiser.step(closure))
        iterations += 10
        if before - loss < settings["stays"] * loss:
            break
        before = loss
    with torch.no_grad():
        return {"iterations": iterations, "loss": objective.all(net)}


def logits(inputs: Inputs, flat: np.ndarray, bases: Bases) -> np.ndarray:
    """Log-odds of an error for labelled bases, by the network with parameters ``flat``; float64 [bases]."""
    net = Adapted(flat)
    blocks = [slice(first, first + BLOCK) for first in range(0, len(bases.wrong), BLOCK)]
    with torch.no_grad():
        return torch.cat([inputs.logit(net, bases.around[block]) for block in blocks]).numpy()


def losses(logit: np.ndarray, bases: Bases) -> np.ndarray:
    """Log loss of each base, in millibits."""
    return NATS * np.logaddexp(0, np.where(bases.wrong, -logit, logit))


def gain(ours: np.ndarray, theirs: np.ndarray, bases: Bases) -> dict:
    """Difference of two mean losses, theirs − ours, and its standard error over reads (not over bases)."""
    mean = (theirs - ours).mean()
    of_reads = np.bincount(bases.read, theirs - ours - mean)
    reads = len(np.unique(bases.read))
    return {"millibits": mean, "standard_error": math.sqrt((of_reads**2).sum() * reads / (reads - 1)) / len(ours)}


def calibration(logit: np.ndarray, bases: Bases) -> list[dict]:
    """Expected and observed errors of the bases in each decade of the probability."""
    p = 1 / (1 + np.exp(-logit))
    decade = np.clip(np.ceil(-np.log10(p)).astype(int), 1, 5)
    rows = []
    for each in np.unique(decade):
        there = decade == each
        rows.append({"p_at_most": 10.0 ** (1 - each), "bases": int(there.sum()), "expected": p[there].sum(), "found": int(bases.wrong[there].sum())})
    return rows


def figures(logit: np.ndarray, bases: Bases) -> dict:
    """Figures of one network's output for labelled bases."""
    p = 1 / (1 + np.exp(-logit))
    return {
        "log_loss_millibits": losses(logit, bases).mean(),
        "log2_ratio": math.log2(p.sum() / max(bases.wrong.sum(), 0.5)),
        "calibration": calibration(logit, bases),
    }


def compare(ours: np.ndarray, theirs: np.ndarray, bases: Bases) -> dict:
    """Comparison of the logits of PyTorch's network (ours) with those of bm's (theirs)."""
    away = np.abs(ours - theirs)
    lower = gain(ours=losses(ours, bases), theirs=losses(theirs, bases), bases=bases)
    return {
        "mean_delta_logit": away.mean(),
        "median_delta_logit": float(np.median(away)),
        "correlation_of_logits": np.corrcoef(ours, theirs)[0, 1],
        "torch_over_bm": lower,
        "bm_relative": lower["millibits"] / losses(ours, bases).mean(),
    }


def compare_run(run: list[labelled.Template], labels: Path | None, bm: Path, folder: Path, settings: dict) -> dict:
    """All figures of one run."""
    inputs, start = Inputs(labelled.vectors(bm)), of_file(START)
    inputs.check(Adapted(start))
    whole, learned = folder / "whole", folder / "learned"
    whole.mkdir()
    learned.mkdir()
    labels = labels or labelled.adapt(bm, labelled.write(run, whole), whole)[1]
    held, template = labelled.labelled(run, labels, bm, WINDOW, inputs.outside)
    held = labelled.some(held, template % HELD_OUT == 0)

    taught = [each for number, each in enumerate(run) if number % HELD_OUT]
    files = labelled.write(taught, learned)
    packages = []
    for seed in range(settings["seeds"]):
        package, labels = labelled.adapt(bm, files, learned, seed)
        packages.append(package)
    manifest = json.loads((packages[0] / "manifest.json").read_text(encoding="utf-8"))
    if manifest["id"] != "read-error-adapted":
        return {"left_out": "bm adapt did not choose what it learned"}
    bases, template = labelled.labelled(taught, labels, bm, WINDOW, inputs.outside)
    if len(bases.wrong) >= labelled.MANY:
        bases = labelled.some(bases, np.array([labelled.fold_of(int(each)) != 0 for each in template]))

    objective, began = Objective(inputs, bases, start), time.monotonic()
    net, history = train(objective, start, settings, 0)
    history = {key: NATS * value if key.startswith("loss") else value for key, value in history.items()}
    of_bm = [of_file(package / "model.onnx") for package in packages]
    with torch.no_grad():
        objectives = [NATS * objective.all(Adapted(flat)) for flat in of_bm]
    found = [logits(inputs, flat, held) for flat in (start, net.flat(), *of_bm)]
    return {
        "learned_from": {"bases": len(bases.wrong), "wrong": int(bases.wrong.sum())},
        "held_out": {"bases": len(held.wrong), "wrong": int(held.wrong.sum()), "reads": len(np.unique(held.read))},
        "objective_millibits": {"torch": history["loss"], "bm": objectives},
        "torch_training": history | {"wall_s": round(time.monotonic() - began, 1)},
        "start": figures(found[0], held),
        "torch": figures(found[1], held),
        "bm": [figures(each, held) for each in found[2:]],
        "compared": [compare(found[1], each, held) for each in found[2:]],
        "bm_with_another_seed": [compare(found[2], each, held) for each in found[3:]],
    }


def rounded(value: object) -> object:
    """The value with every float rounded to six digits."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def show(name: str, row: dict) -> None:
    if "left_out" in row:
        print(f"{name}: {row['left_out']}")
        return
    first = row["compared"][0]
    loss = {who: row[who]["log_loss_millibits"] for who in ("start", "torch")} | {"bm": row["bm"][0]["log_loss_millibits"]}
    print(f"{name}: {row['held_out']['bases']} bases held out, {row['held_out']['wrong']} wrong; millibits per base:", end=" ")
    print(", ".join(f"{who} {value:.3f}" for who, value in loss.items()), end="; ")
    print(f"bm is {100 * first['bm_relative']:+.2f} %, {first['torch_over_bm']['millibits']:.3f} ± {first['torch_over_bm']['standard_error']:.3f};", end=" ")
    print(f"mean |Δ logit| {first['mean_delta_logit']:.3f}, correlation {first['correlation_of_logits']:.4f}", flush=True)


def find_runs(options: argparse.Namespace) -> dict[str, list[Path]]:
    if options.fastq:
        return {options.fastq[0].name.split(".")[0]: options.fastq}
    names = [SMOKE_RUN] if options.smoke else RUNS
    runs = {name: [ROOT / path for path in RUNS[name]] for name in names}
    for folder in sorted(path for path in options.data.iterdir() if path.is_dir()) if options.data else []:
        files = sorted(path for path in folder.iterdir() if path.name.endswith((".fastq", ".fq", ".fastq.gz", ".fq.gz")))
        if files and folder.name not in runs:
            runs[folder.name] = files
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which labels the reads and adapts")
    parser.add_argument("--fastq", type=Path, nargs="+", help="the files of one run [default: the committed runs]")
    parser.add_argument("--labels", type=Path, help="labels of that run [default: made by bm adapt]")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with more runs, each in its own folder")
    parser.add_argument("--output", type=Path, help="results file [default: results/torch.json, for the committed runs only]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="only test that the script runs; the figures are meaningless")
    options = parser.parse_args()
    if options.labels and not options.fastq:
        parser.error("--labels needs --fastq")
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    bm, settings = options.bm.resolve(), {**ADAM, **LBFGS, "seeds": SEEDS, **(SMOKE if options.smoke else {})}
    rows = {}
    for name, files in find_runs(options).items():
        with tempfile.TemporaryDirectory() as folder:
            run = labelled.templates(files)[: SMOKE_TEMPLATES if options.smoke else None]
            rows[name] = compare_run(run, options.labels, bm, Path(folder), settings)
        show(name, rows[name])
        if options.smoke and "left_out" in rows[name]:
            sys.exit("nothing was compared")
    version = subprocess.run([bm, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    tools = {"bm": version, "python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__.split("+")[0]}
    results = {"command": COMMAND, "date": datetime.date.today().isoformat(), "tools": tools, "settings": settings | {"pull": PULL}, "runs": rounded(rows)}
    committed = not (options.fastq or options.data or options.smoke)
    if target := options.output or (RESULTS if committed else None):
        target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {target.name}")


if __name__ == "__main__":
    sys.exit(main())
