"""How the other reads of a run support a read, and what error rate follows from that and from its qualities.

The definitions are those of the crate bm-long, written a second time. A read is an array of base codes (int8 [bases], 0 to 3, 4 for unknown
ones) and one of Phred scores (int8 [bases]); k-mers are canonical, and `counts` (int32 [bases - k + 1]) says how often the run has each one,
the read's own included, or -1 where a base is unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

try:
    from numba import njit
except ImportError:  # the tests are small enough without

    def njit(cache: bool = True):
        """The function as it is."""
        return lambda function: function


ERROR_PROBABILITY = 10.0 ** (-np.arange(128) / 10)  # by Phred score: Ewing and Green 1998
LEAST_REPORTED = 1e-10  # below what any quality reports
BINS = 48  # of counts, four per octave, up to 2^12
BLOCK = 128  # k-mers; the local depth is that of a block and of the ones beside it


@dataclass(frozen=True)
class Constants:
    """What was chosen on the runs of train; `long_reads.py --choose` shows what other values give."""

    k: int = 17
    step: int = 2  # every second k-mer is looked up
    quantile: float = 0.75  # of the counts in a window that are not of errors: the local depth
    seen: int = 3  # a k-mer seen less often, the read itself included, may be an error that two reads share
    fraction: float = 0.1  # of the local depth; a rarer k-mer is an error that reads repeat
    least_depth: int = 5  # count of k-mers: some ten reads, half of whose k-mers have an error
    gap: int = 100  # k-mers; beyond, unsupported ones are of a place without depth, or of another molecule
    covered: float = 0.1  # factor on the odds of an error at a base with a supported k-mer
    chance: float = 1e-4  # odds per base that k-mers without an error are unsupported
    by_few: float = 0.1  # the same, per probability that at most one of the others there has the k-mer
    unseen: float = 2.27  # errors per error that breaks k-mers as if alone: several lie together
    beyond: float = 1.25  # errors per error that explains k-mers, if they are explained by as few as need be
    fewest_tested: int = 100  # k-mers, if all were looked up
    least_tested: float = 0.25  # of the bases, likewise
    fewest_reads: int = 30  # with support; below, a run says nothing
    noise: float = 0.01  # variance of ln(error rate by k-mers)
    per_error: float = 0.8  # the same, of one error that breaks k-mers
    by_depth: float = 25.0  # the same, at depth 1; falls with the square of the depth
    prior_noise: float = 0.02  # variance of ln(error rate by qualities), beside that of the number of errors
    least_noise: float = 0.01  # and its least value
    prior_reads: float = 20.0  # reads that the two values before a run is seen are worth
    steepest: float = 1.25


FIELDS = ("bases", "mean_p", "tested", "supported", "depth")


@njit(cache=True)
def canonical(bases, k):
    """The canonical k-mers by their first base, int64 [bases - k + 1]; -1 where a base is unknown."""
    found = np.full(max(len(bases) - k + 1, 0), -1, np.int64)
    mask, forward, backward, known = (1 << (2 * k)) - 1, 0, 0, 0
    for at in range(len(bases)):
        code = int(bases[at])
        if code > 3:
            known = 0
            continue
        forward = ((forward << 2) | code) & mask
        backward = (backward >> 2) | ((3 - code) << (2 * (k - 1)))
        known += 1
        if known >= k:
            found[at - k + 1] = min(forward, backward)
    return found


@njit(cache=True)
def bin_of(count):
    """The bin of a count."""
    octave = 0
    while count >> (octave + 1):
        octave += 1
    return 4 * octave + (((count << 2) >> octave) & 3)


@njit(cache=True)
def local_depths(counts, quantile, seen):
    """The local depth of each block of k-mers, int32 [blocks], 0 where no k-mer was seen that often."""
    blocks = (len(counts) + BLOCK - 1) // BLOCK
    histograms = np.zeros((blocks + 2, BINS), np.int32)
    for at in range(len(counts)):
        if counts[at] >= seen:
            histograms[at // BLOCK + 1, bin_of(counts[at])] += 1
    depths = np.zeros(blocks, np.int32)
    for block in range(blocks):
        window = histograms[block] + histograms[block + 1] + histograms[block + 2]
        left = int(quantile * (window.sum() - 1)) + 1 if window.sum() else 0
        for one in range(BINS):
            left -= window[one]
            if left <= 0 and window[one]:
                depths[block] = ((4 + one % 4) << (one // 4)) >> 2
                break
    return depths


@njit(cache=True)
def tested(counts, depths, seen, fraction, least_depth, gap):
    """Flags of k-mers (int8): 1 supported, 2 not, 0 not tested; their numbers, and the mean local depth of the tested ones.

    Tested are k-mers that are supported, or lie between two supported ones.
    """
    flags = np.zeros(len(counts), np.int8)
    before, supported, total, depth = -1, 0, 0, 0.0
    for at in range(len(counts)):
        here = depths[at // BLOCK]
        if counts[at] < seen or here < least_depth or counts[at] < fraction * here:
            continue
        flags[at] = 1
        supported += 1
        total += 1
        depth += here
        if before >= 0 and at - before - 1 <= gap:
            lower = min(here, depths[before // BLOCK])
            for other in range(before + 1, at):
                if counts[other] >= 0:
                    flags[other] = 2
                    total += 1
                    depth += lower
        before = at
    return flags, total, supported, depth / max(total, 1)


@njit(cache=True)
def explained(flags, odds, k, covered, chance):
    """Expected number of errors: of the bases in tested k-mers, and of the others.

    Each unsupported k-mer has an error, or is unsupported by chance. The weight of a set of events is the product of their odds, as in
    bm-evidence (`explain.rs`); E[errors] follows from a pass over the bases whose state is the last event: it needs the sums over the last
    k bases, of the weights and of the weights times errors.
    """
    of_tested, of_others = 0.0, 0.0
    weights, counted = np.zeros(k), np.zeros(k)
    old, old_errors, covers, tests = 1.0, 0.0, 0, 0
    for at in range(len(odds) + 1):
        if at >= k and flags[at - k] == 2:
            old, old_errors = 0.0, 0.0
        if at == len(odds):
            break
        if at < len(flags):
            covers += flags[at] == 1
            tests += flags[at] != 0
        if at >= k:
            covers -= flags[at - k] == 1
            tests -= flags[at - k] != 0
        here = odds[at]
        if tests == 0:
            of_others += here / (1 + here)
            continue
        if covers:
            here *= covered
        slot = at % k
        total, total_errors = old + weights.sum(), old_errors + counted.sum()
        old += weights[slot]
        old_errors += counted[slot]
        weights[slot] = total * (here + chance)
        counted[slot] = total_errors * (here + chance) + total * here
        if at % 16 == 0:
            factor = 1 / (old + weights.sum())
            old *= factor
            old_errors *= factor
            weights *= factor
            counted *= factor
    of_tested = (old_errors + counted.sum()) / (old + weights.sum())
    return of_tested, of_others


@dataclass(frozen=True)
class Scale:
    """What a run says of its qualities: error rate by k-mers ~ exp(centre + shift + slope (ln p - centre)), p the mean by qualities."""

    centre: float = 0.0
    shift: float = 0.0
    slope: float = 1.0
    noise: float = 0.0  # variance of ln(error rate), given the qualities
    share: float = 0.0  # of the reads: those with support


def by_kmers(facts: np.ndarray, c: Constants) -> np.ndarray:
    """ln(error rate) by the k-mers alone, float [reads]; not of use where none were tested."""
    _, _, total, supported, _ = facts.T
    return np.log(c.unseen * -np.log((supported + 0.5) / (total + 1)) / c.k)


def has_support(facts: np.ndarray, c: Constants) -> np.ndarray:
    """Whether enough k-mers of a read were tested, bool [reads]."""
    bases, _, total, _, _ = facts.T
    return (total * c.step >= c.fewest_tested) & (total * c.step >= c.least_tested * bases)


def variances(facts: np.ndarray, c: Constants) -> tuple[np.ndarray, np.ndarray]:
    """Variances of ln(error rate), float [reads]: by k-mers, and by qualities for the number of errors alone."""
    bases, mean_p, total, _, depth = facts.T
    errors = np.maximum(np.sqrt(mean_p * np.exp(by_kmers(facts, c))) * bases / c.unseen, 1.0)
    of_kmers = c.noise + c.per_error / errors * bases / np.maximum(total * c.step, 1) + c.by_depth / np.maximum(depth, 1) ** 2
    return of_kmers, c.per_error / errors


def fit(facts: np.ndarray, c: Constants) -> Scale:
    """The scale of a run, from some of its reads: facts float [reads, FIELDS]."""
    has = has_support(facts, c)
    if has.sum() < c.fewest_reads:
        return Scale(noise=c.prior_noise)
    x, y = np.log(facts[has, 1]), by_kmers(facts[has], c)
    of_kmers, of_number = variances(facts[has], c)
    weight = 1 / (of_kmers + of_number + c.prior_noise)
    reads, total = 0.1 * weight.sum(), weight.sum()
    centre, level = (weight * x).sum() / total, (weight * y).sum() / total
    prior = c.prior_reads  # its reads spread by one in ln p, with a weight of one
    slope = ((weight * (x - centre) * (y - level)).sum() + prior) / ((weight * (x - centre) ** 2).sum() + prior)
    slope = min(max(slope, 0.0), c.steepest)
    shift = (level - centre) * reads / (reads + c.prior_reads)
    rest = (y - centre - shift - slope * (x - centre)) ** 2 - of_kmers - of_number
    noise = (reads * (weight * rest).sum() / total + c.prior_reads * c.prior_noise) / (reads + c.prior_reads)
    return Scale(centre, shift, slope, max(noise, c.least_noise), has.mean())


def joined(facts: np.ndarray, scale: Scale, c: Constants) -> np.ndarray:
    """ln(error rate) by qualities and the number of supported k-mers, float [reads]: the mean of both, by their precision.

    It is the estimate of Fay and Herriot (1979). A read without support has that by its qualities, on the scale of the run to the degree
    that the run's other reads have support.
    """
    x = np.log(facts[:, 1])
    prior = scale.centre + scale.shift + scale.slope * (x - scale.centre)
    if scale.share == 0.0:
        return x
    of_kmers, of_number = variances(facts, c)
    precision, prior_precision = 1 / of_kmers, 1 / (scale.noise + of_number)
    both = (prior * prior_precision + by_kmers(facts, c) * precision) / (prior_precision + precision)
    return np.where(has_support(facts, c), both, x + scale.share * (prior - x))


class Read:
    """A read with its counts: facts for the scale, then its error rate."""

    def __init__(self, counts: np.ndarray, quality: np.ndarray, c: Constants, factor: float = 1.0):
        """Counts and Phred scores of the bases that are of the sample. `factor` spoils the qualities, for experiments."""
        self.c = c
        looked_up = np.full(len(counts), -1, np.int32)
        looked_up[:: c.step] = counts[:: c.step]
        counts = looked_up
        depths = local_depths(counts, c.quantile, c.seen)
        self.flags, total, supported, depth = tested(counts, depths, c.seen, c.fraction, c.least_depth, c.gap)
        self.p = ERROR_PROBABILITY[np.clip(quality, 0, 93)] * factor
        mean = max(float(self.p.mean()), LEAST_REPORTED) if len(quality) else LEAST_REPORTED
        self.facts = np.array([len(quality), mean, total, supported, depth])

    def rate(self, scale: Scale) -> float:
        """The error rate of the read: its k-mers explained, with the joined rate as prior."""
        joined_rate = math.exp(joined(self.facts[None], scale, self.c)[0])
        if scale.share == 0 or not has_support(self.facts[None], self.c)[0]:
            return joined_rate
        p = np.clip(self.p * (joined_rate / self.facts[1]), 1e-6, 0.7)
        others = max(self.facts[4] - 1, 0.0)
        chance = self.c.chance + self.c.by_few * (1 + others) * math.exp(-others)  # Poisson
        of_tested, of_others = explained(self.flags, p / (1 - p), self.c.k, self.c.covered, chance)
        return (self.c.beyond * of_tested + of_others) / len(self.p)
