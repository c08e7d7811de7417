//! Unaligned BAM as input: the same results as for FASTQ, and faults with an address.

use std::fs;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::broken::fails;
use crate::faults::{Row, check, code};
use crate::support::{HISEQ, Scratch, bm, bm_with_stdin, command, run, testdata};

/// Pairs of two read groups, made by pysam; see `testdata/make_bam.py`.
const PAIRS: &str = "bam/pairs.bam";
const LONG: &str = "bam/nanopore.bam";

/// Returns the bytes of a BAM file, inflated.
pub(crate) fn inflated(stored: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(stored).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Returns the records of an inflated BAM file, each with its size, and where the first one begins.
pub(crate) fn records_of(bam: &[u8]) -> (usize, Vec<&[u8]>) {
    let size = |at: usize| u32::from_le_bytes(bam[at..at + 4].try_into().unwrap()) as usize;
    let mut at = 8 + size(4);
    let references = size(at);
    at += 4;
    for _ in 0..references {
        at += 8 + size(at);
    }
    let (first, mut records) = (at, Vec::new());
    while at < bam.len() {
        let end = at + 4 + size(at);
        records.push(&bam[at..end]);
        at = end;
    }
    (first, records)
}

/// Returns the records of an inflated BAM file as FASTQ: by the specification, one base after the other.
pub(crate) fn fastq_of(bam: &[u8]) -> String {
    let mut text = String::new();
    for record in records_of(bam).1 {
        let number =
            |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize;
        let (name, bases) = (usize::from(record[12]), number(20));
        let sequence = 36 + name + 4 * usize::from(record[16]);
        let scores = sequence + bases.div_ceil(2);
        text.push('@');
        text.push_str(std::str::from_utf8(&record[36..36 + name - 1]).unwrap());
        text.push('\n');
        for place in 0..bases {
            let byte = record[sequence + place / 2];
            let code = if place % 2 == 0 { byte >> 4 } else { byte & 15 };
            text.push(char::from(b"=ACMGRSVTWYHKDBN"[usize::from(code)]));
        }
        text.push_str("\n+\n");
        text.extend(record[scores..scores + bases].iter().map(|score| char::from(score + b'!')));
        text.push('\n');
    }
    text
}

/// Returns the stored bytes of a file of the test data, and its reads as a FASTQ file.
fn both(scratch: &Scratch, file: &str) -> (String, String) {
    let path = testdata(file);
    let text = fastq_of(&inflated(&fs::read(&path).unwrap()));
    (path, scratch.file("reads.fastq", text.as_bytes()))
}

#[test]
fn reads_are_filtered_and_scored_as_those_of_fastq() {
    // Mates are known by their flags; the other flag changes nothing.
    const NOTHING: &str = "--threads=1";
    for (file, flag) in [(PAIRS, "--interleaved"), (LONG, NOTHING)] {
        let scratch = Scratch::new();
        let (bam, fastq) = both(&scratch, file);
        let inflated = scratch.file("inflated", &inflated(&fs::read(&bam).unwrap()));
        for command in ["filter", "score"] {
            let all = "--max-ee-rate=0.9";
            let of = |input: &str, flag| bm([command, all, flag, input, "-o", "-"]).done().stdout;
            let expected = of(&fastq, flag);
            assert!(expected.len() > 500);
            for (input, flag) in [(&bam, NOTHING), (&bam, flag), (&inflated, NOTHING)] {
                assert!(of(input, flag) == expected, "{command} {input} {flag}");
            }
            let stored = fs::read(&bam).unwrap();
            let run = bm_with_stdin([command, all, flag, "-", "-o", "-"], &stored).done();
            assert!(run.stdout == expected, "{command} {file}, stdin");
        }
    }
}

#[test]
fn a_run_is_learned_from_bam_as_from_fastq() {
    let scratch = Scratch::new();
    let (bam, fastq) = both(&scratch, PAIRS);
    let of = |input: &str| {
        let run = bm(["filter", "--adapt", "--interleaved", "-o", "-", input]).done();
        let observation = scratch.path("part.observation");
        bm(["observe", "--interleaved", input, "-o", &observation]).done();
        assert!(fs::metadata(&observation).unwrap().len() > 10_000);
        run.stdout
    };
    assert!(of(&bam) == of(&fastq));
}

#[test]
fn mates_in_a_stream_are_named_by_the_user() {
    let stored = fs::read(testdata(PAIRS)).unwrap();
    let message = bm_with_stdin(["filter", "-", "-o", "-"], &stored).refused();
    assert!(message.contains("by its flags (0x4d), the read has a mate"), "{message}");
    assert!(message.contains("say --interleaved"), "{message}");
    let stored = fs::read(testdata(LONG)).unwrap();
    let message = bm_with_stdin(["filter", "--interleaved", "-", "-o", "-"], &stored).refused();
    assert!(message.contains("by its flags (0x4), the read has no mate"), "{message}");
}

#[test]
fn what_bm_does_not_read_is_refused_by_name() {
    let scratch = Scratch::new();
    let cram = scratch.file("reads.cram", b"CRAM\x03\0 and more of it");
    let message = bm(["filter", &cram, "-o", "-"]).refused();
    assert!(message.contains("is CRAM, which bm does not read; `samtools view -b`"), "{message}");
    let message = bm(["filter", &testdata("hiseq_measles/hiseq_measles.bam"), "-o", "-"]).refused();
    assert!(message.contains("is aligned (flag 0x"), "{message}");
    assert!(message.contains("samtools reset") && message.contains("samtools fastq"), "{message}");
    let message = bm(["filter", &testdata(LONG), "-o", "-", "--shard", "1/2"]).refused();
    assert!(message.contains("--shard divides text, not BAM"), "{message}");
    let message = bm(["filter", &testdata(LONG), "-o", "-", "--phred64"]).refused();
    assert!(message.contains("is BAM, whose quality scores have no offset"), "{message}");
}

#[test]
fn damaged_files_leave_no_output() {
    let stored = fs::read(testdata(LONG)).unwrap();
    let bytes = inflated(&stored);
    let (first, records) = records_of(&bytes);
    let scratch = Scratch::new();
    let third = first + records[0].len() + records[1].len();
    let mut changed = bytes.clone();
    changed[third + 4 + 14] = 0;
    let message = fails(&scratch.file("aligned.bam", &changed));
    assert!(message.contains(&format!("record 3 (read 3, byte {third}): is aligned")), "{message}");
    let message = fails(&scratch.file("cut.bam", &bytes[..bytes.len() - 1]));
    assert!(message.contains("the file ends inside the record, after"), "{message}");
    let message = fails(&scratch.file("header.bam", &bytes[..20]));
    assert!(message.contains("ends inside its header"), "{message}");
    let mut damaged = stored.clone();
    damaged[stored.len() / 2] ^= 0x55;
    let message = fails(&scratch.file("damaged.bam", &damaged));
    assert!(message.contains("damaged"), "{message}");
}

#[test]
fn a_missing_end_is_a_warning_or_with_strict_an_error() {
    const END: usize = 28;
    let stored = fs::read(testdata(LONG)).unwrap();
    let scratch = Scratch::new();
    let path = scratch.file("cut.bam", &stored[..stored.len() - END]);
    let run = bm(["filter", &path, "-o", "-"]).done();
    assert!(run.stderr.contains("cut.bam"), "{}", run.stderr);
    let message = bm(["filter", "--strict", &path, "-o", "-"]).refused();
    assert!(message.contains("end-of-file"), "{message}");
}

#[test]
fn options_for_pairs_apply_to_bam_by_its_flags() {
    let scratch = Scratch::new();
    let (bam, fastq) = both(&scratch, PAIRS);
    let outputs = ["1.fq", "2.fq", "s.fq", "m.fq"].map(|name| scratch.path(name));
    let [first, second, singles, merged] = &outputs;
    let options = ["-O", second, "--singles", singles, "--merge", merged, "--pair", "both"];
    let of = |input: &[&str]| {
        let limit = ["--max-ee", "0.3", "-q", "-o", first];
        run(command(["filter"]).args(limit).args(input).args(options)).done();
        ["1.fq", "2.fq", "s.fq", "m.fq"].map(|name| scratch.read(name))
    };
    let found = of(&[&bam]);
    // No mates of this run overlap.
    assert!(found[..3].iter().all(|text| text.len() > 100));
    assert!(found == of(&[&fastq, "--interleaved"]));
    // Nothing says so of single reads, nor of stdin before it is read.
    for option in options.chunks(2) {
        let name = if option[0] == "--pair" { "--pair is for pairs" } else { option[0] };
        for input in [&testdata(LONG), "-"] {
            let arguments = [&["filter", input, "-o", first][..], option].concat();
            let message = run(&mut command(arguments)).misused();
            assert!(message.contains(name) && message.contains("--interleaved"), "{message}");
        }
    }
    let scores =
        |input: &[&str]| run(command(["score", "-q", "--pair", "any"]).args(input)).done().stdout;
    assert!(scores(&[&bam]) == scores(&[&fastq, "--interleaved"]));
}

#[test]
fn samples_of_bam_have_bam_outputs() {
    let scratch = Scratch::new();
    let [pairs, long] = [PAIRS, LONG].map(testdata);
    let sheet = format!("sample,fastq_1\nboth,{pairs}\nboth,{long}\n");
    let sheet = scratch.file("sheet.csv", sheet.as_bytes());
    let folder = scratch.path("kept");
    bm(["filter", "--sheet", &sheet, "-o", &folder, "-q", "--max-ee-rate=0.9"]).done();
    let reads = |name: &str| fastq_of(&inflated(&fs::read(format!("{folder}/{name}")).unwrap()));
    let of = |input: &str| bm(["filter", input, "-o", "-", "--max-ee-rate=0.9"]).done().stdout;
    assert!(reads("both.bam").into_bytes() == of(&pairs));
    assert!(reads("both_singles.bam").into_bytes() == of(&long));
    let sheet = format!("sample,fastq_1\nx,{pairs}\nx,{}\n", testdata(HISEQ));
    let sheet = scratch.file("sheet.csv", sheet.as_bytes());
    let message = bm(["filter", "--sheet", &sheet, "-o", &scratch.path("none")]).refused();
    assert!(message.contains("sample x: 1 of its 2 files are BAM"), "{message}");
    assert!(!scratch.names().contains(&"none".to_owned()));
}

/// Broken files, as rows of the document.
#[test]
fn broken_files_are_refused_with_their_address() {
    let bytes = inflated(&fs::read(testdata(LONG)).unwrap());
    let (first, records) = records_of(&bytes);
    let third = first + records[0].len() + records[1].len();
    let name = usize::from(records[2][12]);
    let bases = u32::from_le_bytes(records[2][20..24].try_into().unwrap()) as usize;
    let sequence = third + 36 + name;
    let scores = sequence + bases.div_ceil(2);
    let with = |at: usize, new: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + new.len()].copy_from_slice(new);
        changed
    };
    let cut = |length: usize| bytes[..length].to_vec();
    let rows = [
        ("the file ends inside the header", cut(20)),
        ("… inside the size of a record", cut(third + 2)),
        ("… inside a record", cut(third + 100)),
        ("a record of 4 GB", with(third, &[0xff; 4])),
        ("a record of 8 bytes", with(third, &[8, 0, 0, 0])),
        ("more bases than the record has bytes", with(third + 20, &[0xff; 4])),
        ("a name without its end", with(third + 36 + name - 1, b"x")),
        ("a name with a space", with(third + 36, b" ")),
        ("an aligned read", with(third + 18, &[0, 0])),
        ("a secondary alignment", with(third + 18, &[4, 1])),
        ("a read stored as its reverse complement", with(third + 18, &[20, 0])),
        ("a base that is the reference's (=)", with(sequence, &[0])),
        ("no qualities", with(scores, &vec![0xff; bases])),
        ("a quality of 94", with(scores + 5, &[94])),
        ("a tag of an unknown type", with(scores + bases + 2, b"Q")),
        ("an array of 4 GB in a tag", {
            let place = bytes[scores + bases..].windows(4).position(|it| it == b"MLBC").unwrap();
            with(scores + bases + place + 4, &[0xff; 4])
        }),
    ]
    .map(|(given, content)| {
        let scratch = Scratch::new();
        let path = scratch.file("reads.bam", &content);
        let message = fails(&path);
        let said = message.strip_prefix(&format!("bm: {path}: ")).unwrap().trim_end();
        let is_header = given.contains("header");
        assert!(is_header || said.starts_with("record 3 ("), "{given}: {said}");
        let piped = bm_with_stdin(["filter", "-", "-o", &scratch.path("kept.bam")], &content);
        assert_eq!(piped.refused().trim_end(), format!("bm: stdin: {said}"), "{given}");
        assert_eq!(scratch.names(), ["reads.bam"], "{given}");
        Row::new(given, 1, code(&format!("reads.bam: {said}")))
    });
    check("Unaligned BAM", &rows);
}
