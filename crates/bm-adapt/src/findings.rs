//! What was measured of a run, for reports and cards.

use bm_encode::{BaseQualityPlace, CodeParts};
use serde::{Deserialize, Serialize};

use crate::held_out::{ADAPTED, CANDIDATES, Figures, Gain, HeldOutReads, REPORTED, START, TABLE};

/// What was measured of a run. All comparisons are on held-out reads, by the run's own labels.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Findings {
    /// Reads of the run.
    pub reads_seen: u64,
    /// Bases of the run.
    pub bases_seen: u64,
    /// Reads left out as exact copies of others.
    pub copies_dropped: u64,
    /// Reads in the sample.
    pub reads_kept: u64,
    /// Bases in the sample.
    pub bases_kept: u64,
    /// Median depth of the sample, in reads per position.
    pub depth: u64,
    /// Positions of the genome that the sample covers at this depth.
    pub positions: u64,
    /// Labelled bases: other reads agree with them or contradict them.
    pub labelled: u64,
    /// Those labelled by an overlapping mate alone.
    pub labelled_by_mates: u64,
    /// Pairs of bases where overlapping mates disagree and no other read decides.
    pub disputes: u64,
    /// Wrong bases: contradicted ones, and one per dispute.
    pub wrong: u64,
    /// Fraction of the columns of overlaid reads that are mixed, with neither one nor two agreed
    /// bases: strains, repeats, systematic errors.
    pub mixed_share: f64,
    /// The candidates compared on held-out reads.
    pub held_out: HeldOut,
    /// By reported quality.
    pub by_quality: Vec<Row>,
    /// By distance to the nearer end of the read.
    pub by_place: Vec<Row>,
    /// By the two bases before and the base itself, as read.
    pub by_context: Vec<Row>,
    /// By the length of the homopolymer right before.
    pub by_homopolymer: Vec<Row>,
}

/// The candidates compared on held-out reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct HeldOut {
    /// Number of reads.
    pub reads: u64,
    /// Labelled bases.
    pub labelled: u64,
    /// Wrong bases.
    pub wrong: u64,
    /// Reads with an error rate of at most 1 %, of those with at least half of the bases labelled.
    pub good_reads: u64,
    /// Reads with a higher error rate, of those with at least half of the bases labelled.
    pub bad_reads: u64,
    /// The reported qualities.
    pub reported: Figures,
    /// The base model.
    pub start: Figures,
    /// The measured error rate of each reported quality.
    pub table: Figures,
    /// The adapted model.
    pub adapted: Figures,
    /// The adapted model over the reported qualities.
    pub over_reported: Gain,
    /// The adapted model over the base model.
    pub over_start: Gain,
    /// The adapted model over the table of measured error rates.
    pub over_table: Gain,
    /// The reported qualities over the base model.
    pub reported_over_start: Gain,
    /// The table of measured error rates over the reported qualities.
    #[serde(default)]
    pub table_over_reported: Gain,
    /// The table of measured error rates over the base model.
    #[serde(default)]
    pub table_over_start: Gain,
}

/// Labelled bases of held-out reads with one property in common.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// The property.
    pub of: String,
    /// Number of bases, weighted: a read that was unlikely to be labelled counts more than once.
    pub bases: u64,
    /// Wrong bases, weighted.
    pub wrong: u64,
    /// Expected errors by the reported qualities.
    pub reported: f64,
    /// Expected errors by the base model.
    pub start: f64,
    /// Expected errors by the adapted model.
    pub adapted: f64,
}

/// What was measured of a run's k-mers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct EvidenceFindings {
    /// Bases of a k-mer.
    pub k: usize,
    /// Number of k-mers that were seen at least twice.
    pub kmers: u64,
    /// Fraction of all k-mers that was counted: less than 1 where memory was short.
    pub share: f64,
    /// Memory of the index, in bytes.
    pub bytes: u64,
    /// Median depth of reads, in reads per k-mer.
    pub depth: f64,
    /// Fraction of the sample's bases that k-mers of other reads cover.
    pub evaluable: f64,
    /// Expected errors in the sample by the network alone.
    pub expected_errors_prior: f64,
    /// Expected errors in the sample by the network and the k-mers.
    pub expected_errors: f64,
    /// Whether the k-mers show how many errors a whole read has, as they do of long reads, and not which
    /// bases are wrong. Coverage is then that of k-mers that could be tested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_whole_reads: bool,
}

/// The sums of a row.
#[derive(Clone, Copy, Default)]
struct Sums {
    bases: f64,
    wrong: f64,
    expected: [f64; CANDIDATES.len()],
}

impl Sums {
    fn add(&mut self, wrong: bool, probabilities: [f32; CANDIDATES.len()], weight: f64) {
        self.bases += weight;
        self.wrong += if wrong { weight } else { 0.0 };
        self.expected
            .iter_mut()
            .zip(probabilities)
            .for_each(|(sum, p)| *sum += weight * f64::from(p));
    }

    fn merge(&mut self, other: &Self) {
        self.bases += other.bases;
        self.wrong += other.wrong;
        self.expected.iter_mut().zip(other.expected).for_each(|(sum, expected)| *sum += expected);
    }

    fn row(self, of: String) -> Row {
        let Self { bases, wrong, expected } = self;
        let (bases, wrong) = (bases.round() as u64, wrong.round() as u64);
        Row {
            of,
            bases,
            wrong,
            reported: expected[REPORTED],
            start: expected[START],
            adapted: expected[ADAPTED],
        }
    }
}

/// Longest homopolymer with a row of its own.
const LONGEST_RUN: usize = 8;

/// The sums of all tables.
pub(crate) struct Tally {
    by_quality: [Sums; 94],
    by_place: Vec<Sums>,
    by_context: [Sums; 64],
    by_homopolymer: [Sums; LONGEST_RUN + 1],
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            by_quality: [Sums::default(); 94],
            by_place: BaseQualityPlace::places().map(|_| Sums::default()).collect(),
            by_context: [Sums::default(); 64],
            by_homopolymer: [Sums::default(); LONGEST_RUN + 1],
        }
    }

    /// Adds the base at position `at` of a read, with the weight of the read.
    pub(crate) fn add(
        &mut self,
        codes: &[u16],
        at: usize,
        wrong: bool,
        probabilities: [f32; CANDIDATES.len()],
        weight: f64,
    ) {
        let CodeParts { base, place, score } = BaseQualityPlace::parts(codes[at]);
        self.by_quality[usize::from(score)].add(wrong, probabilities, weight);
        self.by_place[usize::from(place)].add(wrong, probabilities, weight);
        let before = |back: usize| {
            at.checked_sub(back).map(|at| usize::from(BaseQualityPlace::parts(codes[at]).base))
        };
        if let (Some(far), Some(near)) = (before(2), before(1)) {
            let context = if far.max(near) < 4 {
                self.by_context.get_mut(16 * far + 4 * near + usize::from(base))
            } else {
                None
            };
            context.into_iter().for_each(|sums| sums.add(wrong, probabilities, weight));
        }
        if let Some(last) = before(1).filter(|last| *last < 4) {
            let run = (1..=LONGEST_RUN).take_while(|back| before(*back) == Some(last)).count();
            self.by_homopolymer[run].add(wrong, probabilities, weight);
        }
    }

    /// Adds the sums of another tally.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self { by_quality, by_place, by_context, by_homopolymer } = self;
        let sums = by_quality.iter_mut().chain(by_place).chain(by_context).chain(by_homopolymer);
        let others = other
            .by_quality
            .iter()
            .chain(&other.by_place)
            .chain(&other.by_context)
            .chain(&other.by_homopolymer);
        sums.zip(others).for_each(|(sums, other)| sums.merge(other));
    }

    pub(crate) fn into_findings(self, findings: &mut Findings) {
        let letters = ["A", "C", "G", "T"];
        let contexts =
            (0..64).map(|i: usize| [letters[i / 16], letters[i / 4 % 4], letters[i % 4]].concat());
        let runs = (0..=LONGEST_RUN)
            .map(|run| if run == LONGEST_RUN { format!("{run}+") } else { run.to_string() });
        findings.by_quality = rows((0..94).map(|score: u8| score.to_string()), &self.by_quality);
        findings.by_place = rows(BaseQualityPlace::places(), &self.by_place);
        findings.by_context = rows(contexts, &self.by_context);
        findings.by_homopolymer = rows(runs, &self.by_homopolymer);
    }
}

/// Returns the rows with at least one base.
fn rows(names: impl Iterator<Item = String>, sums: &[Sums]) -> Vec<Row> {
    names.zip(sums).map(|(of, sums)| sums.row(of)).filter(|row| row.bases > 0).collect()
}

impl HeldOut {
    pub(crate) fn of(held: &HeldOutReads) -> Self {
        let (good, bad) = held.good_and_bad();
        Self {
            reads: held.reads() as u64,
            labelled: held.labelled().round() as u64,
            wrong: held.wrong().round() as u64,
            good_reads: good as u64,
            bad_reads: bad as u64,
            reported: held.figures(REPORTED),
            start: held.figures(START),
            table: held.figures(TABLE),
            adapted: held.figures(ADAPTED),
            over_reported: held.gain(ADAPTED, REPORTED),
            over_start: held.gain(ADAPTED, START),
            over_table: held.gain(ADAPTED, TABLE),
            reported_over_start: held.gain(REPORTED, START),
            table_over_reported: held.gain(TABLE, REPORTED),
            table_over_start: held.gain(TABLE, START),
        }
    }
}
