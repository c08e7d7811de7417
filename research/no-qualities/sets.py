"""Truth sets and figures for the scripts of this folder: numpy and the standard library only."""

from __future__ import annotations

import dataclasses
import gzip
import json
import platform
import re
from pathlib import Path

import numpy as np

CODES = np.full(256, 4, np.int8)
for code, letter in enumerate(b"ACGT"):
    CODES[letter] = CODES[letter + 32] = code


@dataclasses.dataclass
class Read:
    """A read, and where it is wrong by the truth table."""

    definition: bytes
    sequence: bytes
    quality: bytes
    clear: bool  # aligned without more than five clipped bases, and compared over 70 % of its length
    errors: int
    wrong: list[int]  # positions of errors


def files(folder: Path) -> list[Path]:
    """Returns the FASTQ files of a set: one, or two of mates."""
    return sorted(folder.glob("*.fastq.gz"))


def records(path: Path):
    """Yields definition, sequence and quality of each record of four lines."""
    with gzip.open(path, "rb") as text:
        while definition := text.readline().rstrip():
            sequence, _, quality = (text.readline().rstrip() for _ in range(3))
            yield definition[1:], sequence, quality


def load(folder: Path) -> list[Read]:
    """Returns the reads of a set, file by file."""
    table = {}
    with gzip.open(next(folder.glob("*.truth.tsv.gz")), "rt") as text:
        for line in text:
            if not line.startswith("#"):
                row = line.rstrip("\n").split("\t")
                table[re.sub(r"/[12]$", "", row[0]), row[1]] = row
    mated = len(files(folder)) == 2 and len({mate for _, mate in table}) == 2
    reads = []
    for number, path in enumerate(files(folder)):
        for definition, sequence, quality in records(path):
            name = definition.split()[0].decode()
            mate = "2" if name.endswith("/2") or (mated and number == 1) else "1"
            row = table.get((re.sub(r"/[12]$", "", name), mate))
            read = Read(definition, sequence, quality, False, 0, [])
            if row is not None and row[3] == "1":
                read.clear = int(row[6]) + int(row[7]) <= 5 and int(row[13]) >= 0.7 * len(sequence)
                read.errors = sum(int(row[i]) for i in (8, 9, 10))
                places = (int(re.search(r"\d+$", place).group()) for place in row[15].split(",") if place)
                read.wrong = [place for place in places if place < len(sequence)]
            reads.append(read)
    return reads


def auc(bad: np.ndarray, score: np.ndarray) -> float:
    """Returns P(a bad one has a higher score than a good one); ties count half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    end = np.cumsum(count)
    rank = ((end - count + 1 + end) / 2)[place]
    n = bad.sum()
    return float((rank[bad].sum() - n * (n + 1) / 2) / (n * (~bad).sum()))


def mcc(good: np.ndarray, kept: np.ndarray) -> float:
    """Returns the Matthews correlation of two classifications; 0 if one of them has one class only."""
    tp, tn, fp, fn = (float(x.sum()) for x in (good & kept, ~good & ~kept, ~good & kept, good & ~kept))
    below = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
    return (tp * tn - fp * fn) / below if below else 0.0


def figures(lengths: np.ndarray, errors: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Returns MCC and AUC for "at most 1 % of the read is wrong", and log2(expected / true errors)."""
    good, rate = errors <= 0.01 * lengths, expected / lengths
    return {
        "mcc": round(mcc(good, rate <= 0.01), 3),
        "auc": round(auc(~good, rate), 3),
        "log2": round(float(np.log2(expected.sum() / errors.sum())), 2),
    }


def write(path: Path, command: str, rows: list[dict]) -> None:
    """Writes rows with the command and the machine that made them, as JSON."""
    content = {"command": command, "machine": f"{platform.machine()} {platform.system()}", "rows": rows}
    path.write_text(json.dumps(content, indent=1) + "\n")


def table(rows: list[dict], columns: list[str], title: str, command: str) -> str:
    """Returns rows as a Markdown page."""
    lines = [f"# {title}", "", f"`{command}`", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(str(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"
