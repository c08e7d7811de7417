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
    pub const COUNT: usize = BOTH_SIDES as usize + Side::COUNT * Side::COUNT;
    /// Version of the kinds. Weights and experience hold for one version.
    pub const VERSION: u32 = 1;

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
        Self(BOTH_SIDES + more * Side::COUNT as u16 + less)
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
const GAP: u16 = CONTRADICTED + 2 * RATIOS.len() as u16;
const DEAD_END: u16 = GAP + 1;

/// Bins of the count of the other base where only this read has its own base: from 2, 3, 4, 6, 12,
/// 32 on.
const DEPTHS: [u32; 6] = [2, 3, 4, 6, 12, 32];

/// Bins of how many times as frequent the other base is: below 4, below 16, more.
const RATIOS: [u32; 3] = [1, 4, 16];

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
