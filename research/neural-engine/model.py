"""The network of ``mean-q20``: 300 → 128 → 64 → 1."""

from __future__ import annotations

import torch
from torch import nn


class QualityMlp(nn.Module):
    """Two hidden layers with ReLU and dropout, and one logit as output; 46,849 parameters.

    Parameters
    ----------
    dropout : float
        Fraction of hidden units dropped in training.
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(300, 128), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(128, 64), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [reads] from features [reads, 300]."""
        return self.layers(features).squeeze(1)  # [reads, 1] -> [reads]

    def set_dropout(self, fraction: float) -> None:
        """Set the fraction of dropped units in both dropout layers."""
        for layer in self.layers:
            if isinstance(layer, nn.Dropout):
                layer.p = fraction

    def arrays(self) -> list:
        """Weights and biases of the three linear layers, float32 NumPy arrays: W1 [128, 300], b1 [128], ..."""
        return [p.detach().cpu().numpy() for layer in self.layers if isinstance(layer, nn.Linear) for p in (layer.weight, layer.bias)]
