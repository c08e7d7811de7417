//! Writes the table of classes: a row for each read, or pair.

use bm_io::number;
use bm_reads::mates;

use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::pipeline::Product;
use crate::screen::NONE;

/// Rows of the table of classes, as tab-separated text.
pub(crate) struct ClassRows {
    /// The names of the classes, and of none.
    names: Vec<String>,
}

impl ClassRows {
    pub(crate) fn new(names: &[String]) -> Self {
        Self { names: names.iter().cloned().chain([NONE.to_owned()]).collect() }
    }

    /// Returns the header line.
    pub(crate) fn header(&self) -> String {
        format!("read\tlength\tclass\tprobability\t{}\n", self.names.join("\t"))
    }
}

impl Product for ClassRows {
    fn write(&self, scored: &ScoredTemplate<'_>, _: &Decision, texts: &mut [Vec<u8>]) {
        let (Some(text), Some(found)) = (texts.first_mut(), scored.classes) else { return };
        let reads = scored.template.mates();
        let name = reads.first().map_or(&b""[..], |mate| mate.record.name());
        let name = if reads.len() > 1 { mates::template(name) } else { name };
        let bases: usize = reads.iter().map(|mate| mate.record.sequence.len()).sum();
        let best = found.best();
        text.extend_from_slice(name);
        text.push(b'\t');
        text.extend_from_slice(itoa::Buffer::new().format(bases).as_bytes());
        text.push(b'\t');
        text.extend_from_slice(self.names.get(best).map_or(NONE, String::as_str).as_bytes());
        text.push(b'\t');
        number::write(text, found.probabilities.get(best).copied().unwrap_or(f32::NAN));
        for probability in found.probabilities {
            text.push(b'\t');
            number::write(text, *probability);
        }
        text.push(b'\n');
    }
}
