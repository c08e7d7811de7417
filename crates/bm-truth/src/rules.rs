//! What is compared, and what counts as a variant and not as an error.

/// The rules. [`Rules::default`] is for short reads; [`Rules::long`] for reads whose errors are
/// mostly indels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// A soft clip of at most so many bases is compared with the reference if it still matches
    /// there without gaps.
    pub longest_clip: usize,
    /// Alignments of a lower mapping quality have no say about variants.
    pub lowest_mapq: u8,
    /// Whether a deletion or insertion in few reads can make a variant, as another base in few
    /// reads always can.
    pub minor_indels: bool,
}

impl Rules {
    /// Share of a clip's bases that may differ where it still matches. Random bases differ in 75 %.
    pub(crate) const CLIP_MISMATCHES: f64 = 0.45;
    /// Lowest depth at which shares are shares.
    pub(crate) const DEPTH: u32 = 8;
    /// Share of all that differs at a position that makes it a variant.
    pub(crate) const SHARE: f64 = 0.30;
    /// Share of the good bases that one other base must have to make a variant.
    pub(crate) const MINOR_SHARE: f64 = 0.05;
    /// The same for a deletion or insertion, which has no base quality of its own.
    pub(crate) const MINOR_INDEL_SHARE: f64 = 0.10;
    /// Quality that a good base has at least, however bad its read is.
    pub(crate) const GOOD_SCORE: u8 = 15;
    /// Reads that a minor variant needs at least.
    pub(crate) const MINOR_SUPPORT: u32 = 3;

    /// Returns the rules for long reads with many indels: clips stay clipped, as bases behind an
    /// indel do not match without gaps, and few reads with the same indel make no variant, as those
    /// errors recur.
    pub const fn long() -> Self {
        Self { longest_clip: 0, lowest_mapq: 20, minor_indels: false }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { longest_clip: 60, lowest_mapq: 20, minor_indels: true }
    }
}
