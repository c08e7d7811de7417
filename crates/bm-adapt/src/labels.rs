//! Labels: which bases are wrong, by the other reads of the run.
//!
//! All reads with an anchor are laid over each other there. In each column to either side, a base
//! that very few reads have is wrong, and a base that many reads have is right. A mixed column,
//! with a base of intermediate frequency, gives no labels: it may be a rare variant, a repeat, a
//! systematic error, or three alleles. A read that stops agreeing is ignored from there on: it has
//! an indel, or comes from another position.
//!
//! A base that is wrong in the columns of one anchor and right in those of another is right: at the
//! second anchor it is among reads of its own strain or repeat copy. A base is not labelled wrong
//! either if many reads have the anchor that covers it.

mod arm;
mod column;
mod label;
mod mates;

use std::sync::LazyLock;

use bm_quality::FailedCycles;
use bm_reads::Phred;

use crate::anchors::{Anchor, K};
use crate::cycles::LabelsByCycle;
use crate::parallel::in_parallel;
use crate::sample::RunSample;

use self::arm::{Arm, Occurrence};
use self::column::{Column, Qualities};
pub use self::label::Label;
pub(crate) use self::mates::Dispute;
use self::mates::{Overlapping, overlaps};

/// Bases to either side of an anchor that are labelled.
const REACH: usize = 256;

/// Fewest reads of an anchor, and of a column.
const DEEP: usize = 6;

/// Most reads of an anchor that are laid over each other.
const MOST_READS: usize = 4096;

/// Reads that may have the anchor that covers a wrong base, at any depth.
const FEW_READS: f64 = 3.0;

/// Most threads: each needs memory for the labels of all bases.
const MOST_THREADS: usize = 8;

/// A read of the sample with its labels.
#[derive(Clone, Copy, Debug)]
pub struct LabelledRead<'a> {
    /// Number of the read, or of the pair, in the run, from 0.
    pub template: u64,
    /// 1, or 2 for the second mate.
    pub mate: u8,
    /// The labels of its bases that are of the sample.
    pub labels: &'a [Label],
    /// Number of bases in front of these, and behind them, that are not of the sample.
    pub outside: [usize; 2],
}

/// The labels of the bases of a sample.
#[derive(Clone, Debug)]
pub struct Labels {
    of_bases: Vec<Label>,
    /// Whether few reads have a base, with other qualities than errors have; empty if there is none.
    unlike_errors: Vec<bool>,
    disputes: Vec<Dispute>,
    by_mates: u64,
    depth: usize,
    anchors: usize,
    columns: u64,
    mixed_columns: u64,
    failed_cycles: FailedCycles,
    /// Errors per base that long reads report, if they have so many gaps that no base was labelled.
    gaps: Option<f64>,
}

impl Labels {
    /// Returns the labels of a sample, computed on at most `threads` threads. The result does not
    /// depend on their number.
    pub fn of(sample: &RunSample, threads: usize) -> Self {
        let found = occurrences(sample);
        let groups: Vec<&[Occurrence]> = found.chunk_by(|a, b| a.hash == b.hash).collect();
        let support = support(sample, &groups);
        let deep: Vec<_> = groups.iter().copied().filter(|group| group.len() >= DEEP).collect();
        let threads = threads.clamp(1, MOST_THREADS);
        let mut parts = in_parallel(&parts_of(&deep, threads), threads, |groups| {
            Part::of(sample, &support, groups)
        })
        .into_iter();
        let mut all = parts.next().unwrap_or_else(|| Part::of(sample, &support, &[]));
        for part in parts {
            all.labels.iter_mut().zip(part.labels).for_each(|(label, other)| label.add(other));
            if all.unlike_errors.is_empty() {
                all.unlike_errors = part.unlike_errors;
            } else {
                all.unlike_errors
                    .iter_mut()
                    .zip(part.unlike_errors)
                    .for_each(|(unlike, other)| *unlike |= other);
            }
            all.columns += part.columns;
            all.mixed_columns += part.mixed_columns;
        }
        let mut labels = Self {
            of_bases: all.labels,
            unlike_errors: all.unlike_errors,
            disputes: Vec::new(),
            by_mates: 0,
            depth: median_depth(&groups),
            anchors: found.len(),
            columns: all.columns,
            mixed_columns: all.mixed_columns,
            failed_cycles: FailedCycles::none(),
            gaps: None,
        };
        labels.add_mates(sample, threads);
        labels
    }

    /// Returns the labels of a run's sample, and finds the cycles that failed. The bases of these get no
    /// labels, and are hidden in the sample: nothing is to be learned from them but the rates of the
    /// cycles. Long reads with many gaps get no labels: they do not align in columns.
    pub fn of_run(sample: &mut RunSample, threads: usize) -> Self {
        let traits = sample.traits();
        if traits.have_gaps() {
            return Self::none(sample, traits.error_rate());
        }
        let labels = Self::of(sample, threads);
        // Long reads are not made in cycles.
        if traits.are_long() {
            return labels;
        }
        let suspects = LabelsByCycle::of(sample, &labels.of_bases).suspects();
        if suspects.is_empty() {
            return labels;
        }
        sample.hide(&suspects);
        let without = Self::of(sample, threads);
        let failed = LabelsByCycle::of(sample, &without.of_bases).failed(&suspects);
        let mut labels = if failed == suspects {
            without
        } else {
            sample.hide(&failed);
            if failed.is_empty() {
                return labels;
            }
            Self::of(sample, threads)
        };
        labels.failed_cycles = LabelsByCycle::of(sample, &labels.of_bases).measure(&failed);
        for (at, label) in labels.of_bases.iter_mut().enumerate() {
            if sample.is_hidden(at) {
                *label = Label::Unknown;
            }
        }
        labels
    }

    /// Returns no labels, for long reads that report this many errors per base.
    fn none(sample: &RunSample, error_rate: f64) -> Self {
        Self {
            of_bases: vec![Label::Unknown; sample.bases.len()],
            unlike_errors: Vec::new(),
            disputes: Vec::new(),
            by_mates: 0,
            depth: 0,
            anchors: 0,
            columns: 0,
            mixed_columns: 0,
            failed_cycles: FailedCycles::none(),
            gaps: Some(error_rate),
        }
    }

    /// Returns the errors per base that long reads report, if they have so many gaps that no base was
    /// labelled.
    pub fn gaps(&self) -> Option<f64> {
        self.gaps
    }

    /// Returns the cycles that failed in the run: none unless they were looked for
    /// ([`Labels::of_run`]).
    pub fn failed_cycles(&self) -> &FailedCycles {
        &self.failed_cycles
    }

    /// Adds labels from overlapping mates.
    fn add_mates(&mut self, sample: &RunSample, threads: usize) {
        let first_mates: Vec<_> =
            (0..sample.reads.len()).filter(|read| sample.reads[*read].has_mate).collect();
        let parts: Vec<_> =
            first_mates.chunks(first_mates.len().div_ceil(threads).max(1)).collect();
        let found: Vec<Vec<Overlapping>> =
            in_parallel(&parts, threads, |reads| overlaps(sample, reads));
        for overlap in found.iter().flatten() {
            self.by_mates += overlap.add(sample, &mut self.of_bases, &mut self.disputes);
        }
    }

    /// Returns the labels of all bases, one read after the other.
    ///
    /// **Shape** `[bases of the sample]`.
    pub fn of_bases(&self) -> &[Label] {
        &self.of_bases
    }

    /// Returns the reads of the sample with their labels, in the order of the sample.
    pub fn of_reads<'a>(&'a self, sample: &'a RunSample) -> impl Iterator<Item = LabelledRead<'a>> {
        sample.reads.iter().enumerate().map(|(index, read)| LabelledRead {
            template: read.template,
            mate: 1 + u8::from(index > 0 && sample.reads[index - 1].has_mate),
            labels: &self.of_bases[read.start..read.start + read.length],
            outside: read.outside.map(|bases| bases as usize),
        })
    }

    /// Returns the pairs of bases where mates disagree and no other read decides, in the order of
    /// the first base.
    pub(crate) fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// Returns whether few reads have the base with this index, but with other qualities than errors
    /// have.
    pub(crate) fn is_unlike_errors(&self, at: usize) -> bool {
        self.unlike_errors.get(at).copied().unwrap_or(false)
    }

    /// Returns the number of bases labelled by the mate alone.
    pub fn by_mates(&self) -> u64 {
        self.by_mates
    }

    /// Returns the median depth, in reads per anchor.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the number of anchors in all reads.
    pub(crate) fn anchors(&self) -> usize {
        self.anchors
    }

    /// Returns the fraction of mixed columns among those with enough reads.
    pub fn mixed_fraction(&self) -> f64 {
        self.mixed_columns as f64 / self.columns.max(1) as f64
    }
}

/// Returns the anchors of all reads, sorted by k-mer.
fn occurrences(sample: &RunSample) -> Vec<Occurrence> {
    let mut found = Vec::new();
    for (index, read) in sample.reads.iter().enumerate() {
        sample.anchors_of(index, |Anchor { hash, at, reverse }| {
            found.push(Occurrence {
                hash,
                at: (read.start + at) as u32,
                read: (index as u32) << 1 | u32::from(reverse),
            });
        });
    }
    found.sort_unstable_by_key(|occurrence| (occurrence.hash, occurrence.at));
    found
}

/// Returns for each base the number of reads with the most frequent anchor that covers it.
fn support(sample: &RunSample, groups: &[&[Occurrence]]) -> Vec<u16> {
    let mut support = vec![0u16; sample.bases.len()];
    for group in groups.iter().filter(|group| group.len() > 1) {
        let size = group.len().min(usize::from(u16::MAX)) as u16;
        for occurrence in *group {
            let at = occurrence.at as usize;
            support[at..at + K].iter_mut().for_each(|support| *support = size.max(*support));
        }
    }
    support
}

/// Returns the groups in `parts` parts of about equal numbers of occurrences.
fn parts_of<'a, 'b>(groups: &'a [&'b [Occurrence]], parts: usize) -> Vec<&'a [&'b [Occurrence]]> {
    let all: usize = groups.iter().map(|group| group.len()).sum();
    let mut split = Vec::with_capacity(parts);
    let (mut from, mut sum) = (0, 0);
    for (i, group) in groups.iter().enumerate() {
        sum += group.len();
        if sum * parts >= all * (split.len() + 1) {
            split.push(&groups[from..=i]);
            from = i + 1;
        }
    }
    split
}

/// Returns the median size of the groups, weighted by their size.
fn median_depth(groups: &[&[Occurrence]]) -> usize {
    let mut sizes: Vec<_> = groups.iter().map(|group| group.len()).collect();
    sizes.sort_unstable();
    let half = sizes.iter().sum::<usize>() / 2;
    let mut sum = 0;
    let reached = |size: &usize| {
        sum += size;
        sum >= half
    };
    sizes.iter().copied().find(reached).unwrap_or(0)
}

/// Labels by some of the anchors.
struct Part {
    labels: Vec<Label>,
    unlike_errors: Vec<bool>,
    columns: u64,
    mixed_columns: u64,
}

/// The error probability of each reported quality, and its natural logarithm.
static ERRORS: LazyLock<[(f32, f32); 94]> = LazyLock::new(|| {
    std::array::from_fn(|score| {
        let p = Phred::new(score as u8).map_or(1.0, Phred::error_probability).min(0.75);
        (p as f32, p.ln() as f32)
    })
});

impl Part {
    /// Takes back labels of bases that have other qualities than errors have, and marks these bases.
    #[cold]
    #[inline(never)]
    fn by_qualities<'a>(
        &mut self,
        sample: &RunSample,
        arms: impl Iterator<Item = (Arm, &'a usize)> + Clone,
        columns: &mut [Column],
    ) {
        let (errors, mut qualities) = (&*ERRORS, vec![Qualities::default(); columns.len()]);
        for (arm, agrees) in arms.clone() {
            for (qualities, at) in qualities.iter_mut().zip(arm.positions()).take(*agrees) {
                let (p, logarithm) = errors[usize::from(sample.scores[at]).min(errors.len() - 1)];
                qualities.add(arm.base(sample, at), p, logarithm);
            }
        }
        columns.iter_mut().zip(&mut qualities).for_each(|(column, of)| column.reconsider(of));
        self.unlike_errors.resize(sample.bases.len(), false);
        for (arm, agrees) in arms {
            for (qualities, at) in qualities.iter().zip(arm.positions()).take(*agrees) {
                self.unlike_errors[at] |= qualities.is_unlike_errors(arm.base(sample, at));
            }
        }
    }

    fn of(sample: &RunSample, support: &[u16], groups: &[&[Occurrence]]) -> Self {
        let mut part = Self {
            labels: vec![Label::Unknown; sample.bases.len()],
            unlike_errors: Vec::new(),
            columns: 0,
            mixed_columns: 0,
        };
        let (mut columns, mut agreeing) = (vec![Column::default(); REACH], Vec::new());
        for group in groups {
            let group = &group[..group.len().min(MOST_READS)];
            for right in [false, true] {
                let arms = group.iter().map(|occurrence| occurrence.arm(sample, right, REACH));
                part.add(sample, support, arms, &mut columns, &mut agreeing);
            }
        }
        part
    }

    /// Adds labels from one side of an anchor.
    fn add(
        &mut self,
        sample: &RunSample,
        support: &[u16],
        arms: impl Iterator<Item = Arm> + Clone,
        columns: &mut [Column],
        agreeing: &mut Vec<usize>,
    ) {
        columns.fill(Column::default());
        for arm in arms.clone() {
            for (column, at) in columns.iter_mut().zip(arm.positions()) {
                column.count(arm.base(sample, at));
            }
        }
        columns.iter_mut().for_each(Column::agree);
        // Counts again, only reads that still agree.
        agreeing.clear();
        agreeing.extend(arms.clone().map(|arm| arm.agreement(sample, columns)));
        columns.iter_mut().for_each(Column::restart);
        for (arm, agrees) in arms.clone().zip(&*agreeing) {
            for (column, at) in columns.iter_mut().zip(arm.positions()).take(*agrees) {
                column.count(arm.base(sample, at));
            }
        }
        let mut asking = 0;
        let deep = columns.iter_mut().zip(1..).filter(|(column, _)| column.reads() >= DEEP);
        for (column, number) in deep {
            self.columns += 1;
            self.mixed_columns += u64::from(!column.decide());
            asking = if column.asks_for_qualities() { number } else { asking };
        }
        if asking > 0 {
            self.by_qualities(sample, arms.clone().zip(&*agreeing), &mut columns[..asking]);
        }
        for (arm, agrees) in arms.zip(&*agreeing) {
            for (column, at) in columns.iter().zip(arm.positions()).take(*agrees) {
                let label = column.label(arm.base(sample, at));
                if label != Label::Wrong || f64::from(support[at]) <= column.few().max(FEW_READS) {
                    self.labels[at].add(label);
                }
            }
        }
    }
}
