"""A folder without truth tables is refused with what to do about it."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evaluate  # noqa: E402


class Folders(unittest.TestCase):
    def test_a_folder_without_truth_is_refused_with_what_makes_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder, "train", "run")
            run.mkdir(parents=True)
            (run / "reads.fastq").write_text("@r\nACGT\n+\nIIII\n")
            with self.assertRaises(SystemExit) as refused:
                evaluate.evaluate(Path(folder), Path("bm"), [], 1, "", None, False)
        self.assertIn("no *.truth.tsv.gz", str(refused.exception))
        self.assertIn("cargo xtask data", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
