"""Simulated reads are stretches of the genome, but for the errors that their names count."""

import sys
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import large_genome


class Reads(unittest.TestCase):
    def test_a_read_is_a_stretch_of_the_genome_with_the_errors_of_its_template(self):
        rng = np.random.default_rng(7)
        sequence = large_genome.genome(1_500, rng)
        shifts = np.zeros((3, 40), np.uint8)
        shifts[1, 0], shifts[2, [5, 39]] = 2, (1, 3)
        real = large_genome.Templates(np.tile(np.frombuffer(b"#AF", np.uint8)[:, None], 40), shifts)
        text = b"".join(large_genome.reads(sequence, real, 300, rng)).decode()
        lines = text.splitlines()
        self.assertEqual(len(lines), 4 * 300)
        forward = "".join("ACGT"[code] for code in sequence)
        strands = [forward, forward[::-1].translate(str.maketrans("ACGT", "TGCA"))]
        places = np.flatnonzero
        seen = [0, 0]
        for head, bases, plus, quality in zip(*(lines[at::4] for at in range(4)), strict=True):
            self.assertEqual(plus, "+")
            template = "#AF".index(quality[0])
            self.assertEqual(quality, "#AF"[template] * 40)
            self.assertEqual(int(head.rsplit(":", 1)[1]), template)
            wrong = set(places(shifts[template]))
            for strand, text in enumerate(strands):
                pattern = "".join("." if at in wrong else base for at, base in enumerate(bases))
                found = [
                    at
                    for at in range(len(text) - 39)
                    if all(one in (".", other) for one, other in zip(pattern, text[at : at + 40], strict=True))
                ]
                if found:
                    seen[strand] += 1
                    self.assertTrue(all(bases[at] != text[found[0] + at] for at in wrong))
                    break
            else:
                self.fail(f"{head} is not of the genome")
        self.assertGreater(min(seen), 100)

    def test_a_fifth_of_the_genome_is_copied(self):
        # As many copies of each element as in a large genome.
        with mock.patch.object(large_genome, "ELEMENTS", 20):
            sequence = large_genome.genome(2_000_000, np.random.default_rng(3))
        # Words of sixteen bases at all places; in random sequence of this length hardly any comes twice.
        words = np.zeros(len(sequence) - 15, np.uint64)
        for at in range(16):
            words = words << np.uint64(2) | sequence[at : len(sequence) - 15 + at]
        _, counts = np.unique(words, return_counts=True)
        twice = counts[counts > 1].sum() / len(words)
        # A tenth of the bases of each copy are others: 0.9^32 of its words are those of one other copy.
        self.assertTrue(0.004 < twice < 0.1, twice)


if __name__ == "__main__":
    unittest.main()
