//! Files for MultiQC: sections of custom content, which need no module
//! (<https://docs.seqera.io/multiqc/custom_content>). A file has one section.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use bm_io::{IoError, Output};
use serde_json::{Map, Value, json};

use crate::json::write_json;
use crate::report::Report;
use crate::text;

mod classes;
mod sample;
mod sections;
mod yields;

/// What the name of a file ends in that MultiQC finds by itself.
const END: &str = "_mqc.json";

/// Sections beside the bar of the reads: MultiQC reads one section from a file, so each has its own.
const SECTIONS: [&str; 10] = [
    "general",
    "bases",
    "quality_before",
    "quality_after",
    "expected_quality",
    "unknown",
    "gc",
    "lengths",
    "yield",
    "classes",
];

/// More bytes than a section has: a line has some thousand points for each mate.
const LARGEST: u64 = 16 << 20;

/// Returns the files of the other sections, beside the one for the bar of the reads: `S1_mqc.json` has
/// `S1_general_mqc.json` and others beside it. Empty if MultiQC would not find them, and for streams.
pub fn beside(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let stem = name.as_ref().and_then(|name| name.strip_suffix(END));
    let Some(stem) = stem.filter(|_| !text::is_stream(&path.to_string_lossy())) else {
        return Vec::new();
    };
    SECTIONS.map(|section| path.with_file_name(format!("{stem}_{section}{END}"))).to_vec()
}

/// Writes the other sections to the files [`beside`] the one that is called `main`, and returns their
/// outputs. There may be nothing to say for a section. Its output is returned if it removes what an
/// earlier run wrote, which MultiQC would show with the numbers of this one.
///
/// # Errors
///
/// If an output cannot be written.
pub fn write_beside(
    report: &Report,
    named: Option<&str>,
    main: &str,
    outputs: Vec<Output>,
) -> Result<Vec<Output>, IoError> {
    let sample = sample(report, named, main);
    let mut contents = sections::of(report, &sample);
    contents.extend(report.classes.iter().map(|it| ("classes", classes::bar(it, &sample))));
    contents.extend(report.yields.iter().map(|it| ("yield", yields::table(it, &sample))));
    let mut written = Vec::new();
    for (mut output, section) in outputs.into_iter().zip(SECTIONS) {
        if let Some((_, content)) = contents.iter().find(|(name, _)| *name == section) {
            write_json(content, &mut output)?;
            written.push(output);
        } else {
            written.extend(output.into_removal(|file| is_section(file, section)));
        }
    }
    Ok(written)
}

/// Returns whether a file has this section of bm.
fn is_section(file: &File, section: &str) -> bool {
    let content = serde_json::from_reader(BufReader::new(file.take(LARGEST)));
    content.is_ok_and(|content: Value| content["id"] == sections::id(section))
}

/// Returns the name of the sample: as it was `named`, or after the files.
fn sample(report: &Report, named: Option<&str>, output: &str) -> String {
    let of_shard = report.shard.map(|shard| format!(" shard {} of {}", shard.index, shard.of));
    let pairs = report.totals.pairs.r#in > 0;
    let by_files =
        || sample::of_files(&report.inputs, pairs, output) + &of_shard.unwrap_or_default();
    // MultiQC puts names into its page as they are.
    text::escape(&named.map_or_else(by_files, str::to_owned))
}

/// Writes a bar of the reads: kept, and not kept by reason.
///
/// The sample is called as it was `named`; otherwise after the inputs, as MultiQC names samples, or, if
/// the first is a stream without a name, after the output.
///
/// # Errors
///
/// If the output cannot be written.
pub fn write(report: &Report, named: Option<&str>, output: &mut Output) -> Result<(), IoError> {
    let sample = sample(report, named, &output.name());
    let description = "Reads by what became of them: kept, or the first reason why not, by flag.";
    let mut content = sections::section("reads", "Reads kept", description);
    content["plot_type"] = "bargraph".into();
    content["pconfig"] = json!({"id": "bm_reads_plot", "title": "bm: Reads kept", "ylab": "Reads"});
    content["data"] = json!({sample: reads(report)});
    write_json(&content, output)
}

/// Returns the bar of the reads.
fn reads(report: &Report) -> Map<String, Value> {
    let mut bars = Map::new();
    bars.insert("kept".to_owned(), report.totals.reads.kept.into());
    let reasons = report.totals.reasons.iter();
    bars.extend(reasons.map(|(reason, count)| (reason.name().to_owned(), Value::from(count))));
    bars
}
