//! The largest difference of a model's predictions on two engines.

use bm_quality::{Prediction, QualityError, QualityModel};

use crate::reads::Reads;

/// Returns the largest difference of a probability, or of a read's expected errors per base.
///
/// # Errors
///
/// If an engine fails.
pub(crate) fn max_difference(
    model: &mut QualityModel,
    reference: &mut QualityModel,
    reads: &Reads,
    count: usize,
) -> Result<f32, QualityError> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    model.predict_into(reads.first(count), &mut ours)?;
    reference.predict_into(reads.first(count), &mut theirs)?;
    let pairs = ours.iter().zip(&theirs);
    Ok(pairs.map(|pair| difference(pair, reads.bases())).fold(0.0, larger))
}

fn difference(pair: (&Prediction, &Prediction), bases: usize) -> f32 {
    match pair {
        (Prediction::Scored(ours), Prediction::Scored(theirs)) => {
            let probability = (ours.probability.get() - theirs.probability.get()).abs();
            let errors = ours.expected_errors.zip(theirs.expected_errors);
            let rate = errors.map_or(0.0, |(ours, theirs)| (ours - theirs).abs() / bases as f32);
            larger(probability, rate)
        }
        (Prediction::Unscored(_), Prediction::Unscored(_)) => 0.0,
        _ => f32::MAX,
    }
}

/// Returns the larger difference; one that is no number is the largest, in a form that JSON has.
fn larger(most: f32, difference: f32) -> f32 {
    if difference.is_finite() { most.max(difference) } else { f32::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_is_no_number_is_the_largest() {
        assert_eq!([larger(0.5, 0.25), larger(0.5, 0.75)], [0.5, 0.75]);
        assert_eq!([f32::NAN, f32::INFINITY].map(|it| larger(0.5, it)), [f32::MAX; 2]);
    }
}
