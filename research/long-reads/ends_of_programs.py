#!/usr/bin/env python3
"""Ends that are cut and reads that are divided by `bm` and by Porechop, beside what the aligner clips and at known joins.

    python research/long-reads/ends_of_programs.py --data DIR --bm PATH            every run: results/ends-of-programs.{json,md}
    python research/long-reads/ends_of_programs.py --data DIR --bm PATH --only RUN one run
    python research/long-reads/ends_of_programs.py --render                        the page again, from the results file

It needs Porechop (Debian's `porechop`), which is slow: so the first 1,000 reads of a run are looked at. **Ends**: the bases that `bm filter
--trim=adapters` and `porechop --no_split` cut at either end of a read, beside the bases that the aligner clips there, by the truth tables. Ends
with more than 300 clipped bases are left out: they are other molecules, or not of the reference. *Clipped, cut*: the fraction of the clipped bases
that are cut. *Sample lost*: cut bases that the aligner has aligned, per 10,000 aligned ones. Aligners extend an alignment by chance a few bases
into an adapter, so a few of these are no loss. **Joins**: one read in 20 is joined (seeded) with another whole read, with the adapters that both
have. *Found*: divided at the join, which lies in what was cut out or within 150 bases of it. *Divided wrongly*: reads of the run that were not
joined, were divided, and align as one piece: at most 300 bases clipped at either end. Pieces under 100 bases do not count: these are rests of an
end, not of a molecule.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("evaluation", "no-qualities")]
import by_run  # noqa: E402
import counted  # noqa: E402
import tables  # noqa: E402
import truth  # noqa: E402

RUNS = tuple(
    f"train/{name}"
    for name in (
        "ont_phix_r9",
        "ont_sars2_r9",
        "ont_r1041_flu",
        "ont_r1041_lambda_amplicon",
        "ont_r9_plasmid_adelaide",
        "ont_r9_sars2_phac",
        "ont_r9_saureus_C222",
    )
) + tuple(f"devtest/{name}" for name in ("ont_lambda_r9", "ont_r1041_mpx", "ont_r9_sars2_nfcore", "ont_sirv_cdna", "ont_drna_rcs100"))
READS = 1000  # of a run, at most
MOST_CLIPPED = 300  # bases at an end, of which an adapter may be the reason
LEAST_PIECE = 100  # bases of a piece that counts
JOINED = 20  # one read in so many
NEAR = 150  # bases between a join and the nearest cut

Record = tuple[bytes, bytes, bytes]  # name, bases, qualities
Part = tuple[int, int]  # the first base of a piece, and the base behind it


@dataclasses.dataclass(frozen=True)
class Program:
    """A program, with the commands that cut ends and that divide reads; `{}` are the input and the output."""

    name: str
    trims: str
    splits: str


PROGRAMS = (
    Program("bm", "bm filter {} --trim=adapters --threshold 0 -q -o {}", "bm filter {} --split=adapters --threshold 0 -q -o {}"),
    Program(
        "Porechop",
        "porechop -i {} -o {} --format fastq --no_split --threads 1",
        # Its own limit throws pieces under 1,000 bases away.
        "porechop -i {} -o {} --format fastq --min_split_read_size 100 --threads 1",
    ),
)


def kept(command: str, bm: Path, records: list[Record], folder: Path) -> dict[int, list[Part]]:
    """The pieces of each read that a command writes, by the place of the read."""
    source, output = folder / "in.fq", folder / "out.fq"
    source.write_bytes(b"".join(b"@%b\n%b\n+\n%b\n" % record for record in records))
    words = command.format(source, output).split()
    words[0] = str(bm) if words[0] == "bm" else words[0]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[int, list[Part]] = {}
    for definition, bases, _ in counted.records(output):
        place = int(definition.split()[0][1:].split(b"_")[0])
        parts = found.setdefault(place, [])
        first = records[place][1].find(bases, parts[-1][1] if parts else 0)
        if first < 0:
            raise SystemExit(f"{command}: a piece of read {place} is not in the read")
        parts.append((first, first + len(bases)))
    return found


def is_clear(row: truth.Row | None) -> bool:
    """Whether at least half of the read was compared with the reference."""
    return row is not None and row.scored > 0 and 2 * row.scored >= row.length


def of_ends(parts: dict[int, list[Part]], records: list[Record], rows: list[truth.Row | None]) -> list[dict]:
    """Cut bases beside clipped ones, at the start and at the end of the reads."""
    found = []
    for end in ("start", "end"):
        cut, clipped, aligned = [], [], []
        for place, row in enumerate(rows):
            clip = (row.clip5 if end == "start" else row.clip3) if is_clear(row) else None
            if clip is None or clip > MOST_CLIPPED:
                continue
            # A read that is cut completely is not written.
            first, last = parts[place][0] if place in parts else (0, 0)
            cut.append(first if end == "start" and last else len(records[place][1]) - last)
            clipped.append(clip)
            aligned.append(row.length - row.clipped)
        cut, clipped = np.array(cut), np.array(clipped)
        found.append(
            {
                "end": end,
                "reads": len(cut),
                "cut, median": int(np.median(cut)),
                "clipped, median": int(np.median(clipped)),
                "apart, median": int(np.median(np.abs(cut - clipped))),
                "clipped, cut": round(float(np.minimum(cut, clipped).sum() / max(clipped.sum(), 1)), 3),
                "sample lost": round(float(1e4 * np.maximum(cut - clipped, 0).sum() / sum(aligned)), 1),
            }
        )
    return found


def joined(records: list[Record]) -> tuple[list[Record], dict[int, int], list[int]]:
    """The reads, some of them joined in pairs; the places of these, with their joins; and what each read was before (-1 for joined ones)."""
    order = np.random.default_rng(5).permutation(len(records))
    number = max(len(records) // JOINED, 1)
    pairs = dict(zip(order[:number].tolist(), order[number : 2 * number].tolist(), strict=True))
    taken = set(pairs.values())
    out: list[Record] = []
    joins: dict[int, int] = {}
    before: list[int] = []
    for place, (_, bases, quality) in enumerate(records):
        if place in taken:
            continue
        if place in pairs:
            joins[len(out)] = len(bases)
            _, more, more_quality = records[pairs[place]]
            bases, quality = bases + more, quality + more_quality
        before.append(-1 if place in pairs else place)
        out.append((b"r%d" % len(out), bases, quality))
    return out, joins, before


def of_joins(parts: dict[int, list[Part]], joins: dict[int, int], before: list[int], rows: list[truth.Row | None]) -> dict:
    """Joined reads that were divided where they were joined, and others that were divided."""
    long = {place: [(first, last) for first, last in pieces if last - first >= LEAST_PIECE] for place, pieces in parts.items()}
    at_join = [
        any(one[1] - NEAR <= join <= other[0] + NEAR for one, other in itertools.pairwise(long.get(place, []))) for place, join in joins.items()
    ]
    divided = [rows[before[place]] for place, pieces in long.items() if place not in joins and len(pieces) > 1]
    as_one = [row for row in divided if is_clear(row) and max(row.clip5, row.clip3) <= MOST_CLIPPED]
    return {
        "joined": len(joins),
        "found": sum(at_join),
        "others": len(before) - len(joins),
        "divided": len(divided),
        "divided wrongly": len(as_one),
    }


def of_run(name: str, data: Path, bm: Path) -> dict:
    """Figures of both programs."""
    folder = data / name
    table = truth.read_table(next(folder.glob("*" + truth.SUFFIX)))
    read = [record for file in truth.fastq_files(folder) for record in counted.records(file) if record[1]][:READS]
    rows = [table.get((truth.bare(definition.split()[0].decode()), "1")) for definition, _, _ in read]
    records = [(b"r%d" % place, bases.upper(), quality) for place, (_, bases, quality) in enumerate(read)]
    together, joins, before = joined(records)
    found = {"run": name, "reads": len(records), "programs": {}}
    with tempfile.TemporaryDirectory() as scratch:
        run: Callable[[str, list[Record]], dict] = lambda command, reads: kept(command, bm, reads, Path(scratch))  # noqa: E731
        for program in PROGRAMS:
            ends = of_ends(run(program.trims, records), records, rows)
            found["programs"][program.name] = {"ends": ends, "joins": of_joins(run(program.splits, together), joins, before, rows)}
            print(name, program.name, found["programs"][program.name], flush=True)
    return found


def page(runs: list[dict], command: str) -> str:
    """Both tables as Markdown."""
    ends, joins = [], []
    for run in runs:
        for program, figures in run["programs"].items():
            ends += [{"run": run["run"], "program": program, **row} for row in figures["ends"]]
            joins.append({"run": run["run"], "program": program, **figures["joins"]})
    explained = __doc__.split("\n\n")[-1].replace("\n", " ").strip()
    commands = "\n".join(f"- `{line.format('IN', 'OUT')}`" for program in PROGRAMS for line in (program.trims, program.splits))
    first = tables.table(ends, list(ends[0]), "Ends and joins of long reads, by bm and by Porechop", command)
    first = first.replace("\n| run", f"\n{explained}\n\n{commands}\n\n## Ends\n\n| run", 1)
    lines = ["", "## Joins", "", "| " + " | ".join(joins[0]) + " |", "|---" * len(joins[0]) + "|"]
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in joins]
    for program in PROGRAMS:
        own = [row for row in joins if row["program"] == program.name]
        totals = [str(sum(row[column] for row in own)) for column in list(own[0])[2:]]
        lines.append(f"| all runs | {program.name} | " + " | ".join(totals) + " |")
    return first + "\n".join(lines) + "\n"


def main() -> None:
    runs = {name: functools.partial(of_run, name) for name in RUNS}
    by_run.main(__doc__, "ends_of_programs.py", "ends-of-programs", runs, page)


if __name__ == "__main__":
    main()
