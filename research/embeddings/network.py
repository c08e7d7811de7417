"""The networks, and their training by contrast.

Every read of a batch is to be more like its partner, which overlaps it, than like all other reads of the batch (InfoNCE; van den Oord and
others 2018). Both strands are alike by construction: spectra count a word and its other strand as one; the convolution has each kernel
on both strands, and adds what both find.
"""

from __future__ import annotations

import torch
from torch import nn

DIMENSIONS = 64
SCALE = 100.0  # fractions of words are small


class Dense(nn.Module):
    """Layers over a spectrum: without a hidden layer a projection. [reads, features] to [reads, 64]."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.features = features
        self.hidden = nn.Linear(features, hidden) if hidden else None
        self.last = nn.Linear(hidden or features, DIMENSIONS)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        x = spectra * SCALE
        if self.hidden is not None:
            x = torch.relu(self.hidden(x))
        return self.last(x)


class Convolution(nn.Module):
    """One convolution over bases on both strands, ReLU, the mean over places, one dense layer. [reads, length] codes to [reads, 64]."""

    def __init__(self, window: int, channels: int, hidden: int = 0) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(channels, 4, window) * (2 / window) ** 0.5)
        self.bias = nn.Parameter(torch.full((channels,), -1.0))
        self.middle = nn.Linear(channels, hidden) if hidden else None
        self.norm = nn.BatchNorm1d(channels)
        self.last = nn.Linear(hidden or channels, DIMENSIONS)

    def forward(self, reads: torch.Tensor) -> torch.Tensor:
        bases = nn.functional.one_hot(reads.long(), 5)[:, :, :4].float().transpose(1, 2)
        both = torch.cat([self.kernel, self.kernel.flip(1, 2)])
        found = nn.functional.conv1d(bases, both, torch.cat([self.bias, self.bias]))
        window = self.kernel.shape[2]
        inside = (reads < 4).float().unfold(1, window, 1).amin(2)[:, None]
        found = torch.relu(found) * inside
        channels = len(self.kernel)
        pooled = found.sum(2) / inside.sum(2).clamp(min=1)
        x = self.norm(pooled[:, :channels] + pooled[:, channels:])
        if self.middle is not None:
            x = torch.relu(self.middle(x))
        return self.last(x)


def contrast(left: torch.Tensor, right: torch.Tensor, log_scale: torch.Tensor) -> torch.Tensor:
    """The loss of a batch of pairs: cross-entropy of the partner among all reads of the other side, from both sides."""
    left, right = nn.functional.normalize(left, dim=1), nn.functional.normalize(right, dim=1)
    alike = left @ right.T * log_scale.exp()
    own = torch.arange(len(left))
    return (nn.functional.cross_entropy(alike, own) + nn.functional.cross_entropy(alike.T, own)) / 2


class Trained:
    """A trained network as a method of ``tasks``."""

    metric = "cosine"

    def __init__(self, net: nn.Module, prepare) -> None:
        self.net, self.prepare = net.eval(), prepare

    def vectors(self, reads):
        with torch.no_grad():
            return torch.cat([self.net(torch.from_numpy(self.prepare(reads[i : i + 2000]))) for i in range(0, len(reads), 2000)]).numpy()
