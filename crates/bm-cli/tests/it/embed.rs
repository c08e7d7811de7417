//! `bm embed`: arrays and tables of vectors.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::support::{
    NOVASEQ, Scratch, bm, bm_with_stdin, gzip, record, records, testdata, text_of,
};

const MATES: [&str; 2] =
    ["hiseq_measles/hiseq_measles_1.fastq.gz", "hiseq_measles/hiseq_measles_2.fastq.gz"];

/// Rows of a version 1 `.npy` file of float32, 64 values each.
fn rows(content: &[u8]) -> Vec<Vec<f32>> {
    assert_eq!(&content[..8], b"\x93NUMPY\x01\x00", "version 1.0");
    let length = usize::from(u16::from_le_bytes([content[8], content[9]]));
    let (header, data) = content[10..].split_at(length);
    let header = std::str::from_utf8(header).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{header}");
    let values = data.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    let values: Vec<f32> = values.collect();
    assert!(header.contains(&format!("({}, 64", values.len() / 64)), "{header}");
    values.chunks(64).map(<[f32]>::to_vec).collect()
}

/// Returns the rows of the vectors of a text of FASTQ, by `bm embed` on stdin.
fn embedded(text: &[u8]) -> Vec<Vec<f32>> {
    rows(&bm_with_stdin(["embed", "-", "-o", "-", "-q"], text).done().stdout)
}

#[test]
fn the_array_is_the_same_for_any_threads_compression_and_output() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(NOVASEQ)).repeat(8);
    let plain = scratch.file("reads.fastq", &text);
    let packed = scratch.file("reads.fastq.gz", &gzip(&text));
    let [one, many, names] = ["one.npy", "many.npy", "names.txt"].map(|name| scratch.path(name));
    let run = bm(["embed", &plain, "-o", &one, "-j", "1", "--names", &names]).done();
    assert!(run.stderr.starts_with("6400 reads in, 6400 rows × 64 written to "), "{}", run.stderr);
    bm(["embed", &packed, "-o", &many, "-j", "7", "-q"]).done();
    let array = scratch.read("one.npy");
    assert!(array == scratch.read("many.npy"), "threads or compression change the array");
    assert!(array == bm(["embed", &plain, "-o", "-", "-q"]).done().stdout, "stdout differs");
    let rows = rows(&array);
    assert_eq!(rows.len(), 6_400);
    assert_eq!(rows[..800], rows[800..1_600], "the same reads");
    for row in &rows[..800] {
        let length: f32 = row.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    let expected: Vec<u8> = records(&text)
        .iter()
        .flat_map(|record| {
            let line = record.split(|byte| *byte == b'\n').next().unwrap();
            let name = line[1..].split(|byte| byte.is_ascii_whitespace()).next().unwrap();
            [name, b"\n"].concat()
        })
        .collect();
    assert!(scratch.read("names.txt") == expected, "the names differ");
}

#[test]
fn rows_of_mates_follow_each_other() {
    let scratch = Scratch::new();
    let [one, two] = MATES.map(testdata);
    let [pairs, table] = ["pairs.npy", "pairs.parquet"].map(|name| scratch.path(name));
    bm(["embed", &one, &two, "-o", &pairs, "-q"]).done();
    bm(["embed", &one, &two, "-o", &table, "-q", "-j", "3"]).done();
    let pairs = rows(&scratch.read("pairs.npy"));
    let singles = [&one, &two].map(|path| embedded(&text_of(path)));
    assert_eq!(pairs.len(), singles[0].len() + singles[1].len());
    for (i, row) in pairs.iter().enumerate() {
        assert_eq!(*row, singles[i % 2][i / 2], "row {i}");
    }
    let names: Vec<String> = records(&text_of(&one))
        .iter()
        .map(|record| {
            let text = String::from_utf8_lossy(record);
            text[1..].split_ascii_whitespace().next().unwrap().to_owned()
        })
        .collect();
    let reader = SerializedFileReader::new(Bytes::from(scratch.read("pairs.parquet"))).unwrap();
    let mut count = 0;
    for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
        let row = row.unwrap();
        let fields: Vec<_> = row.get_column_iter().collect();
        assert_eq!(
            fields.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
            ["read", "mate", "embedding"]
        );
        assert_eq!(*fields[0].1, Field::Str(names[i / 2].clone()));
        assert_eq!(*fields[1].1, Field::Int(1 + i as i32 % 2));
        let Field::ListInternal(list) = fields[2].1 else { panic!("{:?}", fields[2].1) };
        let expected: Vec<_> = pairs[i].iter().map(|value| Field::Float(*value)).collect();
        assert_eq!(list.elements(), expected, "row {i}");
        count += 1;
    }
    assert_eq!(count, pairs.len());
}

#[test]
fn a_table_of_single_reads_has_no_mates_and_may_be_empty() {
    let scratch = Scratch::new();
    let columns = |text: &[u8]| {
        let path = scratch.path("table.parquet");
        bm_with_stdin(["embed", "-", "-o", &path, "-q"], text).done();
        let reader = SerializedFileReader::new(Bytes::from(scratch.read("table.parquet"))).unwrap();
        let file = reader.metadata().file_metadata();
        let fields = file.schema().get_fields().iter().map(|field| field.name().to_owned());
        (file.num_rows(), fields.collect::<Vec<_>>())
    };
    let expected = vec!["read".to_owned(), "embedding".to_owned()];
    assert_eq!(columns(b""), (0, expected.clone()));
    assert_eq!(columns(&record("r", 100, b'5')), (1, expected));
}

#[test]
fn reads_of_any_length_have_one_row_and_those_without_words_have_zeros() {
    assert!(embedded(b"").is_empty());
    let scratch = Scratch::new();
    let path = scratch.path("v.npy");
    let mut text = b"@empty\n\n+\n\n@short\nACG\n+\nIII\n@n\nNNNNNNNN\n+\nIIIIIIII\n".to_vec();
    text.extend(record("long", 30_000, b'5'));
    text.extend(b"@four\nacgt\n+\n!!!!\n");
    let run = bm_with_stdin(["embed", "-", "-o", &path], &text).done();
    assert!(run.stderr.contains("\n3 reads have no four known bases in a row"), "{}", run.stderr);
    let rows = rows(&scratch.read("v.npy"));
    let zeros: Vec<bool> = rows.iter().map(|row| row.iter().all(|value| *value == 0.0)).collect();
    assert_eq!(zeros, [true, true, true, false, false]);
}

// Needs /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let scratch = Scratch::new();
    for name in ["full.npy", "full.parquet"] {
        std::os::unix::fs::symlink("/dev/full", scratch.folder().join(name)).unwrap();
        let message = bm(["embed", &testdata(NOVASEQ), "-q", "-o", &scratch.path(name)]).refused();
        assert!(message.contains(name) && message.contains("No space left"), "{message}");
    }
}

#[test]
fn outputs_that_are_inputs_or_have_no_folder_are_refused() {
    let scratch = Scratch::new();
    let reads = scratch.file("reads.npy", &record("r", 100, b'5'));
    let message = bm(["embed", &reads, "-o", &reads]).refused();
    assert!(message.contains("is an input too"), "{message}");
    let missing = scratch.path("missing/v.npy");
    let message = bm(["embed", &reads, "-o", &missing]).refused();
    assert!(message.contains("there is no folder"), "{message}");
    assert_eq!(scratch.names(), ["reads.npy"]);
}

#[test]
fn the_card_is_shown() {
    let run = bm(["models", "show", "embed"]).done();
    assert!(run.text().starts_with("# embed, version 1\n"), "{}", run.text());
}

#[test]
fn qualities_do_not_matter() {
    let text = record("r", 150, b'#');
    assert_eq!(embedded(&text), embedded(&record("r", 150, b'I')));
}

#[test]
fn what_cannot_be_done_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let reads =
        scratch.file("reads.fastq", &[record("r", 100, b'5'), b"@broken\nAC".to_vec()].concat());
    let [array, table, other] = ["v.npy", "v.parquet", "v.txt"].map(|name| scratch.path(name));
    for output in [&array, &table] {
        let names = scratch.path("names.txt");
        let message = bm(["embed", &reads, "-o", output, "--names", &names]).refused();
        assert!(message.contains("record 2"), "{message}");
    }
    let message = bm(["embed", &testdata(NOVASEQ), "-o", &other]).refused();
    assert!(message.contains("expected a name that ends in .npy"), "{message}");
    let message = bm(["embed", &testdata(NOVASEQ), "-o", &array, "-m", "models/none"]).refused();
    assert!(message.contains("models/none"), "{message}");
    let message = bm(["embed", &testdata(NOVASEQ), "-o", &array, "--names", &array]).refused();
    assert!(message.contains("v.npy"), "{message}");
    assert_eq!(scratch.names(), ["reads.fastq"]);
}
