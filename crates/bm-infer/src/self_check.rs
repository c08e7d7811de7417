//! Compares two sessions of one model.

use crate::{InferError, SequenceSession, SequencesRef, Session, TensorRef};

/// How much the outputs of two engines may differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Maximum difference of two probabilities; of outputs that are none, as a fraction of the largest one.
    pub max_difference: f32,
    /// A probability closer to 0.5 than this may be on the other side of 0.5.
    pub undecided: f32,
    /// Maximum difference of the sums of all probabilities, as a fraction of the sum.
    ///
    /// Most probabilities of errors are smaller than `max_difference`, and the expected errors of a
    /// read are the sum of many.
    pub max_drift: f32,
}

/// Bounds for an engine that computes in half precision.
pub const HALF_PRECISION: Bounds =
    Bounds { max_difference: 5e-3, undecided: 5e-3, max_drift: 5e-3 };

/// How two sessions compare on the same input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Maximum difference of two outputs, as a fraction of the reference's largest output where that is above
    /// 1: probabilities differ as they are.
    pub max_difference: f32,
    /// Of all outputs on the other side of 0.5 than the reference, the maximum distance of the
    /// reference from 0.5; 0 if there is none.
    pub worst_flip: f32,
    /// Difference of the sums of all outputs, as a fraction of the sum of the reference's sizes.
    pub drift: f32,
    /// Number of rows compared.
    pub rows: usize,
}

impl Agreement {
    /// Returns how two sessions compare on `rows` fixed rows of numbers between 0 and 1, the range of
    /// encoded reads.
    ///
    /// # Errors
    ///
    /// If either session fails.
    pub fn of(
        session: &mut dyn Session,
        reference: &mut dyn Session,
        rows: usize,
    ) -> Result<Self, InferError> {
        let features = session.signature().features;
        let values = rows_between_0_and_1(rows, features);
        let input = TensorRef::new([rows, features], &values)?;
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        session.run(input, &mut found)?;
        reference.run(input, &mut expected)?;
        Ok(Self::between(&found, &expected, rows))
    }

    /// Returns how two sessions for sequences compare on fixed sequences of `positions` positions in
    /// total: random codes in lengths from one position to a quarter of all.
    ///
    /// # Errors
    ///
    /// If either session fails.
    pub fn of_sequences(
        session: &mut dyn SequenceSession,
        reference: &mut dyn SequenceSession,
        positions: usize,
    ) -> Result<Self, InferError> {
        let (mut next, codes) = (numbers(), session.alphabet().codes());
        let codes: Vec<u16> = (0..positions)
            .map(|_| ((next() * codes as f32) as usize).min(codes - 1) as u16)
            .collect();
        let mut lengths = Vec::new();
        let mut rest = positions;
        while rest > 0 {
            // Short and long ones alike: the logarithm of the length is uniform.
            let length = (positions as f32 / 4.0).max(1.0).powf(next()) as usize;
            lengths.push(length.clamp(1, rest));
            rest -= length.clamp(1, rest);
        }
        let input = SequencesRef::new(&codes, &lengths)?;
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        session.run(input, &mut found)?;
        reference.run(input, &mut expected)?;
        Ok(Self::between(&found, &expected, positions))
    }

    fn between(found: &[f32], expected: &[f32], rows: usize) -> Self {
        let largest = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
        let scaled = |values: &[f32]| values.iter().map(|it| it / largest).collect::<Vec<_>>();
        let (found, expected) = (scaled(found), scaled(expected));
        let pairs = || found.iter().zip(&expected);
        let sum = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>();
        let (ours, theirs) = (sum(&found), sum(&expected));
        let size = expected.iter().map(|value| f64::from(value.abs())).sum::<f64>();
        Self {
            drift: if ours == theirs { 0.0 } else { ((ours - theirs) / size).abs() as f32 },
            max_difference: pairs().map(|(f, e)| (f - e).abs()).fold(0.0, f32::max),
            worst_flip: pairs()
                .filter(|(f, e)| (**f >= 0.5) != (**e >= 0.5))
                .map(|(_, e)| (e - 0.5).abs())
                .fold(0.0, f32::max),
            rows,
        }
    }

    /// Checks the agreement against bounds.
    ///
    /// # Errors
    ///
    /// A message with what differs and by how much.
    pub fn require(&self, bounds: &Bounds) -> Result<(), String> {
        if self.max_difference > bounds.max_difference {
            return Err(format!(
                "the maximum difference from the CPU over {} rows is {:.1e}, expected at most {:.1e}",
                self.rows, self.max_difference, bounds.max_difference
            ));
        }
        if self.worst_flip >= bounds.undecided {
            return Err(format!(
                "a verdict differs from the CPU, whose probability is {:.4} away from 0.5, expected less than {:.4}",
                self.worst_flip, bounds.undecided
            ));
        }
        if self.drift > bounds.max_drift {
            return Err(format!(
                "the sum of the probabilities of {} rows differs from that of the CPU by {:.1} %, \
                 expected at most {:.1} %",
                self.rows,
                100.0 * self.drift,
                100.0 * bounds.max_drift
            ));
        }
        Ok(())
    }
}

/// Returns rows whose level rises from the first to the last, so that a classifier of qualities
/// returns both classes.
fn rows_between_0_and_1(rows: usize, features: usize) -> Vec<f32> {
    let mut next = numbers();
    (0..rows * features)
        .map(|i| (0.6 * next() + 0.4 * (i / features) as f32 / rows as f32).min(1.0))
        .collect()
}

/// Returns a source of numbers from 0 to 1, the same on every system.
fn numbers() -> impl FnMut() -> f32 {
    // A linear congruential generator (Knuth, MMIX).
    let mut state = 0x5eed_u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_flips_are_refused() {
        let compare = |found: &[f32], expected: &[f32]| {
            Agreement::between(found, expected, found.len()).require(&HALF_PRECISION)
        };
        assert_eq!(compare(&[0.1, 0.9], &[0.1, 0.9]), Ok(()));
        assert_eq!(compare(&[0.499, 0.5], &[0.501, 0.5]), Ok(()));
        assert!(compare(&[0.1, 0.9], &[0.1, 0.88]).is_err_and(|reason| reason.contains("2.0e-2")));
        assert!(compare(&[1e-3; 99], &[1.1e-3; 99]).is_err_and(|it| it.contains("by 9.1 %")));
        // Outputs that are no probabilities differ by fractions of the largest one.
        assert_eq!(compare(&[-400.0, 0.3], &[-401.0, 0.7]), Ok(()));
        assert!(compare(&[-400.0, 0.3], &[-404.0, 0.3]).is_err());
        let strict = Bounds { max_difference: 1.0, undecided: 5e-3, max_drift: 1.0 };
        let flip = Agreement::between(&[0.4], &[0.51], 1);
        assert!(
            flip.require(&strict).is_err_and(|reason| reason.contains("0.0100 away")),
            "{flip:?}"
        );
    }

    #[test]
    fn rows_are_in_range_and_their_level_rises() {
        let rows = rows_between_0_and_1(64, 300);
        assert!(rows.iter().all(|value| (0.0..=1.0).contains(value)));
        let level = |row: usize| rows[row * 300..(row + 1) * 300].iter().sum::<f32>() / 300.0;
        assert!(level(63) - level(0) > 0.3);
    }
}
