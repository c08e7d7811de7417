//! The reads in which adapters are searched for: base codes in bounded memory.

use bm_reads::{ReadRef, base::code};

/// Base codes of the first reads of a file, one read after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    codes: Vec<u8>,
    /// Start and number of bases of each read. The number shrinks when an adapter is cut off.
    parts: Vec<(u32, u32)>,
}

impl Reads {
    /// Returns the codes of the first reads: at most `reads` reads, and at most `bases` bases.
    pub(super) fn first<'a>(
        from: impl IntoIterator<Item = ReadRef<'a>>,
        reads: usize,
        bases: usize,
    ) -> Self {
        let bases = bases.min(u32::MAX as usize);
        let mut all = Self::default();
        for read in from.into_iter().take(reads) {
            if read.len() > bases - all.codes.len() {
                break;
            }
            all.parts.push((all.codes.len() as u32, read.len() as u32));
            all.codes.extend(read.sequence.iter().map(|letter| code(*letter)));
        }
        all
    }

    /// Returns the number of reads.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Returns the codes of one read.
    pub(super) fn read(&self, index: usize) -> &[u8] {
        let (start, bases) = self.parts[index];
        &self.codes[start as usize..][..bases as usize]
    }

    /// Returns the codes of each read.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|(start, bases)| &self.codes[*start as usize..][..*bases as usize])
    }

    /// Keeps only the first `bases` bases of a read.
    pub(super) fn cut(&mut self, index: usize, bases: usize) {
        let part = &mut self.parts[index];
        part.1 = part.1.min(bases as u32);
    }
}
