#!/usr/bin/env python3
"""Try a model file on reads with an obvious verdict, and on some at the threshold.

    test_onnx_inference.py --model models/mean-q20/model.onnx

Works for ``model.onnx`` and for ``model.ane.onnx`` (whose batch is static and is padded). The features come from
``bm encode``. Exit status 1 if a checked case is wrong; cases at the threshold are reported but not checked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: from 1.29 on, telemetry starts with the library
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

import data  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BASES = b"GATTACACCTGAGTCCATGGCTTAACGTGA" * 5  # 150 bases

# (title, sequence, quality, expected verdict; None: reported, not checked)
CASES: list[tuple[str, bytes, bytes, bool | None]] = [
    ("High quality read (should PASS)", BASES, b"I" * 150, True),  # Phred 40
    ("Low quality read (should FAIL)", BASES, b"+" * 150, False),  # Phred 10
    ("High quality read of 50 bases (should PASS)", BASES[:50], b"F" * 50, True),  # Phred 37
    ("Low quality read of 50 bases (should FAIL)", BASES[:50], b"," * 50, False),  # Phred 11
    ("Falling quality, mean 27.5 (should PASS)", BASES, bytes(33 + 42 - i // 5 for i in range(150)), True),  # 42 to 13
    ("Good start and a long tail of Phred 2, mean 10.6 (should FAIL)", BASES, b"G" * 36 + b"#" * 114, False),
    ("Nothing called, Phred 2 (should FAIL)", b"N" * 150, b"#" * 150, False),
    ("Borderline, mean 20 (reported)", BASES, b"5" * 150, None),
    ("Borderline, mean 20.5 (reported)", BASES, b"56" * 75, None),
    ("Borderline, mean 19.5, 50 bases (reported)", BASES[:50], b"45" * 25, None),
]


def features(bm: Path, cases: list[tuple[str, bytes, bytes, bool | None]]) -> np.ndarray:
    """Feature matrix of the cases, float32 [cases, 300]."""
    with tempfile.TemporaryDirectory() as folder:
        fastq = Path(folder, "cases.fastq")
        fastq.write_bytes(b"".join(b"@case%d\n%b\n+\n%b\n" % (i, s, q) for i, (_, s, q, _) in enumerate(cases, start=1)))
        return np.array(data.encode(bm, fastq, Path(folder, "cases.npy")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="an .onnx file")
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which encodes the reads")
    options = parser.parse_args()
    if not options.model.is_file():
        sys.exit(f"{options.model}: no such model file")

    wanted = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(options.model), providers=[p for p in wanted if p in onnxruntime.get_available_providers()])
    provider = session.get_providers()[0]
    print(f"Execution provider: {provider}")
    if provider == "CoreMLExecutionProvider":
        print("CoreML requested; only a profile shows whether the Neural Engine ran the model")
    else:
        print("This build of ONNX Runtime has no CoreML: running on the CPU")

    rows = features(options.bm.resolve(), CASES)
    shape = session.get_inputs()[0].shape
    if len(shape) == 4:  # [1, 300, 1, S]: reads along the last axis
        filled = np.zeros((shape[3], shape[1]), dtype=np.float32)
        filled[: len(rows)] = rows
        rows = np.ascontiguousarray(filled.T[None, :, None, :])  # [S, 300] -> [1, 300, 1, S]
    probability = session.run(["probability"], {"features": rows})[0].reshape(-1)[: len(CASES)]

    wrong = 0
    for number, ((title, _, _, expected), p) in enumerate(zip(CASES, probability), start=1):
        print(f"\nTest {number}: {title}")
        print(f"Probability: {p:.4f}")
        print(f"Prediction:  {'✅ PASS' if p >= 0.5 else '❌ FAIL'}")
        if expected is None:
            print("Result: reported, not checked")
        else:
            correct = np.isfinite(p) and (p >= 0.5) == expected
            wrong += not correct
            print(f"Result: {'✅ CORRECT' if correct else '❌ WRONG'}")
    checked = sum(expected is not None for *_, expected in CASES)
    print(f"\n{checked - wrong} of {checked} checked cases correct")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
