//! The file for MultiQC: a section of custom content, which needs no module
//! (<https://docs.seqera.io/multiqc/custom_content>).

use std::path::Path;

use bm_io::{IoError, Output};
use serde_json::{Map, Value, json};

use crate::json::write_json;
use crate::report::Report;
use crate::text;

/// Writes a bar of the reads: kept, and not kept by reason.
///
/// # Errors
///
/// If the output cannot be written.
pub fn write(report: &Report, output: &mut Output) -> Result<(), IoError> {
    let sample = report.inputs.first().map_or_else(String::new, |input| sample(input));
    let mut bars = Map::new();
    bars.insert("kept".to_owned(), report.totals.reads.kept.into());
    let reasons = report.totals.reasons.iter();
    bars.extend(reasons.map(|(reason, count)| (reason.name().to_owned(), Value::from(count))));
    let content = json!({
        "id": "bm_reads",
        "section_name": "bm: reads kept",
        "description": "Reads by what became of them: kept, or the first reason why not, by flag.",
        "plot_type": "bargraph",
        "pconfig": {"id": "bm_reads_plot", "title": "bm: reads kept", "ylab": "Reads"},
        // MultiQC puts names into its page as they are.
        "data": {text::escape(&sample): bars},
    });
    write_json(&content, output)
}

/// Returns the sample of a file, named as MultiQC names samples.
fn sample(input: &str) -> String {
    let name =
        Path::new(input).file_name().map_or_else(|| input.into(), |name| name.to_string_lossy());
    let mut name = name.as_ref();
    for end in [".gz", ".bgz", ".zst", ".bz2", ".xz", ".fastq", ".fq"] {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_named_after_its_file() {
        for (input, name) in [
            ("a/S1_R1.fastq.gz", "S1_R1"),
            ("S1.fq", "S1"),
            ("stdin", "stdin"),
            ("x.gz.fastq.zst", "x.gz"),
        ] {
            assert_eq!(sample(input), name);
        }
    }
}
