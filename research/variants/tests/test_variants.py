"""Spiked sets and figures of callers, with known answers."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evaluate  # noqa: E402
import spike  # noqa: E402


class Variants(unittest.TestCase):
    def test_alleles_are_trimmed_and_moved_to_the_left(self):
        reference = "GACACACTTTTG"
        self.assertEqual(evaluate.normalised(reference, 8, "TTT", "TT"), [(7, "CT", "C")])
        self.assertEqual(evaluate.normalised(reference, 5, "CAC", "C"), [(1, "GAC", "G")])
        self.assertEqual(evaluate.normalised(reference, 11, "T", "TT"), [(7, "C", "CT")])
        self.assertEqual(evaluate.normalised(reference, 3, "CA", "TG"), [(3, "C", "T"), (4, "A", "G")])

    def test_average_precision_counts_what_is_missed(self):
        hits = np.array([True, False, True])
        self.assertAlmostEqual(evaluate.average_precision(hits, 4), (1 + 2 / 3) / 4)
        self.assertEqual(evaluate.average_precision(np.zeros(0, bool), 4), 0)

    def test_what_each_strand_that_covers_a_position_has_is_the_sample_s_own(self):
        every = np.zeros((2, 3, 4), int)
        every[0, :, 0] = 100
        good = every.copy()
        good[0, 1, 2] = 5  # one strand alone covers it
        good[1, 2, 0] = 100
        good[0, 2, 2] = 5  # the other strand has none of it
        indels = np.zeros(3, int)
        self.assertEqual(spike.own_variants("AAA", every, good, indels), {1})
        indels[0] = 4
        self.assertEqual(spike.own_variants("AAA", every, good, indels), {0, 1})


if __name__ == "__main__":
    unittest.main()
