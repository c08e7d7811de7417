//! A template of the sample: a read or two mates, as far as they are of the sample.

use std::ops::Range;

use bm_reads::base::code;
use bm_reads::{Phred, PlacedRead, mates};

use crate::fingerprint::{are_varied, hash_with};

/// A read or two mates, as far as they are of the sample.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Number in the run, from 0, to name it; nothing is learned from it.
    pub(super) number: u64,
    /// Hash of bases and qualities.
    pub(super) content: u64,
    /// The reads: one, or two mates.
    pub(super) reads: Vec<Part>,
    /// The base codes of all reads, and then their Phred scores.
    pub(super) values: Box<[u8]>,
}

/// The part of a read that is of the sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) length: u32,
    /// Bases of the read in front of these and behind them.
    pub(super) outside: [u32; 2],
    /// 1, or 2 for a second mate, also where the first one is not in the run.
    pub(super) mate: u8,
}

/// What tells templates from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// Hash of bases and qualities.
    pub(super) content: u64,
    /// Whether the qualities vary: then templates of the same content are copies.
    pub(super) is_varied: bool,
    /// Hash of all that tells it from others: of the content, and of the name where the
    /// qualities do not vary, since many molecules may then have the same content. Copies have the
    /// same one.
    pub(super) key: u64,
}

impl Identity {
    pub(super) fn of(reads: &[(PlacedRead<'_>, Range<usize>)]) -> Self {
        let parts =
            || reads.iter().map(|(placed, part)| placed.read.window(part.start, part.len()));
        let content = parts()
            .fold(0, |hash, read| hash_with(hash_with(hash, read.sequence), read.quality_scores));
        let is_varied = are_varied(parts().map(|read| read.quality_scores));
        let name = reads.first().map_or(&b""[..], |(placed, _)| mates::template(placed.read.name));
        let key = hash_with(content, if is_varied { b"" } else { name });
        Self { content, is_varied, key }
    }
}

impl Template {
    pub(super) fn new(number: u64, content: u64, reads: &[(PlacedRead<'_>, Range<usize>)]) -> Self {
        let parts =
            || reads.iter().map(|(placed, part)| placed.read.window(part.start, part.len()));
        let codes = parts().flat_map(|read| read.sequence.iter().map(|base| code(*base)));
        let scores =
            parts().flat_map(|read| read.quality_scores.iter().map(|byte| byte - Phred::OFFSET));
        let part = |(PlacedRead { read, mate, before }, part): &(PlacedRead<'_>, Range<usize>)| {
            let read_length = read.len();
            let behind = read_length - part.start - part.len();
            Part {
                length: part.len() as u32,
                outside: [before + part.start, behind].map(|bases| bases as u32),
                mate: *mate,
            }
        };
        Self {
            number,
            content,
            reads: reads.iter().map(part).collect(),
            values: codes.chain(scores).collect(),
        }
    }

    /// Returns the number of bases.
    pub(super) fn bases(&self) -> usize {
        self.values.len() / 2
    }
}
