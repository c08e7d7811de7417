"""Writes a truth set as one file of reads, and runs programs on it, with their time and memory.

Every program gets all reads of a set in one file of four-line records, first mates before second mates, named ``r0``, ``r1``, …
in order. So outputs can be joined by name, and no program fails on names that two mates have in common. `bm` gets the same reads
under their original names.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import rules  # noqa: E402
import truth  # noqa: E402
from metrics import MethodOutput  # noqa: E402

WATCH = Path("/usr/bin/time")  # of GNU


def tests_pass() -> bool:
    """Run the tests of this folder, with made-up reads."""
    tests = unittest.defaultTestLoader.discover(str(Path(__file__).parent / "tests"))
    return unittest.TextTestRunner().run(tests).wasSuccessful()


class Failed(Exception):
    """A program failed; the message gives the reason."""


@dataclass
class Job:
    """A working folder, and the time and memory used by the programs that ran in it."""

    folder: Path
    threads: int
    seconds: float = 600  # time limit of a program
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float | None = None  # of the largest process; unknown without GNU time

    def call(self, *command: object, stdout: Path | None = None) -> None:
        """Run a program in the folder and add its time and memory; raises `Failed` if it fails or exceeds the time limit."""
        words = [str(word) for word in command]
        name, memory = Path(words[0]).name, self.folder / "memory"
        if WATCH.exists():
            # Without GNU time in between, the peak memory of the child would include that of this process.
            words = [str(WATCH), "--format", "%M", "--output", str(memory), *words]
        began = time.monotonic()
        with open(stdout or os.devnull, "wb") as out, (self.folder / "stderr").open("wb") as error:
            # A separate session, so that the programs it starts are killed with it.
            process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=error, start_new_session=True)
            late = threading.Event()

            def end() -> None:
                late.set()
                os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(self.seconds, end)
            timer.start()
            try:
                _, status, used = os.wait4(process.pid, 0)
            finally:
                timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
        self.wall_s += time.monotonic() - began
        self.cpu_s += used.ru_utime + used.ru_stime
        if late.is_set():
            raise Failed(f"{name} was stopped after {self.seconds:.0f} s")
        if WATCH.exists():
            self.peak_mib = max(self.peak_mib or 0, int(memory.read_text().split()[-1]) / 1024)
        if process.returncode:
            messages = (self.folder / "stderr").read_text(encoding="utf-8", errors="replace").split("\n")
            raise Failed(f"{name} failed ({process.returncode}): {' '.join(line.strip() for line in messages if line.strip())[-200:]}")

    def used(self) -> dict[str, float | None]:
        """Time and memory, for the results file."""
        return {"wall_s": round(self.wall_s, 2), "cpu_s": round(self.cpu_s, 2), "peak_mib": self.peak_mib and round(self.peak_mib)}


@dataclass
class Joined:
    """All reads of a truth set, in one file."""

    reads: truth.Reads
    named: Path  # file with the original names
    numbered: Path  # file with the names r0, r1, …
    sequences: list[bytes]  # [records], upper case
    qualities: list[bytes]  # [records]

    @property
    def length(self) -> np.ndarray:
        """Bases of each record, int [records]."""
        return np.array([len(sequence) for sequence in self.sequences])


def joined(reads: truth.Reads, folder: Path) -> Joined:
    """Write all records of a set into one file, once with their names and once with numbers as names."""
    sequences, qualities = [], []
    named, numbered = folder / "named.fastq", folder / "numbered.fastq"
    with named.open("wb") as one, numbered.open("wb") as other:
        for file in reads.files:
            for head, sequence, quality in records(file):
                one.write(b"@%b\n%b\n+\n%b\n" % (head, sequence, quality))
                other.write(b"@r%d\n%b\n+\n%b\n" % (len(sequences), sequence, quality))
                sequences.append(sequence.upper())
                qualities.append(quality)
    return Joined(reads, named, numbered, sequences, qualities)


def records(path: Path) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name line without its first character, sequence and quality of each FASTQ or FASTA record; FASTA lines are joined."""
    with truth.opened(path) as lines:
        head = lines.readline()
        if head.startswith(b"@"):
            while head:
                sequence = lines.readline().rstrip()
                lines.readline()
                yield head[1:].rstrip(), sequence, lines.readline().rstrip()
                head = lines.readline()
            return
        while head:
            parts = []
            while (line := lines.readline()) and not line.startswith(b">"):
                parts.append(line.strip())
            yield head[1:].rstrip(), b"".join(parts), b""
            head = line


def score(bm: Path, run: Joined, job: Job, *options: str) -> tuple[MethodOutput, dict[str, np.ndarray]]:
    """Runs ``bm score`` with these options; returns its output for the evaluated reads, and badness and verdict of all records.

    Columns are found by name, as in `rules.output_of_tables`.
    """
    table = job.folder / "scores.tsv"
    job.call(bm, "score", "--quiet", "--threads", job.threads, *options, "--output", table, run.named)
    with table.open(encoding="utf-8", newline="") as lines:
        head = next(lines).rstrip("\n").split("\t")
        columns = dict(zip(head, map(list, zip(*(line.rstrip("\n").split("\t") for line in lines)))))
    verdict, length = np.array(columns["verdict"]), run.length
    if "expected_errors" in columns:
        badness = np.array(columns["expected_errors"], np.float64) / np.maximum(length, 1)
    else:
        badness = -np.array(columns["probability"], np.float64)
    badness = np.where(verdict == "unscored", np.inf, badness)
    return rules.output_of_tables(columns, run.reads)[0], {"badness": badness, "keep": verdict == "pass"}


def expected_rate(qualities: list[bytes]) -> np.ndarray:
    """EE / length of each record, float64 [records]; infinite for a record without bases."""
    return np.array([truth.ERROR_PROBABILITY[np.frombuffer(q, np.uint8) - 33].mean() if q else np.inf for q in qualities])


def mean_quality(qualities: list[bytes]) -> np.ndarray:
    """Mean Phred score of each record, float64 [records]; minus infinity for a record without bases."""
    return np.array([np.frombuffer(q, np.uint8).mean() - 33 if q else -np.inf for q in qualities])


def found(program: str, folder: Path | None = None) -> Path | None:
    """Path of a program: in this folder or one level below, else in the usual places; None if it is not installed."""
    if folder:
        for path in sorted([*folder.glob(program), *folder.glob(f"*/{program}")]):
            if path.is_file():
                return path.resolve()
    for place in (Path("/usr/share/bbmap"),):
        if (place / program).is_file():
            return place / program
    path = shutil.which(program)
    return Path(path) if path else None


def version_of(package: str) -> str | None:
    """Version of an installed Debian package; None on other systems."""
    if not shutil.which("dpkg-query"):
        return None
    answer = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", package], capture_output=True, text=True)
    return answer.stdout.strip() or None
