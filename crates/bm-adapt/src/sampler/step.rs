//! How much of a run is kept: a fixed path from everything to nothing.

/// One in this many k-mers is an anchor at the start.
const FIRST_KMERS_PER_ANCHOR: u64 = 4;

/// Templates per lowest anchor above which fewer of them are kept instead of fewer anchors.
const DEEP_ENOUGH: u64 = 400;

/// Steps at which the number of templates per lowest anchor is halved, down to [`DEEP_ENOUGH`].
const HALVINGS: u32 = 5;

/// A step of the path on which a sample shrinks. What is kept at a step is also kept at all before.
///
/// The sample of a run is that of the first step at which it fits. Because the path is the same for
/// every run, it does not depend on the order of the reads.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Step(u32);

impl Step {
    /// The step at which nothing is kept.
    const LAST: Self = Self(1 + HALVINGS + u64::BITS);

    /// Returns the next step.
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1).min(Self::LAST)
    }

    /// Returns the step with this number, if there is one.
    pub(super) fn of(number: u32) -> Option<Self> {
        (number <= Self::LAST.0).then_some(Self(number))
    }

    /// Returns its number, from 0.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// Returns the limit below which the hashes of anchors are. It is halved once, then stays
    /// while the templates per anchor are halved, then it is halved again at each step.
    pub(super) fn limit(self) -> u64 {
        let halved = self.0.saturating_sub(HALVINGS).max(self.0.min(1));
        (u64::MAX / FIRST_KMERS_PER_ANCHOR).checked_shr(halved).unwrap_or(0)
    }

    /// Returns the most templates that are kept of those with the same lowest anchor.
    pub(super) fn most(self) -> u64 {
        match self.0 {
            0 | 1 => u64::MAX,
            step => DEEP_ENOUGH << (HALVINGS + 1).saturating_sub(step),
        }
    }

    /// Returns the bases that a sample counts for, if it has this many. With many anchors, these take
    /// more memory than the bases.
    pub(super) fn cost(self, bases: u64) -> u64 {
        if self.0 == 0 { 2 * bases } else { bases }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_keeps_less_and_the_last_nothing() {
        let mut step = Step::default();
        let first = u64::MAX / FIRST_KMERS_PER_ANCHOR;
        assert_eq!((step.limit(), step.most()), (first, u64::MAX));
        let mut seen = Vec::new();
        while step != Step::LAST {
            let next = step.next();
            assert!(next.limit() <= step.limit() && next.most() <= step.most());
            assert!(
                (next.limit(), next.most()) != (step.limit(), step.most()) || next.limit() == 0
            );
            step = next;
            seen.push((step.limit(), step.most()));
        }
        let deep = [16, 8, 4, 2, 1].map(|times| (first / 2, DEEP_ENOUGH * times));
        assert_eq!(seen[0], (first / 2, u64::MAX));
        assert_eq!(seen[1..6], deep);
        assert_eq!(seen[6], (first / 4, DEEP_ENOUGH));
        assert_eq!(step.limit(), 0);
        assert_eq!(Step::of(step.number()), Some(step));
        assert_eq!(Step::of(step.number() + 1), None);
    }
}
