"""The network of `bm adapt` in PyTorch, as its ONNX graph defines it: convolutions over the vectors of `base-quality-place`.

With x[i] the vector of base i, and zero outside the read,

    h       = relu(bias + place . x[i] + sum over o = -4..4 of near[o] . x[i + o])
    logit p = a log-odds(x[i]) + b + last . h

`near` uses the channels of the quality and of the letter, `place` those of the place. Only the order of the parameters in one row
is taken from the Rust code, because both sides need the same order to compare gradients: see `Adapted.flat`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn.functional import conv1d

WINDOW, UNITS = 9, 8
# Channels of the encoding: six for the quality, its log-odds, seventeen for the place, four for the letter.
LOG_ODDS, PLACE, LETTER, CHANNELS = 6, 7, 24, 28
NEAR = [*range(LOG_ODDS), *range(LETTER, CHANNELS)]
PARAMETERS = WINDOW * len(NEAR) * UNITS + (LETTER - PLACE) * UNITS + 2 * UNITS + 2
# Positions of the biases and of the last layer's weights in the row of all parameters.
BIAS, LAST = slice(-2 * UNITS - 2, -UNITS - 2), slice(-UNITS - 2, -2)


class Adapted(torch.nn.Module):
    """The network, in float64.

    Parameters
    ----------
    flat : float array [PARAMETERS]
        All parameters in one row.
    """

    def __init__(self, flat: np.ndarray) -> None:
        super().__init__()
        row, at = torch.tensor(flat, dtype=torch.float64), 0

        def take(*shape: int) -> torch.Tensor:
            nonlocal at
            at += (size := int(np.prod(shape)))
            return row[at - size : at].reshape(shape)

        self.near = torch.nn.Parameter(take(WINDOW, len(NEAR), UNITS).permute(2, 1, 0).contiguous())  # [units, channels, window]
        self.place = torch.nn.Parameter(take(LETTER - PLACE, UNITS).T.contiguous()[:, :, None])  # [units, channels, 1]
        self.bias, self.last = torch.nn.Parameter(take(UNITS)), torch.nn.Parameter(take(UNITS))
        self.a, self.b = torch.nn.Parameter(take(1)), torch.nn.Parameter(take(1))
        if at != len(row):
            raise ValueError(f"{len(row)} parameters, expected {at}")

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden layer before its relu, [reads, units, bases], of vectors [reads, CHANNELS, bases]."""
        near = conv1d(x[:, NEAR], self.near, self.bias, padding=WINDOW // 2)
        return near + conv1d(x[:, PLACE:LETTER], self.place)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log-odds of an error, [reads, bases], of vectors [reads, CHANNELS, bases]."""
        correction = conv1d(torch.relu(self.hidden(x)), self.last[None, :, None])[:, 0]
        return self.a * x[:, LOG_ODDS] + self.b + correction

    def flat(self, of: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.detach) -> np.ndarray:
        """The parameters, or `of` applied to each, in one row [PARAMETERS].

        Order: window offset by channel of `near` by unit; place by unit; bias; last; a; b.
        """
        rows = [of(self.near).permute(2, 1, 0), of(self.place)[:, :, 0].T, of(self.bias), of(self.last), of(self.a), of(self.b)]
        return torch.cat([row.reshape(-1) for row in rows]).numpy()


def log_loss(logit: torch.Tensor, wrong: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean weighted log loss, in nats. All three arguments are float [bases]."""
    return torch.nn.functional.binary_cross_entropy_with_logits(logit, wrong, weight=weight, reduction="mean")


def of_file(path: Path) -> np.ndarray:
    """The parameters of a model file whose network has this shape, float64 [PARAMETERS]; zeros for letters if it does not use them."""
    weights = {each.name: numpy_helper.to_array(each).astype(np.float64) for each in onnx.load(path).graph.initializer}
    channels = weights["window.weight"].shape[1]
    window = np.zeros((UNITS, CHANNELS, WINDOW))
    window[:, :channels] = weights["window.weight"][:, :, 0]
    guess = weights["guess.weight"][0, :, 0, 0]
    near, place = window[:, NEAR], window[:, PLACE:LETTER]
    # Weights that the graph has but the parameters cannot express; they must be zero.
    unused = [window[:, LOG_ODDS], np.delete(place, WINDOW // 2, 2), np.delete(guess, LOG_ODDS)]
    if any(each.any() for each in unused):
        raise SystemExit(f"{path}: its network has another shape")
    last, b = weights["last.weight"][0, :, 0, 0], weights["guess.bias"] + weights["last.bias"]
    rows = [near.transpose(2, 1, 0), place[:, :, WINDOW // 2].T, weights["window.bias"], last, guess[[LOG_ODDS]], b]
    return np.concatenate([row.reshape(-1) for row in rows])
