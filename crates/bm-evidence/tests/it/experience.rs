//! The experience of earlier runs is checked when it is read.

use bm_evidence::{BaseSupport, Experience, Fit};
use serde_json::{Value, json};

use crate::run::{RANGE, RANGES, experience, experience_text, factors_in, weights};

/// The shipped experience with another number as its first frequency.
fn with_first_frequency(number: &str) -> String {
    let (text, before) = (experience_text(), "\"wrong\": [");
    let start = text.find(before).unwrap() + before.len();
    let end = start + text[start..].find(',').unwrap();
    [&text[..start], number, &text[end..]].concat()
}

fn refusal(value: &Value) -> String {
    let error =
        Experience::from_json(&value.to_string()).expect_err("it was to be refused").to_string();
    assert!(error.starts_with("evidence: experience: ") && !error.contains('\n'), "{error}");
    error
}

#[test]
fn the_shipped_experience_is_read() {
    let experience = experience();
    assert_eq!(
        (experience.format, experience.support_version),
        (Experience::FORMAT, BaseSupport::VERSION)
    );
    assert!(
        experience.depths.len() > 2 && !experience.all.is_empty() && !experience.some.is_empty()
    );
    // The frequencies of all kinds of support add up to 1.
    for frequencies in [&experience.all, &experience.some] {
        for depth in 0..experience.depths.len() {
            let wrong: f64 = frequencies.iter().map(|frequency| frequency.wrong[depth]).sum();
            let right: f64 = frequencies.iter().map(|frequency| frequency.right[depth]).sum();
            assert!(
                (0.999..1.001).contains(&wrong) && (0.999..1.001).contains(&right),
                "{wrong} and {right}"
            );
        }
    }
}

#[test]
fn inconsistent_experience_is_refused_with_the_reason() {
    assert!(Experience::from_json(&with_first_frequency("0.25")).is_ok());
    let fine: Value = serde_json::from_str(&experience_text()).unwrap();
    let with = |path: &str, value: Value| {
        let mut other = fine.clone();
        *other.pointer_mut(path).unwrap() = value;
        refusal(&other)
    };
    assert!(
        with("/format", json!(2))
            .contains("format 2 for base support of version 2, expected 1 and 2")
    );
    assert!(
        with("/statements", json!(7))
            .contains("format 1 for base support of version 7, expected 1 and 2")
    );
    for depths in [
        json!([]),
        json!([7, 6, 5, 4, 3, 2, 1]),
        json!([4, 4, 5, 6, 7, 8, 9]),
        json!([0, 1, 2, 3, 4, 5, 6]),
    ] {
        let error = with("/depths", depths);
        assert!(error.contains("expected rising numbers"), "{error}");
    }
    // Fewer depths than frequencies.
    assert!(with("/depths", json!([4.0, 16.0])).contains("invalid frequencies of base support 0"));
    assert!(with("/all/3/wrong", json!([0.1])).contains("invalid frequencies of base support 3"));
    assert!(with("/some/2/right/0", json!(1.5)).contains("invalid frequencies of base support 2"));
    assert!(with("/some/2/right/0", json!(-0.5)).contains("invalid frequencies of base support 2"));
    assert!(
        with("/all/0/statement", json!(BaseSupport::COUNT))
            .contains(&format!("base support {}", BaseSupport::COUNT))
    );
    // Values that are not numbers, numbers of the wrong kind, unknown and missing fields.
    for (path, value) in [
        ("/all/0/wrong/0", Value::Null),
        ("/all/0/wrong/0", json!("NaN")),
        ("/all/0/statement", json!(-1)),
        ("/depths", json!(4)),
    ] {
        with(path, value);
    }
    let mut more = fine.clone();
    more["notes"] = json!("mine");
    assert!(refusal(&more).contains("notes"));
    let mut less = fine.clone();
    less.as_object_mut().unwrap().remove("some");
    assert!(refusal(&less).contains("some"));
    for text in ["", "{", "[]", "null", &with_first_frequency("NaN"), &experience_text()[..2000]] {
        assert!(Experience::from_json(text).is_err(), "{text}");
    }
    assert!(Experience::from_json(&with_first_frequency("1e999")).is_err());
}

#[test]
fn reads_are_weighed_by_earlier_reads_of_their_depth() {
    let experience = experience();
    let depths = &experience.depths;
    assert_eq!(depths.len(), RANGES);
    for (range, depth) in [(0, 0), (0, 3), (1, 4), (3, 63), (RANGE, 64), (6, 4095)] {
        let earlier = factors_in(weights(true), range);
        // Bases of one depth range do not change the weights of the others.
        let mut fit = Fit::new(&experience);
        (0..100_000).for_each(|_| fit.add(BaseSupport::new(5).unwrap(), depth, 0.0));
        let fitted = fit.weights(&experience, true);
        for other in 0..RANGES {
            let same = factors_in(fitted.clone(), other) == factors_in(weights(true), other);
            assert_eq!(same, other != range, "depth {depth}, range {other}");
        }
        assert_eq!(earlier.len(), BaseSupport::COUNT);
    }
}
