//! Writes the support and the error rate of each read of a FASTQ file, as a table.
//!
//! `long_reads RUN.fastq [K] [LEVEL]`: k-mers of 17 bases, all of them, if not said otherwise; one
//! in 2^LEVEL is counted. Adapters and other ends that most reads have are left out. The whole file
//! is held in memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use bm_kmers::Counter;
use bm_long::{Ends, LongRead, Scale};
use bm_reads::Phred;
use bm_reads::fastq::{Reader, Record};

/// Memory for counting, in bytes.
const ROOM: usize = 1 << 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: long_reads RUN.fastq [K] [LEVEL]")?;
    let k = arguments.next().map_or(Ok(17), |k| k.parse())?;
    let level = arguments.next().map_or(Ok(0), |level| level.parse())?;
    let mut reader = Reader::new(File::open(path)?);
    let mut records = Vec::new();
    let mut record = Record::default();
    while reader.read_record(&mut record)? {
        records.push(record.clone());
    }

    let sequences: Vec<&[u8]> = records.iter().map(Record::sequence).collect();
    let mut counter = Counter::sampled(k, ROOM, level);
    sequences.iter().for_each(|sequence| counter.observe(sequence));
    let index = counter.finish();
    let ends = Ends::find(&sequences);

    let mut read = LongRead::default();
    let samples: Vec<_> = records
        .iter()
        .map(|record| {
            let sample = ends.sample(record.sequence());
            let scores = &record.quality_scores()[sample.clone()];
            let p = |byte: &u8| Phred::from_byte(*byte).map_or(1.0, Phred::error_probability);
            let probabilities: Vec<f32> = scores.iter().map(|byte| p(byte) as f32).collect();
            (&record.sequence()[sample], probabilities)
        })
        .collect();
    let supports: Vec<_> =
        samples.iter().map(|(bases, p)| read.look_up(&index, bases, p)).collect();
    let scale = Scale::fit(&supports);

    let mut output = BufWriter::new(io::stdout().lock());
    writeln!(output, "name\tbases\treported\ttested\tsupported\tdepth\terror_rate")?;
    for (record, (bases, probabilities)) in records.iter().zip(&samples) {
        let it = read.look_up(&index, bases, probabilities);
        let rate = read.error_rate(&scale, &it, probabilities);
        output.write_all(record.name())?;
        writeln!(
            output,
            "\t{}\t{:.6}\t{}\t{}\t{:.1}\t{rate:.6}",
            it.bases, it.reported, it.tested, it.supported, it.depth
        )?;
    }
    output.flush()?;
    Ok(())
}
