"""Simulated libraries: molecules differ where they are said to, and pairs keep the errors of the pairs that they are made from."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("evaluation", "read-error"))]
import libraries  # noqa: E402
from sites import COMPLEMENT, Read  # noqa: E402

REFERENCE = bytes(np.random.default_rng(3).choice(np.frombuffer(b"ACGT", np.uint8), 12_000))


def pairs(number: int) -> list[Read]:
    """Pairs of 100 bases, each with one error in the first mate."""
    return [Read(file, b"A" * 100, b"I" * 100, template, None, False, [] if file else [template % 100], 1 - file, 100)
            for file in (0, 1) for template in range(number)]  # fmt: skip


class Libraries(unittest.TestCase):
    def test_a_pair_has_the_ends_of_its_molecule_but_for_its_errors(self) -> None:
        molecule = REFERENCE[: libraries.LENGTH]
        made = libraries.sequenced(pairs(30), [(molecule, {0, 399})] * 30, np.random.default_rng(0))
        self.assertEqual([read.file for read in made], [0] * 30 + [1] * 30)
        for read in made:
            expected = (molecule.translate(COMPLEMENT)[::-1] if read.file else molecule)[:100]
            wrong = [at for at, (a, b) in enumerate(zip(read.sequence, expected)) if a != b]
            self.assertEqual(wrong, read.wrong)
            self.assertEqual(list(read.variants), [] if 0 in read.wrong else [0])
            self.assertEqual(read.position(0), 399 if read.file else 0)

    def test_molecules_differ_where_it_is_said(self) -> None:
        base = REFERENCE[len(REFERENCE) // 2 :][: libraries.LENGTH]
        for kind, most in (("deep mutational scanning", 2), ("error-prone PCR", 40)):
            for molecule, differs in libraries.molecules_of(kind, REFERENCE, 50, np.random.default_rng(1)):
                self.assertEqual({at for at, (a, b) in enumerate(zip(molecule, base)) if a != b}, differs)
                self.assertLessEqual(len(differs), most)

    def test_every_kind_has_molecules_of_one_length(self) -> None:
        for kind in libraries.KINDS:
            made = libraries.molecules_of(kind, REFERENCE, 300, np.random.default_rng(2))
            self.assertEqual({len(molecule) for molecule, _ in made}, {libraries.LENGTH}, kind)
            self.assertTrue(any(differs for _, differs in made), kind)

    def test_the_fraction_of_a_strain_is_that_of_its_name(self) -> None:
        made = libraries.molecules_of("strain of 30 %", REFERENCE, 1_000, np.random.default_rng(4))
        self.assertTrue(0.25 < np.mean([bool(differs) for _, differs in made]) < 0.33)


if __name__ == "__main__":
    unittest.main()
