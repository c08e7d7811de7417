"""Reads and their truth are joined by name and mate, and a table of other reads is refused."""

import gzip
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import truth  # noqa: E402

HEAD = "#name mate len mapped mapq alnlen clip5 clip3 sub ins del n masked scored ee errpos".split()
Q20 = "5"  # Phred 20: a hundredth of an error


def row(name, mate="1", length=10, mapped=1, clip5=0, clip3=0, sub=0, ins=0, dele=0, scored=10, ee=None):
    ee = 0.01 * length if ee is None else ee
    return [name, mate, length, mapped, 60, length, clip5, clip3, sub, ins, dele, 0, 0, scored, f"{ee:.4f}", ""]


def record(name, length=10, quality=Q20):
    return f"@{name}\n{'A' * length}\n+\n{quality * length}\n"


class Folder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.data = Path(scratch.name)
        self.folder = self.data / "train" / "run"
        self.folder.mkdir(parents=True)

    def load(self, rows, **files):
        text = "".join("\t".join(map(str, line)) + "\n" for line in [HEAD, *rows])
        table = self.folder / "run.truth.tsv.gz"
        table.write_bytes(gzip.compress(text.encode()))
        for name, content in files.items():
            (self.folder / f"{name}.fastq.gz").write_bytes(gzip.compress("".join(content).encode()))
        return truth.load(table, self.data)

    def test_the_table_is_in_another_order_and_holds_fewer(self):
        reads = self.load([row("b", sub=1, ins=2, dele=3), row("a")], x=[record("a"), record("unknown"), record("b 1:N:0:X")])
        self.assertEqual(reads.row.tolist(), [0, 2])
        self.assertEqual(reads.errors.tolist(), [0, 6])
        self.assertEqual((reads.records, reads.without_truth, reads.ambiguous), (3, 1, 0))
        self.assertEqual((reads.name, reads.part), ("run", "train"))

    def test_mates_by_suffix_by_description_and_by_file(self):
        rows = [row("a", "1"), row("a", "2", sub=2)]
        for first, second in (("a/1", "a/2"), ("a 1:N:0:X", "a 2:N:0:X"), ("a", "a")):
            with self.subTest(second=second):
                reads = self.load(rows, r1=[record(first)], r2=[record(second)])
                self.assertEqual(reads.errors.tolist(), [0, 2])

    def test_a_suffix_takes_precedence_over_the_file(self):
        reads = self.load([row("a", "1"), row("a", "2", sub=2)], r1=[record("a/2")], r2=[record("a/1")])
        self.assertEqual(reads.errors.tolist(), [2, 0])

    def test_one_file_of_first_mates_that_are_named_as_seconds(self):
        # Both mates under names of their own in one file: the table calls all of them first.
        reads = self.load([row("a.1"), row("a.2", sub=1)], x=[record("a.1"), record("a.2")])
        self.assertEqual(reads.errors.tolist(), [0, 1])

    def test_ambiguous_reads_are_left_out(self):
        rows = [row("a"), row("b", mapped=0), row("c", clip5=3, clip3=3), row("d", scored=6), row("e", clip5=5, scored=7)]
        reads = self.load(rows, x=[record(name) for name in "abcde"])
        self.assertEqual(reads.row.tolist(), [0, 4])
        self.assertEqual(reads.ambiguous, 3)

    def test_long_reads_may_be_clipped(self):
        rows = [row(name, length=700, clip5=100, scored=scored) for name, scored in (("a", 600), ("b", 480))]
        reads = self.load(rows, x=[record(name, 700) for name in "ab"])
        self.assertEqual((reads.row.tolist(), reads.clipped_too), ([0], True))

    def test_a_set_of_ambiguous_reads_is_none(self):
        self.assertIsNone(self.load([row("a", mapped=0)], x=[record("a")]))

    def test_good_is_one_error_in_a_hundred_scored_bases(self):
        rows = [row(str(i), length=100, sub=sub, scored=scored) for i, (sub, scored) in enumerate([(1, 100), (1, 99), (0, 70), (2, 100)])]
        reads = self.load(rows, x=[record(str(i), 100) for i in range(4)])
        self.assertEqual(reads.good.tolist(), [True, False, True, False])

    def test_summaries(self):
        quality = "+" * 5 + "5" * 15  # five bases of Phred 10, fifteen of Phred 20
        text = f"@a\n{'A' * 20}\n+\n{quality}\n"
        reads = self.load([row("b", length=1), row("a", length=20, scored=20, ee=0.65)], x=[record("b", 1), text][1:])
        self.assertEqual((reads.mean_q[0], reads.end_q[0], reads.low_share[0]), (17.5, 20.0, 0.25))
        self.assertAlmostEqual(reads.sd_q[0], np.std([10] * 5 + [20] * 15))
        self.assertAlmostEqual(reads.ee[0], 0.65)

    def test_a_table_of_other_reads_is_refused(self):
        cases = {
            "another length": ([row("a", length=9, scored=9)], [record("a")]),
            "other qualities": ([row("a", ee=0.5)], [record("a")]),
            "two rows": ([row("a"), row("a")], [record("a")]),
            "a read twice": ([row("a")], [record("a"), record("a")]),
            "nothing in common": ([row("a")], [record("b")]),
            "not FASTQ": ([row("a")], [">a\nACGT\n>b\nACGT\n"]),
        }
        for name, (rows, content) in cases.items():
            with self.subTest(case=name), self.assertRaises(SystemExit):
                self.load(rows, x=content)

    def test_the_run_is_that_of_illuminas_names(self):
        reads = self.load([row("M1:7:FC:1:1:2:3")], x=[record("M1:7:FC:1:1:2:3")])
        self.assertEqual(reads.run, "M1:7:FC")
        self.assertEqual(truth.run_of("SRR059298.1"), None)


if __name__ == "__main__":
    unittest.main()
