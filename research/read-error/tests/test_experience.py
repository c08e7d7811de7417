"""Frequencies of support codes: a count by hand, means by depth, and the file as the crate reads it."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import experience  # noqa: E402
from experience import Counts  # noqa: E402

# Stands in for base_support: gives every read the number of reads as depth, and every base the code A (0), C (1), G (2) or T (3).
PROGRAM = """#!{python}
import sys
reads = sys.stdin.buffer.read().split(b"\\n")
for read in reads:
    sys.stdout.buffer.write(len(reads).to_bytes(2, "little"))
    sys.stdout.buffer.write(b"".join(bytes([b"ACGT".index(base) + 4 * int(sys.argv[1]), 0]) for base in read))
"""
TRUTH = "#name\tmate\tlen\tmapped\tclip5\tclip3\tsub\tins\tdel\tscored\terrpos\n"


def tally(**of: float) -> np.ndarray:
    """Counts of support codes in reads of the second range of depth: ``s3=2`` counts code 3 twice."""
    found = np.zeros((len(experience.BORDERS), experience.CODES))
    for name, value in of.items():
        found[1, int(name[1:])] = value
    return found


@unittest.skipIf(os.name == "nt", "Windows cannot run a script as a program")
class Counting(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.program = self.folder / "statements"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o755)

    def test_bases_of_reads_with_truth_are_counted_by_support_code(self) -> None:
        rows = [(b"ACGT", "S1"), (b"TTTT", None), (b"AACC", "")]
        counts = experience.count(self.program, rows, 0)
        self.assertEqual(counts.level, 0)
        # A depth of three reads is in the first range.
        self.assertEqual(counts.wrong[0, :5].tolist(), [0, 1, 0, 0, 0])
        self.assertEqual(counts.right[0, :5].tolist(), [3, 2, 1, 1, 0])
        self.assertEqual((counts.wrong[1:].sum(), counts.right[1:].sum()), (0, 0))
        self.assertEqual(experience.count(self.program, rows, 2).right[0, 8:12].tolist(), [3, 2, 1, 1])
        # A depth of four reads is in the second range.
        self.assertEqual(experience.count(self.program, [*rows, (b"A", None)], 0).right[1, :5].tolist(), [3, 2, 1, 1, 0])

    def run_of(self, reads: int, files: int) -> Path:
        folder = self.folder / f"run{reads}x{files}"
        folder.mkdir()
        rows = []
        for mate in range(1, files + 1):
            (folder / f"reads_{mate}.fastq").write_text("".join(f"@r{i}\nACGT\n+\nIIII\n" for i in range(reads)))
            rows += [f"r{i}\t{mate}\t4\t1\t0\t0\t{i % 2}\t0\t0\t4\t{'S2' if i % 2 else ''}\n" for i in range(reads)]
        table = folder / "run.truth.tsv.gz"
        table.write_bytes(gzip.compress((TRUTH + "".join(rows)).encode()))
        return table

    def test_a_run_is_counted_at_every_depth_that_it_has_reads_for(self) -> None:
        counts = experience.learn(self.run_of(40, 1), self.program)
        levels = [each.level for each in counts]
        self.assertEqual(levels, [0, 2, 3, 0, 0, 2, 3, 0, 0], "all, 25, 12, 6 and 3 of 40 reads; 60 is more than there are")
        self.assertEqual((counts[0].wrong.sum(), counts[0].right.sum()), (20, 140))
        for each, depth in zip(counts[3:], (25, 12, 12, 12, 6, 3)):
            reads = (each.wrong.sum() + each.right.sum()) / 4
            self.assertTrue(depth / 4 < reads < depth * 2, reads)

    def test_mates_are_kept_together(self) -> None:
        table = self.run_of(30, 2)
        counts = experience.learn(table, self.program)
        self.assertTrue(all((each.wrong.sum() + each.right.sum()) % 8 == 0 for each in counts))
        # The same draw every time.
        np.testing.assert_array_equal([each.right for each in counts], [each.right for each in experience.learn(table, self.program)])


class Pooling(unittest.TestCase):
    def test_every_run_has_the_same_weight(self) -> None:
        small = Counts(0, tally(s1=300, s2=100), tally(s1=1_000))
        large = Counts(0, tally(s2=40_000), tally(s2=9_000_000))
        wrong, right = experience.pooled([small, large])
        np.testing.assert_allclose(wrong[1, :4], [0, 0.75 / 2, 0.25 / 2 + 0.5, 0])
        np.testing.assert_allclose(right[1, :4], [0, 0.5, 0.5, 0])
        # There are no reads of other depths.
        self.assertEqual((wrong[[0, 2]].sum(), right[[0, 2]].sum()), (0, 0))

    def test_a_run_with_few_wrong_bases_has_less_weight(self) -> None:
        few = Counts(0, tally(s1=experience.FEW / 4), tally(s2=7))
        wrong, right = experience.pooled([few, Counts(0, tally(s3=experience.FEW), tally(s4=1))])
        np.testing.assert_allclose(wrong[1, :4], [0, 0.2, 0, 0.8])
        np.testing.assert_allclose(right[1, :5], [0, 0, 0.2, 0, 0.8])


class File(unittest.TestCase):
    def test_it_has_the_codes_that_occur_with_four_digits(self) -> None:
        runs = [
            [Counts(0, tally(s5=1_000, s7=2_000), tally(s7=3_000)), Counts(2, tally(s1=500), tally(s3=10))],
            [Counts(0, tally(s7=900), tally(s7=30, s9=60))],
        ]
        with tempfile.TemporaryDirectory() as folder:
            experience.write(Path(folder), runs)
            text = Path(folder, "experience.json").read_text(encoding="utf-8")
            experience.write(Path(folder), runs)
            self.assertEqual(text, Path(folder, "experience.json").read_text(encoding="utf-8"))
        found = json.loads(text)
        self.assertEqual(list(found), ["format", "statements", "depths", "all", "some"])
        self.assertEqual([row["statement"] for row in found["all"]], [5, 7, 9])
        self.assertEqual([row["statement"] for row in found["some"]], [1, 3])
        self.assertEqual(found["all"][0], {"statement": 5, "wrong": [0, 0.1667, 0, 0, 0, 0, 0], "right": [0.0] * 7})
        self.assertEqual(len(text.splitlines()), 9 + 3 + 2, "one line per support code")


if __name__ == "__main__":
    unittest.main()
