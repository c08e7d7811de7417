//! Names of reads with the identifiers of their molecules.

use bm_reads::fastq::RecordRef;

use crate::templates::Template;
use crate::umi::{Umi, UmiPlace, index_of};

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
