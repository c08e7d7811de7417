//! Shards of files: one after the other, their records are those of the file.

use std::fs;
use std::io::Write;
use std::path::Path;

use bm_io::{Between, DivisibleFile, Input, IoError, PartOfFile, Shard, Tasks};
use bm_reads::fastq::{QualityOffset, Record};
use bm_reads::mates;
use proptest::prelude::*;

type Records = Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>;

/// Returns all records, up to the first fault.
fn records(mut input: Input) -> Result<Records, IoError> {
    let (mut record, mut records) = (Record::default(), Records::new());
    while input.read_record(&mut record)? {
        let parts = [record.definition(), record.sequence(), record.quality_scores()];
        let [definition, sequence, quality_scores] = parts.map(<[u8]>::to_vec);
        records.push((definition, sequence, quality_scores));
    }
    Ok(records)
}

fn of_file(path: &Path) -> Result<Records, IoError> {
    records(Input::open(path, QualityOffset::Phred33, &Tasks::for_workers(0))?)
}

fn of_part(part: &PartOfFile<'_>) -> Result<Records, IoError> {
    records(Input::open_part(part, QualityOffset::Phred33, &Tasks::for_workers(0), None)?)
}

fn shards(of: u32) -> impl Iterator<Item = Shard> {
    (1..=of).map(move |index| Shard::new(index, of).expect("it exists"))
}

fn of_shards(path: &Path, of: u32, between: Between) -> Result<Vec<Records>, IoError> {
    let file = DivisibleFile::open(path, false)?;
    shards(of).map(|shard| of_part(&file.part(shard, between)?)).collect()
}

/// Writes a text, as it is or in blocks of this many bytes.
fn write(path: &Path, text: &[u8], block: Option<usize>) {
    let Some(block) = block else { return fs::write(path, text).expect("it is written") };
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    for piece in text.chunks(block) {
        writer.write_all(piece).and_then(|()| writer.flush()).expect("memory is written");
    }
    fs::write(path, writer.finish().expect("memory is written")).expect("it is written");
}

/// A record whose quality scores may look like any line.
fn record() -> impl Strategy<Value = (String, String, String)> {
    let bases = (0_usize..12).prop_flat_map(|length| {
        let sequence = proptest::collection::vec(proptest::sample::select(&b"ACGTN"[..]), length);
        let qualities = proptest::sample::select(&b"@@++ACGTI!~"[..]);
        (sequence, proptest::collection::vec(qualities, length))
    });
    ("[a-z@+]{0,5}( [12]:N:0:A)?", bases).prop_map(|(definition, (sequence, quality_scores))| {
        let text = |bytes| String::from_utf8(bytes).expect("it is ASCII");
        (definition, text(sequence), text(quality_scores))
    })
}

/// A text of records, with either line end, and perhaps none at the end.
fn text() -> impl Strategy<Value = String> {
    let records = proptest::collection::vec((record(), "\r?\n"), 0..40);
    (records, any::<bool>()).prop_map(|(records, has_end)| {
        let mut text = String::new();
        for ((definition, sequence, quality_scores), end) in &records {
            text += &format!("@{definition}{end}{sequence}{end}+{end}{quality_scores}{end}");
        }
        if !has_end && records.last().is_some_and(|((_, sequence, _), ..)| !sequence.is_empty()) {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

proptest! {
    #[test]
    fn shards_of_any_text_are_the_text(
        text in text(),
        of in 1_u32..9,
        block in proptest::option::of(1_usize..90),
    ) {
        let folder = tempfile::tempdir().expect("there is a folder");
        let path = folder.path().join("x.fastq");
        write(&path, text.as_bytes(), block);
        let whole = of_file(&path).expect("the records are right");
        let parts = of_shards(&path, of, Between::Records).expect("it is divided");
        prop_assert_eq!(parts.concat(), whole);
    }

    #[test]
    fn shards_of_mates_hold_the_same_templates(
        reads in proptest::collection::vec((record(), record()), 0..40),
        of in 1_u32..9,
        block in proptest::option::of(1_usize..90),
        ends in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("there is a folder");
        let paths = ["1", "2", "both"].map(|name| folder.path().join(name));
        let mut texts = [String::new(), String::new(), String::new()];
        for (i, (one, other)) in reads.iter().enumerate() {
            for (mate, (_, sequence, quality_scores)) in [one, other].into_iter().enumerate() {
                let number = if ends { format!("/{}", mate + 1) } else { String::new() };
                let text = format!("@r{i}{number}\n{sequence}\n+\n{quality_scores}\n");
                texts[mate] += &text;
                texts[2] += &text;
            }
        }
        for (path, text) in paths.iter().zip(&texts) {
            write(path, text.as_bytes(), block);
        }
        let [first, second] = [0, 1]
            .map(|mate| DivisibleFile::open(&paths[mate], false).expect("it is opened"));
        let mut found = [Records::new(), Records::new()];
        for shard in shards(of) {
            let parts = DivisibleFile::parts_of_mates(&first, &second, shard).expect("divided");
            let [one, other] = parts.map(|part| of_part(&part).expect("the records are right"));
            prop_assert_eq!(one.len(), other.len());
            for (one, other) in one.iter().zip(&other) {
                prop_assert_eq!(mates::check(&one.0, &other.0), None);
            }
            found[0].extend(one);
            found[1].extend(other);
        }
        prop_assert_eq!(&found[0], &of_file(&paths[0]).expect("right"));
        prop_assert_eq!(&found[1], &of_file(&paths[1]).expect("right"));
        let parts = of_shards(&paths[2], of, Between::Pairs).expect("it is divided");
        prop_assert!(parts.iter().all(|part| part.len() % 2 == 0));
        prop_assert_eq!(parts.concat(), of_file(&paths[2]).expect("right"));
    }
}

#[test]
fn shards_of_a_large_file_are_about_as_large() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = folder.path().join("x.fastq.gz");
    let text: String = (0..20_000)
        .map(|i| format!("@read{i}\n{}\n+\n{}\n", "ACGTTGCA".repeat(6), "@+I!IIII".repeat(6)))
        .collect();
    for block in [None, Some(60_000)] {
        write(&path, text.as_bytes(), block);
        let whole = of_file(&path).expect("the records are right");
        for of in [2, 7] {
            let parts = of_shards(&path, of, Between::Records).expect("it is divided");
            let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
            let usual = whole.len() / of as usize;
            assert!(sizes.iter().all(|size| size.abs_diff(usual) < usual / 2), "{sizes:?}");
            assert!(parts.concat() == whole);
        }
    }
}

#[test]
fn the_text_before_a_shard_is_known_up_to_a_limit() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = folder.path().join("x");
    let text = "@a\nACGT\n+\nIIII\n".repeat(200);
    for block in [None, Some(100)] {
        write(&path, text.as_bytes(), block);
        let file = DivisibleFile::open(&path, false).expect("it is opened");
        let mut before = 0;
        for shard in shards(5) {
            let part = file.part(shard, Between::Records).expect("it is divided");
            assert_eq!(part.text_before(10_000).expect("it is read"), Some(before));
            let is_far = before > 1_000;
            assert_eq!(part.text_before(1_000).expect("it is read").is_none(), is_far);
            before += 15 * of_part(&part).expect("the records are right").len() as u64;
        }
        assert_eq!(before, text.len() as u64);
    }
}

#[test]
fn what_cannot_be_divided_is_refused() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = folder.path().join("x");
    let reads = "@a\nACGT\n+\nIIII\n".repeat(500);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(reads.as_bytes()).expect("memory is written");
    let gzip = gzip.finish().expect("memory is written");
    let zstd = zstd::bulk::compress(reads.as_bytes(), 1).expect("memory is written");
    for (stored, expected) in [(gzip, "gzip -dc FILE | bgzip"), (zstd, "zstd -dc FILE | bgzip")] {
        fs::write(&path, stored).expect("it is written");
        let error = DivisibleFile::open(&path, false).map(drop).expect_err("one stream");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let wrapped = "@a\nACGT\nACGT\n+\nIIII\nIIII\n".repeat(50);
    write(&path, wrapped.as_bytes(), None);
    let error = of_shards(&path, 2, Between::Records).expect_err("it is wrapped").to_string();
    assert!(error.contains("more than four lines"), "{error}");
    assert!(of_shards(&path, 1, Between::Records).is_ok(), "a file that is not cut is read");
    let stream = DivisibleFile::open(Path::new("/dev/null"), false).map(drop);
    assert!(stream.expect_err("a stream").to_string().contains("a stream has no parts"));
}

#[test]
fn a_cut_within_a_record_is_an_error_of_the_shard_before_it() {
    // Wrapped quality scores that look like records of four lines, as many as are looked at.
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = folder.path().join("x");
    let inside = "@aa\nACG\n+bb\nIII\n".repeat(40);
    let inside: String = inside.lines().map(|line| format!("{line:I<4}\n")).collect();
    let bases = inside.replace('\n', "").len();
    let text = format!("@a\n{}\n+\n{inside}@b\nA\n+\nI\n", "ACGT\n".repeat(bases / 4).trim_end());
    write(&path, text.as_bytes(), None);
    assert_eq!(of_file(&path).expect("the records are right").len(), 2);
    assert!(of_shards(&path, 3, Between::Records).is_err());
}

#[test]
fn mates_whose_names_occur_again_and_again_are_not_lost_in_silence() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let paths = ["1", "2"].map(|name| folder.path().join(name));
    // The second mates are short at first, and then long.
    let long = "A".repeat(90);
    let reads = |bases: &str| format!("@r\n{bases}\n+\n{}\n", bases.replace('A', "I"));
    let [first, second] =
        [reads("AA").repeat(400), reads("A").repeat(200) + &reads(&long).repeat(200)];
    write(&paths[0], first.as_bytes(), None);
    write(&paths[1], second.as_bytes(), None);
    let [first, second] =
        [0, 1].map(|mate| DivisibleFile::open(&paths[mate], false).expect("it is opened"));
    let differs = shards(4).any(|shard| {
        let parts = DivisibleFile::parts_of_mates(&first, &second, shard);
        let Ok([one, other]) = parts else { return true };
        let count = |part| of_part(&part).map_or(0, |records| records.len());
        count(one) != count(other)
    });
    assert!(differs, "the numbers of mates differ in a shard, which its reader refuses");
}
