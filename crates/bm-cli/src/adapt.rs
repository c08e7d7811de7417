//! `bm adapt`: a model that has learned a run from the run itself.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::args::AdaptArgs;
use crate::html::Page;
use crate::input::Offset;
use crate::learn::{self, Job};
use crate::output::{self, Output};
use crate::package_output::PackageOutput;
use crate::report::AdaptReport;
use crate::{engine, terminal};

/// Learns the run and writes the package.
pub(crate) fn run(args: &AdaptArgs) -> Result<()> {
    output::refuse_twins([
        Some(&args.output),
        args.report.as_ref(),
        args.html.as_ref(),
        args.labels.as_ref(),
    ])?;
    let inputs: Vec<&Path> = args.inputs.iter().map(AsRef::as_ref).collect();
    let package = PackageOutput::create(&args.output)?;
    let compression = args.compression.alone();
    let create = |path: &Option<PathBuf>| {
        path.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()
    };
    let (report, html, labels) =
        (create(&args.report)?, create(&args.html)?, create(&args.labels)?);
    let start = engine::open_package(args.model.as_deref())?;
    let began = std::time::Instant::now();
    let job = Job {
        inputs: &inputs,
        interleaved: args.interleaved,
        offset: if args.phred64 { Offset::Phred64 } else { Offset::Phred33 },
        start: &start,
        seed: args.seed,
        evidence: args.evidence.then_some(args.max_memory),
        threads: args.run.workers(),
        quiet: args.run.quiet,
    };
    let mut learned = learn::learn(&job, labels)?;
    if let Some(evidence) = &learned.evidence {
        learned.adaptation.add_evidence(evidence)?;
    }
    let evidence = learned.evidence.as_ref().and_then(|evidence| evidence.evidence.as_deref());
    package.write(&learned.adaptation.files, evidence)?;
    if let Some(report) = report {
        AdaptReport::new(&inputs, &args.output, &learned, began.elapsed()).write(report)?;
    }
    if let Some(html) = html {
        Page {
            inputs: &inputs,
            start: start.facts(),
            adaptation: &learned.adaptation,
            kmers: learned.evidence.as_ref().map(learn::words_of_kmers),
        }
        .write(html)?;
    }
    if !args.run.quiet {
        terminal::note(&learn::words(&learned));
        terminal::note(&format!(
            "{:.1} s; {}: use it with bm filter -m, its README.md says what was learned",
            began.elapsed().as_secs_f64(),
            args.output.display()
        ));
    }
    Ok(())
}
