//! A called allele, with what the fragments show of it.

use std::fmt;

/// A called allele.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Index of the reference sequence.
    pub sequence: usize,
    /// 0-based position of the first base of [`Variant::reference`].
    pub place: usize,
    /// Bases of the reference; a gap has the base before it.
    pub reference: Vec<u8>,
    /// Bases of the allele.
    pub alternative: Vec<u8>,
    /// 10 log10 of the Bayes factor over errors alone.
    pub quality: f64,
    /// Fraction of the fragments that have the allele, without errors.
    pub fraction: f64,
    /// Fragments at the site.
    pub depth: u32,
    /// Fragments with the base of the reference, by strand.
    pub with_reference: [u32; 2],
    /// Fragments with the allele, by strand.
    pub with_alternative: [u32; 2],
    /// Fragments with the allele that errors alone make expect.
    pub expected: f64,
    /// -10 log10 of the probability that strands differ as much by chance (Fisher's exact test).
    pub strand_bias: f64,
    /// -10 log10 of the probability that the allele is so often near ends and gaps of alignments by chance
    /// (Fisher's exact test).
    pub place_bias: f64,
    /// Fragments with the allele that have it near an end of the alignment or a gap.
    pub near_end: u32,
    /// Length of the run of equal bases behind the position.
    pub run: usize,
    /// The genotype, if it is wanted.
    pub genotype: Option<Genotype>,
    /// Why the call is doubted; none if it is not.
    pub filters: Vec<Filter>,
}

/// A genotype: copies with the allele, of all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Genotype {
    /// Copies with the allele.
    pub copies: u8,
    /// All copies, 1 or 2.
    pub ploidy: u8,
    /// -10 log10 of the probability of any other genotype, at most 99.
    pub quality: u8,
}

/// Why a call is doubted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Filter {
    /// The quality is low.
    LowQuality,
    /// Few fragments cover the site.
    LowDepth,
    /// The fragments with the allele are of one strand, unlike the others.
    StrandBias,
    /// The allele is near ends and gaps of alignments, unlike the base of the reference.
    PlaceBias,
    /// A gap is close, with at least as many fragments; for a gap, with four times as many. The difference
    /// may be its shadow.
    NearGap,
}

impl Filter {
    /// All filters.
    pub const ALL: [Self; 5] =
        [Self::LowQuality, Self::LowDepth, Self::StrandBias, Self::PlaceBias, Self::NearGap];

    /// Returns the name in VCF.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LowQuality => "low_quality",
            Self::LowDepth => "low_depth",
            Self::StrandBias => "strand_bias",
            Self::PlaceBias => "place_bias",
            Self::NearGap => "near_gap",
        }
    }

    /// Returns what it means, in a sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::LowQuality => "QUAL is below --min-qual",
            Self::LowDepth => "Fewer fragments than --min-depth cover the site",
            Self::StrandBias => {
                "The fragments with the allele are of one strand, unlike the others"
            }
            Self::PlaceBias => {
                "The allele is near ends or gaps of alignments, unlike the base of the reference"
            }
            Self::NearGap => {
                "An insertion or deletion with as many fragments (for a gap, four times as many) is within 10 bases"
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Variant {
    /// Returns whether the allele is an insertion or a deletion.
    pub fn is_gap(&self) -> bool {
        self.reference.len() != self.alternative.len()
    }

    /// Returns the number of fragments with the allele.
    pub fn found(&self) -> u32 {
        self.with_alternative.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
