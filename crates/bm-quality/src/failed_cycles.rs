//! Cycles of the instrument that failed in a run, and what is known of their bases.

use bm_reads::{Phred, PlacedRead};
use serde::{Deserialize, Deserializer, Serialize};

/// Cycles that a list may hold: more would be a run without reads.
const MOST_CYCLES: usize = 10_000;

/// A cycle that failed: its bases are wrong far more often than those beside it, and their
/// qualities, which the network looks at, do not say so.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct FailedCycle {
    /// 1, or 2 for the cycles of second mates.
    pub mate: u8,
    /// Number of the cycle in the read, from 1.
    pub cycle: usize,
    /// Fraction of its bases that are wrong.
    pub wrong: f32,
    /// The same for bases of one reported Phred score, in rising order of the scores.
    pub by_score: Vec<(u8, f32)>,
}

impl FailedCycle {
    /// Returns the error probability of a base of this cycle with this Phred score.
    pub fn probability(&self, score: u8) -> f32 {
        match self.by_score.binary_search_by_key(&score, |(score, _)| *score) {
            Ok(at) => self.by_score[at].1,
            Err(_) => self.wrong,
        }
    }
}

/// The failed cycles of a run, in the order of mates and cycles.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FailedCycles(Vec<FailedCycle>);

impl FailedCycles {
    /// Returns the list of these cycles.
    ///
    /// # Errors
    ///
    /// In words, if a number is out of its range, a cycle is given twice, or the order is another one.
    pub fn new(cycles: Vec<FailedCycle>) -> Result<Self, String> {
        let is_rate = |rate: f32| (0.0..=1.0).contains(&rate);
        for FailedCycle { mate, cycle, wrong, by_score } in &cycles {
            let is_right = matches!(mate, 1 | 2)
                && *cycle > 0
                && is_rate(*wrong)
                && by_score
                    .iter()
                    .all(|(score, rate)| Phred::new(*score).is_some() && is_rate(*rate))
                && by_score.is_sorted_by(|(one, _), (other, _)| one < other);
            if !is_right {
                return Err(format!(
                    "failed cycle {cycle} of mate {mate}: expected mate 1 or 2, cycles from 1, \
                     fractions from 0 to 1, and rising scores"
                ));
            }
        }
        let place = |cycle: &FailedCycle| (cycle.mate, cycle.cycle);
        if cycles.len() > MOST_CYCLES
            || !cycles.is_sorted_by(|one, other| place(one) < place(other))
        {
            return Err(format!(
                "{} failed cycles: expected at most {MOST_CYCLES}, rising",
                cycles.len()
            ));
        }
        Ok(Self(cycles))
    }

    /// Returns the list of a run in which no cycle failed.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns whether no cycle failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the cycles.
    pub fn iter(&self) -> impl Iterator<Item = &FailedCycle> {
        self.0.iter()
    }

    /// Replaces the error probabilities of the bases that failed cycles made by those of the cycles.
    ///
    /// **Shape** of `probabilities`: `[bases]`.
    pub fn apply(&self, placed: &PlacedRead<'_>, probabilities: &mut [f32]) {
        for (at, cycle) in self.of(placed) {
            let quality = placed.read.quality_scores.get(at);
            if let (Some(p), Some(quality)) = (probabilities.get_mut(at), quality) {
                *p = cycle.probability(Phred::from_byte(*quality).map_or(0, Phred::get));
            }
        }
    }

    /// Returns the failed cycles that made bases of a read, with the indices of these bases.
    pub fn of(&self, placed: &PlacedRead<'_>) -> impl Iterator<Item = (usize, &FailedCycle)> {
        let PlacedRead { read, mate, before } = *placed;
        self.0.iter().filter(move |cycle| cycle.mate == mate).filter_map(move |cycle| {
            let at = (cycle.cycle - 1).checked_sub(before)?;
            (at < read.len()).then_some((at, cycle))
        })
    }
}

impl<'de> Deserialize<'de> for FailedCycles {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(input)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadRef;

    use super::*;

    fn cycle(mate: u8, cycle: usize, wrong: f32) -> FailedCycle {
        FailedCycle { mate, cycle, wrong, by_score: vec![(2, 0.9), (37, 0.1)] }
    }

    #[test]
    fn bases_of_failed_cycles_have_the_rate_of_the_cycle_and_their_quality() {
        let cycles = FailedCycles::new(vec![cycle(1, 1, 0.3), cycle(1, 3, 0.4), cycle(2, 2, 0.5)])
            .expect("cycles in order");
        let read = ReadRef { name: b"r", sequence: b"ACGT", quality_scores: b"F#5F" };
        let of = |mate, before| {
            let mut probabilities = [0.01; 4];
            cycles.apply(&PlacedRead { read, mate, before }, &mut probabilities);
            probabilities
        };
        assert_eq!(of(1, 0), [0.1, 0.01, 0.4, 0.01]);
        assert_eq!(of(2, 0), [0.01, 0.9, 0.01, 0.01]);
        // The part begins at the second base of its read.
        assert_eq!(of(1, 1), [0.01, 0.9, 0.01, 0.01]);
        assert_eq!(of(1, 3), [0.01; 4]);
        let empty = PlacedRead::from(ReadRef { name: b"", sequence: b"", quality_scores: b"" });
        FailedCycles::apply(&cycles, &empty, &mut []);
    }

    #[test]
    fn lists_that_cannot_be_right_are_refused() {
        for wrong in [
            vec![cycle(0, 1, 0.3)],
            vec![cycle(3, 1, 0.3)],
            vec![cycle(1, 0, 0.3)],
            vec![cycle(1, 1, 1.3)],
            vec![cycle(1, 1, f32::NAN)],
            vec![FailedCycle { by_score: vec![(94, 0.1)], ..cycle(1, 1, 0.3) }],
            vec![FailedCycle { by_score: vec![(9, 0.1), (9, 0.2)], ..cycle(1, 1, 0.3) }],
            vec![cycle(1, 2, 0.3), cycle(1, 2, 0.3)],
            vec![cycle(2, 1, 0.3), cycle(1, 2, 0.3)],
        ] {
            assert!(FailedCycles::new(wrong.clone()).is_err(), "{wrong:?}");
            let text = serde_json::to_string(&wrong).expect("JSON");
            assert!(serde_json::from_str::<FailedCycles>(&text).is_err(), "{text}");
        }
        let right = FailedCycles::new(vec![cycle(1, 2, 0.3), cycle(2, 1, 0.3)]).expect("in order");
        let text = serde_json::to_string(&right).expect("JSON");
        assert_eq!(serde_json::from_str::<FailedCycles>(&text).expect("the same"), right);
    }
}
