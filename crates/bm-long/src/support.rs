//! What the k-mers of a run say of a whole read.

/// Errors per error that breaks k-mers as if it stood alone. Errors lie together, and a deletion of
/// five bases breaks no more k-mers than that of one. Measured on six runs, R9 and R10
/// (`research/long-reads`): the same within a tenth.
pub(crate) const UNSEEN: f64 = 2.27;

/// Fewest k-mers, and smallest fraction of the bases, that are tested in a read with support, if
/// all k-mers were looked up; and the fewest in any case.
const FEWEST_TESTED: f64 = 100.0;
const LEAST_TESTED: f64 = 0.25;
const FEWEST: f64 = 20.0;

/// Variances of ln(error rate): a part that stays, one of a single error that breaks k-mers, and
/// one for depth 1, which falls with the square of the depth.
const NOISE: f64 = 0.01;
const PER_ERROR: f64 = 0.8;
const BY_DEPTH: f64 = 25.0;

/// How the k-mers of a run support a read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Support {
    /// Number of bases of the read.
    pub bases: usize,
    /// Mean error probability of its bases as given, before k-mers are looked at; at least 1e-10.
    pub reported: f64,
    /// Length of the k-mers.
    pub k: usize,
    /// Fraction of the k-mers that were looked up: a half, or less if not all k-mers of the run
    /// were counted.
    pub fraction: f64,
    /// Number of k-mers that other reads should have if they are right.
    pub tested: usize,
    /// Number of these that other reads have.
    pub supported: usize,
    /// Mean number of times that the run has the k-mers there; 0 if none were tested. Some half of
    /// the number of reads, as the others have an error in the k-mer.
    pub depth: f64,
}

impl Support {
    /// Returns whether enough k-mers were tested to judge the read by them.
    pub fn is_enough(&self) -> bool {
        let least = (LEAST_TESTED * self.bases as f64).max(FEWEST_TESTED) * self.fraction;
        self.tested as f64 >= least.max(FEWEST)
    }

    /// Returns the fraction of the k-mers that could be tested, of those that were looked up: 0 to 1.
    pub fn evaluable(&self) -> f64 {
        let looked_up = (self.bases + 1).saturating_sub(self.k) as f64 * self.fraction;
        (self.tested as f64 / looked_up.max(1.0)).min(1.0)
    }

    /// Returns the error rate by the k-mers alone: −ln(supported / tested) / k, as a k-mer without
    /// errors has the probability (1 − e)^k, times a constant for errors that lie together. 0
    /// without k-mers.
    ///
    /// **Units** errors per base.
    pub fn rate_by_kmers(&self) -> f64 {
        let fraction = (self.supported as f64 + 0.5) / (self.tested as f64 + 1.0);
        if self.k == 0 { 0.0 } else { (UNSEEN * -fraction.ln() / self.k as f64).max(0.0) }
    }

    /// Returns the variances of ln(error rate) of a read with support: by its k-mers, and by its
    /// reported probabilities as far as the number of its errors is a matter of chance.
    pub(crate) fn variances(&self) -> (f64, f64) {
        let bases = self.bases as f64;
        let errors = (self.reported * self.rate_by_kmers()).sqrt() * bases / UNSEEN;
        let by_chance = PER_ERROR / errors.max(1.0);
        let by_depth = BY_DEPTH / self.depth.max(1.0).powi(2);
        // Of k-mers that overlap, a sample says as much as all.
        let tested = self.tested.max(1) as f64 / (bases * self.fraction).max(1.0);
        (NOISE + by_chance / tested + by_depth, by_chance)
    }
}
