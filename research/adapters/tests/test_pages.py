"""The tables of programs are consistent, and the pages show the figures of the results files."""

import argparse
import json
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

ADAPTERS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ADAPTERS))
sys.path.append(str(ADAPTERS.parent / "evaluation" / "tests"))

import adapters  # noqa: E402
import measures  # noqa: E402
import page  # noqa: E402
import quality  # noqa: E402
import tools  # noqa: E402
from test_rules import reads  # noqa: E402


def head():
    return {"date": "2026-01-02", "machine": "M", "command": "run it", "tools": {"fastp": "1"}, "absent": ["sickle"]}


class Tables(unittest.TestCase):
    def test_every_entry_has_its_own_name_and_a_mode(self):
        for names in ([adapters.key_of(t) for t in tools.ADAPTERS], [t.name for t in tools.QUALITIES]):
            self.assertEqual(len(set(names)), len(names))
        self.assertTrue(all(t.single or t.paired for t in tools.ADAPTERS))

    def test_a_program_that_is_named_is_taken(self):
        tools.name_program("no-such-program", Path(sys.executable))
        self.assertTrue(tools.is_installed(("no-such-program",)))
        self.assertFalse(tools.is_installed(("another-such-program",)))

    def test_rows_of_other_programs_stay(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.json"
            file.write_text(json.dumps({"sets": {"a": 1}, "programs": {}}), encoding="utf-8")
            some, every = argparse.Namespace(only=["fastp"], set=[]), argparse.Namespace(only=[], set=[])
            self.assertEqual(adapters.before(file, some)["sets"], {"a": 1})
            self.assertEqual(adapters.before(file, every)["sets"], {})


class Pages(unittest.TestCase):
    def test_adapters(self):
        cuts = measures.Cuts(np.array([10, 10]), np.array([0, 0]), np.array([6, 10]))
        figures = measures.of_adapters(cuts, np.array([7, 10])) | {"wall_s": 2.5}
        sets = {
            kind: {"kind": kind, "what": "W", "paired": False, "told": ["ACGT"], "reads": 2, "known": 2, "with_adapter": 1,
                   "rows": {"fastp, found": figures, "cutadapt, given": {"failed": "it did"}}}
            for kind in ("real", "clean")
        }  # fmt: skip
        programs = {"fastp, found": {"told": "found", "command": "fastp -i"}}
        written = json.loads(adapters.to_json(head() | {"sets": sets, "programs": programs}))
        lines = page.of_adapters(written).split("\n")
        self.assertIn("| fastp, found | 0.7500 | 1.0000 | 0.8402 | 0.00 | 1.000 | – | – | – | 0 | 2.5 |", lines)
        self.assertIn("| fastp, found | 0.000 | 5.8824 | 0 | 2.5 |", lines)
        self.assertIn("| real | 0.8402 | – |", lines)
        self.assertIn("| clean | 0.00 | – |", lines)
        self.assertEqual(sum("failed: it did" in line for line in lines), 2)
        self.assertIn("Not installed, so not in the tables: sickle.", lines)

    def test_quality(self):
        def points(*pairs):
            return {"points": [{"setting": n, "right_bases": right, "errors": errors} for n, (right, errors) in enumerate(pairs)]}

        of = {"right_bases": 1000, "errors": 100, "curves": {"sickle": points((500, 10)), "fastp": points((500, 20)), "cutadapt": {"failed": "F"}}}
        of |= quality.summary(of)
        self.assertAlmostEqual(of["ratio"]["fastp"], 1 / of["ratio"]["sickle"], places=2)
        self.assertLess(of["ratio"]["sickle"], 1)
        self.assertAlmostEqual(of["errors_per_mb"]["sickle"][3], (0.02 + 0.08 * 0.8) * 1e6)
        programs = {name: {"command": name, "settings": [1]} for name in ("sickle", "fastp", "cutadapt")}
        results = head() | {"grid": list(quality.GRID), "sets": {"s": of}, "programs": programs}
        lines = page.of_quality(json.loads(adapters.to_json(results))).split("\n")
        self.assertIn("| | 90% | 84000 | 88000 | – |", lines)
        self.assertTrue(any(line.startswith("Failed: cutadapt on s (F)") for line in lines))


class CountedErrors(unittest.TestCase):
    def test_events_of_a_read(self):
        made = reads(length=[20, 20], errors=[7, 0], scored=[18, 20])
        made.clip5, made.clip3, made.places = np.array([2, 0]), np.array([0, 0]), ["S3,I2@5,D4@9", ""]
        errors = quality.errors_of(made)
        self.assertEqual(errors.place.tolist(), [3, 5, 6, 9])
        self.assertEqual(errors.is_base.tolist(), [True, True, True, False])
        self.assertEqual(errors.inside.tolist(), [[2, 20], [0, 20]])
        self.assertEqual(set(errors.read.tolist()), {0})


if __name__ == "__main__":
    unittest.main()
