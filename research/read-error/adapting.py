#!/usr/bin/env python3
"""How well `bm adapt` does from different models to start from: figures of the verdict on whole sets, with and without k-mer evidence.

    adapting.py --data DIR --bm BM --set NAME … OLD NEW > results/adapting.json

OLD and NEW are model packages. For every named set below DIR, each is applied as it is, adapted, and adapted with evidence. A set that
a package was trained on flatters that package as it is; what is learned of a run does not come from its truth.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "evaluation"))
import metrics  # noqa: E402
import rules  # noqa: E402
import truth  # noqa: E402


def figures(output: metrics.MethodOutput, reads: truth.Reads) -> dict[str, float]:
    """MCC of the verdict, AUC, and log2(predicted/true errors); good reads lost where as many bad reads are kept as by reported qualities."""
    good, keep = reads.good, output.keep
    ranking = metrics.Ranking(output.by_rate)
    rate = reads.ee / reads.length
    by_rate = np.argsort(output.by_rate, kind="stable")
    kept = int(np.searchsorted(np.cumsum(~good[by_rate]), int((~good & (rate <= 0.01)).sum()), side="right"))
    return {
        "mcc": metrics.mcc(*((a & b).sum() for a, b in ((good, keep), (~good, keep), (good, ~keep), (~good, ~keep)))),
        "auc": metrics.auc(ranking.sums((~good).astype(float)), ranking.sums(np.ones(len(good)))),
        "log2_ratio": metrics.log2_ratio(float((output.predicted * reads.scored / reads.length).sum()), float(reads.errors.sum())),
        "lost": int(good.sum() - good[by_rate[:kept]].sum()),
    }


def adapted(bm: Path, package: Path, reads: truth.Reads, *flags: str) -> dict:
    """The figures of what ``bm adapt`` makes of a package, which model it chose, and its log loss on held-out reads."""
    with tempfile.TemporaryDirectory() as folder:
        made, report = Path(folder, "made"), Path(folder, "report.json")
        subprocess.run([bm, "adapt", "-q", "-o", made, "--report", report, "-m", package, *flags, *reads.files], check=True)
        found = json.loads(report.read_text(encoding="utf-8"))["adaptation"]
        held = found["findings"]["held_out"].get("adapted") or {}
        return figures(rules.score(bm, str(made), reads)[0], reads) | {"choice": found["choice"], "held_out_millibits": held.get("log_loss_millibits")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--set", action="append", required=True, metavar="NAME")
    parser.add_argument("package", type=Path, nargs="+")
    options = parser.parse_args()
    out, bm = {}, options.bm.resolve()
    for name in options.set:
        table = next(options.data.rglob(f"{name}{truth.SUFFIX}"), None)
        reads = truth.load(table, options.data) if table else None
        if reads is None:
            parser.error(f"{name}: no such set, or no read with truth")
        out[name] = {"reads": len(reads), "bad": int((~reads.good).sum()), "reported": figures(rules.ee_rate(reads), reads)}
        for package in options.package:
            manifest = json.loads((package / "manifest.json").read_text(encoding="utf-8"))
            out[name][f"version {manifest['version']}"] = {
                "as it is": figures(rules.score(bm, str(package), reads)[0], reads),
                "adapted": adapted(bm, package, reads),
                "evidence": adapted(bm, package, reads, "--evidence"),
            }
        print(name, file=sys.stderr)
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
