"""Truth sets: reads, their counted errors, and the summaries that the methods use.

A truth set is a folder with one ``NAME.truth.tsv.gz`` and the FASTQ files that it describes. `Reads` holds one row per read that
is in the table and unambiguous; every array has the shape [reads]. A read is ambiguous, and left out, if it is unmapped, if less
than 70 % of its bases were compared, or if more than 5 bases were clipped. Clipping is ignored for sets of long reads: aligners
routinely clip their adapters and ends, and nearly every read would be left out.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SUFFIX = ".truth.tsv.gz"
FASTQ = (".fastq.gz", ".fq.gz", ".fastq", ".fq")

MOST_CLIPPED = 5  # bases; a read with more clipped bases is ambiguous, except in sets of long reads
LONG = 500  # bases; a set with a longer median read is a set of long reads; no Illumina read is that long
FEWEST_SCORED = 0.7  # fraction of the read's bases; a read with fewer bases compared is ambiguous
GOOD_BASES = 100  # a read is good (true Q20 or better) with at most one error per this many scored bases

ERROR_PROBABILITY = 10.0 ** (-np.arange(94) / 10)  # by Phred score: Ewing and Green 1998


@dataclass(frozen=True)
class Row:
    """One read's row of a truth table."""

    length: int
    errors: int
    scored: int
    ee: float
    clip5: int
    clip3: int
    comparable: bool  # mapped, and enough of its bases scored
    places: str  # positions of its errors, as in the column `errpos`

    @property
    def clipped(self) -> int:
        return self.clip5 + self.clip3


@dataclass
class Reads:
    """The unambiguous reads of one truth set."""

    name: str  # name of the folder
    part: str  # the folder's path below the data folder without its last name: train, devtest, weird
    files: list[Path]  # FASTQ, in the order of the rows
    run: str  # instrument, run and flow cell from the read names; else the folder's name
    row: np.ndarray  # int, index of the record over all files; joins the reads to the tables of `bm`
    length: np.ndarray  # int, bases
    errors: np.ndarray  # int, substituted, inserted and deleted bases
    scored: np.ndarray  # int, bases that were compared with the reference
    ee: np.ndarray  # float, sum of the reported error probabilities over the read
    mean_q: np.ndarray  # float
    sd_q: np.ndarray  # float
    end_q: np.ndarray  # float, mean over the last 10 bases
    low_share: np.ndarray  # float, fraction of bases below Q15
    records: int  # number of records in the files
    clipped_too: bool  # whether clipped reads are kept, as in sets of long reads
    ambiguous: int  # number of ambiguous reads, which are left out
    without_truth: int  # number of reads in the files without a row in the table, which are left out
    clip5: np.ndarray = field(default_factory=lambda: np.array([], int))  # bases clipped from the start
    clip3: np.ndarray = field(default_factory=lambda: np.array([], int))  # bases clipped from the end
    places: list[str] = field(default_factory=list)  # positions of the errors, as in the table

    @property
    def good(self) -> np.ndarray:
        """Whether errors / scored bases is at most 1 %, bool [reads]."""
        return self.errors * GOOD_BASES <= self.scored

    def __len__(self) -> int:
        return len(self.row)


def find(data: Path) -> list[Path]:
    """The truth tables below ``data``, sorted by path."""
    return sorted(data.rglob("*" + SUFFIX))


def fastq_files(folder: Path) -> list[Path]:
    """The FASTQ files of a truth set, sorted by name. If there are two, the second holds the second mates."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(FASTQ))


def opened(path: Path):
    """Opens a file for reading bytes, and decompresses it if its name ends in .gz."""
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def sha256(path: Path) -> str:
    """Digest of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bare(name: str) -> str:
    """A read's name without the suffix /1 or /2."""
    return re.sub(r"/[12]$", "", name)


def read_table(path: Path) -> dict[tuple[str, str], Row]:
    """The rows of a truth table by name and mate; columns are found by name."""
    rows: dict[tuple[str, str], Row] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        # A long read has a long list of error positions.
        csv.field_size_limit(1 << 30)
        for f in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            length, scored = int(f["len"]), int(f["scored"])
            comparable = f["mapped"] == "1" and scored > 0 and scored >= FEWEST_SCORED * length
            key = (bare(f["#name"]), f["mate"])
            if key in rows:
                raise SystemExit(f"{path}: {key[0]}, mate {key[1]}, has two rows")
            errors = int(f["sub"]) + int(f["ins"]) + int(f["del"])
            rows[key] = Row(length, errors, scored, float(f["ee"]), int(f["clip5"]), int(f["clip3"]), comparable, f.get("errpos") or "")
    return rows


def records(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """Name, description and quality bytes of each record of a file of four-line records."""
    with opened(path) as file:
        while head := file.readline():
            file.readline()
            plus, quality = file.readline(), file.readline().rstrip(b"\r\n")
            if not head.startswith(b"@") or not plus.startswith(b"+"):
                raise SystemExit(f"{path}: expected FASTQ with four lines per record, near {head[:60]!r}")
            name, _, description = head[1:].decode("utf-8", "replace").rstrip().partition(" ")
            yield name, description, quality


def mate_of(name: str, description: str, place: int | None) -> str:
    """Which mate a read is, "1" or "2": from ``/2`` or ``2:`` in its name, else from its file, else the first.

    ``place`` is 0 or 1 if the two files hold first and second mates, and None otherwise.
    """
    if match := re.search(r"/([12])$", name):
        return match[1]
    if match := re.match(r"([12]):[YN]:", description):
        return match[1]
    return str(place + 1) if place is not None else "1"


def run_of(name: str) -> str | None:
    """Instrument, run and flow cell from an Illumina read name; None for other names."""
    fields = name.split(":")
    return ":".join(fields[:3]) if len(fields) >= 7 else None


def load(table: Path, data: Path) -> Reads | None:
    """The truth set of ``table``, a file below ``data``; None if every read is ambiguous.

    The table's lengths and expected errors are compared with the FASTQ: a table of other reads is refused.
    """
    folder = table.parent
    truth, files = read_table(table), fastq_files(folder)
    if not files:
        raise SystemExit(f"{folder}: a truth table, but no FASTQ file")
    paired = {mate for _, mate in truth} == {"1", "2"}
    long = bool(truth) and float(np.median([row.length for row in truth.values()])) > LONG
    kept, rows, qualities = [], [], []
    number = ambiguous = without_truth = 0
    runs: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for place, file in enumerate(files):
        for name, description, quality in records(file):
            number += 1
            runs.update([run_of(name) or folder.name])
            key = (bare(name), mate_of(name, description, place if paired and len(files) == 2 else None) if paired else "1")
            row = truth.get(key)
            if row is None:
                without_truth += 1
                continue
            if key in seen:
                raise SystemExit(f"{file}: {key[0]}, mate {key[1]}, occurs twice")
            seen.add(key)
            if row.length != len(quality):
                raise SystemExit(f"{file}: {name} has {len(quality)} bases, but {row.length} in its truth table")
            if not row.comparable or (row.clipped > MOST_CLIPPED and not long):
                ambiguous += 1
                continue
            kept.append(row)
            rows.append(number - 1)
            qualities.append(quality)
    if not seen:
        raise SystemExit(f"{folder}: {table.name} has none of the reads")
    if not kept:
        return None
    length = np.array([row.length for row in kept])
    summary = summarise(b"".join(qualities), length)
    stated = np.array([row.ee for row in kept])
    if not np.allclose(summary["ee"], stated, rtol=1e-4, atol=1e-3):
        worst = int(np.argmax(np.abs(summary["ee"] - stated)))
        found = summary["ee"][worst]
        raise SystemExit(f"{table}: {stated[worst]} expected errors, but {found:.4f} by the FASTQ: the table belongs to other qualities")
    return Reads(
        name=folder.name, part=folder.parent.relative_to(data).as_posix(), files=files, run=runs.most_common(1)[0][0],
        row=np.array(rows), length=length,
        errors=np.array([row.errors for row in kept]), scored=np.array([row.scored for row in kept]),
        clip5=np.array([row.clip5 for row in kept]), clip3=np.array([row.clip3 for row in kept]), places=[row.places for row in kept],
        **summary, records=number, clipped_too=long, ambiguous=ambiguous, without_truth=without_truth,
    )  # fmt: skip


def summarise(quality: bytes, length: np.ndarray) -> dict[str, np.ndarray]:
    """Summaries of the reported qualities, each float64 [reads].

    Parameters
    ----------
    quality : bytes
        Quality bytes of all reads, concatenated; no read is empty.
    length : int array [reads]
    """
    q = np.frombuffer(quality, np.uint8).astype(np.int16) - 33  # [bases]
    if q.min() < 0 or q.max() > 93:
        raise SystemExit(f"quality scores from {q.min()} to {q.max()}: not Phred+33")
    first = np.cumsum(length) - length

    def mean(values: np.ndarray) -> np.ndarray:  # [bases] -> [reads]
        return np.add.reduceat(values, first, dtype=np.float64) / length

    mean_q = mean(q)
    from_end = np.repeat(first + length, length) - np.arange(len(q))  # 1 for a read's last base
    tail = from_end <= 10
    return {
        "ee": np.add.reduceat(ERROR_PROBABILITY[q], first),
        "mean_q": mean_q,
        "sd_q": np.sqrt(np.maximum(mean(q.astype(np.float64) ** 2) - mean_q**2, 0)),
        "end_q": np.add.reduceat(q * tail, first, dtype=np.float64) / np.minimum(length, 10),
        "low_share": mean(q < 15),
    }
