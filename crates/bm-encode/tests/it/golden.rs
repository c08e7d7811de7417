//! Features against an independent encoder, to the bit.

use bm_encode::{Encoder, FeatureBatch, Scalar150};

use bm_reads::ReadRef;

/// Written by `make_golden.py` beside it, which knows the definition and not this crate.
const GOLDEN: &str = include_str!("../golden/scalar-150-v1.tsv");

/// Bits of features written as eight hexadecimal digits each, then zeros up to a window.
fn half(hex: &str) -> Vec<u32> {
    let (digits, rest) = hex.as_bytes().as_chunks::<8>();
    assert!(rest.is_empty(), "a feature has eight digits");
    let mut bits: Vec<u32> = digits
        .iter()
        .map(|d| u32::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
        .collect();
    bits.resize(150, 0);
    bits
}

#[test]
fn features_are_those_of_the_definition_to_the_bit() {
    let encoder = Scalar150;
    let mut batch = FeatureBatch::new(encoder.encoding());
    let mut expected = Vec::new();
    let mut names = Vec::new();
    for line in GOLDEN.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, sequence, quality, bases, qualities] = columns[..] else {
            panic!("five columns, found {}", columns.len())
        };
        let read = ReadRef {
            name: name.as_bytes(),
            sequence: sequence.as_bytes(),
            quality_scores: quality.as_bytes(),
        };
        batch.push(&encoder, read).unwrap_or_else(|error| panic!("{name}: {error}"));
        expected.extend(half(bases));
        expected.extend(half(qualities));
        names.push(name);
    }
    assert!(names.len() > 40, "the golden file holds {} reads only", names.len());
    assert_eq!(batch.shape(), [names.len(), 300]);
    for ((row, expected), name) in batch.as_slice().chunks(300).zip(expected.chunks(300)).zip(names)
    {
        for (feature, (found, expected)) in row.iter().zip(expected).enumerate() {
            assert_eq!(
                found.to_bits(),
                *expected,
                "{name}, feature {feature}: {found}, expected {}",
                f32::from_bits(*expected)
            );
        }
    }
}

#[test]
fn the_encoding_has_the_name_that_models_use() {
    let encoding = Scalar150.encoding();
    assert_eq!(
        (encoding.id, encoding.version, encoding.window, encoding.features),
        ("scalar-150", 1, 150, 300)
    );
    assert_eq!(encoding.to_string(), "scalar-150 version 1");
}
