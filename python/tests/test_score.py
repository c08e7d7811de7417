"""The Python module returns the numbers of `bm score`, and refuses the same inputs.

    BM=target/release/bm python -m unittest discover -s python/tests
"""

import gzip
import json
import math
import os
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import bm
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
READS = ROOT / "testdata/hiseqx_phage/hiseqx_phage.fastq.gz"
GOOD = ("ACGTTGCATC" * 10, "I" * 100)


def table(*arguments: str | Path) -> dict[str, list[str]]:
    """The columns of `bm score`."""
    run = subprocess.run([os.environ["BM"], "score", *arguments, "-q"], capture_output=True, check=True, text=True)
    head, *rows = [line.split("\t") for line in run.stdout.splitlines()]
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


class Score(unittest.TestCase):
    def test_a_file_has_the_scores_of_the_command_to_the_bit(self):
        for model in bm.models():
            expected = table(READS, "-m", model)
            for threads in (None, 1, 3):
                scores = bm.score(READS, model=model, threads=threads)
                self.assertEqual(len(scores), 10_000)
                self.assertEqual(scores.names, expected["read"])
                np.testing.assert_array_equal(scores.probability, np.array(expected["probability"], np.float32))
                self.assertEqual(scores.probability.dtype, np.float32)
                np.testing.assert_array_equal(scores.passes, np.array(expected["verdict"]) == "pass")
                if "expected_errors" in expected:
                    np.testing.assert_array_equal(scores.expected_errors, np.array(expected["expected_errors"], np.float32))
                else:
                    self.assertIsNone(scores.expected_errors)

    def test_golden_reads_have_their_probabilities(self):
        for model in bm.models():
            golden = json.loads((ROOT / f"models/{model}/golden.json").read_text())
            reads = [(read["name"], read["sequence"], read["quality"]) for read in golden["reads"]]
            scores = bm.score(reads, model=str(ROOT / "models" / model))
            expected = np.array([read["probability"] for read in golden["reads"]])
            self.assertLessEqual(np.abs(scores.probability - expected).max(), golden["tolerance"])
            self.assertEqual(scores.names, [read["name"] for read in golden["reads"]])

    def test_lists_of_text_and_bytes_plain_files_and_gzip_are_the_same(self):
        text = gzip.decompress(READS.read_bytes())
        lines = text.split(b"\n")
        pairs = list(zip(lines[1::4], lines[3::4], strict=False))[:500]
        expected = bm.score(READS).probability[:500]
        np.testing.assert_array_equal(bm.score(pairs).probability, expected)
        np.testing.assert_array_equal(bm.score([(s.decode(), q.decode()) for s, q in pairs]).probability, expected)
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder, "reads.gz")  # the format is detected from the content, not from the name
            plain.write_bytes(text)
            np.testing.assert_array_equal(bm.score(str(plain)).probability[:500], expected)

    def test_reads_that_cannot_be_scored_are_nan(self):
        scores = bm.score([GOOD, ("", ""), ("NNN", "III")])
        self.assertFalse(math.isnan(scores.probability[0]))
        self.assertTrue(np.isnan(scores.probability[1:]).all() and np.isnan(scores.expected_errors[1:]).all())
        self.assertEqual(scores.passes.tolist(), [True, False, False])
        self.assertEqual(len(bm.score([])), 0)

    def test_malformed_reads_raise_an_error_with_their_position(self):
        for reads, error, words in [
            ([GOOD, ("ACGT", "III")], ValueError, "read 1: 4 bases but 3 quality scores"),
            ([GOOD, ("ACGT", "II I")], ValueError, "read 1: "),
            ([("ACGT",)], TypeError, "read 0: 1 parts, expected two or three"),
            ([("ACGT", 3)], TypeError, "expected str or bytes"),
            ([5], TypeError, "read 0: expected"),
            ("/no/such/file", OSError, "/no/such/file: "),
        ]:
            with self.assertRaises(error) as raised:
                bm.score(reads)
            self.assertIn(words, str(raised.exception))
        with tempfile.TemporaryDirectory() as folder:
            for content, words in [
                (b"@a\nACGT\n+\nIII\n", "record 1 (read a, byte 0): 4 bases but 3 quality scores"),
                (READS.read_bytes()[:50_000], "reading the input failed"),
            ]:
                path = Path(folder, "reads")
                path.write_bytes(content)
                with self.assertRaises(ValueError) as raised:
                    bm.score(path)
                self.assertIn(words, str(raised.exception))
        with self.assertRaises(ValueError) as raised:
            bm.score([GOOD], model="no-such-model")
        self.assertIn("no-such-model", str(raised.exception))

    def test_other_threads_run_while_reads_are_scored(self):
        # Counting is possible only if `score` releases the interpreter's lock.
        reads = [GOOD] * 200_000
        worker = threading.Thread(target=bm.score, args=(reads,), kwargs={"threads": 1})
        bm.score(reads[:10])
        worker.start()
        counted = 0
        while worker.is_alive():
            counted += 1
        self.assertGreater(counted, 10_000)


if __name__ == "__main__":
    unittest.main()
