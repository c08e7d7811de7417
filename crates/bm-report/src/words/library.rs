//! Lines on what a run's library has at the ends of reads.

use crate::library_facts::{LibraryFacts, StructureFacts};

/// Returns a line for each thing that was found.
pub(super) fn lines(facts: &LibraryFacts) -> Vec<String> {
    let is_paired = facts.structures.iter().any(|structure| structure.mate == 2);
    let structure = |structure: &StructureFacts| {
        let of = match (is_paired, structure.mate) {
            (false, _) => "reads",
            (true, 1) => "first mates",
            (true, _) => "second mates",
        };
        let StructureFacts { share, what, .. } = structure;
        format!("library: {what} of {:.1} % of the {of}, left out of the verdict", 100.0 * share)
    };
    let conversion = facts.conversion.as_ref().map(|conversion| {
        let (from, to) = (conversion.from, conversion.to);
        format!(
            "library: {from} is turned into {to}; both count as one base where reads are compared"
        )
    });
    facts.structures.iter().map(structure).chain(conversion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library_facts::ConversionFacts;

    #[test]
    fn each_line_names_what_was_found_and_where() {
        let structure = |mate, share| StructureFacts {
            mate,
            share,
            bases: [8, 8],
            what: "8 random bases at the start".to_owned(),
        };
        let facts = LibraryFacts { structures: vec![structure(1, 0.5)], conversion: None };
        assert_eq!(
            lines(&facts),
            [
                "library: 8 random bases at the start of 50.0 % of the reads, left out of the verdict"
            ]
        );
        let facts = LibraryFacts {
            structures: vec![structure(1, 0.5), structure(2, 1.0)],
            conversion: Some(ConversionFacts { from: 'C', to: 'T' }),
        };
        let lines = lines(&facts);
        assert!(lines[0].contains("of 50.0 % of the first mates"), "{lines:?}");
        assert!(lines[1].contains("of 100.0 % of the second mates"), "{lines:?}");
        assert!(lines[2].starts_with("library: C is turned into T;"), "{lines:?}");
    }
}
