//! Sample sheets: the files of several samples, as the pipelines of nf-core take them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bm_pipeline::FileGroup;
use csv::{ReaderBuilder, StringRecord, Trim};

/// A sample and its files: those of each of its lanes.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) groups: Vec<FileGroup>,
}

/// Returns the samples of a sheet, in the order of their first rows: a table with commas whose first line
/// names the columns, `sample`, `fastq_1` and `fastq_2` among them, with a row for each lane. `fastq_2`
/// may be empty, or missing. Relative paths are those from the current folder.
///
/// # Errors
///
/// If it cannot be read, lacks a column or a value, or if the name of a sample is not that of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<Sample>> {
    let name = bm_io::name(path);
    let (file, _) = bm_io::open_file(path, "sample sheet")?;
    let mut table = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(file);
    let header = table.headers().with_context(|| name.clone())?.clone();
    let column = |wanted: &str| header.iter().position(|column| column == wanted);
    let place = |wanted: &str| {
        column(wanted).with_context(|| {
            format!(
                "{name}: has no column {wanted}; its first line names the columns: \
                 sample,fastq_1,fastq_2"
            )
        })
    };
    let (sample, first, second) = (place("sample")?, place("fastq_1")?, column("fastq_2"));
    let mut samples: Vec<Sample> = Vec::new();
    let mut files = BTreeSet::new();
    let mut row = StringRecord::new();
    while table.read_record(&mut row).with_context(|| name.clone())? {
        let line = row.position().map_or(0, csv::Position::line);
        let value = |place: usize| row.get(place).filter(|value| !value.is_empty());
        let at = || format!("{name}: line {line}");
        let of = value(sample).with_context(|| format!("{}: has no sample", at()))?;
        check_name(of).with_context(at)?;
        let first = value(first).with_context(|| format!("{}: has no fastq_1", at()))?;
        let second = second.and_then(value);
        for file in [Some(first), second].into_iter().flatten() {
            if !files.insert(PathBuf::from(file)) {
                bail!("{}: {file} is named twice", at());
            }
        }
        let group = match second {
            Some(second) => FileGroup::pair(first, second),
            None => FileGroup::single(first),
        };
        let same = |known: &&mut Sample| known.name.to_lowercase() == of.to_lowercase();
        match samples.iter_mut().find(same) {
            Some(known) if known.name == of => known.groups.push(group),
            Some(known) => bail!(
                "{}: the samples {of} and {} would have the same files where upper and lower case \
                 are the same; rename one",
                at(),
                known.name
            ),
            None => samples.push(Sample { name: of.to_owned(), groups: vec![group] }),
        }
    }
    if samples.is_empty() {
        bail!("{name}: has no samples");
    }
    Ok(samples)
}

/// Checks that the name of a sample is that of a file.
fn check_name(name: &str) -> Result<()> {
    let is_path = name.contains(['/', '\\']) || name.chars().any(char::is_control);
    if is_path || name.starts_with(['.', '-']) {
        bail!(
            "the name of the sample is no file name: {}; it may have no slashes, and no dot or dash at \
             the start",
            name.escape_debug()
        );
    }
    Ok(())
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn read_text(text: &str) -> Result<Vec<Sample>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.csv");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn rows_of_a_sample_are_its_lanes() {
        let text = "\u{feff}strandedness,sample,fastq_2,fastq_1\r\nauto,a,a2.fq,a1.fq\r\n\
                    auto,\"b, or c\",,b.fq\r\nauto,a, x2.fq ,x1.fq\r\n";
        let samples = read_text(text).unwrap();
        let names: Vec<_> = samples.iter().map(|sample| sample.name.as_str()).collect();
        assert_eq!(names, ["a", "b, or c"]);
        let pair = |one, other| FileGroup::pair(one, other);
        assert_eq!(samples[0].groups, [pair("a1.fq", "a2.fq"), pair("x1.fq", "x2.fq")]);
        assert_eq!(samples[1].groups, [FileGroup::single("b.fq")]);
        let single = read_text("sample,fastq_1\na,1.fq\n").unwrap();
        assert_eq!(single[0].groups, [FileGroup::single("1.fq")]);
    }

    #[test]
    fn sheets_that_cannot_be_used_are_refused_with_the_line() {
        for (text, part) in [
            ("", "no column sample"),
            ("sample,fastq1\na,1.fq\n", "no column fastq_1"),
            ("sample,fastq_1\n", "has no samples"),
            ("sample,fastq_1\na,1.fq\n,2.fq\n", "line 3: has no sample"),
            ("sample,fastq_1\na\n", "line 2: has no fastq_1"),
            ("sample,fastq_1\na/b,1.fq\n", "no file name: a/b"),
            ("sample,fastq_1\n..,1.fq\n", "no file name: .."),
            ("sample,fastq_1\n-x,1.fq\n", "no file name: -x"),
            ("sample,fastq_1\na,1.fq\nA,2.fq\n", "line 3: the samples A and a"),
            ("sample,fastq_1\na,1.fq\nb,1.fq\n", "line 3: 1.fq is named twice"),
        ] {
            let error = format!("{:#}", read_text(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
