//! Writes what the k-mers of a run say of its bases, for studies: reads a sequence a line from
//! stdin, writes for each read in how many reads a typical k-mer of it is, and for each of its
//! bases the number of its statement, as two bytes each.
//!
//! `statements [LEVEL]`: one in 2^LEVEL k-mers is looked at; all, if it is not given.

use std::io::{self, BufRead, BufWriter, Write};

use bm_evidence::{Counter, Reading, Witness, kmer};

/// First reads of a run, by which the length of the k-mers is chosen.
const FIRST: usize = 1024;

/// Bytes for counting.
const ROOM: usize = 4 << 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let level = std::env::args().nth(1).map_or(Ok(0), |level| level.parse())?;
    let reads = io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?;
    let codes: Vec<Vec<u8>> =
        reads.iter().take(FIRST).map(|read| read.bytes().map(kmer::code).collect()).collect();
    let k = kmer::length_for(codes.iter().map(Vec::as_slice), 0.0);
    let mut counter = Counter::sampled(k, ROOM, level);
    reads.iter().for_each(|read| counter.observe(read.as_bytes()));
    let index = counter.finish();
    let (mut witness, mut reading) = (Witness::default(), Reading::default());
    let mut output = BufWriter::new(io::stdout().lock());
    for read in &reads {
        reading.prepare(&index, read.bytes().map(kmer::code));
        let statements = witness.look(&index, &reading).to_vec();
        output.write_all(&(witness.depth() as u16).to_le_bytes())?;
        for statement in statements {
            output.write_all(&statement.number().to_le_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}
