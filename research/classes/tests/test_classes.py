"""Drawn reads, and the figures made of them, with known answers."""

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import compare
import drawing
import genomes


class Genomes(unittest.TestCase):
    def test_nothing_changes_without_divergence(self):
        bases = np.arange(1000, dtype=np.uint8) % 4
        np.testing.assert_array_equal(genomes.changed(bases, 0.0, np.random.default_rng(1)), bases)

    def test_a_tenth_of_the_changes_are_indels(self):
        bases = np.zeros(200_000, np.uint8)
        changed = genomes.changed(bases, 0.1, np.random.default_rng(2))
        self.assertLess(abs(len(changed) - len(bases)), 600)
        # Substitutions, and three of four inserted bases.
        self.assertAlmostEqual(float(np.mean(changed != 0)), 0.09 + 0.005 * 0.75, delta=0.003)

    def test_reads_of_both_strands_come_from_the_genome(self):
        draw = np.random.default_rng(3)
        genome = draw.integers(0, 4, 5000).astype(np.uint8)
        text, other = genome.tobytes(), (3 - genome)[::-1].tobytes()
        reads = [read.tobytes() for read in genomes.drawn([genome], 50, 100, 0.0, 0.0, draw)]
        ahead = sum(read in text for read in reads)
        self.assertEqual(ahead + sum(read in other for read in reads), 50)
        self.assertTrue(10 < ahead < 40)

    def test_fasta_is_read_as_it_was_written(self):
        genome = [np.array([0, 1, 2, 3, 4], np.uint8), np.array([3, 3], np.uint8)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "g.fa"
            genomes.write_fasta(path, genome, "g")
            for found, expected in zip(genomes.read_fasta(path), genome, strict=True):
                np.testing.assert_array_equal(found, expected)

    def test_errors_are_those_that_the_qualities_report(self):
        draw = np.random.default_rng(4)
        bases = np.zeros(200, np.uint8)
        wrong = expected = 0.0
        for _ in range(500):
            letters, scores = drawing.with_errors(bases, 0.05, draw)
            wrong += sum(letter != ord("A") for letter in letters)
            expected += float(np.sum(10 ** ((33.0 - np.frombuffer(scores, np.uint8)) / 10)))
        self.assertAlmostEqual(wrong / expected, 1.0, delta=0.06)


class Figures(unittest.TestCase):
    def test_the_threshold_calls_at_most_one_foreign_read_in_a_hundred(self):
        reads = [(f"none|x|{i}", b"", b"") for i in range(200)] + [(f"a|{d}|{i}", b"", b"") for d in compare.DIVERGENCES for i in range(10)]
        # Two foreign reads reach more than a tenth; half of the reads of the class have 0.5, one in ten is called the other class.
        found = [(0, 0.9 if i < 2 else 0.1) for i in range(200)]
        found += [(1 if i == 9 else 0, 0.5 if i % 2 else 0.05) for _ in compare.DIVERGENCES for i in range(10)]
        row = compare.accuracy(reads, found, ["a", "b"])
        self.assertEqual((row["threshold"], row["false"]), (0.1, 0.01))
        self.assertEqual(row["right"], [0.4] * 4)
        self.assertAlmostEqual(row["other_class"], 0.1)

    def test_expected_errors_are_compared_with_those_found(self):
        columns = ["read", "none", "p_a"]
        rows = [[f"a|{i}", "0.1", "0.9"] for i in range(10)] + [[f"none|{i}", "0.9", "0.1"] for i in range(10)]
        rows[0] = ["a|0", "0.9", "0.1"]
        found = compare.calibration(columns, rows, ["a"])
        self.assertAlmostEqual(found["expected_errors"], 0.1)
        self.assertAlmostEqual(found["found_errors"], 0.05)
        self.assertAlmostEqual(found["log2"], 1.0)
        self.assertEqual(found["none_called_none"], 1.0)


if __name__ == "__main__":
    unittest.main()
