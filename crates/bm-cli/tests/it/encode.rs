//! `bm encode`: the array, read by an independent parser and compared with an independent encoder.

use crate::support::{NOVASEQ, Scratch, bm, bm_with_stdin, record, records, testdata, text_of};

/// Shape and values of a version 1 `.npy` file of float32.
fn parse(content: &[u8]) -> ([usize; 2], Vec<f32>) {
    assert_eq!(&content[..8], b"\x93NUMPY\x01\x00", "version 1.0");
    let length = usize::from(u16::from_le_bytes([content[8], content[9]]));
    let (header, data) = content[10..].split_at(length);
    assert_eq!((10 + length) % 64, 0, "alignment of the data");
    let header = std::str::from_utf8(header).unwrap();
    assert!(
        header.contains("'descr': '<f4'")
            && header.contains("'fortran_order': False")
            && header.ends_with('\n'),
        "{header}"
    );
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().unwrap())
        .collect();
    let values: Vec<_> =
        data.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    (shape.try_into().unwrap(), values)
}

/// Returns the rows of one read by the definition of scalar-150 version 1.
fn expected(sequence: &[u8], quality: &[u8]) -> Vec<[f32; 300]> {
    let bases = sequence.len();
    let mut starts: Vec<usize> = (0..bases).step_by(150).collect();
    if let Some(last) = starts.last_mut() {
        *last = (*last).min(bases.saturating_sub(150));
    }
    let window = |start: usize| {
        let mut row = [0.0; 300];
        for i in start..bases.min(start + 150) {
            row[i - start] = match sequence[i].to_ascii_uppercase() {
                b'A' => 0.0,
                b'C' => 0.25,
                b'G' => 0.5,
                b'T' => 0.75,
                _ => 1.0,
            };
            row[150 + i - start] = f32::from(quality[i] - 33) / 93.0;
        }
        row
    };
    starts.into_iter().map(window).collect()
}

/// Encodes `text` and compares every value.
#[track_caller]
fn check(text: &[u8]) -> usize {
    let scratch = Scratch::new();
    let run = bm_with_stdin(["encode", "-", "-o", &scratch.path("features.npy")], text).done();
    let mut rows = Vec::new();
    for record in records(text) {
        let lines: Vec<_> = record.split(|byte| *byte == b'\n').collect();
        rows.extend(expected(lines[1], lines[3]));
    }
    let (shape, values) = parse(&scratch.read("features.npy"));
    assert_eq!(shape, [rows.len(), 300]);
    assert!(values == rows.concat(), "the values differ");
    let summary =
        format!("{} reads in, {} rows × 300 features written", records(text).len(), rows.len());
    assert!(run.stderr.starts_with(&summary), "{}", run.stderr);
    assert_eq!(scratch.names(), ["features.npy"]);
    rows.len()
}

#[test]
fn rows_are_the_windows_of_each_read() {
    for (bases, rows) in
        [(0, 0), (1, 1), (149, 1), (150, 1), (151, 2), (300, 2), (301, 3), (400, 3)]
    {
        assert_eq!(check(&record("r", bases, b'5')), rows, "{bases} bases");
    }
    let all: Vec<u8> = [0, 1, 150, 151, 400]
        .into_iter()
        .flat_map(|bases| record("r", bases, b'!' + (bases % 94) as u8))
        .collect();
    assert_eq!(check(&all), 7);
    assert_eq!(check(b"@r\nacgtnACGTNRYU.-*\n+\n!\"#$%&'()*+,-./~\n"), 1);
}

#[test]
fn a_run_is_encoded_as_the_definition_says() {
    assert_eq!(check(&text_of(&testdata(NOVASEQ))), 800);
    // More rows than fit into the write buffer.
    let text: Vec<u8> =
        (0..2_500).flat_map(|i| record("r", 1 + i % 170, 33 + (i % 94) as u8)).collect();
    assert!(check(&text) > 2_500);
}

#[test]
fn no_reads_give_an_empty_matrix() {
    assert_eq!(check(b""), 0);
}

#[test]
fn the_matrix_can_go_to_stdout() {
    let run = bm(["encode", &testdata(NOVASEQ), "-o", "-", "-q"]).done();
    assert_eq!((parse(&run.stdout).0, run.stderr.as_str()), ([800, 300], ""));
}

/// Values of a `.npy` vector of uint16.
fn parse_codes(content: &[u8]) -> Vec<u16> {
    let length = usize::from(u16::from_le_bytes([content[8], content[9]]));
    let (header, data) = content[10..].split_at(length);
    let codes: Vec<_> =
        data.chunks(2).map(|bytes| u16::from_le_bytes(bytes.try_into().unwrap())).collect();
    let header = std::str::from_utf8(header).unwrap();
    let shape = format!("'shape': ({}, )", codes.len());
    assert!(header.contains("'descr': '<u2'") && header.contains(&shape), "{header}");
    codes
}

/// Returns the codes that `bm encode` writes for `text`, and shape and values of the vectors of the
/// encoding.
fn codes_and_vectors(encoding: &str, text: &[u8]) -> (Vec<u16>, [usize; 2], Vec<f32>) {
    let scratch = Scratch::new();
    bm_with_stdin(["encode", "-", "--encoding", encoding, "-o", &scratch.path("codes.npy")], text)
        .done();
    let run =
        bm(["encode", "--vectors", "--encoding", encoding, "-o", &scratch.path("vectors.npy")])
            .done();
    assert!(run.stderr.contains(&format!("encoding {encoding} version 1")), "{}", run.stderr);
    let (shape, values) = parse(&scratch.read("vectors.npy"));
    (parse_codes(&scratch.read("codes.npy")), shape, values)
}

#[test]
fn there_is_one_code_per_base_and_one_vector_per_code() {
    let text = b"@a\nACGN\n+\nI5!I\n@empty\n\n+\n\n@b\nT\n+\n~\n";
    let (codes, shape, values) = codes_and_vectors("quality-place", text);
    // Distances 0 and 1 from the start, 1 and 0 from the end; the unknown base counts as Phred 2.
    assert_eq!(codes, [40, 94 + 20, 10 * 94, 9 * 94 + 2, 93]);
    assert_eq!((shape, values[40 * 24]), ([1598, 24], 1.0));
}

#[test]
fn codes_can_include_the_base() {
    let text = b"@a\naCUN\n+\nI5!I\n@b\nG\n+\n~\n";
    let (codes, shape, values) = codes_and_vectors("base-quality-place", text);
    let rest = [40, 94 + 20, 10 * 94, 9 * 94 + 2, 93];
    assert_eq!(codes, std::array::from_fn::<_, 5, _>(|i| [0, 1, 3, 4, 2][i] * 1598 + rest[i]));
    assert_eq!(shape, [5 * 1598, 28]);
    let vector = |code: u16| &values[usize::from(code) * 28..][..28];
    let (_, _, without) = codes_and_vectors("quality-place", b"");
    for (code, letter) in codes.iter().zip([Some(0), Some(1), Some(3), None, Some(2)]) {
        let quality = usize::from(*code) % 1598;
        assert_eq!(vector(*code)[..24], without[quality * 24..][..24]);
        assert_eq!(
            vector(*code)[24..],
            std::array::from_fn::<_, 4, _>(|i| if Some(i) == letter { 1.0 } else { 0.0 })
        );
    }
}

#[test]
fn an_encoding_without_codes_has_no_vectors() {
    let scratch = Scratch::new();
    let run = bm(["encode", "--vectors", "-o", &scratch.path("vectors.npy")]);
    let refusal = run.refused();
    assert!(
        refusal.contains(
            "scalar-150 has no codes; name the encoding quality-place or base-quality-place"
        ),
        "{refusal}"
    );
    assert!(scratch.names().is_empty());
}
