"""Tables of `bm` are joined to the reads, figures equal a count by hand, and nothing measured is left out of the page."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import made  # noqa: E402, I001 (it adds the folders of the others)

import counted  # noqa: E402
import hard_cases  # noqa: E402
import measured  # noqa: E402
import page  # noqa: E402
import rows  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]

# A program that scores reads as `bm` would: two errors expected where the name of a read ends in an even digit.
STAND_IN = r"""#!{python}
import json, sys
arguments = sys.argv[1:]
if "--version" in arguments:
    print("bm 9.9.9\nmodel")
    sys.exit()
files = [word for word in arguments if word.endswith(".fastq")]
adapt, pairs = "--adapt" in arguments, len(files) == 2
assert pairs == ("both" in arguments)
texts = [open(file).read().split("\n") for file in files]
head = ["read", "length", "probability", "expected_errors", "phred_expected_errors", *(["mate"] if pairs else []), "verdict", "reason"]
rows = [head]
for at in range(0, len(texts[0]) - 3, 4):
    fails = [int(text[at].split()[0][-1]) % 2 == 0 and adapt for text in texts]
    for mate, (text, fail) in enumerate(zip(texts, fails)):
        reason = "threshold" if fail else "mate" if any(fails) else "-"
        expected = "nan" if text[at].split()[0][-1] == "7" else "2" if fail else "0.5"
        row = [text[at].split()[0][1:], str(len(text[at + 1])), "0.5", expected, "3", *([str(mate + 1)] if pairs else []), "fail" if any(fails) else "pass", reason]
        rows.append(row)
open(arguments[arguments.index("--output") + 1], "w").write("".join("\t".join(row) + "\n" for row in rows))
doubts = {{"choice": "start", "doubts": ["too few reads"], "evidence": {{"in_use": False, "doubts": ["one place"]}}}}
json.dump({{"adaptation": doubts}} if adapt else {{}}, open(arguments[arguments.index("--report") + 1], "w"))
print("20 reads in: 1 kept\n0.10 s, 9 reads/s\nmodel read-error version 1, threshold 0.5\nengine x\nlibrary: a thing\nnot adapted to this run: no\nk-mers cover 1 %", file=sys.stderr)
sys.exit({code})
"""


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def program(self, code=0):
        if os.name != "posix":
            self.skipTest("a script that stands in for bm needs a first line that names its interpreter")
        path = self.folder / "bm"
        path.write_text(STAND_IN.format(python=sys.executable, code=code), encoding="utf-8")
        path.chmod(0o755)
        return path


class Counted(unittest.TestCase):
    def test_errors_are_where_the_table_says(self):
        errors = counted.errors_by_base("S1,I2@3,D4@9,D20", 10)
        self.assertEqual(errors.tolist(), [0, 1, 0, 1, 1, 0, 0, 0, 0, 5])

    def test_reads_of_a_set_have_the_errors_that_were_counted(self):
        data = ROOT / "testdata"
        table = data / "hiseq_measles" / "hiseq_measles.truth.tsv.gz"
        reads, found = counted.load(table, data), counted.truth.load(table, data)
        self.assertEqual(sum(read.clear for read in reads), len(found))
        self.assertEqual(sum(int(read.errors.sum()) for read in reads), found.errors.sum())
        self.assertEqual([read.file for read in reads], sorted(read.file for read in reads))
        with tempfile.TemporaryDirectory() as scratch:
            again = [record for path in counted.write(reads, Path(scratch)) for record in counted.records(path)]
        self.assertEqual(again, [record for path in found.files for record in counted.records(path)])

    def test_the_first_reads_of_each_file(self):
        reads = [*made.reads_of(made.genome(), 5), *made.reads_of(made.genome(), 5, file=1)]
        self.assertEqual([read.file for read in counted.first(reads, 3)], [0, 0, 0, 1, 1, 1])


class Figures(Scratch):
    def reads(self, file=0):
        """Twenty reads; those whose number is a multiple of three have two errors in a hundred bases, and read 0 and 10 are not clear."""
        reads = made.reads_of(made.genome(), 20, file=file, wrong=0)
        for number, read in enumerate(reads):
            read.errors[: 2 * (number % 3 == 0)] = 1
        return reads

    def test_figures_of_single_reads_equal_a_count_by_hand(self):
        reads = self.reads()
        row = measured.figures(self.program(), counted.write(reads, self.folder), reads)
        self.assertEqual((row["in"], row["reads"]), (20, 18))
        # Clear reads: 1 to 9 and 11 to 19. Bad: 3, 6, 9, 12, 15, 18. Kept: odd ones but 7 and 17, which have no score.
        self.assertEqual(row["good"], round(12 / 18, 4))
        self.assertEqual(row["adapt"]["kept"], 8 / 20)
        self.assertEqual(row["adapt"]["good_kept"], round(5 / 12, 4), "of 1, 2, 4, 5, 7, 8, 11, 13, 14, 16, 17, 19")
        self.assertEqual(row["adapt"]["bad_kept"], round(3 / 6, 4))
        tp, fp, fn, tn = 5, 3, 7, 3
        expected = (tp * tn - fp * fn) / ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5
        self.assertAlmostEqual(row["adapt"]["mcc"], expected, places=4)
        self.assertAlmostEqual(row["adapt"]["log2_ratio"], np.log2((8 * 2 + 8 * 0.5) / 12), places=4)
        self.assertEqual((row["reported"]["kept"], row["reported"]["mcc"]), (0, 0), "three errors are reported in each read")

    def test_what_is_found_and_refused(self):
        row = measured.figures(self.program(), counted.write(self.reads(), self.folder), None)
        self.assertEqual(row["found"], ["library: a thing"])
        self.assertEqual(row["refused"], ["not adapted (start): too few reads", "no evidence: one place"])
        self.assertNotIn("reads", row)

    def test_mates_are_kept_each_for_itself(self):
        reads = [*self.reads(), *made.reads_of(made.genome(), 20, file=1, wrong=0)[::-1]]
        row = measured.Scored(self.program(), counted.write(reads, self.folder), ["--adapt"])
        self.assertEqual(row.keep[:20].tolist(), [number % 2 == 1 for number in range(20)])
        self.assertEqual(row.keep[20:].tolist(), [number % 2 == 1 for number in range(20)][::-1])

    def test_an_error_of_the_program_is_a_row(self):
        row = measured.figures(self.program(code=1), counted.write(self.reads(), self.folder), None)
        self.assertEqual(row, {"failed": "k-mers cover 1 %"})


class Whole(Scratch):
    def test_rows_are_measured_in_order_and_shown(self):
        data = hard_cases.Data(ROOT / "testdata")
        self.assertEqual(data.runs(), ["hiseq_measles", "hiseqx_phage", "miseq_twist"])
        chosen = [rows.Row("G", "hiseqx_phage", "no change", lambda reads, _: reads, 50), rows.Row("G", "nowhere", "as it is")]
        with contextlib.redirect_stdout(io.StringIO()), mock.patch.object(hard_cases, "ProcessPoolExecutor", OneAfterAnother):
            found = hard_cases.results(data, self.program(), chosen)
        self.assertEqual((found["absent"], found["tools"]["bm"]), (["nowhere"], "9.9.9"))
        self.assertEqual([row["in"] for row in found["rows"]], [50])
        self.assertEqual(set(found["data_sha256"]), {f"hiseqx_phage/hiseqx_phage{end}" for end in (".fastq.gz", ".truth.tsv.gz")})
        text = page.render(json.loads(json.dumps(found)))
        line = next(line for line in text.splitlines() if line.startswith("| hiseqx_phage | no change"))
        self.assertEqual(line.count(" | "), len(page.COLUMNS) - 1)
        self.assertIn(page.of_methods(found["rows"][0], "mcc", 3), line)
        self.assertIn("Not in the data: nowhere.", text)

    def test_a_row_that_failed_has_its_reason(self):
        cells = page.cells({"run": "r", "what": "w", "failed": "a|b"})
        self.assertEqual((len(cells), cells[-1]), (len(page.COLUMNS), "failed: a\\|b"))


class OneAfterAnother:
    """An executor that works at once, in this process."""

    def __init__(self, _):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(function(*arguments))
        return future


if __name__ == "__main__":
    unittest.main()
