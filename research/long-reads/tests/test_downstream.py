"""Errors of a consensus, drafts, and joined reads, with known answers."""

import sys
import unittest
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER))
import downstream  # noqa: E402
import ends_of_programs  # noqa: E402
import simulated  # noqa: E402


def alignment(start: int, end: int, cigar: str) -> list[str]:
    """Fields of PAF, as far as they are read."""
    return ["q", "9", "0", "9", "+", "ref", "20", str(start), str(end), "0", "0", "60", "tp:A:P", f"cg:Z:{cigar}"]


class Compare(unittest.TestCase):
    def test_mismatches_and_gaps_count_once_where_places_are_judged(self) -> None:
        judged = {"ref": np.arange(20) < 15}
        found = downstream.compare([alignment(2, 19, "3=1X2I4=3D4=2X")], judged)
        # The two mismatches at 17 and 18 are not judged; of the 15 judged places, 2 lie before the alignment and 3 are deleted.
        self.assertEqual(found["errors"], 3)
        self.assertEqual(found["aligned"], 10)
        self.assertAlmostEqual(found["covered"], 10 / 15, places=4)

    def test_places_of_a_doubled_genome_are_those_of_one(self) -> None:
        found = downstream.compare([alignment(15, 25, "10=")], {"ref": np.ones(20, bool)})
        self.assertEqual((found["errors"], found["aligned"], found["covered"]), (0, 10, 0.5))

    def test_depth(self) -> None:
        depth = downstream.depth_of([alignment(2, 5, "3="), alignment(4, 8, "4=")], {"ref": "A" * 10})
        self.assertEqual(depth["ref"].tolist(), [0, 0, 1, 1, 2, 1, 1, 1, 0, 0])


class Draft(unittest.TestCase):
    def test_a_draft_is_the_same_each_time_and_differs_in_few_bases(self) -> None:
        bases = "".join(np.random.default_rng(0).choice(list("ACGT"), 5000))
        draft = downstream.changed(bases, 7)
        self.assertEqual(draft, downstream.changed(bases, 7))
        self.assertNotEqual(draft, bases)
        self.assertLess(abs(len(draft) - len(bases)), 40)


class Joins(unittest.TestCase):
    def test_every_read_is_there_once_and_joins_lie_between_two(self) -> None:
        records = [(b"r%d" % place, bytes([65 + place % 4]) * (place + 1), b"I" * (place + 1)) for place in range(60)]
        together, joins, before = ends_of_programs.joined(records)
        self.assertEqual(len(joins), 3)
        self.assertEqual(sum(len(bases) for _, bases, _ in together), sum(len(bases) for _, bases, _ in records))
        self.assertEqual([place for place, old in enumerate(before) if old < 0], sorted(joins))
        for place, join in joins.items():
            self.assertLess(join, len(together[place][1]))

    def test_a_read_is_found_if_it_is_divided_near_its_join(self) -> None:
        parts = {0: [(0, 900), (1010, 2000)], 1: [(0, 500), (500, 2000)], 2: [(0, 2000)], 3: [(0, 40), (40, 900)]}
        found = ends_of_programs.of_joins(parts, {0: 1000, 1: 1000, 2: 1000}, [-1, -1, -1, 0], [None])
        self.assertEqual((found["joined"], found["found"], found["divided"]), (3, 1, 0))


class Simulated(unittest.TestCase):
    def test_qualities_report_the_errors(self) -> None:
        reads = list(simulated.of_genome(10_000, 50_000))
        self.assertEqual(reads, list(simulated.of_genome(10_000, 50_000)))
        self.assertTrue(all(len(bases) == len(quality) and set(bases) <= set(b"ACGT") for bases, quality in reads))


if __name__ == "__main__":
    unittest.main()
