"""Spectra, pairs and figures with known answers."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import methods  # noqa: E402
import pairs  # noqa: E402
import tasks  # noqa: E402
from spectra import Spectra, columns  # noqa: E402


def codes(letters: str) -> np.ndarray:
    return np.array(["ACGTN".index(letter) for letter in letters], np.uint8)


class SpectraTest(unittest.TestCase):
    def test_words_and_their_other_strands_share_columns(self) -> None:
        self.assertEqual([columns(weight)[1] for weight in (1, 2, 4, 5)], [2, 10, 136, 512])
        spectra = Spectra()
        self.assertEqual(spectra.features, 1160)
        read = codes("ACGTTGCAAGTNCCATGACCATTGACC")
        both = spectra.of(np.stack([read, pairs.reverse_complement(read)]))
        np.testing.assert_array_equal(both[0], both[1])
        for start, end in zip(spectra.starts, spectra.starts[1:]):
            self.assertAlmostEqual(float(both[0, start:end].sum()), 1, places=5)

    def test_padding_and_unknown_bases_have_no_words(self) -> None:
        spectra = Spectra()
        rows = pairs.stack([codes("AAAA"), codes("AAAANAAAA"), codes("NNNN"), codes("")])
        found = spectra.of(rows)
        np.testing.assert_array_equal(found[0], found[1])
        self.assertEqual((found[0, 0], found[2:].max()), (1.0, 0.0))


class PairsTest(unittest.TestCase):
    def test_pairs_overlap_or_lie_beside_each_other(self) -> None:
        draw = np.random.default_rng(1)
        text = pairs.Text([draw.integers(0, 4, 5_000).astype(np.uint8)])
        left, right = text.pairs(300, 0.0, draw)
        self.assertEqual(left.shape, (300, pairs.WIDTH))
        method = methods.MinHash("1" * 8, 256, 8)
        alike = (method.vectors(left) == method.vectors(right)).mean(1)
        others = (method.vectors(left) == method.vectors(np.roll(right, 1, 0))).mean(1)
        self.assertGreater(alike.mean(), others.mean() + 0.05)

    def test_relabellings_keep_complements(self) -> None:
        for table in pairs.RELABELLINGS:
            np.testing.assert_array_equal(3 - table, table[[3, 2, 1, 0]])

    def test_queries_overlap_their_text(self) -> None:
        draw = np.random.default_rng(2)
        places = pairs.gallery([[draw.integers(0, 4, 100_000).astype(np.uint8)]], 100, 150, draw)
        texts, queries = pairs.retrieval(places, 50, 150, 0.5, 0.0, draw)
        found = tasks.recalls(methods.MinHash("1" * 12, 64, 32), texts, queries)
        self.assertGreater(found["recall_1"], 0.98)


class FiguresTest(unittest.TestCase):
    def test_ties_count_by_chance(self) -> None:
        class Same:
            metric = "cosine"

            def vectors(self, reads: np.ndarray) -> np.ndarray:
                return np.ones((len(reads), 2))

        reads = np.zeros((20, 4), np.uint8)
        found = tasks.recalls(Same(), reads, reads)
        self.assertAlmostEqual(found["recall_1"], 0.05)
        self.assertAlmostEqual(found["recall_10"], 0.5)

    def test_purity_is_a_mean_over_origins(self) -> None:
        nearest = np.tile(np.array([[1], [0], [0], [0]]), 10)
        self.assertEqual(tasks.purity(nearest, np.array([0, 0, 1, 1])), {"first": 0.5, "ten": 0.5})


if __name__ == "__main__":
    unittest.main()
