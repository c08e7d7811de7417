"""The network, its training, and its expected errors of reads.

A base has one of 94 Phred scores and one of the encoding's places. With x[s] the features of a score,

    h        = relu(bias + place[its place] + sum over o = -4..4 of x[score at i + o] W[o])
    logit p  = a logit(10^(-Q/10)) + b + h out

`out` starts at zero, so training starts at the reported quality. Training uses a feature that is 1 outside a read; the encoding has
one that is 1 inside, because a convolution pads with zeros. `weights` converts between them; both give the same function.
"""

from __future__ import annotations

import numpy as np
import torch

from reads import OUTSIDE, REPORTED, SCORES, Reads

QUALITY = 5  # channels of the vectors that describe the quality; then: inside, log-odds, places
INSIDE, LOG_ODDS, PLACE = 5, 6, 7


class ReadError(torch.nn.Module):
    """The network.

    Parameters
    ----------
    vectors : float32 array [codes, channels]
        The feature vectors of the encoding's codes.
    window, units, seed : int
    """

    def __init__(self, vectors: np.ndarray, window: int, units: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        features = np.zeros((SCORES + 1, QUALITY + 1), np.float32)
        features[:SCORES, :QUALITY] = vectors[:SCORES, :QUALITY]
        features[OUTSIDE, QUALITY] = 1
        self.register_buffer("features", torch.tensor(features))
        self.register_buffer("reported", torch.tensor(np.append(vectors[:SCORES, LOG_ODDS], np.float32(0))))
        self.window, self.units, self.channels = window, units, vectors.shape[1]
        self.W = torch.nn.Parameter(torch.randn(window, QUALITY + 1, units) * (0.25 / window) ** 0.5)
        self.bias, self.out = torch.nn.Parameter(torch.zeros(units)), torch.nn.Parameter(torch.zeros(units))
        self.place = torch.nn.Parameter(torch.zeros(self.channels - PLACE, units))
        self.a, self.b = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, scores: torch.Tensor, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-odds of an error, [bases], and the correction in them, [bases], from scores [bases, window] and places [bases]."""
        tables = torch.einsum("sf,ofw->osw", self.features, self.W).reshape(-1, self.units)
        rows = scores + torch.arange(self.window) * (SCORES + 1)
        h = torch.relu(torch.nn.functional.embedding_bag(rows, tables, mode="sum") + self.bias + self.place[place])
        correction = h @ self.out
        return self.a * self.reported[scores[:, self.window // 2]] + self.b + correction, correction

    def weights(self) -> dict[str, np.ndarray]:
        """Weights of the convolutions over the encoding's channels, float64, shapes [outputs, inputs, window]."""
        w = self.W.detach().double().numpy()
        window = np.zeros((self.units, self.channels, self.window))
        window[:, :QUALITY] = w[:, :QUALITY].transpose(2, 1, 0)
        window[:, INSIDE] = -w[:, QUALITY].T
        window[:, PLACE:, self.window // 2] = self.place.detach().double().numpy().T
        guess = np.zeros((1, self.channels, 1))
        guess[0, LOG_ODDS] = self.a.item()
        return {
            "window": window, "window.bias": self.bias.detach().double().numpy() + w[:, QUALITY].sum(0),
            "last": self.out.detach().double().numpy()[None, :, None], "last.bias": np.zeros(1),
            "guess": guess, "guess.bias": np.array([self.b.item()]),
        }  # fmt: skip


def sample(reads: Reads, window: int, settings: dict, seed: int) -> tuple[np.ndarray, ...]:
    """Draws bases to learn from: scores [bases, window], places, labels and weights, each [bases].

    Takes wrong bases, and right bases: half of these uniformly, half in proportion to the reported error probability. The weights
    correct for the sampling, and sum to one over the errors of each run.
    """
    rng = np.random.default_rng(seed)
    wrong, right = np.flatnonzero(reads.wrong & reads.known), np.flatnonzero(~reads.wrong & reads.known)
    if not len(wrong) or not len(right):
        raise SystemExit("a run has no wrong or no right bases, so nothing can be learned from it; leave it out")
    some = rng.permutation(wrong)[: settings["max_errors"]]
    reported = np.minimum(REPORTED[reads.codes[right] % SCORES], 0.3)
    chance = np.minimum(1, settings["max_right"] * (0.5 / len(right) + 0.5 * reported / reported.sum()))
    take = rng.random(len(right)) < chance
    bases = np.concatenate([some, right[take]])
    label = (np.arange(len(bases)) < len(some)).astype(np.float32)
    weight = np.concatenate([np.full(len(some), 1 / len(some)), 1 / chance[take] / len(wrong)])
    return *reads.windows(bases, window), label, weight


def train(parts: list[tuple], vectors: np.ndarray, config: dict, seed: int) -> ReadError:
    """Train a network on samples: tuples (sample, weight, whether its labels are truth).

    Each run without truth has its own floor f, P(label) = p (1 - f) + f, which is learned and then discarded. It absorbs label noise:
    bases that k-mers cannot distinguish from errors. A penalty on the squared correction keeps the correction small and general.
    """
    settings = config["training"]
    net = ReadError(vectors, config["network"]["window"], config["network"]["units"], seed)
    rng = np.random.default_rng(seed)
    scores, place, label = (torch.tensor(np.concatenate([part[0][k] for part in parts])) for k in range(3))
    weight = torch.tensor(np.concatenate([part[0][3] * part[1] for part in parts]), dtype=torch.float32)
    weight /= weight.mean()
    run = torch.tensor(np.repeat(np.arange(len(parts)), [len(part[0][2]) for part in parts]))
    has_floor = torch.tensor([0.0 if part[2] else 1.0 for part in parts])
    floor = torch.nn.Parameter(torch.full((len(parts),), -6.0))
    size, epochs = min(settings["batch"], len(label)), settings["epochs"]
    steps = len(label) // size
    optimiser = torch.optim.AdamW([{"params": net.parameters()}, {"params": [floor]}], weight_decay=0.0)
    rates = [settings["rate"], settings["floor_rate"]]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=epochs * steps, pct_start=0.2)
    for _ in range(epochs):
        order = torch.tensor(rng.permutation(len(label)))
        for i in range(steps):
            j = order[i * size : (i + 1) * size]
            f = torch.sigmoid(floor[run[j]]) * has_floor[run[j]]
            logit, correction = net(scores[j], place[j])
            p = (torch.sigmoid(logit) * (1 - f) + f).clamp(1e-7, 1 - 1e-6)
            loss = -(weight[j] * (label[j] * torch.log(p) + (1 - label[j]) * torch.log1p(-p))).mean()
            loss = loss + settings["shrink"] * (weight[j] * correction**2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net


def expected_errors(net: ReadError, reads: Reads, block: int = 300_000) -> np.ndarray:
    """Expected errors of each read, float64 [reads]: the sum of the error probabilities of its bases."""
    out = []
    with torch.no_grad():
        for i in range(0, len(reads.codes), block):
            bases = np.arange(i, min(i + block, len(reads.codes)))
            logit, _ = net(*(torch.tensor(x) for x in reads.windows(bases, net.window)))
            out.append(torch.sigmoid(logit).double().numpy())
    return np.bincount(reads.read, np.concatenate(out), len(reads.length))
