"""A run as `bm adapt` sees it: codes of its reads, and the label of every base."""

from __future__ import annotations

import functools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "read-error"))
import reads  # noqa: E402

encode = functools.partial(reads.encode, encoding="base-quality-place")
vectors = functools.partial(reads.vectors, encoding="base-quality-place")

Read = tuple[bytes, bytes, bytes]  # name line, sequence, quality
Template = tuple[Read, ...]  # one read, or a pair

# Number of names that `bm adapt` compares to decide whether two files hold mates.
COMPARED = 8
# Parts of a run, and the number of labelled bases from which bm learns from all parts except the first; both as in bm-adapt.
FOLDS, MANY = 4, 2_000_000
MASK = (1 << 64) - 1


def mix(x: int) -> int:
    """The finaliser of MurmurHash3, which bm-adapt uses for its draws."""
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & MASK
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ x >> 33


def fold_of(template: int) -> int:
    """The part into which bm-adapt puts a template."""
    return mix(template ^ 0x9E3779B97F4A7C15) % FOLDS


def bare(name: bytes) -> bytes:
    """The name of a template, without the suffix /1 or /2."""
    name = (name[1:].split() or [b""])[0]
    return name[:-2] if name.endswith((b"/1", b"/2")) else name


def templates(files: list[Path]) -> list[Template]:
    """Templates of a run, in order; two consecutive files whose first names are equal hold mates."""
    found: list[Template] = []
    contents = [list(reads.records(path)) for path in files]
    while contents:
        first = contents.pop(0)
        names = [bare(read[0]) for read in first[:COMPARED]]
        if names and contents and names == [bare(read[0]) for read in contents[0][:COMPARED]]:
            found += zip(first, contents.pop(0), strict=True)
        else:
            found += [(read,) for read in first]
    return found


def write(run: list[Template], folder: Path) -> list[Path]:
    """Write a run into one file, or into two files of mates; returns the files."""
    mates = {len(template) for template in run}
    if len(mates) != 1:
        raise SystemExit("expected single reads only, or pairs only")
    files = [folder / f"reads_{mate + 1}.fastq" for mate in range(mates.pop())]
    for mate, path in enumerate(files):
        path.write_bytes(b"".join(b"%s\n%s\n+\n%s\n" % template[mate] for template in run))
    return files


def adapt(bm: Path, files: list[Path], folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """Run `bm adapt`; returns the folder of the package and the file of the labels."""
    package, labels = folder / f"model-{seed}", folder / "labels.tsv"
    command = [bm, "adapt", *files, "-o", package, "--labels", labels, "--seed", str(seed), "-q"]
    subprocess.run(command, check=True)
    return package, labels


@dataclass
class Bases:
    """Labelled bases of some reads.

    around : uint16 [bases, window], codes around each base; `outside` beyond the ends of a read
    wrong : bool [bases], whether the label is X
    read : int [bases], number of the base's read
    """

    around: np.ndarray
    wrong: np.ndarray
    read: np.ndarray


def labelled(run: list[Template], labels: Path, bm: Path, window: int, outside: int) -> tuple[Bases, np.ndarray]:
    """The labelled bases of a run, and the template of each read, int [reads], counted from 0."""
    rows = [line.rstrip("\n").split("\t") for line in labels.read_text(encoding="ascii").splitlines()[1:]]
    numbers = np.array([int(row[0]) for row in rows])
    kept = [run[int(template)][int(mate) - 1] for template, mate, _ in rows]
    signs = np.frombuffer("".join(row[2] for row in rows).encode(), np.uint8)
    length = np.array([len(row[2]) for row in rows])
    if [len(sequence) for _, sequence, _ in kept] != length.tolist():
        raise SystemExit(f"{labels}: the rows belong to other reads")
    codes = encode(bm, [read[1:] for read in kept])
    read = np.repeat(np.arange(len(rows)), length)
    at = np.flatnonzero(signs != ord("."))
    return Bases(windows(codes, read, at, window, outside), signs[at] == ord("X"), read[at]), numbers


def windows(codes: np.ndarray, read: np.ndarray, at: np.ndarray, window: int, outside: int) -> np.ndarray:
    """Codes around the bases `at`, uint16 [len(at), window].

    Parameters
    ----------
    codes : uint16 array [bases]
        Codes of all reads, concatenated.
    read : int array [bases]
        Number of each base's read.
    at : int array
        Indices of the wanted bases.
    outside : int
        Code for positions beyond the ends of a read.
    """
    around = np.full((len(at), window), outside, np.uint16)
    for column, offset in enumerate(range(-(window // 2), window // 2 + 1)):
        there = np.clip(at + offset, 0, len(codes) - 1)
        inside = (there == at + offset) & (read[there] == read[at])
        around[inside, column] = codes[there[inside]]
    return around


def some(bases: Bases, which: np.ndarray) -> Bases:
    """The bases of the reads `which`, bool [reads]."""
    take = which[bases.read]
    return Bases(bases.around[take], bases.wrong[take], bases.read[take])
