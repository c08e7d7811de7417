//! What the k-mers of a run can say of a base: the statements, by number.

/// What is said of a base: a number below [`BaseSupport::COUNT`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BaseSupport(pub(crate) u16);

/// Borders of counts: 2, 3, 4 to 5, 6 to 11, from 12 on.
const COUNTS: [u32; 5] = [2, 3, 4, 6, 12];

/// A count under this share of the read's is thin: the read goes where few others go.
const THIN: u32 = 8;

/// A base that others have more than so many times as often is a rarity among them.
pub(crate) const DOMINANT: u32 = 8;

/// Reads that make a base that is followed more than a coincidence.
const SEVERAL: u32 = 4;

/// Borders of the number of bases one of which is wrong.
const SUSPECTS: [usize; 5] = [1, 2, 4, 8, 16];

const TILES: u16 = 1;
const SUSPECTED: u16 = TILES + 2 * COUNTS.len() as u16;
const PAIRS: u16 = SUSPECTED + SUSPECTS.len() as u16;

impl BaseSupport {
    /// Nothing is said.
    pub const NONE: Self = Self(0);
    /// How many statements there are.
    pub const COUNT: usize = PAIRS as usize + Side::COUNT * Side::COUNT;
    /// Version of the statements: what was learned of them goes with it.
    pub const VERSION: u32 = 1;

    /// Returns the statement of that number, if there is one.
    pub fn new(number: u16) -> Option<Self> {
        (usize::from(number) < Self::COUNT).then_some(Self(number))
    }

    /// Returns its number.
    pub fn number(self) -> u16 {
        self.0
    }

    /// A k-mer with the base was seen so many times; `depth` is the read's own.
    pub(crate) fn seen(count: u32, depth: u32) -> Self {
        Self(TILES + strength(count, depth))
    }

    /// Nobody else has the k-mers with the base, and so many bases share the blame.
    pub(crate) fn suspected(bases: usize) -> Self {
        Self(SUSPECTED + bucket(&SUSPECTS, bases))
    }

    /// Both sides were asked at the base.
    pub(crate) fn of_sides(one: Side, other: Side) -> Self {
        let (more, less) = (one.0.max(other.0), one.0.min(other.0));
        if (SUPPORTED..FOLLOWED).contains(&more) {
            // Nobody contradicts it. Of two counts the smaller one is that of the base; where a
            // walk did not come, there is one.
            return Self(TILES + if less == 0 { more } else { less } - SUPPORTED);
        }
        Self(PAIRS + more * Side::COUNT as u16 + less)
    }

    /// Whether it contradicts the base: others have something else, or it is among those that nobody
    /// else has.
    ///
    /// All other statements say at most that the base is seen, and a place that is seen once must
    /// not be called wrong for that.
    pub fn contradicts(self) -> bool {
        (SUSPECTED..PAIRS).contains(&self.0) || self.0 > PAIRS
    }

    /// Whether anything is known of the base.
    pub fn is_known(self) -> bool {
        self != Self::NONE && self.0 != PAIRS
    }
}

/// What is said of a base by the k-mers to one of its sides.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Side(u16);

const SUPPORTED: u16 = 1;
const FOLLOWED: u16 = SUPPORTED + 2 * COUNTS.len() as u16;
const ALONE: u16 = FOLLOWED + 4;
const AGAINST: u16 = ALONE + DEPTHS.len() as u16;
const GAP: u16 = AGAINST + 2 * SHARES.len() as u16;
const DEAD_END: u16 = GAP + 1;

/// Borders of the count of the other base where only the read itself has its own: from 2, 3, 4, 6,
/// 12, 32 on.
const DEPTHS: [u32; 6] = [2, 3, 4, 6, 12, 32];

/// The other base is more frequent: less than 4 times, less than 16 times, more.
const SHARES: [u32; 3] = [1, 4, 16];

impl Side {
    const COUNT: usize = DEAD_END as usize + 1;

    /// Nothing is said.
    pub(crate) const NONE: Self = Self(0);
    /// The read lacks bases that others have here, or has some that they do not.
    pub(crate) const GAP: Self = Self(GAP);
    /// Neither this base nor another is known here.
    pub(crate) const DEAD_END: Self = Self(DEAD_END);

    /// Reads have the base, and hardly any has another.
    pub(crate) fn supported(own: u32, depth: u32) -> Self {
        Self(SUPPORTED + strength(own, depth))
    }

    /// More reads have another base, but those that have this one go on as the read does.
    pub(crate) fn followed(own: u32, other: u32) -> Self {
        Self(FOLLOWED + 2 * u16::from(DOMINANT * own < other) + u16::from(own >= SEVERAL))
    }

    /// More reads have another base, after which they go on as the read does.
    pub(crate) fn against(own: u32, other: u32) -> Self {
        if own < 2 {
            Self(ALONE + bucket(&DEPTHS, other))
        } else {
            Self(AGAINST + 2 * bucket(&SHARES, other / own) + u16::from(own > 2))
        }
    }
}

fn strength(count: u32, depth: u32) -> u16 {
    let thin = THIN * count < depth;
    bucket(&COUNTS, count) + COUNTS.len() as u16 * u16::from(thin)
}

/// Returns in which bucket a number is; below the first border, the first.
fn bucket<T: PartialOrd>(borders: &[T], number: T) -> u16 {
    borders[1..].iter().take_while(|border| number >= **border).count() as u16
}
