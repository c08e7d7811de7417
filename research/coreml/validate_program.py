#!/usr/bin/env python3
"""Write the file for Core ML as an ML program, save it, read it back, check it, and compare its numbers with ONNX Runtime.

    validate_program.py --model models/read-error/model.ane.onnx [--output program.mlpackage]

Run by ``cargo xtask validate``; needs neither a Mac nor Core ML. Exit code 0 if nothing failed, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, when the library is loaded

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

import checks  # noqa: E402
import program as programs  # noqa: E402
import values  # noqa: E402

TOLERANCE = 5e-3  # max |Δp|: that of every engine of half precision
UNDECIDED = 100  # probabilities between 0.05 and 0.95 that a comparison needs
SEED = 1


@dataclass
class Result:
    name: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'FAIL':5}{self.name}: {self.detail}"


def validate(model: onnx.ModelProto, path: Path) -> list[Result]:
    """Results of all checks of one file; `path` is where the package is written."""
    try:
        programs.save(programs.build(model), path)
    except programs.Refused as error:
        return [Result("ML program", False, str(error))]
    description, program = programs.saved(path)
    faults = checks.check(description, program, model)
    kinds = [each.op_type for each in program.functions["main"].operations if each.op_type != "const"]
    results = [Result("ML program", not faults, "; ".join(faults) or f"Core ML 7 (macOS 14), {', '.join(kinds)}; float16 but for input and output")]
    if not faults:
        results.append(compare(model, program))
    return results


def compare(model: onnx.ModelProto, program: object) -> Result:
    """The saved program against ONNX Runtime on the CPU, on random features.

    Each column of the last axis, a read or a base, has features up to a level of its own from 0 to 1: with one level for all,
    every read of `mean-q20` would have the same mean quality, and so the same verdict. Outputs that are no probabilities differ by a fraction
    of the largest one.
    """
    rng = np.random.default_rng(SEED)
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in model.graph.input}
    features = {name: rng.random(shape, np.float32) * rng.random(shape[-1], np.float32) for name, shape in shapes.items()}
    names = [value.name for value in model.graph.output]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = np.concatenate([each.ravel() for each in session.run(names, features)])
    found = values.compute(program, features)
    found = np.concatenate([found[name].ravel() for name in names])
    largest = max(1.0, float(np.abs(expected).max()))
    off, undecided = float(np.abs(found - expected).max()) / largest, int(((expected > 0.05) & (expected < 0.95)).sum())
    if largest > 1.0:
        ok = found.dtype == np.float32 and off <= TOLERANCE
        return Result("numbers against ONNX Runtime", ok, f"{len(found)} numbers up to {largest:.0f}: max |Δ| {off:.1e} of the largest")
    ok = found.dtype == np.float32 and off <= TOLERANCE and undecided >= UNDECIDED
    return Result("numbers against ONNX Runtime", ok, f"{len(found)} probabilities, {undecided} of them from 0.05 to 0.95: max |Δp| {off:.1e}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="an .ane.onnx file")
    parser.add_argument("--output", type=Path, help="where to keep the .mlpackage; it is removed otherwise")
    options = parser.parse_args()
    model = onnx.load(options.model, load_external_data=False)
    with tempfile.TemporaryDirectory() as folder:
        results = validate(model, options.output or Path(folder, "model.mlpackage"))
    for result in results:
        print(result)
    return int(not all(result.ok for result in results))


if __name__ == "__main__":
    sys.exit(main())
