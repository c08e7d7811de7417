//! How many reads of the run a labelled read represents.
//!
//! A read is labelled only if one of its k-mers without errors was picked as an anchor, so reads
//! with many errors are labelled less often. Let f be the fraction of k-mers that are picked and n
//! the number of k-mers of the read. A read without errors is labelled with probability
//! 1 − (1 − f)^n; a read with c k-mers without errors, with 1 − (1 − f)^c. The quotient is the
//! weight of the latter, as in the estimator of Horvitz & Thompson 1952.

use crate::anchors::K;
use crate::labels::Label;

/// Highest weight: a read with a higher one would dominate the estimates.
const MOST: f64 = 10.0;

/// Returns the weight of a read with these labels, if one in `kmers_per_anchor` k-mers is an
/// anchor.
pub(crate) fn read_weight(labels: &[Label], kmers_per_anchor: f64) -> f64 {
    let kmers = (labels.len() + 1).saturating_sub(K);
    let (mut clean, mut run) = (0, 0);
    for label in labels {
        run = if *label == Label::Wrong { 0 } else { run + 1 };
        clean += usize::from(run >= K);
    }
    let missed = 1.0 - 1.0 / kmers_per_anchor;
    let seen = |kmers: usize| 1.0 - missed.powi(kmers as i32);
    if clean == 0 { MOST.min(kmers.max(1) as f64) } else { (seen(kmers) / seen(clean)).min(MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(length: usize, wrong: &[usize]) -> Vec<Label> {
        (0..length)
            .map(|at| if wrong.contains(&at) { Label::Wrong } else { Label::Right })
            .collect()
    }

    #[test]
    fn reads_without_errors_have_weight_1() {
        for length in [0, 1, 19, 20, 150] {
            assert!((read_weight(&labels(length, &[]), 4.0) - 1.0).abs() < 1e-12, "{length}");
        }
    }

    #[test]
    fn the_fewer_kmers_are_without_errors_the_higher_the_weight() {
        // An error in the middle affects 20 of 131 k-mers. If anchors are rare, the weight is the
        // quotient of the numbers of k-mers.
        assert!((read_weight(&labels(150, &[75]), 1e6) - 131.0 / 111.0).abs() < 1e-3);
        // If anchors are frequent, hardly any read is missed.
        assert!(read_weight(&labels(150, &[75]), 4.0) < 1.0 + 1e-9);
        let many: Vec<_> = (0..150).step_by(21).collect();
        let more: Vec<_> = (0..150).step_by(10).collect();
        assert!(
            read_weight(&labels(150, &many), 4.0) > 1.0
                && read_weight(&labels(150, &many), 100.0) > 5.0
        );
        assert!(read_weight(&labels(150, &more), 4.0) <= MOST);
    }
}
