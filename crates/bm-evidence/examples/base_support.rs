//! Writes what the k-mers of a run say of its bases, for studies: reads a sequence a line from
//! stdin, writes for each read in how many reads a typical k-mer of it is, and for each of its
//! bases the number of its statement, as two bytes each.
//!
//! `statements [LEVEL]`: one in 2^LEVEL k-mers is looked at; all, if it is not given.

use std::io::{self, BufRead, BufWriter, Write};

use bm_evidence::{PreparedRead, ReadSupport};
use bm_kmers::{Counter, kmer};
use bm_reads::base;

/// First reads of a run, by which the length of the k-mers is chosen.
const FIRST: usize = 1024;

/// Bytes for counting.
const ROOM: usize = 4 << 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let level = std::env::args().nth(1).map_or(Ok(0), |level| level.parse())?;
    let reads = io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?;
    let codes: Vec<Vec<u8>> =
        reads.iter().take(FIRST).map(|read| read.bytes().map(base::code).collect()).collect();
    let k = kmer::length_for(codes.iter().map(Vec::as_slice), 0.0);
    let mut counter = Counter::sampled(k, ROOM, level);
    reads.iter().for_each(|read| counter.observe(read.as_bytes()));
    let index = counter.finish();
    let (mut support, mut reading) = (ReadSupport::default(), PreparedRead::default());
    let mut output = BufWriter::new(io::stdout().lock());
    for read in &reads {
        reading.prepare(&index, read.bytes().map(base::code));
        let statements = support.look(&index, &reading).to_vec();
        output.write_all(&(support.depth() as u16).to_le_bytes())?;
        for statement in statements {
            output.write_all(&statement.number().to_le_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}
