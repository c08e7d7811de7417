"""The script that bm is compared with computes the probabilities of the golden reads.

    python -m unittest discover -s research/neural-engine/tests
"""

import json
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "models/mean-q20"
sys.path.insert(0, str(HERE.parent))

import script_peer  # noqa: E402  (the folder's name has a hyphen: it cannot be a package)


class ScriptPeer(unittest.TestCase):
    def test_scores_are_those_of_the_golden_reads(self):
        golden = json.loads((MODEL / "golden.json").read_text())
        reads = [SimpleNamespace(sequence=read["sequence"], qualities=read["quality"], probability=read["probability"])
                 for read in golden["reads"] if 0 < len(read["sequence"]) <= script_peer.WINDOW]
        self.assertGreater(len(reads), 20)
        scored = list(script_peer.scores(script_peer.session(MODEL / "model.onnx", 1), reads))
        self.assertEqual([read for read, _ in scored], reads)
        for read, probability in scored:
            self.assertAlmostEqual(probability, read.probability, delta=1e-5)

    def test_a_longer_read_is_refused(self):
        read = SimpleNamespace(sequence="A" * 151, qualities="I" * 151)
        with self.assertRaises(SystemExit):
            script_peer.encode([read])


if __name__ == "__main__":
    unittest.main()
