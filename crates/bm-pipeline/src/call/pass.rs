//! One pass: records are read, their bases get error probabilities on all threads, and they are taken in
//! their order.

use bm_call::{CallError, ObservedRead, Record, Settings};
use bm_io::ordered_stages::{self, Budget};
use bm_io::{Cancellation, Tasks};
use bm_quality::{PlacedRead, Prediction, QualityModel};
use bm_reads::Phred;
use bm_truth::{Aligned, Reference};

use super::aligned_reads::SequencedRead;
use super::alignment_file::AlignmentFile;
use crate::PipelineError;

/// Bases of a batch.
const BATCH: usize = 1 << 19;

/// Memory of all batches, in bytes.
const BUDGET: usize = 256 << 20;

/// Bytes of a batch for each of its bases: the records, the reads, the codes, the probabilities.
const BYTES_PER_BASE: usize = 16;

/// Records that are processed together.
#[derive(Default)]
struct Batch {
    /// The first `filled` ones are of this batch; the others keep their memory.
    aligned: Vec<Aligned>,
    filled: usize,
    /// Number of the first record among the primary ones, from 1.
    first: u64,
    bases: usize,
    records: Vec<Placed>,
    counts: ReadCounts,
}

/// A mapped record, and its place in the batch.
struct Placed {
    at: usize,
    record: Record,
}

/// Primary records, by what became of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReadCounts {
    /// Primary records.
    pub records: u64,
    /// Of these, those that count.
    pub used: u64,
    /// Those that are not mapped.
    pub unmapped: u64,
    /// Those whose mapping quality is low.
    pub low_mapq: u64,
    /// Those that are flagged as duplicates or as failing quality checks.
    pub flagged: u64,
    /// Those that cannot be scored: without qualities, or nothing but N.
    pub unscored: u64,
}

impl ReadCounts {
    fn add(&mut self, other: &Self) {
        let Self { records, used, unmapped, low_mapq, flagged, unscored } = self;
        *records += other.records;
        *used += other.used;
        *unmapped += other.unmapped;
        *low_mapq += other.low_mapq;
        *flagged += other.flagged;
        *unscored += other.unscored;
    }
}

/// What a pass needs beside the models.
pub(crate) struct Pass<'a> {
    pub(crate) file: &'a mut AlignmentFile,
    pub(crate) reference: &'a Reference,
    pub(crate) settings: &'a Settings,
    /// Whether the reported qualities say something that the models do not.
    pub(crate) with_reported: bool,
    pub(crate) tasks: &'a Tasks,
    pub(crate) cancellation: Option<&'a Cancellation>,
}

impl Pass<'_> {
    /// Gives every mapped record, with its observations if it counts, to `take`, in file order. Each thread
    /// has one of the models.
    pub(crate) fn run(
        self,
        models: &mut [QualityModel],
        mut take: impl FnMut(&Record) -> Result<(), CallError> + Send,
    ) -> Result<ReadCounts, PipelineError> {
        let Self { file, reference, settings, with_reported, tasks, cancellation } = self;
        let name = file.name().to_owned();
        let mut pass = file.pass(reference)?;
        let mut total = ReadCounts::default();
        let mut primary = 0;
        let budget = Budget { bytes: BUDGET, weight: |it: &Batch| it.bases * BYTES_PER_BASE };
        let read = |batch: &mut Batch| {
            cancellation.map_or(Ok(()), Cancellation::check)?;
            (batch.filled, batch.bases, batch.first) = (0, 0, primary + 1);
            while batch.bases < BATCH {
                if batch.filled == batch.aligned.len() {
                    batch.aligned.push(Aligned::default());
                }
                let Some(aligned) = batch.aligned.get_mut(batch.filled) else { break };
                if !pass.read(aligned)? {
                    return Ok(false);
                }
                batch.bases += aligned.bases().len().max(64);
                batch.filled += 1;
                primary += 1;
            }
            Ok(true)
        };
        let work = |model: &mut &mut QualityModel, batch: &mut Batch| {
            batch
                .observe(model, reference, settings, with_reported)
                .map_err(PipelineError::at("scoring reads"))
        };
        let take = |batch: &Batch| {
            total.add(&batch.counts);
            for Placed { at, record } in &batch.records {
                take(record).map_err(|source| batch.at(*at, &name, source))?;
            }
            Ok(())
        };
        ordered_stages::run(models.iter_mut().collect(), tasks, budget, read, work, take)?;
        let records = pass.records();
        drop(pass);
        file.check(records)?;
        Ok(total)
    }
}

impl Batch {
    /// Makes the observations of the batch.
    fn observe(
        &mut self,
        model: &mut QualityModel,
        reference: &Reference,
        settings: &Settings,
        with_reported: bool,
    ) -> Result<(), bm_quality::QualityError> {
        self.records.clear();
        self.counts = ReadCounts { records: self.filled as u64, ..ReadCounts::default() };
        let counts = &mut self.counts;
        let mut is_used = |aligned: &Aligned| {
            let slot = match aligned {
                it if it.position().is_none() => &mut counts.unmapped,
                it if it.is_flagged() => &mut counts.flagged,
                it if it.mapping_quality() < settings.min_mapq => &mut counts.low_mapq,
                _ => return true,
            };
            *slot += 1;
            false
        };
        let filled = self.aligned.get(..self.filled).unwrap_or_default();
        let used: Vec<bool> = filled.iter().map(&mut is_used).collect();
        let chosen = || filled.iter().zip(&used).filter(|it| *it.1).map(|it| it.0);
        let reads: Vec<SequencedRead> =
            chosen().map(|it| SequencedRead::on_reference(it, reference)).collect();
        let (mut predictions, mut probabilities) = (Vec::new(), Vec::new());
        let placed = reads.iter().map(SequencedRead::placed);
        model.predict_bases_into::<PlacedRead<'_>>(placed, &mut predictions, &mut probabilities)?;
        let mut rest = probabilities.as_mut_slice();
        let mut predictions = predictions.iter();
        for (at, (aligned, used)) in filled.iter().zip(&used).enumerate() {
            let Some((sequence, start)) = aligned.position() else { continue };
            let mut observed = None;
            if *used && matches!(predictions.next(), Some(Prediction::Scored(_))) {
                let (of_read, others) = rest.split_at_mut(aligned.bases().len().min(rest.len()));
                rest = others;
                if aligned.is_reverse() {
                    of_read.reverse();
                }
                if with_reported {
                    mix(of_read, aligned.scores());
                }
                observed = ObservedRead::new(reference, aligned, of_read);
            }
            self.counts.used += u64::from(observed.is_some());
            self.counts.unscored += u64::from(*used && observed.is_none());
            self.records.push(Placed { at, record: Record { sequence, start, observed } });
        }
        Ok(())
    }

    /// Adds the place of a record to an error.
    fn at(&self, at: usize, name: &str, source: CallError) -> PipelineError {
        let read = self.aligned.get(at).map_or(&b""[..], Aligned::name).escape_ascii();
        let number = self.first + at as u64;
        PipelineError::at(format!("{name}: primary record {number} (read {read})"))(source)
    }
}

/// Makes of each error probability the geometric mean with that of the reported quality: the mean of two
/// Phred values. Neither of them knows all that the other one does. What the mean is worth is learned.
fn mix(probabilities: &mut [f32], scores: &[u8]) {
    for (probability, score) in probabilities.iter_mut().zip(scores) {
        let reported = Phred::new(*score).map_or(1.0, Phred::error_probability);
        *probability = (f64::from(*probability) * reported).sqrt() as f32;
    }
}

/// Returns the first reads of a file that may be used, for a model to look at.
pub(crate) fn first_reads(
    file: &AlignmentFile,
    reference: &Reference,
    most: usize,
) -> Result<Vec<SequencedRead>, PipelineError> {
    let mut pass = file.pass(reference)?;
    let (mut reads, mut aligned) = (Vec::new(), Aligned::default());
    while reads.len() < most && pass.read(&mut aligned)? {
        if aligned.position().is_some() && !aligned.scores().is_empty() {
            reads.push(SequencedRead::of(&aligned));
        }
    }
    Ok(reads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_two_phred_values() {
        let mut probabilities = [1e-2, 1e-4, 0.5];
        mix(&mut probabilities, &[40, 20, 0]);
        let phred = probabilities.map(|it| -10.0 * it.log10());
        assert!((phred[0] - 30.0).abs() < 1e-3 && (phred[1] - 30.0).abs() < 1e-3, "{phred:?}");
        assert!((phred[2] - 1.505).abs() < 1e-3, "{phred:?}");
    }
}
