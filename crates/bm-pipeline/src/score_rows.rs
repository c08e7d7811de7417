//! Writes the table of scores: a row per read.

use bm_quality::Prediction;
use bm_reads::{mean_phred, reported_errors};

use bm_io::number;

use crate::columns::{Column, Known};
use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::pipeline::Product;

/// Rows of the table of scores, as tab-separated text.
pub(crate) struct ScoreRows {
    columns: Vec<Column>,
}

impl ScoreRows {
    pub(crate) fn new(known: Known) -> Self {
        Self { columns: Column::of(known).collect() }
    }

    /// Returns the header line.
    pub(crate) fn header(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column.name()).collect();
        names.join("\t") + "\n"
    }
}

impl Product for ScoreRows {
    fn write(&self, scored: &ScoredTemplate<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
        let text = &mut texts[0];
        for (i, (mate, fate)) in scored.template.mates().iter().zip(decision.fates()).enumerate() {
            let (record, prediction) = (mate.record, scored.prediction(mate));
            let support = prediction.kmer_support();
            for column in &self.columns {
                if *column != Column::Read {
                    text.push(b'\t');
                }
                let value = match column {
                    Column::Read => {
                        text.extend_from_slice(record.name());
                        continue;
                    }
                    Column::Length | Column::KeepFrom | Column::KeepTo | Column::AdapterBases => {
                        let keep = fate.keep.of(record.sequence.len());
                        let mut buffer = itoa::Buffer::new();
                        let number = buffer.format(match column {
                            Column::KeepFrom => keep.start,
                            Column::KeepTo => keep.end,
                            Column::AdapterBases => scored.adapter_bases(mate),
                            _ => record.sequence.len(),
                        });
                        text.extend_from_slice(number.as_bytes());
                        continue;
                    }
                    Column::Mate => {
                        let is_single = scored.template.mates().len() == 1;
                        text.push(if is_single { b'0' } else { b'1' + i as u8 });
                        continue;
                    }
                    Column::Verdict => {
                        text.extend_from_slice(fate.verdict.name().as_bytes());
                        continue;
                    }
                    Column::Reason => {
                        fate.reasons.write(text);
                        continue;
                    }
                    Column::Probability => prediction.probability().map(|p| p.get()),
                    Column::ExpectedErrors => prediction.expected_errors(),
                    Column::PhredExpectedErrors => {
                        Some(reported_errors(record.quality_scores) as f32)
                    }
                    Column::MeanPhred => mean_phred(record.quality_scores).map(|mean| mean as f32),
                    Column::ExpectedErrorsPrior => {
                        support.map(|support| support.expected_errors_prior)
                    }
                    Column::Evaluable => support.map(|support| support.evaluable),
                    Column::PairProbability => {
                        scored.joint.and_then(Prediction::probability).map(|p| p.get())
                    }
                };
                number::write(text, value.unwrap_or(f32::NAN));
            }
            text.push(b'\n');
        }
    }
}
