//! Prints what the library of FASTQ files, plain or gzip, has at the ends of reads.
//!
//! `find_structure FILE...`, where `FILE_1,FILE_2` are mates: a line for each structure with file, mate,
//! fraction of the reads that have it, and what it is; a file without has a line with `-`. Then seconds.

// An example's output is its result.
#![allow(clippy::print_stdout)]

mod shared;

use std::time::Instant;

use bm_adapt::Adapters;
use bm_insert::{Adapter, InsertModel};
use bm_reads::ReadRef;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for names in std::env::args().skip(1) {
        let paths: Vec<&str> = names.split(',').collect();
        let batches = shared::first_records(&paths)?;
        let mates: Vec<Vec<ReadRef<'_>>> = batches
            .iter()
            .map(|batch| batch.iter().map(|record| record.as_read()).collect())
            .collect();
        let found = match &mates[..] {
            [one, other] => {
                Adapters::find_pairs(one.iter().zip(other).map(|(one, other)| [*one, *other]))
            }
            _ => [Adapters::find(mates[0].iter().copied()), Adapters::default()],
        };
        let adapters = found.map(|adapters| {
            adapters.found.iter().map(|adapter| Adapter::new(&adapter.probabilities)).collect()
        });
        let templates: Vec<Vec<ReadRef<'_>>> = (0..mates[0].len())
            .map(|number| mates.iter().filter_map(|reads| reads.get(number).copied()).collect())
            .collect();
        let templates: Vec<&[ReadRef<'_>]> = templates.iter().map(|mates| &mates[..]).collect();
        let start = Instant::now();
        let model = InsertModel::learn(&templates, adapters);
        let seconds = start.elapsed().as_secs_f64();
        if let Some(conversion) = model.conversion() {
            println!("{names}\t-\t-\t{:?}\t{:?}", conversion.letters(), conversion.strands());
        }
        if model.structures().is_empty() {
            println!("{names}\t-\t{seconds:.2}");
        }
        for structure in model.structures() {
            let mate = structure.mate + 1;
            println!("{names}\t{mate}\t{:.3}\t{structure}\t{seconds:.2}", structure.fraction);
        }
    }
    Ok(())
}
