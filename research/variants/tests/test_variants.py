"""Spiked sets and figures of callers, with known answers."""

from __future__ import annotations

import array
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import pysam

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evaluate  # noqa: E402
import judge  # noqa: E402
import mixtures  # noqa: E402
import mutated  # noqa: E402
import recalibrated  # noqa: E402
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

    def test_variants_of_a_mixture_are_fixed_in_one_sample_and_absent_in_the_other(self):
        major, minor = np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int)
        major[:, :, 0] = 50
        minor[:, :, 0] = 50
        minor[:, 1] = [0, 0, 50, 0]  # fixed
        minor[:, 2] = [25, 0, 25, 0]  # not fixed
        minor[:, 3] = [0, 50, 0, 0]  # fixed, but the other sample has it as well
        major[:, 3, 1] = 2
        self.assertEqual(mixtures.different(major, minor, "AAAA"), {1: 2})

    def test_a_changed_reference_has_its_changes_where_it_says(self):
        old = "ACGTACGTACGT"
        changes = [mutated.Change(2, "G", "T"), mutated.Change(4, "ACG", "A"), mutated.Change(9, "C", "CTT")]
        new, starts = mutated.changed(old, changes)
        self.assertEqual((new, starts), ("ACTTATACTTGT", [2, 4, 7]))
        for change, start in zip(changes, starts):
            self.assertEqual(new[start : start + len(change.alt)], change.alt)
        self.assertEqual([mutated.moved(it, changes) for it in (1, 3, 8, 11)], [1, 3, 6, 11])

    def test_qualities_of_recalibrated_reads_come_back_to_their_records(self):
        header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "ref", "LN": 100}]})
        bases, scores = "ACGTTGCAAG", [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            with pysam.AlignmentFile(str(folder / "reads.bam"), "wb", header=header) as file:
                for name, flags in (("forward", 0), ("reverse", 16)):
                    read = pysam.AlignedSegment(header)
                    read.query_name, read.flag, read.query_sequence = name, flags, bases
                    read.reference_id, read.reference_start, read.cigarstring = 0, 5, "10M"
                    read.query_qualities = array.array("B", scores)
                    file.write(read)
            pysam.index(str(folder / "reads.bam"))
            # In the place of bm: each quality becomes 20 more.
            program = folder / "bm"
            program.write_text("#!/bin/sh\nawk 'NR % 4 == 0 { print \"?@ABCDEFGH\"; next } { print }' \"$2\" > \"$4\"\n")
            program.chmod(0o755)
            out = recalibrated.recalibrate(program, folder / "reads.bam", folder, "network")
            with pysam.AlignmentFile(str(out)) as file:
                found = {it.query_name: list(it.query_qualities) for it in file}
        new = list(range(30, 40))
        self.assertEqual(found, {"forward": new, "reverse": new[::-1]})

    def test_a_network_learns_what_its_features_tell(self):
        rng = np.random.default_rng(1)
        x = rng.normal(size=(400, 5))
        y = (x[:, 0] * x[:, 1] > 0).astype(float)  # no single feature tells it
        network = judge.Network(x[:300], y[:300], 0)
        self.assertGreater(np.mean((network(x[300:]) > 0) == (y[300:] > 0)), 0.85)


if __name__ == "__main__":
    unittest.main()
