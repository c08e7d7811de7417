//! Fisher's exact test of a table of two by two.

/// Returns -10 log10 of the probability of a table as unlikely as this one or less, if rows and columns do
/// not depend on each other; both sides (Fisher 1922). Of 0 to 999.
pub(crate) fn phred([[a, b], [c, d]]: [[u32; 2]; 2]) -> f64 {
    let [a, b, c, d] = [a, b, c, d].map(u64::from);
    let (row, column, all) = (a + b, a + c, a + b + c + d);
    let logs = LogFactorials::up_to(all);
    // ln P of the table with `x` in the first cell.
    let log = |x: u64| {
        logs.of(row) + logs.of(all - row) + logs.of(column) + logs.of(all - column)
            - logs.of(all)
            - logs.of(x)
            - logs.of(row - x)
            - logs.of(column - x)
            - logs.of(all + x - row - column)
    };
    let (least, most) = ((row + column).saturating_sub(all), row.min(column));
    let found = log(a) + 1e-7;
    let sum: f64 = (least..=most).map(log).filter(|it| *it <= found).map(f64::exp).sum();
    // Adding 0 takes the sign off -0.
    (-10.0 * sum.min(1.0).log10()).clamp(0.0, 999.0) + 0.0
}

/// Logarithms of factorials.
struct LogFactorials(Vec<f64>);

/// Factorials that are computed exactly; larger ones by Stirling's series.
const EXACT: u64 = 256;

impl LogFactorials {
    fn up_to(most: u64) -> Self {
        let mut sum = 0.0;
        let mut logs = vec![0.0];
        for number in 1..=most.min(EXACT) {
            sum += (number as f64).ln();
            logs.push(sum);
        }
        Self(logs)
    }

    fn of(&self, number: u64) -> f64 {
        let exact = usize::try_from(number).ok().and_then(|at| self.0.get(at));
        exact.copied().unwrap_or_else(|| {
            let n = number as f64;
            (n + 0.5) * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI).ln() + 1.0 / (12.0 * n)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(table: [[u32; 2]; 2]) -> f64 {
        10f64.powf(-phred(table) / 10.0)
    }

    #[test]
    fn probabilities_are_those_of_scipy() {
        // scipy.stats.fisher_exact of SciPy 1.10
        for (table, expected) in [
            ([[8, 2], [1, 5]], 0.034_965_034_965),
            ([[3, 1], [1, 3]], 0.485_714_285_714),
            ([[100, 90], [0, 12]], 0.000_347_742_2),
            ([[1000, 1100], [30, 0]], 2.739_32e-10),
        ] {
            let found = probability(table);
            assert!((found / expected - 1.0).abs() < 0.05, "{table:?}: {found} {expected}");
        }
        assert!(phred([[0, 0], [0, 0]]).abs() < 1e-9);
        assert!(
            [[[0, 0], [0, 0]], [[5, 5], [5, 5]]].map(phred).iter().all(|it| it.is_sign_positive())
        );
    }
}
