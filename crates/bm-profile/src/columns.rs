//! A set of reads as a report has it: a summary, and columns with a value per bin.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cycles::MOST_BINS;
use crate::exact_sum::ExactSum;
use crate::read_set::{ReadSet, SCORES, sum};

/// Figures that follow from the columns. Null without what they are of.
#[derive(Serialize)]
struct Summary {
    reads: u64,
    bases: u64,
    mean_length: Option<f64>,
    n50: Option<f64>,
    gc_fraction: Option<f64>,
    q20_bases: u64,
    q30_bases: u64,
    /// The same by the model's error probabilities.
    q20_bases_expected: Option<u64>,
    q30_bases_expected: Option<u64>,
    reported_error_rate: Option<f64>,
    expected_error_rate: Option<f64>,
}

impl Summary {
    fn of(set: &ReadSet) -> Self {
        let bases = set.total_bases();
        let (scored, errors) = set.expected();
        let at_least = |index: usize| (scored > 0).then_some(set.at_least[index]);
        Self {
            reads: set.reads,
            bases,
            mean_length: set.mean_length(),
            n50: set.n50(),
            gc_fraction: set.gc_fraction(),
            q20_bases: set.bases_from(20),
            q30_bases: set.bases_from(30),
            q20_bases_expected: at_least(0),
            q30_bases_expected: at_least(1),
            reported_error_rate: (bases > 0).then(|| set.reported_errors() / bases as f64),
            expected_error_rate: (scored > 0).then(|| errors.get() / scored as f64),
        }
    }
}

/// The columns of a [`ReadSet`].
#[derive(Deserialize, Serialize)]
struct Columns {
    cycles: Cycles,
    at_least_expected: [u64; 2],
    gc: Vec<u64>,
    mean_qualities: Vec<u64>,
    lengths: Vec<u64>,
}

/// Columns with a value per cycle, in bins.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cycles {
    a: Vec<u64>,
    c: Vec<u64>,
    g: Vec<u64>,
    t: Vec<u64>,
    n: Vec<u64>,
    qualities: BTreeMap<u8, Vec<u64>>,
    expected_errors: Vec<ExactSum>,
    unscored: Vec<u64>,
}

impl Serialize for ReadSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Both {
            summary: Summary,
            #[serde(flatten)]
            columns: Columns,
        }
        Both { summary: Summary::of(self), columns: self.into() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ReadSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The summary follows from the columns.
        Columns::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl From<&ReadSet> for Columns {
    fn from(set: &ReadSet) -> Self {
        let letter = |index: usize| set.bases.iter().map(|counts| counts[index]).collect();
        Self {
            cycles: Cycles {
                a: letter(0),
                c: letter(1),
                g: letter(2),
                t: letter(3),
                n: letter(4),
                qualities: set.qualities.clone(),
                expected_errors: set.expected_errors.clone(),
                unscored: set.unscored.clone(),
            },
            at_least_expected: set.at_least,
            gc: set.gc.clone(),
            mean_qualities: set.mean_qualities.clone(),
            lengths: set.lengths.clone(),
        }
    }
}

impl TryFrom<Columns> for ReadSet {
    type Error = String;

    fn try_from(columns: Columns) -> Result<Self, String> {
        let Columns { cycles, at_least_expected, gc, mean_qualities, lengths } = columns;
        let Cycles { a, c, g, t, n, qualities, expected_errors, unscored } = cycles;
        let bins = a.len();
        if [&c, &g, &t, &n].iter().any(|column| column.len() != bins) {
            return Err("cycles: columns of different lengths".to_owned());
        }
        let bases = (0..bins).map(|bin| [a[bin], c[bin], g[bin], t[bin], n[bin]]).collect();
        let set = Self {
            reads: sum(lengths.iter().copied()),
            bases,
            qualities,
            expected_errors,
            unscored,
            at_least: at_least_expected,
            gc,
            mean_qualities,
            lengths,
        };
        set.check()?;
        Ok(set)
    }
}

impl ReadSet {
    /// Returns what cannot be in sums over the same reads.
    fn check(&self) -> Result<(), String> {
        let bins = self.cycles();
        for (name, length, most) in [
            ("cycles", bins, MOST_BINS),
            ("expected_errors", self.expected_errors.len(), bins),
            ("unscored", self.unscored.len(), bins),
            ("gc", self.gc.len(), 101),
            ("mean_qualities", self.mean_qualities.len(), SCORES),
            ("lengths", self.lengths.len(), MOST_BINS),
        ] {
            if length > most {
                return Err(format!("{name}: {length} values, at most {most} are possible"));
            }
        }
        for (score, counts) in &self.qualities {
            if usize::from(*score) >= SCORES || counts.len() > bins {
                return Err(format!("qualities: {} values of score {score}", counts.len()));
            }
        }
        for cycle in 0..bins {
            let bases = self.bases_at(cycle);
            let of_scores = self.qualities.values().filter_map(|counts| counts.get(cycle));
            let of_scores = sum(of_scores.copied());
            if bases != of_scores {
                return Err(format!("cycle {cycle}: {bases} bases, but {of_scores} by quality"));
            }
            let unscored = self.unscored.get(cycle).copied().unwrap_or_default();
            let errors = self.expected_errors.get(cycle).map_or(0.0, |sum| sum.get());
            if unscored > bases || errors > (bases - unscored) as f64 {
                return Err(format!("cycle {cycle}: more errors than bases"));
            }
        }
        let (scored, _) = self.expected();
        if self.at_least[0] > scored || self.at_least[1] > self.at_least[0] {
            return Err("at_least_expected: more good bases than bases".to_owned());
        }
        for (name, reads) in [("gc", &self.gc), ("mean_qualities", &self.mean_qualities)] {
            let reads = sum(reads.iter().copied());
            if reads > self.reads {
                return Err(format!("{name}: {reads} reads, but {} by length", self.reads));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::counts::{Counts, ObservedRead};

    fn set() -> ReadSet {
        let mut counts = Counts::default();
        for (sequence, quality_scores) in [(b"ACGTN", b"IIII!"), (b"AACCG", b"55I55")] {
            let errors = &[0.01, 0.001, 0.5, 0.002];
            counts.add(&ObservedRead { sequence, quality_scores, errors, scored_from: 0 });
        }
        counts.finish()
    }

    #[test]
    fn a_set_is_written_with_its_summary_and_read_back() {
        let value = serde_json::to_value(set()).unwrap();
        assert_eq!(value["summary"]["bases"], 10);
        assert_eq!(value["summary"]["q30_bases"], 5);
        assert_eq!(value["summary"]["q20_bases_expected"], 6);
        assert_eq!(value["cycles"]["a"], json!([2, 1, 0, 0, 0]));
        assert_eq!(serde_json::from_value::<ReadSet>(value).unwrap(), set());
        let empty = serde_json::to_value(ReadSet::default()).unwrap();
        assert_eq!(empty["summary"]["gc_fraction"], Value::Null);
        assert_eq!(serde_json::from_value::<ReadSet>(empty).unwrap(), ReadSet::default());
    }

    #[test]
    fn sums_that_contradict_each_other_are_refused() {
        let whole = serde_json::to_value(set()).unwrap();
        for (place, value, expected) in [
            ("/cycles/a", json!([1]), "columns of different lengths"),
            ("/cycles/a/0", json!(3), "cycle 0: 3 bases, but 2 by quality"),
            ("/cycles/expected_errors/0", json!("2.5"), "cycle 0: more errors than bases"),
            ("/cycles/unscored", json!([0, 0, 0, 0, 0, 1]), "unscored: 6 values"),
            ("/at_least_expected", json!([1, 2]), "more good bases than bases"),
            ("/gc/50", json!(9), "gc: "),
            ("/lengths", json!(vec![0; 5000]), "lengths: 5000 values"),
            ("/cycles/qualities", json!({"94": [1]}), "1 values of score 94"),
        ] {
            let mut other = whole.clone();
            *other.pointer_mut(place).unwrap() = value;
            let error = serde_json::from_value::<ReadSet>(other).unwrap_err().to_string();
            assert!(error.contains(expected), "{place}: {error}");
        }
    }
}
