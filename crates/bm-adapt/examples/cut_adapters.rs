//! Cuts what is not of the sample off the ends of reads: one file, or two files of mates.
//!
//! ```text
//! cargo run --release -p bm-adapt --example cut_adapters -- IN OUT [IN2 OUT2] > ends.tsv
//! ```
//!
//! Each row of the table is a read: its name, its number of bases, for each place where the sample
//! may end the probability that it does, and the probabilities of the first bases that they are
//! before the sample.

// An example's output is its result.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use bm_adapt::Adapters;
use bm_insert::{Adapter, Finder, Insert, InsertModel};
use bm_reads::ReadRef;
use bm_reads::bam::BamFields;
use bm_reads::fastq::{Reader, Record, RecordRef};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<Vec<Record>> =
        words.chunks(2).map(|pair| records(&pair[0])).collect::<Result<_, _>>()?;
    let mut adapters = [Vec::new(), Vec::new()];
    for (file, adapters) in files.iter().zip(&mut adapters) {
        let found = Adapters::find(file.iter().map(|record| record.as_read()));
        for adapter in &found.found {
            eprintln!("{} x {}", adapter.sequence, adapter.reads);
            adapters.push(Adapter::new(&adapter.probabilities));
        }
    }
    let templates: Vec<Vec<ReadRef<'_>>> =
        (0..files[0].len()).map(|i| files.iter().map(|file| file[i].as_read()).collect()).collect();
    let first: Vec<&[ReadRef<'_>]> =
        templates.iter().take(Adapters::READS).map(Vec::as_slice).collect();
    let model = InsertModel::learn(&first, adapters);
    let mut finder = Finder::default();
    let mut outputs: Vec<_> = words
        .chunks(2)
        .map(|pair| File::create(&pair[1]).map(BufWriter::new))
        .collect::<Result<_, _>>()?;
    let mut rows = BufWriter::new(std::io::stdout());
    for (number, mates) in templates.iter().enumerate() {
        finder.find(&model, mates, number < first.len());
        for (mate, read) in mates.iter().enumerate() {
            let insert = Insert { ends: finder.ends(mate), front: finder.front(mate) };
            let part = insert.part(read.len());
            let record = RecordRef {
                definition: read.name,
                sequence: &read.sequence[part.clone()],
                quality_scores: &read.quality_scores[part],
                bam: BamFields::NONE,
            };
            record.write_to(&mut outputs[mate], b"")?;
            write!(rows, "{}\t{}", read.name.escape_ascii(), read.len())?;
            for end in insert.ends {
                write!(rows, "\t{}:{:.4}", end.at, end.probability)?;
            }
            for (place, p) in insert.front.iter().enumerate() {
                write!(rows, "{}{p:.4}", if place == 0 { "\tfront:" } else { "," })?;
            }
            writeln!(rows)?;
        }
    }
    Ok(rows.flush()?)
}

fn records(path: &str) -> Result<Vec<Record>, Box<dyn Error>> {
    let file = BufReader::new(File::open(path)?);
    let text: Box<dyn Read> = if path.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = Reader::new(BufReader::new(text));
    let (mut found, mut record) = (Vec::new(), Record::default());
    while reader.read_record(&mut record)? {
        found.push(record.clone());
    }
    Ok(found)
}
