"""The program that tries a model file tells good reads from bad ones for every shipped file, and says so when a model does not.

    python -m unittest discover -s research/neural-engine/tests
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "research/neural-engine/test_onnx_inference.py"
# `cargo xtask` names the program that it built.
BM = Path(os.environ.get("BM", ROOT / "target/release/bm"))


def run(model: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-X", "utf8", PROGRAM, "--model", model, "--bm", BM]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@unittest.skipUnless(BM.exists(), f"no {BM}: features come from `bm encode`")
class Cases(unittest.TestCase):
    def test_shipped_files_tell_good_reads_from_bad_ones(self) -> None:
        judges = [it.parent for it in ROOT.glob("models/*/manifest.json") if json.loads(it.read_text())["task"] != "read-embedding"]
        self.assertGreaterEqual(len(judges), 2)
        for file in sorted(path for folder in judges for path in folder.glob("*.onnx")):
            with self.subTest(f"{file.parent.name}/{file.name}"):
                done = run(file)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                self.assertRegex(done.stdout, r"Test 1: High quality read \(should PASS\)\n(Expected errors: 0\.\d+\n)?Probability: 0\.9")
                self.assertIn("7 of 7 checked cases correct", done.stdout)
                self.assertEqual(file.parent.name == "read-error", "Expected errors" in done.stdout)

    def test_a_model_that_does_not_is_told(self) -> None:
        model = onnx.load(ROOT / "models/read-error/model.onnx")
        bias = next(tensor for tensor in model.graph.initializer if tensor.name == "guess.bias")
        bias.CopyFrom(numpy_helper.from_array(np.array([-30], np.float32), bias.name))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            onnx.save(model, path)
            done = run(path)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertGreaterEqual(len(re.findall("WRONG", done.stdout)), 4)

    def test_a_file_without_metadata_is_refused(self) -> None:
        model = onnx.load(ROOT / "models/mean-q20/model.onnx")
        del model.metadata_props[:]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            onnx.save(model, path)
            done = run(path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no metadata bm.task", done.stderr)


if __name__ == "__main__":
    unittest.main()
