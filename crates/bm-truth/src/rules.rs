//! The rules: which bases are compared, and which differences are variants and not errors.

/// The rules of the comparison with a reference. [`Rules::default`] is for short reads,
/// [`Rules::long`] for reads whose errors are mostly indels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Maximum length of a soft clip that is compared with the reference, if it matches there without
    /// gaps.
    pub longest_clip: usize,
    /// Minimum mapping quality of the alignments that variants are found from.
    pub lowest_mapq: u8,
    /// Whether a deletion or insertion in few reads can be a variant, as another base in few reads
    /// always can.
    pub minor_indels: bool,
}

impl Rules {
    /// Maximum fraction of a clip that may differ if the clip is compared. Random bases differ in 75 %.
    pub(crate) const CLIP_MISMATCHES: f64 = 0.45;
    /// Minimum depth for [`Rules::FRACTION`].
    pub(crate) const DEPTH: u32 = 8;
    /// Minimum fraction of differing reads at a variant.
    pub(crate) const FRACTION: f64 = 0.30;
    /// Minimum fraction of the good bases that have one other base, at a minor variant.
    pub(crate) const MINOR_FRACTION: f64 = 0.05;
    /// The same for a deletion or insertion, which has no quality score.
    pub(crate) const MINOR_INDEL_FRACTION: f64 = 0.10;
    /// Minimum quality of a good base, however low the median of its read is.
    pub(crate) const GOOD_SCORE: u8 = 15;
    /// Minimum number of reads with a minor variant.
    pub(crate) const MINOR_SUPPORT: u32 = 3;

    /// Returns the rules for long reads with many indels. Clips stay clipped, because bases after an
    /// indel do not match without gaps. The same indel in few reads is not a variant, because these
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
