//! Which alleles are called, and when a call has a filter.

/// Settings of the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Lowest mapping quality of alignments that count.
    pub min_mapq: u8,
    /// Lowest number of fragments at a site.
    pub min_depth: u32,
    /// Lowest fraction of the fragments that have the allele.
    pub min_fraction: f64,
    /// Lowest quality of a call without the filter `low_quality`.
    pub min_quality: f64,
    /// Lowest quality of an allele that is written at all.
    pub written_quality: f64,
    /// Copies of the genome, 1 or 2, if genotypes are wanted.
    pub ploidy: Option<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_mapq: 20,
            min_depth: 10,
            min_fraction: 0.01,
            min_quality: 30.0,
            written_quality: 5.0,
            ploidy: None,
        }
    }
}
