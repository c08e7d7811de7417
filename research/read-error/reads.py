"""Runs of reads as codes, with labels of wrong bases, from truth tables or from the run's own k-mers."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SUFFIX = ".truth.tsv.gz"
SCORES = 94  # Phred scores; code = 94 place + Phred
OUTSIDE = 94  # code for positions outside a read, in windows
REPORTED = 10.0 ** (-np.arange(SCORES) / 10)  # the probability of an error that a score reports
K = 21
UNKNOWN = 4

BASE = np.full(256, UNKNOWN, np.uint8)
for _i, _letter in enumerate(b"ACGT"):
    BASE[_letter] = BASE[_letter + 32] = _i


@dataclass
class Reads:
    """Reads of a run, concatenated.

    codes : uint16 [bases], of the encoding quality-place
    length : int [reads]
    wrong : bool [bases]
    known : bool [bases], whether the base has a label; `wrong` is meaningless elsewhere
    errors, scored : int [reads], from the truth table; None without a table
    """

    codes: np.ndarray
    length: np.ndarray
    wrong: np.ndarray
    known: np.ndarray
    errors: np.ndarray | None = None
    scored: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.read = np.repeat(np.arange(len(self.length)), self.length)  # [bases]

    def good(self) -> np.ndarray:
        """Whether each read has at most one error in a hundred scored bases, bool [reads]."""
        return 100 * self.errors <= self.scored

    def reported(self) -> np.ndarray:
        """Expected errors by the reported qualities, float64 [reads]; an unknown base counts as Phred 2 at most."""
        return np.bincount(self.read, REPORTED[self.codes % SCORES], len(self.length))

    def windows(self, bases: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Phred scores around bases (`OUTSIDE` beyond the ends), int64 [bases, width], and the places of the bases [bases]."""
        offsets = np.arange(width) - width // 2
        at = bases[:, None] + offsets
        inside = (at >= 0) & (at < len(self.codes))
        at = np.where(inside, at, 0)
        inside &= self.read[at] == self.read[bases][:, None]
        return np.where(inside, self.codes[at] % SCORES, OUTSIDE).astype(np.int64), (self.codes[bases] // SCORES).astype(np.int64)


def records(path: Path) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name line, sequence and quality of a four-line FASTQ file, plain or gzip."""
    opened = gzip.open if path.read_bytes()[:2] == b"\x1f\x8b" else open
    with opened(path, "rb") as lines:
        while name := lines.readline():
            sequence, _, quality = lines.readline().rstrip(), lines.readline(), lines.readline().rstrip()
            yield name.rstrip(), sequence, quality


def encode(bm: Path, reads: list[tuple[bytes, bytes]], offset: int = 33, encoding: str = "quality-place") -> np.ndarray:
    """Codes of reads from `bm encode`, uint16 [bases]; ``reads`` are pairs of sequence and quality. There is no second encoder."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "reads.fastq"), Path(folder, "codes.npy")
        with source.open("wb") as file:
            for sequence, quality in reads:
                if offset != 33:
                    quality = bytes(max(33, byte - offset + 33) for byte in quality)
                file.write(b"@r\n%s\n+\n%s\n" % (sequence, quality))
        subprocess.run([bm, "encode", source, "--encoding", encoding, "-o", target, "-q"], check=True)
        codes = np.load(target)
    if codes.dtype != np.uint16 or len(codes) != sum(len(sequence) for sequence, _ in reads):
        raise SystemExit("bm encode: expected one uint16 code per base")
    return codes


def vectors(bm: Path, encoding: str = "quality-place") -> np.ndarray:
    """The feature vector of each code, float32 [codes, channels]."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "vectors.npy")
        subprocess.run([bm, "encode", "--vectors", "--encoding", encoding, "-o", target, "-q"], check=True)
        return np.load(target)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ------------------------------------------------------------------------------------------------------- with truth


def fastq_files(table: Path) -> list[Path]:
    """The FASTQ files in the folder of a truth table."""
    return sorted(path for path in table.parent.iterdir() if re.search(r"\.(fastq|fq)(\.gz)?$", path.name))


def records_with_truth(table: Path) -> Iterator[tuple[bytes, bytes, str | None, int, int]]:
    """Every read of a set, in the order of its files: sequence, quality, positions of errors, number of errors, scored bases.

    The positions are None for reads that are ambiguous or not in the table. An unambiguous read is mapped, at most 5 of its bases are
    clipped, and at least 70 % are scored.
    """
    files = fastq_files(table)
    truth = {}
    with gzip.open(table, "rt") as lines:
        columns: dict[str, int] = {}
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if not columns or line.startswith("#"):
                columns = {name.lstrip("#"): i for i, name in enumerate(fields)}
                continue
            truth[re.sub(r"/[12]$", "", fields[columns["name"]]), fields[columns["mate"]]] = fields
    two = len(files) == 2 and len({mate for _, mate in truth}) == 2
    for index, path in enumerate(files):
        for line, sequence, quality in records(path):
            name = line[1:].split()[0].decode("latin-1")
            mate = "2" if name.endswith("/2") or (two and index == 1) else "1"
            bare = re.sub(r"/[12]$", "", name)
            fields = truth.get((bare, mate)) or truth.get((bare, "1"))
            if fields is not None and sequence:
                value = {key: int(fields[columns[key]]) for key in ("mapped", "clip5", "clip3", "sub", "ins", "del", "scored")}
                if value["mapped"] == 1 and value["clip5"] + value["clip3"] <= 5 and value["scored"] >= 0.7 * len(sequence):
                    yield sequence, quality, fields[columns["errpos"]], value["sub"] + value["ins"] + value["del"], value["scored"]
                    continue
            yield sequence, quality, None, 0, 0


def with_truth(table: Path, bm: Path, limit: int, seed: int) -> Reads | None:
    """At most ``limit`` unambiguous reads of a set, drawn at random; None if there are none.

    An unknown base is not scored, so it has no label. A deletion counts at the base before it.
    """
    rows = [row for row in records_with_truth(table) if row[2] is not None]
    if not rows:
        return None
    rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:limit]]
    return Reads(
        encode(bm, [(sequence, quality) for sequence, quality, *_ in rows]),
        np.array([len(row[0]) for row in rows]),
        np.concatenate([wrong_bases(row[0], row[2]) for row in rows]),
        np.concatenate([BASE[np.frombuffer(row[0], np.uint8)] != UNKNOWN for row in rows]),
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
    )


def wrong_bases(sequence: bytes, where: str) -> np.ndarray:
    """Which bases are wrong, bool [bases], from the positions in a table's column `errpos`."""
    at = np.zeros(len(sequence), bool)
    at[[i for i in positions(where) if i < len(sequence)]] = True
    return at


def positions(where: str) -> list[int]:
    """Positions in a table's `errpos`: ``S17,I3@2,D9`` gives 17, 2 and 9. ``I3@2`` is an insertion of three bases at position 2."""
    return [int(re.search(r"\d+$", each).group()) for each in where.split(",") if re.search(r"\d+$", each)]


# ------------------------------------------------------------------------------------------------------- own k-mers


def with_own_labels(path: Path, bm: Path, offset: int, limit: int) -> Reads:
    """At most ``limit`` reads, labelled by recurrent k-mers on both sides of each base.

    A base after a frequent k-mer is wrong if the k-mer that ends with the base is rare, and right if that k-mer is frequent too.
    """
    rows = []
    for _, sequence, quality in records(path):
        if sequence:
            rows.append((sequence, quality))
        if len(rows) == limit:
            break
    length = np.array([len(sequence) for sequence, _ in rows])
    bases = BASE[np.frombuffer(b"".join(sequence for sequence, _ in rows), np.uint8)]
    wrong, known = own_labels(bases, length)
    return Reads(encode(bm, rows, offset), length, wrong, known)


def own_labels(bases: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which bases are wrong by the k-mers of all reads together, and which have a label at all; both bool [bases].

    Parameters
    ----------
    bases : uint8 array [bases]
        0 to 3; 4 for an unknown base.
    length : int array [reads]
    """
    left = np.concatenate([np.arange(n, 0, -1) for n in length])  # bases to the end of the read
    start = np.flatnonzero(left >= K)
    forward, reverse, bad = np.zeros(len(start), np.uint64), np.zeros(len(start), np.uint64), np.zeros(len(start), bool)
    for j in range(K):
        base = bases[start + j]
        bad |= base == UNKNOWN
        base = np.minimum(base, 3).astype(np.uint64)
        forward = (forward << np.uint64(2)) | base
        reverse |= (np.uint64(3) - base) << np.uint64(2 * j)
    _, inverse, count = np.unique(np.minimum(forward, reverse)[~bad], return_inverse=True, return_counts=True)
    seen = np.full(len(bases) + 1, -1)  # how often the k-mer that starts here is seen
    seen[start[~bad]] = count[inverse]
    few = max(2, min(0.03 * float(np.median(count[inverse])), 20)) if len(count) else 2
    solid, weak = seen >= max(2 * few, 4), (seen >= 0) & (seen <= few)
    wrong, known = np.zeros(len(bases), bool), np.zeros(len(bases), bool)
    i = np.flatnonzero(left >= K + 1)
    for here, there, base in ((i, i + 1, i + K), (i + 1, i, i)):
        evaluated = solid[here] & (solid[there] | weak[there])
        known[base[evaluated]] = True
        wrong[base[evaluated & weak[there]]] = True
    return wrong, known
