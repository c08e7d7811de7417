//! `bm adapt`: learns a run from its own reads and writes a model.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use bm_io::{Output, name_all, refuse_twins};
use bm_pipeline::{
    AdapterChoice, FileGroup, Learned, Learning, LearningParts, Observation, Observer,
    PackageOutput, open_package,
};
use bm_quality::ModelPackage;
use bm_reads::fastq::QualityOffset;
use bm_report::{
    AdaptPage, AdaptReport, AdaptationFacts, EvidenceFacts, LibraryFacts, MateAdapters, words,
    write_json,
};

use crate::options::input::{LaneArgs, QualityArgs, StrictArgs, inputs_of};
use crate::options::learning::MemoryArgs;
use crate::options::running::{RunArgs, WritingArgs};
use crate::options::trimming::AdapterArgs;
use crate::progress::TerminalObserver;
use crate::terminal;

/// Learn a run from the run itself, and write a model for its reads
///
/// No reference and no labels are needed: where many reads of a run overlap, a base that hardly any
/// of them has is an error. From these errors the network learns what the run's qualities are worth,
/// where in the reads and after which bases. On held-out reads the new model is compared with the
/// base model and with reported qualities. If it is not clearly better, or if the reads cannot teach
/// it (few reads overlap, long reads with gaps, mixed strains), bm says why, and the package holds the
/// base model.
///
/// Give all files of the run, mates after -1 and -2 and single reads after -U. Of files without these
/// flags, two that follow each other and whose first reads have the same names are read as pairs, if
/// these names or those of the files tell first mates from second ones. Or give files of bm observe, one
/// for each part of the run. Use the package with --model, for the reads of that run only.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm adapt run_R1.fastq.gz run_R2.fastq.gz -o run.model
  bm filter run_R1.fastq.gz -m run.model -o kept_R1.fastq.gz")]
pub(crate) struct Args {
    /// FASTQ files of one run, plain or compressed; or files of bm observe
    #[arg(
        value_name = "IN",
        required_unless_present_any = ["first", "unpaired"],
        conflicts_with_all = ["first", "unpaired"]
    )]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    lanes: LaneArgs,
    /// The folder for the package; an existing package is replaced
    #[arg(short, long, value_name = "MODEL_DIR", help_heading = "Outputs")]
    output: PathBuf,
    /// Write the labels of the reads: a row for each read that was examined, with its number in the
    /// run (from 0; mates have the same), its mate (1 or 2), and a sign for each base: = confirmed by
    /// other reads, X contradicted, . neither
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    labels: Option<PathBuf>,
    /// Write what was learned as JSON
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    report: Option<PathBuf>,
    /// Write a page with figures of what was learned, to open in a browser or to print; one file that
    /// loads nothing
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    html: Option<PathBuf>,
    /// Keep the run's k-mers in the package, too: reads of this run are then scored by what other
    /// reads have at the same position
    #[arg(long, help_heading = "Learning")]
    evidence: bool,
    /// Do not look at the reported qualities, which are constant, made up or wrong: learn from the
    /// reads alone. The package then ignores the qualities of the reads that it scores
    #[arg(long, requires = "evidence", help_heading = "Learning")]
    ignore_quality: bool,
    #[command(flatten)]
    memory: MemoryArgs,
    /// The model to start from: read-error, or a package that was adapted [default: read-error]
    #[arg(short, long, value_name = "MODEL", help_heading = "Learning")]
    model: Option<String>,
    /// Seed of everything that is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Learning")]
    seed: u64,
    /// Each file holds pairs: mates follow each other
    #[arg(long, conflicts_with_all = ["first", "unpaired"], help_heading = "Running")]
    interleaved: bool,
    #[command(flatten)]
    adapters: AdapterArgs,
    #[command(flatten)]
    quality: QualityArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    writing: WritingArgs,
}

impl Args {
    /// Returns the outputs beside the package.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.report, &self.html, &self.labels].into_iter().flatten()
    }

    /// Learns the run and writes the package.
    pub(crate) fn run(&self) -> Result<()> {
        refuse_twins(self.outputs())?;
        let groups = self.lanes.groups()?;
        let named = self.inputs.iter().map(AsRef::as_ref);
        let inputs: Vec<&Path> = named.chain(groups.iter().flat_map(FileGroup::paths)).collect();
        let durability = self.writing.durability();
        let package = PackageOutput::create(&self.output, durability)?;
        package.refuse_within(self.outputs())?;
        let compression = self.writing.on_this_thread();
        let create = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()
        };
        let (mut report, mut html, mut labels) =
            (create(&self.report)?, create(&self.html)?, create(&self.labels)?);
        let start = open_package(self.model.as_deref())?;
        let start = if self.ignore_quality { start.ignoring_quality() } else { start };
        let began = Instant::now();
        let mut learned = self.learn(groups.clone(), &inputs, &start, labels.as_mut())?;
        if let Some(evidence) = &learned.evidence {
            learned.adaptation.add_evidence(evidence)?;
        }
        let evidence = learned.evidence.as_ref().and_then(|it| it.evidence.as_deref());
        let mut complete = vec![package.write(&learned.adaptation.files, evidence)?];
        if let Some(output) = &mut report {
            let report = AdaptReport::new(&inputs, &self.output, &learned, began.elapsed());
            write_json(&report, output)?;
        }
        if let Some(output) = &mut html {
            page(&inputs, &start, &learned, output)?;
        }
        for output in [report, html, labels].into_iter().flatten() {
            complete.push(output.complete(durability)?);
        }
        name_all(complete)?;
        if !self.run.quiet {
            let adapters = MateAdapters::of(&learned.library);
            words::adapters(&adapters).iter().for_each(|line| terminal::note(line));
            let library = LibraryFacts::of(&learned.library);
            let lines = library.iter().flat_map(words::library);
            lines.for_each(|line| terminal::note(&line));
            terminal::note(&words::learned(&AdaptationFacts::of(&learned)));
            terminal::note(&format!(
                "{:.1} s; use it with bm filter -m {}; its README.md says what was learned",
                began.elapsed().as_secs_f64(),
                self.output.display()
            ));
        }
        Ok(())
    }
}

impl Args {
    /// Learns the run from its reads, or from what was observed of its parts.
    fn learn(
        &self,
        mut groups: Vec<FileGroup>,
        inputs: &[&Path],
        start: &ModelPackage,
        labels: Option<&mut Output>,
    ) -> Result<Learned> {
        let observer = TerminalObserver::new(self.run.quiet);
        let (seed, threads, evidence) =
            (self.seed, self.run.threads(), self.evidence.then_some(self.memory.max_memory));
        let adapters = self.adapters.choice()?;
        let are_parts =
            inputs.iter().map(|path| Observation::is_at(path)).collect::<Result<Vec<_>, _>>()?;
        let Some(part) = are_parts.iter().position(|is_part| *is_part) else {
            if self.interleaved {
                groups = self.inputs.iter().map(FileGroup::interleaved).collect();
            } else if self.lanes.is_empty() {
                let notes;
                (groups, notes) = FileGroup::by_read_names(&self.inputs)?;
                notes.iter().for_each(|line| observer.note(line));
            }
            let learning = Learning {
                inputs: &inputs_of(groups, &self.quality, &self.strict),
                start,
                seed,
                evidence,
                adapters: &adapters,
                threads,
                cancellation: None,
            };
            return Ok(learning.run(labels, &observer)?);
        };
        let name = inputs[part].display();
        if let Some(other) = are_parts.iter().position(|is_part| !is_part) {
            let other = inputs[other].display();
            bail!("{name} is a file of bm observe, and {other} is not: give one kind of file");
        }
        let is_read_otherwise = self.interleaved
            || self.strict.strict
            || self.quality.offset() != QualityOffset::Unstated
            || adapters != AdapterChoice::Found;
        if is_read_otherwise {
            bail!(
                "{name}: --interleaved, --strict, --phred33, --phred64 and adapters are options of bm \
                 observe, which read the reads of this part"
            );
        }
        if labels.is_some() {
            bail!("{name}: has a sample of the reads only; --labels needs the reads");
        }
        let learning = LearningParts { inputs, start, seed, evidence, threads, cancellation: None };
        Ok(learning.run(&observer)?)
    }
}

/// Writes the page.
fn page(
    inputs: &[&Path],
    start: &ModelPackage,
    learned: &Learned,
    output: &mut Output,
) -> Result<()> {
    let kmers = AdaptationFacts::of(learned).evidence;
    let page = AdaptPage {
        inputs,
        start: start.facts(),
        adaptation: &learned.adaptation,
        kmers: kmers.as_ref().map(|facts: &EvidenceFacts| words::kmers(facts)),
        adapters: MateAdapters::of(&learned.library),
    };
    Ok(page.write(output)?)
}
