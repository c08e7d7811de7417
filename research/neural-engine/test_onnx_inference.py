#!/usr/bin/env python3
"""Try a model file on reads with an obvious verdict, and on some at the threshold.

    test_onnx_inference.py --model models/read-error/model.onnx    # the default model
    test_onnx_inference.py --model models/mean-q20/model.onnx

Works for ``model.onnx`` and for ``model.ane.onnx`` (whose shape is fixed and is padded), of models of windows and of models that give an
error probability for each base. The features come from ``bm encode``; the file's metadata says what its outputs mean. Exit status 1 if a
checked case is wrong; cases at the threshold are reported but not checked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import: from 1.29 on, telemetry starts with the library
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

import data  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "research/read-error"))
import package  # noqa: E402
import reads  # noqa: E402

PER_BASE = "read-error"  # the task of models that give an error probability for each base
BASES = b"GATTACACCTGAGTCCATGGCTTAACGTGA" * 5  # 150 bases



@dataclass(frozen=True)
class Case:
    """A read, and whether it passes; None where that depends on the model's label or is close to its threshold."""

    title: str
    sequence: bytes
    quality: bytes
    expected: bool | None

    def wanted(self) -> str:
        return {True: "should PASS", False: "should FAIL", None: "reported"}[self.expected]


def cases(task: str) -> list[Case]:
    """The cases of a model: what is obvious depends on its label, a mean quality of at least 20 or an error rate of at most 1 %."""
    windows = task != PER_BASE
    return [
        Case("High quality read", BASES, b"I" * 150, True),  # Phred 40
        Case("Low quality read", BASES, b"+" * 150, False),  # Phred 10
        Case("High quality read of 50 bases", BASES[:50], b"F" * 50, True),  # Phred 37
        Case("Low quality read of 50 bases", BASES[:50], b"," * 50, False),  # Phred 11
        # Phred 42 to 13: the sum of the reported error probabilities is 1.2, and one error in 150 bases is allowed.
        Case("Falling quality, mean 27.5", BASES, bytes(33 + 42 - i // 5 for i in range(150)), True if windows else None),
        Case("Good start and a long tail of Phred 2, mean 10.6", BASES, b"G" * 36 + b"#" * 114, False),
        # A mean over 20, and 19 expected errors.
        Case("Phred 40 with every eighth base at Phred 2, mean 35", BASES, (b"IIIIIII#" * 19)[:150], None if windows else False),
        Case("Nothing called, Phred 2", b"N" * 150, b"#" * 150, False),
        Case("Borderline, mean 20", BASES, b"5" * 150, None),
        Case("Borderline, mean 20.5", BASES, b"56" * 75, None),
        Case("Borderline, mean 19.5, 50 bases", BASES[:50], b"45" * 25, None),
    ]


def of_windows(session: onnxruntime.InferenceSession, bm: Path, chosen: list[Case]) -> np.ndarray:
    """Probabilities that reads of one window pass, float32 [cases]."""
    with tempfile.TemporaryDirectory() as folder:
        fastq = Path(folder, "cases.fastq")
        fastq.write_bytes(b"".join(b"@case%d\n%b\n+\n%b\n" % (i, case.sequence, case.quality) for i, case in enumerate(chosen, start=1)))
        rows = np.array(data.encode(bm, fastq, Path(folder, "cases.npy")))
    shape = session.get_inputs()[0].shape
    if len(shape) == 4:  # [1, 300, 1, S]: reads along the last axis
        filled = np.zeros((shape[3], shape[1]), dtype=np.float32)
        filled[: len(rows)] = rows
        rows = np.ascontiguousarray(filled.T[None, :, None, :])  # [S, 300] -> [1, 300, 1, S]
    return session.run(["probability"], {"features": rows})[0].reshape(-1)[: len(chosen)]


def of_bases(engine: package.Engine, facts: dict[str, str], bm: Path, chosen: list[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that reads pass, and their expected errors, float64 [cases], by the rule in the file's metadata."""
    rule = {key: float(facts[f"bm.{key}"]) for key in ("mean_scale", "dispersion", "max_error_rate")}
    pairs = [(case.sequence, case.quality) for case in chosen]
    codes, table = reads.encode(bm, pairs, encoding=facts["bm.encoding"]), reads.vectors(bm)
    ends = np.cumsum([len(sequence) for sequence, _ in pairs])
    parts = engine.probabilities([table[of] for of in np.split(codes, ends[:-1])])
    errors = np.array([part.astype(np.float64).sum() for part in parts])
    probability = [package.read_probability(expected, len(sequence), rule) for expected, (sequence, _) in zip(errors, pairs)]
    return np.array(probability), errors


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="an .onnx file")
    parser.add_argument("--bm", type=Path, default=ROOT / "target/release/bm", help="the bm program, which encodes the reads")
    options = parser.parse_args()
    if not options.model.is_file():
        sys.exit(f"{options.model}: no such model file")

    wanted = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    session = onnxruntime.InferenceSession(str(options.model), providers=providers)
    facts = session.get_modelmeta().custom_metadata_map
    if "bm.task" not in facts:
        sys.exit(f"{options.model}: no metadata bm.task, which says what its outputs mean")
    provider = session.get_providers()[0]
    print(f"Execution provider: {provider}")
    if provider == "CoreMLExecutionProvider":
        print("CoreML requested; only a profile shows whether the Neural Engine ran the model")
    else:
        print("This build of ONNX Runtime has no CoreML: running on the CPU")

    chosen, bm = cases(facts["bm.task"]), options.bm.resolve()
    errors = [None] * len(chosen)
    if facts["bm.task"] == PER_BASE:
        probability, errors = of_bases(package.Engine(options.model, providers), facts, bm, chosen)
    else:
        probability = of_windows(session, bm, chosen)

    wrong, threshold = 0, float(facts["bm.threshold"])
    for number, (case, p, expected) in enumerate(zip(chosen, probability, errors), start=1):
        print(f"\nTest {number}: {case.title} ({case.wanted()})")
        if expected is not None:
            print(f"Expected errors: {expected:.2f}")
        print(f"Probability: {p:.4f}")
        print(f"Prediction:  {'✅ PASS' if p >= threshold else '❌ FAIL'}")
        if case.expected is None:
            print("Result: reported, not checked")
        else:
            correct = np.isfinite(p) and (p >= threshold) == case.expected
            wrong += not correct
            print(f"Result: {'✅ CORRECT' if correct else '❌ WRONG'}")
    checked = sum(case.expected is not None for case in chosen)
    print(f"\n{checked - wrong} of {checked} checked cases correct")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
