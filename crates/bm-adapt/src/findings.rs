//! What was seen of a run, for people and reports.

use bm_encode::{BaseQualityPlace, CodeParts};
use serde::{Deserialize, Serialize};

use crate::judge::{ADAPTED, Figures, Gain, JUDGES, REPORTED, START, TABLE};

/// What was learned of a run, and how sure it is. Everything that compares is measured on reads
/// that were not learned from, by the run's own labels.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Findings {
    /// Reads of the run.
    pub reads_seen: u64,
    /// Their bases.
    pub bases_seen: u64,
    /// Reads that were left out as copies of others, byte for byte.
    pub copies_dropped: u64,
    /// Reads that were looked at closely.
    pub reads_kept: u64,
    /// Their bases.
    pub bases_kept: u64,
    /// In how many reads a typical place is.
    pub depth: u64,
    /// How many positions of a genome there would be, were they all in as many reads.
    pub positions: u64,
    /// Bases that other reads bear out or contradict.
    pub labelled: u64,
    /// Those of them of which only the mate of the read knows, as it overlaps.
    pub labelled_by_mates: u64,
    /// Pairs of bases of overlapping mates of which one is wrong, and nobody knows which.
    pub disputes: u64,
    /// Those that others contradict, one of each dispute among them.
    pub wrong: u64,
    /// Share of the columns of overlaid reads that are neither of one mind nor of two: strains,
    /// repeats, systematic errors.
    pub mixed_share: f64,
    /// What reads that were held out say of each judge.
    pub held_out: HeldOut,
    /// By reported quality.
    pub by_quality: Vec<Row>,
    /// By distance to the nearer end of the read.
    pub by_place: Vec<Row>,
    /// By the two bases before, and the base as it was read.
    pub by_context: Vec<Row>,
    /// By the number of equal bases right before.
    pub by_homopolymer: Vec<Row>,
}

/// How the judges do on reads that were held out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct HeldOut {
    /// Reads.
    pub reads: u64,
    /// Their labelled bases.
    pub labelled: u64,
    /// Those that are wrong.
    pub wrong: u64,
    /// Reads with at most one wrong base in a hundred, of those of which half is labelled.
    pub good_reads: u64,
    /// The others of them.
    pub bad_reads: u64,
    /// What the instrument reports.
    pub reported: Figures,
    /// The model that training started from.
    pub start: Figures,
    /// The measured error rate of each quality.
    pub table: Figures,
    /// The model that was trained.
    pub adapted: Figures,
    /// Of the trained model over what the instrument reports.
    pub over_reported: Gain,
    /// Of the trained model over the one that it started from.
    pub over_start: Gain,
    /// Of the trained model over the table.
    pub over_table: Gain,
    /// Of what the instrument reports over the model that training started from.
    pub reported_over_start: Gain,
}

/// Labelled bases that have something in common.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// What.
    pub of: String,
    /// How many, of reads that were held out; a read that was labelled against the odds stands for
    /// more than itself.
    pub bases: u64,
    /// How many of them are wrong.
    pub wrong: u64,
    /// How many are so by reported quality.
    pub reported: f64,
    /// By the model that training started from.
    pub start: f64,
    /// By the trained model.
    pub adapted: f64,
}

/// A row while it is made.
#[derive(Clone, Copy, Default)]
struct Sums {
    bases: f64,
    wrong: f64,
    expected: [f64; JUDGES.len()],
}

impl Sums {
    fn add(&mut self, wrong: bool, probabilities: [f32; JUDGES.len()], count: f64) {
        self.bases += count;
        self.wrong += if wrong { count } else { 0.0 };
        self.expected
            .iter_mut()
            .zip(probabilities)
            .for_each(|(sum, p)| *sum += count * f64::from(p));
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

/// Bases right before that are told apart.
const LONGEST_RUN: usize = 8;

/// Tables of labelled bases while they are made.
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

    /// Adds the base at a position of a read, which stands for so many.
    pub(crate) fn add(
        &mut self,
        codes: &[u16],
        at: usize,
        wrong: bool,
        probabilities: [f32; JUDGES.len()],
        count: f64,
    ) {
        let CodeParts { base, place, score } = BaseQualityPlace::parts(codes[at]);
        self.by_quality[usize::from(score)].add(wrong, probabilities, count);
        self.by_place[usize::from(place)].add(wrong, probabilities, count);
        let before = |back: usize| {
            at.checked_sub(back).map(|at| usize::from(BaseQualityPlace::parts(codes[at]).base))
        };
        if let (Some(far), Some(near)) = (before(2), before(1)) {
            let context = if far.max(near) < 4 {
                self.by_context.get_mut(16 * far + 4 * near + usize::from(base))
            } else {
                None
            };
            context.into_iter().for_each(|sums| sums.add(wrong, probabilities, count));
        }
        if let Some(last) = before(1).filter(|last| *last < 4) {
            let run = (1..=LONGEST_RUN).take_while(|back| before(*back) == Some(last)).count();
            self.by_homopolymer[run].add(wrong, probabilities, count);
        }
    }

    /// Adds what another one has.
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

/// Returns the rows that have bases.
fn rows(names: impl Iterator<Item = String>, sums: &[Sums]) -> Vec<Row> {
    names.zip(sums).map(|(of, sums)| sums.row(of)).filter(|row| row.bases > 0).collect()
}

impl HeldOut {
    pub(crate) fn of(held: &crate::judge::Held) -> Self {
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
        }
    }
}
