//! The k-mer evidence of a run of long reads: how its k-mers scale its qualities, and what both say of
//! the sample.

use bm_kmers::Index;
use bm_long::{LongRead, ReadEvidence, Scale, Support};
use bm_reads::base;

use crate::evidence::Prior;
use crate::examples::Codes;
use crate::findings::EvidenceFindings;
use crate::network::sigmoid;
use crate::parallel::in_parallel;
use crate::sample::RunSample;

/// Most reads that are looked at. They are in the order of their hashes, so the first ones are drawn.
const READS: usize = 1000;

/// Reads that one thread handles at a time.
const READS_PER_TASK: usize = 20;

/// Returns the evidence of a run of long reads, with these prior probabilities of errors.
pub(crate) fn of_run(
    index: Index,
    sample: &RunSample,
    prior: &Prior<'_>,
    threads: usize,
) -> (ReadEvidence, EvidenceFindings) {
    let supports =
        map_reads(sample, prior, threads, |read, bases, p| read.look_up(&index, bases, p));
    let scale = Scale::fit(&supports);
    let rates = map_reads(sample, prior, threads, |read, bases, p| {
        let support = read.look_up(&index, bases, p);
        read.error_rate(&scale, &support, p)
    });
    let findings = findings(&index, &supports, &rates);
    (ReadEvidence::new(index, scale), findings)
}

/// Returns what was measured of the k-mers, with the support and the error rate of each read.
fn findings(index: &Index, supports: &[Support], rates: &[f64]) -> EvidenceFindings {
    let mut depths: Vec<f64> =
        supports.iter().filter(|it| it.is_enough()).map(|it| it.depth).collect();
    let middle = depths.len() / 2;
    let depth = if depths.is_empty() {
        0.0
    } else {
        depths.select_nth_unstable_by(middle, f64::total_cmp).1.round()
    };
    let sum = |of: &dyn Fn(&Support) -> f64| supports.iter().map(of).sum::<f64>();
    let bases = sum(&|it| it.bases as f64);
    EvidenceFindings {
        k: index.k(),
        kmers: index.kmers(),
        share: index.fraction(),
        bytes: index.bytes() as u64,
        depth,
        evaluable: sum(&|it| it.evaluable() * it.bases as f64) / bases.max(1.0),
        expected_errors_prior: sum(&|it| it.reported * it.bases as f64),
        of_whole_reads: true,
        expected_errors: supports.iter().zip(rates).map(|(it, rate)| it.bases as f64 * rate).sum(),
    }
}

/// Returns the results of `work` for some reads of the sample, given as letters and prior probabilities.
fn map_reads<R: Send>(
    sample: &RunSample,
    prior: &Prior<'_>,
    threads: usize,
    work: impl Fn(&mut LongRead, &[u8], &[f32]) -> R + Sync,
) -> Vec<R> {
    let reads: Vec<usize> = (0..sample.reads.len().min(READS)).collect();
    let parts: Vec<&[usize]> = reads.chunks(READS_PER_TASK).collect();
    let results = in_parallel(&parts, threads, |reads| {
        let (mut read, mut codes) = (LongRead::default(), Codes::default());
        let (mut letters, mut probabilities) = (Vec::new(), Vec::new());
        let of_read = |number: &usize| {
            let codes = codes.of(sample, *number);
            prior.logits_into(sample, *number, codes, &mut probabilities);
            probabilities.iter_mut().for_each(|logit| *logit = sigmoid(*logit));
            let start = sample.reads[*number].start;
            letters.clear();
            letters.extend(sample.codes(start..start + codes.len()).map(base::letter));
            work(&mut read, &letters, &probabilities)
        };
        reads.iter().map(of_read).collect::<Vec<_>>()
    });
    results.into_iter().flatten().collect()
}
