//! What reads have on both sides of the start of a word: whether an adapter begins there.

use std::collections::BTreeMap;

use bm_reads::base::UNKNOWN;

use super::profile::most;
use super::reads::Reads;
use super::words::{K, Place, known_parts, number};

/// Bases of a context, the bases before the word.
pub(super) const CONTEXT: usize = 4;

/// Smallest diversity of the contexts before an unknown adapter, over the sample's.
pub(super) const DIVERSITY: f64 = 0.6;

/// Bases before the word by which molecules are told apart; copies of one molecule count once.
const MOLECULE: usize = 16;

/// Bases after the word that are compared.
const AFTER: usize = 8;

/// Reads at their first bases show the sample: contexts are compared with those in this range.
const SAMPLE: std::ops::Range<usize> = 4..32;

/// Returns the effective number of kinds: the exponential of the entropy of their counts
/// (Hill 1973, Ecology 54:427, order 1). 0 without counts.
pub(super) fn effective(counts: &[u32]) -> f64 {
    let all: f64 = counts.iter().copied().map(f64::from).sum();
    if all == 0.0 {
        return 0.0;
    }
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|fraction| -fraction * fraction.ln())
        .sum();
    entropy.exp()
}

/// Returns the number of a context; `None` if it has an unknown base or too few.
fn context(before: &[u8]) -> Option<usize> {
    let bases = before.last_chunk::<CONTEXT>()?;
    bases.iter().all(|code| *code < UNKNOWN).then(|| number(bases))
}

/// How the sample of a run looks, for comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Background {
    /// Effective number of contexts in the sample.
    pub(super) contexts: f64,
    /// Effective number of contexts with which reads begin, over the same in the sample: near 1 if
    /// reads begin anywhere, near 0 if they begin at primers or restriction sites.
    pub(super) free_starts: f64,
    /// Frequency of each base.
    pub(super) bases: [f64; 4],
}

impl Background {
    /// Returns the background of reads.
    pub(super) fn of(reads: &Reads) -> Self {
        let size = 1 << (2 * CONTEXT);
        let (mut inside, mut starts, mut counts) = (vec![0u32; size], vec![0u32; size], [0u64; 4]);
        for read in reads.iter() {
            let part = &read[SAMPLE.start.min(read.len())..SAMPLE.end.min(read.len())];
            known_parts(part, |_, part| {
                part.windows(CONTEXT).for_each(|context| inside[number(context)] += 1);
            });
            if let Some(context) = read.get(..CONTEXT).and_then(context) {
                starts[context] += 1;
            }
            // In parts, so that a number fits in a byte: many bases are compared at once.
            for part in read.chunks(usize::from(u8::MAX)) {
                for (code, count) in (0u8..).zip(&mut counts) {
                    *count +=
                        u64::from(part.iter().map(|other| u8::from(*other == code)).sum::<u8>());
                }
            }
        }
        let bases = counts.map(|count| count as f64 + 0.5);
        let contexts = effective(&inside);
        let all: f64 = bases.iter().sum();
        Self {
            contexts,
            free_starts: effective(&starts) / contexts.max(1.0),
            bases: bases.map(|count| count / all),
        }
    }
}

/// What reads have before a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// Reads that have a whole context of known bases before it.
    pub(super) reads: usize,
    /// The same, with copies of a molecule counted once.
    pub(super) molecules: usize,
    /// Effective number of contexts, by molecules.
    pub(super) contexts: f64,
    /// Effective number of distances from the start of the read, by molecules.
    pub(super) starts: f64,
}

impl Before {
    /// Returns what reads have before these places.
    pub(super) fn of(reads: &Reads, places: &[Place]) -> Self {
        // Bases before the place first: sorted, copies of a molecule are neighbours.
        let mut molecules: Vec<(&[u8], usize)> = places
            .iter()
            .map(|(index, at)| (&reads.read(*index)[at.saturating_sub(MOLECULE)..*at], *at))
            .filter(|(before, _)| context(before).is_some())
            .collect();
        let after_context = molecules.len();
        molecules.sort_unstable();
        // A short insert is a molecule with its length; a longer one, by the bases before the end.
        molecules.dedup_by_key(|(before, at)| (*before, (*at).min(MOLECULE)));
        let (mut contexts, mut starts) = (vec![0u32; 1 << (2 * CONTEXT)], BTreeMap::new());
        for (before, at) in &molecules {
            if let Some(context) = context(before) {
                contexts[context] += 1;
            }
            *starts.entry(*at).or_insert(0u32) += 1;
        }
        Self {
            reads: after_context,
            molecules: molecules.len(),
            contexts: effective(&contexts),
            starts: effective(&starts.into_values().collect::<Vec<_>>()),
        }
    }

    /// Returns the effective number of contexts over the number expected if inserts end anywhere in
    /// the sample.
    ///
    /// As many molecules as there are kinds show about half of them: 1 / (1/kinds + 1/molecules)
    /// is within a fifth of the expectation, and below it.
    pub(super) fn diversity(&self, background: &Background) -> f64 {
        self.contexts * (1.0 / background.contexts.max(1.0) + 1.0 / self.molecules.max(1) as f64)
    }
}

/// What reads have around a word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boundary {
    /// Reads that have the word.
    pub(super) reads: usize,
    /// What they have before it.
    pub(super) before: Before,
    /// Fraction of the reads whose bases after the word differ from the consensus at most once, of
    /// those that have so many.
    pub(super) agreement: f64,
    /// Number of reads that have so many.
    pub(super) compared: usize,
}

impl Boundary {
    /// Returns what reads have around a word that they have at these places.
    pub(super) fn of(reads: &Reads, places: &[Place]) -> Self {
        let mut columns = [[0u32; 4]; AFTER];
        for (index, at) in places {
            for (column, code) in columns.iter_mut().zip(&reads.read(*index)[at + K..]) {
                if *code < UNKNOWN {
                    column[usize::from(*code)] += 1;
                }
            }
        }
        let consensus = columns.map(|column| most(&column));
        let tails =
            places.iter().filter_map(|(index, at)| reads.read(*index)[at + K..].first_chunk());
        let agrees = |tail: &&[u8; AFTER]| {
            tail.iter().zip(&consensus).filter(|(base, most)| base != most).count() <= 1
        };
        let compared = tails.clone().count();
        Self {
            reads: places.len(),
            before: Before::of(reads, places),
            agreement: tails.filter(agrees).count() as f64 / compared.max(1) as f64,
            compared,
        }
    }

    /// Returns a number by which boundaries are compared: the information in the contexts of all
    /// molecules, in nats. It is largest exactly where the adapter begins.
    pub(super) fn score(&self) -> f64 {
        self.before.molecules as f64 * self.before.contexts.max(1.0).ln()
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadRef;

    use super::super::words::{WordSet, word};
    use super::*;

    #[test]
    fn the_effective_number_of_equal_kinds_is_their_number() {
        assert!((effective(&[5, 5, 5, 0]) - 3.0).abs() < 1e-12);
        assert!((effective(&[7]) - 1.0).abs() < 1e-12);
        assert!(effective(&[0, 0]) == 0.0);
        assert!(effective(&[9, 1]) < 1.5);
    }

    #[test]
    fn copies_of_a_molecule_count_once() {
        let reads: Vec<String> = ["ACGTACGTTT", "ACGTACGTTT", "GGCATTCAGG", "AC"]
            .iter()
            .map(|insert| format!("{insert}CGTTACGGCATTCAGGATCAAG"))
            .collect();
        let read =
            |text: &'static [u8]| ReadRef { name: b"", sequence: text, quality_scores: text };
        let texts: Vec<&'static [u8]> =
            reads.into_iter().map(|read| &*read.into_bytes().leak()).collect();
        let reads = Reads::first(texts.iter().map(|text| read(text)), 9, 999);
        let codes: Vec<u8> =
            b"CGTTACGGCATT".iter().map(|base| bm_reads::base::code(*base)).collect();
        let words = [word(&codes).expect("a word")];
        let places = WordSet::new(&words).places(&reads, 0..4, 9, |_| {});
        assert_eq!(places, [[(0, 10), (1, 10), (2, 10), (3, 2)]]);
        let boundary = Boundary::of(&reads, &places[0]);
        assert_eq!((boundary.reads, boundary.before.reads, boundary.before.molecules), (4, 3, 2));
        assert!((boundary.before.contexts - 2.0).abs() < 1e-12 && boundary.agreement == 1.0);
    }
}
