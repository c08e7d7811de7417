#!/usr/bin/env python3
"""Expected errors by qualities that kbbq recalibrated, compared with counted errors.

    kbbq.py --data DIR --kbbq PROGRAM --htslib VERSION --commit HASH

For every Illumina set below DIR: joins its files, runs ``kbbq --genomelen`` with the length of the set's reference, and applies the
rule EE / length to the output. Writes kbbq.json into --output. kbbq itself is not part of this project.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import curves  # noqa: E402
import evaluate  # noqa: E402
import metrics  # noqa: E402
import own_labels  # noqa: E402
import rules  # noqa: E402
import truth  # noqa: E402
from truth import Reads  # noqa: E402

SECONDS = 600


def recalibrated(program: Path, reads: Reads, reference: int) -> tuple[list[bytes] | str, float]:
    """Quality bytes of every record after kbbq, or the reason why it failed; and its wall seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        one, out = Path(scratch, "in.fastq"), Path(scratch, "out.fastq.gz")
        with one.open("wb") as file:
            for each in reads.files:
                with truth.opened(each) as lines:
                    file.write(lines.read())
        began = time.monotonic()
        try:
            with out.open("wb") as file:
                command = [program, "--genomelen", str(reference), one]
                subprocess.run(command, check=True, stdout=file, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return f"kbbq failed: {type(error).__name__}", time.monotonic() - began
        wall = time.monotonic() - began
        return [quality for _, _, quality in truth.records(out)], wall


def measured(reads: Reads, qualities: list[bytes]) -> dict:
    """Figures of EE before and after recalibration, with intervals, and their difference."""
    if len(qualities) != reads.records:
        raise SystemExit(f"{reads.name}: {reads.records} records, kbbq wrote {len(qualities)}")
    outputs = {"EE": rules.ee_rate(reads), "kbbq": own_labels.by_table(reads, qualities, truth.ERROR_PROBABILITY)}
    labels = metrics.Labels(reads.errors, reads.scored, reads.length, reads.good)
    measures = {name: metrics.Measure(output, labels) for name, output in outputs.items()}
    return metrics.measured(measures, len(reads), evaluate.RESAMPLES, evaluate.SEED, "EE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of truth sets, at any depth")
    parser.add_argument("--kbbq", type=Path, required=True, help="the kbbq program")
    parser.add_argument("--htslib", required=True, help="version of HTSlib that kbbq was built with")
    parser.add_argument("--commit", required=True, help="commit that kbbq was built from")
    parser.add_argument("--output", type=Path, default=curves.RESULTS, help="folder of the results")
    options = parser.parse_args()
    platforms, sets = evaluate.known_platforms(), {}
    for table in truth.find(options.data.resolve()):
        if platforms.get(table.parent.name) != "illumina":
            continue
        reads = truth.load(table, options.data.resolve())
        if not reads or reads.part not in ("train", "devtest"):
            continue
        reference = curves.reference_bases(table.parent)
        qualities, wall = recalibrated(options.kbbq, reads, reference)
        result = {"reference_bases": reference, "wall_s": round(wall, 1), "reads": len(reads)}
        sets[reads.name] = result | ({"failed": qualities} if isinstance(qualities, str) else {"judged": measured(reads, qualities)})
        print(f"{reads.name}: {wall:.1f} s", qualities if isinstance(qualities, str) else "", flush=True)
    results = {
        "format": 1, "command": f"python research/adapt/kbbq.py --data DIR --kbbq PROGRAM --htslib {options.htslib} --commit {options.commit}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "tools": {"numpy": np.__version__},
        "kbbq_commit": options.commit, "htslib": options.htslib, "resamples": evaluate.RESAMPLES, "seed": evaluate.SEED, "sets": sets,
    }  # fmt: skip
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "kbbq.json").write_text(evaluate.to_json(json.loads(json.dumps(results))), encoding="utf-8")


if __name__ == "__main__":
    main()
