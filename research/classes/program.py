"""The example `classify` of bm-classes: indexes of genomes, and the rows of reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from genomes import LETTERS, write_fasta


def build(classify: Path, folder: Path, genomes: dict[str, list[np.ndarray]], *options: str) -> Path:
    """Returns the file of an index of classes."""
    for name, genome in genomes.items():
        write_fasta(folder / f"{name}.fa", genome, name)
    index = folder / "index.classes"
    classes = [f"{name}={folder / name}.fa" for name in genomes]
    subprocess.run([classify, "build", index, *classes, *options], check=True, capture_output=True)
    return index


def scores_of(errors: np.ndarray) -> bytes:
    """Returns quality scores of error probabilities."""
    return (33 + np.clip(np.round(-10 * np.log10(np.maximum(errors, 1e-4))), 2, 41)).astype(np.uint8).tobytes()


def letters(bases: np.ndarray) -> bytes:
    """Returns the letters of base codes."""
    return LETTERS[bases].tobytes()


def write(path: Path, reads: list[tuple[str, bytes, bytes]]) -> None:
    """Writes reads of name, letters and quality scores."""
    with open(path, "wb") as file:
        for name, bases, scores in reads:
            file.write(b"@%s\n%s\n+\n%s\n" % (name.encode(), bases, scores))


def rows(classify: Path, index: Path, fastq: Path) -> tuple[list[str], list[list[str]]]:
    """Returns the columns, and the rows of all reads."""
    done = subprocess.run([classify, "reads", index, fastq], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    text = done.stdout
    table = [line.split("\t") for line in text.splitlines()]
    return table[0], table[1:]
