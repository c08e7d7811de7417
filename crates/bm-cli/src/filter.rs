//! `bm filter`: keep the reads that pass.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Result, bail};
use bm_quality::{Prediction, Verdict};
use bm_reads::Phred;

use crate::args::FilterArgs;
use crate::decide::{Decision, Fate, Judged};
use crate::judge::{Authority, Job};
use crate::number;
use crate::output::{self, Output};
use crate::pipeline::Product;
use crate::source::Mate;

/// Writes the reads that pass to one output, or to one for each mate, and if asked others to
/// others.
pub(crate) fn run(args: &FilterArgs) -> Result<()> {
    let FilterArgs { output, output2, singles, discarded, judge, .. } = args;
    let places = [Some(output), output2.as_ref(), singles.as_ref(), discarded.as_ref()];
    output::refuse_twins(places.into_iter().chain(judge.reports()))?;
    let mut inputs = judge.input.paths();
    inputs.extend(args.scores.scores.as_deref());
    let compression = judge.compression();
    let mut outputs = Vec::new();
    let mut create = |path: &PathBuf| {
        outputs.push(Output::create(path, &inputs, &compression)?);
        anyhow::Ok(outputs.len() - 1)
    };
    let first = create(output)?;
    let places = Places {
        mates: [first, output2.as_ref().map(&mut create).transpose()?.unwrap_or(first)],
        singles: singles.as_ref().map(&mut create).transpose()?,
        discarded: discarded.as_ref().map(&mut create).transpose()?,
    };
    let job = Job {
        command: "filter",
        args: judge,
        scores: Some(&args.scores),
        compression: &compression,
        rescues: singles.is_some(),
        recalibrates: args.recalibrate,
    };
    job.run(outputs, |authority, _| {
        let recalibrated = if args.recalibrate { Some(mark(authority)?) } else { None };
        Ok(Kept { places, annotate: args.annotate, recalibrated })
    })
}

/// Returns what marks a record whose qualities are the model's.
fn mark(authority: &Authority) -> Result<Vec<u8>> {
    match authority {
        Authority::Model { engine, .. } if engine.package.facts().counts_errors() => {
            let facts = engine.package.facts();
            Ok(format!(" recalibrated={}/{}", facts.id, facts.version).into_bytes())
        }
        Authority::Model { engine, .. } => bail!(
            "--recalibrate: the model {} does not judge bases; use one that does, such as read-error",
            engine.package.facts().id
        ),
        Authority::Table(table) => {
            bail!("--recalibrate: the table {} says nothing of single bases", table.name())
        }
    }
}

/// Which output takes what.
struct Places {
    /// Reads that are kept: first mates, and others, which may go to the same.
    mates: [usize; 2],
    singles: Option<usize>,
    discarded: Option<usize>,
}

/// Records of FASTQ.
struct Kept {
    places: Places,
    /// Whether what is said of a read goes into its description.
    annotate: bool,
    /// What marks the records that get the model's qualities, if they do.
    recalibrated: Option<Vec<u8>>,
}

impl Product for Kept {
    fn write(&self, judged: &Judged<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
        for (number, (mate, fate)) in
            judged.template.mates().iter().zip(decision.fates()).enumerate()
        {
            let place = match fate.verdict {
                Verdict::Pass if fate.alone => self.places.singles,
                Verdict::Pass => Some(self.places.mates[number]),
                Verdict::Fail | Verdict::Unscored => self.places.discarded,
            };
            if let Some(text) = place.and_then(|place| texts.get_mut(place)) {
                self.record(text, judged, mate, fate);
            }
        }
    }
}

impl Kept {
    fn record(&self, text: &mut Vec<u8>, judged: &Judged<'_>, mate: &Mate<'_>, fate: &Fate) {
        let mut suffix = Vec::new();
        if self.annotate {
            annotate(&mut suffix, judged.prediction(mate), judged.joint);
        }
        let bases = judged.bases(mate);
        let mut quality_scores = Vec::new();
        let mut record = mate.record;
        match &self.recalibrated {
            // What is not kept stays as it came, and so does what cannot be scored.
            Some(mark) if fate.verdict == Verdict::Pass && !bases.is_empty() => {
                suffix.extend_from_slice(mark);
                quality_scores.extend(bases.iter().map(|p| quality(*p)));
                record.quality_scores = &quality_scores;
            }
            _ => {}
        }
        if fate.verdict != Verdict::Pass {
            suffix.extend_from_slice(b" reason=");
            fate.reasons.write(&mut suffix);
        }
        // Memory can be written.
        let _ = record.write_to(text, &suffix);
    }
}

/// Returns the quality score of a base with an error probability, as a byte: no higher than any
/// instrument of Illumina's writes, as some programs refuse what is.
fn quality(probability: f32) -> u8 {
    const HIGHEST: u8 = 41;
    let phred = Phred::nearest(f64::from(probability)).get().min(HIGHEST);
    Phred::OFFSET + phred
}

/// What is said of a read, as words of a description: its probability, the errors that are expected
/// in it, and the probability of its pair.
fn annotate(suffix: &mut Vec<u8>, prediction: &Prediction, joint: Option<&Prediction>) {
    let mut add = |key: &str, value: Option<f32>| {
        if let Some(value) = value {
            let _ = write!(suffix, " {key}=");
            number::write(suffix, value);
        }
    };
    add("p", prediction.probability().map(|p| p.get()));
    add("ee", prediction.expected_errors());
    add("pair_p", joint.and_then(Prediction::probability).map(|p| p.get()));
}
