//! What `bm adapt` and `--adapt` share: the pass over the files of a run that learns it.

use std::io::Write;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use bm_adapt::{Adaptation, Choice, Label, Labels, RunEvidence, RunSample, Settings};
use bm_kmers::Counter;
use bm_quality::ModelPackage;
use bm_reads::fastq::{BatchSize, Record, RecordBatch};
use bm_reads::mates;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::counting::{Counting, Shared, counters};
use crate::input::{self, Input, Offset};
use crate::output::Output;
use crate::pipeline::{BYTES, FIRST_BYTES};
use crate::progress::Progress;
use crate::terminal;
use crate::work::Tasks;

/// Batches under way: one that is read, one that is looked at, two that wait.
const BATCHES: usize = 4;

/// What to learn from, and how.
pub(crate) struct Job<'a> {
    /// The files of the run, in their order.
    pub(crate) inputs: &'a [&'a Path],
    /// Whether mates follow each other in each of them.
    pub(crate) interleaved: bool,
    pub(crate) offset: Offset,
    /// The model to start from.
    pub(crate) start: &'a ModelPackage,
    pub(crate) seed: u64,
    /// Bytes that this may take, if the k-mers of the run are to be counted.
    pub(crate) evidence: Option<u64>,
    pub(crate) threads: usize,
    pub(crate) quiet: bool,
}

/// What a run taught.
pub(crate) struct Learned {
    pub(crate) adaptation: Adaptation,
    /// What its k-mers say, if they were counted.
    pub(crate) evidence: Option<RunEvidence>,
}

/// Bytes that everything but the k-mers takes: the sample, its labels, what is read.
const BESIDE: u64 = 496 << 20;

/// Fewest bytes that learning can do with: so many are left for k-mers.
pub(crate) const FEWEST_BYTES: u64 = BESIDE + (16 << 20);

/// Learns a run; the labels of its bases go to an output too, if there is one.
pub(crate) fn learn(job: &Job<'_>, labels_output: Option<Output>) -> Result<Learned> {
    let Job { inputs, interleaved, offset, start, seed, evidence, threads, quiet } = *job;
    Adaptation::check(start)?;
    if evidence.is_some() {
        Adaptation::check_experience(start)?;
    }
    let mut sample = RunSample::new(RunSample::ROOM);
    let mut start_applies = true;
    let mut counting = Vec::new();
    let size =
        |bytes| if interleaved { BatchSize::PairsInBytes(bytes) } else { BatchSize::Bytes(bytes) };
    let groups = if interleaved {
        inputs.iter().map(|path| vec![*path]).collect()
    } else {
        grouped(inputs)?
    };
    for (number, mates) in groups.into_iter().enumerate() {
        let mut files = mates
            .iter()
            .map(|path| input::open(path, offset, &Tasks::of(0)))
            .collect::<Result<Vec<_>>>()?;
        let mut first = vec![RecordBatch::default(); files.len()];
        for (file, first) in files.iter_mut().zip(&mut first) {
            file.read_batch(first, size(FIRST_BYTES))?;
        }
        if let (0, Some(bytes)) = (number, evidence) {
            let reads = first.iter().flat_map(RecordBatch::iter).map(|record| record.as_read());
            counting = counters(reads, bytes.saturating_sub(BESIDE) as usize, threads);
        }
        if number == 0
            && let Some(domain) = start.facts().domain
        {
            start_applies = domain
                .misfits(first.iter().flat_map(RecordBatch::iter).map(|record| record.as_read()))
                .is_empty();
        }
        counting = observe(files, first, size(BYTES), &mut sample, counting, quiet)?;
    }
    if !quiet {
        terminal::note(&format!(
            "{} reads seen, learning from {} of them",
            sample.reads_seen(),
            sample.reads_kept()
        ));
    }
    let (index, adaptation) = thread::scope(|scope| {
        // Neither needs the other.
        let index = scope.spawn(|| Counter::join(counting).map(Counter::finish));
        let labels = Labels::of(&sample, threads);
        if let Some(output) = labels_output {
            write_labels(&sample, &labels, output)?;
        }
        let adaptation =
            Adaptation::learn(&sample, &labels, start, &Settings { seed, threads, start_applies })?;
        let index =
            index.join().map_err(|_| anyhow!("the index was not made; this is a bug in bm"))?;
        anyhow::Ok((index, adaptation))
    })?;
    let evidence = index.map(|index| adaptation.weigh(index, &sample, threads)).transpose()?;
    Ok(Learned { adaptation, evidence })
}

/// Writes a row for each read that was looked at.
fn write_labels(sample: &RunSample, labels: &Labels, mut output: Output) -> Result<()> {
    let mut row = b"template\tmate\tlabels\n".to_vec();
    for read in labels.of_reads(sample) {
        output.write_all(&row).with_context(|| output.name())?;
        row.clear();
        write!(row, "{}\t{}\t", read.template, read.mate).context("a row")?;
        row.extend(read.labels.iter().map(|label| match label {
            Label::Unknown => b'.',
            Label::Right => b'=',
            Label::Wrong => b'X',
        }));
        row.push(b'\n');
    }
    output.write_all(&row).with_context(|| output.name())?;
    output.finish()
}

/// First reads of two files that are compared to tell whether they are mates.
const COMPARED: usize = 8;

/// Returns the files, those of mates together: two files one after the other whose first reads are
/// of the same templates.
fn grouped<'a>(inputs: &[&'a Path]) -> Result<Vec<Vec<&'a Path>>> {
    let mut groups: Vec<Vec<&Path>> = Vec::new();
    let mut before = Vec::new();
    for path in inputs {
        // A stream is opened once; it is nobody's mate.
        let names = if is_seekable(path)? { first_names(path)? } else { Vec::new() };
        match groups.last_mut() {
            Some(group)
                if group.len() == 1
                    && !names.is_empty()
                    && names == before
                    && group[0] != *path =>
            {
                group.push(path)
            }
            _ => groups.push(vec![path]),
        }
        before = names;
    }
    Ok(groups)
}

/// Returns whether a file can be read from its start again.
fn is_seekable(path: &Path) -> Result<bool> {
    Ok(!input::is_stdio(path) && input::file(path, "FASTQ")?.1.is_some())
}

fn first_names(path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut file = input::open(path, Offset::default(), &Tasks::of(0))?;
    let mut record = Record::default();
    let mut names = Vec::new();
    while names.len() < COMPARED && file.read_record(&mut record)? {
        names.push(mates::template(record.name()).to_vec());
    }
    Ok(names)
}

/// Shows the sample every read of a file, or every pair of two. Their first batches have been read;
/// the rest is read by another thread for each file, and k-mers are counted by others.
fn observe(
    files: Vec<Input>,
    first: Vec<RecordBatch>,
    size: BatchSize,
    sample: &mut RunSample,
    counters: Vec<Counter>,
    quiet: bool,
) -> Result<Vec<Counter>> {
    let progress = Progress::new(&files[0], quiet);
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let outcome = thread::scope(|scope| {
        let counting = Counting::start(scope, counters);
        let streams: Vec<_> = files
            .into_iter()
            .zip(first)
            .map(|(file, first)| {
                let (give, take) = bounded(BATCHES);
                let (give_back, empty) = bounded(BATCHES);
                scope.spawn(move || read(file, first, size, &give, &empty));
                Stream {
                    take,
                    current: Shared::new(RecordBatch::default(), give_back.clone()),
                    give_back,
                    more: true,
                }
            })
            .collect();
        match <[Stream; 2]>::try_from(streams) {
            Ok(mates) => pairs(mates, &names, sample, &counting, &progress),
            Err(streams) => {
                let mates = if matches!(size, BatchSize::PairsInBytes(_)) { 2 } else { 1 };
                streams.into_iter().try_for_each(|stream| {
                    file(stream, mates, &names[0], sample, &counting, &progress)
                })
            }
        }?;
        counting.finish()
    });
    progress.finish();
    outcome
}

/// Batches of a file, in order.
struct Stream {
    take: Receiver<Result<RecordBatch>>,
    give_back: Sender<RecordBatch>,
    current: Shared,
    more: bool,
}

impl Stream {
    /// Takes the next batch and has it counted; returns whether there is one.
    fn advance(&mut self, counting: &Counting<'_>) -> Result<bool> {
        if !self.more {
            return Ok(false);
        }
        match self.take.recv() {
            Ok(batch) => {
                self.replace(batch?);
                counting.count(&self.current)?;
                Ok(true)
            }
            Err(_) => {
                self.more = false;
                self.replace(RecordBatch::default());
                Ok(false)
            }
        }
    }
}

impl Stream {
    fn batch(&self) -> &RecordBatch {
        &self.current.batch
    }

    fn replace(&mut self, batch: RecordBatch) {
        std::mem::replace(&mut self.current, Shared::new(batch, self.give_back.clone())).release();
    }
}

/// Shows the sample the reads of one file, of which so many follow each other as mates.
fn file(
    mut stream: Stream,
    mates: usize,
    name: &str,
    sample: &mut RunSample,
    counting: &Counting<'_>,
    progress: &Progress,
) -> Result<()> {
    while stream.advance(counting)? {
        let batch = stream.batch();
        let mut reads = batch.iter().map(|record| record.as_read());
        while let Some(read) = reads.next() {
            match if mates == 2 { reads.next() } else { None } {
                // Whether they are mates is checked where they are judged.
                Some(mate) => sample.observe_pair(read, mate),
                None => sample.observe(read),
            }
            .with_context(|| format!("{name}: record {}", sample.reads_seen() + 1))?;
        }
        progress.update(batch.len());
    }
    Ok(())
}

fn pairs(
    mut mates: [Stream; 2],
    names: &[String],
    sample: &mut RunSample,
    counting: &Counting<'_>,
    progress: &Progress,
) -> Result<()> {
    let mut at = [0, 0];
    let mut pair = 0u64;
    loop {
        for (stream, at) in mates.iter_mut().zip(&mut at) {
            while *at == stream.batch().len() && stream.more {
                stream.advance(counting)?;
                *at = 0;
            }
        }
        let [first, second] = &mates;
        let (ours, theirs) = (first.batch().iter().skip(at[0]), second.batch().iter().skip(at[1]));
        let mut done = 0;
        for (one, other) in ours.zip(theirs) {
            done += 1;
            let (name, mate) = (mates::template(one.name()), mates::template(other.name()));
            if name != mate {
                bail!(
                    "{}: record {} is {}, but in {} it is {}; the mates must be in the same order",
                    names[1],
                    pair + done,
                    mate.escape_ascii(),
                    names[0],
                    name.escape_ascii()
                );
            }
            sample
                .observe_pair(one.as_read(), other.as_read())
                .with_context(|| format!("{}: record {}", names[0], pair + done))?;
        }
        pair += done;
        at.iter_mut().for_each(|at| *at += done as usize);
        progress.update(2 * done as usize);
        if done == 0 {
            let left = [0, 1].map(|i| mates[i].batch().len() > at[i]);
            if let Some(longer) = left.iter().position(|left| *left) {
                let (longer, shorter) = (&names[longer], &names[1 - longer]);
                bail!(
                    "{shorter}: ends after record {pair}, but {longer} has a record {}; the mates must be in the same order",
                    pair + 1
                );
            }
            return Ok(());
        }
    }
}

/// Reads the rest of a file until its end or the first fault.
fn read(
    mut file: Input,
    first: RecordBatch,
    size: BatchSize,
    give: &Sender<Result<RecordBatch>>,
    empty: &Receiver<RecordBatch>,
) {
    if give.send(Ok(first)).is_err() {
        return;
    }
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let more = file.read_batch(&mut batch, size);
        let last = !matches!(more, Ok(true));
        let message = more.map(|_| batch);
        if give.send(message).is_err() || last {
            return;
        }
    }
}

/// Refuses what cannot be read twice.
pub(crate) fn refuse_streams(inputs: &[&Path]) -> Result<()> {
    for path in inputs {
        if input::is_stdio(path) {
            bail!(
                "stdin: --adapt reads its input twice, first to learn and then to judge; give it a file"
            );
        }
        if !is_seekable(path)? {
            bail!(
                "{}: --adapt reads its input twice, first to learn and then to judge; a pipe can be read once, give it a file",
                path.display()
            );
        }
    }
    Ok(())
}

/// Returns lines for people on what was learned.
pub(crate) fn words(learned: &Learned) -> String {
    let evidence = learned
        .evidence
        .as_ref()
        .map_or_else(String::new, |evidence| format!("\n{}", words_of_kmers(evidence)));
    words_of_model(&learned.adaptation) + &evidence
}

/// Returns a line for people on what the k-mers of a run say, or why they do not.
pub(crate) fn words_of_kmers(evidence: &RunEvidence) -> String {
    let findings = &evidence.findings;
    if evidence.evidence.is_none() {
        let reasons: Vec<_> = evidence.doubts.iter().map(ToString::to_string).collect();
        return format!("the run's k-mers do not testify: {}", reasons.join("; "));
    }
    let share = if findings.share < 1.0 {
        format!(", one in {:.0} looked at", 1.0 / findings.share)
    } else {
        String::new()
    };
    format!(
        "the run's k-mers testify: {} of {} bases{share}, {:.1} MB, a typical one in {} reads; they know something of {:.1} % of the bases, \
         and make {:.2} of each expected error",
        findings.kmers,
        findings.k,
        findings.bytes as f64 / 1e6,
        findings.depth,
        100.0 * findings.evaluable,
        findings.expected_errors / findings.expected_errors_prior.max(f64::MIN_POSITIVE),
    )
}

fn words_of_model(adaptation: &Adaptation) -> String {
    let findings = &adaptation.findings;
    let reasons: Vec<_> = adaptation.doubts.iter().map(ToString::to_string).collect();
    let reasons = reasons.join("; ");
    match adaptation.choice {
        Choice::Adapted => {
            let held = &findings.held_out;
            format!(
                "adapted to this run: {} bases checked against other reads, {:.3} % of them wrong; on reads held out, expected over \
                 found errors are {:.2} (reported {:.2}, before {:.2})",
                findings.labelled,
                100.0 * findings.wrong as f64 / findings.labelled.max(1) as f64,
                held.adapted.log2_ratio.exp2(),
                held.reported.log2_ratio.exp2(),
                held.start.log2_ratio.exp2(),
            )
        }
        Choice::Start => format!("not adapted to this run: {reasons}; the model stays as it was"),
        Choice::Reported => {
            format!("not adapted to this run: {reasons}; reported qualities are believed")
        }
    }
}
