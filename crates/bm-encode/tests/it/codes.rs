//! Codes and their vectors, base by base by the definition.

use bm_encode::{BaseQualityPlace, CodeEncoder, CodeParts, EncodeError, QualityPlace};

use bm_reads::{ReadError, ReadRef};
use proptest::prelude::*;

/// Distances from an end at which a place begins.
const FROM: [usize; 8] = [0, 1, 2, 3, 5, 8, 14, 25];

/// The code of one base by the definition.
fn code(read: ReadRef<'_>, position: usize) -> u16 {
    let reported = read.quality_scores[position] - b'!';
    let score =
        if b"ACGTUacgtu".contains(&read.sequence[position]) { reported } else { reported.min(2) };
    let (start, end) = (position, read.len() - 1 - position);
    let bin = |distance: usize| FROM.iter().rposition(|from| *from <= distance).unwrap();
    let place = match (start.min(end), start <= end) {
        (50.., _) => 8,
        (distance, true) => bin(distance),
        (distance, false) => 9 + bin(distance),
    };
    (94 * place + usize::from(score)) as u16
}

/// The bases of a read with their quality bytes.
fn read() -> impl Strategy<Value = Vec<(u8, u8)>> {
    let base = prop::sample::select(b"ACGTUNacgtun.-*RYKM".to_vec());
    prop::collection::vec((base, b'!'..=b'~'), 1..400)
}

proptest! {
    #[test]
    fn codes_are_those_of_the_definition(bases in read()) {
        let (sequence, quality_scores): (Vec<u8>, Vec<u8>) = bases.into_iter().unzip();
        let read = ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality_scores };
        let mut codes = vec![7];
        QualityPlace.encode_into(read, &mut codes).unwrap();
        let expected: Vec<u16> =
            std::iter::once(7).chain((0..read.len()).map(|i| code(read, i))).collect();
        prop_assert_eq!(codes, expected);
    }

    #[test]
    fn codes_with_bases_are_those_of_the_definition_and_split_into_their_parts(bases in read()) {
        let (sequence, quality_scores): (Vec<u8>, Vec<u8>) = bases.into_iter().unzip();
        let read = ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality_scores };
        let mut codes = Vec::new();
        BaseQualityPlace.encode_into(read, &mut codes).unwrap();
        prop_assert_eq!(codes.len(), read.len());
        for (position, found) in codes.iter().enumerate() {
            prop_assert!(usize::from(*found) < BaseQualityPlace.encoding().codes);
            let CodeParts { place, score, base } = BaseQualityPlace::parts(*found);
            let expected = b"ACGT".iter().position(|letter| {
                *letter
                    == if b"Uu".contains(&sequence[position]) {
                        b'T'
                    } else {
                        sequence[position].to_ascii_uppercase()
                    }
            });
            prop_assert_eq!(usize::from(base), expected.unwrap_or(4));
            prop_assert_eq!(94 * u16::from(place) + u16::from(score), code(read, position));
        }
    }
}

#[test]
fn vectors_are_those_of_the_definition() {
    let vectors = QualityPlace.vectors();
    assert_eq!((QualityPlace.encoding().codes, QualityPlace.encoding().channels), (1598, 24));
    // Phred 20, of which one base in a hundred is wrong: ln(0.01 / 0.99) = -4.59512.
    let mut expected = vec![0.5, 0.01, 1.0, 0.5, 0.0, 1.0, -4.595_12];
    expected.resize(24, 0.0);
    expected[7 + 16] = 1.0;
    let found = &vectors[(94 * 16 + 20) * 24..][..24];
    assert!(
        found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
        "{found:?}"
    );
    // What is reported as certain to be wrong counts as a guess among four bases.
    assert!((vectors[6] - 3f32.ln()).abs() < 1e-6, "{}", vectors[6]);
    assert!(vectors.iter().all(|value| value.is_finite()));
}

#[test]
fn malformed_reads_leave_no_codes() {
    let mut codes = vec![1];
    let mut refusal = |sequence: &[u8], quality_scores: &[u8]| {
        QualityPlace.encode_into(ReadRef { name: b"r", sequence, quality_scores }, &mut codes).err()
    };
    assert_eq!(refusal(b"", b""), Some(EncodeError::Read(ReadError::EmptyRead)));
    assert_eq!(
        refusal(b"AC", b"I"),
        Some(EncodeError::Read(ReadError::LengthMismatch { sequence: 2, quality_scores: 1 }))
    );
    assert_eq!(
        refusal(b"AC", b"I "),
        Some(EncodeError::Read(ReadError::InvalidQuality { position: 1, byte: b' ' }))
    );
    assert_eq!(codes, [1]);
}

#[test]
fn base_quality_place_adds_the_base_to_the_code_of_quality_place() {
    let read = ReadRef { name: b"r", sequence: b"AcGTuNR.gA", quality_scores: b"!I#~5IIIF+" };
    let (mut codes, mut plain) = (Vec::new(), Vec::new());
    BaseQualityPlace.encode_into(read, &mut codes).unwrap();
    QualityPlace.encode_into(read, &mut plain).unwrap();
    let bases: Vec<_> = codes.iter().map(|code| BaseQualityPlace::parts(*code).base).collect();
    assert_eq!(bases, [0, 1, 2, 3, 3, 4, 4, 4, 2, 0]);
    let (encoding, of_plain) = (BaseQualityPlace.encoding(), QualityPlace.encoding());
    assert_eq!((encoding.codes, encoding.channels), (5 * of_plain.codes, of_plain.channels + 4));
    let (vectors, plain_vectors) = (BaseQualityPlace.vectors(), QualityPlace.vectors());
    assert_eq!(vectors.len(), encoding.codes * encoding.channels);
    for ((code, plain), base) in codes.iter().zip(&plain).zip(bases) {
        let CodeParts { place, score, .. } = BaseQualityPlace::parts(*code);
        assert_eq!(u16::from(place) * 94 + u16::from(score), *plain);
        let vector = &vectors[usize::from(*code) * encoding.channels..][..encoding.channels];
        assert_eq!(
            vector[..of_plain.channels],
            plain_vectors[usize::from(*plain) * of_plain.channels..][..of_plain.channels]
        );
        let letter = [0, 1, 2, 3].map(|other| f32::from(u8::from(other == base)));
        assert_eq!(vector[of_plain.channels..], letter);
    }
    assert_eq!(BaseQualityPlace::places().count(), 17);
    assert_eq!(BaseQualityPlace::places().nth(8).as_deref(), Some("middle"));
}
