//! The file for MultiQC: a section of custom content, which needs no module
//! (<https://docs.seqera.io/multiqc/custom_content>).

use std::path::Path;

use bm_io::{IoError, Output};
use serde_json::{Map, Value, json};

use crate::json::write_json;
use crate::report::{Report, TrimFacts};
use crate::text;

/// Writes a bar of the reads: kept, and not kept by reason. If reads are trimmed, a second data set
/// of the same plot has a bar of the bases: kept, and not kept by what they were cut for.
///
/// The sample is called as it was `named`; otherwise after the first input, or, if that is a stream
/// without a name, after the output.
///
/// # Errors
///
/// If the output cannot be written.
pub fn write(report: &Report, named: Option<&str>, output: &mut Output) -> Result<(), IoError> {
    let input = report.inputs.first().map(String::as_str).unwrap_or_default();
    let of_shard = report.shard.map(|shard| format!(" shard {} of {}", shard.index, shard.of));
    let by_input = || sample(input, &output.name()) + &of_shard.unwrap_or_default();
    let sample = named.map_or_else(by_input, str::to_owned);
    // MultiQC puts names into its page as they are.
    let sample = text::escape(&sample);
    let mut content = json!({
        "id": "bm_reads",
        "section_name": "bm: reads kept",
        "description": "Reads by what became of them: kept, or the first reason why not, by flag.",
        "plot_type": "bargraph",
        "pconfig": {"id": "bm_reads_plot", "title": "bm: reads kept", "ylab": "Reads"},
        "data": {&sample: reads(report)},
    });
    if let Some(trim) = &report.trim {
        content["description"] =
            "Reads by what became of them: kept, or the first reason why not, \
                                  by flag. Bases: kept, cut off kept reads, or in reads that are \
                                  not kept."
                .into();
        content["pconfig"]["data_labels"] =
            json!([{"name": "Reads", "ylab": "Reads"}, {"name": "Bases", "ylab": "Bases"}]);
        content["data"] = json!([{&sample: reads(report)}, {&sample: bases(report, trim)}]);
    }
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

/// Returns the bar of the bases, whose parts add up to all bases.
fn bases(report: &Report, trim: &TrimFacts) -> Map<String, Value> {
    let (bases, cut) = (report.totals.bases, report.totals.trimmed.bases);
    let lost = bases.r#in.saturating_sub(bases.kept + cut.total());
    let cuts = cut.named().into_iter().filter(|(name, count)| *count > 0 || trim.cuts(name));
    let parts = [("kept", bases.kept)].into_iter().chain(cuts).chain([("reads not kept", lost)]);
    parts.map(|(name, count)| (name.to_owned(), count.into())).collect()
}

/// Returns the sample of an input, named as MultiQC names samples; of a stream without a name, that of
/// the output.
fn sample(input: &str, output: &str) -> String {
    let (path, ends): (&str, &[&str]) = if text::is_stream(input) {
        (output, &[".json", "_mqc"])
    } else {
        (input, &[".gz", ".bgz", ".zst", ".bz2", ".xz", ".fastq", ".fq"])
    };
    let name =
        Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy());
    let mut name = name.as_ref();
    for end in ends {
        name = name.strip_suffix(end).unwrap_or(name);
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_named_after_its_file() {
        for (input, name) in
            [("a/S1_R1.fastq.gz", "S1_R1"), ("S1.fq", "S1"), ("x.gz.fastq.zst", "x.gz")]
        {
            assert_eq!(sample(input, "reports/other_mqc.json"), name);
        }
        for stream in ["stdin", "/dev/fd/63", "/dev/stdin", "/proc/self/fd/5"] {
            assert_eq!(sample(stream, "reports/S1_mqc.json"), "S1");
            assert_eq!(sample(stream, "S2.json"), "S2");
        }
    }
}
