"""Seeds: exact or spaced k-mers of both strands as one, an index of those of classes, and what a read matches of each class.

A pattern is a symmetric string of 1 (compared) and 0 (any base). The index has one place for each seed, the first one, and the
set of classes that have it. Hits of a read that lie on nearly the same diagonal belong together (a *chain*). What a read has of a class is
counted in four ways: hits; read bases under the compared positions of the hits; the same in the best chain; and the *extension* of the
best chain, a log-likelihood ratio (nats): from its hits, the read is compared with the genome base by base, without gaps, and each base
counts by its own error probability. A base that is likely wrong says nothing, whether it matches or not.
"""

from __future__ import annotations

import numba
import numpy as np

BAND = 8  # hits whose diagonals differ by less, lie in one chain
DIVERGENCE = 0.1  # between read and reference, that the ratio assumes beside the errors of the read
GAP = 5.0  # nats that a change of the diagonal by one base costs
LONGER_GAP = 3.0  # times ln(n) more for n bases
DROP = 12.0  # nats below its best at which an extension ends


@numba.njit(cache=True)
def extract(codes, offsets):
    """Returns the seed at each position, whether it is of the strand of the codes, and whether it counts: known bases, not simple."""
    weight, span = len(offsets), offsets[-1] + 1
    count = max(0, len(codes) - span + 1)
    seeds, forward, valid = np.empty(count, np.uint64), np.empty(count, np.bool_), np.empty(count, np.bool_)
    for at in range(count):
        ahead, back, ok = np.uint64(0), np.uint64(0), True
        for j in range(span):
            ok = ok and codes[at + j] < 4
        for j in range(weight):
            code = codes[at + offsets[j]] & 3
            ahead = (ahead << np.uint64(2)) | np.uint64(code)
            back = back | (np.uint64(3 - code) << np.uint64(2 * j))
        for period in range(1, 5):  # windows that repeat one to four bases are found in any genome
            same = 0
            for j in range(span - period):
                same += codes[at + j] == codes[at + j + period]
            ok = ok and same * 10 <= (span - period) * 7
        forward[at] = ahead <= back
        seeds[at] = min(ahead, back)
        valid[at] = ok
    return seeds, forward, valid


class Index:
    """Seeds of classes: sorted, with the set of classes (bits), the first place, and the strand there."""

    def __init__(self, genomes: list[list[np.ndarray]], patterns: list[str]):
        self.patterns = [np.array([i for i, c in enumerate(pattern) if c == "1"]) for pattern in patterns]
        self.sizes = np.array([sum(len(sequence) for sequence in genome) for genome in genomes], float)
        self.tables = []
        space = np.full(1000, 4, np.uint8)
        self.text = np.concatenate([space] + [part for genome in genomes for sequence in genome for part in (sequence, space)])
        for offsets in self.patterns:
            seeds, places, strands, classes = [], [], [], []
            start = 1000
            for number, genome in enumerate(genomes):
                for sequence in genome:
                    found, forward, valid = extract(sequence, offsets)
                    seeds.append(found[valid])
                    places.append(np.flatnonzero(valid) + start)
                    strands.append(forward[valid])
                    classes.append(np.full(valid.sum(), 1 << number, np.uint64))
                    start += len(sequence) + 1000
            seeds, places, strands, classes = map(np.concatenate, (seeds, places, strands, classes))
            order = np.lexsort((places, seeds))
            seeds, places, strands, classes = seeds[order], places[order], strands[order], classes[order]
            first = np.flatnonzero(np.r_[True, seeds[1:] != seeds[:-1]])
            self.tables.append((seeds[first], places[first].astype(np.int64), strands[first], np.bitwise_or.reduceat(classes, first)))


@numba.njit(cache=True)
def find(seeds, seed):
    low, high = 0, len(seeds)
    while low < high:
        middle = (low + high) // 2
        if seeds[middle] < seed:
            low = middle + 1
        else:
            high = middle
    return low if low < len(seeds) and seeds[low] == seed else -1


def matched(index: Index, codes: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns, by class, hits, bases under all hits, bases under the hits of the best chain, and its extension in nats."""
    rows = []
    for number, offsets in enumerate(index.patterns):
        seeds, forward, valid = extract(codes, offsets)
        rows.append(look_up(*index.tables[number], seeds, forward, valid, offsets[-1], number))
    hits = np.concatenate(rows)
    padded = np.full((len(index.patterns), max(len(o) for o in index.patterns)), -1)
    for number, offsets in enumerate(index.patterns):
        padded[number, : len(offsets)] = offsets
    hits = hits[np.lexsort((hits[:, 1], hits[:, 0]))]
    assumed = np.minimum(errors + DIVERGENCE, 0.75)
    return chains(hits, padded, codes, np.log(4 * (1 - assumed)), np.log(4 * assumed / 3), index.text, len(index.sizes))


@numba.njit(cache=True)
def look_up(table, places, strands, classes, seeds, forward, valid, last, number):
    rows = np.empty((len(seeds), 4), np.int64)
    count = 0
    for at in range(len(seeds)):
        if not valid[at]:
            continue
        found = find(table, seeds[at])
        if found < 0:
            continue
        same = strands[found] == forward[at]
        # A diagonal of the other strand is negative, so the strands never share a chain.
        rows[count, 0] = places[found] - at if same else -(places[found] + at + last)
        rows[count, 1] = at
        rows[count, 2] = np.int64(classes[found])
        rows[count, 3] = number
        count += 1
    return rows[:count]


@numba.njit(cache=True)
def extended(chain, last, codes, match, mismatch, text):
    """Returns the nats of the hits of one chain, by their positions in the read: segments without gaps, which do not overlap."""
    order = np.argsort(chain[:, 1])
    total, end, diagonal = 0.0, 0, np.int64(0)
    for i in order:
        key, at = chain[i, 0], chain[i, 1]
        if at + last[chain[i, 3]] < end:
            continue
        reverse = key < 0
        best, score, best_end = 0.0, 0.0, max(at, end)
        for j in range(max(at, end), len(codes)):  # to the right
            base = 3 - text[-key - j] if reverse else text[key + j]
            score += match[j] if base == codes[j] else mismatch[j]
            if score > best:
                best, best_end = score, j + 1
            elif score < best - DROP:
                break
        right, best, score = best, 0.0, 0.0
        for j in range(min(at, len(codes)) - 1, end - 1, -1):  # to the left
            base = 3 - text[-key - j] if reverse else text[key + j]
            score += match[j] if base == codes[j] else mismatch[j]
            if score > best:
                best = score
            elif score < best - DROP:
                break
        cost = GAP + LONGER_GAP * np.log(abs(key - diagonal)) if total > 0 and key != diagonal else 0.0
        segment = right + best - cost
        if segment > 0:
            total += segment
            end, diagonal = best_end, key
    return total


@numba.njit(cache=True)
def chains(hits, patterns, codes, match, mismatch, text, classes):
    numbers, under, best, nats = np.zeros(classes), np.zeros(classes), np.zeros(classes), np.zeros(classes)
    length = len(codes)
    covered = np.zeros((classes, length), np.bool_)
    in_chain = np.zeros((classes, length), np.bool_)
    last = np.array([row.max() for row in patterns])
    first = 0
    for i in range(len(hits) + 1):
        if i > 0 and (i == len(hits) or hits[i, 0] - hits[i - 1, 0] >= BAND):
            chain = hits[first:i]
            score = extended(chain, last, codes, match, mismatch, text)
            for c in range(classes):
                have = 0
                for hit in chain:
                    have += (hit[2] >> c) & 1
                nats[c] = max(nats[c], score * have / len(chain))
                best[c] = max(best[c], in_chain[c].sum())
            in_chain[:] = False
            first = i
        if i == len(hits):
            break
        for c in range(classes):
            if (hits[i, 2] >> c) & 1:
                numbers[c] += 1
                for offset in patterns[hits[i, 3]]:
                    if offset >= 0:
                        covered[c, hits[i, 1] + offset] = True
                        in_chain[c, hits[i, 1] + offset] = True
    for c in range(classes):
        best[c] = max(best[c], in_chain[c].sum())
        under[c] = covered[c].sum()
    return numbers, under, best, nats
