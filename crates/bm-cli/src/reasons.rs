//! Why a read is not kept.

use bm_quality::Shortfall;
use bm_reads::ReadError;

/// A reason. Of several, the first in this order is the one that counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Reason {
    /// It has no bases.
    Empty,
    /// Its bases are all N.
    OnlyN,
    MinLength,
    MaxLength,
    MaxN,
    MinComplexity,
    MaxPolyG,
    Probability,
    ExpectedErrors,
    ExpectedErrorRate,
    /// It is all right, but its pair is not kept.
    Mate,
}

impl Reason {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 11] = [
        Self::Empty,
        Self::OnlyN,
        Self::MinLength,
        Self::MaxLength,
        Self::MaxN,
        Self::MinComplexity,
        Self::MaxPolyG,
        Self::Probability,
        Self::ExpectedErrors,
        Self::ExpectedErrorRate,
        Self::Mate,
    ];

    /// Returns the word for it: what the read has, or the flag that asks for what it does not.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::OnlyN => "only_n",
            Self::MinLength => "min_length",
            Self::MaxLength => "max_length",
            Self::MaxN => "max_n",
            Self::MinComplexity => "min_complexity",
            Self::MaxPolyG => "max_poly_g",
            Self::Probability => "threshold",
            Self::ExpectedErrors => "max_ee",
            Self::ExpectedErrorRate => "max_ee_rate",
            Self::Mate => "mate",
        }
    }
}

impl From<Shortfall> for Reason {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::Probability => Self::Probability,
            Shortfall::ExpectedErrors => Self::ExpectedErrors,
            Shortfall::ExpectedErrorRate => Self::ExpectedErrorRate,
        }
    }
}

impl From<&ReadError> for Reason {
    /// For a read that cannot be judged. The reader has refused what is no read before.
    fn from(error: &ReadError) -> Self {
        if matches!(error, ReadError::EmptyRead) { Self::Empty } else { Self::OnlyN }
    }
}

/// Any number of reasons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    pub(crate) const NONE: Self = Self(0);

    /// Adds one.
    pub(crate) fn add(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u8;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns them, the one that counts first.
    pub(crate) fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.0 >> *reason as u8 & 1 == 1)
    }

    /// Appends them as tables and descriptions show them: with commas between; `-` if there is
    /// none.
    pub(crate) fn write(self, text: &mut Vec<u8>) {
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

    /// Returns those of both.
    pub(crate) fn and(self, other: Self) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reasons: Reasons) -> String {
        let mut text = Vec::new();
        reasons.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    #[test]
    fn reasons_come_in_their_order_whatever_the_order_they_came_in() {
        let reasons: Reasons =
            [Reason::Mate, Reason::MaxN, Reason::Empty, Reason::MaxN].into_iter().collect();
        assert_eq!(shown(reasons), "empty,max_n,mate");
        assert_eq!(shown(Reasons::NONE), "-");
        let all: Reasons = Reason::ALL.into_iter().collect();
        assert!(all.iter().eq(Reason::ALL));
    }
}
