"""The Python module returns the numbers of `bm score`, and refuses the same inputs with the same text.

    BM=target/release/bm python -m unittest discover -s python/tests

`cargo xtask ci` builds both and sets BM.
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
# An adapter of no known kit.
ADAPTER = "CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA"


def command(*arguments: str | Path) -> tuple[dict[str, list[str]], dict]:
    """The columns of `bm score`, and what its report says about the model and the reads."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        bm_score = [os.environ["BM"], "score", "-q", "--report", report]
        run = subprocess.run([*bm_score, *arguments], capture_output=True, check=True)
        head, *rows = [line.split("\t") for line in run.stdout.decode(errors="replace").splitlines()]
        columns = map(list, zip(*rows, strict=True)) if rows else [[] for _ in head]
        return dict(zip(head, columns, strict=True)), json.loads(report.read_text())["domain"]


def refusal(*arguments: str | Path) -> str | None:
    """The error of `bm score`; None if there is none."""
    run = subprocess.run([os.environ["BM"], "score", "-q", *arguments], capture_output=True, check=False)
    if run.returncode == 0:
        return None
    return run.stderr.decode(errors="replace").removeprefix("bm: ").removesuffix("\n")


def reads_of(path: Path) -> list[tuple[bytes, bytes, bytes]]:
    """The reads of a FASTQ file with four lines per record, compressed with gzip: name, sequence, quality."""
    lines = gzip.decompress(path.read_bytes()).splitlines()
    # The whole definition is the name, so that a list has as many bytes per read as the file.
    return [(name[1:], sequence, quality) for name, sequence, quality in zip(lines[::4], lines[1::4], lines[3::4], strict=False)]


def with_adapters() -> list[tuple[bytes, bytes, bytes]]:
    """Real reads, two in three of which end in an adapter and a run of G."""
    reads = []
    for number, (name, sequence, quality) in enumerate(reads_of(READS)[:3000]):
        end = len(sequence) if number % 3 == 0 else 30 + number * 7 % (len(sequence) - 30)
        tail = ADAPTER.encode() + b"G" * len(sequence)
        reads.append((name, (sequence[:end] + tail)[: len(sequence)], quality))
    return reads


class Score(unittest.TestCase):
    def assert_same(self, scores: bm.Scores, columns: dict[str, list[str]], domain: dict) -> None:
        """Compares everything but the names; NaN equals NaN."""
        self.assertEqual(len(scores), len(columns["read"]))
        np.testing.assert_array_equal(scores.probability, np.array(columns["probability"], np.float32))
        self.assertEqual(scores.probability.dtype, np.float32)
        np.testing.assert_array_equal(scores.passes, np.array(columns["verdict"], str) == "pass")
        if "expected_errors" in columns:
            np.testing.assert_array_equal(scores.expected_errors, np.array(columns["expected_errors"], np.float32))
        else:
            self.assertIsNone(scores.expected_errors)
        for name in ("keep_from", "keep_to", "adapter_bases"):
            found = getattr(scores, name)
            if name in columns:
                np.testing.assert_array_equal(found, np.array(columns[name], np.int64))
                self.assertEqual(found.dtype, np.int64)
            else:
                self.assertIsNone(found)
        self.assertEqual((scores.scored_by, scores.reasons), (domain["scored_by"], domain["reasons"]))

    def test_a_file_has_the_scores_of_the_command_to_the_bit(self):
        for model in bm.models():
            columns, domain = command(READS, "-m", model)
            for threads in (None, 1, 3):
                scores = bm.score(READS, model=model, threads=threads)
                self.assertEqual(len(scores), 10_000)
                self.assertEqual(scores.names, columns["read"])
                self.assert_same(scores, columns, domain)

    def test_every_test_file_has_the_scores_or_the_error_of_the_command(self):
        files = sorted(path for path in (ROOT / "testdata").rglob("*") if path.is_file())
        self.assertGreaterEqual(len(files), 70)
        outcomes = {"model": 0, "reported-errors": 0, "refused": 0}
        for path in files:
            with self.subTest(path=path):
                refused = refusal(path)
                if refused is None:
                    scores = bm.score(path)
                    columns, domain = command(path)
                    self.assertEqual(scores.names, columns["read"])
                    self.assert_same(scores, columns, domain)
                    outcomes[scores.scored_by] += 1
                else:
                    with self.assertRaises(ValueError) as raised:
                        bm.score(path)
                    self.assertEqual(str(raised.exception), refused)
                    outcomes["refused"] += 1
        self.assertTrue(all(count > 1 for count in outcomes.values()), outcomes)

    def test_reported_errors_replace_a_model_that_does_not_apply_unless_it_is_named(self):
        path = ROOT / "testdata/nanopore_lambda_4line.fastq.gz"
        for reads in (path, reads_of(path)):
            scores = bm.score(reads)
            self.assertEqual(scores.scored_by, "reported-errors")
            self.assertTrue(scores.reasons and all(isinstance(reason, str) for reason in scores.reasons))
            self.assertIn("reported-errors, not by read-error", repr(scores))
            named = bm.score(reads, model="read-error")
            self.assertEqual((named.scored_by, named.reasons), ("model", scores.reasons))
            # Nanopore reads: one expected error in ten bases.
            self.assertEqual((scores.max_ee_rate, named.max_ee_rate), (0.1, None))
            rates = scores.expected_errors / np.array([len(sequence) for _, sequence, _ in reads_of(path)])
            np.testing.assert_array_equal(scores.passes, rates <= 0.1)
            self.assert_same(scores, *command(path))
            self.assert_same(named, *command(path, "-m", "read-error"))
            self.assertFalse(np.array_equal(scores.expected_errors, named.expected_errors))

    def test_lists_have_the_scores_of_their_files(self):
        for path in (READS, ROOT / "testdata/novaseq_A00129_800.fastq.gz"):
            reads = reads_of(path)
            scores = bm.score(reads)
            self.assert_same(scores, *command(path))
            self.assertEqual(scores.names, [name.decode() for name, _, _ in reads])
            self.assertEqual((scores.scored_by, scores.reasons), ("model", []))

    def test_the_offset_of_qualities_is_stated_or_must_not_look_like_phred_64(self):
        path = ROOT / "testdata/derived/phred64.fastq.gz"
        for reads in (path, reads_of(path)):
            with self.assertRaises(ValueError) as raised:
                bm.score(reads)
            self.assertEqual(str(raised.exception), refusal(path) if reads is path else refusal(path).split(": ", 1)[1])
            for offset in (33, 64):
                self.assert_same(bm.score(reads, phred_offset=offset), *command(path, f"--phred{offset}"))
        with self.assertRaises(ValueError):
            bm.score([GOOD], phred_offset=59)

    def test_trimmed_reads_have_the_scores_and_parts_of_the_command(self):
        reads = with_adapters()
        with tempfile.TemporaryDirectory() as folder:
            path, fasta = Path(folder, "reads.fastq"), Path(folder, "adapters.fa")
            path.write_bytes(b"".join(b"@%s\n%s\n+\n%s\n" % read for read in reads))
            fasta.write_text(f">one\n{ADAPTER}\n>other\nAGATCGGAAGAGC\n")
            for options, flags in [
                ({"trim": True}, ["--trim"]),
                ({"trim": "adapters,ends"}, ["--trim=adapters,ends"]),
                ({"trim": ("poly",), "adapters": ADAPTER}, ["--trim=poly", "--adapter", ADAPTER]),
                ({"trim": ["ends"], "trim_price": 5}, ["--trim=ends", "--trim-price", "5"]),
                ({"trim": True, "adapters": []}, ["--trim", "--no-adapters"]),
                ({"trim": True, "adapters": fasta}, ["--trim", "--adapter", fasta]),
                (
                    {"trim": True, "adapters": [ADAPTER, str(fasta)], "cut_front": 3},
                    ["--trim", "--adapter", ADAPTER, "--adapter", fasta, "--cut-front", "3"],
                ),
                ({"cut_front": 2, "cut_tail": 7}, ["--cut-front", "2", "--cut-tail", "7"]),
                ({"trim": False}, []),
                ({"trim": (), "adapters": ADAPTER}, ["--adapter", ADAPTER]),
            ]:
                with self.subTest(flags=flags):
                    columns, domain = command(path, *flags)
                    self.assertEqual("keep_from" in columns, any("--trim" in str(flag) or "--cut" in str(flag) for flag in flags))
                    for threads in (None, 3):
                        self.assert_same(bm.score(path, threads=threads, **options), columns, domain)
                    self.assert_same(bm.score(reads, **options), columns, domain)
            trimmed = bm.score(reads, trim=True)
            with_adapter = np.count_nonzero(trimmed.adapter_bases)
            self.assertTrue(1500 < with_adapter < 2100, with_adapter)
        for path in (READS, ROOT / "testdata/hiseq_measles/hiseq_measles_1.fastq.gz"):
            self.assert_same(bm.score(path, trim=True), *command(path, "--trim"))

    def test_options_of_trimming_that_cannot_be_met_are_refused(self):
        for options, error, words in [
            ({"trim": ["primers"]}, ValueError, 'trim: "primers" is not one of'),
            ({"trim": 5}, TypeError, "trim: expected True, False, or names of parts"),
            ({"trim": True, "trim_price": -1}, ValueError, "trim_price: -1 is not a number of right bases"),
            ({"trim": True, "trim_price": math.nan}, ValueError, "trim_price: NaN is not"),
            ({"cut_front": -1}, OverflowError, "negative"),
            ({"adapters": 5}, TypeError, "not iterable"),
        ]:
            with self.subTest(options=options), self.assertRaises(error) as raised:
                bm.score([GOOD], **options)
            self.assertIn(words, str(raised.exception))
        for adapter in ("AC", "AGATC-GGA", "/no/such/file"):
            with self.assertRaises(ValueError) as raised:
                bm.score(READS, adapters=adapter)
            self.assertEqual(str(raised.exception), refusal(READS, "--adapter", adapter))

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
        self.assertEqual(bm.score(pairs).names, [str(number) for number in range(500)])
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
        self.assertEqual(bm.score([("two\nlines", *GOOD)]).names, ["two\nlines"])

    def test_malformed_reads_raise_an_error_with_their_position(self):
        for reads, error, words in [
            ([GOOD, ("ACGT", "III")], ValueError, "read 1: 4 bases but 3 quality scores"),
            ([GOOD, ("ACGT", "II I")], ValueError, "read 1: quality byte 0x20 at position 2"),
            ([GOOD, ("NNN", "I\nI")], ValueError, "read 1: quality byte 0x0a at position 1"),
            ([GOOD, ("AC1T", "IIII")], ValueError, "read 1: byte 0x31 at position 2 of the sequence is not a base"),
            ([GOOD, ("AC\nT", "IIII")], ValueError, "read 1: byte 0x0a at position 2 of the sequence is not a base"),
            ([("ACGT",)], TypeError, "read 0: 1 parts, expected two or three"),
            ([("ACGT", 3)], TypeError, "expected str or bytes"),
            ([5], TypeError, "read 0: expected"),
            ("/no/such/file", OSError, "/no/such/file: cannot be opened: "),
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
        self.assertEqual(str(raised.exception), refusal(READS, "-m", "no-such-model"))

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
