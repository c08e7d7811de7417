//! Reads and files of any content.

use bm_classes::{ClassError, ClassIndex, Matcher, Options, Pattern};
use proptest::prelude::*;

use crate::draw::{Draw, index};

fn small() -> ClassIndex {
    let mut draw = Draw::new(8);
    let (one, other) = (draw.genome(900), draw.genome(700));
    let both = [&other[..], &one[100..400]].concat();
    index(&[("one", &one), ("other", &both)], &Options::default())
}

fn bytes(index: &ClassIndex) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write(&mut bytes).expect("memory");
    bytes
}

fn read(bytes: &[u8]) -> Result<ClassIndex, ClassError> {
    ClassIndex::read(&mut &bytes[..], bytes.len() as u64)
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let written = small();
    let file = bytes(&written);
    let found = read(&file).expect("an index");
    assert_eq!(found, written);
    assert_eq!(bytes(&found), file);
}

#[test]
fn a_shorter_or_longer_file_is_refused() {
    let file = bytes(&small());
    for length in (0..file.len()).step_by(7) {
        assert!(matches!(read(&file[..length]), Err(ClassError::Content(_))), "{length}");
        // The size of the file may be wrong too.
        let found = ClassIndex::read(&mut &file[..length], u64::MAX);
        assert!(matches!(found, Err(ClassError::Content(_))), "{length}");
    }
    let longer = [&file[..], &[0]].concat();
    assert!(matches!(read(&longer), Err(ClassError::Content(_))));
}

#[test]
fn another_version_is_refused_with_what_to_do() {
    let mut file = bytes(&small());
    file[8] = 9;
    let message = read(&file).expect_err("another version").to_string();
    assert!(
        message.contains("version 9, expected 1") && message.contains("make it again"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_file_is_refused_or_answers(
        changes in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..4),
        letters in prop::collection::vec(prop::sample::select(b"ACGTN".to_vec()), 0..300),
    ) {
        let mut file = bytes(&small());
        let length = file.len() as f64;
        for (at, byte) in changes {
            file[(at * length) as usize] = byte;
        }
        if let Ok(index) = read(&file) {
            let mut matcher = Matcher::default();
            let genome = Draw::new(8).genome(900);
            for read in [&letters[..], &genome] {
                let found = matcher.look_up(&index, read, &[]).probabilities(&index);
                prop_assert_eq!(found.classes.len(), index.names().len());
            }
        }
    }

    #[test]
    fn any_header_is_refused(rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let file = [&b"bm-class\x01\0\0\0"[..], &rest].concat();
        prop_assert!(read(&file).is_err());
    }

    #[test]
    fn any_letters_and_probabilities_have_a_result(
        letters in prop::collection::vec(any::<u8>(), 0..400),
        errors in prop::collection::vec(prop::num::f32::ANY, 0..400),
    ) {
        let index = small();
        let mut matcher = Matcher::default();
        let found = matcher.look_up(&index, &letters, &errors).probabilities(&index);
        let sum: f32 = found.classes.iter().sum::<f32>() + found.none;
        prop_assert!((sum - 1.0).abs() < 1e-4, "{:?}", found);
    }

    #[test]
    fn a_text_is_a_pattern_only_if_it_is_its_mirror_image(text in "1[01]{5,33}") {
        let mirrored: String = text.chars().rev().collect();
        if let Some(pattern) = Pattern::parse(&text) {
            prop_assert_eq!((&mirrored, pattern.span()), (&text, text.len()));
            prop_assert_eq!(pattern.weight(), text.matches('1').count());
        }
    }
}
