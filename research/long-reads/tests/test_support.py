"""Support of reads, and what follows from it, on made-up reads with known errors."""

import itertools
import sys
import unittest
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ends
import support

C = support.Constants()


def counts_of(bases):
    """How often these reads have each of their k-mers."""
    kmers = [support.canonical(each, C.k) for each in bases]
    _, places, many = np.unique(np.concatenate(kmers), return_inverse=True, return_counts=True)
    return np.split(many[places].astype(np.int32), np.cumsum([len(each) for each in kmers])[:-1])


def rates_of(bases, quality):
    """Error rates of reads whose qualities are all this one: joined, and explained."""
    reads = [support.Read(counts, np.full(len(each), quality), C) for each, counts in zip(bases, counts_of(bases))]
    facts = np.array([read.facts for read in reads])
    scale = support.fit(facts, C)
    return np.exp(support.joined(facts, scale, C)), np.array([read.rate(scale) for read in reads])


class Kmers(unittest.TestCase):
    def test_both_strands_have_the_same_kmers(self):
        bases = np.random.default_rng(1).integers(0, 4, 60).astype(np.int8)
        forward, backward = support.canonical(bases, 17), support.canonical(3 - bases[::-1], 17)
        self.assertEqual(forward.tolist(), backward[::-1].tolist())

    def test_kmers_with_unknown_bases_are_none(self):
        bases = np.zeros(40, np.int8)
        bases[20] = 4
        self.assertEqual((support.canonical(bases, 17) < 0).tolist(), [4 <= at <= 20 for at in range(24)])

    def test_depth_is_a_quantile_of_counts_that_are_not_of_errors(self):
        counts = np.array([1, 1, 1, 8, 9, 40, 1], np.int32)
        self.assertEqual(support.local_depths(counts, 0.0, 3).tolist(), [8])
        self.assertEqual(support.local_depths(counts, 1.0, 3).tolist(), [40])
        self.assertEqual(support.local_depths(counts[:3], 0.5, 3).tolist(), [0])


class Explained(unittest.TestCase):
    def test_the_sum_is_that_over_all_sets_of_errors(self):
        k, bases, covered, chance = 3, 9, 0.2, 0.01
        random = np.random.default_rng(2)
        for flags in itertools.product((0, 1, 2), repeat=3):
            flags = np.array([1, *flags, 2, 0, 1], np.int8)
            odds = random.uniform(0.01, 0.5, bases)
            covers = np.array([any(flags[at] == 1 for at in range(max(base - k + 1, 0), min(base, 6) + 1)) for base in range(bases)])
            tests = np.array([any(flags[at] for at in range(max(base - k + 1, 0), min(base, 6) + 1)) for base in range(bases)])
            here = np.where(covers, odds * covered, odds)
            weights = errors = 0.0
            for chosen in itertools.product((0, 1, 2), repeat=int(tests.sum())):
                events = np.zeros(bases, int)
                events[tests] = chosen
                if any(flags[at] == 2 and not events[at : at + k].any() for at in range(len(flags))):
                    continue
                weight = np.prod(np.where(events == 1, here, np.where(events == 2, chance, 1)))
                weights, errors = weights + weight, errors + weight * (events == 1).sum()
            others = (odds / (1 + odds))[~tests].sum()
            found = support.explained(flags, odds, k, covered, chance)
            np.testing.assert_allclose(found, (errors / weights, others), rtol=1e-9)


class Rates(unittest.TestCase):
    def test_kmers_rank_reads_that_qualities_do_not(self):
        random = np.random.default_rng(5)
        genome = random.integers(0, 4, 1500).astype(np.int8)
        bases = [genome[start : start + 600].copy() for start in random.integers(0, 901, 60)]
        wrong = np.arange(len(bases)) % 2 == 0
        for at, read in enumerate(bases):
            errors = random.random(600) < (0.04 if wrong[at] else 0.01)
            read[errors] = (read[errors] + 1) % 4
        for rates in rates_of(bases, 15):
            self.assertGreater(rates[wrong].min(), np.median(rates[~wrong]))
            self.assertGreater(rates[wrong].mean(), 2 * rates[~wrong].mean())

    def test_without_overlap_the_rate_is_the_reported_one(self):
        bases = [np.random.default_rng(seed).integers(0, 4, 500).astype(np.int8) for seed in range(40)]
        for rates in rates_of(bases, 20):
            np.testing.assert_allclose(rates, 0.01)


class Ends(unittest.TestCase):
    def test_adapters_at_the_start_are_found_and_genomes_are_not(self):
        random = np.random.default_rng(3)
        adapter, genome = random.integers(0, 4, 50).astype(np.int8), random.integers(0, 4, 20_000).astype(np.int8)
        starts = random.integers(0, 19_000, 60)
        reads = [np.concatenate([adapter, genome[start : start + 600]]) for start in starts]
        start, end = ends.find(reads)
        self.assertTrue(start.is_shown and not end.is_shown)
        # A k-mer that goes on into the sample by chance is of several reads, too.
        self.assertTrue({start.length(read) for read in reads} <= set(range(50, 54)))
        self.assertEqual({end.length(read) for read in reads}, {0})


if __name__ == "__main__":
    unittest.main()
