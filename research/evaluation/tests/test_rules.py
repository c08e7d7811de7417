"""The rules at their thresholds, a regression with a known answer, the choice of training sets, and the columns of `bm score`."""

import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import rules  # noqa: E402
import truth  # noqa: E402


def reads(name="a", part="train", run=None, n=4, **columns):
    made = {
        "row": np.arange(n), "length": np.full(n, 100), "errors": np.zeros(n, int), "scored": np.full(n, 100),
        "ee": np.full(n, 0.5), "mean_q": np.full(n, 30.0), "sd_q": np.ones(n), "end_q": np.full(n, 30.0),
        "low_share": np.zeros(n), "records": n, "clipped_too": False, "ambiguous": 0, "without_truth": 0,
    } | columns  # fmt: skip
    return truth.Reads(name=name, part=part, files=[], run=run or name, **made)


class Rules(unittest.TestCase):
    def test_thresholds_are_inside(self):
        r = reads(n=3, mean_q=np.array([19.99, 20.0, 21.0]), ee=np.array([1.01, 1.0, 0.2]), length=np.array([101, 100, 10]))
        self.assertEqual(rules.mean_q20(r).keep.tolist(), [False, True, True])
        self.assertEqual(rules.ee_rate(r).keep.tolist(), [True, True, False])
        self.assertEqual(rules.ee_one(r).keep.tolist(), [False, True, True])

    def test_only_expected_errors_predict_errors(self):
        self.assertIsNone(rules.mean_q20(reads()).predicted)
        self.assertEqual(rules.ee_one(reads()).predicted.sum(), 2.0)


class Logistic(unittest.TestCase):
    def test_a_known_model_is_recovered(self):
        rng = np.random.default_rng(5)
        x = rng.normal([3, -20], [2, 5], (200_000, 2))
        known = np.array([0.7, -1.2, 0.3])  # the constant and a factor a feature
        y = rng.random(len(x)) < rules.sigmoid(known[0] + x @ known[1:] + 6)
        found = rules.LogisticRegression(x, y, np.ones(len(x))).coefficients()
        np.testing.assert_allclose(found, known + [6, 0, 0], rtol=0.03)

    def test_a_weight_equals_that_many_copies(self):
        rng = np.random.default_rng(6)
        x, y, weight = rng.normal(size=(80, 2)), rng.random(80) < 0.5, rng.integers(1, 4, 80)
        once = rules.LogisticRegression(x, y, weight.astype(float)).coefficients()
        copied = rules.LogisticRegression(np.repeat(x, weight, 0), np.repeat(y, weight), np.ones(weight.sum())).coefficients()
        np.testing.assert_allclose(once, copied, rtol=1e-6, atol=1e-9)

    def test_separable_classes_and_a_single_class_give_finite_weights(self):
        x = np.array([[0.0], [1.0], [2.0], [3.0]])
        for y in ([False, False, True, True], [True] * 4):
            self.assertTrue(np.isfinite(rules.LogisticRegression(x, np.array(y), np.ones(4)).logit(x)).all())

    def test_a_constant_feature_is_harmless(self):
        x = np.c_[np.arange(6.0), np.full(6, 0.1)]
        model = rules.LogisticRegression(x, np.array([0, 0, 1, 0, 1, 1], bool), np.ones(6))
        self.assertTrue(np.isfinite(model.coefficients()).all())
        self.assertAlmostEqual(model.beta[2], 0.0)


class TrainingSets(unittest.TestCase):
    def names(self, evaluated, sets, platform):
        return [s.name for s in rules.training_sets(evaluated, sets, platform)]

    def test_the_evaluated_run_its_flow_cell_and_test_sets_are_excluded(self):
        sets = [reads("a", run="F1"), reads("a2", run="F1"), reads("b"), reads("c", part="devtest"), reads("d", part="devtest", run="F1")]
        platform = dict.fromkeys(["a", "a2", "b", "c", "d"], "illumina")
        self.assertEqual(self.names(sets[0], sets, platform), ["b"])
        self.assertEqual(self.names(sets[3], sets, platform), ["a", "a2", "b"])
        self.assertEqual(self.names(sets[4], sets, platform), ["b"], "a test set of a training run's flow cell")

    def test_sets_of_the_same_platform_are_preferred(self):
        sets = [reads("a"), reads("b"), reads("n"), reads("m"), reads("x", part="weird")]
        platform = {"a": "illumina", "b": "illumina", "n": "nanopore", "m": "nanopore", "x": "454"}
        self.assertEqual(self.names(sets[0], sets, platform), ["b"])
        self.assertEqual(self.names(sets[2], sets, platform), ["m"])
        self.assertEqual(self.names(sets[4], sets, platform), ["a", "b", "n", "m"])

    def test_data_without_a_training_part(self):
        sets = [reads("a", part="."), reads("b", part=".")]
        self.assertEqual(self.names(sets[0], sets, {}), ["b"])
        self.assertEqual(self.names(sets[0], sets[:1], {}), [])


class Models(unittest.TestCase):
    columns = {
        "length": ["100"] * 4, "verdict": ["pass", "fail", "unscored", "pass"], "probability": ["0.9", "0.2", "nan", "0.6"],
        "read": list("abcd"),
    }  # fmt: skip

    def test_a_probability_ranks_and_predicts_nothing(self):
        output, unscored = rules.output_of_tables(self.columns, reads())
        self.assertEqual(output.by_rate.tolist(), [-0.9, -0.2, np.inf, -0.6])
        self.assertEqual(output.keep.tolist(), [True, False, False, True])
        self.assertIsNone(output.predicted)
        self.assertEqual(unscored, 1)

    def test_expected_errors_rank_by_rate_and_by_count(self):
        r = reads(length=np.array([100, 50, 100, 200]))
        columns = self.columns | {"length": ["100", "50", "100", "200"], "expected_errors": ["1", "2", "nan", "3"]}
        output, _ = rules.output_of_tables(columns, r)
        self.assertEqual(output.by_rate.tolist(), [0.01, 0.04, np.inf, 0.015])
        self.assertEqual(output.by_count.tolist(), [1, 2, np.inf, 3])
        self.assertEqual(output.predicted.tolist(), [1, 2, 0, 3])

    def test_rows_are_those_of_the_evaluated_reads(self):
        r = reads(n=2, row=np.array([1, 3]), records=4)
        self.assertEqual(rules.output_of_tables(self.columns, r)[0].by_rate.tolist(), [-0.2, -0.6])

    def test_other_reads_are_refused(self):
        with self.assertRaises(SystemExit):
            rules.output_of_tables(self.columns, reads(records=5))
        with self.assertRaises(SystemExit):
            rules.output_of_tables(self.columns, reads(length=np.array([100, 100, 100, 99])))


if __name__ == "__main__":
    unittest.main()
