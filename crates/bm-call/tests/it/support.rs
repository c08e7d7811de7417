//! Alignments made up for tests, and their calls.

use std::fmt::Write as _;

use bm_call::{
    CallError, CallTotals, Caller, Learner, ObservedRead, Record, Regions, Settings, Variant,
};
use bm_truth::{Aligned, Alignment, Reference};

/// A generator of numbers without a pattern (xorshift, Marsaglia 2003).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Returns a sequence without long repeats.
pub(crate) fn sequence(length: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(7);
    (0..length).map(|_| b"ACGT"[numbers.below(4)]).collect()
}

/// One line of SAM.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) flags: u16,
    /// 0-based.
    pub(crate) start: usize,
    pub(crate) cigar: String,
    pub(crate) bases: Vec<u8>,
}

/// Returns a read of the sequence that matches it.
pub(crate) fn read(sequence: &[u8], name: &str, flags: u16, start: usize, length: usize) -> Line {
    let bases = sequence[start..start + length].to_vec();
    Line { name: name.to_owned(), flags, start, cigar: format!("{length}M"), bases }
}

/// Returns FASTA and SAM text of the reads, in the order of their starts.
pub(crate) fn texts(sequence: &[u8], lines: &[Line]) -> (String, String) {
    let fasta = format!(">ref\n{}\n", String::from_utf8_lossy(sequence));
    let mut sorted = lines.to_vec();
    sorted.sort_by_key(|line| line.start);
    let mut sam = format!("@SQ\tSN:ref\tLN:{}\n", sequence.len());
    for Line { name, flags, start, cigar, bases } in sorted {
        let bases = String::from_utf8_lossy(&bases).into_owned();
        let scores = "I".repeat(bases.len());
        let start = start + 1;
        let _ =
            writeln!(sam, "{name}\t{flags}\tref\t{start}\t60\t{cigar}\t*\t0\t0\t{bases}\t{scores}");
    }
    (fasta, sam)
}

/// Calls the variants of SAM text whose bases are all wrong with this probability.
pub(crate) fn calls(
    (fasta, sam): &(String, String),
    settings: &Settings,
    regions: &[&str],
    error: f32,
) -> Result<(Vec<Variant>, CallTotals), CallError> {
    let reference = Reference::read(fasta.as_bytes()).expect("FASTA");
    let mut alignment = Alignment::open(sam.as_bytes(), &reference).expect("SAM");
    let (mut records, mut aligned) = (Vec::new(), Aligned::default());
    while alignment.read(&reference, &mut aligned).expect("a record") {
        let Some((sequence, start)) = aligned.position() else { continue };
        let probabilities = vec![error; aligned.bases().len()];
        let observed = ObservedRead::new(&reference, &aligned, &probabilities);
        records.push(Record { sequence, start, observed });
    }
    let mut learner = Learner::default();
    records.iter().try_for_each(|record| learner.add(record))?;
    let rates = learner.finish(&reference);
    let regions: Vec<String> = regions.iter().map(|it| (*it).to_owned()).collect();
    let regions = Regions::parse(&reference, &regions)?;
    let mut caller = Caller::new(&reference, settings, &regions, rates);
    let mut calls = Vec::new();
    for record in &records {
        caller.add(record, &mut |call| calls.push(call))?;
    }
    let totals = caller.finish(&mut |call| calls.push(call));
    Ok((calls, totals))
}
