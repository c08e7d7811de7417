//! The k-mer evidence of a run: weights fitted to the sample, and whether the evidence may be used.

use std::sync::Arc;

use bm_evidence::{Evidence, Experience, Fit, PreparedRead, ReadSupport};
use bm_kmers::Index;
use bm_quality::{FailedCycles, KmerEvidence};

use crate::doubts::Doubt;
use crate::examples::Codes;
use crate::findings::EvidenceFindings;
use crate::network::{Network, Scores, Surroundings, Tables, sigmoid};
use crate::not_errors::{Differences, rate_of_others};
use crate::parallel::in_parallel;
use crate::sample::RunSample;

/// Bases of the sample that the weights are fitted to, about, at most.
const MOST_BASES: usize = 4 << 20;

/// Least prior probability of an error and of none in a failed cycle.
const LEAST: f32 = 1e-6;

/// Reported qualities.
const SCORES: usize = 94;

/// Reads that one thread handles at a time.
const READS_PER_TASK: usize = 4096;

/// Returns the evidence of a run with weights fitted to the sample, with these prior probabilities,
/// and the fraction of differences that are not errors.
pub(crate) fn weigh(
    index: Index,
    sample: &RunSample,
    prior: &Prior<'_>,
    experience: &Experience,
    threads: usize,
) -> (Evidence, EvidenceFindings, Option<f64>) {
    let (totals, depth) = measure(&index, sample, prior, experience, threads);
    let weights = totals.fit.weights(experience, index.fraction() >= 1.0);
    let expected_errors = totals.fit.posterior(&weights);
    let not_errors = rate_of_others(&Differences::by_quality(&totals.by_quality));
    let mut findings = EvidenceFindings {
        k: index.k(),
        kmers: index.kmers(),
        share: index.fraction(),
        bytes: index.bytes() as u64,
        depth,
        evaluable: totals.covered as f64 / totals.fit.bases().max(1) as f64,
        expected_errors_prior: totals.fit.prior(),
        expected_errors,
        of_whole_reads: false,
    };
    let evidence = Evidence::new(index, weights).with_conversion(sample.conversion());
    if findings.share < 1.0 {
        // In a sampled index, unsupported k-mers raise probabilities together; the fit has only the
        // support of single bases.
        findings.expected_errors = posterior_errors(&evidence, sample, prior, threads);
    }
    (evidence, findings, not_errors)
}

/// The prior error probabilities: by the network, or of failed cycles.
pub(crate) struct Prior<'a> {
    scores: Scores,
    tables: Tables,
    failed: &'a FailedCycles,
}

impl<'a> Prior<'a> {
    pub(crate) fn new(network: &Network, failed: &'a FailedCycles) -> Self {
        let scores = Scores::new();
        Self { tables: Tables::of(network, &scores), scores, failed }
    }

    /// Replaces `logits` by the log-odds of an error of each base of a read of the sample.
    pub(crate) fn logits_into(
        &self,
        sample: &RunSample,
        read: usize,
        codes: &[u16],
        logits: &mut Vec<f32>,
    ) {
        logits.clear();
        logits.extend(
            (0..codes.len())
                .map(|at| self.tables.logit(&Surroundings::of(codes, at), &self.scores)),
        );
        let mate = sample.reads[read].mate;
        for cycle in self.failed.iter().filter(|cycle| cycle.mate == mate) {
            if let Some(at) = sample.base_of_cycle(read, cycle.cycle - 1)
                && let Some(logit) = logits.get_mut(at - sample.reads[read].start)
            {
                let p = cycle.probability(sample.scores[at]).clamp(LEAST, 1.0 - LEAST);
                *logit = (p / (1.0 - p)).ln();
            }
        }
    }
}

/// Returns the results of `work` for parts of the sample's reads, given by their numbers. In a
/// large sample, reads are skipped evenly.
fn map_reads<R: Send>(
    sample: &RunSample,
    threads: usize,
    work: impl Fn(&[usize]) -> R + Sync,
) -> Vec<R> {
    let every = sample.bases_kept().div_ceil(MOST_BASES).max(1);
    let reads: Vec<usize> = (0..sample.reads.len()).step_by(every).collect();
    let parts: Vec<&[usize]> = reads.chunks(READS_PER_TASK).collect();
    in_parallel(&parts, threads, |reads| work(reads))
}

/// Returns the expected errors in the sample by the network and the k-mers.
fn posterior_errors(
    evidence: &Evidence,
    sample: &RunSample,
    prior: &Prior<'_>,
    threads: usize,
) -> f64 {
    let sums = map_reads(sample, threads, |reads| {
        let (mut codes, mut support, mut probabilities) =
            (Codes::default(), ReadSupport::default(), Vec::new());
        let mut prepared = PreparedRead::default();
        let mut sum = 0.0;
        for read in reads {
            let codes = codes.of(sample, *read);
            prior.logits_into(sample, *read, codes, &mut probabilities);
            probabilities.iter_mut().for_each(|logit| *logit = sigmoid(*logit));
            let start = sample.reads[*read].start;
            prepared.prepare(evidence.index(), sample.codes(start..start + codes.len()));
            let hidden = sample.hidden_in(*read);
            evidence.apply(&mut support, &prepared, hidden, &mut probabilities);
            sum += probabilities.iter().map(|p| f64::from(*p)).sum::<f64>();
        }
        sum
    });
    sums.into_iter().sum()
}

/// What was measured of some reads.
struct Totals {
    fit: Fit,
    /// Number of covered bases.
    covered: u64,
    /// The depth of each read that shares k-mers with others.
    depths: Vec<u32>,
    /// Covered bases by reported quality, and those that few of the other reads have.
    by_quality: [[u64; 2]; SCORES],
}

/// Returns what was measured of the sample's reads, and their median depth.
fn measure(
    index: &Index,
    sample: &RunSample,
    prior: &Prior<'_>,
    experience: &Experience,
    threads: usize,
) -> (Totals, f64) {
    let none = || Totals {
        fit: Fit::new(experience),
        covered: 0,
        depths: Vec::new(),
        by_quality: [[0; 2]; SCORES],
    };
    let parts = map_reads(sample, threads, |reads| {
        let (mut totals, mut codes, mut support) =
            (none(), Codes::default(), ReadSupport::default());
        let (mut logits, mut probabilities, mut prepared) =
            (Vec::new(), Vec::new(), PreparedRead::default());
        for read in reads {
            let kept = sample.reads[*read];
            let codes = codes.of(sample, *read);
            prior.logits_into(sample, *read, codes, &mut logits);
            prepared.prepare(index, sample.codes(kept.start..kept.start + codes.len()));
            support.look_up(index, &prepared);
            support.set_uncounted(sample.hidden_in(*read));
            let qualities = sample.scores[kept.start..].iter().zip(kept.start..);
            for ((base, logit), (score, at)) in support.bases().iter().zip(&logits).zip(qualities) {
                totals.fit.add(*base, support.depth(), *logit);
                let covered = u64::from(base.is_covered());
                totals.covered += covered;
                if sample.is_hidden(at) {
                    // Bases of all qualities are wrong in a failed cycle.
                    continue;
                }
                if let Some([bases, differ]) = totals.by_quality.get_mut(usize::from(*score)) {
                    *bases += covered;
                    *differ += u64::from(base.is_rare());
                }
            }
            if index.fraction() < 1.0 {
                probabilities.clear();
                probabilities.extend(logits.iter().map(|logit| sigmoid(*logit)));
                totals.fit.add_kmers(
                    support.supported_kmers(),
                    support.unsupported_kmers(index, &probabilities),
                );
            }
            totals.depths.extend(Some(support.depth()).filter(|depth| *depth > 0));
        }
        totals
    });
    let mut all = none();
    for part in parts {
        all.fit.merge(&part.fit);
        all.covered += part.covered;
        all.by_quality
            .as_flattened_mut()
            .iter_mut()
            .zip(part.by_quality.as_flattened())
            .for_each(|(sum, more)| *sum += more);
        all.depths.extend(part.depths);
    }
    let middle = all.depths.len() / 2;
    let depth = if all.depths.is_empty() { 0 } else { *all.depths.select_nth_unstable(middle).1 };
    (all, f64::from(depth))
}

/// The k-mer evidence of a run, or why it is not used.
#[derive(Clone, Debug)]
pub struct RunEvidence {
    /// The evidence; `None` if it must not be used.
    pub evidence: Option<Arc<KmerEvidence>>,
    /// Why it must not be used; empty if it may.
    pub doubts: Vec<Doubt>,
    /// What was measured of the k-mers.
    pub findings: EvidenceFindings,
}

impl RunEvidence {
    /// Returns the evidence, which must not be used if there are doubts.
    pub(crate) fn of(
        evidence: impl Into<KmerEvidence>,
        findings: EvidenceFindings,
        doubts: Vec<Doubt>,
    ) -> Self {
        Self { evidence: doubts.is_empty().then(|| Arc::new(evidence.into())), doubts, findings }
    }

    /// Returns the findings without the evidence, which must not be used for this reason.
    pub fn refused(self, doubt: Doubt) -> Self {
        let doubts = self.doubts.into_iter().chain([doubt]).collect();
        Self { evidence: None, doubts, ..self }
    }
}
