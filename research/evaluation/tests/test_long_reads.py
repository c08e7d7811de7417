"""Figures of long reads, of methods with known answers."""

import gzip
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import long_reads  # noqa: E402


def run_of(rates):
    rates = np.array(rates)
    return long_reads.Run("a", [], [str(i) for i in range(len(rates))], rates, np.full(len(rates), 1000.0), rates, np.full(len(rates), 10.0))


class Figures(unittest.TestCase):
    def test_methods_that_know_all_and_nothing(self):
        run = run_of([0.01 * i for i in range(1, 41)])
        right = long_reads.Method(run.rate, run.rate <= 0.1)
        found = long_reads.figures(run, {
            "EE": right,
            "double": long_reads.Method(2 * run.rate, run.rate <= 0.05),
            "reverse": long_reads.Method(1 - run.rate, run.rate > 1),
            "nothing": long_reads.Method(np.full(40, 0.1), run.rate > 0),
        })  # fmt: skip
        self.assertEqual([found[name]["auc"][0] for name in ("EE", "double", "reverse", "nothing")], [1, 1, 0, 0.5])
        self.assertEqual(found["EE"]["log2"][0], 0)
        self.assertAlmostEqual(found["double"]["log2"][0], 1)
        self.assertEqual(found["nothing"]["beyond EE"][0], -0.5)
        self.assertEqual((found["EE"]["kept"], found["reverse"]["kept"], found["reverse"]["errors per base kept"]), (0.25, 0, 0))
        self.assertAlmostEqual(found["double"]["errors per base kept"], 0.03)
        low, high = found["double"]["log2"][1:]
        self.assertTrue(low <= 1 <= high)


class Load(unittest.TestCase):
    def test_reads_without_truth_do_not_count_and_short_runs_are_none(self):
        header = "#name\tmate\tlen\tmapped\tclip5\tclip3\tsub\tins\tdel\tscored\tee\n"
        for bases, loaded in ((700, True), (500, False)):
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                rows = [f"r{i}\t1\t{bases}\t1\t0\t0\t7\t0\t0\t{bases}\t{bases / 10}\n" for i in range(60)]
                rows[0] = f"r0\t1\t{bases}\t1\t0\t0\t7\t0\t0\t100\t{bases / 10}\n"
                with gzip.open(folder / "a.truth.tsv.gz", "wt") as table:
                    table.write(header + "".join(rows))
                reads = "".join(f"@r{i} x\n{'A' * bases}\n+\n{'+' * bases}\n" for i in range(61))
                (folder / "a.fastq").write_text(reads)
                run = long_reads.load(folder / "a.truth.tsv.gz")
                self.assertEqual(run is not None, loaded)
                if run:
                    self.assertEqual((len(run.names), run.names[0]), (59, "r1"))
                    self.assertTrue(np.allclose(run.rate, 7 / bases) and np.allclose(run.reported, 0.1) and np.allclose(run.mean_q, 10))


class Page(unittest.TestCase):
    def test_a_run_without_kmers_has_a_row(self):
        figures = {"auc": [0.9, 0.8, 1.0], "beyond EE": [0.1, 0.0, 0.2], "log2": [-0.25, -0.3, -0.2], "kept": 0.5, "errors per base kept": 0.04}
        row = {"run": "a", "reads": 60, "k-mers": {"in use": False, "depth": None, "covered": None}}
        row |= dict.fromkeys(("mean Q", "EE", "bm score", "bm score --adapt"), figures)
        text = long_reads.page([row], "command")
        self.assertIn("| a | 60 | k-mers not in use | 0.900 | 0.900 | 0.900 | 0.900 (0.800 to 1.000) | +0.100 (+0.000 to +0.200) |", text)
        self.assertIn("Mean |log2| of EE over the runs: 0.25.", text)


if __name__ == "__main__":
    unittest.main()
