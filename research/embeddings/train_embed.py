#!/usr/bin/env python3
"""Train `embed`, which gives a read a vector: alike for reads that overlap, whatever their strand and their errors.

    train_embed.py --data DIR --debian DEBIAN --output models/embed

Pairs of reads are drawn from the genomes of training (``split.py``), and the network learns to tell the partner of each read from all
other reads of a batch. The same seed, library versions and processor type give the same weights. Training runs on one thread.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import platform
import time
import tomllib
from pathlib import Path

import numpy as np
import onnx
import torch

import network
import package
import pairs
import split
from spectra import Spectra

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "configs" / "embed.toml"
SMOKE = {"steps": 20, "batch": 64}


def train(sequences: list[np.ndarray], config: dict, seed: int) -> network.Dense:
    """Returns the network, trained on pairs from these sequences."""
    settings = config["training"]
    torch.manual_seed(seed)
    draw, text, spectra = np.random.default_rng(seed), pairs.Text(sequences), Spectra()
    net = network.Dense(spectra.features, config["network"]["hidden"])
    scale = torch.nn.Parameter(torch.tensor(2.5))
    optimiser = torch.optim.Adam([*net.parameters(), scale])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings["rate"], total_steps=settings["steps"], pct_start=0.1)
    began, losses = time.monotonic(), []
    for step in range(1, settings["steps"] + 1):
        both = text.pairs(settings["batch"], settings["near"], draw)
        left, right = (net(torch.from_numpy(spectra.of(reads))) for reads in both)
        loss = network.contrast(left, right, scale)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            scale.clamp_(max=settings["largest_scale"])
        losses.append(loss.item())
        if step % max(1, settings["steps"] // 12) == 0:
            print(f"step {step}: loss {np.mean(losses):.3f}, {time.monotonic() - began:.0f} s", flush=True)
            losses = []
    return net


def layers_of(net: network.Dense) -> package.Layers:
    """The layers of the network for spectra as the encoding gives them: the factor of training is part of the weights."""
    first, last = net.hidden, net.last
    arrays = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in (first, last)]
    return [(arrays[0][0] * np.float32(network.SCALE), arrays[0][1]), arrays[1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings (TOML)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the runs, with their references")
    parser.add_argument("--debian", type=Path, metavar="DEBIAN", help="folder with unpacked Debian packages [default: DIR/debian]")
    parser.add_argument("--bm", type=Path, help="the bm program; not used")
    parser.add_argument("--output", type=Path, default=ROOT / "models/embed", help="package folder")
    parser.add_argument("--seed", type=int, help="seed of draws and weights [default: the config's]")
    parser.add_argument("--smoke", action="store_true", help="a few steps on a genome of the test data: tests that the script runs, gives no useful model")
    options = parser.parse_args()
    config = tomllib.loads(options.config.read_text(encoding="utf-8"))
    if options.smoke:
        config["training"] |= SMOKE
        draw = np.random.default_rng(0)
        genomes = {"random": [draw.integers(0, 4, 20_000).astype(np.uint8)]}
    elif options.data is None:
        parser.error("expected --data DIR or --smoke")
    else:
        genomes = split.training(options.data, options.debian or options.data / "debian")
    seed = config["training"]["seed"] if options.seed is None else options.seed
    torch.set_num_threads(1)
    net = train(pairs.relabelled(genomes), config, seed)
    layers = layers_of(net)
    package.write_models(options.output, layers, config)
    draw = np.random.default_rng(seed + 1)
    differences = package.check(options.output, layers, draw.integers(0, 4, (2_000, 150)).astype(np.uint8))
    print("files against the weights and each other, max difference:", {key: f"{value:.1e}" for key, value in differences.items()})
    package.golden(options.output, draw)
    digests = {name: hashlib.sha256(b"".join(sequence.tobytes() for sequence in genome)).hexdigest() for name, genome in genomes.items()}
    data = [{"name": name, "bases": sum(map(len, genomes[name])), "sha256_of_codes": digest, "role": "train"} for name, digest in digests.items()]
    tools = {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__.split("+")[0], "onnx": onnx.__version__}
    training = {"date": datetime.date.today().isoformat(), "seed": seed, "data": data, "settings": config, "tools": tools}
    package.write_manifest(options.output, config, training, {"max_difference": differences})
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
