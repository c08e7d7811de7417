"""How good is this read? Expected errors and a probability for every sequencing read."""

from collections.abc import Iterable
from os import PathLike
from typing import final

import numpy as np
from numpy.typing import NDArray

__version__: str

@final
class Scores:
    @property
    def names(self) -> list[str]: ...
    @property
    def probability(self) -> NDArray[np.float32]: ...
    @property
    def expected_errors(self) -> NDArray[np.float32] | None: ...
    @property
    def passes(self) -> NDArray[np.bool_]: ...
    @property
    def threshold(self) -> float: ...
    @property
    def model(self) -> str: ...
    def __len__(self) -> int: ...

def score(
    reads: str | PathLike[str] | Iterable[tuple[str | bytes, str | bytes] | tuple[str | bytes, str | bytes, str | bytes]],
    *,
    model: str = "read-error",
    threads: int | None = None,
) -> Scores: ...
def models() -> list[str]: ...
