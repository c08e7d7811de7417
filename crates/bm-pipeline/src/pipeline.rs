//! Scores every read of a run, decides whether it is kept, and writes the outputs in input order.

use std::collections::VecDeque;

use bm_insert::Finder;
use bm_io::ordered_stages::{self, Budget};
use bm_io::{Cancellation, Output, Tasks};
use bm_quality::{Prediction, QualityModel};
use bm_reads::conversion::Conversion;
use bm_reads::fastq::RecordBatch;
use bm_reads::{PlacedRead, ReadError, ReadRef};

use crate::PipelineError;
use crate::as_one::AsOne;
use crate::base_probabilities::BaseProbabilities;
use crate::decide::{Decider, ScoredTemplate};
use crate::fate::{Decision, Fate};
use crate::found_classes::{ClassFinder, FoundClasses};
use crate::inserts::{BatchInserts, RunInserts};
use crate::merge::MergedReads;
use crate::observer::{Observer, Task};
use crate::part::Part;
use crate::profiling::Profiling;
use crate::score_table::ScoreTable;
use crate::screen::Screen;
use crate::split::Splitter;
use crate::tally::Tally;
use crate::template_reader::TemplateReader;
use crate::templates::{Mate, TemplateBatch};
use crate::totals::SplitTotals;
use crate::trim::Trimming;

/// Bytes of text per batch. The input alone decides where batches end, so nothing depends on the
/// number of workers.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;
/// Most bytes of text per batch for an engine that takes blocks of one shape: several batches must
/// fit into [`MEMORY_BYTES`].
const MOST_BATCH_BYTES: usize = 12 << 20;
/// Blocks of such an engine per batch and file. The last one is half empty on average.
const BLOCKS: f64 = 32.0;
/// Bytes of text that are examined to decide whether a model applies: about 1,500 reads of 150
/// bases.
pub(crate) const FIRST_BYTES: usize = 2 * BATCH_BYTES;

/// Memory of all batches together, in bytes, at any number of threads: some three hundred batches of
/// short reads. A batch that needs more, which only a read of some 50 million bases or more does, is
/// processed alone.
pub(crate) const MEMORY_BYTES: usize = 512 << 20;

/// Memory that a batch takes beside its text, in bytes per read: the positions of the record, the
/// scores, the decision, what the outputs say about it.
const BYTES_PER_READ: usize = 256;

/// The same for where the insert of a read ends, and what is kept of it.
const BYTES_PER_READ_WITH_PARTS: usize = 192;

/// Memory of a batch in bytes per byte of text, of which a base has two: the text, that of the
/// outputs, a code (u16) and a result (f32) per base.
const BYTES_PER_TEXT: usize = 5;
/// The same for error probabilities that are kept (f32), and new qualities.
const BYTES_PER_TEXT_WITH_BASES: usize = 3;
/// The same for merged reads: a base and its error probability (f32).
const BYTES_PER_TEXT_WITH_MERGING: usize = 3;
/// The same for the look-up of k-mers: two numbers (u64) per base, and its support.
const BYTES_PER_TEXT_WITH_KMERS: usize = 10;

/// Memory that a cleared text keeps, in bytes, after a very long read enlarged it.
const KEPT_BYTES: usize = 4 << 20;

/// The product of a command: what it writes for each template. Every thread formats its own batch.
pub(crate) trait Product: Sync {
    /// Whether decisions are kept until the batch is taken, for a [`Visitor`].
    const KEEPS_DECISIONS: bool = false;

    /// Appends what is written of a template to the text of each output.
    fn write(&self, scored: &ScoredTemplate<'_>, decision: &Decision, texts: &mut [Vec<u8>]);

    /// Writes the quality scores that a kept read gets instead of its own; returns whether it gets any.
    fn rewrites(
        &self,
        _scored: &ScoredTemplate<'_>,
        _mate: &Mate<'_>,
        _quality_scores: &mut Vec<u8>,
    ) -> bool {
        false
    }

    /// Returns lines for the user, after all templates were written.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A function that is called with every template of a run, in input order.
pub(crate) type Visitor<'a> = Box<dyn FnMut(&ScoredTemplate<'_>, &Decision) + Send + 'a>;

/// Where batches go when they are done, in input order.
pub(crate) struct Destination<'a, 's> {
    /// Files for the texts of the product.
    pub(crate) outputs: &'a mut [Output],
    /// What cuts some of them into numbered files.
    pub(crate) splitter: Option<&'a mut Splitter<'s>>,
    /// A function for the scores of a product that keeps decisions.
    pub(crate) visit: Option<Visitor<'a>>,
}

/// What works on the reads of one thread.
pub(crate) struct Worker {
    pub(crate) scorer: Scorer,
    finder: Finder,
    classes: ClassFinder,
}

impl From<Scorer> for Worker {
    fn from(scorer: Scorer) -> Self {
        Self { scorer, finder: Finder::default(), classes: ClassFinder::default() }
    }
}

/// What scores the reads of one thread.
pub(crate) enum Scorer {
    /// A model.
    Model(Box<QualityModel>),
    /// A table of scores, read in step with the reads.
    Table,
}

impl Scorer {
    /// Returns the memory in bytes per byte of text that a batch takes until it is written.
    fn bytes_per_text(&self, wants_bases: bool) -> usize {
        let bases = if wants_bases { BYTES_PER_TEXT_WITH_BASES } else { 0 };
        match self {
            Self::Model(model) if model.package().has_evidence() => {
                BYTES_PER_TEXT + BYTES_PER_TEXT_WITH_KMERS + bases
            }
            Self::Model(_) | Self::Table => BYTES_PER_TEXT + bases,
        }
    }
}

/// Returns the bytes of text per batch for workers, by the first reads: more than
/// [`BATCH_BYTES`] for an engine that takes blocks of one shape, so that most blocks are full.
///
/// No output depends on where batches end.
pub(crate) fn batch_bytes(workers: &[Worker], first: &TemplateBatch) -> usize {
    let Some(Worker { scorer: Scorer::Model(model), .. }) = workers.first() else {
        return BATCH_BYTES;
    };
    let lengths = first.reads().map(|read| read.len());
    match model.blocks(lengths) {
        Some(blocks) if blocks > 0.0 => {
            let blocks = blocks / first.layout().files() as f64;
            let bytes = first.bytes() as f64 * BLOCKS / blocks;
            (bytes as usize).clamp(BATCH_BYTES, MOST_BATCH_BYTES)
        }
        _ => BATCH_BYTES,
    }
}

/// Templates on their way from the reader to the outputs.
#[derive(Default)]
struct Batch {
    templates: TemplateBatch,
    /// A prediction for each read, in the order of the files.
    predictions: Vec<Prediction>,
    /// A prediction for each pair.
    joints: Vec<Prediction>,
    /// Earlier verdicts on the reads, if they come from a table of scores.
    earlier: Vec<Fate>,
    bases: BaseProbabilities,
    inserts: BatchInserts,
    /// The part of each read that is scored and kept; empty if reads are scored and kept whole.
    parts: Vec<Part>,
    as_one: AsOne,
    merged: MergedReads,
    classes: FoundClasses,
    /// The decision about each template, where the product keeps them.
    decisions: Vec<Decision>,
    /// The text for each output.
    texts: Vec<Vec<u8>>,
    /// Where the text of each template ends in that of each output, where these are cut.
    ends: Vec<Vec<usize>>,
    tally: Tally,
    /// What was divided before it was scored.
    split: SplitTotals,
}

impl Batch {
    /// Returns the memory that the batch takes until it is written, in bytes.
    fn weight(&self, bytes_per_text: usize, bytes_per_read: usize) -> usize {
        let reads = self.templates.len().saturating_mul(bytes_per_read);
        let index = self.templates.index_bytes();
        let text = self.templates.bytes().saturating_mul(bytes_per_text);
        text.saturating_add(reads).saturating_add(index.saturating_mul(2))
    }

    /// Divides reads at the adapters and the stretches inside them, if that is wanted.
    fn split<P>(&mut self, plan: &Plan<'_, P>) {
        let run = plan.library(&self.templates).0.filter(|run| run.splits());
        let split = |run: &RunInserts| self.templates.split(run.splits_at(), run.stretches());
        self.split = run.map_or_else(SplitTotals::default, split);
    }

    /// Finds the part of each read that is scored: the sample's, within the fixed cuts.
    fn divide<P>(&mut self, finder: &mut Finder, plan: &Plan<'_, P>) {
        let Self { templates, inserts, parts, .. } = self;
        inserts.clear();
        parts.clear();
        if !plan.divides() {
            return;
        }
        if let (Some(run), _) = plan.library(templates) {
            inserts.find(templates, run, finder);
        }
        let part = |(index, read): (usize, ReadRef<'_>)| {
            Part::to_score(&plan.trimming, inserts.get(index), read.len())
        };
        parts.extend(templates.reads().enumerate().map(part));
    }

    /// Scores the reads and pairs by a model.
    fn score<P>(
        &mut self,
        model: &mut QualityModel,
        finder: &mut Finder,
        plan: &Plan<'_, P>,
    ) -> Result<(), PipelineError> {
        let Self { templates, predictions, joints, bases, inserts, parts, as_one, merged, .. } =
            self;
        let (run_inserts, conversion) = plan.library(templates);
        as_one.write(templates, conversion);
        let as_one = &*as_one;
        let probabilities = bases.clear();
        let asks_mates = !model.package().failed_cycles().is_empty();
        // The probabilities of bases have as many as these reads have bases.
        let mut lengths: Vec<Option<usize>> = Vec::new();
        for file in templates.files() {
            let before = predictions.len();
            let of_file = parts.get(before..before + file.len()).unwrap_or_default();
            let reads = file.iter().enumerate().map(|(place, record)| {
                let read = as_one.read(before + place, templates.read_of(record));
                let mate = if asks_mates { templates.mate_number(before + place) } else { 1 };
                let cut = file.cut_start(place);
                match of_file.get(place).map(|part| &part.scored) {
                    Some(part) => {
                        let read = read.window(part.start, part.len());
                        PlacedRead { read, mate, before: cut + part.start }
                    }
                    None => PlacedRead { read, mate, before: cut },
                }
            });
            if !plan.trimming.ends {
                match plan.wants_bases {
                    true => model.predict_bases_into(reads, predictions, probabilities),
                    false => model.predict_into(reads, predictions),
                }
                .map_err(PipelineError::at("scoring reads"))?;
                let of_file = scored_lengths(file, of_file).zip(&predictions[before..]);
                lengths.extend(
                    of_file.map(|(length, prediction)| prediction.probability().map(|_| length)),
                );
                continue;
            }
            let mut chosen = vec![None; file.len()];
            let mut weighed = Vec::new();
            let of_bases = plan.wants_bases.then_some(&mut *probabilities);
            let mut choose = |place: usize, errors: &[f32]| {
                let insert = inserts.get(before + place);
                let part = &of_file[place].scored;
                let sequence = file.get(place).map_or(&[][..], |record| record.sequence);
                let foreign = |at: usize| insert.foreign(part.start + at);
                let foreign: Option<&dyn Fn(usize) -> f32> =
                    if insert.is_whole() { None } else { Some(&foreign) };
                let sequence = &sequence[part.clone()];
                let mut best = plan.trimming.best(sequence, errors, foreign);
                if let Some(model) = run_inserts.map(RunInserts::model) {
                    let doubted = finder.doubted_words(model, sequence);
                    if plan.trimming.may_cut(&best, doubted) {
                        weighed.clear();
                        weighed.extend_from_slice(errors);
                        finder.weigh(model, best.clone(), &mut weighed);
                        best = plan.trimming.best(sequence, &weighed, foreign);
                    }
                }
                chosen[place] = Some(best.clone());
                best
            };
            model
                .predict_parts_into(reads, &mut choose, predictions, of_bases)
                .map_err(PipelineError::at("scoring reads"))?;
            lengths.extend(
                scored_lengths(file, of_file)
                    .zip(&chosen)
                    .map(|(length, chosen)| chosen.as_ref().map(|_| length)),
            );
            for (place, chosen) in chosen.into_iter().enumerate() {
                parts[before + place].chosen = chosen;
            }
        }
        if plan.wants_bases {
            bases.divide(lengths.into_iter());
        }
        for ((index, read), part) in templates.reads().enumerate().zip(&mut *parts) {
            part.finish(&plan.trimming, inserts.get(index), read.sequence);
            // What is left of the read has no bases, but the read has.
            if part.judged.is_empty() && !read.is_empty() {
                predictions[index] = Prediction::Unscored(ReadError::EmptyRead);
            }
            if run_inserts.is_some_and(RunInserts::are_long) {
                part.judge_what_is_kept(&mut predictions[index]);
            }
        }
        let (rule, judged) = (model.pair_rule(), plan.decider.mode.judged());
        merged.clear();
        if run_inserts.is_some_and(RunInserts::merges) {
            merged.fill(templates, inserts, parts, bases, &plan.trimming, rule);
        }
        joints.extend(templates.templates().filter_map(|template| match template.mates() {
            [one, other] => {
                let mates = [one, other];
                if let Some(judged) = judged {
                    return Some(predictions[mates[judged].index].clone());
                }
                let predictions = mates.map(|mate| &predictions[mate.index]);
                let lengths = mates.map(|mate| match parts.get(mate.index) {
                    Some(part) => part.judged.len(),
                    None => mate.record.sequence.len(),
                });
                Some(rule.joint(predictions, lengths))
            }
            _ => None,
        }));
        Ok(())
    }

    /// Finds the classes that the templates come from, if that is wanted.
    fn classify<P>(&mut self, finder: &mut ClassFinder, plan: &Plan<'_, P>) {
        let Self { templates, predictions, bases, parts, classes, .. } = self;
        match plan.screen {
            Some(screen) => classes.fill(finder, screen, (templates, parts, predictions, bases)),
            None => classes.clear(),
        }
    }

    /// Decides about the templates and makes the texts of the outputs.
    fn decide<P: Product>(&mut self, outputs: usize, plan: &Plan<'_, P>) {
        let Self {
            templates,
            predictions,
            joints,
            earlier,
            bases,
            parts,
            merged,
            classes,
            decisions,
            texts,
            ends,
            tally,
            split,
            ..
        } = self;
        texts.resize_with(outputs, Vec::new);
        for text in &mut *texts {
            text.clear();
            text.shrink_to(KEPT_BYTES);
        }
        ends.resize_with(if plan.splits { outputs } else { 0 }, Vec::new);
        ends.iter_mut().for_each(Vec::clear);
        *tally = Tally::new(plan.surveys, plan.yields);
        tally.totals.split = *split;
        tally.totals.bases.r#in += split.left_out();
        decisions.clear();
        let mut profile = plan.profiling.map(Profiling::take);
        for (i, template) in templates.templates().enumerate() {
            let merged = merged.get(i);
            let joint = merged.map(|merged| merged.prediction).or(joints.get(i));
            let classes = classes.of(i, plan.screen);
            let scored = ScoredTemplate {
                template,
                predictions,
                joint,
                merged,
                earlier,
                bases,
                parts,
                classes,
            };
            let decision = plan.decider.decide(&scored);
            tally.add(&scored, &decision, plan.decider);
            if let Some(profile) = &mut profile {
                profile.add(&scored, &decision, |mate, quality_scores| {
                    plan.product.rewrites(&scored, mate, quality_scores)
                });
            }
            plan.product.write(&scored, &decision, texts);
            for (ends, text) in ends.iter_mut().zip(&*texts) {
                ends.push(text.len());
            }
            if P::KEEPS_DECISIONS {
                decisions.push(decision);
            }
        }
        if let (Some(profiling), Some(profile)) = (plan.profiling, profile) {
            profiling.give_back(profile);
        }
    }

    /// Calls a function with every template whose decision was kept.
    fn visit(&self, visit: &mut Visitor<'_>, screen: Option<&Screen>) {
        let Self {
            templates,
            predictions,
            joints,
            earlier,
            bases,
            parts,
            merged,
            classes,
            decisions,
            ..
        } = self;
        for (i, (template, decision)) in templates.templates().zip(decisions).enumerate() {
            let merged = merged.get(i);
            let joint = merged.map(|merged| merged.prediction).or(joints.get(i));
            let classes = classes.of(i, screen);
            let scored = ScoredTemplate {
                template,
                predictions,
                joint,
                merged,
                earlier,
                bases,
                parts,
                classes,
            };
            visit(&scored, decision);
        }
    }
}

/// Reads the first batches of a run: one, or several if its first files are short. They are all of
/// single reads, or all of pairs.
pub(crate) fn first_batches(
    reader: &mut TemplateReader,
) -> Result<Vec<TemplateBatch>, PipelineError> {
    let has_pairs = reader.has_pairs();
    let mut first = Vec::new();
    let mut bytes = FIRST_BYTES;
    loop {
        let group = reader.group();
        let mut batch = TemplateBatch::default();
        reader.read(&mut batch, bytes)?;
        bytes = bytes.saturating_sub(batch.bytes());
        first.push(batch);
        if reader.group() == group || reader.has_pairs() != has_pairs || bytes == 0 {
            return Ok(first);
        }
    }
}

/// Returns the number of bases of each record, or of its part that is scored.
fn scored_lengths<'a>(
    file: &'a RecordBatch,
    parts: &'a [Part],
) -> impl Iterator<Item = usize> + 'a {
    file.iter().enumerate().map(|(place, record)| match parts.get(place) {
        Some(part) => part.scored.len(),
        None => record.sequence.len(),
    })
}

/// The batches of a run that were read already.
pub(crate) struct First {
    pub(crate) batches: VecDeque<TemplateBatch>,
    /// Whether they are all there are.
    pub(crate) is_all: bool,
    /// As many of them are also counted apart: [`Tally::first`].
    pub(crate) counted: usize,
}

/// How reads are scored, decided about and written.
pub(crate) struct Plan<'a, P> {
    pub(crate) decider: &'a Decider,
    pub(crate) product: &'a P,
    /// Where inserts end, if that is known.
    pub(crate) inserts: Option<&'a RunInserts>,
    /// Which bases are written as one where reads are compared with others of the run.
    pub(crate) conversion: Option<Conversion>,
    /// Both for the single reads, if there are pairs, too.
    pub(crate) unpaired: Option<(&'a RunInserts, Option<Conversion>)>,
    /// What is cut off reads.
    pub(crate) trimming: Trimming,
    /// The classes that reads are looked up in, if any.
    pub(crate) screen: Option<&'a Screen>,
    /// Whether error probabilities of bases are needed.
    pub(crate) wants_bases: bool,
    /// Whether distributions are collected.
    pub(crate) surveys: bool,
    /// Whether it is counted what long reads yield by quality and length.
    pub(crate) yields: bool,
    /// What the reads are like, if that is counted.
    pub(crate) profiling: Option<&'a Profiling>,
    /// Whether outputs are cut between templates.
    pub(crate) splits: bool,
    /// Bytes of text per batch.
    pub(crate) batch_bytes: usize,
    /// Memory of all batches together: [`MEMORY_BYTES`], except in tests.
    pub(crate) memory_bytes: usize,
    /// Tasks that threads do between steps.
    pub(crate) tasks: &'a Tasks,
    /// What ends the run before its end.
    pub(crate) cancellation: Option<&'a Cancellation>,
}

impl<'a, P> Plan<'a, P> {
    /// Returns where the inserts of a batch end, if that is known, and which bases of it are written as
    /// one.
    fn library(&self, templates: &TemplateBatch) -> (Option<&'a RunInserts>, Option<Conversion>) {
        match self.unpaired {
            Some((inserts, conversion)) if !templates.layout().has_pairs() => {
                (Some(inserts), conversion)
            }
            _ => (self.inserts, self.conversion),
        }
    }

    /// Returns whether a part of a read may be scored or kept.
    fn divides(&self) -> bool {
        let unpaired = self.unpaired.map(|(inserts, _)| inserts);
        let inserts = [self.inserts, unpaired].into_iter().flatten();
        self.trimming.cuts() || inserts.into_iter().any(|run| !run.is_idle())
    }
}

/// Scores every read, of which the `first` ones were read already, on one worker per thread or by a
/// `table`; decides about it; and gives the product to `destination`. Returns what was counted.
pub(crate) fn run(
    reader: &mut TemplateReader,
    first: First,
    workers: Vec<Worker>,
    mut table: Option<ScoreTable>,
    plan: &Plan<'_, impl Product>,
    destination: Destination<'_, '_>,
    observer: &dyn Observer,
) -> Result<Tally, PipelineError> {
    let Destination { outputs, mut splitter, mut visit } = destination;
    let First { batches: mut first, is_all, mut counted } = first;
    let mut total = Tally::new(plan.surveys, plan.yields);
    let count = outputs.len();
    let read = |batch: &mut Batch| {
        let Batch { templates, predictions, joints, earlier, .. } = batch;
        let more = match first.pop_front() {
            Some(next) => {
                *templates = next;
                !(is_all && first.is_empty())
            }
            None => {
                let group = reader.group();
                let more = reader.read(templates, plan.batch_bytes)?;
                if reader.group() != group {
                    observer.pass_ends();
                    observer.pass_begins(Task::Scoring, reader.leading());
                }
                more
            }
        };
        predictions.clear();
        joints.clear();
        earlier.clear();
        if let Some(table) = &mut table {
            table.rows_of(templates, predictions, joints, earlier)?;
        }
        Ok(more)
    };
    let check = || plan.cancellation.map_or(Ok(()), Cancellation::check);
    let work = |worker: &mut Worker, batch: &mut Batch| {
        check()?;
        let Worker { scorer, finder, classes } = worker;
        if let Scorer::Model(model) = scorer {
            batch.split(plan);
            batch.divide(finder, plan);
            batch.score(model, finder, plan)?;
        }
        batch.classify(classes, plan);
        batch.decide(count, plan);
        Ok(())
    };
    let take = |batch: &Batch| {
        check()?;
        match &mut splitter {
            Some(splitter) => splitter.write(outputs, &batch.texts, &batch.ends)?,
            None => {
                for (output, text) in outputs.iter_mut().zip(&batch.texts) {
                    output.write_text(text)?;
                }
            }
        }
        if let Some(visit) = &mut visit {
            batch.visit(visit, plan.screen);
        }
        total.merge(&batch.tally);
        if counted > 0 {
            total.first.add(&batch.tally.totals);
            counted -= 1;
        }
        observer.reads_done(batch.templates.len());
        Ok::<_, PipelineError>(())
    };
    let bytes_per_text =
        workers.first().map_or(0, |worker| worker.scorer.bytes_per_text(plan.wants_bases));
    let merges = plan.inserts.is_some_and(RunInserts::merges);
    let bytes_per_text = bytes_per_text + if merges { BYTES_PER_TEXT_WITH_MERGING } else { 0 };
    let more = if plan.divides() { BYTES_PER_READ_WITH_PARTS } else { 0 };
    let more = more + plan.screen.map_or(0, Screen::bytes_per_read);
    let weight = |batch: &Batch| batch.weight(bytes_per_text, BYTES_PER_READ + more);
    let budget = Budget { bytes: plan.memory_bytes, weight };
    ordered_stages::run(workers, plan.tasks, budget, read, work, take)?;
    if let Some(table) = &mut table {
        table.check_end()?;
    }
    total.totals.close(reader.records())?;
    let warnings = reader.warnings().chain(table.and_then(|table| table.end().warning()));
    warnings.for_each(|line| observer.warn(&line));
    Ok(total)
}

/// Scores batches by a model and decides about them, on the calling thread and without outputs;
/// returns what was counted.
pub(crate) fn trial(
    batches: &[TemplateBatch],
    model: QualityModel,
    plan: &Plan<'_, impl Product>,
) -> Result<Tally, PipelineError> {
    let mut total = Tally::new(plan.surveys, plan.yields);
    let (mut model, mut finder, mut classes) = (model, Finder::default(), ClassFinder::default());
    for templates in batches {
        plan.cancellation.map_or(Ok(()), Cancellation::check)?;
        let mut batch = Batch { templates: templates.clone(), ..Batch::default() };
        batch.split(plan);
        batch.divide(&mut finder, plan);
        batch.score(&mut model, &mut finder, plan)?;
        batch.classify(&mut classes, plan);
        batch.decide(0, plan);
        total.merge(&batch.tally);
    }
    Ok(total)
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;
    use std::path::{Path, PathBuf};

    use bm_io::{Compression, Durability, finish_all};

    use super::*;
    use crate::decide::PairMode;
    use crate::engine::{Engine, EngineChoice};
    use crate::inputs::Inputs;
    use crate::observer::Silent;
    use crate::rules::Rules;

    fn testdata(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
    }

    /// Files of a run, and the model that scores it.
    type Run<'a> = (Inputs, Option<&'a str>);

    /// Sizes of a run on which nothing depends.
    #[derive(Clone, Copy, Debug)]
    struct Sizes {
        batch_bytes: usize,
        memory_bytes: usize,
        threads: usize,
    }

    const ONE_THREAD: Sizes =
        Sizes { batch_bytes: BATCH_BYTES, memory_bytes: MEMORY_BYTES, threads: 1 };

    /// Scores a run in batches and on threads of these sizes; `product` writes to two outputs.
    fn scored(
        (inputs, model): &Run<'_>,
        sizes: Sizes,
        product: &impl Product,
    ) -> Result<([Vec<u8>; 2], Tally), PipelineError> {
        let choice = EngineChoice { model: model.map(str::to_owned), ..EngineChoice::default() };
        let engine = Engine::open(choice.package().unwrap(), &choice).unwrap();
        scored_on(engine, inputs, sizes, product)
    }

    /// The same on an engine; a run's own batches if those of `sizes` have no bytes.
    fn scored_on(
        mut engine: Engine,
        inputs: &Inputs,
        sizes: Sizes,
        product: &impl Product,
    ) -> Result<([Vec<u8>; 2], Tally), PipelineError> {
        let Sizes { mut batch_bytes, memory_bytes, threads } = sizes;
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one", "two"].map(|name| folder.path().join(name));
        let compression = Compression::on_this_thread(None);
        let create = |path: &PathBuf| Output::create(path, &[], &compression).unwrap();
        let mut outputs: Vec<_> = paths.iter().map(create).collect();
        let decider = Decider {
            rules: Rules::default(),
            criteria: engine.package.facts().threshold.into(),
            mode: PairMode::default(),
            keeps_singles: false,
            counts_kept: false,
        };
        let mut reader = TemplateReader::open(inputs, &compression.tasks).unwrap();
        let mut first = TemplateBatch::default();
        reader.read(&mut first, if batch_bytes > 0 { batch_bytes } else { FIRST_BYTES }).unwrap();
        let models = engine.models(threads).unwrap().into_iter();
        let workers: Vec<Worker> =
            models.map(|model| Scorer::Model(Box::new(model)).into()).collect();
        if batch_bytes == 0 {
            batch_bytes = super::batch_bytes(&workers, &first);
        }
        let plan = Plan {
            decider: &decider,
            product,
            inserts: None,
            conversion: None,
            unpaired: None,
            trimming: Trimming::NONE,
            screen: None,
            wants_bases: true,
            surveys: false,
            yields: false,
            profiling: None,
            splits: false,
            batch_bytes,
            memory_bytes,
            tasks: &compression.tasks,
            cancellation: None,
        };
        let destination = Destination { outputs: &mut outputs, splitter: None, visit: None };
        let first = First { batches: [first].into(), is_all: false, counted: 0 };
        let tally = run(&mut reader, first, workers, None, &plan, destination, &Silent)?;
        finish_all(outputs, Durability::InMemory).unwrap();
        Ok((paths.map(|path| std::fs::read(path).unwrap()), tally))
    }

    /// Writes all results for a read, exact to the bit.
    struct Everything;

    impl Product for Everything {
        fn write(&self, scored: &ScoredTemplate<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
            for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
                let bits = |p: &f32| p.to_bits();
                let bases: Vec<_> = scored.bases(mate).iter().map(bits).collect();
                let prediction = scored.prediction(mate);
                let probability = prediction.probability().map(|p| bits(&p.get()));
                let errors = prediction.expected_errors().as_ref().map(bits);
                let name = mate.record.name().escape_ascii();
                let joint =
                    scored.joint.and_then(|joint| joint.probability()).map(|p| bits(&p.get()));
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
    fn nothing_depends_on_batches_threads_or_memory() {
        let [first, second] =
            [1, 2].map(|mate| testdata(&format!("hiseq_measles/hiseq_measles_{mate}.fastq.gz")));
        let runs: [Run<'_>; 4] = [
            (Inputs::single(&first), None),
            (Inputs::pair(&first, &second), None),
            (Inputs::single(&first), Some("mean-q20")),
            (Inputs::single(testdata("nanopore_lambda_4line.fastq.gz")), None),
        ];
        for run in &runs {
            let (expected, tally) = scored(run, ONE_THREAD, &Everything).unwrap();
            assert!(expected[0].len() > 10_000, "{run:?}");
            // One read per batch, some, and all of them.
            for (batch_bytes, threads, memory_bytes) in [
                (1, 8, 1_000),
                (700, 2, MEMORY_BYTES),
                (20_000, 8, 0),
                (20_000, 32, 500_000),
                (1_300_000, 1, MEMORY_BYTES),
                (1_300_000, 2, 10_000_000),
            ] {
                let sizes = Sizes { batch_bytes, memory_bytes, threads };
                let (found, other) = scored(run, sizes, &Everything).unwrap();
                assert!(found == expected, "{run:?}: {sizes:?}");
                assert_eq!(other.totals, tally.totals, "{run:?}");
            }
        }
    }

    /// Reads of 1 to 5,000 bases, of several runs, as the text of one file; most are whole.
    #[cfg(feature = "stand-in")]
    fn mixed_reads() -> String {
        let mut texts: Vec<String> = Vec::new();
        for file in [
            "hiseqx_phage/hiseqx_phage.fastq.gz",
            "hiseq_measles/hiseq_measles_1.fastq.gz",
            "miseq_twist/miseq_twist_first2000_1.fastq.gz",
            "nanopore_lambda_4line.fastq.gz",
        ] {
            let inputs = Inputs::single(testdata(file));
            let mut reader = TemplateReader::open(&inputs, &Tasks::for_workers(0)).unwrap();
            let mut all = TemplateBatch::default();
            reader.read(&mut all, usize::MAX).unwrap();
            texts.extend(all.reads().enumerate().map(|(i, read)| {
                let length = if i % 10 == 0 { 1 + i % 200 } else { 5_000 };
                let [sequence, quality] = {
                    let read = read.window(0, length);
                    [read.sequence, read.quality_scores].map(String::from_utf8_lossy)
                };
                format!("@r\n{sequence}\n+\n{quality}\n")
            }));
        }
        let count = texts.len();
        (0..2 * count).map(|i| texts[i * 7919 % count].as_str()).collect()
    }

    /// A device that takes blocks of one shape gets full ones from a run.
    #[cfg(feature = "stand-in")]
    #[allow(clippy::print_stderr)]
    #[test]
    fn most_of_what_a_device_gets_is_reads() {
        use bm_infer::LibrarySource;
        use bm_infer::backend::StandIn;

        if std::env::var_os("ORT_DYLIB_PATH").is_none() {
            assert!(std::env::var_os("BM_REQUIRE_ORT").is_none(), "no library");
            eprintln!("SKIPPED for the stand-in: ORT_DYLIB_PATH names no library");
            return;
        }
        let text = mixed_reads();
        for model in ["read-error", "mean-q20"] {
            let device = StandIn::new(LibrarySource::default());
            let package = crate::engine::open_package(Some(model)).unwrap();
            let engine = Engine::on(package.into(), Box::new(device.clone())).unwrap();
            assert_eq!(engine.backend.name(), "stand-in");
            let inputs = Inputs::text(text.clone());
            let sizes = Sizes { batch_bytes: 0, threads: 2, ..ONE_THREAD };
            let (_, tally) = scored_on(engine, &inputs, sizes, &Everything).unwrap();
            assert!(tally.totals.reads.r#in > 25_000);
            let counts = device.counts();
            let padding = counts.empty as f64 / counts.columns as f64;
            assert!(counts.calls > 10 && padding <= 0.05, "{model}: {counts:?}");
        }
    }

    /// A product that panics at a read.
    struct Panics {
        at: &'static [u8],
    }

    impl Product for Panics {
        fn write(&self, scored: &ScoredTemplate<'_>, _: &Decision, _: &mut [Vec<u8>]) {
            let name = scored.template.mates()[0].record.name();
            assert!(name != self.at, "a fault that was put here");
        }
    }

    #[test]
    fn a_panicking_worker_ends_the_run_with_a_message() {
        let inputs = Inputs::single(testdata("hiseq_measles/hiseq_measles_1.fastq.gz"));
        let mut reader = TemplateReader::open(&inputs, &Tasks::for_workers(0)).unwrap();
        let mut all = TemplateBatch::default();
        reader.read(&mut all, usize::MAX).unwrap();
        let names: Vec<Vec<u8>> = all.reads().map(|read| read.name.to_vec()).collect();
        let run = (inputs, None);
        for at in [0, 1, names.len() / 2, names.len() - 1] {
            let product = Panics { at: Vec::leak(names[at].clone()) };
            for threads in [1, 2, 8] {
                let sizes = Sizes { batch_bytes: 10_000, threads, ..ONE_THREAD };
                let Err(error) = scored(&run, sizes, &product) else {
                    panic!("read {at} is processed by a thread that panics")
                };
                assert_eq!(error.to_string(), "a worker stopped unexpectedly; this is a bug in bm");
            }
        }
    }

    /// Keeps the bases from the third on.
    struct Parts;

    impl Product for Parts {
        fn write(&self, scored: &ScoredTemplate<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
            use crate::bam_tags::LeftOutTags;
            use crate::fate::BaseRange;
            use crate::kept_records::{KeptRecords, Places};
            use crate::record_writer::RecordFormat;
            use crate::sam_tags::TagList;

            let places = Places {
                mates: [0, 0],
                unpaired: 0,
                merged: None,
                singles: None,
                discarded: Some(1),
                index: Vec::new(),
            };
            let records = KeptRecords {
                places,
                formats: vec![RecordFormat::Fastq(TagList::default()); 2],
                annotate: false,
                recalibrated: None,
                umi: None,
                left_out: LeftOutTags::default(),
            };
            let keep = BaseRange::new(2, usize::MAX);
            let decision = Decision::of_read(Fate { keep, ..decision.fates()[0] });
            records.write(scored, &decision, texts);
        }
    }

    #[test]
    fn a_decision_can_keep_part_of_a_read() {
        let file = testdata("hiseq_measles/hiseq_measles_1.fastq.gz");
        let run = (Inputs::single(&file), None);
        let ([kept, discarded], _) =
            scored(&run, Sizes { threads: 2, ..ONE_THREAD }, &Parts).unwrap();
        let mut reader = TemplateReader::open(&run.0, &Tasks::for_workers(0)).unwrap();
        let mut all = TemplateBatch::default();
        reader.read(&mut all, usize::MAX).unwrap();
        let mut whole = 0;
        let mut expected = Vec::new();
        let text = String::from_utf8(discarded).unwrap();
        for read in all.reads() {
            let name = String::from_utf8_lossy(read.name);
            if text.contains(&format!("@{name}")) {
                // A read that is not kept is written whole.
                whole += read.len();
                continue;
            }
            expected.extend_from_slice(&read.sequence[2..]);
            expected.push(b'\n');
        }
        let sequences = |text: &[u8]| -> Vec<u8> {
            let lines = text.split_inclusive(|byte| *byte == b'\n');
            lines.skip(1).step_by(4).flatten().copied().collect()
        };
        assert!(!expected.is_empty() && sequences(&kept) == expected);
        let bases = sequences(text.as_bytes()).iter().filter(|byte| **byte != b'\n').count();
        assert!(whole > 0 && bases == whole);
    }
}
