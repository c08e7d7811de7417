//! What a run's library has at the ends of its reads, and which bases it turns into others, for reports.

use bm_pipeline::Library;
use serde::{Deserialize, Serialize};

/// What of a run's reads is of its library and not of the sample, but adapters.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LibraryFacts {
    /// Bases at the ends of reads.
    pub structures: Vec<StructureFacts>,
    /// The base that is turned into another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionFacts>,
}

/// Bases at one end of the reads of one mate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StructureFacts {
    /// 1 for first mates and single reads, 2 for second mates.
    pub mate: u8,
    /// Fraction of the first reads that have them.
    pub share: f64,
    /// Their lowest and highest number.
    pub bases: [usize; 2],
    /// What they are and where, in words.
    pub what: String,
}

/// A base that a library turns into another one, in first mates and single reads.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct ConversionFacts {
    /// The base.
    pub from: char,
    /// What it is turned into.
    pub to: char,
}

impl LibraryFacts {
    /// Returns what was found; `None` if nothing was.
    pub fn of(library: &Library) -> Option<Self> {
        let structures = library.structures.iter().map(|structure| StructureFacts {
            mate: 1 + structure.mate as u8,
            share: structure.fraction,
            bases: [*structure.bases.start(), *structure.bases.end()],
            what: structure.to_string(),
        });
        let places = ["start", "end"].into_iter().zip(library.long_ends);
        let long_ends =
            places.filter(|(_, end)| end.bases > 0).map(|(place, end)| StructureFacts {
                mate: 1,
                share: end.share,
                bases: [end.bases; 2],
                what: format!(
                    "adapter, barcode or tail of about {} bases at the {place}",
                    end.bases
                ),
            });
        let structures = structures.chain(long_ends).collect();
        let conversion = library.conversion.map(|conversion| {
            let [from, to] = conversion.letters();
            ConversionFacts { from, to }
        });
        let facts = Self { structures, conversion };
        (!facts.structures.is_empty() || facts.conversion.is_some()).then_some(facts)
    }
}
