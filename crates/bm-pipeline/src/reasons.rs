//! Why a read is not kept.

use std::fmt;

use bm_quality::Shortfall;
use bm_reads::ReadError;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a read is not kept. Of several reasons, the first in this order is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Reason {
    /// The read has no bases.
    Empty,
    /// All bases of the read are N.
    OnlyN,
    /// Nothing of the read is of the sample, or worth keeping.
    NoInsert,
    /// The read comes from a class that is not wanted.
    Class,
    /// An earlier read, or pair, has the same bases.
    Duplicate,
    /// The read has fewer bases than required.
    MinLength,
    /// The read has more bases than allowed.
    MaxLength,
    /// The fraction of unknown bases is too large.
    MaxN,
    /// The complexity of the sequence is too low.
    MinComplexity,
    /// The run of G at the end is too long.
    MaxPolyG,
    /// The probability is below the threshold.
    Probability,
    /// The expected errors exceed the limit.
    ExpectedErrors,
    /// The expected errors per base exceed the limit.
    ExpectedErrorRate,
    /// Better reads have as many bases as wanted.
    TargetBases,
    /// The read passes, but its pair is not kept.
    Mate,
}

impl Reason {
    /// All reasons, in their order.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::OnlyN,
        Self::NoInsert,
        Self::Class,
        Self::Duplicate,
        Self::MinLength,
        Self::MaxLength,
        Self::MaxN,
        Self::MinComplexity,
        Self::MaxPolyG,
        Self::Probability,
        Self::ExpectedErrors,
        Self::ExpectedErrorRate,
        Self::TargetBases,
        Self::Mate,
    ];

    /// Returns the reason as a word: a property of the read, or the flag whose limit it exceeds.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::OnlyN => "only_n",
            Self::NoInsert => "no_insert",
            Self::Class => "class",
            Self::Duplicate => "duplicate",
            Self::MinLength => "min_length",
            Self::MaxLength => "max_length",
            Self::MaxN => "max_n",
            Self::MinComplexity => "min_complexity",
            Self::MaxPolyG => "max_poly_g",
            Self::Probability => "threshold",
            Self::ExpectedErrors => "max_ee",
            Self::ExpectedErrorRate => "max_ee_rate",
            Self::TargetBases => "target_bases",
            Self::Mate => "mate",
        }
    }

    /// Returns the reason of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl From<Shortfall> for Reason {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Probability => Self::Probability,
            Shortfall::ExpectedErrors => Self::ExpectedErrors,
            Shortfall::ExpectedErrorRate => Self::ExpectedErrorRate,
            Shortfall::Weight => Self::TargetBases,
        }
    }
}

impl From<&ReadError> for Reason {
    /// Returns the reason for a read that cannot be scored; invalid records never get here.
    fn from(error: &ReadError) -> Self {
        if matches!(error, ReadError::EmptyRead) { Self::Empty } else { Self::OnlyN }
    }
}

/// A set of reasons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);

    /// Adds a reason.
    pub fn add(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u8;
    }

    /// Returns whether there is no reason.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the reasons; the first one is counted.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.0 >> *reason as u8 & 1 == 1)
    }

    /// Appends the reasons as in tables and descriptions: separated by commas; `-` if there are
    /// none.
    pub fn write(self, text: &mut Vec<u8>) {
        let mut between: &[u8] = b"";
        for reason in self.iter() {
            text.extend_from_slice(between);
            text.extend_from_slice(reason.name().as_bytes());
            between = b",";
        }
        if self.is_empty() {
            text.push(b'-');
        }
    }

    /// Returns the reasons of both sets.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        let mut all = Self::default();
        reasons.into_iter().for_each(|reason| all.add(reason));
        all
    }
}

/// Numbers of reads that are not kept, or of their bases, by the reason that is counted. In JSON: an
/// object with the reasons that occur.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReasonCounts([u64; Reason::ALL.len()]);

impl ReasonCounts {
    /// Counts a read that is not kept for these reasons.
    pub fn count(&mut self, reasons: Reasons) {
        self.count_bases(reasons, 1);
    }

    /// Counts the bases of a read that is not kept for these reasons.
    pub fn count_bases(&mut self, reasons: Reasons, bases: u64) {
        if let Some(reason) = reasons.iter().next() {
            self.0[reason as usize] += bases;
        }
    }

    /// Adds the counts of other reads.
    pub fn add(&mut self, other: &Self) {
        let counts = self.0.iter_mut().zip(other.0);
        counts.for_each(|(ours, theirs)| *ours = ours.saturating_add(theirs));
    }

    /// Returns the number of all reads, or bases.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Returns the reasons that occur, each with its number of reads or bases.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

impl Serialize for ReasonCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(reason, count)| (reason.name(), count)))
    }
}

impl<'de> Deserialize<'de> for ReasonCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counts;

        impl<'de> Visitor<'de> for Counts {
            type Value = ReasonCounts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a number of reads for each reason")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReasonCounts, A::Error> {
                let mut counts = ReasonCounts::default();
                while let Some((name, count)) = map.next_entry::<String, u64>()? {
                    let reason = Reason::from_name(&name)
                        .ok_or_else(|| serde::de::Error::custom(format!("{name} is no reason")))?;
                    counts.0[reason as usize] = count;
                }
                Ok(counts)
            }
        }

        deserializer.deserialize_map(Counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reasons: Reasons) -> String {
        let mut text = Vec::new();
        reasons.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn reasons_are_listed_in_a_fixed_order() {
        let reasons: Reasons =
            [Reason::Mate, Reason::MaxN, Reason::Empty, Reason::MaxN].into_iter().collect();
        assert_eq!(shown(reasons), "empty,max_n,mate");
        assert_eq!(shown(Reasons::NONE), "-");
        let all: Reasons = Reason::ALL.into_iter().collect();
        assert!(all.iter().eq(Reason::ALL));
        assert!(Reason::ALL.iter().all(|reason| Reason::from_name(reason.name()) == Some(*reason)));
    }
}
