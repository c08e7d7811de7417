"""Mixtures have the expected reads, and losses equal a count by hand."""

import gzip
import json
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / "evaluation" / "tests"))
import rare  # noqa: E402
import test_rules  # noqa: E402
from rare import COMMON, EE, METHODS, POSTERIOR, RARE, RARE_CLEAN, SEEN, Evaluated  # noqa: E402


def of(errors, badness, keep):
    """Reads of 100 scored bases, with the ranking and verdict of *posterior*; all other methods have the reverse of both."""
    badness, keep = np.array(badness), np.array(keep)
    each = {method: badness if method == POSTERIOR else -badness for method in METHODS}
    return Evaluated(np.array(errors), np.full(len(errors), 100), each, {method: keep if method == POSTERIOR else ~keep for method in METHODS})


class Figures(unittest.TestCase):
    def test_the_best_fraction_with_ties(self):
        np.testing.assert_allclose(rare.best(np.array([3.0, 1.0, 2.0, 2.0]), 0.5), [0, 1, 0.5, 0.5])
        np.testing.assert_allclose(rare.best(np.array([3.0, 1.0, np.inf]), 1.0), [1, 1, 1])
        np.testing.assert_allclose(rare.best(np.array([3.0, 1.0]), 0.0), [0, 0])

    def test_losses_by_hand(self):
        common = of([0, 5], [0.1, 0.9], [True, False])
        few = of([1, 0, 7], [0.2, 0.5, 0.8], [True, False, False])
        groups = rare.groups_of_mixture(common, few)
        self.assertEqual(groups[RARE].tolist(), [False, False, True, True, False])
        self.assertEqual(groups[RARE_CLEAN].tolist(), [False, False, False, True, False])
        self.assertEqual(groups[COMMON].tolist(), [True, False, False, False, False])
        found = rare.figures(rare.together(common, few), groups)
        self.assertEqual(found["kept_by_posterior"], 0.4)
        self.assertEqual(found["verdict"][POSTERIOR]["lost"], {RARE: 1, RARE_CLEAN: 1, COMMON: 0})
        self.assertEqual(found["verdict"][EE]["lost"], {RARE: 1, RARE_CLEAN: 0, COMMON: 1})
        self.assertEqual((found["equal"][POSTERIOR]["errors"], found["equal"][POSTERIOR]["scored"]), (1, 200))
        self.assertEqual((found["equal"][EE]["errors"], found["equal"][EE]["lost"][RARE]), (12, 2), "the worst two by posterior")
        both = rare.added([found, found])
        self.assertEqual((both["reads"], both["kept_by_posterior"], both["group_reads"][RARE]), (10, 0.4, 4))
        self.assertEqual(rare.fraction_lost(both, "verdict", POSTERIOR, RARE), 0.5)

    def test_an_empty_group_has_no_fraction(self):
        run = of([0, 0], [0.1, 0.2], [True, True])
        found = rare.figures(run, {RARE: np.array([False, False])})
        self.assertIsNone(rare.fraction_lost(found, "equal", EE, RARE))


class Files(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def reads(self, name, *files):
        """A set with the attributes that `mixed` uses, and these sequences in its files."""
        paths = []
        for number, sequences in enumerate(files):
            paths.append(self.folder / f"{name}_{number + 1}.fastq.gz")
            paths[-1].write_bytes(gzip.compress("".join(f"@{name}{i}\n{s}\n+\n{'I' * len(s)}\n" for i, s in enumerate(sequences)).encode()))
        return type("Set", (), {"files": paths})

    def names(self, files):
        return [[line[1:] for line in file.read_text().splitlines()[::4]] for file in files]

    def test_mates_stay_in_two_files_if_both_sets_have_two(self):
        a, b = self.reads("a", ["AC", "AG"], ["GT", "GG"]), self.reads("b", ["CC", "CA"], ["TT", "TA"])
        files = rare.mixed(a, b, self.folder)
        self.assertEqual(self.names(files), [["a0", "a1", "b0", "b1"], ["a0", "a1", "b0", "b1"]])

    def test_otherwise_all_reads_are_in_one_file(self):
        a, b = self.reads("a", ["AC"], ["GT"]), self.reads("b", ["CC", "CA"])
        files = rare.mixed(a, b, self.folder)
        self.assertEqual(self.names(files), [["a0", "a0", "b0", "b1"]])

    def test_some_records_are_a_set_of_their_own(self):
        files = self.reads("a", ["AC", "AG", "AT"], ["GT", "GG", "GA"]).files
        run = test_rules.reads(n=4, row=np.array([0, 1, 4, 5]), records=6, errors=np.arange(4), places=list("wxyz"))
        run.files = files
        found = rare.some_of(run, np.array([False, True, True, False, True, True]), self.folder / "some")
        self.assertEqual(self.names(found.files), [["a1", "a2"], ["a1", "a2"]])
        self.assertEqual((found.row.tolist(), found.errors.tolist(), found.places, found.records), ([0, 2, 3], [1, 2, 3], list("xyz"), 4))

    def test_a_set_mixed_with_its_complement_has_every_read_once(self):
        run = test_rules.reads(n=3, row=np.array([0, 1, 2]), records=3)
        run.files = self.reads("a", ["ACGTN", "AG", "AT"]).files
        common, few = rare.parts_of(run, run, np.array([True, False, False]), self.folder)
        self.assertEqual((self.names(common.files), self.names(few.files)), ([["a1", "a2"]], [["a0"]]))
        self.assertEqual(few.files[0].read_text(), "@a0\nTGCAN\n+\nIIIII\n")
        self.assertEqual((len(common), len(few), few.records), (2, 1, 1))

    def test_a_package_without_evidence_lists_none(self):
        package = self.folder / "package"
        package.mkdir()
        (package / "evidence").write_bytes(b"?")
        (package / "manifest.json").write_text(json.dumps({"files": {"model.onnx": 1, "evidence": 2}}))
        rare.without_evidence(package, self.folder / "other")
        self.assertEqual([path.name for path in (self.folder / "other").iterdir()], ["manifest.json"])
        self.assertEqual(json.loads((self.folder / "other" / "manifest.json").read_text()), {"files": {"model.onnx": 1}})

    def test_the_rarest_kmer_is_counted_by_templates_and_on_both_strands(self):
        draw = np.random.default_rng(1)
        genome = "".join(draw.choice(list("ACGT"), 60))
        other = genome.translate(str.maketrans("ACGT", "TGCA"))[::-1]
        # Two mates of one template over each other; a second template on the other strand that lacks the end; one with an N; one too short.
        run = self.reads("r", [genome, other[10:], "N" + genome[1:30], "ACGT"], [genome, "A", "A", "A"])
        self.assertEqual(rare.rarest(run.files).tolist(), [1, 2, 3, 0, 1, 0, 0, 0])


class Page(unittest.TestCase):
    def test_tables_are_even_and_a_gain_is_bold(self):
        groups = {RARE: np.array([True, True]), RARE_CLEAN: np.array([True, False]), COMMON: np.array([False, False])}
        row = {"common": "a", "rare": "b", "testifies": [True]} | rare.added([rare.figures(of([0, 1], [0.1, 0.2], [True, False]), groups)])
        one = {"set": "c", "testifies": [False]} | rare.figures(of([0, 1], [0.1, 0.2], [True, True]), {name: groups[RARE] for name in SEEN})
        results = {"date": "2000-01-01", "command": "c", "tools": {}, "draws": 1, "mixtures": [row | {"depth": depth} for depth in (1, 5)], "alone": [one]}
        lines = rare.markdown(json.loads(json.dumps(results))).splitlines()
        width = 0
        for line in lines:
            width = (width or line.count("|")) if line.startswith("|") else 0
            self.assertEqual(line.count("|"), width, line)
        self.assertTrue(any("**50.0 %**" in line for line in lines))
        self.assertTrue(any("evidence was not used" in line for line in lines))


if __name__ == "__main__":
    unittest.main()
