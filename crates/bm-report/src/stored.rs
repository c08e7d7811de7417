//! Reads reports of runs back, and checks them: they may be of any program.

use std::io::Read;
use std::path::Path;

use bm_io::{IoError, Tasks, open_text};
use bm_profile::ReadSet;
use serde_json::Value;

use crate::error::ReportError;
use crate::format::{FORMAT, PROGRAM};
use crate::report::Report;

/// Largest report that is read, in bytes of text: some ten thousand parts.
const MOST_BYTES: u64 = 64 << 20;

/// Largest number of a report. Up to it, whole numbers are exact in double precision, too, as which
/// most programs read the numbers of JSON.
const MOST: u64 = 1 << 53;

/// Commands whose reports are of runs.
const COMMANDS: [&str; 4] = ["filter", "score", "recalibrate", "classify"];

impl Report {
    /// Reads the report of `bm filter`, `score`, `recalibrate` or `classify`, or a merged one, from a file
    /// that may be compressed; `-` is stdin.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not such a report of this format as `bm` writes it.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let input = open_text(path, "a report of bm", &Tasks::for_workers(0))?;
        let (name, mut bytes) = (input.name, Vec::new());
        let mut text = input.text.take(MOST_BYTES + 1);
        text.read_to_end(&mut bytes).map_err(IoError::system(&name))?;
        if bytes.len() as u64 > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(ReportError::refused(
                &name,
                format!("more than {most} MB: no report of bm"),
            ));
        }
        Self::parse(&bytes).map_err(|why| ReportError::refused(&name, why))
    }

    /// Returns the report of a text, or why it is none.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        check_kind(&value)?;
        if let Some((place, number)) = largest(&value, &mut String::new()) {
            return Err(format!("{place}: {number} is larger than {MOST}"));
        }
        let report: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        report.check()?;
        // Keys that are not known would get lost, and what follows from other numbers must.
        let again = serde_json::to_string(&report).and_then(|text| serde_json::from_str(&text));
        let again: Value = again.map_err(|error| error.to_string())?;
        match differences(&value, &again).into_iter().next() {
            Some(Difference { place, one, other }) => {
                Err(format!("{place}: found {one}, expected {other} by the rest of the report"))
            }
            None => Ok(report),
        }
    }

    /// Checks that counts of the same reads agree, and returns what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        let totals = &self.totals;
        let reads = totals.reads;
        let out = [reads.kept, reads.discarded, reads.unscored];
        let sums = [
            ("/reads/in", reads.r#in, "reads kept, discarded and unscored", sum(out)),
            (
                "/reads/discarded and unscored",
                sum([reads.discarded, reads.unscored]),
                "reads by reason",
                totals.reasons.total(),
            ),
        ];
        let of_parts = (!self.parts.is_empty()).then(|| {
            let of_parts = sum(self.parts.iter().map(|part| part.reads.r#in));
            ("/reads/in", reads.r#in, "reads of the parts", of_parts)
        });
        let lengths = self.distributions.as_ref().map(|survey| {
            let of_lengths = sum(survey.lengths.iter().map(|[all, _]| *all));
            ("/reads/in", reads.r#in, "reads by length", of_lengths)
        });
        let profiles = self.profile.iter().flat_map(|profile| {
            let all = |sets: &[ReadSet]| sum(sets.iter().map(|set| set.reads));
            // Of two mates that are merged, one read is left.
            let kept = sum([all(&profile.after), totals.pairs.merged]);
            [
                ("/reads/in", reads.r#in, "reads of the profile", all(&profile.before)),
                ("/reads/kept", reads.kept, "kept reads of the profile", kept),
            ]
        });
        let of_classes = self.classes.as_ref().map(|classes| {
            let of_classes = sum(classes.counts.iter().map(|class| class.counts.reads));
            ("/reads/in", reads.r#in, "reads by class", of_classes)
        });
        let of_parts = of_parts.into_iter().chain(of_classes);
        let sums = sums.into_iter().chain(of_parts).chain(lengths).chain(profiles);
        for (place, count, what, other) in sums {
            if count != other {
                return Err(format!("{place}: {count}, but {other} {what}"));
            }
        }
        for (number, part) in self.parts.iter().enumerate() {
            if part.inputs.is_empty() {
                return Err(format!("/parts/{number}/inputs: no file"));
            }
        }
        let shards = self.shard.iter().chain(self.parts.iter().filter_map(|it| it.shard.as_ref()));
        for shard in shards {
            if shard.index == 0 || shard.index > shard.of {
                return Err(format!("shard {} of {}", shard.index, shard.of));
            }
        }
        let times = self.parts.iter().map(|part| part.time).chain([self.time]);
        for time in times {
            if time.wall_s < 0.0 || time.reads_per_s < 0.0 {
                return Err(format!("wall_s: {} s, {} reads/s", time.wall_s, time.reads_per_s));
            }
        }
        if self.inputs.is_empty() {
            return Err("/inputs: no file".to_owned());
        }
        Ok(())
    }

    /// Checks that no number is larger than one that is read back; returns the place of one that is.
    pub(crate) fn check_size(&self) -> Result<(), String> {
        let value = serde_json::to_value(self).map_err(|error| error.to_string())?;
        match largest(&value, &mut String::new()) {
            Some((place, _)) => Err(format!("the sum of {place} is larger than {MOST}")),
            None => Ok(()),
        }
    }
}

fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// Refuses what is no report of a run, in this format.
fn check_kind(value: &Value) -> Result<(), String> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let format = value.get("format").and_then(Value::as_u64);
    let (Some(PROGRAM), Some(format), Some(command)) = (text("program"), format, text("command"))
    else {
        return Err("expected a report of bm, with program, format and command".to_owned());
    };
    if !COMMANDS.contains(&command) {
        let command = shown(&command.into());
        return Err(format!(
            "/command: a report of {command}; those of filter, score, recalibrate and classify can be merged"
        ));
    }
    if format != u64::from(FORMAT) {
        return Err(format!(
            "/format: {format}, of another version of bm; this one reads format {FORMAT}"
        ));
    }
    Ok(())
}

/// Returns the first number that is larger than [`MOST`], with its place.
fn largest(value: &Value, place: &mut String) -> Option<(String, String)> {
    let length = place.len();
    let mut of_child = |key: &str, child: &Value| {
        place.push('/');
        place.push_str(key);
        let found = largest(child, place);
        place.truncate(length);
        found
    };
    match value {
        Value::Number(number) => {
            let is_large = number.as_u64().map_or_else(
                || number.as_f64().is_none_or(|number| number.abs() > MOST as f64),
                |number| number > MOST,
            );
            is_large.then(|| (place.clone(), number.to_string()))
        }
        Value::Array(children) => {
            children.iter().enumerate().find_map(|(i, child)| of_child(&i.to_string(), child))
        }
        Value::Object(children) => children.iter().find_map(|(key, child)| of_child(key, child)),
        _ => None,
    }
}

/// A place at which two documents differ, and what they have there.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) place: String,
    pub(crate) one: String,
    pub(crate) other: String,
}

/// Returns the places at which two documents differ.
pub(crate) fn differences(one: &Value, other: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Some(one), Some(other), "", &mut found);
    found
}

fn compare(one: Option<&Value>, other: Option<&Value>, place: &str, found: &mut Vec<Difference>) {
    match (one, other) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            for (key, value) in ours {
                compare(Some(value), theirs.get(key), &format!("{place}/{key}"), found);
            }
            for (key, value) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
                compare(None, Some(value), &format!("{place}/{key}"), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) if ours.len() == theirs.len() => {
            for (i, (one, other)) in ours.iter().zip(theirs).enumerate() {
                compare(Some(one), Some(other), &format!("{place}/{i}"), found);
            }
        }
        // 5 and 5.0 are the same number of JSON.
        (Some(Value::Number(one)), Some(Value::Number(other)))
            if one.as_f64() == other.as_f64() => {}
        _ if one == other => {}
        _ => {
            let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
            found.push(Difference { place: place.to_owned(), one: text(one), other: text(other) });
        }
    }
}

/// Most characters of a value in a message.
const SHOWN: usize = 60;

/// Returns a value for a message.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_have_a_place_and_both_values() {
        let one = json!({"a": {"b": 1, "c": [1, 2.0]}, "d": "x"});
        assert_eq!(differences(&one, &json!({"a": {"b": 1, "c": [1, 2]}, "d": "x"})), []);
        let other = json!({"a": {"b": 2, "c": [1, 3]}, "e": null});
        let found = differences(&one, &other);
        let found: Vec<_> =
            found.iter().map(|it| format!("{} {} {}", it.place, it.one, it.other)).collect();
        assert_eq!(found, ["/a/b 1 2", "/a/c/1 2.0 3", "/d \"x\" nothing", "/e nothing null"]);
        let long = differences(&json!("ä".repeat(100)), &json!(1));
        assert_eq!(long[0].one.chars().count(), SHOWN + 1);
    }

    #[test]
    fn a_number_that_is_not_exact_in_double_precision_is_found() {
        let find = |value| largest(&value, &mut String::new()).map(|(place, _)| place);
        assert_eq!(find(json!({"a": [1, {"b": 9_007_199_254_740_992_u64}]})), None);
        assert_eq!(
            find(json!({"a": [1, {"b": 9_007_199_254_740_993_u64}]})).as_deref(),
            Some("/a/1/b")
        );
        assert_eq!(find(json!([0, 1e300])).as_deref(), Some("/1"));
        assert_eq!(find(json!([0, -1e300])).as_deref(), Some("/1"));
    }
}
