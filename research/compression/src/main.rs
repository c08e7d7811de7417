//! Deflates and inflates a FASTQ file with several libraries in turn, and prints a table.
//!
//! `cargo run --release [--features isal] -- reads.fastq [rounds]`; the file is plain text. Text is
//! deflated in independent BGZF blocks of 65,280 bytes, and inflated from one gzip member. One
//! thread; figures are medians of the rounds.
//!
//! `cargo run --release -- --fastq FILES` compares bm's encoder for FASTQ with libdeflate on gzip files.

mod fastq_encoder;

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::time::Instant;

/// Bytes of text per block.
pub(crate) const BLOCK: usize = 65_280;

pub(crate) type Run<'a> = Box<dyn FnMut(&[u8]) -> usize + 'a>;

/// Returns the deflaters, by name; each returns the number of compressed bytes.
fn deflaters() -> Vec<(String, Run<'static>)> {
    let mut all: Vec<(String, Run)> = Vec::new();
    for level in 1..=6 {
        let level_of = libdeflater::CompressionLvl::new(level).expect("a level");
        let mut compressor = libdeflater::Compressor::new(level_of);
        let mut out = vec![0; 2 * BLOCK];
        all.push((
            format!("libdeflate {level}"),
            Box::new(move |text| {
                text.chunks(BLOCK)
                    .map(|block| compressor.deflate_compress(block, &mut out).expect("room"))
                    .sum()
            }),
        ));
    }
    for level in 1..=6 {
        use sirocco::deflate::{Encoder, Flush, Level};
        let mut encoder = Encoder::new(sirocco::Format::Deflate, Level::new(level));
        let mut out = vec![0; 2 * BLOCK];
        all.push((
            format!("sirocco {level}"),
            Box::new(move |text| {
                let mut block_of = |block| {
                    encoder.reset();
                    let progress = encoder.compress(block, &mut out, Flush::Finish);
                    assert!(progress.done);
                    progress.output.len()
                };
                text.chunks(BLOCK).map(&mut block_of).sum()
            }),
        ));
    }
    for level in [1, 2, 3, 6] {
        let mut compressor = flate2::Compress::new(flate2::Compression::new(level), false);
        let mut out = Vec::with_capacity(2 * BLOCK);
        all.push((
            format!("zlib-rs {level}"),
            Box::new(move |text| {
                let mut block_of = |block| {
                    compressor.reset();
                    out.clear();
                    let status = compressor
                        .compress_vec(block, &mut out, flate2::FlushCompress::Finish)
                        .expect("a block");
                    assert_eq!(status, flate2::Status::StreamEnd);
                    out.len()
                };
                text.chunks(BLOCK).map(&mut block_of).sum()
            }),
        ));
    }
    let (mut tools, mut out) = (bm_io::Tools::default(), Vec::new());
    all.push((
        "bm 1".to_owned(),
        Box::new(move |text| {
            let mut block_of = |block: &[u8]| {
                bm_io::Format::Gzip.compress(1, block, &mut tools, &mut out).expect("memory");
                // Without header and checksum, as the others.
                out.len() - 26
            };
            text.chunks(BLOCK).map(&mut block_of).sum()
        }),
    ));
    #[cfg(feature = "isal")]
    for (number, level) in
        [isal::CompressionLevel::Zero, isal::CompressionLevel::One, isal::CompressionLevel::Three]
            .into_iter()
            .enumerate()
    {
        let mut out = vec![0; 2 * BLOCK];
        all.push((
            format!("ISA-L {}", [0, 1, 3][number]),
            Box::new(move |text| {
                let mut block_of = |block: &[u8]| {
                    isal::compress_into(block, &mut out, level, isal::Codec::Deflate).expect("room")
                };
                text.chunks(BLOCK).map(&mut block_of).sum()
            }),
        ));
    }
    for level in [1, 3] {
        all.push((
            format!("zstd {level}, one stream"),
            Box::new(move |text| {
                let mut encoder = zstd::Encoder::new(Vec::new(), level).expect("an encoder");
                encoder.write_all(text).expect("memory");
                encoder.finish().expect("memory").len()
            }),
        ));
    }
    all
}

/// Returns the inflaters of a gzip stream, by name; each returns the number of bytes of text.
fn inflaters() -> Vec<(String, Run<'static>)> {
    let mut all: Vec<(String, Run)> = vec![
        (
            "sirocco".to_owned(),
            Box::new(|stored| count(sirocco::inflate::Reader::new(sirocco::Format::Gzip, stored))),
        ),
        ("zlib-rs".to_owned(), Box::new(|stored| count(flate2::bufread::GzDecoder::new(stored)))),
    ];
    #[cfg(feature = "isal")]
    all.push(("ISA-L".to_owned(), Box::new(|stored| count(isal::read::GzipDecoder::new(stored)))));
    let mut out = Vec::new();
    all.push((
        "libdeflate, all at once".to_owned(),
        Box::new(move |stored: &[u8]| {
            let size = u32::from_le_bytes(*stored.last_chunk().expect("a trailer")) as usize;
            out.resize(size, 0);
            libdeflater::Decompressor::new().gzip_decompress(stored, &mut out).expect("gzip")
        }),
    ));
    all
}

fn count(mut text: impl Read) -> usize {
    let (mut buffer, mut total) = (vec![0; 256 * 1024], 0);
    loop {
        match text.read(&mut buffer).expect("gzip") {
            0 => return total,
            count => total += count,
        }
    }
}

/// Runs all libraries in turn and adds a row for each: MB of text per second, million reads per
/// second, spread, and output size relative to the text.
fn table(out: &mut String, mut all: Vec<(String, Run)>, input: &[u8], text: &[u8], rounds: usize) {
    let reads = text.iter().filter(|byte| **byte == b'\n').count() / 4;
    let mut times = vec![Vec::new(); all.len()];
    let mut sizes = vec![0; all.len()];
    for _ in 0..rounds {
        for (i, (_, run)) in all.iter_mut().enumerate() {
            let start = Instant::now();
            sizes[i] = run(input);
            times[i].push(start.elapsed().as_secs_f64());
        }
    }
    for (((name, _), times), size) in all.iter().zip(&mut times).zip(&sizes) {
        times.sort_by(f64::total_cmp);
        let seconds = times[times.len() / 2];
        let spread = (times[times.len() - 1] - times[0]) / seconds;
        writeln!(
            out,
            "| {name} | {:.0} | {:.2} | ± {:.0} % | {:.3} |",
            text.len() as f64 / seconds / 1e6,
            reads as f64 / seconds / 1e6,
            50.0 * spread,
            *size as f64 / text.len() as f64
        )
        .expect("memory");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "--fastq").is_some() {
        let named = |wanted: &str| {
            let run = deflaters().into_iter().find(|(name, _)| name == wanted);
            run.expect("a deflater").1
        };
        fastq_encoder::compare(arguments, [named("libdeflate 1"), named("bm 1")], 9);
        return;
    }
    let path = arguments.next().expect("a FASTQ file");
    let rounds = arguments.next().map_or(5, |rounds| rounds.parse().expect("a number of rounds"));
    let text = std::fs::read(path).expect("a file");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&text).expect("memory");
    let stored = encoder.finish().expect("memory");

    let head = "| | text, MB/s | M reads/s | spread | size / text |\n|---|---|---|---|---|\n";
    let mut out = format!(
        "Deflating blocks of {BLOCK} bytes ({} MB of text, {rounds} rounds):\n\n{head}",
        text.len() / 1_000_000
    );
    table(&mut out, deflaters(), &text, &text, rounds);
    write!(out, "\nInflating a gzip stream of zlib-rs 6:\n\n{head}").expect("memory");
    table(&mut out, inflaters(), &stored, &text, rounds);
    print!("{out}");
}
