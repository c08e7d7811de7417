//! The model `mean-q20` against the rule that it was trained on, on reads of all lengths.

use bm_infer::backend::Embedded;
use bm_quality::{QualityModel, Verdict};
use bm_reads::{ReadRef, mean_phred};

use super::records;

/// The threshold of the rule. Unit: Phred.
const LINE: f64 = 20.0;

/// Counts of verdicts on reads more than one Phred from the rule's threshold, and of those that
/// agree with the rule.
#[derive(Debug, Default)]
struct Agreement {
    pass: usize,
    fail: usize,
    agree: usize,
}

impl Agreement {
    fn of<'a>(model: &mut QualityModel, reads: impl Iterator<Item = ReadRef<'a>>) -> Self {
        let far = |read: &ReadRef<'_>| {
            mean_phred(read.quality_scores).is_some_and(|mean| (mean - LINE).abs() > 1.0)
        };
        let reads: Vec<_> =
            reads.filter(|read| read.check_scorable().is_ok() && far(read)).collect();
        let mut agreement = Self::default();
        for (read, prediction) in reads.iter().zip(model.predict(&reads).unwrap()) {
            let passes = mean_phred(read.quality_scores).is_some_and(|mean| mean >= LINE);
            if passes {
                agreement.pass += 1;
            } else {
                agreement.fail += 1;
            }
            agreement.agree +=
                usize::from((prediction.verdict(model.threshold()) == Verdict::Pass) == passes);
        }
        agreement
    }

    fn fraction(&self) -> f64 {
        self.agree as f64 / (self.pass + self.fail) as f64
    }
}

fn model() -> QualityModel {
    QualityModel::embedded("mean-q20", &Embedded::new()).unwrap()
}

#[test]
fn verdicts_agree_with_the_rule_on_reads_of_35_to_300_bases() {
    let mut model = model();
    // Runs with reads of all levels: Illumina of 101, 150 and 250 bases, and Nanopore, whose reads
    // are cut out of longer ones.
    let runs: Vec<_> = [
        "hiseqx_phage/hiseqx_phage.fastq.gz",
        "hiseq_measles/hiseq_measles_1.fastq.gz",
        "hiseq_measles/hiseq_measles_2.fastq.gz",
        "miseq_twist/miseq_twist_first2000_2.fastq.gz",
        "novaseq_A00129_800.fastq.gz",
        "nanopore_lambda_4line.fastq.gz",
    ]
    .map(|name| (name, records(name)))
    .into();
    for length in [35, 50, 75, 100, 101, 125, 149, 150, 151, 175, 200, 250, 299, 300] {
        let mut all = Agreement::default();
        for (name, records) in &runs {
            // From the end of the read: tails hold the low qualities that whole Illumina reads
            // rarely have on average.
            let long_enough =
                records.iter().map(|record| record.as_read()).filter(|read| read.len() >= length);
            let agreement = Agreement::of(
                &mut model,
                long_enough.map(|read| read.window(read.len() - length, length)),
            );
            if agreement.pass + agreement.fail > 0 {
                assert!(agreement.fraction() >= 0.98, "{name}, {length} bases: {agreement:?}");
            }
            all.pass += agreement.pass;
            all.fail += agreement.fail;
        }
        assert!(
            all.pass + all.fail >= 200 && all.fail >= 20,
            "too few reads of {length} bases to say anything: {all:?}"
        );
    }
}

#[test]
fn verdicts_agree_with_the_rule_on_whole_nanopore_reads() {
    let records = records("nanopore_lambda_4line.fastq.gz");
    let agreement = Agreement::of(&mut model(), records.iter().map(|record| record.as_read()));
    assert!(agreement.fraction() >= 0.98 && agreement.fail > 200, "{agreement:?}");
}

#[test]
fn verdicts_agree_with_the_rule_on_long_reads_of_two_parts() {
    // All Nanopore reads of this run are below the threshold, so good, bad and mixed long reads are
    // made: the first part of a Nanopore read with its qualities raised, and the rest unchanged.
    let records = records("nanopore_lambda_4line.fastq.gz");
    let mut built = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let read = record.as_read();
        let raised_bases = i % 11 * read.len() / 10;
        let raised = |quality: &u8| (quality + 18).min(b'~');
        let quality_scores: Vec<u8> = read
            .quality_scores
            .iter()
            .enumerate()
            .map(|(j, q)| if j < raised_bases { raised(q) } else { *q })
            .collect();
        built.push((read.sequence, quality_scores));
    }
    let reads = built.iter().map(|(sequence, quality_scores)| ReadRef {
        name: b"built",
        sequence,
        quality_scores,
    });
    let agreement = Agreement::of(&mut model(), reads);
    assert!(
        agreement.fraction() >= 0.98 && agreement.pass > 20 && agreement.fail > 20,
        "{agreement:?}"
    );
}
