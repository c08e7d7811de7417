//! The sequences of a batch in which a base and what the library turns it into are written as one.

use bm_reads::ReadRef;
use bm_reads::conversion::Conversion;

use crate::templates::TemplateBatch;

/// The sequences of a batch, written as one; empty if they are to stay as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct AsOne {
    text: Vec<u8>,
    /// Where the sequence of each read ends, in the order of the files.
    ends: Vec<usize>,
}

impl AsOne {
    /// Writes the sequences of a batch, if there is a conversion.
    pub(crate) fn write(&mut self, templates: &TemplateBatch, conversion: Option<Conversion>) {
        self.text.clear();
        self.ends.clear();
        if let Some(conversion) = conversion {
            for (index, read) in templates.reads().enumerate() {
                let mate = templates.mate_of(index);
                conversion.write_as_one(read.sequence, mate, &mut self.text);
                self.ends.push(self.text.len());
            }
        }
    }

    /// Returns a read of the batch, the one at this place, with its sequence as it is to be compared.
    pub(crate) fn read<'a>(&'a self, index: usize, read: ReadRef<'a>) -> ReadRef<'a> {
        match self.ends.get(index) {
            Some(end) => ReadRef { sequence: &self.text[end - read.len()..*end], ..read },
            None => read,
        }
    }
}
