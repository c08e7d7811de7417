//! Writes the base support of the reads of a run, for training and studies.
//!
//! Reads one sequence per line from stdin. Writes for each read its depth and the number of the
//! support of each base, as two bytes each, little-endian.
//!
//! `base_support [LEVEL]`: samples one in 2^LEVEL k-mers; all by default.

use std::io::{self, BufRead, BufWriter, Write};

use bm_evidence::{PreparedRead, ReadSupport};
use bm_kmers::{Counter, kmer};
use bm_reads::base;

/// First reads of a run, from which the length of the k-mers is chosen.
const FIRST: usize = 1024;

/// Memory for counting, in bytes.
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
    let (mut support, mut prepared) = (ReadSupport::default(), PreparedRead::default());
    let mut output = BufWriter::new(io::stdout().lock());
    for read in &reads {
        prepared.prepare(&index, read.bytes().map(base::code));
        let bases = support.look_up(&index, &prepared).to_vec();
        output.write_all(&(support.depth() as u16).to_le_bytes())?;
        for base in bases {
            output.write_all(&base.number().to_le_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}
