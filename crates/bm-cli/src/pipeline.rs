//! Every read of a source judged, decided about and written, in input order.

use std::io::Write;

use anyhow::{Context, Result};
use bm_quality::{Prediction, QualityModel};

use crate::decide::{Bases, Decider, Decision, Fate, Judged};
use crate::output::Output;
use crate::score_table::ScoreTable;
use crate::source::{Records, Source};
use crate::stages;
use crate::tally::Tally;
use crate::work::Tasks;

/// Bytes of text a batch. Batches are cut by the input alone, so that nothing depends on the number
/// of workers.
pub(crate) const BYTES: usize = 256 * 1024;
/// Bytes of text that are looked at to tell whether a model applies: some 1,500 reads of 150 bases.
pub(crate) const FIRST_BYTES: usize = 2 * BYTES;

/// Memory that an emptied text keeps, in bytes: a very long read made it larger.
const KEPT: usize = 4 << 20;

/// What a command writes of the reads that were decided about. Every thread does so for its batch.
pub(crate) trait Product: Sync {
    /// Appends what is to be written of a template to the text of each output.
    fn write(&self, judged: &Judged<'_>, decision: &Decision, texts: &mut [Vec<u8>]);
}

/// Reads, and what becomes of them.
#[derive(Default)]
struct Batch {
    records: Records,
    /// What is said of each, in the order of their files.
    predictions: Vec<Prediction>,
    /// What is said of each pair.
    joints: Vec<Prediction>,
    /// What became of each read when it was scored, where a table says so.
    given: Vec<Fate>,
    /// Error probabilities of their bases, where they are wanted.
    bases: Bases,
    /// What goes to each output.
    texts: Vec<Vec<u8>>,
    tally: Tally,
}

/// Reads the first batch of a source.
pub(crate) fn first(source: &mut Source) -> Result<Records> {
    let mut first = Records::default();
    source.read(&mut first, FIRST_BYTES)?;
    Ok(first)
}

/// Who says what there is to say of reads, for one thread.
pub(crate) enum Judge {
    Model(Box<QualityModel>),
    /// Nobody: a table says it, which is read beside the reads.
    Table,
}

/// How reads are judged and written.
pub(crate) struct Judging<'a, P> {
    pub(crate) decider: &'a Decider,
    pub(crate) product: &'a P,
    /// Whether the error probabilities of bases are wanted.
    pub(crate) wants_bases: bool,
    /// Whether reads are surveyed.
    pub(crate) surveys: bool,
    /// Bytes of text a batch: [`BYTES`], and others in the test that nothing depends on them.
    pub(crate) batch_bytes: usize,
    /// What threads do in between.
    pub(crate) tasks: &'a Tasks,
}

/// Judges every read of a source, of which the `first` ones were read, by a judge a thread or by a
/// `table`, decides about it, and writes what is made of it to `outputs`. Calls `progress` with
/// reads done.
///
/// Returns what was done.
pub(crate) fn run(
    mut source: Source,
    first: Records,
    judges: Vec<Judge>,
    mut table: Option<ScoreTable>,
    judging: &Judging<'_, impl Product>,
    outputs: &mut [Output],
    mut progress: impl FnMut(usize) + Send,
) -> Result<Tally> {
    let Judging { decider, product, wants_bases, surveys, batch_bytes, tasks } = *judging;
    let mut first = Some(first);
    let mut total = Tally::new(surveys);
    let count = outputs.len();
    let read = |item: &mut Batch| {
        let Batch { records, predictions, joints, given, .. } = item;
        let more = match first.take() {
            Some(first) => {
                *records = first;
                true
            }
            None => source.read(records, batch_bytes)?,
        };
        predictions.clear();
        joints.clear();
        given.clear();
        if let Some(table) = &mut table {
            table.rows_of(records, predictions, joints, given)?;
        }
        Ok(more)
    };
    let work = |judge: &mut Judge, batch: &mut Batch| {
        let Batch { records, predictions, joints, given, bases, texts, tally } = batch;
        if let Judge::Model(model) = judge {
            let probabilities = bases.clear();
            for file in records.files() {
                let reads = file.iter().map(|record| record.as_read());
                match wants_bases {
                    true => model.predict_bases_into(reads, predictions, probabilities),
                    false => model.predict_into(reads, predictions),
                }
                .context("judging reads")?;
            }
            if wants_bases {
                let lengths = records.reads().zip(&*predictions);
                bases.divide(
                    lengths.map(|(read, prediction)| prediction.probability().map(|_| read.len())),
                );
            }
            let rule = model.pair_rule();
            joints.extend(records.templates().filter_map(|template| match template.mates() {
                [one, other] => {
                    let mates = [one, other];
                    let predictions = mates.map(|mate| &predictions[mate.index]);
                    Some(rule.joint(predictions, mates.map(|mate| mate.record.sequence.len())))
                }
                _ => None,
            }));
        }
        texts.resize_with(count, Vec::new);
        for text in &mut *texts {
            text.clear();
            text.shrink_to(KEPT);
        }
        *tally = Tally::new(surveys);
        for (i, template) in records.templates().enumerate() {
            let judged = Judged { template, predictions, joint: joints.get(i), given, bases };
            let decision = decider.decide(&judged);
            tally.add(&judged, &decision, decider.mode);
            product.write(&judged, &decision, texts);
        }
        Ok(())
    };
    let take = |batch: &Batch| {
        for (output, text) in outputs.iter_mut().zip(&batch.texts) {
            output.write_all(text).with_context(|| output.name())?;
        }
        total.merge(&batch.tally);
        progress(batch.records.len());
        Ok(())
    };
    stages::run(judges, tasks, read, work, take)?;
    if let Some(table) = &mut table {
        table.check_end()?;
    }
    total.counts.close(source.records())?;
    Ok(total)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command, FilterArgs};
    use crate::compress::Compression;
    use crate::engine::Engine;

    fn args(arguments: &[&str]) -> FilterArgs {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
        let place = |word: &&str| {
            if word.contains('.') { testdata.join(word).into_os_string() } else { word.into() }
        };
        let words = ["bm", "filter"]
            .iter()
            .chain(arguments)
            .map(place)
            .chain(["-o".into(), "/dev/null".into()]);
        let Command::Filter(args) = Cli::parse_from(words).command else { panic!("bm filter") };
        args
    }

    /// Judges what the arguments name, in batches of so many bytes, on so many threads; `product`
    /// makes two outputs of it.
    fn judged(
        args: &FilterArgs,
        batch_bytes: usize,
        threads: usize,
        product: &impl Product,
    ) -> Result<([Vec<u8>; 2], Tally)> {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one", "two"].map(|name| folder.path().join(name));
        let compression = Compression::alone(None);
        let mut outputs: Vec<_> =
            paths.iter().map(|path| Output::create(path, &[], &compression).unwrap()).collect();
        let mut engine = Engine::open(&args.judge.engine).unwrap();
        let decider = Decider {
            rules: args.judge.rules.rules(),
            criteria: engine.package.facts().threshold.into(),
            mode: args.judge.input.pair.unwrap_or_default(),
            rescues: false,
        };
        let mut source = Source::open(&args.judge.input, &compression.tasks).unwrap();
        let mut first = Records::default();
        source.read(&mut first, batch_bytes).unwrap();
        let judges = engine
            .models(threads)
            .unwrap()
            .into_iter()
            .map(|model| Judge::Model(Box::new(model)))
            .collect();
        let tasks = &compression.tasks;
        let judging = Judging {
            decider: &decider,
            product,
            wants_bases: true,
            surveys: false,
            batch_bytes,
            tasks,
        };
        let tally = run(source, first, judges, None, &judging, &mut outputs, |_| {})?;
        crate::output::finish_all(outputs).unwrap();
        Ok((paths.map(|path| std::fs::read(path).unwrap()), tally))
    }

    /// Everything that is known of a read, to the bit.
    struct Everything;

    impl Product for Everything {
        fn write(&self, judged: &Judged<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
            for (mate, fate) in judged.template.mates().iter().zip(decision.fates()) {
                let bits = |p: &f32| p.to_bits();
                let bases: Vec<_> = judged.bases(mate).iter().map(bits).collect();
                let prediction = judged.prediction(mate);
                let probability = prediction.probability().map(|p| bits(&p.get()));
                let errors = prediction.expected_errors().as_ref().map(bits);
                let name = mate.record.name().escape_ascii();
                let joint =
                    judged.joint.and_then(|joint| joint.probability()).map(|p| bits(&p.get()));
                writeln!(
                    texts[0],
                    "{name} {probability:?} {errors:?} {joint:?} {:?}",
                    fate.verdict
                )
                .unwrap();
                writeln!(texts[1], "{bases:?}").unwrap();
            }
        }
    }

    #[test]
    fn nothing_depends_on_batches_or_threads() {
        let inputs: [&[&str]; 4] = [
            &["hiseq_measles/hiseq_measles_1.fastq.gz"],
            &["hiseq_measles/hiseq_measles_1.fastq.gz", "hiseq_measles/hiseq_measles_2.fastq.gz"],
            &["hiseq_measles/hiseq_measles_1.fastq.gz", "-m", "mean-q20"],
            &["nanopore_lambda_4line.fastq.gz"],
        ];
        for input in inputs {
            let args = args(input);
            let (expected, tally) = judged(&args, BYTES, 1, &Everything).unwrap();
            assert!(expected[0].len() > 10_000, "{input:?}");
            let counts = format!("{:?}", tally.counts);
            // One read, some, and all that there are, some 4,096 of which would be 1.2 MB.
            for (batch_bytes, threads) in
                [(1, 8), (700, 2), (20_000, 8), (1_300_000, 1), (1_300_000, 2)]
            {
                let (found, other) = judged(&args, batch_bytes, threads, &Everything).unwrap();
                assert!(
                    found == expected,
                    "{input:?}: batches of {batch_bytes} bytes on {threads} threads"
                );
                assert_eq!(format!("{:?}", other.counts), counts, "{input:?}");
            }
        }
    }

    /// A worker with a fault in it.
    struct Panics {
        at: &'static [u8],
    }

    impl Product for Panics {
        fn write(&self, judged: &Judged<'_>, _: &Decision, _: &mut [Vec<u8>]) {
            assert!(
                judged.template.mates()[0].record.name() != self.at,
                "a fault that was put here"
            );
        }
    }

    #[test]
    fn a_worker_that_panics_ends_the_run_with_a_message() {
        let args = args(&["hiseq_measles/hiseq_measles_1.fastq.gz"]);
        let mut source = Source::open(&args.judge.input, &Compression::alone(None).tasks).unwrap();
        let mut all = Records::default();
        source.read(&mut all, usize::MAX).unwrap();
        let names: Vec<Vec<u8>> = all.reads().map(|read| read.name.to_vec()).collect();
        for at in [0, 1, names.len() / 2, names.len() - 1] {
            let product = Panics { at: Vec::leak(names[at].clone()) };
            for threads in [1, 2, 8] {
                let Err(error) = judged(&args, 10_000, threads, &product) else {
                    panic!("read {at} is judged by a thread that panics")
                };
                assert_eq!(error.to_string(), "a worker stopped unexpectedly; this is a bug in bm");
            }
        }
    }
}
