#!/usr/bin/env python3
"""Speed and memory of `bm filter` on long reads, beside filtlong and nanoq.

    python research/long-reads/speed.py --data DIR --bm PATH --scratch FOLDER    results/speed.{json,md}

It needs GNU time, nanoq and filtlong. It makes its files first (simulated.py, 3 GB in FOLDER, better in memory than on a disk), and runs the
commands in turn, each RUNS times: so a busy moment slows all of them. Time and peak memory are the operating system's, of the whole process with
the two threads that it is given. Mb are millions of bases of the input; *per CPU second* depends less on other work on the machine than *per
second*. The load is the number of other processes that were running or waiting (the mean of the last minute) when a run began.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / "no-qualities")]
import tables  # noqa: E402

HERE = Path(__file__).resolve().parent
REAL = ("train/ont_r9_saureus_C222", "train/ont_r9_sars2_phac", "train/ont_r9_plasmid_adelaide", "devtest/ont_r1041_mpx")
RUNS = 3

# Nothing but the reads' own figures decides, and most reads are kept and written.
COMMANDS = {
    "bm, EE": "bm filter {} --max-ee-rate 0.1 -j 2 -q --no-sync -o {}",
    "bm --adapt": "bm filter {} --adapt --max-ee-rate 0.1 -j 2 -q --no-sync -o {}",
    "nanoq": "nanoq -i {} -q 10 -c 1 -o {}",
    "filtlong": "filtlong --keep_percent 90 {}",
}


def make(arguments: list[object], output: Path) -> Path:
    """A file by simulated.py, in another process: what this one has used would count as the memory of its children."""
    if not output.exists():
        subprocess.run([sys.executable, str(HERE / "simulated.py"), *map(str, arguments), "-o", str(output)], check=True)
    return output


def compressed(path: Path) -> Path:
    """The file as one gzip stream."""
    output = path.with_name(path.name + ".gz")
    if not output.exists():
        with path.open("rb") as source, gzip.open(output, "wb", compresslevel=1) as out:
            shutil.copyfileobj(source, out, 1 << 20)
    return output


def bases_of(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(len(line) - 1 for place, line in enumerate(lines) if place % 4 == 1)


def measure(command: str, bm: Path, source: Path, output: Path) -> dict:
    """Wall and CPU seconds and peak memory of one run."""
    words = command.format(source, output).split()
    words[0] = str(bm) if words[0] == "bm" else words[0]
    memory = output.with_name("memory")
    # Without GNU time in between, the peak memory of the child would include that of this process.
    words = ["/usr/bin/time", "--format", "%M", "--output", str(memory), *words]
    load = os.getloadavg()[0]
    began = time.monotonic()
    with open(os.devnull if "-o" in words else output, "wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    output.unlink(missing_ok=True)
    return {
        "status": process.returncode,
        "wall_s": wall,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": int(memory.read_text().split()[-1]) / 1024,
        "load": load,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--bases", type=int, default=500, help="Mb of the large files")
    parser.add_argument("--output", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    folder, many = arguments.scratch, arguments.bases
    folder.mkdir(parents=True, exist_ok=True)
    real = [file for name in REAL for file in sorted((arguments.data / name).glob("*.fastq.gz"))]
    files = {
        f"real reads, {many // 10} Mb": make(["--repeat", *real, "--bases", many / 10], folder / "real_tenth.fastq"),
        f"real reads, {many} Mb": (whole := make(["--repeat", *real, "--bases", many], folder / "real.fastq")),
        f"real reads, {many} Mb, gz": compressed(whole),
        f"genome of 5 Mb, {many // 10} Mb": make(["--genome", 5, "--bases", many / 10], folder / "genome_tenth.fastq"),
        f"genome of 5 Mb, {many} Mb": (genome := make(["--genome", 5, "--bases", many], folder / "genome.fastq")),
        f"genome of 5 Mb, {many} Mb, gz": compressed(genome),
        "one read of 4 Mb": make(["--one", 4], folder / "one.fastq"),
    }
    bases = {path: bases_of(path) for path in files.values() if path.suffix == ".fastq"}
    cases = [
        (label, name)
        for label in files
        for name in COMMANDS
        # Real reads again and again: each k-mer is there many times over, errors too.
        if not (name == "bm --adapt" and label.startswith("real")) and not (name not in ("bm --adapt", "bm, EE") and label.startswith("genome"))
    ]
    runs: dict[tuple[str, str], list[dict]] = {case: [] for case in cases}
    for _ in range(RUNS):
        for label, name in cases:
            source = files[label]
            output = folder / ("out.fastq.gz" if source.suffix == ".gz" else "out.fastq")
            runs[label, name].append(measure(COMMANDS[name], arguments.bm.resolve(), source, output))
            print(label, name, runs[label, name][-1], flush=True)
        # After each round, so that a measurement which is cut short leaves what it has.
        write(arguments.output, runs, files, bases)


def write(output: Path, runs: dict[tuple[str, str], list[dict]], files: dict[str, Path], bases: dict[Path, int]) -> None:
    """Writes both results files."""
    rows, flat = [], []
    for (label, name), found in runs.items():
        source = files[label]
        mb = bases[source.with_suffix("") if source.suffix == ".gz" else source] / 1e6
        median = {key: statistics.median(run[key] for run in found) for key in ("wall_s", "cpu_s", "peak_mb")}
        loads = [run["load"] for run in found]
        rows.append({"file": label, "command": COMMANDS[name], "mb": mb, "runs": found})
        flat.append(
            {
                "file": label,
                "program": name + (" (failed)" if any(run["status"] for run in found) else ""),
                "Mb per second": f"{mb / median['wall_s']:.0f}",
                "Mb per CPU second": f"{mb / median['cpu_s']:.0f}",
                "wall s of each run": ", ".join(f"{run['wall_s']:.1f}" for run in found),
                "peak memory, MB": f"{median['peak_mb']:.0f}",
                "load": f"{min(loads):.1f} to {max(loads):.1f}",
            }
        )
    command = "python research/long-reads/speed.py --data DIR --bm PATH --scratch FOLDER"
    tables.write(output / "speed.json", command, rows)
    text = tables.table(flat, list(flat[0]), "Speed and memory on long reads, medians of the runs", command)
    explained = __doc__.split("\n\n")[-1].replace("\n", " ").strip()
    commands = "\n".join(f"- {name}: `{line.format('IN', 'OUT')}`" for name, line in COMMANDS.items())
    note = "Outputs of gz files are gz, but filtlong's, which writes plain text. nanoq and filtlong run on one thread."
    text = text.replace("\n| file", f"\n{explained} {note}\n\n{commands}\n\n| file", 1)
    (output / "speed.md").write_text(text)


if __name__ == "__main__":
    main()
