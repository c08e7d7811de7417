#!/usr/bin/env python3
"""Check the package `embed` against its manifest, the CoreML rules and every available engine.

    validate_embed.py --package models/embed --bm target/release/bm --reads FASTQ... [--ort-lib LIBRARY] [--json]

The reference is model.onnx in Python's ONNX Runtime, on spectra that are computed here, independently of `bm`. Exit code 0 if nothing
failed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

import package as packages
import pairs

sys.path.append(str(Path(__file__).resolve().parents[1] / "neural-engine"))
import coreml_rules  # noqa: E402
from genomes import CODES  # noqa: E402

LENGTHS = (0, 3, 4, 5, 8, 9, 10, 50, 99, 150, 151, 300, 1000, 5000)
MOST_READS = 1000  # per file


def sequences(path: Path) -> list[bytes]:
    """The first reads of a file, some of them cut to other lengths."""
    with gzip.open(path, "rb") as file:
        lines = file.read().split(b"\n")[1::4][:MOST_READS]
    return [line[: LENGTHS[i % len(LENGTHS)]] if i % 3 == 0 else line for i, line in enumerate(lines)]


def embedded(bm: Path, package: Path, chosen: list[bytes], *options: str) -> np.ndarray:
    """Vectors by ``bm embed``, [reads, 64]."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "reads.fastq"), Path(folder, "vectors.npy")
        source.write_bytes(b"".join(b"@r%d\n%s\n+\n%s\n" % (i, s, b"5" * len(s)) for i, s in enumerate(chosen)))
        run = subprocess.run([bm, "embed", source, "-m", package, "-q", "-o", target, *options], capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"bm embed {' '.join(options)}: exit {run.returncode}: {run.stderr.strip()}")
        return np.load(target)


def expected_of(engine: packages.Engine, chosen: list[bytes]) -> np.ndarray:
    """Vectors by Python's ONNX Runtime, [reads, 64]."""
    order = sorted(range(len(chosen)), key=lambda i: len(chosen[i]))
    out = np.zeros((len(chosen), 64), np.float32)
    for start in range(0, len(order), 200):  # reads of like length: rows are padded to the longest
        some = order[start : start + 200]
        out[some] = engine.vectors(pairs.stack([CODES[np.frombuffer(chosen[i], np.uint8)] for i in some]))
    return out


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
        content = (folder / name).read_bytes()
        check(f"{name}: digest and size", entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
    wanted = packages.metadata({"model": manifest})
    for name, opset in (("model.onnx", 13), ("model.ane.onnx", 17)):
        model = onnx.load(folder / name, load_external_data=False)
        onnx.checker.check_model(model, full_check=True)
        found = {entry.key: entry.value for entry in model.metadata_props}
        found.pop("COREML_CACHE_KEY", None)
        check(f"{name}: metadata", found == wanted, "" if found == wanted else str(found))
        check(f"{name}: opset", [o.version for o in model.opset_import] == [opset])
    violations = coreml_rules.check(onnx.load(folder / "model.ane.onnx", load_external_data=False))
    check("model.ane.onnx: CoreML rules", not violations, "; ".join(map(str, violations)))

    chosen = [sequence for path in options.reads for sequence in sequences(path)]
    single, half = (packages.Engine(folder / name) for name in ("model.onnx", "model.ane.onnx"))
    expected = expected_of(single, chosen)
    off = float(np.abs(expected_of(half, chosen) - expected).max())
    check("model.ane.onnx: half precision", off <= packages.F16_TOLERANCE, f"max difference {off:.1e}")
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["reads"]
    known = np.array([read["vector"] for read in golden], np.float32)
    engines = {"embedded": ["--backend", "embedded"]}
    if options.ort_lib:
        engines["onnxruntime"] = ["--backend", "onnxruntime", "--ort-lib", str(options.ort_lib)]
    for name, flags in engines.items():
        off = float(np.abs(embedded(options.bm, folder, chosen, *flags) - expected).max())
        check(f"{name} against Python's ONNX Runtime", off <= packages.TOLERANCE, f"{len(chosen)} reads: max difference {off:.1e}")
        off = float(np.abs(embedded(options.bm, folder, [read["sequence"].encode() for read in golden], *flags) - known).max())
        check(f"{name}: golden reads", off <= packages.TOLERANCE, f"max difference {off:.1e}")

    for each in checks:
        print(f"{each['status']:5s} {each['name']:44s} {each['detail']}", file=sys.stderr if options.json else sys.stdout)
    failed = [each for each in checks if each["status"] == "FAIL"]
    if options.json:
        print(json.dumps({"package": manifest["id"], "checks": checks}, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
