"""Kept reads, alleles and figures of contigs equal a count by hand."""

import math
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

EVIDENCE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(EVIDENCE))

import downstream  # noqa: E402
import peers  # noqa: E402


class Keeping(unittest.TestCase):
    def test_the_best_are_kept_until_there_are_enough_bases(self):
        keep = downstream.best(np.array([0.3, 0.1, np.inf, 0.2]), np.array([100, 50, 100, 60]), 110)
        self.assertEqual(keep.tolist(), [False, True, False, True])
        self.assertTrue(downstream.best(np.arange(4.0), np.full(4, 10), 40).all())

    def test_ties_are_not_kept_in_file_order(self):
        keep = downstream.best(np.zeros(1000), np.ones(1000, int), 500)
        self.assertEqual(keep.sum(), 500)
        self.assertGreater(keep[500:].sum(), 200)

    def test_a_corrector_ranks_by_changes_and_then_by_reported_quality(self):
        made = peers.Changes(np.array([0, 2, 0, 0]), np.array([0, 0, 0, 0]), np.zeros(4, bool), np.array([False, False, False, True]))
        badness = downstream.by_changes(made, np.full(4, 100), np.array([0.2, 0.01, 0.1, 0.001]))
        self.assertEqual(badness.tolist(), [1, 2, 0, 3])


class Alleles(unittest.TestCase):
    reference = {"a": b"ACGTACGTAC", "b": b"GGGGG"}

    def aligned(self, rows, errors):
        with tempfile.TemporaryDirectory() as folder:
            sam = Path(folder, "a.sam")
            sam.write_text("@SQ\tSN:a\tLN:10\n" + "".join(f"{row}\n" for row in rows))
            return downstream.aligned(sam, self.reference, errors)

    def test_mismatches_are_where_the_alignment_puts_them(self):
        wrong = np.zeros(6, bool)
        wrong[0] = True  # of the read as it came, so the last on the reference's strand
        rows = [
            "r0\t0\ta\t3\t60\t1S3M1D2M\t*\t0\t0\tTGTCCT\tIIIII5",  # GTC at 2 to 4: C for A at 4; CT at 6 and 7: C for G at 6
            "r1\t16\tb\t1\t60\t5M1S\t*\t0\t0\tGGGGAA\tIIIIII",
            "r2\t4\t*\t0\t0\t*\t*\t0\t0\tAAAA\tIIII",
            "r3\t2048\ta\t1\t60\t3M\t*\t0\t0\tTTT\tIII",
        ]
        of = self.aligned(rows, {1: wrong})
        found = list(zip(of.record.tolist(), of.place.tolist(), of.base.tolist(), of.quality.tolist(), of.error.tolist()))
        self.assertEqual(found, [(0, 4, 1, 40, False), (0, 6, 1, 40, False), (1, 14, 0, 40, False)])
        self.assertEqual(list(zip(of.block_start.tolist(), of.block_end.tolist())), [(2, 5), (6, 8), (10, 15)])
        wrong[1] = True
        self.assertEqual(self.aligned(rows, {1: wrong}).error.tolist(), [False, False, True])

    def test_true_and_minor_alleles(self):
        # 100 reads over all of a; 5 of them have T at 0 by error, 4 have G at 1 truly, 60 have A at 2, which is no minor allele.
        rows, errors = [], {}
        for number in range(100):
            sequence = bytearray(self.reference["a"])
            if number < 5:
                sequence[0], errors[number] = ord("T"), np.arange(10) == 0
            elif number < 9:
                sequence[1] = ord("G")
            if number >= 40:
                sequence[2] = ord("A")
            rows.append(f"r{number}\t0\ta\t1\t60\t10M\t*\t0\t0\t{sequence.decode()}\t{'5' if number < 3 else 'I'}{'I' * 9}")
        of = self.aligned(rows, errors)
        real = downstream.true_alleles(of)
        self.assertEqual(real, {4 * 1 + 2, 4 * 2 + 0})
        everything = np.ones(100, bool)
        self.assertEqual(downstream.minor_alleles(of, everything, 0.01, 0), {4 * 0 + 3, 4 * 1 + 2})
        # Three of the five have Q20 there; with 21 asked, two are left.
        self.assertEqual(downstream.minor_alleles(of, everything, 0.01, 21), {4 * 1 + 2})
        figures = downstream.minor_figures(of, everything, real)
        self.assertEqual((figures["false_1_q0"], figures["true_1_q0"]), (1, 1))
        # Without the four, and of 19 reads nothing is called.
        self.assertEqual(downstream.minor_alleles(of, ~np.isin(np.arange(100), [5, 6]), 0.01, 0), {4 * 0 + 3})
        self.assertEqual(downstream.minor_alleles(of, np.arange(100) < 19, 0.01, 0), set())


class Contigs(unittest.TestCase):
    def test_n50(self):
        self.assertEqual(downstream.sizes([10, 50, 40]), {"contigs": 3, "total": 100, "largest": 50, "n50": 50})
        self.assertEqual(downstream.sizes([10, 45, 45]), {"contigs": 3, "total": 100, "largest": 45, "n50": 45})
        self.assertEqual(downstream.sizes([])["n50"], 0)

    def test_differences_of_alignments(self):
        fields = ["c", "900", "0", "900", "+", "r", "5000", "0", "900", "895", "900", "60", "NM:i:5", "cs:Z::500*ag:300-acgt:99+a:1"]
        self.assertEqual(downstream.differences("\t".join(fields) + "\n"), {"laid": 901, "differing_per_100kb": 3e5 / 901})
        self.assertTrue(math.isnan(downstream.differences("")["differing_per_100kb"]))


if __name__ == "__main__":
    unittest.main()
