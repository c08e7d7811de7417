#!/usr/bin/env python3
"""Programs that merge overlapping mates, on real pairs whose inserts and errors are known from a reference.

    merging.py --data DIR --bm PATH                every program on every set of DIR/train
    merging.py --data DIR --bm PATH --side devtest the same on the other runs, which nothing was chosen by
    merging.py --render                            the page again, from the results files

Every program gets the same pairs, on one thread, with its filters off; its merged reads are joined to the pairs by name. Writes
SIDE.json and merging.md into --output. A program that is not installed has no row.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SIDES = ("train", "devtest")

# Pairs of which both files and a reference are there; the runs of one side share nothing with the other.
SETS = {
    "train": ["novaseq_sars2_berlin", "novaseq_sars2_berlin_t5", "miseq_sars2_sanger", "miseq_twist_MN908947", "novaseq_sars2_biohub",
              "nextseq_plasmid_adelaide", "sars2_theiagen"],
    "devtest": ["hiseq_measles", "miseq_twist_MT007544", "nextseq_sars2_biohub_r432"],
}  # fmt: skip

# Overlaps of which every program should see that they are there.
CLEAR = 30

CIGAR = re.compile(r"(\d+)([MIDNSHP=X])")


@dataclass
class Pair:
    """Lengths of two mates, and the number of bases of their molecule; None if it is not known."""

    lengths: tuple[int, int]
    insert: int | None

    def common(self) -> tuple[int, int]:
        """The bases of the molecule that both mates have, as a half-open range; empty if there are none."""
        first, second = self.lengths
        begin, end = max(0, self.insert - second), min(first, self.insert)
        return begin, max(begin, end)


@dataclass
class Merged:
    """The qualities of a merged read, by base."""

    quality: str

    def expected(self, begin: int, end: int) -> float:
        return sum(10 ** (-(ord(letter) - 33) / 10) for letter in self.quality[begin:end])


def records(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name, bases and qualities of the records of a FASTQ file; the name ends at the first blank."""
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path, encoding="ascii")
    with opened as lines:
        for line in lines:
            name = line[1:].split()[0] if line.strip() else ""
            sequence = next(lines).rstrip("\n")
            next(lines)
            yield re.sub(r"/[12]$", "", name), sequence, next(lines).rstrip("\n")


def places(position: int, cigar: str) -> tuple[dict[int, int], int, int]:
    """The base of the read at each place of the reference that it is aligned to, and the bases clipped at either end."""
    parts = [(int(count), kind) for count, kind in CIGAR.findall(cigar)]
    at, read, found = position, 0, {}
    for count, kind in parts:
        if kind in "M=X":
            found.update(zip(range(at, at + count), range(read, read + count), strict=True))
        at += count if kind in "MDN=X" else 0
        read += count if kind in "MIS=X" else 0
    clip = [count if kind in "SH" else 0 for count, kind in (parts[0], parts[-1])]
    return found, clip[0], clip[1]


def insert_of(one: list[str], other: list[str]) -> int | None:
    """Bases of the molecule of two aligned mates, by the fields of their SAM records; None if the alignment does not show them.

    Where both are aligned to the same place, the molecule has the bases of the forward mate before it, and those of the other one from it on.
    So variants of the sample do not matter.
    """
    flags = [int(record[1]) for record in (one, other)]
    if any(flag & 4 or int(record[4]) < 20 for flag, record in zip(flags, (one, other), strict=True)):
        return None
    if one[2] != other[2] or (flags[0] & 16) == (flags[1] & 16):
        return None
    forward, reverse = (one, other) if flags[1] & 16 else (other, one)
    before, begin, _ = places(int(forward[3]), forward[5])
    behind, _, end = places(int(reverse[3]), reverse[5])
    if begin or end:
        return None
    both = sorted(before.keys() & behind.keys())
    if both:
        place = both[len(both) // 2]
        return before[place] + len(reverse[9]) - behind[place]
    span = max(behind) - min(before) + 1
    apart = min(behind) - max(before) - 1
    if apart < 0:
        return None
    inserted = len(forward[9]) - (max(before) - min(before) + 1) + len(reverse[9]) - (max(behind) - min(behind) + 1)
    return span + inserted


def run(command: list[str], stdout: Path | None = None) -> None:
    """Runs a command."""
    with open(stdout or "/dev/null", "wb") as out:
        subprocess.run([str(part) for part in command], check=True, stdout=out, stderr=subprocess.DEVNULL)


def aligned(reference: Path, files: list[Path], output: Path) -> None:
    """Aligns reads with bwa mem."""
    run(["bwa", "mem", "-t", "2", reference, *files], output)


def pairs_of(reference: Path, files: list[Path], scratch: Path) -> dict[str, Pair]:
    """The pairs of two files, by name."""
    aligned(reference, files, scratch / "pairs.sam")
    pairs: dict[str, Pair] = {}
    first: dict[str, list[str]] = {}
    with open(scratch / "pairs.sam", encoding="ascii") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("@") or int(fields[1]) & 0x900:
                continue
            mate = first.pop(fields[0], None)
            if mate is None:
                first[fields[0]] = fields
            else:
                pairs[fields[0]] = Pair((len(mate[9]), len(fields[9])), insert_of(mate, fields))
    return pairs


@dataclass
class Task:
    """What a program gets: two files of mates and a folder of its own."""

    bm: Path
    files: list[Path]
    folder: Path

    def run(self, command: list) -> None:
        subprocess.run([str(part) for part in command], check=True, cwd=self.folder, capture_output=True)


def bm(task: Task, *options: str) -> Path:
    first, second = task.files
    task.run([task.bm, "filter", first, second, "-o", "out_1.fq", "-O", "out_2.fq", "--merge", "merged.fq", "--threshold", "0", "-j", "1",
              *options])  # fmt: skip
    return task.folder / "merged.fq"


def bm_adapt(task: Task) -> Path:
    return bm(task, "--adapt")


def fastp(task: Task) -> Path:
    first, second = task.files
    task.run(["fastp", "-i", first, "-I", second, "--merge", "--merged_out", "merged.fq", "--out1", "out_1.fq", "--out2", "out_2.fq",
              "-Q", "-L", "-G", "-w", "1", "-j", "/dev/null", "-h", "/dev/null"])  # fmt: skip
    return task.folder / "merged.fq"


def adapter_removal(task: Task) -> Path:
    first, second = task.files
    task.run(["AdapterRemoval", "--file1", first, "--file2", second, "--collapse", "--basename", "ar", "--threads", "1", "--minlength", "1",
              "--maxns", "1000"])  # fmt: skip
    # Those of which it cut an end are in a file of their own, which is empty without --trimqualities.
    merged = task.folder / "merged.fq"
    text = (task.folder / "ar.collapsed").read_text(encoding="ascii")
    # It adds M_ to the names.
    merged.write_text(re.sub(r"^@M_", "@", text, flags=re.MULTILINE), encoding="ascii")
    return merged


def vsearch(task: Task) -> Path:
    first, second = task.files
    task.run(["vsearch", "--fastq_mergepairs", first, "--reverse", second, "--fastqout", "merged.fq", "--fastq_allowmergestagger",
              "--threads", "1", "--fastq_qmax", "45", "--fastq_ascii", "33"])  # fmt: skip
    return task.folder / "merged.fq"


def flash(task: Task) -> Path:
    first, second = task.files
    longest = str(max(len(sequence) for _, sequence, _ in records(first)))
    task.run(["flash", first, second, "-O", "-M", longest, "-t", "1", "-o", "fl", "-q"])
    return task.folder / "fl.extendedFrags.fastq"


PROGRAMS = {"bm": bm, "bm --adapt": bm_adapt, "fastp": fastp, "AdapterRemoval": adapter_removal, "vsearch": vsearch, "flash": flash}
VERSIONS = {"fastp": ["fastp", "--version"], "AdapterRemoval": ["AdapterRemoval", "--version"], "vsearch": ["vsearch", "--version"],
            "flash": ["flash", "--version"]}  # fmt: skip


def merged_in(file: Path) -> dict[str, Merged]:
    """The merged reads of a file, by name."""
    return {name: Merged(quality) for name, _, quality in records(file)}


def errors_of(bm_path: Path, reference: Path, reads: Path, scratch: Path) -> dict[str, list[int]]:
    """The places of the errors of each read that is aligned nearly from end to end, by `bm truth`."""
    aligned(reference, [reads], scratch / "merged.sam")
    run([bm_path, "truth", scratch / "merged.sam", "--reference", reference, "-o", scratch / "truth.tsv", "-q"])
    found = {}
    with open(scratch / "truth.tsv", encoding="ascii") as lines:
        columns = next(lines).lstrip("#").rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(columns, line.rstrip("\n").split("\t"), strict=True))
            clipped, length = int(row["clip5"]) + int(row["clip3"]), int(row["len"])
            if row["mapped"] != "1" or clipped > 5 or int(row["scored"]) < 0.7 * length:
                continue
            found[re.sub(r"/[12]$", "", row["name"])] = [
                int(match) for match in re.findall(r"[SID](?:\d+@)?(\d+)", row["errpos"])
            ]
    return found


def of_inserts(pairs: dict[str, Pair], merged: dict[str, Merged]) -> dict:
    """Which pairs were merged, and how many of them to reads with other numbers of bases than their molecules."""
    known = {name: pair for name, pair in pairs.items() if pair.insert is not None}
    common = {name: end - begin for name, pair in known.items() for begin, end in [pair.common()]}
    right = {name for name, read in merged.items() if name in known and len(read.quality) == known[name].insert}
    clear = [name for name, bases in common.items() if bases >= CLEAR]
    short = [name for name, bases in common.items() if 16 <= bases < CLEAR]
    apart = [name for name, bases in common.items() if bases == 0]
    of_known = [name for name in merged if name in known]
    return {
        "merged": len(merged), "known": len(of_known), "wrong": len(of_known) - len(right),
        "clear": len(clear), "clear_right": sum(name in right for name in clear),
        "short": len(short), "short_right": sum(name in right for name in short),
        "apart": len(apart), "apart_merged": sum(name in merged for name in apart),
    }  # fmt: skip


def of_errors(names: set[str], pairs: dict[str, Pair], merged: dict[str, Merged], errors: dict[str, list[int]]) -> dict:
    """Errors of merged reads, counted and expected, in all bases and in those that both mates have."""
    sums = {"bases": 0, "errors": 0, "expected": 0.0, "common_bases": 0, "common_errors": 0, "common_expected": 0.0}
    for name in sorted(names):
        read, (begin, end) = merged[name], pairs[name].common()
        sums["bases"] += len(read.quality)
        sums["errors"] += len(errors[name])
        sums["expected"] += read.expected(0, len(read.quality))
        sums["common_bases"] += end - begin
        sums["common_errors"] += sum(begin <= place < end for place in errors[name])
        sums["common_expected"] += read.expected(begin, end)
    return sums


def of_set(folder: Path, bm_path: Path) -> dict:
    """Figures of every program on a set."""
    files = sorted(folder.glob("*.fastq.gz"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        reference = Path(shutil.copy(folder / "ref.fa", scratch))
        run(["bwa", "index", reference])
        pairs = pairs_of(reference, files, scratch)
        rows, merged, errors = {}, {}, {}
        for program in PROGRAMS:
            if not program.startswith("bm") and shutil.which(program) is None:
                continue
            task = Task(bm_path, files, scratch / program.replace(" ", "_"))
            task.folder.mkdir()
            output = PROGRAMS[program](task)
            merged[program] = merged_in(output)
            errors[program] = errors_of(bm_path, reference, output, scratch)
            rows[program] = of_inserts(pairs, merged[program])
        right = [
            {name for name in errors[it] if name in pairs and pairs[name].insert == len(merged[it][name].quality)} for it in rows
        ]
        names = set.intersection(*right)
        for program, row in rows.items():
            row |= of_errors(names, pairs, merged[program], errors[program])
            print(f"  {program}: {row}", flush=True)
    return {"pairs": len(pairs), "known": sum(pair.insert is not None for pair in pairs.values()), "compared": len(names), "rows": rows}


def version(command: list[str]) -> str:
    """The number of the version that a program prints of itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stderr + done.stdout)
    return found[0] if found else "unknown"


def measured(data: Path, side: str, bm_path: Path, only: str | None) -> dict:
    """The results of one side."""
    found = {}
    for name in SETS[side]:
        folder = data / side / name
        if not folder.is_dir() or (only and name != only):
            continue
        print(name, flush=True)
        found[name] = of_set(folder, bm_path)
    tools = {name: version(command) for name, command in VERSIONS.items() if shutil.which(command[0])}
    return {
        "format": 1, "command": f"research/merging/merging.py --data DIR --bm PATH --side {side}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "python": platform.python_version(),
        "tools": tools | {"bwa": "mem"}, "sets": found,
    }  # fmt: skip


def per(part: float, all_of: float, times: float) -> str:
    return f"{times * part / all_of:.2f}" if all_of else "-"


def page_of(results: dict[str, dict]) -> str:
    """The page, from the results of each side."""
    lines = [
        "# Merged mates, beside the truth", "",
        "Written by `merging.py --render` from the results files. *Clear*: of the pairs whose mates have at least "
        f"{CLEAR} bases of the molecule in common, those merged to a read of the right length, in percent; *short*: the same where they "
        f"have 16 to {CLEAR - 1}. *Wrong*: merged pairs of known insert whose read has another length, per 10,000. *Errors*: per 10,000 "
        "bases, in the reads that all programs merged to the right length; *both*: in the bases that both mates have. *Expected / counted*: "
        "the errors that the written qualities report there, over those that are counted: above 1, qualities are too low.", "",
    ]  # fmt: skip
    for side, result in results.items():
        versions = ", ".join(f"{name} {number}" for name, number in result["tools"].items())
        lines += [f"## {side}", "", f"{result['date']}: {versions}.", ""]
        for name, of in result["sets"].items():
            lines += [f"### {name}", "", f"{of['pairs']} pairs, {of['known']} of known insert, {of['compared']} compared for errors", ""]
            lines += ["| program | merged | clear, % | short, % | wrong, per 10,000 | errors | both | expected / counted, both |"]
            lines += ["|---|---|---|---|---|---|---|---|"]
            for program, row in of["rows"].items():
                figures = [
                    str(row["merged"]), per(row["clear_right"], row["clear"], 100), per(row["short_right"], row["short"], 100),
                    per(row["wrong"], row["known"], 1e4), per(row["errors"], row["bases"], 1e4),
                    per(row["common_errors"], row["common_bases"], 1e4), per(row["common_expected"], row["common_errors"], 1),
                ]  # fmt: skip
                lines += [f"| {program} | {' | '.join(figures)} |"]
            lines += [""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bm", type=Path, default=Path("bm"))
    parser.add_argument("--side", choices=SIDES, default="train")
    parser.add_argument("--set", dest="only")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--render", action="store_true")
    arguments = parser.parse_args()
    if not arguments.render:
        results = measured(arguments.data, arguments.side, arguments.bm.resolve(), arguments.only)
        (arguments.output / f"{arguments.side}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    files = {side: arguments.output / f"{side}.json" for side in SIDES}
    results = {side: json.loads(file.read_text(encoding="utf-8")) for side, file in files.items() if file.exists()}
    (arguments.output / "merging.md").write_text(page_of(results), encoding="utf-8")


if __name__ == "__main__":
    main()
