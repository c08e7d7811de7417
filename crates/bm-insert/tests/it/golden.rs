//! Figures on real reads with adapters at known places. A change that makes one of them worse shows
//! here; one that makes them better should tighten them.

use std::path::Path;

use bm_reads::fastq::{Reader, Record};
use flate2::read::MultiGzDecoder;

use crate::run::{ADAPTER, Draw, OTHER, Read, Run, adapter, reverse_complement};

fn testdata(name: &str) -> Vec<Read> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
    let file = std::fs::File::open(path).unwrap();
    let mut reader = Reader::new(std::io::BufReader::new(MultiGzDecoder::new(file)));
    let (mut reads, mut record) = (Vec::new(), Record::default());
    while reader.read_record(&mut record).unwrap() {
        let read = record.as_read();
        reads.push(Read { sequence: read.sequence.to_vec(), scores: read.quality_scores.to_vec() });
    }
    reads
}

/// Replaces the bases from `end` on by an adapter and G, with errors as the qualities say.
fn with_tail(read: &mut Read, end: usize, adapter: &[u8], draw: &mut Draw) {
    for at in end..read.sequence.len() {
        let base = adapter.get(at - end).copied().unwrap_or(b'G');
        let error = 10f64.powf(-0.1 * f64::from(read.scores[at] - b'!'));
        let is_wrong = (draw.below(1 << 20) as f64) < error * f64::from(1 << 20);
        read.sequence[at] = if is_wrong { draw.bases(1)[0] } else { base };
    }
}

/// Tails of 1 to 12 bases in two of five cases, else any insert from 18 bases on.
fn end_of(length: usize, draw: &mut Draw) -> usize {
    if draw.below(5) < 2 { length - 1 - draw.below(12) } else { 18 + draw.below(length - 18) }
}

#[derive(Debug, Default)]
struct Figures {
    sample: usize,
    foreign: usize,
    /// Bases of the sample that were cut, and others that were not.
    cut: usize,
    left: usize,
    clean: usize,
    clean_cut: usize,
}

impl Figures {
    fn of(run: &Run, ends: &[usize], one_in: usize) -> Self {
        let adapters = [vec![adapter(ADAPTER)], vec![adapter(OTHER)]];
        let model = run.learn(adapters);
        let mut figures = Self::default();
        run.find(&model, |number, _, read, insert| {
            let (length, end) = (read.sequence.len(), ends[number].min(read.sequence.len()));
            let to = insert.part(length).end;
            figures.sample += end;
            figures.foreign += length - end;
            figures.cut += end.saturating_sub(to);
            figures.left += to.saturating_sub(end);
            if end == length {
                figures.clean += 1;
                figures.clean_cut += usize::from(to < length);
            }
        });
        assert!(figures.foreign > 0 && figures.clean > figures.sample / 1000 / one_in);
        figures
    }

    /// Asserts that at most these parts, in 1 of 100,000, are cut, left, and cut of clean reads.
    fn assert_at_most(&self, most: [usize; 3]) {
        let of = |part: usize, all: usize| (part * 100_000).div_ceil(all);
        let found = [
            of(self.cut, self.sample),
            of(self.left, self.foreign),
            of(self.clean_cut, self.clean),
        ];
        assert!(found.iter().zip(most).all(|(found, most)| *found <= most), "{found:?} {self:?}");
    }
}

fn phage(one_in: usize) -> Figures {
    let mut draw = Draw::new(20);
    let mut ends = Vec::new();
    let reads = testdata("hiseqx_phage/hiseqx_phage.fastq.gz").into_iter().map(|mut read| {
        let length = read.sequence.len();
        let end = if draw.below(one_in) == 0 { end_of(length, &mut draw) } else { length };
        with_tail(&mut read, end, ADAPTER, &mut draw);
        ends.push(end);
        vec![read]
    });
    let run = Run(reads.collect());
    Figures::of(&run, &ends, one_in)
}

#[test]
fn adapters_in_half_of_the_reads() {
    phage(2).assert_at_most([16, 95, 700]);
}

#[test]
fn adapters_in_one_read_of_a_hundred() {
    phage(100).assert_at_most([2, 420, 70]);
}

#[test]
fn adapters_in_pairs() {
    let mut draw = Draw::new(21);
    let [first, second] =
        [1, 2].map(|mate| testdata(&format!("hiseq_measles/hiseq_measles_{mate}.fastq.gz")));
    let mut ends = Vec::new();
    let mates = first.into_iter().zip(second).map(|(mut one, mut other)| {
        let length = one.sequence.len();
        let end = if draw.below(2) == 0 { end_of(length, &mut draw) } else { length };
        ends.push(end);
        if end < length {
            let strand = reverse_complement(&one.sequence[..end]);
            with_tail(&mut one, end, ADAPTER, &mut draw);
            let end = end.min(other.sequence.len());
            other.sequence[..end].copy_from_slice(&strand[..end]);
            with_tail(&mut other, end, OTHER, &mut draw);
        }
        vec![one, other]
    });
    let run = Run(mates.collect());
    Figures::of(&run, &ends, 2).assert_at_most([2, 0, 140]);
}
