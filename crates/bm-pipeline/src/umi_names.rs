//! Names of reads with the identifiers of their molecules.

use bm_reads::fastq::RecordRef;

use crate::templates::Template;
use crate::umi::{Umi, UmiPlace};

/// The delimiter of umi_tools. The identifier is what follows the last one in a name, so two
/// identifiers of a pair have none between them.
const UNDERSCORE: &str = "_";

/// Appends the definition of a read of the template, with the identifier behind its name.
///
/// fastp and umi_tools write both mates of a template with the same identifier; so does this. Of
/// two places, fastp has `_` between their bases.
pub(crate) fn write_definition(
    umi: &Umi,
    template: &Template<'_>,
    record: RecordRef<'_>,
    to: &mut Vec<u8>,
) {
    let (name, description) = record.definition.split_at(record.name().len());
    to.extend_from_slice(name);
    to.extend_from_slice(umi.delimiter.as_bytes());
    for (number, place) in umi.places.iter().enumerate() {
        if number > 0 && umi.delimiter != UNDERSCORE {
            to.extend_from_slice(UNDERSCORE.as_bytes());
        }
        to.extend_from_slice(bases_of(template, *place));
    }
    to.extend_from_slice(description);
}

/// Returns the bases of an identifier at a place; fewer if the read has fewer, none if there is no such
/// index.
fn bases_of<'a>(template: &Template<'a>, place: UmiPlace) -> &'a [u8] {
    match place {
        UmiPlace::Read { mate, bases } => template.mates().get(mate).map_or(&b""[..], |mate| {
            let sequence = mate.whole.sequence;
            &sequence[..bases.min(sequence.len())]
        }),
        UmiPlace::Index(index) => {
            template.mates().first().map_or(&b""[..], |mate| index_of(mate.whole, index))
        }
    }
}

/// Returns an index of a read, 0 or 1, from its description: `1:N:0:ACGT+TTGA`.
fn index_of(record: RecordRef<'_>, index: usize) -> &[u8] {
    let description = &record.definition[record.name().len()..];
    let mut words = description.split(|byte| byte.is_ascii_whitespace());
    let word = words.find(|word| !word.is_empty()).unwrap_or(b"");
    let Some(colon) = word.iter().rposition(|byte| *byte == b':') else { return b"" };
    let bases = word[colon + 1..].split(|byte| *byte == b'+').nth(index).unwrap_or(b"");
    let is_base = |byte: &u8| matches!(byte.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N');
    // Where the index is not known, its place has the number of the sample.
    if bases.iter().all(is_base) { bases } else { b"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_the_last_field_of_the_first_word_of_the_description() {
        let of = |definition: &'static str, index| {
            let definition = definition.as_bytes();
            index_of(RecordRef { definition, sequence: b"", quality_scores: b"" }, index)
        };
        assert_eq!(of("r:1 1:N:0:ACGT+TTGA more:x", 0), b"ACGT");
        assert_eq!(of("r:1 1:N:0:ACGT+TTGA", 1), b"TTGA");
        assert_eq!(of("r:1 1:N:0:ACGT", 1), b"");
        assert_eq!(of("r:1 1:N:0:17", 0), b"");
        assert_eq!(of("r:1", 0), b"");
    }
}
