//! Random genomes and reads, the same in every run.

use bm_classes::{Builder, ClassIndex, Options};
use bm_kmers::kmer::mix;

/// Random numbers.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed + 1))
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        (self.0 % limit as u64) as usize
    }

    pub(crate) fn genome(&mut self, bases: usize) -> Vec<u8> {
        (0..bases).map(|_| b"ACGT"[self.below(4)]).collect()
    }

    /// Returns the bases with this many in a thousand substituted.
    pub(crate) fn changed(&mut self, bases: &[u8], in_thousand: usize) -> Vec<u8> {
        let mut bases = bases.to_vec();
        for base in &mut bases {
            if self.below(1000) < in_thousand {
                let code = b"ACGT".iter().position(|letter| letter == base).unwrap_or(0);
                *base = b"ACGT"[(code + 1 + self.below(3)) % 4];
            }
        }
        bases
    }
}

pub(crate) fn reverse_complement(bases: &[u8]) -> Vec<u8> {
    let other = |base: &u8| match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        _ => b'N',
    };
    bases.iter().rev().map(other).collect()
}

pub(crate) fn index(classes: &[(&str, &[u8])], options: &Options) -> ClassIndex {
    let mut builder = Builder::default();
    for (name, bases) in classes {
        builder.begin(name).expect("a name");
        builder.push(bases).expect("a sequence");
    }
    builder.finish(options).expect("an index")
}
