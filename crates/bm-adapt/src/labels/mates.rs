//! Labels from mates that overlap.
//!
//! Overlapping mates have read the same molecule. Where they agree and other reads give no label,
//! both bases are right. Where they disagree, one of them is wrong: other reads may decide which
//! one. If they do not, the two bases are a dispute.

use std::ops::Range;

use bm_reads::base::{self, UNKNOWN};
use bm_reads::{Phred, ReadRef};
use bm_truth::{Overlap, OverlapRules, overlap};

use super::label::Label;
use crate::sample::{Kept, RunSample, seen};

/// Two bases where mates disagree and no other read decides, by their indices in the sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dispute {
    pub(crate) first: usize,
    pub(crate) second: usize,
}

/// The overlap of two mates.
pub(super) struct Overlapping {
    /// Indices of the first mate's bases in the sample.
    first: Range<usize>,
    /// Index of the second mate's base opposite the first of them; the others follow backward.
    second: usize,
}

/// Returns the overlaps of the pairs whose first mates are these reads.
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
    // The first base of the second mate is the last one of its reverse complement.
    let opposite = (other.length as isize - 1 - (start as isize - overlap.offset)) as usize;
    Overlapping {
        first: one.start + start..one.start + start + overlap.length,
        second: other.start + opposite,
    }
}

impl Overlapping {
    /// Adds labels where the mates overlap, and disputes where they disagree and no other read
    /// decides; returns the number of bases that had no label before.
    pub(super) fn add(
        &self,
        sample: &RunSample,
        labels: &mut [Label],
        disputes: &mut Vec<Dispute>,
    ) -> u64 {
        let mut settled = 0;
        for (i, first) in self.first.clone().enumerate() {
            let second = self.second - i;
            let (ours, theirs) = (seen(sample.bases[first]), seen(sample.bases[second]));
            if ours >= UNKNOWN || theirs >= UNKNOWN {
                continue;
            }
            let agree = ours == 3 - theirs;
            match (agree, labels[first], labels[second]) {
                (true, Label::Unknown, Label::Unknown) => {
                    (labels[first], labels[second]) = (Label::Right, Label::Right);
                    settled += 2;
                }
                (false, Label::Unknown, Label::Unknown) => {
                    // A hidden base is of a cycle that may have failed, far more often than the other.
                    match [first, second].map(|at| sample.is_hidden(at)) {
                        [true, false] => labels[first] = Label::Wrong,
                        [false, true] => labels[second] = Label::Wrong,
                        _ => disputes.push(Dispute { first, second }),
                    }
                }
                (_, Label::Unknown, other) => settled += settle(&mut labels[first], agree, other),
                (_, other, Label::Unknown) => settled += settle(&mut labels[second], agree, other),
                _ => {}
            }
        }
        settled
    }
}

/// Labels a base by the label of the opposite base. If both agree and that one is wrong, the error
/// was not made in reading: the base stays unknown.
fn settle(label: &mut Label, agree: bool, other: Label) -> u64 {
    *label = match (agree, other) {
        (true, Label::Right) | (false, Label::Wrong) => Label::Right,
        (false, Label::Right) => Label::Wrong,
        _ => return 0,
    };
    1
}
