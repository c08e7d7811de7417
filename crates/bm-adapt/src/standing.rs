//! How many reads of the run a labelled read stands for.
//!
//! A read is labelled only if one of its k-mers without errors was picked as an anchor: of reads
//! with many errors, fewer are. One whose k-mers are all without errors is labelled with a
//! probability of 1 − (1 − f)^n where f is the share of k-mers that are picked and n their number
//! in the read; one of which only c are, with 1 − (1 − f)^c. So the latter stands for the quotient
//! of the two, as in the estimator of Horvitz & Thompson 1952.

use crate::kmer::K;
use crate::labels::Label;

/// Most reads that one may stand for: beyond, its company would be made up of it alone.
const MOST: f64 = 10.0;

/// Returns how many reads a read with these labels stands for, if one in so many k-mers is an
/// anchor.
pub(crate) fn standing(labels: &[Label], kmers_an_anchor: f64) -> f64 {
    let kmers = (labels.len() + 1).saturating_sub(K);
    let (mut clean, mut run) = (0, 0);
    for label in labels {
        run = if *label == Label::Wrong { 0 } else { run + 1 };
        clean += usize::from(run >= K);
    }
    let missed = 1.0 - 1.0 / kmers_an_anchor;
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
    fn reads_without_errors_stand_for_themselves() {
        for length in [0, 1, 19, 20, 150] {
            assert!((standing(&labels(length, &[]), 4.0) - 1.0).abs() < 1e-12, "{length}");
        }
    }

    #[test]
    fn the_fewer_kmers_are_clean_the_more_reads_one_stands_for() {
        // An error in the middle spoils twenty of 131 k-mers: of few anchors, 131 reads are seen
        // for every 111.
        assert!((standing(&labels(150, &[75]), 1e6) - 131.0 / 111.0).abs() < 1e-3);
        // Of many anchors, hardly one is missed.
        assert!(standing(&labels(150, &[75]), 4.0) < 1.0 + 1e-9);
        let many: Vec<_> = (0..150).step_by(21).collect();
        let more: Vec<_> = (0..150).step_by(10).collect();
        assert!(
            standing(&labels(150, &many), 4.0) > 1.0 && standing(&labels(150, &many), 100.0) > 5.0
        );
        assert!(standing(&labels(150, &more), 4.0) <= MOST);
    }
}
