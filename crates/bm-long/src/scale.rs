//! How the reported probabilities of a run relate to errors, as its k-mers show.

use crate::Support;

/// Fewest reads with support. Fewer say nothing about the run.
const FEWEST_READS: usize = 30;

/// Variance of ln(error rate) by the reported probabilities before a run is seen, and its least
/// value; beside that by the chance of few errors.
const PRIOR_NOISE: f64 = 0.02;
const LEAST_NOISE: f64 = 0.01;

/// Reads that slope, shift and noise before a run is seen are worth, where a read weighs the
/// inverse of its variance times that of a usual one.
const PRIOR_READS: f64 = 20.0;
const USUAL_VARIANCE: f64 = 0.1;

/// Steepest slope.
const STEEPEST: f64 = 1.25;

/// What a run says of its reported error probabilities. By default nothing: the rate of a read is
/// the reported one.
///
/// ln(error rate) is normal about `centre + shift + slope × (ln reported − centre)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Mean of ln(reported error rate) over the reads.
    pub centre: f64,
    /// ln(error rate by k-mers / reported error rate) there.
    pub shift: f64,
    /// Slope: 1 where the reported rates rank the reads well, 0 where they say nothing.
    pub slope: f64,
    /// Variance of ln(error rate) about the line, without that of small numbers of errors.
    pub noise: f64,
    /// Fraction of the reads that have support; 0 if too few of them have, and nothing was learned.
    pub share: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Self { centre: 0.0, shift: 0.0, slope: 1.0, noise: PRIOR_NOISE, share: 0.0 }
    }
}

impl Scale {
    /// Returns the scale of a run from the support of some of its reads, chosen without regard to
    /// what they are like: a thousand are enough. Their order does not matter.
    ///
    /// Where too few of the reads have support, it is the default.
    pub fn fit(supports: &[Support]) -> Self {
        let mut enough: Vec<Support> =
            supports.iter().copied().filter(Support::is_enough).collect();
        if enough.len() < FEWEST_READS {
            return Self::default();
        }
        // A sum of fractions depends on their order in the last digit.
        enough.sort_unstable_by(|a, b| {
            let key = |it: &Support| (it.bases, it.tested, it.supported);
            key(a)
                .cmp(&key(b))
                .then(a.reported.total_cmp(&b.reported))
                .then(a.depth.total_cmp(&b.depth))
        });
        let points: Vec<Point> = enough.iter().map(Point::of).collect();
        let sum = |value: &dyn Fn(&Point) -> f64| -> f64 {
            points.iter().map(|point| point.weight * value(point)).sum()
        };
        let total = sum(&|_| 1.0);
        let (centre, level) = (sum(&|it| it.x) / total, sum(&|it| it.y) / total);
        let reads = total * USUAL_VARIANCE;
        // As if further reads lay on the line of slope 1, one from the centre.
        let prior = PRIOR_READS;
        let slope = (sum(&|it| (it.x - centre) * (it.y - level)) + prior)
            / (sum(&|it| (it.x - centre).powi(2)) + prior);
        let slope = slope.clamp(0.0, STEEPEST);
        let shift = (level - centre) * reads / (reads + PRIOR_READS);
        let rest =
            |it: &Point| (it.y - centre - shift - slope * (it.x - centre)).powi(2) - it.variance;
        let noise =
            (reads * sum(&rest) / total + PRIOR_READS * PRIOR_NOISE) / (reads + PRIOR_READS);
        let share = enough.len() as f64 / supports.len() as f64;
        Self { centre, shift, slope, noise: noise.max(LEAST_NOISE), share }
    }

    /// Returns the error rate of a read by its reported probabilities and the number of its
    /// supported k-mers: the mean of both on the scale of logarithms, by their precisions (Fay &
    /// Herriot 1979, JASA 74:269).
    ///
    /// A read without support has the reported rate, corrected by what the run says to the degree
    /// that its other reads have support.
    ///
    /// **Units** errors per base.
    pub fn error_rate(&self, support: &Support) -> f64 {
        let reported = support.reported.max(f64::MIN_POSITIVE).ln();
        if self.share <= 0.0 {
            return reported.exp();
        }
        let prior = self.centre + self.shift + self.slope * (reported - self.centre);
        if !support.is_enough() {
            return (reported + self.share * (prior - reported)).exp();
        }
        let (of_kmers, by_chance) = support.variances();
        let (precision, prior_precision) = (1.0 / of_kmers, 1.0 / (self.noise + by_chance));
        let by_kmers = support.rate_by_kmers().max(f64::MIN_POSITIVE).ln();
        ((prior * prior_precision + by_kmers * precision) / (prior_precision + precision)).exp()
    }
}

/// A read in the regression of ln(rate by k-mers) on ln(reported rate).
#[derive(Clone, Copy, Debug)]
struct Point {
    x: f64,
    y: f64,
    /// Variance of y − x that does not depend on the run.
    variance: f64,
    weight: f64,
}

impl Point {
    fn of(support: &Support) -> Self {
        let (of_kmers, by_chance) = support.variances();
        let ln = |rate: f64| rate.max(f64::MIN_POSITIVE).ln();
        Self {
            x: ln(support.reported),
            y: ln(support.rate_by_kmers()),
            variance: of_kmers + by_chance,
            weight: 1.0 / (of_kmers + by_chance + PRIOR_NOISE),
        }
    }
}
