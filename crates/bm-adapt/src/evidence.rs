//! What the k-mers of a run may say of its reads, and whether they may say anything.

use std::sync::Arc;

use bm_evidence::{Evidence, Experience, Fit, PreparedRead, ReadSupport};
use bm_kmers::Index;
use serde::{Deserialize, Serialize};

use crate::examples::Codes;
use crate::network::{Network, Scores, Surroundings, Tables, sigmoid};
use crate::parallel::in_parallel;
use crate::sample::RunSample;
use crate::{Doubt, Findings, gate};

/// Bases of the sample that tell what the statements are worth.
const ENOUGH: usize = 4 << 20;

/// Reads that are looked at by one thread at a time.
const TOGETHER: usize = 4096;

/// What was seen of a run's k-mers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct EvidenceFindings {
    /// Bases of a k-mer.
    pub k: usize,
    /// K-mers that were seen at least twice.
    pub kmers: u64,
    /// Share of all k-mers that were looked at: less than 1 where memory is short.
    pub share: f64,
    /// Bytes that they take in memory.
    pub bytes: u64,
    /// In how many reads a typical k-mer of a read is.
    pub depth: f64,
    /// Share of the bases of the sample of which something is known.
    pub evaluable: f64,
    /// Errors that the network expects in the bases of the sample.
    pub expected_errors_prior: f64,
    /// Errors that are expected when the k-mers have testified.
    pub expected_errors: f64,
}

/// Weighs what the k-mers say of the sample, by what the network says before.
pub(crate) fn weigh(
    index: Index,
    sample: &RunSample,
    network: &Network,
    experience: &Experience,
    threads: usize,
) -> (Evidence, EvidenceFindings) {
    let (seen, depth) = look(&index, sample, network, experience, threads);
    let weights = seen.fit.weights(experience, index.fraction() >= 1.0);
    let expected_errors = seen.fit.posterior(&weights);
    let mut findings = EvidenceFindings {
        k: index.k(),
        kmers: index.kmers(),
        share: index.fraction(),
        bytes: index.bytes() as u64,
        depth,
        evaluable: seen.known as f64 / seen.fit.bases().max(1) as f64,
        expected_errors_prior: seen.fit.prior(),
        expected_errors,
    };
    let evidence = Evidence::new(index, weights);
    if findings.share < 1.0 {
        // Here k-mers accuse and not statements, which the fit alone knows.
        findings.expected_errors = expected(&evidence, sample, network, threads);
    }
    (evidence, findings)
}

/// What the network says before.
struct Prior {
    scores: Scores,
    tables: Tables,
}

impl Prior {
    fn new(network: &Network) -> Self {
        let scores = Scores::new();
        Self { tables: Tables::of(network, &scores), scores }
    }

    /// Makes `logits` the log-odds of an error of each base of a read.
    fn logits_into(&self, codes: &[u16], logits: &mut Vec<f32>) {
        logits.clear();
        logits.extend(
            (0..codes.len())
                .map(|at| self.tables.logit(&Surroundings::of(codes, at), &self.scores)),
        );
    }
}

/// Returns what `work` makes of the sample's reads that are looked at, given their numbers, some at
/// a time.
fn in_parts<R: Send>(
    sample: &RunSample,
    threads: usize,
    work: impl Fn(&[usize]) -> R + Sync,
) -> Vec<R> {
    let every = sample.bases_kept().div_ceil(ENOUGH).max(1);
    let reads: Vec<usize> = (0..sample.reads.len()).step_by(every).collect();
    let parts: Vec<&[usize]> = reads.chunks(TOGETHER).collect();
    in_parallel(&parts, threads, |reads| work(reads))
}

/// Returns how many errors are expected in the reads that are looked at, when the k-mers have
/// testified.
fn expected(evidence: &Evidence, sample: &RunSample, network: &Network, threads: usize) -> f64 {
    let prior = Prior::new(network);
    let sums = in_parts(sample, threads, |reads| {
        let (mut codes, mut support, mut probabilities) =
            (Codes::default(), ReadSupport::default(), Vec::new());
        let mut reading = PreparedRead::default();
        let mut sum = 0.0;
        for read in reads {
            let codes = codes.of(sample, *read);
            prior.logits_into(codes, &mut probabilities);
            probabilities.iter_mut().for_each(|logit| *logit = sigmoid(*logit));
            let bases = sample.bases[sample.reads[*read].start..][..codes.len()].iter().copied();
            reading.prepare(evidence.index(), bases);
            evidence.apply(&mut support, &reading, &mut probabilities);
            sum += probabilities.iter().map(|p| f64::from(*p)).sum::<f64>();
        }
        sum
    });
    sums.into_iter().sum()
}

/// What was seen of some reads.
struct Seen {
    fit: Fit,
    known: u64,
    /// Of each read that others share k-mers with.
    depths: Vec<u32>,
}

/// Looks at some of the sample's reads; also returns in how many reads a typical k-mer of a typical
/// one is.
fn look(
    index: &Index,
    sample: &RunSample,
    network: &Network,
    experience: &Experience,
    threads: usize,
) -> (Seen, f64) {
    let none = || Seen { fit: Fit::new(experience), known: 0, depths: Vec::new() };
    let prior = Prior::new(network);
    let parts = in_parts(sample, threads, |reads| {
        let (mut seen, mut codes, mut support) = (none(), Codes::default(), ReadSupport::default());
        let (mut logits, mut probabilities, mut reading) =
            (Vec::new(), Vec::new(), PreparedRead::default());
        for read in reads {
            let kept = sample.reads[*read];
            let codes = codes.of(sample, *read);
            let bases = sample.bases[kept.start..][..codes.len()].iter().copied();
            prior.logits_into(codes, &mut logits);
            reading.prepare(index, bases);
            support.look_up(index, &reading);
            for (statement, logit) in support.bases().iter().zip(&logits) {
                seen.fit.add(*statement, support.depth(), *logit);
                seen.known += u64::from(statement.is_covered());
            }
            if index.fraction() < 1.0 {
                probabilities.clear();
                probabilities.extend(logits.iter().map(|logit| sigmoid(*logit)));
                seen.fit.add_kmers(support.supported_kmers(), support.unsupported_kmers(index, &probabilities));
            }
            seen.depths.extend(Some(support.depth()).filter(|depth| *depth > 0));
        }
        seen
    });
    let mut all = none();
    for part in parts {
        all.fit.merge(&part.fit);
        all.known += part.known;
        all.depths.extend(part.depths);
    }
    let middle = all.depths.len() / 2;
    let depth = if all.depths.is_empty() { 0 } else { *all.depths.select_nth_unstable(middle).1 };
    (all, f64::from(depth))
}

/// Evidence of a run, or why there is none.
#[derive(Clone, Debug)]
pub struct RunEvidence {
    /// What the k-mers say; `None` if they must not testify.
    pub evidence: Option<Arc<Evidence>>,
    /// Why they must not; empty if they may.
    pub doubts: Vec<Doubt>,
    /// What was seen of them.
    pub findings: EvidenceFindings,
}

impl RunEvidence {
    pub(crate) fn of(
        evidence: Evidence,
        findings: EvidenceFindings,
        of_run: &Findings,
        doubts: &[Doubt],
    ) -> Self {
        let doubts = gate::doubts_of_evidence(&findings, of_run, doubts);
        Self { evidence: doubts.is_empty().then(|| Arc::new(evidence)), doubts, findings }
    }
}
