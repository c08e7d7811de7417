"""Draws contain whole templates and about as many bases as asked; transplanted reads have exactly the errors of their lenders."""

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import curves  # noqa: E402


class Draws(unittest.TestCase):
    def test_a_draw_contains_whole_templates_and_about_the_wanted_bases(self):
        of, bases = np.repeat(np.arange(500), 2), np.full(1000, 100)
        for seed in range(3):
            chosen = curves.drawn(of, bases, 20_000, seed)
            self.assertEqual(chosen[::2].tolist(), chosen[1::2].tolist())
            self.assertAlmostEqual(bases[chosen].sum(), 20_000, delta=200)

    def test_draws_of_one_seed_are_nested_and_draws_of_other_seeds_differ(self):
        of, bases = np.arange(300), np.full(300, 50)
        small, large = (curves.drawn(of, bases, wanted, 1) for wanted in (2000, 9000))
        self.assertTrue((small <= large).all())
        self.assertNotEqual(small.tolist(), curves.drawn(of, bases, 2000, 2).tolist())

    def test_mates_belong_to_one_template(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "a.fastq")
            for names, expected in (
                (["s.1.1", "s.1.2", "s.2.1"], [0, 0, 1]), (["a/1", "b/1", "a/2"], [0, 1, 0]), (["s.1", "s.2"], [0, 1]),
            ):  # fmt: skip
                file.write_text("".join(f"@{name}\nAC\n+\nII\n" for name in names))
                of, bases = curves.templates([file])
                self.assertEqual((of.tolist(), bases.tolist()), (expected, [2] * len(names)))


class Transplants(unittest.TestCase):
    def test_layout(self):
        offset, kind, span = curves.layout("S1,I2@3,D2@6", b"ACGTACGN")
        self.assertEqual(offset.tolist(), [0, 1, 2, 2, 2, 3, 6, 7])
        self.assertEqual(kind.tolist(), [0, 1, 0, 2, 2, 0, 0, 2])
        self.assertEqual(span, 8)

    def test_a_read_differs_from_the_genome_only_at_its_errors(self):
        rng = np.random.default_rng(1)
        genome = rng.integers(0, 4, 400).astype(np.uint8)
        sequence = b"ACGTACGTAC" * 3
        offset, kind, span = curves.layout("S4,S20", sequence)
        many = 200
        lent = curves.Lent(
            np.full((many, 30), 73, np.uint8), np.tile(curves.CODES[np.frombuffer(sequence, np.uint8)], (many, 1)),
            np.tile(offset, (many, 1)), np.tile(kind, (many, 1)), np.full(many, span),
        )  # fmt: skip
        strands = [genome, 3 - genome[::-1]]
        places = {}
        for base in curves.transplanted(lent, genome, rng):
            found = [(s, at) for s, strand in enumerate(strands) for at in range(len(strand) - span + 1)
                     if np.flatnonzero(strand[at : at + span] != base).tolist() == [4, 20]]  # fmt: skip
            self.assertEqual(len(found), 1)
            places[found[0]] = places.get(found[0], 0) + 1
        self.assertEqual({strand for strand, _ in places}, {0, 1})
        self.assertGreater(len(places), 100)

    def test_records_are_fastq(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.fastq")
            for first in (0, 2):
                curves.write(path, np.array([[0, 4], [3, 2]]), np.full((2, 2), 73, np.uint8), first, "ab")
            lines = path.read_text().splitlines()
        self.assertEqual(lines[:8], ["@0000000000", "AN", "+", "II", "@0000000001", "TG", "+", "II"])
        self.assertEqual(lines[12], "@0000000003")


if __name__ == "__main__":
    unittest.main()
