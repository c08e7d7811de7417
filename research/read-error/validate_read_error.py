#!/usr/bin/env python3
"""Check a read-error package against its manifest, the CoreML rules and every available engine.

    validate_read_error.py --package models/read-error --bm target/release/bm --reads FASTQ... [--ort-lib LIBRARY] [--json]

The reference is model.onnx in Python's ONNX Runtime on the CPU. Codes and their vectors come from `bm encode`; expected errors and the
probability of a read are computed here independently. If a package holds evidence, the expected errors of the network alone are
compared, and the result with evidence must be the same for every engine. Exit code 0 if nothing failed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

import package as packages
import reads

sys.path.append(str(Path(__file__).resolve().parents[1] / "neural-engine"))
import coreml_rules  # noqa: E402

LENGTHS = (1, 2, 4, 5, 9, 10, 50, 99, 100, 101, 150, 151, 300, 1000, 5000)
MOST_READS = 2000  # per file
TOLERANCE = 1e-5  # for the probability of a read, and for its expected errors per base
F16_TOLERANCE = 5e-3  # the same for an engine of half precision


@dataclass
class Scores:
    """Results of ``bm score``; arrays are [reads]."""

    probability: np.ndarray
    errors: np.ndarray  # expected errors
    prior: np.ndarray  # expected errors by the network alone; equal to `errors` without evidence
    verdict: np.ndarray


def score(bm: Path, package: Path, chosen: list[tuple[bytes, bytes]], evidence: bool, *options: str) -> Scores:
    """Run ``bm score`` on the reads."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "reads.fastq")
        source.write_bytes(b"".join(b"@r%d\n%s\n+\n%s\n" % (i, s, q) for i, (s, q) in enumerate(chosen)))
        run = subprocess.run([bm, "score", source, "-m", package, "-q", *options], capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"bm score {' '.join(options)}: exit {run.returncode}: {run.stderr.strip()}")
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    more = ["expected_errors_prior", "evaluable"] if evidence else []
    needed = {"read", "length", "probability", "expected_errors", *more, "verdict"}
    if not needed <= set(lines[0]) or len(lines) != len(chosen) + 1:
        raise SystemExit(f"bm score: header {lines[0]}, {len(lines) - 1} rows for {len(chosen)} reads")
    columns = {name: np.array(values) for name, *values in zip(*lines)}
    probability, errors, prior = (columns[name].astype(float) for name in ("probability", "expected_errors", (more or ["expected_errors"])[0]))
    return Scores(probability, errors, prior, columns["verdict"])


def is_refused(bm: Path, package: Path, source: Path, *options: str) -> bool:
    """Whether ``bm score`` ends with an error of one line and without a table."""
    run = subprocess.run([bm, "score", source, "-m", package, "-q", *options], capture_output=True, text=True, check=False)
    return run.returncode == 1 and len(run.stderr.strip().splitlines()) == 1 and not run.stdout


def metadata(manifest: dict) -> dict[str, str]:
    """The metadata that both model files must have, from the manifest."""
    rule, domain = manifest["read_rule"], manifest.get("domain") or {}
    facts = {
        "id": manifest["id"], "version": manifest["version"], "task": manifest["task"],
        "encoding": manifest["encoding"]["id"], "encoding_version": manifest["encoding"]["version"],
        "read_rule": rule["name"], **{key: rule[key] for key in ("mean_scale", "dispersion", "max_error_rate")},
        **{f"domain_{key}": value for key, value in domain.items()},
        "threshold": manifest["thresholds"]["default"], "label": manifest["label"]["definition"],
    }  # fmt: skip
    return {f"bm.{key}": str(value) for key, value in facts.items()}


def plain(value: str | None) -> str | float | None:
    """The value as a number if it is one, else unchanged."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def with_cycles(manifest: dict, p: np.ndarray, quality: bytes) -> np.ndarray:
    """The error probabilities of a read, with those of failed cycles in place of the network's. A read without a mate counts as a first one."""
    p = p.copy()
    for cycle in manifest.get("failed_cycles", []):
        at = cycle["cycle"] - 1
        if cycle["mate"] == 1 and at < len(p):
            p[at] = dict(cycle["by_score"]).get(quality[at] - 33, cycle["wrong"])
    return p


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--bm", type=Path, required=True)
    parser.add_argument("--reads", type=Path, nargs="+", required=True)
    parser.add_argument("--ort-lib", type=Path)
    parser.add_argument("--json", action="store_true", help="print JSON, and the table to stderr")
    options = parser.parse_args()
    checks: list[dict] = []

    def check(name: str, ok: object, detail: str = "") -> None:
        checks.append({"name": name, "status": "ok" if ok else "FAIL", "detail": detail})

    folder = options.package
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest["files"].items():
        check(f"{name}: digest and size", entry == {"sha256": reads.sha256(folder / name), "bytes": (folder / name).stat().st_size})
    wanted = metadata(manifest)
    for name, opset in (("model.onnx", 13), ("model.ane.onnx", 17)):
        model = onnx.load(folder / name, load_external_data=False)
        onnx.checker.check_model(model, full_check=True)
        found = {entry.key: entry.value for entry in model.metadata_props}
        found.pop("COREML_CACHE_KEY", None)
        # One program writes 1, another 1.0, so numbers are compared as numbers.
        other = {k: (found.get(k), wanted.get(k)) for k in found.keys() | wanted.keys() if plain(found.get(k)) != plain(wanted.get(k))}
        check(f"{name}: metadata", not other, str(other or ""))
        check(f"{name}: opset", [o.version for o in model.opset_import] == [opset])
    violations = coreml_rules.check(onnx.load(folder / "model.ane.onnx", load_external_data=False))
    check("model.ane.onnx: CoreML rules", not violations, "; ".join(map(str, violations)))

    encoding = manifest["encoding"]["id"]
    if manifest["id"] == "read-error":
        fault = packages.order_fault(folder, options.bm)
        check("reads of one quality, short reads, qualities that were not learned", not fault, fault)

    chosen = []
    for path in options.reads:
        for number, (_, sequence, quality) in enumerate(reads.records(path)):
            length = LENGTHS[number % len(LENGTHS)] if number % 3 == 0 else len(sequence)
            if set(sequence[:length].upper()) & set(b"ACGT"):
                chosen.append((sequence[:length], quality[:length]))
            if number == MOST_READS:
                break
    table = reads.vectors(options.bm, encoding)
    codes = reads.encode(options.bm, chosen, encoding=encoding)
    single, half = (packages.Engine(folder / name) for name in ("model.onnx", "model.ane.onnx"))
    expected, probability, compared, start = [], [], [], 0
    for i, (sequence, quality) in enumerate(chosen):
        features = table[codes[start : start + len(sequence)]]
        start += len(sequence)
        p = single.probability(features).astype(np.float64)
        expected.append(with_cycles(manifest, p, quality).sum())
        probability.append(packages.read_probability(expected[-1], len(sequence), manifest["read_rule"]))
        if i % 10 == 0 and half.fits(len(p)):
            compared.append((features, p))
    found16 = np.concatenate(half.probabilities([features for features, _ in compared])).astype(np.float64)
    found32 = np.concatenate([p for _, p in compared])
    off16 = float((np.abs(found16 - found32) - packages.F16_RELATIVE * found32).max())
    expected, probability = np.array(expected), np.array(probability)
    length = np.array([len(sequence) for sequence, _ in chosen])
    check("model.ane.onnx: half precision", off16 <= packages.F16_ABSOLUTE, f"beyond 2 % of p by at most {max(off16, 0):.1e}")
    both = np.count_nonzero(probability >= 0.5)
    check("reads of both verdicts", 100 <= both <= len(chosen) - 100, f"{both} of {len(chosen)} pass")

    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["reads"]
    pairs = [(each["sequence"].encode(), each["quality"].encode()) for each in golden]
    golden_values = np.array([[each["probability"], each["expected_errors"]] for each in golden])
    if manifest.get("failed_cycles"):
        # Golden reads are of the network alone.
        codes, start = reads.encode(options.bm, pairs, encoding=encoding), 0
        for values, (sequence, quality) in zip(golden_values, pairs):
            p = single.probability(table[codes[start : start + len(sequence)]]).astype(np.float64)
            start += len(sequence)
            values[1] += with_cycles(manifest, p, quality).sum() - p.sum()
            values[0] = packages.read_probability(values[1], len(sequence), manifest["read_rule"])
    engines = {"embedded": (["--backend", "embedded"], TOLERANCE)}
    library = ["--ort-lib", str(options.ort_lib)] if options.ort_lib else []
    if library:
        engines["onnxruntime"] = (["--backend", "onnxruntime", *library], TOLERANCE)
    if library and sys.platform == "darwin":
        engines["coreml"] = (["--backend", "coreml", *library], F16_TOLERANCE)
    elif sys.platform != "darwin":
        check("coreml", is_refused(options.bm, folder, options.reads[0], "--backend", "coreml", *library), "refused on this system, as it must be")
    evidence = "evidence" in manifest["files"]
    results: dict[str, Scores] = {}
    for name, (flags, tolerance) in engines.items():
        found = results[name] = score(options.bm, folder, chosen, evidence, *flags)
        if evidence:
            probability = np.array([packages.read_probability(e, n, manifest["read_rule"]) for e, n in zip(found.errors, length)])
        off = [float(np.abs(found.probability - probability).max()), float((np.abs(found.prior - expected) / length).max())]
        flips = int(((found.verdict == "pass") != (probability >= 0.5)).sum())
        undecided = int((np.abs(probability - 0.5) < tolerance).sum())
        detail = f"{len(chosen)} reads, {length.sum()} bases: max |Δp| {off[0]:.1e}, expected errors per base {off[1]:.1e}, {flips} verdicts differ"
        check(f"{name} against Python's ONNX Runtime", max(off) <= tolerance and flips <= undecided, detail)
        found = score(options.bm, folder, pairs, evidence, *flags)
        off = [0.0 if evidence else float(np.abs(found.probability - golden_values[:, 0]).max()), float(np.abs(found.prior - golden_values[:, 1]).max())]
        check(f"{name}: golden reads", off[0] <= tolerance and off[1] <= 100 * tolerance, f"max |Δp| {off[0]:.1e}, expected errors {off[1]:.1e}")
    if evidence:
        changed = float((np.abs(results["embedded"].errors - results["embedded"].prior) / length).max())
        check("the evidence changes expected errors", changed > 100 * TOLERANCE, f"expected errors per base by at most {changed:.1e}")
        for name, found in results.items():
            off = float((np.abs(found.errors - results["embedded"].errors) / length).max())
            check(f"{name}: expected errors with evidence", off <= engines[name][1], f"expected errors per base differ by at most {off:.1e}")

    out = sys.stderr if options.json else sys.stdout
    for each in checks:
        print(f"{each['status']:5}{each['name']}{': ' if each['detail'] else ''}{each['detail']}", file=out)
    if options.json:
        print(json.dumps({"package": manifest["id"], "checks": checks}))
    return int(any(each["status"] == "FAIL" for each in checks))


if __name__ == "__main__":
    sys.exit(main())
