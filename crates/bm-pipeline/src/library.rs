//! What a library has that is not of the sample, as the first reads of a run show it.

use bm_adapt::Adapters;
use bm_insert::Structure;
use bm_long::Ends;
use bm_reads::conversion::Conversion;
use serde::{Deserialize, Serialize};

/// What a library has that is not of the sample.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Library {
    /// The adapters of first mates and single reads, then those of second mates.
    pub adapters: [Adapters; 2],
    /// What else is at the ends of reads.
    pub structures: Vec<Structure>,
    /// What long reads have at their start and at their end: adapters, barcodes, tails.
    #[serde(default)]
    pub long_ends: [LongEnd; 2],
    /// Which bases it turns into others, if it does.
    #[serde(with = "by_number")]
    pub conversion: Option<Conversion>,
}

/// What long reads have at one of their ends, and the sample has not.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct LongEnd {
    /// Median number of bases; 0 if there are none.
    pub bases: usize,
    /// Fraction of the first reads that show it.
    pub share: f64,
}

impl LongEnd {
    pub(crate) fn of(ends: &Ends) -> [Self; 2] {
        let (bases, shares) = (ends.lengths(), ends.shares());
        [0, 1].map(|end| Self { bases: bases[end], share: shares[end] })
    }
}

/// A conversion by its number; 0 for none.
mod by_number {
    use bm_reads::conversion::Conversion;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        conversion: &Option<Conversion>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        conversion.map_or(0, Conversion::number).serialize(output)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<Conversion>, D::Error> {
        match u8::deserialize(input)? {
            0 => Ok(None),
            number => Conversion::with_number(number)
                .map(Some)
                .ok_or_else(|| D::Error::custom(format!("conversion {number} is not known"))),
        }
    }
}
