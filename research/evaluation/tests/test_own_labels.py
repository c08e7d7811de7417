"""Labels are joined to their records, tables and fractions equal a count by hand, and halves keep mates together."""

import json
import math
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import own_labels  # noqa: E402
from test_rules import reads  # noqa: E402
from truth import ERROR_PROBABILITY  # noqa: E402


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name


class ReadLabels(Scratch):
    def labels(self, rows, sizes):
        return own_labels.read_labels(self.file("labels.tsv", "template\tmate\tlabels\n" + "".join(rows)), sizes)

    def test_mates_are_in_the_second_file(self):
        rows = ["0\t1\t=X\n", "0\t2\t..\n", "2\t1\t==\n", "2\t2\tXX\n"]
        self.assertEqual(self.labels(rows, [3, 3]), [b"=X", None, b"==", b"..", None, b"XX"])

    def test_single_reads_are_counted_over_all_files(self):
        self.assertEqual(self.labels(["3\t1\t=\n", "0\t1\tX\n"], [2, 2]), [b"X", None, None, b"="])

    def test_pairs_in_files_of_unequal_length_are_refused(self):
        with self.assertRaises(SystemExit):
            self.labels(["0\t1\t=\n", "0\t2\t=\n"], [2, 3])


class Reports(Scratch):
    def test_evidence_of_a_report_has_the_keys_of_the_stored_results(self):
        found = {"in_use": True, "doubts": [], "k": 17, "kmers": 50062}
        findings = dict.fromkeys(("reads_seen", "reads_kept", "bases_kept", "depth", "labelled", "wrong", "mixed_share"), 1)
        report = {"format": 2, "adaptation": {"choice": "adapted", "doubts": [], "findings": findings, "evidence": found}}

        def bm(command):
            command[command.index("--report") + 1].write_text(json.dumps(report))
            return {"wall_s": 1.0, "cpu_s": 2.0, "peak_mb": 3}

        with mock.patch.object(own_labels, "timed", bm):
            adapted = own_labels.adapt(Path("bm"), [Path("reads.fastq")], self.folder / "package", evidence=True)
        self.assertEqual(adapted["evidence"], {"testifies": True, "doubts": [], "k": 17, "kmers": 50062})
        self.assertEqual((adapted["choice"], adapted["reads_seen"], adapted["peak_mb"]), ("adapted", 1, 3))


class Methods(unittest.TestCase):
    def test_the_rate_of_a_quality_is_counted_where_there_are_labels(self):
        quality, label = bytes([33 + 20] * 1000 + [33 + 30] * 4), b"X" * 30 + b"=" * 770 + b"." * 200 + b"...."
        rates = own_labels.rate_by_quality([quality, bytes([33 + 20] * 9)], [label, None])
        self.assertAlmostEqual(rates[20], (30 + 200 * 0.01) / (800 + 200))
        self.assertAlmostEqual(rates[30], 0.001)
        np.testing.assert_allclose(rates[40:], ERROR_PROBABILITY[40:])

    def test_a_table_predicts_the_sum_over_the_read(self):
        r = reads(n=2, row=np.array([0, 2]), records=3, length=np.array([3, 2]))
        rates = np.zeros(94)
        rates[[10, 20]] = 0.02, 0.004
        output = own_labels.by_table(r, [bytes([43, 43, 53]), b"!", bytes([53, 53])], rates)
        np.testing.assert_allclose(output.predicted, [0.044, 0.008])
        self.assertEqual(output.keep.tolist(), [False, True])

    def test_reads_without_labels_rank_by_reported_expected_errors(self):
        r = reads(n=3, length=np.full(3, 200), ee=np.array([9.0, 1.0, 8.0]))
        labels = [b"=" * 99 + b"X" + b"." * 100, b"." * 200, None]
        output, unlabelled = own_labels.by_breaks(r, labels)
        np.testing.assert_allclose(output.predicted, [2.0, 1.0, 8.0])
        self.assertEqual(output.keep.tolist(), [True, True, False])
        self.assertEqual(unlabelled, 2)

    def test_each_read_gets_the_output_of_the_other_half(self):
        one, other = (own_labels.expecting(np.full(4, errors), reads()) for errors in (0.5, 2.0))
        both = own_labels.joined(np.array([True, False, False, True]), one, other)
        self.assertEqual(both.predicted.tolist(), [0.5, 2.0, 2.0, 0.5])
        self.assertEqual(both.keep.tolist(), [True, False, False, True])


class Timed(Scratch):
    def test_time_and_memory_are_those_of_the_command(self):
        ballast = np.ones(30_000_000)  # 240 MB of this process, which the command must not inherit
        took = own_labels.timed([sys.executable, "-S", "-c", "x = b'x' * 60_000_000"])
        self.assertEqual(list(took), ["wall_s", "cpu_s", "peak_mb"])
        self.assertTrue(60 < took["peak_mb"] < ballast.nbytes / 1e6, took)

    def test_a_command_that_fails_is_an_error(self):
        with self.assertRaises(subprocess.CalledProcessError):
            own_labels.timed([sys.executable, "-c", "raise SystemExit(3)"])


class Halves(Scratch):
    def test_mates_are_in_one_half(self):
        names = [f"run:{number}" for number in range(200)]
        half = [own_labels.in_second_half(name) for name in names]
        self.assertTrue(60 < sum(half) < 140)
        for mate in ("/1", "/2", ".1", ".2"):
            self.assertEqual(half, [own_labels.in_second_half(name + mate) for name in names])

    def test_parts_hold_every_record_once_as_it_was(self):
        files = [self.file(f"{file}.fastq", "".join(f"@{file}{i} x\nAC\n+\nI!\n" for i in range(9))) for file in "ab"]
        second = own_labels.halves(files)
        parts = [own_labels.part_of(files, second == half, self.folder / str(half)) for half in (False, True)]
        for number, file in enumerate(files):
            of_parts = [record for part in parts for record in part[number].read_text().split("@")[1:]]
            self.assertEqual(sorted(of_parts), sorted(file.read_text().split("@")[1:]))


class Truth(unittest.TestCase):
    def test_substitutions_and_insertions_have_bases(self):
        self.assertEqual(np.flatnonzero(own_labels.error_bases("S17,I3,D9,D4@9,I2@11", 20)).tolist(), [3, 11, 12, 17])
        self.assertEqual(own_labels.error_bases("", 3).tolist(), [False] * 3)

    def test_fractions_by_hand(self):
        # Clipped: base 0. Errors at 2 (found), 5 (not labelled), 7 (missed); 3 is labelled wrong and is right.
        clips = {"clip5": np.array([1, 0]), "clip3": np.array([0, 0]), "places": ["S2,S5,S7", ""]}
        r = reads(n=2, length=np.array([10, 3]), **clips)
        found = own_labels.beside_truth(r, [b"X=XX=.====", None])
        self.assertEqual((found["bases"], found["labelled"], found["wrong"], found["errors"]), (12, 8, 2, 3))
        self.assertEqual((found["precision"], found["recall_among_labelled"], found["log2_ratio"]), (0.5, 0.5, 0.0))
        self.assertAlmostEqual(found["recall"], 1 / 3)
        self.assertAlmostEqual(found["share_labelled"], 8 / 12)

    def test_nothing_labelled_has_no_precision(self):
        found = own_labels.Overlap().fractions()
        self.assertTrue(math.isnan(found["precision"]) and math.isnan(found["log2_ratio"]))


if __name__ == "__main__":
    unittest.main()
