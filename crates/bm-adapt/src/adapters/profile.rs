//! The consensus of reads from the start of an adapter on.

use bm_reads::base::UNKNOWN;

/// Longest consensus, in bases.
const LONGEST: usize = 80;

/// A column agrees if at least this fraction of its reads have the same base.
const AGREES: f64 = 0.6;

/// Longest stretch of columns that disagree within an adapter: index barcodes have 6 to 10 bases,
/// random ones (UMIs) up to 12, some kits have two of them.
const LONGEST_GAP: usize = 24;

/// After such a stretch, this many of the next [`AGAIN_OF`] columns have to agree, with at least
/// [`AGAIN_BASES`] different bases: past the end of adapters, instruments call G or A.
const AGAIN: usize = 7;
const AGAIN_OF: usize = 8;
const AGAIN_BASES: usize = 3;

/// Fewest reads of a column, unless others are asked for.
const FEWEST: u32 = 10;

/// No two adapters separate at a column in which at least this fraction of the reads have one base.
const NO_BRANCH: f64 = 0.85;

/// Bases by which two continuations of one start are told apart.
const BRANCH: usize = 8;

/// A tail of this many equal bases is not of the adapter: past its end, instruments see nothing,
/// and call G or A.
const HOMOPOLYMER: usize = 5;

/// The number of reads with each base, column by column from the start of an adapter.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    columns: Vec<[u32; 4]>,
}

impl Profile {
    /// Returns the consensus of tails of reads, each from the start of the adapter to the end of
    /// the read.
    pub(super) fn of(tails: &[&[u8]]) -> Self {
        Self::with_at_least(FEWEST, tails)
    }

    /// Returns the consensus of so many reads or more.
    pub(super) fn with_at_least(fewest: u32, tails: &[&[u8]]) -> Self {
        let mut columns = vec![[0u32; 4]; LONGEST];
        for tail in tails {
            for (column, code) in columns.iter_mut().zip(*tail) {
                if *code < UNKNOWN {
                    column[usize::from(*code)] += 1;
                }
            }
        }
        let mut profile = Self { columns };
        profile.columns.truncate(profile.end(fewest));
        profile.drop_homopolymers();
        profile
    }

    /// Returns the profiles of the adapters that begin alike and then differ, such as those of the
    /// two reads of a pair: one for each continuation that a fifth of the reads have. Barcodes are
    /// no continuations: after them, reads agree again.
    pub(super) fn branches(tails: &[&[u8]]) -> Vec<Self> {
        let whole = Self::of(tails);
        let differing = |column: &[u32; 4]| agreement(column) < NO_BRANCH;
        let at = whole.columns.iter().position(differing).unwrap_or(whole.columns.len());
        let mut next: Vec<&[u8]> =
            tails.iter().filter_map(|tail| tail.get(at..at + BRANCH)).collect();
        let enough = (next.len() / 5).max(FEWEST as usize);
        next.sort_unstable();
        let mut found: Vec<(usize, &[u8])> = next
            .chunk_by(|left, right| left == right)
            .filter(|group| group.len() >= enough)
            .map(|group| (group.len(), group[0]))
            .collect();
        found.sort_by_key(|(reads, bases)| (usize::MAX - reads, *bases));
        let differ = |left: &[u8], right: &[u8]| {
            left.iter().zip(right).filter(|(left, right)| left != right).count()
        };
        let mut kinds: Vec<&[u8]> = Vec::new();
        for (_, bases) in found {
            if kinds.iter().all(|kind| differ(kind, bases) > BRANCH / 3) {
                kinds.push(bases);
            }
        }
        if kinds.len() < 2 {
            return vec![whole];
        }
        let of_kind = |kind: &&[u8]| {
            let like = |tail: &&&[u8]| {
                tail.get(at..at + BRANCH).is_some_and(|bases| differ(bases, kind) <= BRANCH / 4)
            };
            Self::of(&tails.iter().filter(like).copied().collect::<Vec<_>>())
        };
        let found: Vec<Self> = kinds.iter().map(of_kind).collect();
        if found[0].meets(&found[1], at) { vec![whole] } else { found }
    }

    /// Returns whether two profiles have the same bases again at some place after `at`.
    fn meets(&self, other: &Self, at: usize) -> bool {
        let (left, right) = (self.consensus(), other.consensus());
        let pairs: Vec<(u8, u8)> = left.into_iter().zip(right).skip(at).collect();
        pairs.windows(AGAIN_OF).any(|window| {
            let same = window.iter().filter(|(left, right)| left == right && *left < UNKNOWN);
            is_again(same.map(|(base, _)| *base).collect())
        })
    }

    /// Returns where the consensus ends.
    fn end(&self, fewest: u32) -> usize {
        let first: u32 = self.columns[0].iter().sum();
        let enough = fewest.max(first / 20);
        let deep = |column: &[u32; 4]| column.iter().sum::<u32>() >= enough;
        let agrees = |column: &[u32; 4]| deep(column) && agreement(column) >= AGREES;
        let mut end = 0;
        for at in 0..LONGEST {
            let column = &self.columns[at];
            if !deep(column) || at - end > LONGEST_GAP {
                break;
            }
            let next = &self.columns[at..LONGEST.min(at + AGAIN_OF)];
            let again =
                || is_again(next.iter().filter(|column| agrees(column)).map(most).collect());
            if agrees(column) && (at == end || again()) {
                end = at + 1;
            }
        }
        end
    }

    /// Removes tails of equal bases, and the columns that disagree before them.
    fn drop_homopolymers(&mut self) {
        let consensus = self.consensus();
        let mut rest = &consensus[..];
        while let Some(last) = rest.last() {
            let tail = rest.iter().rev().take_while(|base| *base == last).count();
            if *last < UNKNOWN && tail < HOMOPOLYMER {
                break;
            }
            rest = &rest[..rest.len() - tail];
        }
        self.columns.truncate(rest.len());
    }

    /// Returns the number of columns.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Returns the base of each column; [`UNKNOWN`] where reads disagree.
    pub(super) fn consensus(&self) -> Vec<u8> {
        self.columns
            .iter()
            .map(|column| if agreement(column) >= AGREES { most(column) } else { UNKNOWN })
            .collect()
    }

    /// Returns the probability of each base in each column, with half a read added to each.
    pub(super) fn probabilities(&self) -> Vec<[f32; 4]> {
        let probability = |column: &[u32; 4]| {
            let reads: u32 = column.iter().sum();
            column.map(|count| (count as f32 + 0.5) / (reads as f32 + 2.0))
        };
        self.columns.iter().map(probability).collect()
    }
}

/// Returns whether the agreeing columns of [`AGAIN_OF`] are enough to go on after a gap.
fn is_again(mut bases: Vec<u8>) -> bool {
    let agreeing = bases.len();
    bases.sort_unstable();
    bases.dedup();
    agreeing >= AGAIN && bases.len() >= AGAIN_BASES
}

/// Returns the fraction of the reads that have the most frequent base.
fn agreement(column: &[u32; 4]) -> f64 {
    let reads: u32 = column.iter().sum();
    f64::from(column[usize::from(most(column))]) / f64::from(reads.max(1))
}

/// Returns the most frequent base; of equal ones the first in the alphabet.
pub(super) fn most(column: &[u32; 4]) -> u8 {
    (0..4u8).max_by_key(|base| (column[usize::from(*base)], 3 - base)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use bm_reads::base::{code, letter};

    use super::*;

    fn shown(profile: &Profile) -> String {
        profile.consensus().iter().map(|code| char::from(letter(*code))).collect()
    }

    fn codes(text: &str) -> Vec<u8> {
        text.bytes().map(code).collect()
    }

    fn tails(of: &[Vec<u8>]) -> Vec<&[u8]> {
        of.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn a_barcode_does_not_end_the_consensus() {
        let barcodes = ["ACGTAC", "TTGACA", "GACCTG", "CGTAGT"];
        let of: Vec<_> = (0..40)
            .map(|i| codes(&format!("AGATCGGAAGAGCAC{}ATCTCGTATGCC", barcodes[i % 4])))
            .collect();
        assert_eq!(shown(&Profile::of(&tails(&of))), "AGATCGGAAGAGCACNNNNNNATCTCGTATGCC");
    }

    #[test]
    fn what_follows_the_end_of_the_adapter_is_not_of_it() {
        let junk = ["ACGTACCATGAC", "TTGACAGGCTTA", "GACCTGTACAGT", "CGTAGTCTAGCG"];
        let with = |tail: fn(&str) -> String| -> String {
            let of: Vec<_> =
                (0..40).map(|i| codes(&format!("ATCTCGTATGCC{}", tail(junk[i % 4])))).collect();
            shown(&Profile::of(&tails(&of)))
        };
        assert_eq!(with(str::to_owned), "ATCTCGTATGCC");
        assert_eq!(with(|_| "G".repeat(30)), "ATCTCGTATGCC");
        assert_eq!(with(|junk| format!("{junk}{}", "G".repeat(30))), "ATCTCGTATGCC");
    }

    #[test]
    fn adapters_that_begin_alike_are_separate() {
        let both = ["AGATCGGAAGAGCACACGTCTGAACTCC", "AGATCGGAAGAGCGTCGTGTAGGGAAAG"];
        let of: Vec<_> = (0..60).map(|i| codes(both[usize::from(i % 3 == 0)])).collect();
        let found: Vec<_> = Profile::branches(&tails(&of)).iter().map(shown).collect();
        assert_eq!(found, both);
    }

    #[test]
    fn no_reads_give_no_columns() {
        assert_eq!(Profile::of(&[]).len(), 0);
        assert_eq!(Profile::branches(&[]).len(), 1);
    }
}
