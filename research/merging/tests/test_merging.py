"""True inserts of aligned mates, and what a merged read is compared with."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import merging


def record(flag: int, position: int, cigar: str, bases: int) -> list[str]:
    """The first fields of a SAM record."""
    return ["r", str(flag), "chr", str(position), "60", cigar, "=", "0", "0", "A" * bases]


class Inserts(unittest.TestCase):
    def test_the_insert_is_what_both_mates_span(self):
        # 50 bases each, the second 30 behind the first.
        self.assertEqual(merging.insert_of(record(0, 101, "50M", 50), record(16, 131, "50M", 50)), 80)
        # Apart from each other.
        self.assertEqual(merging.insert_of(record(0, 101, "50M", 50), record(16, 251, "50M", 50)), 200)
        # Shorter than the mates, which go on with adapters; the second one comes first.
        self.assertEqual(merging.insert_of(record(16, 101, "10S40M", 50), record(0, 101, "40M10S", 50)), 40)

    def test_variants_of_the_sample_do_not_count(self):
        # A deletion of 9 bases, and an insertion of 2, in both mates.
        self.assertEqual(merging.insert_of(record(0, 101, "40M9D10M", 50), record(16, 121, "20M9D30M", 50)), 70)
        self.assertEqual(merging.insert_of(record(0, 101, "40M2I8M", 50), record(16, 121, "20M2I28M", 50)), 70)

    def test_other_alignments_show_no_insert(self):
        for one, other in [
            (record(4, 0, "*", 50), record(16, 131, "50M", 50)),
            (record(0, 101, "50M", 50), record(0, 131, "50M", 50)),
            (record(0, 101, "3S47M", 50), record(16, 131, "50M", 50)),
        ]:
            self.assertIsNone(merging.insert_of(one, other))


class Figures(unittest.TestCase):
    def setUp(self):
        self.pairs = {"a": merging.Pair((50, 50), 70), "b": merging.Pair((50, 50), 200), "c": merging.Pair((50, 50), None)}

    def test_common_bases_are_those_of_both_mates(self):
        self.assertEqual(self.pairs["a"].common(), (20, 50))
        self.assertEqual(merging.Pair((50, 50), 40).common(), (0, 40))
        self.assertEqual(self.pairs["b"].common(), (150, 150))

    def test_merged_reads_of_another_length_are_wrong(self):
        merged = {name: merging.Merged("I" * bases) for name, bases in {"a": 70, "b": 80, "c": 60}.items()}
        found = merging.of_inserts(self.pairs, merged)
        self.assertEqual((found["merged"], found["known"], found["wrong"]), (3, 2, 1))
        self.assertEqual((found["clear"], found["clear_right"], found["apart"], found["apart_merged"]), (1, 1, 1, 1))

    def test_errors_are_counted_in_all_bases_and_in_common_ones(self):
        merged = {"a": merging.Merged("5" * 70)}
        found = merging.of_errors({"a"}, self.pairs, merged, {"a": [3, 20, 49, 50]})
        self.assertEqual((found["errors"], found["common_errors"], found["common_bases"]), (4, 2, 30))
        self.assertAlmostEqual(found["expected"], 0.7)
        self.assertAlmostEqual(found["common_expected"], 0.3)


if __name__ == "__main__":
    unittest.main()
