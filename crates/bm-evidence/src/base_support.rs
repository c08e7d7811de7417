//! The kinds of support that the k-mers of a run give a base, by number.

/// How the k-mers of a run support a base: a number below [`BaseSupport::COUNT`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BaseSupport(pub(crate) u16);

/// Bins of counts: 2, 3, 4 to 5, 6 to 11, 12 and more.
const COUNTS: [u32; 5] = [2, 3, 4, 6, 12];

/// A count is thin if this many times the count is below the depth of the read.
const THIN: u32 = 8;

/// A base is rare where another base is more than this many times as frequent.
pub(crate) const DOMINANT: u32 = 8;

/// Reads that make a rare base more than a coincidence.
const SEVERAL: u32 = 4;

/// Bins of the number of candidate bases, one of which is wrong.
const CANDIDATES: [usize; 5] = [1, 2, 4, 8, 16];

/// First number of each group.
const SEEN: u16 = 1;
const CANDIDATE: u16 = SEEN + 2 * COUNTS.len() as u16;
const BOTH_SIDES: u16 = CANDIDATE + CANDIDATES.len() as u16;

impl BaseSupport {
    /// No k-mer covers the base.
    pub const NONE: Self = Self(0);
    /// Number of kinds.
    pub const COUNT: usize = BOTH_SIDES as usize + Side::COUNT * (Side::COUNT + 1) / 2;
    /// Version of the kinds. Weights and experience hold for one version.
    pub const VERSION: u32 = 2;

    /// Returns the kind with this number; `None` from [`BaseSupport::COUNT`] on.
    pub fn new(number: u16) -> Option<Self> {
        (usize::from(number) < Self::COUNT).then_some(Self(number))
    }

    /// Returns the number of the kind.
    pub fn number(self) -> u16 {
        self.0
    }

    /// A k-mer with the base was seen `count` times; `depth` is that of the read.
    pub(crate) fn seen(count: u32, depth: u32) -> Self {
        Self(SEEN + strength(count, depth))
    }

    /// No other read has the k-mers with the base; one of `candidates` bases is wrong.
    pub(crate) fn candidate(candidates: usize) -> Self {
        Self(CANDIDATE + bin(&CANDIDATES, candidates))
    }

    /// Combines what the walks from both sides found at the base.
    pub(crate) fn of_sides(one: Side, other: Side) -> Self {
        let (more, less) = (one.0.max(other.0), one.0.min(other.0));
        if (SUPPORTED..FOLLOWED).contains(&more) {
            // Not contradicted. The smaller of two counts is that of the base; there is one count
            // where only one walk arrived.
            return Self(SEEN + if less == 0 { more } else { less } - SUPPORTED);
        }
        // Pairs without order: those of the lower sides come first.
        Self(BOTH_SIDES + more * (more + 1) / 2 + less)
    }

    /// Returns whether the base is contradicted: other reads have another base here, or the base is
    /// a candidate for the error in an unsupported k-mer.
    ///
    /// All other kinds say at most that the base was seen. They never raise the probability of an
    /// error: a place that was read once is not wrong for that reason.
    pub fn is_contradicted(self) -> bool {
        (CANDIDATE..BOTH_SIDES).contains(&self.0) || self.0 > BOTH_SIDES
    }

    /// Returns the support of a base that a cycle made which was not counted in any read. Most reads of
    /// the place may have it at this cycle: that few of them have the base, or none, says nothing.
    pub(crate) fn at_uncounted_cycle(self) -> Self {
        let bins = COUNTS.len() as u16;
        let is_dead_end = [Side::NONE, Side::DEAD_END]
            .into_iter()
            .any(|other| self == Self::of_sides(Side::DEAD_END, other));
        match self.0 {
            _ if is_dead_end => Self::NONE,
            number if (SEEN + bins..SEEN + 2 * bins).contains(&number) => Self(number - bins),
            _ => self,
        }
    }

    /// Returns whether most other reads have another base, and at most one in sixteen has this one: an
    /// error, or a rare difference. Gaps do not count.
    pub fn is_rare(self) -> bool {
        let Some(pair) = self.0.checked_sub(BOTH_SIDES) else { return false };
        // Pairs without order: `more` (`more` + 1) / 2 come before those of `more`.
        let more = (f32::from(pair) * 2.0 + 0.25).sqrt() - 0.5;
        (SINGLE..CONTRADICTED).contains(&(more as u16)) || (RARE..GAP).contains(&(more as u16))
    }

    /// Returns whether k-mers of other reads cover the base.
    pub fn is_covered(self) -> bool {
        self != Self::NONE && self.0 != BOTH_SIDES
    }
}

/// What a walk from one side found at a base.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Side(u16);

/// First number of each group.
const SUPPORTED: u16 = 1;
const FOLLOWED: u16 = SUPPORTED + 2 * COUNTS.len() as u16;
const SINGLE: u16 = FOLLOWED + 4;
const CONTRADICTED: u16 = SINGLE + DEPTHS.len() as u16;
/// The first of those where the other base is at least 16 times as frequent.
const RARE: u16 = CONTRADICTED + 2 * 3;
const GAP: u16 = CONTRADICTED + 2 * RATIOS.len() as u16;
const DEAD_END: u16 = GAP + 1;

/// Bins of the count of the other base where only this read has its own base: from 2, 3, 4, 6, 12,
/// 32 on.
const DEPTHS: [u32; 6] = [2, 3, 4, 6, 12, 32];

/// Bins of how many times as frequent the other base is, where several reads have the base.
///
/// Errors coincide: of D reads, about D ε / 3 have the same error at a place, if a fraction ε of the
/// bases is wrong. That is one read in several hundred to several thousand, at any depth. Reads that
/// are more than one in a hundred have a variant more often than an error, or an error that the
/// sequence provokes. So the fraction says more than the number of reads.
const RATIOS: [u32; 8] = [1, 4, 8, 16, 32, 64, 128, 256];

impl Side {
    const COUNT: usize = DEAD_END as usize + 1;

    /// The walk did not reach the base.
    pub(crate) const NONE: Self = Self(0);
    /// The read has a deletion or an insertion here.
    pub(crate) const GAP: Self = Self(GAP);
    /// No k-mer continues here, neither with this base nor with another.
    pub(crate) const DEAD_END: Self = Self(DEAD_END);

    /// Other reads have the base, and hardly any has another.
    pub(crate) fn supported(own: u32, depth: u32) -> Self {
        Self(SUPPORTED + strength(own, depth))
    }

    /// More reads have another base, but those with this base continue as the read does.
    pub(crate) fn followed(own: u32, other: u32) -> Self {
        Self(FOLLOWED + 2 * u16::from(DOMINANT * own < other) + u16::from(own >= SEVERAL))
    }

    /// More reads have another base, and they continue as the read does.
    pub(crate) fn contradicted(own: u32, other: u32) -> Self {
        if own < 2 {
            Self(SINGLE + bin(&DEPTHS, other))
        } else {
            Self(CONTRADICTED + 2 * bin(&RATIOS, other / own) + u16::from(own > 2))
        }
    }
}

fn strength(count: u32, depth: u32) -> u16 {
    let thin = THIN * count < depth;
    bin(&COUNTS, count) + COUNTS.len() as u16 * u16::from(thin)
}

/// Returns the bin of a number, given where bins begin; below the first border, the first.
fn bin<T: PartialOrd>(borders: &[T], number: T) -> u16 {
    borders[1..].iter().take_while(|border| number >= **border).count() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_sides_has_its_number() {
        let mut found = Vec::new();
        for more in 0..Side::COUNT as u16 {
            for less in 0..=more {
                let (one, other) = (Side(more), Side(less));
                assert_eq!(BaseSupport::of_sides(one, other), BaseSupport::of_sides(other, one));
                if !(SUPPORTED..FOLLOWED).contains(&more) {
                    found.push(BaseSupport::of_sides(one, other).number());
                }
            }
        }
        assert!(found.is_sorted_by(|low, high| low < high));
        assert_eq!(found.last().copied().map(usize::from), Some(BaseSupport::COUNT - 1));
    }

    #[test]
    fn a_base_is_rare_where_few_of_many_reads_have_it() {
        let of = |own, other| {
            let side = Side::contradicted(own, other);
            [Side::NONE, side, Side::supported(20, 20)].map(|one| BaseSupport::of_sides(one, side))
        };
        for (own, other) in [(1, 30), (1, 2), (2, 40), (4, 64), (40, 4_000)] {
            assert!(of(own, other).iter().all(|support| support.is_rare()), "{own} and {other}");
        }
        for (own, other) in [(2, 20), (30, 100), (300, 4_000)] {
            assert!(!of(own, other).iter().any(|support| support.is_rare()), "{own} and {other}");
        }
        for side in [Side::GAP, Side::DEAD_END, Side::followed(9, 30), Side::supported(3, 9)] {
            assert!(!BaseSupport::of_sides(side, Side::NONE).is_rare());
        }
        assert!(!BaseSupport::NONE.is_rare() && !BaseSupport::candidate(3).is_rare());
    }

    #[test]
    fn several_reads_with_a_base_count_by_their_fraction() {
        let side = |own, other| Side::contradicted(own, other);
        // At any depth.
        assert_eq!(side(5, 500), side(40, 4_000));
        assert!(side(20, 4_095) > side(80, 4_095) && side(80, 4_095) > side(200, 4_000));
        // A single read is of its own kind.
        assert!(side(1, 500) < side(2, 500) && side(2, 500) < side(3, 750));
    }
}
