"""Expected errors per read, and the probability that a read is good."""

from collections.abc import Iterable
from os import PathLike
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

__version__: str

@final
class Scores:
    """Scores of reads: arrays with one value per read, in input order; NaN for a read that cannot be scored."""

    @property
    def names(self) -> list[str]:
        """Names of the reads."""
    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability that the read is good, float32 [reads]."""
    @property
    def expected_errors(self) -> NDArray[np.float32] | None:
        """Expected number of wrong bases, float32 [reads]; None if the model does not estimate errors."""
    @property
    def passes(self) -> NDArray[np.bool_]:
        """Whether the read passes at the model's threshold, bool [reads]."""
    @property
    def keep_from(self) -> NDArray[np.int64] | None:
        """First base to keep of each read, from 0, int64 [reads]; None if reads are not trimmed."""
    @property
    def keep_to(self) -> NDArray[np.int64] | None:
        """Base before which what is to be kept of each read ends, int64 [reads]; None if reads are not trimmed."""
    @property
    def adapter_bases(self) -> NDArray[np.int64] | None:
        """Number of bases at the end of each read that are adapter, int64 [reads]; None if reads are not trimmed."""
    @property
    def threshold(self) -> float:
        """The model's threshold: a read passes at this probability or above."""
    @property
    def max_ee_rate(self) -> float | None:
        """Most expected errors per base of a read that passes; None where the threshold decides. Long reads to which the model does
        not apply have such a limit."""
    @property
    def model(self) -> str:
        """The model's id and version."""
    @property
    def scored_by(self) -> Literal["model", "reported-errors"]:
        """What scored the reads: "reported-errors" where the model does not apply."""
    @property
    def reasons(self) -> list[str]:
        """Why the model does not apply to the reads, one clause per reason; empty if it applies."""
    def __len__(self) -> int: ...

def score(
    reads: str | PathLike[str] | Iterable[tuple[str | bytes, str | bytes] | tuple[str | bytes, str | bytes, str | bytes]],
    *,
    model: str | None = None,
    threads: int | None = None,
    trim: bool | str | Iterable[Literal["adapters", "poly", "ends"]] | None = None,
    trim_price: float | None = None,
    cut_front: int = 0,
    cut_tail: int = 0,
    adapters: str | PathLike[str] | Iterable[str | PathLike[str]] | None = None,
    phred_offset: Literal[33, 64] | None = None,
) -> Scores:
    """Score reads, as `bm score` does.

    Parameters
    ----------
    reads : path of a FASTQ file, plain or compressed (gzip, zstd, bzip2, xz), or iterable of (sequence, quality) or
        (name, sequence, quality)
    model : id of an embedded model, or path of a package or .onnx file, which is used even if it does not apply to the
        reads; if None, the default model, or the errors that the qualities report if it does not apply to the first reads
    threads : number of threads; one per processor if None
    trim : what is cut where it is not worth keeping, as by `bm score --trim`: some of "adapters", "poly", "ends", or True for
        all; scores and verdicts are those of what is left
    trim_price : what a wrong base costs, in right bases, where ends are cut; 19 if None
    cut_front, cut_tail : bases cut off the start and the end of every read
    adapters : sequences or FASTA files, instead of the adapters that the first reads show; an empty iterable: there are none
    phred_offset : offset of the quality scores, as `bm score --phred33` and `--phred64`; if None, 33, and reads that look like
        Phred+64 are refused

    Returns
    -------
    Scores
        One value per read, in input order.

    Raises
    ------
    ValueError
        A read is malformed, a file is damaged, the model does not exist, or an option has a value that it cannot have. The
        text is that of `bm score`.
    TypeError
        An element of the iterable is not a tuple of two or three str or bytes.
    OSError
        A file cannot be opened.
    KeyboardInterrupt
        Ctrl-C was pressed. The call ends within a second, also while it waits for a pipe.
    """

def models() -> list[str]:
    """Ids of the embedded models."""
