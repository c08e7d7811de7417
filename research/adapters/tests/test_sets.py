"""Ends of reads are those that the reads were made with, and doubtful ones are left out."""

import contextlib
import io
import sys
import tempfile
import types
import unittest
from pathlib import Path

import numpy as np

ADAPTERS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ADAPTERS))

import adapters  # noqa: E402
import sets  # noqa: E402
import tools  # noqa: E402
import truth  # noqa: E402
from runs import Failed  # noqa: E402
from sets import AMBIGUOUS, Record, reverse_complement  # noqa: E402

RNG = np.random.default_rng(1)


def row(length=100, clip3=0, scored=100, comparable=True, clip5=0, places=""):
    return truth.Row(length, 0, scored, 0.1, clip5, clip3, comparable, places)


class Overlap(unittest.TestCase):
    def pair(self, insert, length=100, other=None):
        """Mates of a random insert, with a random adapter each."""
        fragment = sets.random_bases(RNG, insert)
        first = fragment + sets.random_bases(RNG, length)
        second = reverse_complement(fragment) + sets.random_bases(RNG, length)
        return first[:length], second[: other or length]

    def test_the_length_of_the_insert_is_found(self):
        inserts = [20, 35, 64, 99, 100, 101, 150, 176]
        pairs = [self.pair(t) for t in inserts]
        self.assertEqual(list(sets.by_overlap([a for a, _ in pairs], [b for _, b in pairs])), inserts)

    def test_mates_of_different_lengths(self):
        pairs = [self.pair(t, 60, 120) for t in (30, 60, 80, 150)]
        self.assertEqual(list(sets.by_overlap([a for a, _ in pairs], [b[:120] for _, b in pairs])), [30, 60, 80, 150])

    def test_errors_and_ns_do_not_hide_it(self):
        first, second = self.pair(50)
        first = first[:10] + b"N" + first[11:20] + reverse_complement(first[20:21]) + first[21:]
        self.assertEqual(sets.by_overlap([first], [second])[0], 50)

    def test_mates_that_do_not_overlap(self):
        self.assertEqual(sets.by_overlap([sets.random_bases(RNG, 100)], [sets.random_bases(RNG, 100)])[0], 0)

    def test_a_repeat_is_ambiguous(self):
        first = b"ACGTC" * 20  # five bases less overlap are hardly worse
        self.assertEqual(sets.by_overlap([first], [reverse_complement(first)])[0], AMBIGUOUS)

    def test_ends_of_a_pair(self):
        ends = sets.ends_of_pair
        self.assertEqual(ends(60, (100, 50), (row(clip3=40), row(50))), (60, 50))
        self.assertEqual(ends(150, (100, 100), (row(), None)), (100, 100))
        self.assertEqual(ends(0, (100, 100), (row(), row(clip3=1))), (100, AMBIGUOUS))
        self.assertEqual(ends(AMBIGUOUS, (100, 100), (row(), row())), (AMBIGUOUS, AMBIGUOUS))

    def test_an_alignment_beyond_the_end_contradicts_it(self):
        self.assertEqual(sets.ends_of_pair(60, (100, 100), (row(clip3=37), row(clip3=40))), (60, 60))
        self.assertEqual(sets.ends_of_pair(60, (100, 100), (row(clip3=36), row(clip3=40))), (AMBIGUOUS, AMBIGUOUS))


class Simulated(unittest.TestCase):
    def records(self, many, length=100):
        return [Record(f"r{n}", sets.random_bases(RNG, length), b"I" * length) for n in range(many)]

    def test_reads_continue_with_the_adapter_and_g(self):
        adapter, exact = "ACGTACGTAC", np.zeros(94)
        records = self.records(200)
        made, ends = sets.with_adapter(records, adapter, 0.5, exact, np.random.default_rng(2))
        self.assertTrue(60 < (ends < 100).sum() < 140)
        for was, now, end in zip(records, made, ends, strict=True):
            self.assertEqual(now.sequence, (was.sequence[:end] + adapter.encode() + b"G" * 100)[:100] if end < 100 else was.sequence)

    def test_errors_come_at_the_measured_rate(self):
        rates = np.zeros(94)
        rates[40] = 0.25
        bases = sets.codes(sets.random_bases(RNG, 20_000))
        changed = sets.with_errors(bases, b"I" * 10_000 + b"+" * 10_000, rates, np.random.default_rng(3)) != bases
        self.assertAlmostEqual(changed[:10_000].mean(), 0.25, delta=0.02)
        self.assertFalse(changed[10_000:].any())

    def test_tails_end_around_the_end_of_the_sample(self):
        records, ends = self.records(400), np.full(400, 60)
        ends[:5], ends[5:10] = AMBIGUOUS, 100
        short, known = sets.short_tails(records, ends, np.random.default_rng(4))
        tails = {len(r) - 60 for r in short[10:]}
        self.assertEqual((min(tails), max(tails)), (-20, 20))
        self.assertTrue(all(end == min(60, len(r)) for r, end in zip(short[10:], known[10:], strict=True)))
        self.assertEqual([(len(r), end) for r, end in zip(short[:10], known[:10], strict=True)], [(100, -1)] * 5 + [(100, 100)] * 5)

    def test_counted_errors_are_taken_out(self):
        reference = sets.random_bases(RNG, 500)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ref.fa"
            file.write_bytes(b">one\n" + reference[:250] + b"\n" + reference[250:] + b"\n")
            corrected = sets.Corrected(file)
        right = reverse_complement(reference[100:200])
        other = {65: b"C", 67: b"A", 71: b"A", 84: b"A"}
        wrong, variant = other[right[70]], other[right[10]]
        read = right[:10] + variant + right[11:70] + wrong + right[71:]
        found = corrected.fragment(Record("r", read, b"I" * 100), "S70")
        self.assertEqual(found, right[:10] + variant + right[11:])
        self.assertIsNone(corrected.fragment(Record("r", read, b"I" * 100), "D9"))
        self.assertIsNone(corrected.fragment(Record("r", sets.random_bases(RNG, 100), b"I" * 100), "S70"))

    def test_mates_read_the_same_fragment_from_both_sides(self):
        first = [Record(f"r{n}", sets.random_bases(RNG, 80), b"I" * 80) for n in range(100)]
        second = [Record(f"r{n}", sets.random_bases(RNG, 100), b"5" * 100) for n in range(100)]
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "ref.fa").write_bytes(b">one\n" + sets.random_bases(RNG, 300) + b"\n")
            source = types.SimpleNamespace(
                folder=Path(folder), records=[first, second], rates=lambda: np.zeros(94), row=lambda record, mate: row(80),
                is_clear=lambda record, mate: record.name != "r7",
            )  # fmt: skip
            made, ends = sets.simulated_pairs(source, ("ACGTACGT", "TTCCTTCC"), 0.5, np.random.default_rng(7))
        self.assertEqual(len(made[0]), 99)
        self.assertTrue(30 < (ends[0] < 80).sum() < 70)
        self.assertEqual(ends[0].tolist(), ends[1].tolist())
        was = {record.name: record.sequence for record in first}
        for one, other, end in zip(*made, ends[0], strict=True):
            self.assertEqual(one.sequence[:end], was[one.name][:end])
            self.assertEqual(other.sequence[:end], reverse_complement(one.sequence[:end]))
            self.assertEqual(one.sequence[end:], (b"ACGTACGT" + b"G" * 80)[: 80 - end])
            self.assertEqual(other.sequence[end:], (b"TTCCTTCC" + b"G" * 100)[: 100 - end] if end < 80 else b"")

    def test_bisulfite_leaves_c_only_before_g(self):
        made = b"|".join(sets.bisulfite_fragments(500, 60, 3000, np.random.default_rng(5)))
        c = made.count(b"C") - made.count(b"C|") - made.endswith(b"C")
        self.assertEqual(c, made.count(b"CG"))
        self.assertGreater(c, 100)

    def test_rna_has_its_repeats(self):
        made = sets.rna_fragments(2000, 50, np.random.default_rng(6))
        words = {}
        for fragment in made:
            words[fragment[:12]] = words.get(fragment[:12], 0) + 1
        self.assertEqual({len(fragment) for fragment in made}, {50})
        self.assertGreater(sum(many > 1 for many in words.values()), 50)

    def test_the_same_seed_makes_the_same_set_and_names_differ(self):
        draw = [sets.generator(name).integers(1 << 40) for name in ("a", "a", "b")]
        self.assertEqual(draw[0], draw[1])
        self.assertNotEqual(draw[0], draw[2])


class Outputs(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.file = Path(scratch.name) / "out.fastq"
        self.records = [Record("a", b"ACGTT", b"ABCDE"), Record("b", b"GGGCC", b"ABCDE"), Record("c", b"TTTTT", b"ABCDE")]

    def cuts(self, text):
        self.file.write_text(text, encoding="ascii")
        found = adapters.cuts(self.records, [self.file])
        return list(zip(found.begin.tolist(), found.to.tolist(), strict=True))

    def test_reads_are_joined_by_name_and_missing_ones_are_lost(self):
        self.assertEqual(self.cuts("@c x\nTTT\n+\nABC\n@a\nCG\n+\nBC\n"), [(1, 3), (0, 0), (0, 3)])

    def test_a_program_is_run_and_compared(self):
        def cut(task):
            out = [task.out(f"{file.stem}.out") for file in task.files]
            for file, each in zip(task.files, out, strict=True):
                lines = file.read_text(encoding="ascii").split("\n")
                each.write_text("\n".join(line[:4] if number % 2 else line for number, line in enumerate(lines)), encoding="ascii")
            return [[each] for each in out]

        def fail(task):
            raise Failed("no reason")

        with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
            folder = Path(scratch)
            pairs = sets.Trimmed("p", "real", "", [self.records, self.records], [np.array([4, 4, 5]), np.array([3, -1, 4])], ("A", "C"))
            files = pairs.write(folder)
            found = adapters.evaluated(pairs, tools.Tool("cut", tools.GIVEN, "", (), None, cut), files, folder, 10)
            failed = adapters.evaluated(pairs, tools.Tool("cut", tools.GIVEN, "", (), None, fail), files, folder, 10)
            self.assertIsNone(adapters.evaluated(pairs, tools.Tool("cut", tools.GIVEN, "", (), cut, None), files, folder, 10))
        self.assertEqual([found[key] for key in ("reads", "tp", "fp", "fn", "clean_cut", "lost")], [5, 4, 1, 1, 1.0, 0])
        self.assertEqual(failed["failed"], "no reason")

    def test_a_name_that_occurs_twice_is_refused(self):
        twice = sets.Trimmed("p", "real", "", [[self.records[0]] * 2], [np.array([1, 1])], ("A",))
        with tempfile.TemporaryDirectory() as scratch, self.assertRaises(SystemExit):
            twice.write(Path(scratch))

    def test_another_read_and_one_that_comes_twice_are_refused(self):
        for text in ("@d\nTTT\n+\nABC\n", "@a\nACG\n+\nABC\n@a\nACG\n+\nABC\n", "@a\nTTT\n+\nABC\n"):
            with self.assertRaises(Failed):
                self.cuts(text)


if __name__ == "__main__":
    unittest.main()
