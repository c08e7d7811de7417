//! Properties of the encoder and of batches.

use bm_encode::{EncodeError, Encoder, FeatureBatch, Scalar150};

use bm_reads::{Phred, ReadError, ReadRef};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any byte as a base: the encoding has a feature for each byte.
fn read(lengths: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    lengths.prop_flat_map(|length| (vec(any::<u8>(), length), vec(b'!'..=b'~', length)))
}

fn as_read<'a>((sequence, quality_scores): &'a (Vec<u8>, Vec<u8>)) -> ReadRef<'a> {
    ReadRef { name: b"r", sequence, quality_scores }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The features of one read, in a row that held something else before.
fn encoded(read: ReadRef<'_>, before: f32) -> Result<Vec<f32>, EncodeError> {
    let mut row = vec![before; 300];
    Scalar150.encode_into(read, &mut row).map(|()| row)
}

proptest! {
    #[test]
    fn a_batch_is_its_reads_one_by_one(reads in vec(read(1..=150), 0..20)) {
        let mut batch = FeatureBatch::with_capacity(Scalar150.encoding(), 3);
        let mut one_by_one = Vec::new();
        for read in &reads {
            batch.push(&Scalar150, as_read(read)).unwrap();
            one_by_one.extend(encoded(as_read(read), f32::NAN).unwrap());
        }
        prop_assert_eq!(batch.shape(), [reads.len(), 300]);
        prop_assert_eq!(batch.rows(), reads.len());
        prop_assert_eq!(bits(batch.as_slice()), bits(&one_by_one));
        batch.clear();
        prop_assert_eq!(batch.shape(), [0, 300]);
    }

    #[test]
    fn every_value_of_the_row_is_written(read in read(1..=150), before in any::<u32>()) {
        let found = encoded(as_read(&read), f32::from_bits(before)).unwrap();
        prop_assert_eq!(bits(&found), bits(&encoded(as_read(&read), 0.0).unwrap()));
    }

    #[test]
    fn features_are_between_0_and_1_and_padding_is_0(read in read(1..=150)) {
        let (row, length) = (encoded(as_read(&read), f32::INFINITY).unwrap(), read.0.len());
        prop_assert!(row.iter().all(|value| (0.0..=1.0).contains(value)));
        for half in row.chunks(150) {
            prop_assert!(half[length..].iter().all(|value| value.to_bits() == 0));
        }
    }

    #[test]
    fn upper_and_lower_case_bases_have_equal_features(read in read(1..=150)) {
        let row = encoded(as_read(&read), 0.0).unwrap();
        let upper = encoded(as_read(&(read.0.to_ascii_uppercase(), read.1.clone())), 0.0).unwrap();
        let lower = encoded(as_read(&(read.0.to_ascii_lowercase(), read.1.clone())), 0.0).unwrap();
        prop_assert_eq!(bits(&row), bits(&upper));
        prop_assert_eq!(bits(&row), bits(&lower));
    }

    #[test]
    fn the_first_wrong_quality_byte_is_named(
        read in read(1..=150),
        wrong in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut read = read;
        for (place, byte) in &wrong {
            let length = read.1.len();
            read.1[place.index(length)] = *byte;
        }
        let expected = read.1.iter().position(|byte| !(b'!'..=b'~').contains(byte));
        match expected {
            None => prop_assert!(encoded(as_read(&read), 0.0).is_ok()),
            Some(position) => prop_assert_eq!(
                encoded(as_read(&read), 0.0),
                Err(EncodeError::Read(ReadError::InvalidQuality {
                    position,
                    byte: read.1[position]
                }))
            ),
        }
    }

    #[test]
    fn reads_of_wrong_length_are_refused(sequence in 0..400usize, quality_scores in 0..400usize) {
        let found = encoded(as_read(&(vec![b'A'; sequence], vec![b'I'; quality_scores])), 0.0);
        let expected = match sequence {
            _ if sequence != quality_scores => {
                Some(EncodeError::Read(ReadError::LengthMismatch { sequence, quality_scores }))
            }
            0 => Some(EncodeError::Read(ReadError::EmptyRead)),
            151.. => Some(EncodeError::TooLong { length: sequence, window: 150 }),
            _ => None,
        };
        prop_assert_eq!(found.err(), expected);
    }

    #[test]
    fn a_row_of_another_width_is_refused(read in read(1..=150), width in 0..700usize) {
        let found = Scalar150.encode_into(as_read(&read), &mut vec![0.0; width]);
        let expected = if width == 300 {
            Ok(())
        } else {
            Err(EncodeError::RowWidth { expected: 300, actual: width })
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_failed_push_leaves_the_batch_unchanged(
        reads in vec(read(1..=150), 0..4),
        wrong in 0..4usize,
    ) {
        let mut batch = FeatureBatch::new(Scalar150.encoding());
        for read in &reads {
            batch.push(&Scalar150, as_read(read)).unwrap();
        }
        let before = bits(batch.as_slice());
        let wrong = match wrong {
            0 => (vec![], vec![]),
            1 => (b"ACGT".to_vec(), b"III".to_vec()),
            2 => (vec![b'A'; 151], vec![b'I'; 151]),
            _ => (b"ACGT".to_vec(), b"II I".to_vec()),
        };
        prop_assert!(batch.push(&Scalar150, as_read(&wrong)).is_err());
        prop_assert_eq!(batch.rows(), reads.len());
        prop_assert_eq!(bits(batch.as_slice()), before);
        // The batch then takes reads as before.
        batch
            .push(&Scalar150, ReadRef { name: b"r", sequence: b"T", quality_scores: b"~" })
            .unwrap();
        prop_assert_eq!(batch.rows(), reads.len() + 1);
        let row = &batch.as_slice()[reads.len() * 300..];
        prop_assert_eq!((row[0], row[1], row[150], row[151]), (0.75, 0.0, 1.0, 0.0));
    }

    #[test]
    fn windows_are_parts_of_the_read(
        read in read(0..=400),
        start in 0..500usize,
        length in 0..500usize,
    ) {
        let (whole, window) = (as_read(&read), as_read(&read).window(start, length));
        let end = (start + length).min(whole.len());
        prop_assert_eq!(window.sequence, &whole.sequence[start.min(end)..end]);
        prop_assert_eq!(window.quality_scores, &whole.quality_scores[start.min(end)..end]);
    }
}

#[test]
fn every_invalid_quality_byte_is_refused_at_every_position() {
    for byte in (0..=255).filter(|byte| Phred::from_byte(*byte).is_none()) {
        for position in [0, 1, 74, 149] {
            let mut quality_scores = vec![b'~'; 150];
            quality_scores[position] = byte;
            let found = encoded(
                ReadRef { name: b"r", sequence: &[b'A'; 150], quality_scores: &quality_scores },
                0.0,
            );
            assert_eq!(found, Err(EncodeError::Read(ReadError::InvalidQuality { position, byte })));
        }
    }
}

#[test]
fn messages_name_what_was_found_on_one_line() {
    let messages = [
        (EncodeError::Read(ReadError::EmptyRead), "the read is empty"),
        (
            EncodeError::Read(ReadError::LengthMismatch { sequence: 4, quality_scores: 3 }),
            "4 bases but 3 quality scores",
        ),
        (
            EncodeError::Read(ReadError::InvalidQuality { position: 7, byte: b'\n' }),
            "quality byte 0x0a at position 7",
        ),
        (EncodeError::TooLong { length: 151, window: 150 }, "151 bases"),
        (EncodeError::RowWidth { expected: 300, actual: 299 }, "299"),
    ];
    for (error, part) in messages {
        let message = error.to_string();
        assert!(message.contains(part) && !message.contains(char::is_control), "{message}");
    }
}
