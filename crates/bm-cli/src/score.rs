//! `bm score`: a row a read.

use std::io::Write as _;

use anyhow::{Context, Result};
use bm_quality::Prediction;
use bm_reads::{mean_phred, reported_errors};

use crate::args::ScoreArgs;
use crate::decide::{Decision, Judged};
use crate::judge::{Authority, Job};
use crate::number;
use crate::output::{self, Output};
use crate::pipeline::Product;
use crate::source::Layout;

/// Writes the table. Names and order of the columns are a contract.
pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output)].into_iter().chain(args.judge.reports()))?;
    let compression = args.judge.compression();
    let output = Output::create_table(&args.output, &args.judge.input.paths(), &compression)?;
    let job = Job {
        command: "score",
        args: &args.judge,
        scores: None,
        compression: &compression,
        rescues: false,
        recalibrates: false,
    };
    job.run(vec![output], |authority, outputs| {
        let package = match authority {
            Authority::Model { engine, .. } => Some(&engine.package),
            Authority::Table(_) => None,
        };
        let rows = Rows {
            counts_errors: package.is_some_and(|package| package.facts().counts_errors()),
            has_evidence: package.is_some_and(|package| package.has_evidence()),
            are_pairs: args.judge.input.layout() != Layout::Single,
        };
        let header = rows.columns().join("\t") + "\n";
        let output = &mut outputs[0];
        output.write_all(header.as_bytes()).with_context(|| output.name())?;
        Ok(rows)
    })
}

/// Rows of the table, and which columns it has.
struct Rows {
    /// Whether the model counts errors.
    counts_errors: bool,
    /// Whether the k-mers of the run testify.
    has_evidence: bool,
    are_pairs: bool,
}

impl Rows {
    fn columns(&self) -> Vec<&'static str> {
        let groups: [(bool, &[&str]); 6] = [
            (true, &["read", "length", "probability"]),
            (self.counts_errors, &["expected_errors"]),
            (true, &["phred_expected_errors", "mean_phred"]),
            (self.has_evidence, &["expected_errors_prior", "evaluable"]),
            (self.are_pairs, &["mate", "pair_probability"]),
            (true, &["verdict", "reason"]),
        ];
        groups
            .into_iter()
            .filter(|(is_there, _)| *is_there)
            .flat_map(|(_, columns)| columns)
            .copied()
            .collect()
    }
}

impl Product for Rows {
    fn write(&self, judged: &Judged<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
        let text = &mut texts[0];
        for (i, (mate, fate)) in judged.template.mates().iter().zip(decision.fates()).enumerate() {
            let (record, prediction) = (mate.record, judged.prediction(mate));
            text.extend_from_slice(record.name());
            text.push(b'\t');
            text.extend_from_slice(itoa::Buffer::new().format(record.sequence.len()).as_bytes());
            let mut add = |value: Option<f32>| {
                text.push(b'\t');
                number::write(text, value.unwrap_or(f32::NAN));
            };
            add(prediction.probability().map(|p| p.get()));
            if self.counts_errors {
                add(prediction.expected_errors());
            }
            add(Some(reported_errors(record.quality_scores) as f32));
            add(mean_phred(record.quality_scores).map(|mean| mean as f32));
            if self.has_evidence {
                let support = prediction.kmer_support();
                add(support.map(|support| support.expected_errors_prior));
                add(support.map(|support| support.evaluable));
            }
            if self.are_pairs {
                text.extend_from_slice(if i == 0 { b"\t1" } else { b"\t2" });
                text.push(b'\t');
                let joint = judged.joint.and_then(Prediction::probability);
                number::write(text, joint.map_or(f32::NAN, |p| p.get()));
            }
            text.push(b'\t');
            text.extend_from_slice(fate.verdict.name().as_bytes());
            text.push(b'\t');
            fate.reasons.write(text);
            text.push(b'\n');
        }
    }
}
