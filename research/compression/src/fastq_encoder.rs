//! Compares bm's encoder for FASTQ with libdeflate at level 1, on the first reads of several files.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use crate::{BLOCK, Run};

/// Most bytes of text of a file.
const MOST: usize = 20_000_000;

/// Prints a row for each file: bytes and speed of the second run as parts of those of the first one, libdeflate 1, and its time a
/// byte. They take turns; times are medians of `rounds`.
pub(crate) fn compare(files: impl Iterator<Item = String>, mut runs: [Run<'_>; 2], rounds: usize) {
    let most = MOST / 1_000_000;
    println!("First {most} MB of each file, in blocks of {BLOCK} bytes, {rounds} rounds:\n");
    println!("| file | bytes, libdeflate 1 = 1 | speed, libdeflate 1 = 1 | ns a byte |");
    println!("|---|---|---|---|");
    for path in files {
        let text = text_of(Path::new(&path));
        let mut measured = runs.each_mut().map(|run| (run, Vec::new(), 0));
        for _ in 0..rounds {
            for (run, times, bytes) in &mut measured {
                let start = Instant::now();
                *bytes = run(&text);
                times.push(start.elapsed().as_secs_f64());
            }
        }
        let [libdeflate, ours] = measured.map(|(_, mut times, bytes)| {
            times.sort_by(f64::total_cmp);
            (times[times.len() / 2], bytes as f64)
        });
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
        println!(
            "| {name} | {:.3} | {:.2} | {:.2} |",
            ours.1 / libdeflate.1,
            libdeflate.0 / ours.0,
            1e9 * ours.0 / text.len() as f64
        );
    }
}

/// Returns the first records of a file, with lines of `+` alone, as bm writes them.
fn text_of(path: &Path) -> Vec<u8> {
    let file = BufReader::new(File::open(path).expect("a file"));
    let mut lines = BufReader::new(flate2::bufread::MultiGzDecoder::new(file));
    let (mut text, mut line) = (Vec::new(), Vec::new());
    for number in 0.. {
        line.clear();
        let done = number % 4 == 0 && text.len() >= MOST;
        if done || lines.read_until(b'\n', &mut line).expect("gzip") == 0 {
            return text;
        }
        text.extend_from_slice(if number % 4 == 2 { b"+\n" } else { &line });
    }
    text
}
