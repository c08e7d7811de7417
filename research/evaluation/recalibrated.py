"""Do recalibrated qualities match counted errors?

    python research/evaluation/recalibrated.py --data DIR --bm target/release/bm

`bm filter --recalibrate` writes the model's qualities. In reads that an alignment compared over their whole length (nothing
clipped, every base scored), each base is either correct or substituted, so the error rate of each quality can be counted. Ratio:
expected / observed errors; 1 is exact. Deviation: sum over qualities of |expected − observed| errors, per million bases; 0 is exact.
First mates only. Writes results/recalibrated.md.
"""

import argparse
import re
import subprocess
from pathlib import Path

import numpy as np
import truth

RESULTS = Path(__file__).parent / "results/recalibrated.md"
WAYS = {"reported": [], "recalibrated": ["--recalibrate"], "recalibrated, adapted": ["--recalibrate", "--adapt"]}


def substituted(table: Path) -> dict[str, list[int]]:
    """Positions of the substituted bases of first mates that were compared over their whole length, by name."""
    whole = {}
    for (name, mate), row in truth.read_table(table).items():
        if mate == "1" and row.comparable and row.clipped == 0 and row.scored == row.length:
            whole[name] = [int(place[1:]) for place in row.places.split(",") if re.fullmatch(r"S\d+", place)]
    return whole


def counted(bm: Path, fastq: Path, errors: dict[str, list[int]], flags: list[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Bases and errors of each quality, both [94]; None if bm refuses."""
    command = [bm, "filter", fastq, "-o", "-", "-q", "-t", "0", *flags]
    run = subprocess.run(command, capture_output=True, check=False, encoding="latin-1")
    if run.returncode:
        return None
    bases, wrong = np.zeros(94), np.zeros(94)
    lines = run.stdout.split("\n")
    for definition, quality in zip(lines[::4], lines[3::4], strict=False):
        places = errors.get(truth.bare(definition[1:].split()[0]))
        if places is not None:
            scores = np.frombuffer(quality.encode("latin-1"), np.uint8) - 33
            bases += np.bincount(scores, minlength=94)
            np.add.at(wrong, scores[places], 1)
    return bases, wrong


def version(bm: Path) -> str:
    """The program and its default model."""
    lines = subprocess.run([bm, "--version"], capture_output=True, check=True, text=True).stdout.splitlines()
    return f"{lines[0]}, {lines[1]}"


def main() -> None:
    """Writes results/recalibrated.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    arguments = parser.parse_args()
    columns = " | ".join(f"{way}: ratio | deviation" for way in WAYS)
    lines = [
        "# Recalibrated qualities", "",
        f"Written by `research/evaluation/recalibrated.py` with {version(arguments.bm)}; the script defines the figures.", "",
        f"| run | bases | errors | {columns} |", "|---|---|---|" + "---|---|" * len(WAYS),
    ]
    for table in truth.find(arguments.data):
        errors = substituted(table)
        counts = [counted(arguments.bm, truth.fastq_files(table.parent)[0], errors, flags) for flags in WAYS.values()] if errors else []
        if not counts or counts[0] is None or counts[1] is None or not counts[0][1].sum():
            continue
        cells = []
        for count in counts:
            if count is None:
                cells.append("– | –")
                continue
            bases, wrong = count
            expected = bases * truth.ERROR_PROBABILITY
            cells.append(f"{expected.sum() / wrong.sum():.2f} | {1e6 * np.abs(expected - wrong).sum() / bases.sum():.0f}")
        name = f"{table.parent.parent.name}/{table.name.removesuffix(truth.SUFFIX)}"
        lines.append(f"| {name} | {counts[0][0].sum():.0f} | {counts[0][1].sum():.0f} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
