"""Tests with known answers: AUC against brute force, MCC at its limits, retention by hand, a reproducible bootstrap.

    python -m unittest discover -s research/evaluation/tests
"""

import math
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import metrics  # noqa: E402


def weighted_auc(badness, bad, weight=None):
    weight = np.ones(len(bad)) if weight is None else weight
    ranking = metrics.Ranking(badness)
    return metrics.auc(ranking.sums(weight * bad), ranking.sums(weight))


def brute_force(badness, bad):
    pairs = [(b > g) + 0.5 * (b == g) for b in badness[bad] for g in badness[~bad]]
    return float(np.mean(pairs))


class Auc(unittest.TestCase):
    def test_ties_against_brute_force(self):
        rng = np.random.default_rng(1)
        for levels in (1, 2, 5, 1000):
            for _ in range(5):
                badness, bad = rng.integers(0, levels, 60).astype(float), rng.random(60) < 0.3
                with self.subTest(levels=levels):
                    self.assertAlmostEqual(weighted_auc(badness, bad), brute_force(badness, bad), places=12)

    def test_a_weight_equals_that_many_copies(self):
        rng = np.random.default_rng(2)
        badness, bad, weight = rng.integers(0, 9, 40).astype(float), rng.random(40) < 0.4, rng.integers(0, 4, 40)
        copies = np.repeat(np.arange(40), weight)
        self.assertAlmostEqual(weighted_auc(badness, bad, weight.astype(float)), brute_force(badness[copies], bad[copies]), places=12)

    def test_order_and_its_reverse(self):
        badness, bad = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True])
        self.assertEqual(weighted_auc(badness, bad), 1.0)
        self.assertEqual(weighted_auc(-badness, bad), 0.0)

    def test_unscored_reads_rank_last_and_tie(self):
        badness, bad = np.array([0.1, np.inf, np.inf]), np.array([False, True, False])
        self.assertEqual(weighted_auc(badness, bad), 0.75)

    def test_one_class_has_no_auc(self):
        self.assertTrue(math.isnan(weighted_auc(np.array([1.0, 2.0]), np.array([True, True]))))

    def test_nan_is_refused(self):
        with self.assertRaises(ValueError):
            metrics.Ranking(np.array([1.0, np.nan]))


class Mcc(unittest.TestCase):
    def test_edges(self):
        self.assertEqual(metrics.mcc(5, 0, 0, 5), 1.0)
        self.assertEqual(metrics.mcc(0, 5, 5, 0), -1.0)
        self.assertEqual(metrics.mcc(9, 1, 0, 0), 0.0, "all kept")
        self.assertEqual(metrics.mcc(0, 0, 9, 1), 0.0, "none kept")
        self.assertEqual(metrics.mcc(9, 0, 1, 0), 0.0, "all good")
        self.assertEqual(metrics.mcc(0, 0, 0, 0), 0.0)

    def test_it_is_the_correlation_of_two_binary_vectors(self):
        rng = np.random.default_rng(3)
        good, keep = rng.random(500) < 0.7, rng.random(500) < 0.6
        cells = [(good & keep).sum(), (~good & keep).sum(), (good & ~keep).sum(), (~good & ~keep).sum()]
        self.assertAlmostEqual(metrics.mcc(*cells), np.corrcoef(good, keep)[0, 1], places=12)

    def test_many_reads_do_not_overflow(self):
        self.assertEqual(metrics.mcc(*np.array([10**9, 0, 0, 10**9])), 1.0)


class Retention(unittest.TestCase):
    def bad_among(self, badness, bad, retention):
        ranking = metrics.Ranking(np.array(badness, float))
        return metrics.bad_fraction(ranking.sums(np.array(bad, float)), ranking.sums(np.ones(len(bad))), retention)

    def test_the_best_are_kept(self):
        self.assertEqual(self.bad_among([1, 2, 3, 4], [0, 0, 1, 1], 0.5), 0.0)
        self.assertAlmostEqual(self.bad_among([1, 2, 3, 4], [0, 0, 1, 1], 0.75), 1 / 3)
        self.assertAlmostEqual(self.bad_among([4, 3, 2, 1], [0, 0, 1, 1], 0.5), 1.0)
        self.assertEqual(self.bad_among([1, 2, 3, 4], [0, 0, 1, 1], 1.0), 0.5)

    def test_a_tie_at_the_limit_contributes_its_mean(self):
        self.assertAlmostEqual(self.bad_among([1, 2, 2, 2], [0, 1, 0, 0], 0.5), (1 / 3) / 2)
        self.assertAlmostEqual(self.bad_among([7, 7, 7, 7], [0, 1, 0, 0], 0.5), 0.25, msg="one value for all reads cannot rank them")


class Figures(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(4)
        n = 300
        self.length = np.full(n, 100)
        rate = rng.uniform(0, 0.04, n)
        self.errors = rng.poisson(rate * 100)
        self.labels = metrics.Labels(self.errors, self.length, self.length, self.errors <= 1)
        self.predicting = metrics.MethodOutput(rate, rate * 100, rate <= 0.01, rate * 100)
        self.silent = metrics.MethodOutput(-rate, -rate, rate >= 0, None)

    def test_all_kept(self):
        figures = metrics.Measure(self.silent, self.labels).figures(np.ones(300))
        self.assertEqual((figures["mcc"], figures["kept"]), (0.0, 1.0))
        self.assertAlmostEqual(figures["bad_among_kept"], (self.errors > 1).mean())
        self.assertTrue(math.isnan(figures["log2_ratio"]), "no errors predicted, no calibration")

    def test_calibration_is_signed(self):
        twice = metrics.MethodOutput(*[self.predicting.by_rate] * 2, self.predicting.keep, 2.0 * self.errors)
        half = metrics.MethodOutput(*[self.predicting.by_rate] * 2, self.predicting.keep, 0.5 * self.errors)
        for output, expected in ((twice, 1.0), (half, -1.0)):
            self.assertAlmostEqual(metrics.Measure(output, self.labels).figures(np.ones(300))["log2_ratio"], expected)

    def test_the_reliability_curve_holds_every_read_and_error_once(self):
        curve = metrics.Measure(self.predicting, self.labels).reliability()
        self.assertEqual(sum(point["reads"] for point in curve), 300)
        self.assertAlmostEqual(sum(point["reads"] * 100 * point["measured"] for point in curve), self.errors.sum())
        self.assertEqual(metrics.Measure(self.silent, self.labels).reliability(), [])

    def test_the_bootstrap_is_reproducible_and_its_interval_contains_the_value(self):
        def run(seed):
            measures = {"a": metrics.Measure(self.predicting, self.labels), "b": metrics.Measure(self.silent, self.labels)}
            return metrics.measured(measures, 300, 100, seed, "a")

        first, second = run(20), run(20)
        np.testing.assert_equal(first, second)  # nan equals nan here
        self.assertNotEqual(first["a"]["figures"]["auc"], run(21)["a"]["figures"]["auc"])
        value, low, high = first["a"]["figures"]["auc"]
        self.assertTrue(low < value < high and high - low < 0.2)
        self.assertEqual(first["a"]["difference"], {})
        self.assertAlmostEqual(
            first["b"]["difference"]["auc"][0], first["b"]["figures"]["auc"][0] - first["a"]["figures"]["auc"][0], places=12
        )

    def test_bases_kept_and_errors_left_by_hand(self):
        labels = metrics.Labels(np.array([0, 3, 9]), np.array([100, 150, 80]), np.array([100, 200, 100]), np.array([True, False, False]))
        rate = np.array([0.1, 0.2, 0.3])
        measure = metrics.Measure(metrics.MethodOutput(rate, rate, np.array([True, True, False])), labels)
        found = measure.figures(np.ones(3))
        self.assertAlmostEqual(found["bases_kept"], 300 / 400)
        self.assertAlmostEqual(found["errors_per_mb"], 1e6 * 3 / 250)
        self.assertTrue(math.isnan(measure.figures(np.array([0.0, 0.0, 1.0]))["errors_per_mb"]), "nothing is kept")

    def test_resamples_draw_as_many_reads_as_there_are(self):
        for weight in metrics.resamples(50, 3, 0):
            self.assertEqual(weight.sum(), 50)


if __name__ == "__main__":
    unittest.main()
