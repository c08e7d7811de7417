"""Changed reads are wrong exactly where a change made them wrong, and the reads that were given stay as they were."""

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import made  # noqa: E402, I001 (it adds the folders of the others)

import copies  # noqa: E402
import cycles  # noqa: E402
import library  # noqa: E402
import qualities  # noqa: E402
import rows  # noqa: E402
from reference import Reference, turned  # noqa: E402


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.genome = made.genome()
        made.write_reference(self.folder, self.genome)
        self.reads = made.reads_of(self.genome, 200)


class Cycles(Scratch):
    def test_a_random_cycle_is_wrong_in_its_part_of_the_reads_and_nowhere_else(self):
        found = cycles.broken(50, 0.5, cycles.RANDOM, self.reads)
        hit = [(now.bases != was.bases).any() for was, now in zip(self.reads, found, strict=True)]
        self.assertTrue(70 < sum(hit) < 130)
        for was, now, is_hit in zip(self.reads, found, hit, strict=True):
            np.testing.assert_array_equal(np.flatnonzero(now.bases != was.bases), [49] if is_hit else [])
            expected = was.errors.copy()
            expected[49] = 1 if is_hit else expected[49]
            np.testing.assert_array_equal(now.errors, expected)
            np.testing.assert_array_equal(now.quality, was.quality)

    def test_an_a_that_was_an_a_is_right(self):
        found = cycles.broken(cycles.LAST, 1, cycles.ALWAYS_A, self.reads)
        for was, now in zip(self.reads, found, strict=True):
            self.assertEqual(now.bases[-1], 0)
            self.assertEqual(now.errors[-1], 1 if was.bases[-1] != 0 else was.errors[-1])

    def test_a_short_read_has_no_last_cycle(self):
        short = made.reads_of(self.genome, 20, length=80, seed=5)
        found = cycles.broken(cycles.LAST, 1, cycles.RANDOM, self.reads + short)
        self.assertTrue(all((now.bases == was.bases).all() for was, now in zip(short, found[200:], strict=True)))
        self.assertTrue(all(now.errors[-1] for now in found[:200]))


class Copies(Scratch):
    def test_equal_copies_have_the_same_bases_and_errors(self):
        found = copies.equal_copies(3, copies.MOVED, self.reads)
        self.assertEqual(len({read.definition.split()[0] for read in found}), 600)
        by_name = {read.definition: read for read in found}
        for was in self.reads:
            for number in (1, 2):
                own = by_name[copies.named(was.definition, number)]
                np.testing.assert_array_equal(own.bases, was.bases)
                np.testing.assert_array_equal(own.errors, was.errors)
        moved = np.mean([(by_name[copies.named(was.definition, 1)].quality != was.quality).mean() for was in self.reads])
        # Half of the moves would leave the two qualities of these reads.
        self.assertAlmostEqual(moved, copies.MOVED / 2, delta=0.01)

    def test_molecules_read_again_differ_from_the_genome_where_they_are_wrong(self):
        found = copies.molecules_read_again(4, self.reads, self.folder)
        self.assertEqual(len(found), 800)
        reference, checked = Reference(self.folder / "ref.fa"), 0
        for read in found:
            if read.clear and (place := reference.place(read.bases)):
                np.testing.assert_array_equal(read.bases != reference.under(place, len(read)), read.errors > 0)
                np.testing.assert_array_equal(read.quality < 33 + 20, read.errors > 0, "qualities and errors are of one read")
                checked += 1
        self.assertGreater(checked, 600)

    def test_an_unclear_read_keeps_its_bases_under_new_errors(self):
        random = np.random.default_rng(0)
        own = copies.read_again(self.reads[0], self.reads[1], random)
        self.assertFalse(own.clear)
        self.assertTrue(((own.bases != self.reads[0].bases) <= (self.reads[1].errors > 0)).all())

    def test_amplicons_are_where_most_pairs_begin(self):
        reads = []
        for start, many in ((300, 30), (900, 20), (1500, 10)):
            for _ in range(many):
                forward, other = self.genome[start : start + 80].copy(), turned(self.genome[start + 120 : start + 200], -1)
                reads.append([self.of(forward, 0), self.of(other, 1)])
        reads = [pair[mate] for mate in (0, 1) for pair in reads]
        self.assertEqual(len(copies.amplicons(1, reads, self.folder)), 60)
        self.assertEqual([read.file for read in copies.amplicons(2, reads, self.folder)], [0] * 50 + [1] * 50)

    @staticmethod
    def of(bases, file):
        return made.Read(b"r", bases, np.full(len(bases), 70, np.uint8), np.zeros(len(bases), np.int16), True, file)


class Library(Scratch):
    def test_added_bases_push_errors_out_and_are_not_of_the_sample(self):
        found = library.modify("umi8", self.reads, self.folder)
        for was, now in zip(self.reads, found, strict=True):
            self.assertEqual((now.before, now.behind, len(now)), (8, 0, 100))
            np.testing.assert_array_equal(now.bases[8:], was.bases[:92])
            np.testing.assert_array_equal(now.errors_of_sample, was.errors[:92])
        found = library.modify("end6", self.reads, self.folder)
        np.testing.assert_array_equal(found[0].bases[:94], self.reads[0].bases[:94])
        self.assertEqual(found[0].behind, 6)

    def test_a_part_of_the_reads_and_second_mates_only(self):
        pairs = self.reads + made.reads_of(self.genome, 200, file=1, seed=3)
        changed = [read.before for read in library.modify("umi8/2", pairs, self.folder)]
        self.assertEqual((sum(changed[:200]), min(changed[200:])), (0, 8))
        self.assertTrue(20 < sum(read.before > 0 for read in library.modify("primer@10", pairs, self.folder)) < 65)

    def test_a_conversion_is_no_error_and_leaves_errors_alone(self):
        for was, now in zip(self.reads, library.modify("bisulfite97", self.reads, self.folder), strict=True):
            changed = now.bases != was.bases
            self.assertTrue((was.bases[changed] == 1).all() and (now.bases[changed] == 3).all())
            self.assertFalse((changed & (was.errors > 0)).any())
            np.testing.assert_array_equal(now.errors, was.errors)

    def test_a_strain_has_the_same_changes_in_all_its_reads(self):
        at = {}
        for read, now in zip(self.reads, library.modify("strain100", self.reads, self.folder), strict=True):
            if place := Reference(self.folder / "ref.fa").place(read.bases):
                of = turned(now.bases, place.strand)[turned(now.bases != read.bases, 1)[:: place.strand]]
                where = place.start + np.flatnonzero((now.bases != read.bases)[:: place.strand])
                for position, base, wrong in zip(where, of, read.errors[:: place.strand][where - place.start], strict=True):
                    if not wrong:
                        self.assertEqual(at.setdefault(int(position), base), base)
        self.assertTrue(20 < len(at) < 60, len(at))

    def test_every_case_can_be_made(self):
        pairs = self.reads[:40] + made.reads_of(self.genome, 40, file=1, seed=3)
        for case in library.CASES:
            found = library.modify(case, pairs, self.folder)
            self.assertEqual({(len(now), len(now.quality), len(now.errors)) for now in found}, {(100, 100, 100)}, case)


class Qualities(Scratch):
    def test_one_value_and_two(self):
        bad = made.reads_of(self.genome, 1, wrong=80, seed=9)
        self.assertEqual({int(q) for read in qualities.changed(qualities.all_30, self.reads + bad) for q in read.quality}, {63})
        lite = qualities.changed(qualities.lite, [self.reads[0], *bad])
        self.assertEqual([set(read.quality.tolist()) for read in lite], [{63}, {36}])


class Rows(Scratch):
    def test_names_are_unique_and_changes_leave_the_reads_as_they_were(self):
        listed = rows.all_rows(["one", "two"])
        self.assertEqual(len({row.name for row in listed}), len(listed))
        self.assertEqual([row.group for row in listed], sorted((row.group for row in listed), key=rows.GROUPS.index))
        pairs = self.reads[:30] + made.reads_of(self.genome, 30, file=1, seed=3)
        before = [read.text() + read.errors.tobytes() for read in pairs]
        for row in listed:
            if row.change:
                self.assertTrue(row.change(pairs, self.folder), row.name)
                self.assertEqual([read.text() + read.errors.tobytes() for read in pairs], before, row.name)


if __name__ == "__main__":
    unittest.main()
