"""Reads for training and evaluation: runs, split, windows, augmentation, and the matrix from ``bm encode``.

This module does not encode reads itself. Prepared reads are written as FASTQ, and ``bm encode``, the project's only
encoder, makes the feature matrix, so that training and use cannot diverge.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WINDOW = 150  # bases per window; the network's input is twice that
FEATURES = 2 * WINDOW
MAX_PHRED = 93
THRESHOLD_PHRED = 20.0  # the label: pass if the mean Phred of the read is at least this

# Quality levels of instruments that report few values; remapping draws from these and from random sets.
INSTRUMENT_LEVELS = [
    (2, 11, 25, 37),  # NovaSeq 6000
    (2, 12, 23, 37),  # NovaSeq 6000, earlier control software
    (2, 9, 24, 40),  # NovaSeq X
    (2, 14, 21, 27, 32, 36),  # NextSeq 500
    (2, 8, 12, 22, 27, 32, 37, 41),  # HiSeq X
    (3, 30),  # archives that keep two values
]


@dataclass
class Reads:
    """Reads of at most 150 bases as rectangular arrays.

    Attributes
    ----------
    sequence : uint8 array [reads, 150]
        ASCII bases; meaningless beyond ``length``.
    phred : uint8 array [reads, 150]
        Phred scores 0..93; 0 beyond ``length``.
    length : int64 array [reads]
    """

    sequence: np.ndarray
    phred: np.ndarray
    length: np.ndarray

    def __len__(self) -> int:
        return len(self.length)

    def __getitem__(self, rows: np.ndarray) -> "Reads":
        return Reads(self.sequence[rows], self.phred[rows], self.length[rows])

    def mean_phred(self) -> np.ndarray:
        """Arithmetic mean Phred of each read, float64 [reads]."""
        return self.phred.sum(axis=1, dtype=np.int64) / self.length

    def passes(self) -> np.ndarray:
        """The label, bool [reads]: mean Phred at least 20."""
        return self.mean_phred() >= THRESHOLD_PHRED

    def write_fastq(self, path: Path) -> None:
        """Write the reads as FASTQ, in order."""
        with open(path, "wb") as out:
            for i, n in enumerate(self.length):
                s = self.sequence[i, :n].tobytes()
                q = (self.phred[i, :n] + 33).tobytes()
                out.write(b"@%d\n%b\n+\n%b\n" % (i, s, q))

    @staticmethod
    def concatenate(parts: list["Reads"]) -> "Reads":
        return Reads(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("sequence", "phred", "length")))

    @staticmethod
    def from_records(records: list[tuple[bytes, bytes]]) -> "Reads":
        """Reads from (sequence, quality) pairs, each of 1 to 150 bases."""
        length = np.array([len(s) for s, _ in records], dtype=np.int64)
        inside = np.arange(WINDOW) < length[:, None]  # [reads, 150]
        sequence = np.full((len(records), WINDOW), ord("N"), dtype=np.uint8)
        phred = np.zeros((len(records), WINDOW), dtype=np.uint8)
        sequence[inside] = np.frombuffer(b"".join(s for s, _ in records), dtype=np.uint8)
        phred[inside] = np.frombuffer(b"".join(q for _, q in records), dtype=np.uint8) - 33
        return Reads(sequence, phred, length)


def read_fastq(path: Path, max_records: int | None = None) -> list[tuple[bytes, bytes]]:
    """Records of a plain or gzip FASTQ file with four lines per record, as (sequence, quality), without empty reads."""
    records = []
    with open(path, "rb") as raw:
        opened = gzip.open(raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        for number in range(max_records or 1 << 62):
            header, sequence, plus, quality = (opened.readline().rstrip(b"\r\n") for _ in range(4))
            if not header and not sequence:
                break
            if header[:1] != b"@" or plus[:1] != b"+" or len(sequence) != len(quality):
                raise SystemExit(f"{path}: record {number + 1}: expected a FASTQ record of four lines")
            if quality and not 33 <= min(quality) <= max(quality) <= 33 + MAX_PHRED:
                raise SystemExit(f"{path}: record {number + 1}: quality byte outside '!' to '~'")
            if sequence:
                records.append((sequence, quality))
    return records


def mean_phred(quality: bytes) -> float:
    """Arithmetic mean Phred of one quality string."""
    return sum(quality) / len(quality) - 33


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def window_starts(n: int) -> list[int]:
    """First bases of the windows of a read of ``n`` bases: 0, 150, 300, ... and a last one aligned to the end."""
    if n <= WINDOW:
        return [0]
    starts = list(range(0, n - WINDOW + 1, WINDOW))
    return starts + [n - WINDOW] if n % WINDOW else starts


def window_weights(n: int) -> np.ndarray:
    """Weight of each window in bases, float64 [windows]: a base covered by two windows counts one half in each."""
    starts = window_starts(n)
    covered = np.zeros(n)
    for s in starts:
        covered[s : s + WINDOW] += 1
    return np.array([np.sum(1 / covered[s : s + WINDOW]) for s in starts])


def windows_of(records: list[tuple[bytes, bytes]], per_read: int, rng: np.random.Generator) -> Reads:
    """At most ``per_read`` windows of each record, so that long reads do not dominate a set."""
    out = []
    for s, q in records:
        starts = window_starts(len(s))
        if len(starts) > per_read:
            starts = rng.choice(starts, per_read, replace=False)
        out += [(s[a : a + WINDOW], q[a : a + WINDOW]) for a in starts]
    return Reads.from_records(out)


def stratified_split(label: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of a 70/15/15 split in which each part has the labels in the same proportion."""
    parts: tuple[list, list, list] = ([], [], [])
    for value in (False, True):
        rows = rng.permutation(np.flatnonzero(label == value))
        a, b = round(0.70 * len(rows)), round(0.85 * len(rows))
        for part, chosen in zip(parts, (rows[:a], rows[a:b], rows[b:])):
            part.append(chosen)
    return tuple(np.sort(np.concatenate(p)) for p in parts)


def draw(pool: Reads, n: int, rng: np.random.Generator, max_repeats: float) -> Reads:
    """Draw ``n`` reads with replacement so that every 2-Phred bin of mean quality is equally likely.

    In real runs only a few per cent of the reads are below mean Phred 20; with plain draws the network would learn the
    majority class. ``max_repeats`` limits the expected number of repeats of a rare read.
    """
    bins = (pool.mean_phred() // 2).astype(int)
    weight = 1.0 / np.bincount(bins)[bins]
    weight /= weight.sum()
    weight = np.minimum(weight, max_repeats / n)
    return pool[rng.choice(len(pool), n, p=weight / weight.sum())]


def augment(reads: Reads, rng: np.random.Generator, fraction: dict[str, float]) -> Reads:
    """Altered copies of real reads. The label is always computed after the alteration.

    Each step alters its own random fraction of the reads (``fraction``, from the config), so steps combine:

    ``cut``       a random piece of the read: in 4 of 5 cases 35 bases up to the whole read, otherwise 1 to 34 bases
    ``reorder``   the qualities reversed or shuffled within the read, because a mean does not depend on the order
    ``shift``     the same number added to all qualities; half aim at a mean near 20, half anywhere in 2..70
    ``stretch``   all qualities multiplied, mean anywhere in 2..80, as in the high values of long-read instruments
    ``remap``     qualities rounded to few levels, of a known instrument or random (two to eight values)
    ``tail``      the end of the read at Phred 2
    ``constant``  one quality for the whole read
    ``unknown``   a random fraction of the bases N, half of them with Phred 2; every tenth such read is N only
    ``poly_a``    the end of the read all A, which the encoding cannot distinguish from padding
    """
    n = len(reads)
    column = np.arange(WINDOW)
    sequence, phred, length = reads.sequence.copy(), reads.phred.astype(np.float64), reads.length.copy()

    def rows(step: str) -> np.ndarray:
        return np.flatnonzero(rng.random(n) < fraction[step])

    # cut: draw start and length, then gather the whole array at once
    some = rows("cut")
    short = rng.random(len(some)) < 0.2
    low = np.where(short, 1, np.minimum(35, length[some]))
    high = np.where(short, np.minimum(34, length[some]), length[some])
    kept = rng.integers(low, high + 1)
    start = rng.integers(0, length[some] - kept + 1)
    source = np.minimum(start[:, None] + column, WINDOW - 1)  # [some, 150]
    sequence[some] = np.take_along_axis(sequence[some], source, axis=1)
    phred[some] = np.take_along_axis(phred[some], source, axis=1)
    length[some] = kept
    inside = column < length[:, None]  # [reads, 150]
    phred[~inside] = 0

    def mean(some: np.ndarray) -> np.ndarray:
        return phred[some].sum(axis=1) / length[some]

    some = rows("reorder")
    key = np.where(inside[some], rng.random((len(some), WINDOW)), 2.0)
    backwards = rng.random(len(some)) < 0.5
    key[backwards] = np.where(inside[some][backwards], -column, 2.0)
    phred[some] = np.take_along_axis(phred[some], np.argsort(key, axis=1, kind="stable"), axis=1)

    some = rows("shift")
    near = rng.random(len(some)) < 0.5
    target = np.where(near, rng.normal(THRESHOLD_PHRED, 4.0, len(some)), rng.uniform(2, 70, len(some)))
    floor = rng.choice([0.0, 1.0, 2.0], len(some), p=[0.1, 0.2, 0.7])
    phred[some] = np.clip(phred[some] + np.round(target - mean(some))[:, None], floor[:, None], MAX_PHRED)

    some = rows("stretch")
    factor = rng.uniform(2, 80, len(some)) / np.maximum(mean(some), 1)
    phred[some] = np.clip(np.round(phred[some] * factor[:, None]), 1, MAX_PHRED)

    some = rows("remap")
    choice = rng.integers(0, 2 * len(INSTRUMENT_LEVELS), len(some))
    for c in range(2 * len(INSTRUMENT_LEVELS)):
        group = some[choice == c]
        if c < len(INSTRUMENT_LEVELS):
            levels = np.array(INSTRUMENT_LEVELS[c], dtype=float)[None, :].repeat(len(group), axis=0)
        else:
            levels = np.sort(rng.integers(2, 46, (len(group), rng.integers(2, 9))), axis=1).astype(float)
        middle = (levels[:, 1:] + levels[:, :-1]) / 2  # [group, levels - 1]
        nearest = (phred[group][:, :, None] > middle[:, None, :]).sum(axis=2)  # [group, 150]
        phred[group] = np.take_along_axis(levels, nearest, axis=1)

    some = rows("tail")
    phred[some] = np.where(column >= rng.integers(0, length[some] + 1)[:, None], 2.0, phred[some])

    some = rows("constant")
    near = rng.random(len(some)) < 0.5
    value = np.where(near, rng.normal(THRESHOLD_PHRED, 5.0, len(some)), rng.uniform(0, MAX_PHRED, len(some)))
    phred[some] = np.clip(np.round(value), 0, MAX_PHRED)[:, None]

    some = rows("unknown")
    portion = np.where(rng.random(len(some)) < 0.1, 1.0, rng.uniform(0, 0.6, len(some)))
    hit = rng.random((len(some), WINDOW)) < portion[:, None]
    sequence[some] = np.where(hit, ord("N"), sequence[some])
    low_quality = rng.random(len(some)) < 0.5
    phred[some] = np.where(hit & low_quality[:, None], 2.0, phred[some])

    some = rows("poly_a")
    sequence[some] = np.where(column >= rng.integers(0, length[some] + 1)[:, None], ord("A"), sequence[some])

    phred[~inside] = 0
    return Reads(sequence, phred.astype(np.uint8), length)


def bm_version(bm: Path) -> str:
    """Version of the ``bm`` program."""
    return subprocess.run([bm, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def encode(bm: Path, fastq: Path, out: Path) -> np.ndarray:
    """Feature matrix of a FASTQ file by ``bm encode``, float32 [windows, 300], memory-mapped."""
    if not bm.exists():
        raise SystemExit(f"{bm}: not found; build it with `cargo build --release`, or give --bm PATH")
    done = subprocess.run([bm, "encode", fastq, "-o", out], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{bm} encode {fastq}: exit {done.returncode}: {done.stderr.strip()}")
    matrix = np.load(out, mmap_mode="r")
    if matrix.dtype != np.float32 or matrix.ndim != 2 or matrix.shape[1] != FEATURES:
        raise SystemExit(f"{bm} encode: expected float32 [windows, {FEATURES}], found {matrix.dtype} {matrix.shape}")
    return matrix


def encode_reads(bm: Path, reads: Reads) -> np.ndarray:
    """Feature matrix of reads of at most 150 bases, float32 [reads, 300]."""
    with tempfile.TemporaryDirectory() as folder:
        reads.write_fastq(Path(folder, "reads.fastq"))
        matrix = np.array(encode(bm, Path(folder, "reads.fastq"), Path(folder, "features.npy")))
    if len(matrix) != len(reads):
        raise SystemExit(f"{bm} encode: expected {len(reads)} rows, found {len(matrix)}")
    return matrix
