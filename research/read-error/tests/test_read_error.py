"""Tests with known answers for the parts that need no training."""

from __future__ import annotations

import gzip
import json
import math
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import package  # noqa: E402
import reads  # noqa: E402

READ = {"mean_scale": 1.1, "dispersion": 0.02, "max_error_rate": 0.01}


class OwnLabels(unittest.TestCase):
    def test_a_base_seen_once_where_others_are_seen_often_is_wrong(self) -> None:
        genome = np.random.default_rng(1).integers(0, 4, 200).astype(np.uint8)
        bases = np.tile(genome, (60, 1))
        bases[7, 100] = (bases[7, 100] + 1) % 4  # one error
        bases[:30, 150] = (bases[:30, 150] + 2) % 4  # half of the reads: a variant
        wrong, known = reads.own_labels(bases.reshape(-1), np.full(60, 200))
        self.assertEqual(np.flatnonzero(wrong).tolist(), [7 * 200 + 100])
        self.assertTrue(known.reshape(60, 200)[8, 30:170].all())

    def test_unknown_bases_and_short_reads_get_no_labels(self) -> None:
        bases = np.full(100, reads.UNKNOWN, np.uint8)
        wrong, known = reads.own_labels(bases, np.array([10, 20, 70]))
        self.assertFalse(wrong.any() or known.any())


class Windows(unittest.TestCase):
    def test_they_end_where_the_read_ends(self) -> None:
        codes = np.array([10, 94 + 20, 9 * 94 + 30, 40, 9 * 94 + 41], np.uint16)
        found = reads.Reads(codes, np.array([3, 2]), np.zeros(5, bool), np.ones(5, bool))
        scores, place = found.windows(np.arange(5), 3)
        self.assertEqual(scores.tolist(), [[94, 10, 20], [10, 20, 30], [20, 30, 94], [94, 40, 41], [40, 41, 94]])
        self.assertEqual(place.tolist(), [0, 1, 9, 0, 9])
        np.testing.assert_allclose(found.reported(), [0.1 + 0.01 + 0.001, 10**-4 + 10**-4.1])


class Positions(unittest.TestCase):
    def test_forms(self) -> None:
        self.assertEqual(reads.positions("S17,I3,I2@5,D9,D4@11"), [17, 3, 5, 9, 11])
        self.assertEqual(reads.positions(""), [])


class Probability(unittest.TestCase):
    def test_it_equals_the_sum_in_the_definition(self) -> None:
        for expected, bases in ((0.3, 36), (1.5, 150), (2.5, 251), (9.0, 1000)):
            mean = 1.1 * expected
            p = 50 / (50 + mean)
            direct = sum(math.comb(x + 49, x) * (1 - p) ** x * p**50 for x in range(bases // 100 + 1))
            self.assertAlmostEqual(package.read_probability(expected, bases, READ), direct, places=12)
        self.assertEqual(package.read_probability(0.0, 150, READ), 1.0)


class Models(unittest.TestCase):
    def test_both_files_compute_the_definition(self) -> None:
        rng = np.random.default_rng(3)
        weights = {
            "window": rng.normal(size=(8, 24, 9)) * 0.1, "window.bias": rng.normal(size=8) * 0.1,
            "last": rng.normal(size=(1, 8, 1)), "last.bias": np.zeros(1),
            "guess": rng.normal(size=(1, 24, 1)) * 0.3, "guess.bias": np.array([-0.5]),
        }  # fmt: skip
        config = {"model": {"id": "read-error", "version": 1}, "read": READ, "domain": {"max_phred": 45}}
        features = rng.normal(size=(30, 24)).astype(np.float32)
        padded = np.pad(features, ((4, 4), (0, 0))).astype(np.float64)
        z = np.array([np.einsum("tc,uct->u", padded[i : i + 9], weights["window"]) for i in range(30)]) + weights["window.bias"]
        logit = np.maximum(z, 0) @ weights["last"][0, :, 0] + features @ weights["guess"][0, :, 0] - 0.5
        with tempfile.TemporaryDirectory() as folder:
            package.write_models(Path(folder), weights, config)
            for name, allowed in (("model.onnx", 1e-6), ("model.ane.onnx", 1e-2)):
                found = package.Engine(Path(folder, name)).probability(features)
                np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), atol=allowed)

    def test_reads_side_by_side_are_as_alone(self) -> None:
        rng = np.random.default_rng(3)
        weights = {
            "window": rng.normal(size=(8, 24, 9)), "window.bias": rng.normal(size=8), "last": rng.normal(size=(1, 8, 1)),
            "last.bias": np.zeros(1), "guess": rng.normal(size=(1, 24, 1)), "guess.bias": np.array([-0.5]),
        }  # fmt: skip
        lengths = [1, 150, 4096, 2000, 2093, 7, *[1000] * 70]
        features = [rng.normal(size=(n, 24)).astype(np.float32) for n in lengths]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.ane.onnx")
            path.write_bytes(package.model(weights, {}, half=True).SerializeToString())
            engine = package.Engine(path)
            self.assertEqual((engine.shape, engine.around), (package.ANE_SHAPE, 4))
            self.assertFalse(engine.fits(4097))
            found = engine.probabilities(features)
            self.assertEqual([len(p) for p in found], lengths)
            for i in (0, 1, 2, 3, 4, 5, 40, 75):
                np.testing.assert_allclose(found[i], engine.probability(features[i]), atol=1e-6)

    def test_the_half_is_written_anew_from_the_whole(self) -> None:
        shipped = Path(__file__).resolve().parents[3] / "models" / "read-error"
        with tempfile.TemporaryDirectory() as folder:
            for name in ("model.onnx", "model.ane.onnx", "manifest.json"):
                Path(folder, name).write_bytes((shipped / name).read_bytes())
            package.rewrite_half(Path(folder))
            manifest = json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8"))
            path = Path(folder, "model.ane.onnx")
            self.assertEqual(manifest["files"]["model.ane.onnx"], {"sha256": reads.sha256(path), "bytes": path.stat().st_size})
            features = np.random.default_rng(1).normal(size=(150, 24)).astype(np.float32)
            old, new = (package.Engine(Path(each, "model.ane.onnx")) for each in (shipped, folder))
            self.assertEqual(new.shape, package.ANE_SHAPE)
            np.testing.assert_allclose(new.probability(features), old.probability(features), rtol=2e-2, atol=1e-5)


class Files(unittest.TestCase):
    def test_plain_and_gzip_are_detected_by_content(self) -> None:
        text = b"@a x\r\nACGT\r\n+\r\nIIII\r\n@b\n\n+\n\n"
        with tempfile.TemporaryDirectory() as folder:
            for content in (text, gzip.compress(text)):
                path = Path(folder, "reads")
                path.write_bytes(content)
                self.assertEqual(list(reads.records(path)), [(b"@a x", b"ACGT", b"IIII"), (b"@b", b"", b"")])

    def test_the_shipped_manifest_has_the_digests_of_the_files(self) -> None:
        folder = Path(__file__).resolve().parents[3] / "models" / "read-error"
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.assertEqual({name: reads.sha256(folder / name) for name in manifest["files"]}, {name: entry["sha256"] for name, entry in manifest["files"].items()})


if __name__ == "__main__":
    unittest.main()
