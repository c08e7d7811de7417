//! BAM in and out, read back by noodles.

use std::fs;
use std::path::{Path, PathBuf};

use bm_pipeline::{Filter, Inputs, RunSettings, Silent, Trimming};
use bm_quality::Criteria;
use noodles_sam::Header;
use noodles_sam::alignment::RecordBuf;
use noodles_sam::alignment::record::data::field::Tag;
use noodles_sam::alignment::record_buf::data::field::Value;
use noodles_sam::alignment::record_buf::data::field::value::Array;
use tempfile::TempDir;

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

/// Returns the header and the records of a BAM file, as noodles reads them.
fn read(path: &Path) -> (Header, Vec<RecordBuf>) {
    let mut reader = noodles_bam::io::reader::Builder.build_from_path(path).unwrap();
    let header = reader.read_header().unwrap();
    let records = reader.record_bufs(&header).map(Result::unwrap).collect();
    (header, records)
}

/// Returns a filter that keeps all reads that can be scored.
fn keeps_all(inputs: Inputs, output: &Path) -> Filter {
    let mut filter = Filter::new(inputs, output);
    filter.settings.criteria =
        Criteria { max_expected_error_rate: Some(1.0), ..Criteria::default() };
    filter.settings.command_line = "bm filter as the test calls it".to_owned();
    filter
}

fn run(filter: &Filter) -> Vec<String> {
    let warnings = Warnings::default();
    drop(filter.run(&warnings).unwrap().commit().unwrap());
    warnings.0.into_inner().unwrap()
}

/// Keeps the warnings of a run.
#[derive(Default)]
struct Warnings(std::sync::Mutex<Vec<String>>);

impl bm_pipeline::Observer for Warnings {
    fn warn(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

fn name(record: &RecordBuf) -> String {
    record.name().unwrap().to_string()
}

fn text<'a>(record: &'a RecordBuf, tag: &[u8; 2]) -> Option<&'a Value> {
    record.data().get(&Tag::new(tag[0], tag[1]))
}

#[test]
fn bam_to_bam_changes_nothing_but_the_header() {
    for file in ["bam/pairs.bam", "bam/nanopore.bam"] {
        let folder = TempDir::new().unwrap();
        let (input, output) = (testdata(file), folder.path().join("kept.bam"));
        assert!(run(&keeps_all(Inputs::single(&input), &output)).is_empty());
        let ((old, given), (new, kept)) = (read(&input), read(&output));
        assert!(!given.is_empty() && kept == given, "{file}");
        assert_eq!(new.read_groups(), old.read_groups());
        let programs = new.programs();
        assert_eq!(programs.as_ref().len(), old.programs().as_ref().len() + 1);
        let stored = fs::read(&output).unwrap();
        let (end, stored_end) = (fs::read(&input).unwrap(), &stored[stored.len() - 28..]);
        assert_eq!(stored_end, &end[end.len() - 28..], "the end-of-file block");
    }
}

#[test]
fn mates_of_two_files_go_into_one_bam_with_flags() {
    let folder = TempDir::new().unwrap();
    let mates =
        [1, 2].map(|mate| testdata(&format!("hiseq_measles/hiseq_measles_{mate}.fastq.gz")));
    let output = folder.path().join("kept.bam");
    let mut filter = keeps_all(Inputs::pair(&mates[0], &mates[1]), &output);
    filter.annotate = true;
    run(&filter);
    let (_, kept) = read(&output);
    assert_eq!(kept.len() % 2, 0);
    assert!(kept.len() > 2_000);
    for pair in kept.chunks(2) {
        assert_eq!([pair[0].flags().bits(), pair[1].flags().bits()], [77, 141]);
        assert_eq!(name(&pair[0]), name(&pair[1]));
        let comment = |record| match text(record, b"CO") {
            Some(Value::String(text)) => text.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(comment(&pair[0]).starts_with("1:N:") && comment(&pair[1]).starts_with("2:N:"));
        for (tag, most) in [(b"ZP", 1.0), (b"ZE", 101.0), (b"ZQ", 1.0)] {
            let Some(Value::Float(value)) = text(&pair[1], tag) else { panic!("{tag:?}") };
            assert!((0.0..=most).contains(value));
        }
    }
    // The bases and qualities are those of the files.
    let fastq = folder.path().join("kept.fastq");
    run(&keeps_all(Inputs::pair(&mates[0], &mates[1]), &fastq));
    let lines = fs::read_to_string(&fastq).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4 * kept.len());
    for (record, lines) in kept.iter().zip(lines.chunks(4)) {
        assert_eq!(record.sequence().as_ref(), lines[1].as_bytes());
        let scores: Vec<u8> = lines[3].bytes().map(|byte| byte - b'!').collect();
        assert_eq!(record.quality_scores().as_ref(), scores);
    }
}

#[test]
fn tags_are_cut_with_the_read_and_the_others_are_named() {
    const FRONT: usize = 40;
    const TAIL: usize = 25;
    let folder = TempDir::new().unwrap();
    let (input, output) = (testdata("bam/nanopore.bam"), folder.path().join("kept.bam"));
    let mut filter = keeps_all(Inputs::single(&input), &output);
    filter.settings.trimming = Trimming { cut_front: FRONT, cut_tail: TAIL, ..Trimming::NONE };
    let warnings = run(&filter);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("mv (12 reads), ns (12 reads), ts (12 reads)"), "{warnings:?}");
    let ((_, given), (_, kept)) = (read(&input), read(&output));
    assert_eq!(kept.len(), given.len());
    for (old, new) in given.iter().zip(&kept) {
        let length = old.sequence().len() - FRONT - TAIL;
        let part = FRONT..FRONT + length;
        assert_eq!(new.sequence().as_ref(), &old.sequence().as_ref()[part.clone()]);
        assert!([b"mv", b"ts", b"ns"].iter().all(|tag| text(new, tag).is_none()));
        assert_eq!(text(new, b"RG"), text(old, b"RG"));
        assert_eq!(text(new, b"qs"), text(old, b"qs"));
        let places = |record: &RecordBuf| modified(record);
        let expected: Vec<(usize, [u8; 2])> = places(old)
            .into_iter()
            .filter(|(place, _)| part.contains(place))
            .map(|(place, likelihoods)| (place - FRONT, likelihoods))
            .collect();
        assert!(expected.len() > 5 && places(new) == expected);
        assert_eq!(text(new, b"MN").and_then(Value::as_int), Some(length as i64));
    }
}

/// Returns the places of the modified Cs of a read, and their two probabilities.
fn modified(record: &RecordBuf) -> Vec<(usize, [u8; 2])> {
    let Some(Value::String(list)) = text(record, b"MM") else { panic!("no MM") };
    let Some(Value::Array(Array::UInt8(likelihoods))) = text(record, b"ML") else {
        panic!("no ML")
    };
    let sequence = record.sequence().as_ref();
    let mut bases = (0..sequence.len()).filter(|place| sequence[*place] == b'C');
    let list = list.to_string();
    let skips = list.strip_prefix("C+hm?,").unwrap().strip_suffix(';').unwrap().split(',');
    let places = skips.map(|skip| bases.nth(skip.parse().unwrap()).unwrap());
    let (pairs, rest) = likelihoods.as_chunks::<2>();
    assert!(rest.is_empty());
    let found: Vec<_> = places.zip(pairs.iter().copied()).collect();
    assert_eq!(found.len(), pairs.len());
    found
}

#[test]
fn new_qualities_keep_the_old_ones_beside_them() {
    let folder = TempDir::new().unwrap();
    let (input, output) = (testdata("bam/pairs.bam"), folder.path().join("kept.bam"));
    let mut filter = keeps_all(Inputs::single(&input), &output);
    filter.recalibrate = true;
    filter.settings.trimming = Trimming { cut_front: 3, ..Trimming::NONE };
    assert!(run(&filter).is_empty());
    let ((_, given), (_, kept)) = (read(&input), read(&output));
    assert_eq!(kept.len(), given.len());
    for (old, new) in given.iter().zip(&kept) {
        let scores: Vec<u8> =
            old.quality_scores().as_ref()[3..].iter().map(|it| it + b'!').collect();
        let Some(Value::String(first)) = text(new, b"OQ") else { panic!("no OQ") };
        assert_eq!(first.to_vec(), scores);
        assert_ne!(new.quality_scores().as_ref(), &old.quality_scores().as_ref()[3..]);
        assert!(
            matches!(text(new, b"ZM"), Some(Value::String(model)) if model.starts_with(b"read-error/"))
        );
    }
    // Those that are there already are the first ones.
    let again = folder.path().join("again.bam");
    let mut filter = keeps_all(Inputs::single(&output), &again);
    filter.recalibrate = true;
    let warnings = run(&filter);
    assert!(
        warnings[0].contains("tags that reads had already stay as they were: ZM (500"),
        "{warnings:?}"
    );
    let (_, twice) = read(&again);
    assert!(kept.iter().zip(&twice).all(|(one, two)| text(one, b"OQ") == text(two, b"OQ")));
}

#[test]
fn tags_go_into_descriptions_on_request_and_come_back() {
    let folder = TempDir::new().unwrap();
    let (input, fastq) = (testdata("bam/nanopore.bam"), folder.path().join("kept.fastq"));
    let mut filter = keeps_all(Inputs::single(&input), &fastq);
    filter.tags = "RG,qs".parse().unwrap();
    run(&filter);
    let text = fs::read_to_string(&fastq).unwrap();
    assert!(text.starts_with("@1\tqs:f:12.5\tRG:Z:run_model\n"), "{}", &text[..60]);
    filter.tags = "*".parse().unwrap();
    run(&filter);
    let back = folder.path().join("back.bam");
    run(&keeps_all(Inputs::single(&fastq), &back));
    let ((_, given), (header, found)) = (read(&input), read(&back));
    assert_eq!(header.programs().as_ref().len(), 1);
    for (old, new) in given.iter().zip(&found) {
        assert_eq!(
            (name(old), old.sequence(), old.flags()),
            (name(new), new.sequence(), new.flags())
        );
        for ((one, old), (other, new)) in old.data().iter().zip(new.data().iter()) {
            let as_int = |value: &Value| value.as_int();
            assert!(one == other && (old == new || as_int(old) == as_int(new)), "{one:?}");
        }
    }
}

#[test]
fn what_bam_cannot_have_is_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |inputs: Inputs, change: &dyn Fn(&mut Filter)| {
        let output = folder.path().join("kept.bam");
        let mut filter = keeps_all(inputs, &output);
        change(&mut filter);
        let error = filter.run(&Silent).err().unwrap().to_string();
        assert!(!output.exists());
        error
    };
    let long = format!("@{}\nACGT\n+\nIIII\n", "x".repeat(255));
    let message = refused(Inputs::text(long), &|_| {});
    assert!(message.contains("record 1") && message.contains("BAM has no such name"), "{message}");
    let pairs = || Inputs::single(testdata("bam/pairs.bam"));
    let message = refused(pairs(), &|filter| filter.output2 = Some(folder.path().join("b.fastq")));
    assert!(message.contains("both mates of a pair go into one BAM file"), "{message}");
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    let folder = TempDir::new().unwrap();
    let of = |threads| {
        let output = folder.path().join(format!("{threads}.bam"));
        let inputs = Inputs::single(testdata("bam/pairs.bam"));
        let mut filter = keeps_all(inputs, &output);
        filter.settings = RunSettings { threads, ..filter.settings };
        run(&filter);
        fs::read(output).unwrap()
    };
    assert!(of(1) == of(4));
}
