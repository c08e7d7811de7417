//! What the mates of a pair say of each other where they overlap.
//!
//! Both have read the same molecule there. Where they agree, and nothing else is known, both are
//! right. Where they do not, one of them is wrong: which one, other reads may tell; if they do not,
//! that is a dispute.

use bm_reads::base::{self, UNKNOWN};
use std::ops::Range;

use bm_reads::{Phred, ReadRef};
use bm_truth::{Overlap, OverlapRules, overlap};

use super::Label;
use crate::sample::{Kept, RunSample};

/// Two bases of mates of which one is wrong, by their places in the sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dispute {
    pub(crate) first: usize,
    pub(crate) second: usize,
}

/// Where the two mates of a pair lie on each other.
pub(super) struct Overlapping {
    /// Bases of the first mate, as places in the sample.
    first: Range<usize>,
    /// The base of the second mate that lies on the first one of them; those after it go backward.
    second: usize,
}

/// Finds the overlaps of the pairs whose first mates are these reads.
pub(super) fn overlaps(sample: &RunSample, first_mates: &[usize]) -> Vec<Overlapping> {
    let rules = OverlapRules::default();
    let (mut letters, mut scores) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut found = Vec::new();
    for index in first_mates {
        let (one, other) = (sample.reads[*index], sample.reads[index + 1]);
        for (i, read) in [one, other].into_iter().enumerate() {
            let bases = read.start..read.start + read.length;
            letters[i].clear();
            letters[i].extend(sample.bases[bases.clone()].iter().map(|code| base::letter(*code)));
            scores[i].clear();
            scores[i].extend(sample.scores[bases].iter().map(|score| score + Phred::OFFSET));
        }
        let [ours, theirs] = [0, 1].map(|i| ReadRef {
            name: b"",
            sequence: &letters[i],
            quality_scores: &scores[i],
        });
        found.extend(overlap(ours, theirs, &rules).map(|overlap| place(one, other, overlap)));
    }
    found
}

fn place(one: Kept, other: Kept, overlap: Overlap) -> Overlapping {
    let start = overlap.offset.max(0) as usize;
    // The last base of the second mate's reverse complement is its first.
    let opposite = (other.length as isize - 1 - (start as isize - overlap.offset)) as usize;
    Overlapping {
        first: one.start + start..one.start + start + overlap.length,
        second: other.start + opposite,
    }
}

impl Overlapping {
    /// Adds to the labels what the mates say of each other, and to the disputes what they cannot
    /// settle; returns how many bases are labelled that were not.
    pub(super) fn add(
        &self,
        sample: &RunSample,
        labels: &mut [Label],
        disputes: &mut Vec<Dispute>,
    ) -> u64 {
        let mut settled = 0;
        for (i, first) in self.first.clone().enumerate() {
            let second = self.second - i;
            let (ours, theirs) = (sample.bases[first], sample.bases[second]);
            if ours >= UNKNOWN || theirs >= UNKNOWN {
                continue;
            }
            let agree = ours == 3 - theirs;
            match (agree, labels[first], labels[second]) {
                (true, Label::Unknown, Label::Unknown) => {
                    (labels[first], labels[second]) = (Label::Right, Label::Right);
                    settled += 2;
                }
                (false, Label::Unknown, Label::Unknown) => disputes.push(Dispute { first, second }),
                (_, Label::Unknown, known) => settled += settle(&mut labels[first], agree, known),
                (_, known, Label::Unknown) => settled += settle(&mut labels[second], agree, known),
                _ => {}
            }
        }
        settled
    }
}

/// Labels a base by what is known of the one that lies on it. That both are wrong in the same way
/// is no error of reading: such a base stays unknown.
fn settle(label: &mut Label, agree: bool, known: Label) -> u64 {
    *label = match (agree, known) {
        (true, Label::Right) | (false, Label::Wrong) => Label::Right,
        (false, Label::Right) => Label::Wrong,
        _ => return 0,
    };
    1
}
