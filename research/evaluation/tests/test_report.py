"""The page is rendered from the results file alone and states what is missing."""

import json
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import evaluate  # noqa: E402
import metrics  # noqa: E402
import own_labels  # noqa: E402
import report  # noqa: E402


def results():
    rng = np.random.default_rng(7)
    sets = {}
    for name, part, shift in (("a", "train", 0), ("b", "devtest", 0), ("c", "weird", 9)):
        errors, length = rng.poisson(1, 200) + shift, np.full(200, 100)
        labels = metrics.Labels(errors, length, length, errors <= 1)
        rate = rng.random(200)
        evaluated = {
            "EE/len <= 1 %": metrics.Measure(metrics.MethodOutput(rate, rate, rate <= 0.5, errors * 2.0), labels),
            "mute": metrics.Measure(metrics.MethodOutput(-rate, -rate, rate <= 0.5), labels),
        }
        figures = metrics.measured(evaluated, 200, 10, 1, "EE/len <= 1 %")
        for each in evaluated:
            figures[each]["reliability"] = evaluated[each].reliability()
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

    def test_the_page_lists_what_has_no_value(self):
        page = report.markdown(self.results)
        self.assertIn("Not evaluated, because every read is ambiguous: d.", page)
        self.assertIn("because they predict no number of errors: mute.", page)
        self.assertIn("One class has fewer than 30 reads in c", page)
        self.assertIn("Sets of long reads, in which clipped reads are kept: c.", page)
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

    def test_the_evidence_and_its_cost_are_shown(self):
        self.assertEqual(report.evidence(self.results), [])
        found = {"testifies": False, "doubts": ["too few", "too odd"], "k": 21, "kmers": 1234, "share": 1.0, "bytes": 1, "depth": 30.0,
                 "evaluable": 0.875, "expected_errors_prior": 1500.4, "expected_errors": 700.2}  # fmt: skip
        took = [{"wall_s": 1.0, "cpu_s": 2.0, "peak_mb": 30}, {"wall_s": 1.5, "cpu_s": 2.5, "peak_mb": 45, "evidence": found}]
        reported = {name: [{"choice": "start", "doubts": []} | each] for name, each in zip((own_labels.ADAPTED, own_labels.POSTERIOR), took)}
        self.results["sets"]["b"]["adapting"] = reported
        page = report.markdown(self.results)
        self.assertIn("| b | no | 21 | 1,234 | 100 % | 30 | 88 % | 1,500 → 700 | too few; too odd |", page)
        self.assertIn("| b | 210 | 1.0 / 1.5 | 2.0 / 2.5 | 30 / 45 |", page)

    def test_losses_are_listed(self):
        for name, number in (("a", -0.02), ("b", -0.009)):
            self.results["sets"][name]["judged"]["mute"]["difference"]["mcc"][0] = number
        row = next(line for line in report.losses(self.results, ["mute"]) if line.startswith("| mute"))
        self.assertTrue(row.startswith("| mute | a (−0.020)"), row)
        self.assertNotIn("b (", row.split("|")[2])

    def test_errors_left_are_shown_only_if_they_were_counted(self):
        self.assertIn("## Errors left and bases kept", report.markdown(self.results))
        del self.results["sets"]["a"]["judged"]["EE/len <= 1 %"]["figures"]["bases_kept"]
        self.assertNotIn("## Errors left and bases kept", report.markdown(self.results))

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
