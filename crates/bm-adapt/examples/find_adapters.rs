//! Prints the adapters found in FASTQ files, plain or gzip.
//!
//! `find_adapters FILE...`, where `FILE_1,FILE_2` are mates: a line for each adapter with file,
//! sequence, reads that show it, reads looked at, contexts, name of the kit, how it was accepted, and
//! seconds for the file, or for both, without reading it; tab-separated. A file without adapters has
//! a line with `-`.

// An example's output is its result.
#![allow(clippy::print_stdout)]

mod shared;

use std::time::Instant;

use bm_adapt::{Acceptance, Adapters};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for paths in std::env::args().skip(1) {
        let paths: Vec<&str> = paths.split(',').collect();
        let batches = shared::first_records(&paths)?;
        let start = Instant::now();
        let reads = |batch: usize| batches[batch].iter().map(|record| record.as_read());
        let found = match paths[..] {
            [_] => vec![Adapters::find(reads(0))],
            _ => {
                Adapters::find_pairs(reads(0).zip(reads(1)).map(|(one, other)| [one, other])).into()
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        for (path, adapters) in paths.iter().zip(&found) {
            print(path, adapters, seconds);
        }
    }
    Ok(())
}

fn print(path: &str, adapters: &Adapters, seconds: f64) {
    if adapters.found.is_empty() {
        println!("{path}\t-\t0\t{}\t-\t-\t-\t{seconds:.3}", adapters.reads);
    }
    for adapter in &adapters.found {
        let accepted = match &adapter.acceptance {
            Acceptance::Kit => "kit".to_owned(),
            Acceptance::Unknown(reasons) => format!("{reasons:?}"),
            Acceptance::Mates => "mates".to_owned(),
            Acceptance::Told => "told".to_owned(),
        };
        println!(
            "{path}\t{}\t{}\t{}\t{:.1}\t{}\t{accepted}\t{seconds:.3}",
            adapter.sequence, adapter.reads, adapters.reads, adapter.contexts, adapter.name
        );
    }
}
