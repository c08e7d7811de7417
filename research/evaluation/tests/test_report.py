"""The page is made of the results file alone and says what is missing."""

import json
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import evaluate  # noqa: E402
import metrics  # noqa: E402
import report  # noqa: E402


def results():
    rng = np.random.default_rng(7)
    sets = {}
    for name, part, shift in (("a", "train", 0), ("b", "devtest", 0), ("c", "weird", 9)):
        errors, length = rng.poisson(1, 200) + shift, np.full(200, 100)
        labels = metrics.Labels(errors, length, length, errors <= 1)
        rate = rng.random(200)
        judged = {
            "EE/len <= 1 %": metrics.Measure(metrics.Judgement(rate, rate, rate <= 0.5, errors * 2.0), labels),
            "mute": metrics.Measure(metrics.Judgement(-rate, -rate, rate <= 0.5), labels),
        }
        figures = metrics.measured(judged, 200, 10, 1, "EE/len <= 1 %")
        for each in judged:
            figures[each]["reliability"] = judged[each].reliability()
        sets[name] = {
            "platform": "illumina", "part": part, "run": name, "records": 210, "ambiguous": 10, "reads": 200, "median_length": 100,
            "errors": int(errors.sum()), "scored_bases": 20000, "good_share": float(labels.good.mean()), "with_1_error": 0.5,
            "with_3_errors": 0.1, "border_share": 0.0, "clipped_too": name == "c", "judged": figures,
        }  # fmt: skip
    return {
        "date": "2000-01-01", "command": "the command", "tools": {"bm": "1"}, "resamples": 10, "seed": 1, "sets": sets,
        "not_judged": ["d"],
    }  # fmt: skip


class Report(unittest.TestCase):
    def setUp(self):
        # As it is read back: what is not a number is null.
        self.results = json.loads(evaluate.to_json(results()))

    def test_the_page_says_what_has_no_value(self):
        page = report.markdown(self.results)
        self.assertIn("Not judged, as every read is ambiguous: d.", page)
        self.assertIn("mute: no number of errors is predicted", page)
        self.assertIn("One class has fewer than 30 reads in c", page)
        self.assertIn("Long reads, clipped ones not left out: c.", page)
        self.assertNotIn("nan", page)
        self.assertNotIn("None", page)

    def test_tables_are_even(self):
        lines = report.markdown(self.results).splitlines()
        width = 0
        for line in lines:
            if line.startswith("|"):
                width = width or line.count("|")
                self.assertEqual(line.count("|"), width, line)
            else:
                width = 0

    def test_calibration_is_averaged_without_its_sign(self):
        sets = self.results["sets"]
        sets["a"]["judged"]["EE/len <= 1 %"]["figures"]["log2_ratio"][0] = -1.0
        sets["b"]["judged"]["EE/len <= 1 %"]["figures"]["log2_ratio"][0] = 1.0
        row = next(line for line in report.summary(self.results, ["EE/len <= 1 %"]) if line.startswith("| EE/len"))
        self.assertTrue(row.endswith("| 1.000 |"), row)

    def test_lists_of_figures_are_one_line_each(self):
        text = evaluate.to_json({"a": {"b": [1.23456789, float("nan"), -3.0]}})
        self.assertIn('"b": [ 1.23457, null, -3.0 ]', text)
        self.assertEqual(json.loads(text), {"a": {"b": [1.23457, None, -3.0]}})


if __name__ == "__main__":
    unittest.main()
