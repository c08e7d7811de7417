"""Tests with known answers for the parts that need no training."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import labelled  # noqa: E402


class Windows(unittest.TestCase):
    def test_they_end_where_the_read_ends(self) -> None:
        codes, of_read = np.array([10, 20, 30, 40, 50], np.uint16), np.array([0, 0, 0, 1, 1])
        found = labelled.windows(codes, of_read, np.array([0, 2, 3, 4]), 3, 99)
        self.assertEqual(found.tolist(), [[99, 10, 20], [20, 30, 99], [99, 40, 50], [40, 50, 99]])


class Names(unittest.TestCase):
    def test_mates_have_the_same_name_before_the_slash_or_the_space(self) -> None:
        self.assertEqual({labelled.bare(name) for name in (b"@a/1", b"@a/2", b"@a 1:N:0", b"@a")}, {b"a"})
        self.assertEqual(labelled.bare(b"@"), b"")


class Parts(unittest.TestCase):
    def test_a_quarter_of_the_templates_is_in_each_part(self) -> None:
        counts = np.bincount([labelled.fold_of(template) for template in range(10_000)])
        self.assertEqual(len(counts), labelled.FOLDS)
        self.assertTrue((abs(counts - 2500) < 150).all(), counts)

    def test_the_hash_is_the_finaliser_of_murmur(self) -> None:
        self.assertEqual([labelled.mix(0), labelled.mix(1)], [0, 0xB456BCFC34C2CB2C])


class Some(unittest.TestCase):
    def test_bases_of_other_reads_are_left_out(self) -> None:
        bases = labelled.Bases(np.arange(4)[:, None], np.array([True, False, True, False]), np.array([0, 1, 1, 2]))
        found = labelled.some(bases, np.array([True, False, True]))
        self.assertEqual((found.around[:, 0].tolist(), found.wrong.tolist(), found.read.tolist()), ([0, 3], [True, False], [0, 2]))


if __name__ == "__main__":
    unittest.main()
