"""Changes of reads equal a count by hand, and become the right output of a method."""

import dataclasses
import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

EVIDENCE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(EVIDENCE))
sys.path.append(str(EVIDENCE.parent / "evaluation" / "tests"))

import page  # noqa: E402
import peers  # noqa: E402
import runs  # noqa: E402
from test_rules import reads  # noqa: E402


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name


class Compared(unittest.TestCase):
    def test_changed_and_cut_bases(self):
        for before, after, expected in (
            (b"ACGTACGT", b"ACGTACGT", (0, 0)),
            (b"ACGTACGT", b"ACCTACGA", (2, 0)),
            (b"ACNTACGT", b"ACGTACGA", (1, 0)),  # an N was no base
            (b"AACCGGTT", b"AACCGG", (0, 2)),  # cut from the end
            (b"AACCGGTT", b"CCGGTT", (0, 2)),  # from the start
            (b"AACCGGTT", b"CCGCTT", (1, 2)),
            (b"AACCGGTT", b"", (0, 8)),
            (b"AACCGG", b"AACCGGT", (1, 0)),  # a base too many
        ):
            self.assertEqual(peers.compared(before, after), expected, (before, after))

    def test_unfixable_reads_are_recognised(self):
        for head, expected in (
            (b"r1 cor unfixable_error lc", True), (b"r1 cor", False), (b"r1", False), (b"r7 l:31 m:36 h:42 unfixable_error", True),
            (b"r1\tec:Z:0_0:3_0_4:1_0", False), (b"r1\tec:Z:3", True),
        ):  # fmt: skip
            self.assertEqual(peers.given_up(head), expected, head)


class Evaluated(Scratch):
    before = [b"ACGTACGTAC", b"ACGTACGTAC", b"GGGGGGGGGG", b"TTTTTTTTTT"]

    def changes(self, text):
        return peers.changes(self.before, self.file("out.fq", text))

    def test_reads_are_joined_by_number_and_missing_ones_count_as_cut(self):
        made = self.changes("@r3 unfixable_error\nTTTTTTTTTT\n+\nIIIIIIIIII\n@r0\nACGTACGTAc\n+\nIIIIIIIIII\n@r1\nACTTACG\n+\nIIIIIII\n")
        self.assertEqual(made.changed.tolist(), [0, 1, 0, 0])
        self.assertEqual(made.cut.tolist(), [0, 3, 10, 0])
        self.assertEqual(made.dropped.tolist(), [False, False, True, False])
        self.assertEqual(made.unfixable.tolist(), [False, False, False, True])

    def test_fasta_over_several_lines(self):
        made = self.changes(">r1\nACGTA\nCGTAC\n>r0 0:sub:C-A\nCCGTACGTAC\n")
        self.assertEqual((made.changed[:2].tolist(), made.dropped.tolist()), ([1, 0], [False, False, True, True]))

    def test_a_read_that_is_twice_in_the_output_is_an_error(self):
        with self.assertRaises(runs.Failed):
            self.changes(">r1\nA\n>r1\nA\n")

    def test_outputs_of_correctors_and_filters(self):
        r = reads(n=3, row=np.array([0, 2, 3]), records=4, length=np.array([10, 10, 10]))
        made = peers.Changes(np.array([0, 9, 1, 0]), np.array([0, 9, 2, 0]), np.zeros(4, bool), np.array([False, False, False, True]))
        corrector = peers.evaluated(made, r, True)
        np.testing.assert_allclose(corrector.by_rate, [0, 0.3, 0])
        self.assertEqual((corrector.keep.tolist(), corrector.predicted.tolist()), ([True, False, True], [0, 1, 0]))
        last = peers.evaluated(made, r, True, unfixable_last=True)
        self.assertEqual((last.keep.tolist(), int(last.by_rate.argmax())), ([True, False, False], 2))
        r = dataclasses.replace(r, ee=np.array([0.5, 0.1, 0.2]))
        self.assertEqual(peers.ties_by_ee(corrector, r).by_rate.tolist(), [1, 2, 0])
        self.assertIsNone(peers.evaluated(made, r, False).predicted)
        self.assertEqual(peers.evaluated(made, r, False).keep.tolist(), [True, False, True])


class Programs(Scratch):
    @unittest.skipUnless(hasattr(os, "wait4"), "programs are watched as Unix has it")
    def test_time_memory_and_failure_of_a_program(self):
        job = runs.Job(self.folder, 1, seconds=0.2)
        job.call("sh", "-c", "pwd", stdout=self.folder / "out")
        self.assertEqual((self.folder / "out").read_text().strip(), str(self.folder.resolve()))
        with self.assertRaisesRegex(runs.Failed, "it is so"):
            job.call("sh", "-c", "echo it is so >&2; exit 3")
        with self.assertRaisesRegex(runs.Failed, "was stopped"):
            job.call("sleep", "20")

    def test_reads_of_all_files_are_joined(self):
        files = [self.file("a_1.fastq", "@x/1 a\nACgT\n+\nIIII\n"), self.file("a_2.fastq", "@x/2\nNN\n+x\n##\n")]
        run = runs.joined(dataclasses.replace(reads(n=2), files=files), self.folder)
        self.assertEqual(run.numbered.read_text(), "@r0\nACgT\n+\nIIII\n@r1\nNN\n+\n##\n")
        self.assertEqual(run.named.read_text(), "@x/1 a\nACgT\n+\nIIII\n@x/2\nNN\n+\n##\n")
        self.assertEqual((run.sequences, run.length.tolist()), ([b"ACGT", b"NN"], [4, 2]))


class Page(unittest.TestCase):
    def test_a_method_without_a_result_has_a_dash(self):
        points = {"mcc": [0.5, 0.4, 0.6], "auc": [0.9, 0.8, 1.0], "bad_at_90": [0.1, 0.1, 0.1], "log2_ratio": [None, None, None]}
        figures = {"figures": points}
        note = {"wall_s": 1.0, "cpu_s": 2.0, "peak_mib": None}
        one = {"part": "train", "platform": "illumina", "judged": {"a": figures, "b": figures}, "notes": {"b": note}}
        two = one | {"judged": {"a": figures}, "notes": {"b": note | {"failed": "late"}}}
        results = {
            "date": "today", "command": "c", "tools": {"bm": "1", "bm_sha256": "0" * 64}, "threads": 1, "resamples": 2, "seed": 3,
            "peers": {"b": {"command": "b", "version": "1", "built": False}}, "absent": ["z"], "sets": {"one": one, "two": two},
        }  # fmt: skip
        text = "\n".join(page.of_peers(results))
        self.assertIn("| b | 0.500 (0.400 to 0.600) | – |", text)
        self.assertIn("b on two (late)", text)
        self.assertIn("Not installed, so not in the tables: z.", text)


if __name__ == "__main__":
    unittest.main()
