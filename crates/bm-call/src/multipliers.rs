//! How much the error rate of a place differs from what its bases make expect.
//!
//! Errors are not independent: some places of a genome have many, on one strand or on both. The expected
//! errors E of an allele at a place, on one strand, are multiplied by a factor that is drawn from a
//! distribution over a grid. The distribution is learned from all places, together with the fraction of
//! places that have a variant, by expectation and maximisation: a mixing distribution without a form
//! (Laird 1978).

/// Number of values of the factor.
const FACTORS: usize = 13;

/// Smallest value of the factor, as a power of two; the others follow in steps of two.
const SMALLEST: i32 = -4;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 25;

/// Fraction of alleles that are variants, at the start.
const VARIANTS: f64 = 1e-3;

/// Least weight of factor 1: a place without precedent is possible. Those of other factors fall with their
/// squares.
const LEAST: f64 = 1e-5;

/// Errors of one allele at one place on one strand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// Fragments with the allele.
    pub(crate) found: f64,
    /// Expected fragments with it, if it is an error.
    pub(crate) expected: f64,
}

/// A distribution of factors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Multipliers([f64; FACTORS]);

impl Default for Multipliers {
    /// Returns a distribution with nearly all weight between 1/2 and 2.
    fn default() -> Self {
        let mut weights = std::array::from_fn(|at| {
            let distance = factor(at).log2();
            (-distance * distance / 2.0).exp().max(least(factor(at)))
        });
        normalise(&mut weights);
        Self(weights)
    }
}

/// Returns a value of the factor.
fn factor(at: usize) -> f64 {
    2f64.powi(SMALLEST + at as i32)
}

/// Returns the least weight of a factor.
fn least(factor: f64) -> f64 {
    LEAST / factor.max(1.0).powi(2)
}

/// Returns the logarithms of the probability of a cell under each factor, over that under factor 1, as
/// Poisson counts have it.
fn log_ratios(cell: Cell) -> [f64; FACTORS] {
    std::array::from_fn(|at| cell.found * factor(at).ln() - (factor(at) - 1.0) * cell.expected)
}

impl Multipliers {
    /// Returns the logarithm of the probability of a cell over that under factor 1.
    pub(crate) fn log_ratio(&self, cell: Cell) -> f64 {
        let logs = log_ratios(cell);
        let terms: [f64; FACTORS] = std::array::from_fn(|at| self.0[at].ln() + logs[at]);
        let highest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        highest + terms.iter().map(|term| (term - highest).exp()).sum::<f64>().ln()
    }

    /// Returns the distribution under which alleles have their cells, one for each strand, or are variants:
    /// with the logarithm of the probability as variants, over that under factor 1.
    pub(crate) fn learn(alleles: &[([Cell; 2], f64)]) -> Self {
        let mut learned = Self::default();
        let mut variants = VARIANTS;
        let prepared: Vec<Prepared> = alleles
            .iter()
            // Of a strand with nothing expected and nothing found, nothing is learned.
            .filter(|(cells, _)| cells.iter().any(|cell| cell.expected > 1e-6))
            .map(|(cells, variant)| Prepared::new(*cells, *variant))
            .collect();
        if prepared.is_empty() {
            return learned;
        }
        for _ in 0..ROUNDS {
            let mut sums = [0.0; FACTORS];
            let mut of_variants = 0.0;
            for Prepared { strands, variant } in &prepared {
                let of_strand = strands.map(|ratios| dot(&ratios, &learned.0).max(1e-300));
                let errors = (1.0 - variants) * of_strand[0] * of_strand[1];
                let is_error = errors / (errors + variants * variant);
                of_variants += 1.0 - is_error;
                for (ratios, total) in strands.iter().zip(of_strand) {
                    for (sum, (ratio, weight)) in sums.iter_mut().zip(ratios.iter().zip(&learned.0))
                    {
                        *sum += is_error * weight * ratio / total;
                    }
                }
            }
            normalise(&mut sums);
            for (at, weight) in sums.iter_mut().enumerate() {
                *weight = weight.max(least(factor(at)));
            }
            normalise(&mut sums);
            learned = Self(sums);
            variants = (of_variants / prepared.len() as f64).clamp(1e-7, 0.1);
        }
        learned
    }

    /// Returns the factors with their weights.
    #[cfg(test)]
    fn weights(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.iter().enumerate().map(|(at, weight)| (factor(at), *weight))
    }
}

/// An allele to learn from.
struct Prepared {
    /// For each strand, the probability of its cell under each factor, over the highest of them.
    strands: [[f64; FACTORS]; 2],
    /// The probability as a variant, over the product of the two highest ones.
    variant: f64,
}

impl Prepared {
    fn new(cells: [Cell; 2], variant: f64) -> Self {
        let logs = cells.map(log_ratios);
        let highest = logs.map(|logs| logs.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let scaled = |strand: usize| logs[strand].map(|log| (log - highest[strand]).exp());
        let variant = (variant - highest[0] - highest[1]).min(600.0).exp();
        Self { strands: [scaled(0), scaled(1)], variant }
    }
}

fn dot(a: &[f64; FACTORS], b: &[f64; FACTORS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn normalise(weights: &mut [f64; FACTORS]) {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 && sum.is_finite() {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(found: f64, expected: f64) -> Cell {
        Cell { found, expected }
    }

    #[test]
    fn places_with_many_errors_give_weight_to_high_factors() {
        let even = |found| ([cell(found, 1.0); 2], -50.0);
        let quiet: Vec<_> = (0..3000).map(|at| even(f64::from(at % 3))).collect();
        let mut noisy = quiet.clone();
        noisy.extend((0..300).map(|_| ([cell(9.0, 1.0), cell(1.0, 1.0)], -50.0)));
        let high = |alleles: &[_]| {
            let learned = Multipliers::learn(alleles);
            learned.weights().filter(|(factor, _)| *factor >= 4.0).map(|(_, it)| it).sum::<f64>()
        };
        assert!(high(&quiet) < 0.001, "{}", high(&quiet));
        assert!((0.03..0.06).contains(&high(&noisy)), "{}", high(&noisy));
    }

    #[test]
    fn variants_do_not_teach() {
        let mut alleles = vec![([cell(1.0, 1.0); 2], -50.0); 3000];
        alleles.extend(vec![([cell(30.0, 1.0); 2], 250.0); 10]);
        let learned = Multipliers::learn(&alleles);
        let high =
            learned.weights().filter(|(factor, _)| *factor > 8.0).map(|(_, it)| it).sum::<f64>();
        assert!(high < 1e-3, "{high}");
    }

    #[test]
    fn the_ratio_of_a_cell_is_an_average() {
        let sure = Multipliers(std::array::from_fn(|at| f64::from(u8::from(at == 4))));
        assert!(sure.log_ratio(cell(7.0, 0.1)).abs() < 1e-9);
        let learned = Multipliers::default();
        assert!(learned.log_ratio(cell(9.0, 1.0)) > 1.0);
    }
}
