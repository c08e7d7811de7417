"""Variants drawn into reads: where reads are placed, which templates have a variant, and what stays as it is."""

from __future__ import annotations

import gzip
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import sites  # noqa: E402

REFERENCE = bytes(np.random.default_rng(3).choice(np.frombuffer(b"ACGT", np.uint8), 600))
TRUTH = "#name\tmate\tlen\tmapped\tclip5\tclip3\tsub\tins\tdel\tscored\terrpos\n"


class Sites(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = Path(scratch.name)
        (folder / "ref.fa").write_bytes(b">r\n" + REFERENCE + b"\n")
        rows = []
        for mate in (1, 2):
            with (folder / f"reads_{mate}.fastq").open("wb") as out:
                for number in range(300):
                    sequence = REFERENCE[number : number + 200]
                    if mate == 2:
                        sequence = sequence.translate(sites.COMPLEMENT)[::-1]
                    out.write(b"@r%d/%d\n%s\n+\n%s\n" % (number, mate, sequence, b"I" * 200))
                    rows.append(f"r{number}\t{mate}\t200\t1\t0\t0\t0\t0\t1\t200\tD7\n")
        self.table = folder / "run.truth.tsv.gz"
        self.table.write_bytes(gzip.compress((TRUTH + "".join(rows)).encode()))

    def test_reads_of_both_strands_are_placed(self) -> None:
        run, reference = sites.reads_of(self.table)
        self.assertEqual(reference, REFERENCE)
        self.assertEqual([(read.start, read.back) for read in run], [(number, back) for back in (False, True) for number in range(300)])
        self.assertEqual([read.wrong for read in run], [[]] * 600, "a deletion has no base")
        self.assertEqual([read.position(read.at(320)) for read in (run[150], run[450])], [320, 320])

    def test_a_fraction_of_the_templates_has_a_variant_in_both_mates(self) -> None:
        run, reference = sites.reads_of(self.table)
        before = [read.sequence for read in run]
        sites.with_sites(run, reference, lambda number: 0.25, 50, 100, np.random.default_rng(0))
        self.assertTrue(any(read.variants for read in run))
        seen = {}
        for read, old in zip(run, before):
            changed = [at for at, (a, b) in enumerate(zip(read.sequence, old)) if a != b]
            self.assertEqual(changed, sorted(read.variants))
            seen.setdefault(read.template, []).append(sorted(read.position(at) for at in changed))
        self.assertTrue(all(first == second for first, second in seen.values()))
        places = {place for first, _ in seen.values() for place in first}
        self.assertTrue(all(b - a >= 50 for a, b in zip(sorted(places), sorted(places)[1:])))
        some = min(places)
        covering = [read for read in run if read.start <= some < read.start + 200]
        fraction = np.mean([read.at(some) in read.variants for read in covering])
        self.assertTrue(0.1 < fraction < 0.4, fraction)


if __name__ == "__main__":
    unittest.main()
