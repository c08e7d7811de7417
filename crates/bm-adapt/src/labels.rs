//! Which bases are wrong, as the reads of a run say of each other.
//!
//! All reads that have an anchor are laid over each other there. To either side of it each column
//! has a base that most reads agree on; what only very few reads have is an error of theirs, what
//! many have is right. A column where something in between is seen (a rare variant, a repeat, a
//! systematic error, both alleles of a heterozygous site beside a third) says nothing. A read that
//! stops agreeing is left alone from there on: it has a gap, or comes from another place.
//!
//! A base that is wrong in one anchor's columns and right in another's is right: there it stands
//! with others of its own strain, or of its own copy of a repeat. So is one whose surroundings many
//! reads share; it is none of the few.

mod arm;
mod column;
mod mates;

use crate::kmer::{Anchor, K};
use crate::parallel::in_parallel;
use crate::sample::RunSample;

use self::arm::{Arm, Occurrence};
use self::column::Column;
pub(crate) use self::mates::Dispute;
use self::mates::{Overlapping, overlaps};

/// Bases to either side of an anchor that are looked at.
const REACH: usize = 256;

/// Reads that an anchor must have, and a column.
const DEEP: usize = 6;

/// Most reads of an anchor that are laid over each other.
const MOST_READS: usize = 4096;

/// Reads that may share the surroundings of a wrong base, whatever the depth.
const FEW_READS: f64 = 3.0;

/// Most threads: each has labels of its own for all bases.
const MOST_THREADS: usize = 8;

/// What is known of a base.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Label {
    /// Nothing.
    #[default]
    Unknown,
    /// Other reads agree with it.
    Right,
    /// Other reads agree on something else.
    Wrong,
}

impl Label {
    /// Whoever stands by a base knows a place where it is right.
    fn add(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Right, _) | (_, Self::Right) => Self::Right,
            (Self::Wrong, _) | (_, Self::Wrong) => Self::Wrong,
            (Self::Unknown, Self::Unknown) => Self::Unknown,
        };
    }
}

/// A read that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct LabelledRead<'a> {
    /// Its number in the run, from 0; that of its pair, if it has a mate.
    pub template: u64,
    /// 1, or 2 for the second mate.
    pub mate: u8,
    /// What is known of its bases.
    pub labels: &'a [Label],
}

/// What is known of the bases of a sample.
#[derive(Clone, Debug)]
pub struct Labels {
    of_bases: Vec<Label>,
    disputes: Vec<Dispute>,
    by_mates: u64,
    depth: usize,
    anchors: usize,
    columns: u64,
    mixed_columns: u64,
}

impl Labels {
    /// Lays the reads of a sample over each other, on so many threads; what comes out does not
    /// depend on their number.
    pub fn of(sample: &RunSample, threads: usize) -> Self {
        let found = occurrences(sample);
        let groups: Vec<&[Occurrence]> = found.chunk_by(|a, b| a.hash == b.hash).collect();
        let support = support(sample, &groups);
        let deep: Vec<_> = groups.iter().copied().filter(|group| group.len() >= DEEP).collect();
        let threads = threads.clamp(1, MOST_THREADS);
        let mut parts = in_parallel(&shares(&deep, threads), threads, |groups| {
            Part::of(sample, &support, groups)
        })
        .into_iter();
        let mut all = parts.next().unwrap_or_else(|| Part::of(sample, &support, &[]));
        for part in parts {
            all.labels.iter_mut().zip(part.labels).for_each(|(label, other)| label.add(other));
            all.columns += part.columns;
            all.mixed_columns += part.mixed_columns;
        }
        let mut labels = Self {
            of_bases: all.labels,
            disputes: Vec::new(),
            by_mates: 0,
            depth: typical_size(&groups),
            anchors: found.len(),
            columns: all.columns,
            mixed_columns: all.mixed_columns,
        };
        labels.add_mates(sample, threads);
        labels
    }

    /// Adds what mates say of each other.
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

    /// Returns the labels of the bases of the sample, one read after the other.
    pub fn of_bases(&self) -> &[Label] {
        &self.of_bases
    }

    /// Returns the reads of the sample, in the order of the run, with the labels of their bases.
    pub fn of_reads<'a>(&'a self, sample: &'a RunSample) -> impl Iterator<Item = LabelledRead<'a>> {
        sample.reads.iter().enumerate().map(|(index, read)| LabelledRead {
            template: read.template,
            mate: 1 + u8::from(index > 0 && sample.reads[index - 1].has_mate),
            labels: &self.of_bases[read.start..read.start + read.length],
        })
    }

    /// Returns the pairs of bases of which one is wrong and nobody knows which, by the first of
    /// them.
    pub(crate) fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// Returns the number of labelled bases of which only the mate knows.
    pub fn by_mates(&self) -> u64 {
        self.by_mates
    }

    /// Returns in how many reads the anchor of a typical base is.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns how many anchors there are in all reads together.
    pub(crate) fn anchors(&self) -> usize {
        self.anchors
    }

    /// Returns the share of the columns with enough reads that say nothing, as in them something
    /// between few and many is seen.
    pub fn mixed_share(&self) -> f64 {
        self.mixed_columns as f64 / self.columns.max(1) as f64
    }
}

/// Returns every anchor of every read, those with the same k-mer together.
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

/// Returns for each base how many reads have its most frequent anchor.
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

/// Returns the groups in so many parts of about as many occurrences.
fn shares<'a, 'b>(groups: &'a [&'b [Occurrence]], parts: usize) -> Vec<&'a [&'b [Occurrence]]> {
    let all: usize = groups.iter().map(|group| group.len()).sum();
    let mut shares = Vec::with_capacity(parts);
    let (mut from, mut sum) = (0, 0);
    for (i, group) in groups.iter().enumerate() {
        sum += group.len();
        if sum * parts >= all * (shares.len() + 1) {
            shares.push(&groups[from..=i]);
            from = i + 1;
        }
    }
    shares
}

/// Returns the size of the group that the anchor of a typical read is in: a median that weighs
/// groups by their size.
fn typical_size(groups: &[&[Occurrence]]) -> usize {
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

/// What some of the anchors say.
struct Part {
    labels: Vec<Label>,
    columns: u64,
    mixed_columns: u64,
}

impl Part {
    fn of(sample: &RunSample, support: &[u16], groups: &[&[Occurrence]]) -> Self {
        let mut part =
            Self { labels: vec![Label::Unknown; sample.bases.len()], columns: 0, mixed_columns: 0 };
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

    /// Labels one side of an anchor.
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
        // Again, by the reads that still agree.
        agreeing.clear();
        agreeing.extend(arms.clone().map(|arm| arm.agreement(sample, columns)));
        columns.iter_mut().for_each(Column::restart);
        for (arm, agrees) in arms.clone().zip(&*agreeing) {
            for (column, at) in columns.iter_mut().zip(arm.positions()).take(*agrees) {
                column.count(arm.base(sample, at));
            }
        }
        for column in columns.iter_mut().take_while(|column| column.reads() >= DEEP) {
            self.columns += 1;
            self.mixed_columns += u64::from(!column.judge());
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
