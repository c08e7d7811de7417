"""The rows: which reads, what is done to them, and with which options they are learned."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("evaluation", "no-qualities")]
import copies  # noqa: E402
import cycles  # noqa: E402
import library  # noqa: E402
import qualities  # noqa: E402
from counted import Read  # noqa: E402

MOST = 10_000  # reads of a file that are changed

PHAGE, BERLIN, SANGER, BIOHUB, MEASLES = "hiseqx_phage", "novaseq_sars2_berlin", "miseq_sars2_sanger", "novaseq_sars2_biohub", "hiseq_measles"

CYCLES, COPIES, QUALITIES = "Failed cycles", "Copies and amplicons", "Qualities taken away"
LIBRARY, REAL, PLAIN = "Libraries, conversions and strains", "Real files without changes", "Runs as they are"
GROUPS = (CYCLES, COPIES, QUALITIES, LIBRARY, REAL, PLAIN)

Change = Callable[[list[Read], Path], list[Read]]  # from the reads of a set and its folder


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    group: str
    run: str  # name of a truth set's folder, or of a file without `.fastq.gz`
    what: str  # what is done to the reads
    change: Change | None = None  # None: the files are taken as they are
    most: int | None = MOST  # the first reads of each file that are changed; None: all

    @property
    def name(self) -> str:
        return f"{self.run}: {self.what}"


def without_folder(change: Callable[[list[Read]], list[Read]], reads: list[Read], _: Path) -> list[Read]:
    """A change that needs the reads alone. (Rows are sent to other processes, which cannot take functions inside of functions.)"""
    return change(reads)


def failed_cycles() -> list[Row]:
    """One cycle random in a run of random starts, and one always A in amplicons and at a low depth."""

    def row(run: str, cycle: int, kind: str, part: float) -> Row:
        number = f"cycle {cycle}" if cycle else "the last cycle"
        change = partial(without_folder, partial(cycles.broken, cycle, part, kind))
        return Row(CYCLES, run, f"{number} {kind} in {100 * part:.0f} %", change)

    random = [row(PHAGE, cycle, cycles.RANDOM, part) for cycle in (cycles.LAST, 1, 75) for part in (0.05, 0.2, 0.5, 0.8)]
    always = [row(run, cycle, cycles.ALWAYS_A, 0.8) for run in (BERLIN, SANGER, BIOHUB) for cycle in (cycles.LAST, 100)]
    return [*random, *always, row(MEASLES, 50, cycles.ALWAYS_A, 0.5)]


def copied() -> list[Row]:
    """Copies of molecules, and molecules that all begin at few places."""
    rows = [Row(COPIES, PHAGE, f"molecules read {times} times", partial(copies.molecules_read_again, times)) for times in (2, 10, 30)]
    for moved, what in ((0.0, "the same reads {} times"), (copies.MOVED, "reads {} times, errors included")):
        for times in (2, 10, 30):
            change = partial(without_folder, partial(copies.equal_copies, times, moved))
            rows.append(Row(COPIES, PHAGE, what.format(times), change))
    for many, what in ((1, "one amplicon"), (2, "two amplicons")):
        rows.append(Row(COPIES, BERLIN, what, partial(copies.amplicons, many), None))
    return rows


def without_qualities() -> list[Row]:
    """Qualities of one value, and of two."""
    forms = {"all Q30": qualities.all_30, "SRA-lite": qualities.lite}
    pairs = [("all Q30", PHAGE), ("all Q30", SANGER), ("all Q30", MEASLES), ("SRA-lite", MEASLES)]
    return [Row(QUALITIES, run, form, partial(without_folder, partial(qualities.changed, forms[form])), None) for form, run in pairs]


def libraries() -> list[Row]:
    """What a library adds and converts, and strains, which are no errors."""
    return [Row(LIBRARY, run, case, partial(library.modify, case)) for run in (PHAGE, BERLIN, MEASLES) for case in library.CASES]


def real_files() -> list[Row]:
    """Files as archives and instruments hand them out."""
    files = ("real_SRAlite_2quals_10k", "real_SRAconstQ30_NovaSeq_RRBS_10k", "real_ONT_R1041_SUP_2025_1k", "hifi_ecoli_k12")
    return [Row(REAL, file, "as it is") for file in files]


def plain_runs(names: list[str]) -> list[Row]:
    """Runs as they are."""
    return [Row(PLAIN, name, "as it is") for name in names]


def all_rows(runs: list[str]) -> list[Row]:
    """All rows, group by group; `runs` are the sets of short reads."""
    return [*failed_cycles(), *copied(), *without_qualities(), *libraries(), *real_files(), *plain_runs(runs)]
