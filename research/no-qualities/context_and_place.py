#!/usr/bin/env python3
"""Do the bases around a base, and its place in the read, say how likely it is wrong? On runs that the network has not seen, no.

    pip install numpy jax optax
    python research/no-qualities/context_and_place.py --data DIR     writes results/context-and-place.{json,md}

A network sees nine bases to either side of a base, and its place in the read; it never sees qualities. It is trained on the counted errors of
all other runs (runs of one genome are left out together), and tested on this one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import counted  # noqa: E402
import metrics  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

SETS = (
    "train/hiseqx_phage",
    "train/novaseq_sars2_berlin",
    "train/miseq_sars2_sanger",
    "train/miseq_twist_MN908947",
    "train/gaiix_dwv",
    "devtest/hiseq_measles",
    "devtest/miseq_sars2_wastewater",
)
READS = 12_000  # of each run, drawn at random
SIDE = 9  # bases on either side
KINDS = 6  # A, C, G, T, unknown, outside of the read
HIDDEN = 48
STEPS = 2_500
BATCH = 4_096  # bases, a quarter of them wrong; weights undo this
RATE = 3e-3
PLACES = 6


class Run:
    """The clear reads of a run, padded: bases [reads, length + 2 SIDE], wrong [reads, length], lengths [reads]."""

    def __init__(self, data: Path, name: str, seed: int) -> None:
        table = next((data / name).glob("*" + truth.SUFFIX))
        reads = [read for read in counted.load(table, data) if read.clear]
        chosen = np.sort(np.random.default_rng(seed).permutation(len(reads))[:READS])
        reads = [reads[i] for i in chosen]
        self.lengths = np.array([len(read) for read in reads])
        self.errors = np.array([read.errors.sum() for read in reads])
        self.bases = np.full((len(reads), self.lengths.max() + 2 * SIDE), KINDS - 1, np.int8)
        self.wrong = np.zeros((len(reads), self.lengths.max()), bool)
        for i, read in enumerate(reads):
            self.bases[i, SIDE : SIDE + len(read)] = read.bases
            self.wrong[i, : len(read)] = read.errors > 0
        inside = np.arange(self.wrong.shape[1]) < self.lengths[:, None]
        self.right, self.errs = np.argwhere(inside & ~self.wrong), np.argwhere(self.wrong)

    def features(self, read: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns windows [bases, 2 SIDE + 1] and places [bases, PLACES]."""
        window = self.bases[read[:, None], at[:, None] + np.arange(2 * SIDE + 1)]
        length = self.lengths[read]
        part, rest = at / length, length - 1 - at
        place = [part, part**2, at / 300, rest / 300, np.exp(-at / 5), np.exp(-rest / 2)]
        return window, np.stack(place, 1).astype(np.float32)


def initial(seed: int) -> dict:
    one, two = jax.random.split(jax.random.PRNGKey(seed))
    inputs = (2 * SIDE + 1) * KINDS + PLACES
    return {
        "w1": jax.random.normal(one, (inputs, HIDDEN)) * 0.1,
        "b1": jnp.zeros(HIDDEN),
        "w2": jax.random.normal(two, (HIDDEN, HIDDEN)) * 0.15,
        "b2": jnp.zeros(HIDDEN),
        "w3": jnp.zeros(HIDDEN),
        "b3": jnp.full((), -5.0),
    }


@jax.jit
def logits(p: dict, window: jax.Array, place: jax.Array) -> jax.Array:
    x = jnp.concatenate([jax.nn.one_hot(window, KINDS).reshape(window.shape[0], -1), place], 1)
    h = jax.nn.relu(x @ p["w1"] + p["b1"])
    return jax.nn.relu(h @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]


def train(runs: list[Run], seed: int) -> dict:
    rng, network = np.random.default_rng(seed), initial(seed)
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))
    state = optimizer.init(network)

    def loss(p: dict, window: jax.Array, place: jax.Array, y: jax.Array, weight: jax.Array) -> jax.Array:
        each = optax.sigmoid_binary_cross_entropy(logits(p, window, place), y)
        return (each * weight).sum() / weight.sum()

    @jax.jit
    def step(p, state, window, place, y, weight):
        slope = jax.grad(loss)(p, window, place, y, weight)
        change, state = optimizer.update(slope, state)
        return optax.apply_updates(p, change), state

    for number in range(STEPS):
        run = runs[number % len(runs)]
        wrong = run.errs[rng.integers(0, len(run.errs), BATCH // 4)]
        right = run.right[rng.integers(0, len(run.right), BATCH - BATCH // 4)]
        at = np.concatenate([wrong, right])
        y = np.r_[np.ones(len(wrong)), np.zeros(len(right))].astype(np.float32)
        of_wrong, of_right = len(run.errs) / len(wrong), len(run.right) / len(right)
        weight = np.where(y == 1, of_wrong, of_right).astype(np.float32)
        network, state = step(network, state, *run.features(at[:, 0], at[:, 1]), y, weight / weight.mean())
    return network


def predicted(network: dict, run: Run) -> np.ndarray:
    """Returns the error probability of every base, [reads, length]; 0 outside of reads."""
    out = np.zeros(run.wrong.shape, np.float32)
    read, at = np.nonzero(np.arange(run.wrong.shape[1]) < run.lengths[:, None])
    size = 1 << 16
    for first in range(0, len(read), size):
        # The last part is filled up, so that all have one shape.
        part = np.minimum(np.arange(first, first + size), len(read) - 1)
        p = jax.nn.sigmoid(logits(network, *run.features(read[part], at[part])))
        out[read[part], at[part]] = np.asarray(p)
    return out


def genome(name: str) -> str:
    return "SARS-CoV-2" if "sars2" in name or "MN908947" in name else name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results")
    arguments = parser.parse_args()
    runs = {name: Run(arguments.data, name, arguments.seed) for name in SETS}
    rows = []
    for name, run in runs.items():
        others = [other for key, other in runs.items() if genome(key) != genome(name)]
        p = predicted(train(others, arguments.seed), run)
        inside = np.arange(run.wrong.shape[1]) < run.lengths[:, None]
        expected = p.sum(1)
        rate = expected / run.lengths
        labels = metrics.Labels(run.errors, run.lengths, run.lengths, run.errors * truth.GOOD_BASES <= run.lengths)
        of_reads = metrics.main_figures(metrics.MethodOutput(rate, rate, rate <= 1 / truth.GOOD_BASES, expected), labels)
        rows.append({
            "set": name, "reads": len(run.lengths),
            "AUC of bases": round(metrics.auc_of(run.wrong[inside], p[inside]), 3), "AUC of reads": round(of_reads["auc"], 3),
            "MCC": round(of_reads["mcc"], 3), "log2": round(of_reads["log2_ratio"], 2),
        })  # fmt: skip
        print(*rows[-1].values(), flush=True)
    command = "python research/no-qualities/context_and_place.py --data DIR"
    tables.write(arguments.output / "context-and-place.json", command, rows)
    title = "Bases around and place, trained on other runs, without qualities"
    page = tables.table(rows, list(rows[0]), title, command)
    (arguments.output / "context-and-place.md").write_text(page)


if __name__ == "__main__":
    main()
