"""Figures of cuts equal a count by hand."""

import math
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import measures  # noqa: E402


def cuts(*reads):
    """Cuts of reads given as (length, begin, to)."""
    return measures.Cuts(*(np.array(each) for each in zip(*reads, strict=True)))


class KeptRange(unittest.TestCase):
    def test_a_beginning_a_part_and_nothing(self):
        self.assertEqual(measures.kept_range(b"ACGTT", b"ABCDE", b"ACG", b"ABC"), (0, 3))
        self.assertEqual(measures.kept_range(b"ACGTT", b"ABCDE", b"GT", b"CD"), (2, 4))
        self.assertEqual(measures.kept_range(b"ACGTT", b"ABCDE", b"", b""), (0, 0))

    def test_of_equal_bases_those_with_the_same_qualities_count(self):
        self.assertEqual(measures.kept_range(b"AAAAA", b"ABCDE", b"AAA", b"BCD"), (1, 4))
        self.assertEqual(measures.kept_range(b"AAAAA", b"FFFFF", b"AAA", b"FFF"), (0, 3))
        self.assertEqual(measures.kept_range(b"AAAA", b"ABAB", b"AA", b"CC"), (0, 2))
        self.assertEqual(measures.kept_range(b"NAANA", b"#BC#E", b"ANA", b"C!E"), (2, 5))

    def test_an_output_that_is_no_part_is_refused(self):
        for out, quality in ((b"ACC", b"ABC"), (b"ACGTTA", b"ABCDEF")):
            with self.assertRaises(measures.Unexplained):
                measures.kept_range(b"ACGTT", b"ABCDE", out, quality)


class Adapters(unittest.TestCase):
    def test_a_table_counted_by_hand(self):
        # 10 bases, 7 of the sample, cut at 6: 1 sample base cut, 3 found. 10 of 10, cut at 9. 8 of 10, not cut.
        found = measures.of_adapters(cuts((10, 0, 6), (10, 0, 9), (10, 0, 10)), np.array([7, 10, 8]))
        self.assertEqual([found[key] for key in ("tp", "fp", "fn", "tn")], [3, 2, 2, 23])
        self.assertAlmostEqual(found["precision"], 0.6)
        self.assertAlmostEqual(found["recall"], 0.6)
        self.assertAlmostEqual(found["mcc"], (3 * 23 - 2 * 2) / (5 * 25))
        self.assertEqual((found["clean_reads"], found["clean_cut"]), (1, 1.0))
        self.assertEqual(found["ends"]["1-3"], {"reads": 2, "right": 0.5})
        self.assertEqual(found["ends"]["4-6"]["reads"], 0)

    def test_tails_are_counted_by_their_length(self):
        ends = np.array([99, 97, 96, 94, 93, 88, 87, 0])
        found = measures.of_adapters(cuts(*((100, 0, end) for end in ends)), ends)["ends"]
        self.assertEqual([each["reads"] for each in found.values()], [2, 2, 2, 2])
        self.assertEqual([each["right"] for each in found.values()], [1.0] * 4)

    def test_an_end_is_right_to_one_base_on_both_sides(self):
        found = measures.of_adapters(cuts(*((100, 0, to) for to in (78, 79, 80, 81, 82))), np.full(5, 80))
        self.assertAlmostEqual(found["ends"]["13+"]["right"], 3 / 5)

    def test_bases_cut_from_the_front_are_of_the_sample(self):
        found = measures.of_adapters(cuts((10, 2, 8)), np.array([8]))
        self.assertEqual([found[key] for key in ("tp", "fp", "fn", "tn")], [2, 2, 0, 6])

    def test_what_is_kept_beyond_the_end_is_not_of_the_sample(self):
        found = measures.of_adapters(cuts((10, 8, 10)), np.array([4]))
        self.assertEqual([found[key] for key in ("tp", "fp", "fn", "tn")], [4, 4, 2, 0])

    def test_a_lost_read_has_no_right_end(self):
        found = measures.of_adapters(cuts((10, 10, 10)), np.array([9]))
        self.assertEqual(found["ends"]["1-3"], {"reads": 1, "right": 0.0})

    def test_a_read_cut_at_the_front_only_is_cut(self):
        self.assertEqual(measures.of_adapters(cuts((10, 1, 10), (10, 0, 10)), np.array([10, 10]))["clean_cut"], 0.5)

    def test_a_lost_read_is_cut_completely_wherever_nothing_is_left(self):
        found = measures.of_adapters(cuts((10, 0, 0), (10, 10, 10)), np.array([10, 4]))
        self.assertEqual([found[key] for key in ("tp", "fp", "fn", "tn", "lost")], [6, 14, 0, 0, 2])

    def test_reads_with_an_unknown_end_count_nowhere(self):
        found = measures.of_adapters(cuts((10, 0, 5), (10, 0, 10)), np.array([-1, 10]))
        self.assertEqual((found["reads"], found["fp"], found["clean_cut"]), (1, 0, 0.0))

    def test_no_ratio_without_a_denominator(self):
        found = measures.of_adapters(cuts((10, 0, 10)), np.array([10]))
        self.assertTrue(math.isnan(found["mcc"]) and math.isnan(found["precision"]) and math.isnan(found["ends"]["13+"]["right"]))


class Quality(unittest.TestCase):
    def errors(self):
        # Two reads of 10 bases. The first is compared in 1..9 and has errors at 2 and 8; the second has a deletion before 5.
        return measures.Errors(np.array([[1, 9], [0, 10]]), np.array([0, 0, 1]), np.array([2, 8, 5]), np.array([True, True, False]))

    def test_uncut_reads_keep_all(self):
        self.assertEqual(measures.of_quality(cuts((10, 0, 10), (10, 0, 10)), self.errors()), (8 - 2 + 10, 3))

    def test_errors_go_with_their_bases(self):
        self.assertEqual(measures.of_quality(cuts((10, 0, 8), (10, 6, 10)), self.errors()), (7 - 1 + 4, 1))
        self.assertEqual(measures.of_quality(cuts((10, 3, 8), (10, 0, 0)), self.errors()), (5, 0))

    def test_an_error_in_a_lost_read_is_gone(self):
        self.assertEqual(measures.of_quality(cuts((10, 0, 0), (10, 0, 0)), self.errors()), (0, 0))


class Curves(unittest.TestCase):
    def test_between_two_settings(self):
        curve = [(0.8, 0.001), (1.0, 0.005)]
        self.assertAlmostEqual(measures.rate_at(curve, 0.9), 0.003)
        self.assertAlmostEqual(measures.rate_at(curve, 1.0), 0.005)
        self.assertAlmostEqual(measures.rate_at(curve, 0.8), 0.001)

    def test_nothing_is_made_up_beyond_the_settings(self):
        for kept in (0.79, 1.01):
            self.assertTrue(math.isnan(measures.rate_at([(0.8, 0.001), (1.0, 0.005)], kept)))

    def test_a_setting_that_keeps_less_and_leaves_more_does_not_count(self):
        self.assertAlmostEqual(measures.rate_at([(1.0, 0.005), (0.9, 0.006), (0.8, 0.001)], 0.9), 0.003)

    def test_beside_the_best_other_peer(self):
        curves = {name: [(1.0, rate), (0.5, rate / 2)] for name, rate in (("a", 4.0), ("b", 2.0), ("ours", 1.0))}
        ratio = measures.beside_best(curves, {"a", "b"}, (0.9, 0.6))
        self.assertAlmostEqual(ratio["a"], 2.0)
        self.assertAlmostEqual(ratio["b"], 0.5)
        self.assertAlmostEqual(ratio["ours"], 0.5)

    def test_shares_that_are_not_reached_do_not_count(self):
        curves = {"a": [(1.0, 4.0), (0.5, 2.0)], "ours": [(1.0, 1.0), (0.9, 0.9)]}
        self.assertAlmostEqual(measures.beside_best(curves, {"a"}, (1.0, 0.6))["ours"], 0.25)
        self.assertTrue(math.isnan(measures.beside_best(curves, {"a"}, (0.6,))["ours"]))


if __name__ == "__main__":
    unittest.main()
