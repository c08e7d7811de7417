"""The tables of measured machines are those of their files.

    python -m unittest discover -s research/neural-engine/tests
"""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import devices  # noqa: E402  (the folder's name has a hyphen: it cannot be a package)

WATTS = {"total": 4.5, "cpu": 1.5, "gpu": None, "neural_engine": 3.0}
SPEED = {"repeats": 5, "calls": 9, "reads_per_s": 1234567.0, "reads_per_s_range": [1.2e6, 1.3e6], "call_p50_s": 0.00331, "call_p95_s": 0.004, "cpu_s_per_million_reads": 0.81}


def report() -> dict:
    """A report of one engine, with a row that was not measured."""
    row = {"engine": "coreml", "model": "mean-q20", "read_bases": 150, "batch": 4096, "threads": 1, "measured": SPEED, "reason": None}
    return {
        "format": 1, "version": "0.1.0",
        "machine": {"processor": "Apple M9", "architecture": "aarch64", "threads": 8, "system": "macOS 17", "is_virtual": False, "load_before": 6.0},
        "settings": {"seconds": 90.0, "seed": 1, "read_bases": [150, 20000], "batches": [[4096], [16]]},
        "engines": [{"engine": "coreml", "runtime": "", "model": "mean-q20", "model_version": 1, "outcome": "ok", "reason": None, "max_difference": 0.002,
                     "tolerance": 0.005, "padding": 0.03, "plan": [{"operation": "conv", "device": "Neural Engine", "cost": 0.75}, {"operation": "cast", "device": "CPU", "cost": 0.25}]}],
        "speed": [row, row | {"read_bases": 20000, "batch": 16, "measured": None, "reason": "too slow"}],
        "energy": {"source": "powermetrics", "reason": None, "idle": WATTS | {"total": 0.5}, "loads": [
            {"engine": "coreml", "model": "mean-q20", "seconds": 3.0, "reads_per_s": 1e6, "watts": WATTS,
             "joules_per_million_reads": 4.5, "joules_per_million_reads_above_idle": 4.0, "reason": None}]},
        "wall_s": 91.0,
    }  # fmt: skip


class Devices(unittest.TestCase):
    def test_rows_have_the_figures_of_the_report(self):
        text = devices.page({"m9.json": report()})
        for line in (
            "**Apple M9** (aarch64), 8 threads, macOS 17, not idle: 6.0 threads ran before.",
            "| coreml | mean-q20 1 | ok | 2.0e-03 | 3.0% | 75% |",
            "| coreml | mean-q20 | 1 | 1,235 (3.31) | – | 0.81 |",
            "Energy by powermetrics; idle 0.50 W.",
            "| coreml | mean-q20 | 4.50 | 1.50 | 3.00 | 4.50 | 4.00 |",
        ):
            self.assertIn(line, text)

    def test_energy_that_was_not_read_has_its_reason(self):
        other = report() | {"energy": {"source": None, "reason": "it is a virtual machine", "idle": None, "loads": []}}
        self.assertIn("Energy was not read: it is a virtual machine.", devices.page({"m9.json": other}))

    def test_another_format_is_refused(self):
        with self.assertRaises(SystemExit):
            devices.page({"m9.json": report() | {"format": 2}})

    def test_the_notes_have_the_tables_of_the_committed_files(self):
        reports = {path.name: json.loads(path.read_text()) for path in devices.FOLDER.glob("*.json")}
        self.assertTrue(reports)
        self.assertIn(devices.page(reports), devices.NOTES.read_text())
        for text in (path.read_text() for path in devices.FOLDER.glob("*.json")):
            for private in ("/home/", "/root", "/Users/", "/work"):
                self.assertNotIn(private, text)


if __name__ == "__main__":
    unittest.main()
