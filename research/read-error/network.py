"""The network, its training, and its expected errors of reads.

A base has one of 94 Phred scores and one of the encoding's places. With x[s] the ramps of a score, which rise between Phred 2 and 38,

    h        = relu(bias + place[its place] + sum over o = -4..4 of x[score at i + o] W[o])       W >= 0
    logit p  = b + base place[its place] + x[score at i] base + h out                             base <= 0, out <= 0

With these signs, a higher quality never raises an error probability, neither that of the base itself nor that of a neighbour. The
ramps are constant outside Phred 2 to 38, and all their values are 0 outside of a read. So where nothing was learned, the network
gives what it gives at the nearest quality: Phred 0 and 1 count as 2, a higher Phred score than 38 as 38, and a position outside of a
read as a neighbour of Phred 2. `weights` writes all this as one convolution, where `base` is a unit.

The convolution has more units. They are spare: random weights in, 0 out, so they change no probability. `bm adapt` trains all units
further, in steps of the same size for every weight. Units that are small, alike or never active learn little in these steps; spare
units with weights of a usual size learn what is peculiar to a run.
"""

from __future__ import annotations

import numpy as np
import torch

from reads import OUTSIDE, REPORTED, SCORES, Reads

RAMPS, LOG_ODDS, PLACE = slice(2, 5), 6, 7  # channels of the encoding; the places are the last ones
LOWEST, HIGHEST = 2, 38  # Phred scores between which the ramps change
KNOTS = (2, 8, 14, 20, 26, 32, 38)  # Phred scores at which runs deviate from the network; linear between them
KNEE = 7  # Phred score up to which the network starts constant
UNITS = 8  # of the convolution, as many as `bm adapt` trains
SPARE = 0.2  # standard deviation of the weights of spare units


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


class ReadError(torch.nn.Module):
    """The network.

    Parameters
    ----------
    vectors : float32 array [codes, channels]
        The feature vectors of the encoding's codes.
    config : dict
        `[network]` and `[prior]` of the config.
    seed : int
    """

    def __init__(self, vectors: np.ndarray, config: dict, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.window, self.units, self.channels = config["network"]["window"], config["network"]["units"], vectors.shape[1]
        ramps = np.zeros((SCORES + 1, 3), np.float32)
        ramps[:SCORES] = vectors[:SCORES, RAMPS]
        # A reported probability is believed up to `worst`, and never below `floor`: what is wrong whatever the quality.
        prior = logit(np.minimum(REPORTED, config["prior"]["worst"]) + config["prior"]["floor"])
        prior[HIGHEST:] = prior[HIGHEST]
        self.register_buffer("ramps", torch.tensor(ramps))
        self.register_buffer("prior", torch.tensor(prior, dtype=torch.float32))
        places, centre = self.channels - PLACE, self.window // 2
        W = torch.rand(self.window, 3, self.units) * 0.25
        bias, out = -torch.linspace(0.3, 0.7, self.units) * W.sum((0, 1)), torch.full((self.units,), -0.05)
        # The last unit starts as the knee of the prior, so that training starts at the prior.
        knee = float(ramps[KNEE, 0])
        inputs = np.column_stack([np.maximum(ramps[LOWEST:HIGHEST, 0] - knee, 0), ramps[LOWEST:HIGHEST, 1:], np.ones(HIGHEST - LOWEST)])
        first, *others, constant = np.linalg.lstsq(inputs, prior[LOWEST:HIGHEST], rcond=None)[0]
        W[:, :, -1], W[centre, 0, -1], bias[-1], out[-1] = 0, 1, -knee, float(first)
        self.W, self.bias, self.out = torch.nn.Parameter(W), torch.nn.Parameter(bias), torch.nn.Parameter(out)
        self.place, self.base_place = torch.nn.Parameter(torch.zeros(places, self.units)), torch.nn.Parameter(torch.zeros(places))
        self.base, self.b = torch.nn.Parameter(torch.tensor([0.0, *others], dtype=torch.float32)), torch.nn.Parameter(torch.tensor(constant, dtype=torch.float32))
        self.register_buffer("spare", SPARE * torch.randn(UNITS - 1 - self.units, LOG_ODDS, self.window))
        self.keep_signs()

    def keep_signs(self) -> None:
        """Sets every weight of the wrong sign to 0; called after each step of training."""
        with torch.no_grad():
            self.W.clamp_(min=0)
            self.out.clamp_(max=0)
            self.base.clamp_(max=0)

    def forward(self, scores: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Log-odds of an error, [bases], from scores [bases, window] and places [bases]."""
        tables = torch.einsum("sf,ofw->osw", self.ramps, self.W).reshape(-1, self.units)
        rows = scores + torch.arange(self.window) * (SCORES + 1)
        h = torch.relu(torch.nn.functional.embedding_bag(rows, tables, mode="sum") + self.bias + self.place[place])
        return self.b + self.base_place[place] + (self.ramps @ self.base)[scores[:, self.window // 2]] + h @ self.out

    def weights(self) -> dict[str, np.ndarray]:
        """Weights of the convolutions over the encoding's channels, float64, shapes [outputs, inputs, window]."""
        numbers = {name: value.detach().double().numpy() for name, value in self.named_parameters()}
        # A relu does not change the unit `base`, which is at least 1.
        constant = 1 - numbers["base"].sum() - numbers["base_place"].min()
        window, centre, base, spare = np.zeros((UNITS, self.channels, self.window)), self.window // 2, self.units, len(self.spare)
        window[:base, RAMPS] = numbers["W"].transpose(2, 1, 0)
        window[:base, PLACE:, centre] = numbers["place"].T
        window[base, RAMPS, centre], window[base, PLACE:, centre] = numbers["base"], numbers["base_place"]
        window[base + 1 :, :LOG_ODDS] = self.spare.double().numpy()
        return {
            "window": window, "window.bias": np.array([*numbers["bias"], constant, *[0.0] * spare]),
            "last": np.array([[*numbers["out"], 1.0, *[0.0] * spare]])[:, :, None], "last.bias": np.zeros(1),
            "guess": np.zeros((1, self.channels, 1)), "guess.bias": np.array([numbers["b"] - constant]),
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
    """Train a network on samples: tuples (run, sample, weight, whether its labels are truth).

    Each run deviates from the network, by a function of the quality of the base that is learned and then discarded. A penalty on its
    squares keeps it small. So a run that differs from the others moves its own deviation, and the network learns what runs have in
    common. A second penalty, on the squared mean distance from the prior at each quality, keeps the level at the prior where runs
    disagree: what a quality means differs between runs, but bases among low qualities are worse than it in all of them. A third, weak
    penalty is on the squared distance of every base.

    Each sample without truth also has a floor f, P(label) = p (1 - f) + f, learned and discarded too. It absorbs label noise: bases that
    k-mers cannot distinguish from errors.
    """
    settings = config["training"]
    net = ReadError(vectors, config, seed)
    rng = np.random.default_rng(seed)
    samples, weights = [part[1] for part in parts], [part[2] for part in parts]
    sizes = [len(sample[2]) for sample in samples]
    scores, place, label = (torch.tensor(np.concatenate([sample[k] for sample in samples])) for k in range(3))
    weight = torch.tensor(np.concatenate([sample[3] * w for sample, w in zip(samples, weights)]), dtype=torch.float32)
    weight *= len(label) / sum(weights)  # a mean over bases is then one over errors
    names = list(dict.fromkeys(part[0] for part in parts))
    run = torch.tensor(np.repeat([names.index(part[0]) for part in parts], sizes))
    part = torch.tensor(np.repeat(np.arange(len(parts)), sizes))
    has_floor = torch.tensor([0.0 if each[3] else 1.0 for each in parts])
    floor = torch.nn.Parameter(torch.full((len(parts),), -6.0))
    deviation = torch.nn.Parameter(torch.zeros(len(names), len(KNOTS)))
    hats = np.column_stack([np.interp(np.arange(SCORES + 1), KNOTS, row) for row in np.eye(len(KNOTS))])
    hats = torch.tensor(hats, dtype=torch.float32)
    size, epochs = min(settings["batch"], len(label)), settings["epochs"]
    steps = len(label) // size
    optimiser = torch.optim.AdamW([{"params": net.parameters()}, {"params": [floor, deviation]}], weight_decay=0.0)
    rates = [settings["rate"], settings["run_rate"]]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=epochs * steps, pct_start=0.2)
    for _ in range(epochs):
        order = torch.tensor(rng.permutation(len(label)))
        for i in range(steps):
            j = order[i * size : (i + 1) * size]
            centre = scores[j, net.window // 2]
            log_odds = net(scores[j], place[j])
            f = torch.sigmoid(floor[part[j]]) * has_floor[part[j]]
            here = torch.sigmoid(log_odds + (deviation[run[j]] * hats[centre]).sum(1))
            p = (here * (1 - f) + f).clamp(1e-7, 1 - 1e-6)
            loss = -(weight[j] * (label[j] * torch.log(p) + (1 - label[j]) * torch.log1p(-p))).mean()
            errors = weight[j] * here.detach()
            apart = errors * (log_odds - net.prior[centre])
            loss = loss + settings["shrink"] * (apart * (log_odds - net.prior[centre])).sum() / errors.sum()
            typical = weight[j] * torch.sigmoid(net.prior[centre])
            share, off = typical @ hats[centre], (typical * (log_odds - net.prior[centre])) @ hats[centre]
            loss = loss + settings["level"] * (off**2 / (share + 1e-3 * share.sum())).sum() / share.sum()
            loss = loss + settings["deviation"] * (deviation**2).sum() / len(names)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            net.keep_signs()
    return net


def expected_errors(net: ReadError, reads: Reads, block: int = 300_000) -> np.ndarray:
    """Expected errors of each read, float64 [reads]: the sum of the error probabilities of its bases."""
    out = []
    with torch.no_grad():
        for i in range(0, len(reads.codes), block):
            bases = np.arange(i, min(i + block, len(reads.codes)))
            log_odds = net(*(torch.tensor(x) for x in reads.windows(bases, net.window)))
            out.append(torch.sigmoid(log_odds).double().numpy())
    return np.bincount(reads.read, np.concatenate(out), len(reads.length))
