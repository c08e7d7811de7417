//! Every fault of inputs and outputs: the message of `bm`, its exit code, and the files it leaves.
//! These tests write `FAULTS.md`.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::broken;
use crate::support::{
    BM, HISEQ, MEASLES, MEASLES_2, Run, Scratch, bm, bm_with_stdin, command, gzip, json, record,
    records, run, shell, testdata, text_of,
};

#[cfg(target_os = "linux")]
mod linux;

/// A row of the document.
pub(crate) struct Row {
    /// The faulty input or output.
    given: String,
    code: i32,
    /// What `bm` prints or does, without the paths of this machine.
    said: String,
}

impl Row {
    pub(crate) fn new(given: &str, code: i32, said: impl Into<String>) -> Self {
        Self { given: given.to_owned(), code, said: said.into() }
    }
}

/// Returns the text as Markdown code.
pub(crate) fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Only one section at a time is compared or written.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Compares a section of the document with the rows found; `BM_BLESS=1` writes it.
#[track_caller]
pub(crate) fn check(section: &str, rows: &[Row]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md");
    let _lock = DOCUMENT.lock().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let title = format!("## {section}\n");
    let start = text.find(&title).unwrap_or_else(|| panic!("FAULTS.md has no section {section}"))
        + title.len();
    let end = text[start..].find("\n## ").map_or(text.len(), |length| start + length + 1);
    let table = text[start..end].find("| given |").map_or(end, |place| start + place);
    let mut found = "| given | exit code | what `bm` says or does |\n|---|---|---|\n".to_owned();
    for Row { given, code, said } in rows {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        found += &format!("| {} | {code} | {} |\n", cell(given), cell(said));
    }
    if end < text.len() {
        found.push('\n');
    }
    if env::var_os("BM_BLESS").is_some() {
        fs::write(&path, [&text[..table], &found, &text[end..]].concat()).unwrap();
        return;
    }
    assert!(
        text[table..end] == found,
        "FAULTS.md, {section}, differs from the outcome; if this is intended, run with BM_BLESS=1\n\
         --- was\n{}--- is\n{found}",
        &text[table..end]
    );
}

/// An input that is refused, and the address of its fault.
struct Broken {
    given: &'static str,
    /// Name of the file in the document.
    file: &'static str,
    content: Vec<u8>,
    /// Number of the record, its name if known, and the byte where it starts.
    address: Option<(usize, Option<&'static str>, usize)>,
}

/// Checks that every command refuses the input with the same message, as a file and on stdin, and
/// leaves older outputs unchanged.
#[track_caller]
fn refused(Broken { given, file, content, address }: Broken) -> Row {
    let scratch = Scratch::new();
    let path = scratch.file(file, &content);
    let message = broken::fails(&path);
    let said = message
        .strip_prefix(&format!("bm: {path}: "))
        .unwrap_or_else(|| panic!("{given}: {message}"))
        .trim_end();
    if let Some((record, name, byte)) = address {
        let name = name.map(|name| format!("read {name}, ")).unwrap_or_default();
        let address = format!("record {record} ({name}byte {byte}): ");
        assert!(said.starts_with(&address), "{given}: {said}, expected {address}");
    }
    let kept = scratch.path("kept.fastq");
    let piped = bm_with_stdin(["filter", "-", "-o", &kept], &content).refused();
    assert_eq!(piped.trim_end(), format!("bm: stdin: {said}"), "{given}");
    assert_eq!(scratch.names(), [file], "{given}");
    Row::new(given, 1, code(&format!("{file}: {said}")))
}

/// Checks that a file is read to its end, and that every read is in one of the outputs.
#[track_caller]
fn read(given: &str, path: &str, reads: usize) -> Row {
    let scratch = Scratch::new();
    let [kept, dropped, report] =
        ["kept.fastq", "dropped.fastq", "report.json"].map(|name| scratch.path(name));
    let run =
        bm(["filter", path, "-o", &kept, "--discarded", &dropped, "--report", &report, "-t", "0"])
            .done();
    let counts = &json(&scratch.read("report.json"))["reads"];
    let count = |key: &str| usize::try_from(counts[key].as_u64().unwrap()).unwrap();
    assert_eq!(count("in"), reads, "{given}");
    assert_eq!(count("kept") + count("discarded") + count("unscored"), reads, "{given}");
    let [kept, dropped] = ["kept.fastq", "dropped.fastq"].map(|name| scratch.read(name));
    assert_eq!(
        (records(&kept).len(), records(&dropped).len()),
        (count("kept"), count("discarded") + count("unscored")),
        "{given}"
    );
    assert!(!kept.contains(&b'\r') && !dropped.contains(&b'\r'), "{given}");
    // The same from stdin.
    let stored = fs::read(path).unwrap();
    let again = bm_with_stdin(["filter", "-", "-o", "-", "-t", "0", "-q"], &stored).done().stdout;
    assert!(again == kept, "{given}: stdin and file differ");
    let mut said = format!("read: {} kept", count("kept"));
    if count("unscored") > 0 {
        said += &format!(", {} unscored", count("unscored"));
    }
    let is_note = |line: &&str| line.starts_with("note") || line.contains("does not apply");
    let notes: Vec<_> =
        run.stderr.lines().filter(is_note).map(|line| format!("; says {}", code(line))).collect();
    Row::new(given, 0, said + &notes.concat())
}

/// Returns two valid records, to put before an invalid one.
fn before() -> Vec<u8> {
    [record("r1", 60, b'I'), record("r2", 60, b'5')].concat()
}

/// Checks that two valid records followed by `wrong` are refused; the name of the third is `r3` if
/// it has one.
#[track_caller]
fn third(given: &'static str, name: Option<&'static str>, wrong: &[u8]) -> Row {
    let before = before();
    let byte = before.len();
    let content = [&before, wrong].concat();
    refused(Broken { given, file: "reads.fastq", content, address: Some((3, name, byte)) })
}

/// Reads a file with this text.
#[track_caller]
fn read_text(given: &str, text: &[u8], reads: usize) -> Row {
    let scratch = Scratch::new();
    read(given, &scratch.file("reads.fastq", text), reads)
}

fn specimen(file: &str) -> Vec<u8> {
    fs::read(testdata(&format!("broken/{file}"))).unwrap()
}

#[test]
fn invalid_records_are_refused_with_their_address() {
    let r3 = Some("r3");
    let last = record("r4", 60, b'I');
    let followed = |wrong: &[u8]| [wrong, &last].concat();
    let mut rows = vec![
        third("sequence longer than quality", r3, &followed(b"@r3\nACGTA\n+\nIIII\n")),
        third("quality longer than sequence", r3, &followed(b"@r3\nACGT\n+\nIIIII\n")),
        third("the file ends after the name", r3, b"@r3\n"),
        third("… within the name", r3, b"@r3"),
        third("… after the sequence", r3, b"@r3\nACGT\n"),
        third("… within the sequence", r3, b"@r3\nACG"),
        third("… after the `+`", r3, b"@r3\nACGT\n+\n"),
        third("… within the quality", r3, b"@r3\nACGT\n+\nII"),
        third("no `+`", r3, &followed(b"@r3\nACGT\nIIII\n")),
        third("no `@`", None, &followed(b"r3\nACGT\n+\nIIII\n")),
        third("`+` with another name", r3, &followed(b"@r3 x\nACGT\n+r2\nIIII\n")),
        third("a blank line between records", None, &followed(b"\n@r3\nACGT\n+\nIIII\n")),
        third("a blank line within a record", r3, &followed(b"@r3\n\nACGT\n+\nIIII\n")),
        third(
            "a carriage return inside a name",
            Some("r3\\rx"),
            &followed(b"@r3\rx\nACGT\n+\nIIII\n"),
        ),
    ];
    for (given, byte) in [
        ("a quality byte below `!`: 0x1f", 0x1f),
        ("a space in the quality", b' '),
        ("a tab in the quality", b'\t'),
        ("NUL in the quality", 0),
        ("DEL in the quality", 0x7f),
        ("a quality byte above `~`: 0x80", 0x80),
        ("… 0xff", 0xff),
    ] {
        rows.push(third(
            given,
            r3,
            &followed(&[b"@r3\nACGT\n+\nI", [byte].as_slice(), b"II\n"].concat()),
        ));
    }
    for (given, byte) in [
        ("a digit in the sequence", b'7'),
        ("a space in the sequence", b' '),
        ("NUL in the sequence", 0),
        ("a byte beyond ASCII in the sequence", 0xc3),
    ] {
        rows.push(third(
            given,
            r3,
            &followed(&[b"@r3\nAC", [byte].as_slice(), b"T\n+\nIIII\n"].concat()),
        ));
    }
    let endless = [b"@r3 ".to_vec(), vec![b'x'; 65 << 20]].concat();
    rows.push(third(
        "a name of 65 MiB",
        None,
        &followed(&[&endless, b"\nA\n+\nI\n".as_slice()].concat()),
    ));
    check("Invalid records", &rows);
}

#[test]
fn files_of_another_kind_are_refused() {
    let kinds = [
        ("FASTA", "fasta.fastq", None),
        ("a program", "binary.fastq", None),
        ("SAM", "sam.fastq", Some("HD")),
        ("a web page", "html.fastq", None),
        ("a UTF-8 byte order mark before the first `@`", "bom.fastq", None),
    ];
    let mut rows: Vec<_> = kinds
        .into_iter()
        .map(|(given, file, name)| {
            refused(Broken {
                given,
                file: "reads.fastq",
                content: specimen(file),
                address: Some((1, name, 0)),
            })
        })
        .collect();
    let other = |given, content| {
        refused(Broken { given, file: "reads.fastq", content, address: Some((1, None, 0)) })
    };
    rows.push(refused(Broken {
        given: "BAM of aligned reads",
        file: "reads.fastq",
        content: fs::read(testdata("hiseq_measles/hiseq_measles.bam")).unwrap(),
        address: Some((1, Some("HISEQ:426:C5T65ACXX:5:2301:5633:7203"), 76)),
    }));
    rows.push(other(
        "UTF-16",
        before().iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>().split_off(1),
    ));
    rows.push(other("zeros", vec![0; 100_000]));
    check("Files of another kind", &rows);
}

#[test]
fn unusual_records_are_read() {
    let text = before();
    let crlf = |text: &[u8]| text_with_line_ends(text, |_| b"\r\n");
    let mut rows = vec![
        read_text("an empty file", b"", 0),
        read_text("only line ends", b"\n\r\n\n", 0),
        read_text("blank lines at the end", &[&text, b"\n\n\r\n".as_slice()].concat(), 2),
        read_text("no line end after the last line", &text[..text.len() - 1], 2),
        read_text("CRLF line ends", &crlf(&text), 2),
        read_text(
            "LF and CRLF mixed",
            &text_with_line_ends(&text, |line| if line % 3 == 0 { b"\r\n" } else { b"\n" }),
            2,
        ),
        read_text("a read without bases", &[&text, b"@r3\n\n+\n\n".as_slice()].concat(), 3),
        read_text(
            "… at the end of the file, without the last line end",
            &[&text, b"@r3\n\n+\n".as_slice()].concat(),
            3,
        ),
        read_text("a read with only N", &[&text, b"@r3\nNNNN\n+\n####\n".as_slice()].concat(), 3),
        read_text("an empty name", &[&text, b"@\nACGT\n+\nIIII\n".as_slice()].concat(), 3),
        read(
            "bytes in a name that are not UTF-8 (Latin-1)",
            &testdata("broken/latin1_header.fastq"),
            5,
        ),
        read(
            "quality lines that begin with `@` and `+`",
            &testdata("broken/at_and_plus_leading_quality.fastq"),
            5,
        ),
        read("records wrapped at 60 characters", &testdata("derived/wrapped60.fastq.gz"), 1_000),
        read(
            "… at 80, quality lines that begin with `+`",
            &testdata("nanopore_lambda_wrapped80.fastq.gz"),
            236,
        ),
        read(
            "lower case and IUPAC ambiguity codes",
            &testdata("derived/lowercase_and_iupac.fastq.gz"),
            1_000,
        ),
    ];
    let odd = b"@r3\nacgUuN.-*RYKMSWBDHVEFZ\n+\nIIIIIIIIIIIIIIIIIIIIII\n";
    rows.push(read_text(
        "U, `.`, `-`, `*`, and letters that are not bases",
        &[&text, odd.as_slice()].concat(),
        3,
    ));
    let name = "n".repeat(64_000);
    rows.push(read_text("a name of 64 kB", &[text.clone(), record(&name, 60, b'I')].concat(), 3));
    rows.push(read_text(
        "a read of 1 Mb",
        &[text.clone(), record("r3", 1_000_000, b'I')].concat(),
        3,
    ));
    check("Unusual records", &rows);
}

fn text_with_line_ends(text: &[u8], end: impl Fn(usize) -> &'static [u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    lines.flat_map(|(i, line)| [&line[..line.len() - 1], end(i)].concat()).collect()
}

/// Takes a few seconds and half a gigabyte.
#[test]
fn a_read_of_100_million_bases_is_written_unchanged() {
    let text = record("chromosome", 100_000_000, b'I');
    let run = bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &text).done();
    assert!(run.stdout == text);
}

#[test]
fn unusual_qualities_are_reported_or_refused() {
    let with = |qualities: &[u8]| -> Vec<u8> {
        let text = text_of(&testdata("derived/multimember.fastq.gz"));
        let records = records(&text);
        let lines = records.iter().enumerate().flat_map(|(i, record)| {
            let mut lines: Vec<Vec<u8>> =
                record.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let length = lines[3].len();
            lines[3] = (0..length).map(|j| qualities[(i * 7 + j * j) % qualities.len()]).collect();
            lines[..4].join(&b'\n').into_iter().chain([b'\n']).collect::<Vec<u8>>()
        });
        lines.collect()
    };
    let rows = [
        read_text("one quality value", &with(b"I"), 1_000),
        read_text("two quality values", &with(b"?+"), 1_000),
    ];
    for row in &rows {
        assert!(row.said.contains("does not apply"), "{}: {}", row.given, row.said);
    }
    let scratch = Scratch::new();
    let converted = bm([
        "filter",
        &testdata("derived/phred64.fastq.gz"),
        "--phred64",
        "-o",
        "-",
        "-q",
        "-t",
        "0",
    ])
    .done();
    assert!(
        converted.stdout == text_of(&testdata("derived/multimember.fastq.gz")),
        "Phred+64 was made from these reads"
    );
    let wrong = scratch.file("reads.fastq", &text_of(&testdata("derived/multimember.fastq.gz")));
    let message = bm(["filter", &wrong, "--phred64", "-o", &scratch.path("kept.fastq")]).refused();
    let said = message.replace(&format!("bm: {wrong}"), "reads.fastq");
    let old = text_of(&testdata("derived/phred64.fastq.gz"));
    let old =
        refused(Broken { given: "Phred+64", file: "reads.fastq", content: old, address: None });
    let mut rows: Vec<_> = [old].into_iter().chain(rows).collect();
    rows.push(Row::new("Phred+64 with `--phred64`", 0, "converted to Phred+33"));
    let old = testdata("derived/phred64.fastq.gz");
    let insisted = bm(["filter", &old, "--phred33", "-o", "-", "-q", "-t", "0"]).done();
    assert!(insisted.stdout == text_of(&old));
    rows.push(Row::new("Phred+64 with `--phred33`", 0, "read as Phred+33, unchanged"));
    rows.push(Row::new("Phred+33 with `--phred64`", 1, code(said.trim_end())));
    check("Qualities", &rows);
}

#[test]
fn compressed_files_are_read_or_refused() {
    let text = text_of(&testdata("derived/multimember.fastq.gz"));
    let whole = gzip(&text);
    let changed = |place: usize| {
        let mut content = whole.clone();
        content[place] ^= 0xff;
        content
    };
    let zstd = fs::read(testdata("derived/zstd.fastq.zst")).unwrap();
    let bzip2 = fs::read(testdata("derived/bz2.fastq.bz2")).unwrap();
    let xz = fs::read(testdata("derived/xz.fastq.xz")).unwrap();
    let bgzf = fs::read(testdata("derived/bgzip.fastq.gz")).unwrap();
    let cut = |content: &[u8]| content[..content.len() / 2].to_vec();
    let mut damaged_block = bgzf.clone();
    damaged_block[bgzf.len() / 2] ^= 0x10;
    let length = whole.len();
    let cases = [
        ("gzip cut in the middle", "reads.fastq.gz", cut(&whole)),
        ("gzip without its last byte", "reads.fastq.gz", whole[..length - 1].to_vec()),
        ("gzip with a wrong checksum", "reads.fastq.gz", changed(length - 8)),
        ("gzip with a wrong length", "reads.fastq.gz", changed(length - 4)),
        ("gzip with damaged data", "reads.fastq.gz", changed(length / 2)),
        (
            "gzip, then something else",
            "reads.fastq.gz",
            [whole.clone(), b"something else".repeat(5)].concat(),
        ),
        ("gzip, then zeros", "reads.fastq.gz", [whole.clone(), vec![0; 512]].concat()),
        ("gzip inside gzip", "reads.fastq.gz.gz", gzip(&whole)),
        ("BGZF cut in the middle", "reads.fastq.gz", cut(&bgzf)),
        ("BGZF with a damaged block", "reads.fastq.gz", damaged_block),
        ("zstd cut in the middle", "reads.fastq.zst", cut(&zstd)),
        ("bzip2 cut in the middle", "reads.fastq.bz2", cut(&bzip2)),
        ("xz cut in the middle", "reads.fastq.xz", cut(&xz)),
    ];
    let mut rows: Vec<_> = cases
        .into_iter()
        .map(|(given, file, content)| refused(Broken { given, file, content, address: None }))
        .collect();
    let scratch = Scratch::new();
    for (given, file, content) in [
        (
            "gzip of several members, cut within lines",
            "members.fastq.gz",
            text.chunks(9_973).flat_map(gzip).collect(),
        ),
        ("gzip under a name without `.gz`", "reads.fastq", whole.clone()),
        ("plain text under a name with `.gz`", "plain.fastq.gz", text.clone()),
        ("gzip of an empty file", "nothing.fastq.gz", gzip(b"")),
        ("BGZF", "bgzf.fastq.gz", bgzf),
        ("zstd", "reads.fastq.zst", zstd),
        ("bzip2", "reads.fastq.bz2", bzip2),
        ("xz", "reads.fastq.xz", xz),
    ] {
        let reads = if given == "gzip of an empty file" { 0 } else { 1_000 };
        rows.push(read(given, &scratch.file(file, &content), reads));
    }
    check("Compression", &rows);
}

/// Tries every compression format with damage anywhere after its header.
#[test]
fn a_damaged_file_is_reported_as_damaged() {
    let text = text_of(&testdata("derived/multimember.fastq.gz"));
    let scratch = Scratch::new();
    let [path, kept] = ["reads", "kept.fastq"].map(|name| scratch.path(name));
    bm(["filter", &scratch.file("text", &text), "-o", &kept, "-q"]).done();
    let expected = scratch.read("kept.fastq");
    for stored in [
        gzip(&text),
        fs::read(testdata("derived/bgzip.fastq.gz")).unwrap(),
        fs::read(testdata("derived/zstd.fastq.zst")).unwrap(),
        fs::read(testdata("derived/bz2.fastq.bz2")).unwrap(),
        fs::read(testdata("derived/xz.fastq.xz")).unwrap(),
    ] {
        let mut refused = 0;
        for place in (20..stored.len()).step_by(stored.len() / 61) {
            let mut damaged = stored.clone();
            damaged[place] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let run = bm(["filter", &path, "-o", &kept, "-q"]);
            // Some bytes, such as reserved bits of a block header, do not affect the text.
            if run.code == Some(0) {
                assert!(scratch.read("kept.fastq") == expected, "{place}");
            } else {
                let message = run.refused();
                assert!(
                    message.contains("file is damaged") || message.contains("file is truncated"),
                    "{place}: {message}"
                );
                refused += 1;
            }
        }
        assert!(refused > 50, "only {refused} were refused");
    }
}

/// Returns records as gzip, with one byte changed in the name of one record. Among many records,
/// the name is read before the checksum.
fn with_damaged_name(records: &[&[u8]], number: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&records.concat()).unwrap();
    let mut stored = encoder.finish().unwrap();
    let place =
        stored.windows(records[number].len()).position(|window| window == records[number]).unwrap();
    stored[place + 2] ^= 1;
    stored
}

#[test]
fn reads_that_are_not_mates_are_refused() {
    let (first, second) = (text_of(&testdata(MEASLES)), text_of(&testdata(MEASLES_2)));
    let (one, two) = (records(&first), records(&second));
    let renamed = |record: &[u8]| {
        [b"@other".as_slice(), &record[record.iter().position(|byte| *byte == b' ').unwrap()..]]
            .concat()
    };
    let shifted = [&two[1..40], &two[..1]].concat().concat();
    let cases = [
        ("the second file has fewer reads", one[..40].concat(), two[..39].concat()),
        ("the first file has fewer reads", one[..39].concat(), two[..40].concat()),
        ("the second file is empty", one[..40].concat(), vec![]),
        (
            "one second mate with another name",
            one[..40].concat(),
            [two[..20].concat(), renamed(two[20]), two[21..40].concat()].concat(),
        ),
        ("the second mates are in another order", one[..40].concat(), shifted),
        ("the files are swapped", two[..40].concat(), one[..40].concat()),
        ("the second file is cut off", one[..40].concat(), two[..40].concat()[..9_000].to_vec()),
        (
            "the second file is a gzip with a damaged name",
            one[..40].repeat(100).concat(),
            with_damaged_name(&two[..40].repeat(100), 20),
        ),
    ];
    let mut rows = Vec::new();
    for (given, first, second) in cases {
        let scratch = Scratch::new();
        let (first, second) = (scratch.file("r1.fastq", &first), scratch.file("r2.fastq", &second));
        let outputs = ["kept1.fastq", "kept2.fastq", "single.fastq", "dropped.fastq"]
            .map(|name| scratch.path(name));
        let [kept, kept2, singles, dropped] = &outputs;
        let flags = ["--singles", singles, "--discarded", dropped];
        let mut arguments = vec!["filter", &first, &second, "-o", kept, "-O", kept2];
        arguments.extend(flags);
        let message = run(&mut command(&arguments)).refused();
        assert_eq!(scratch.names(), ["r1.fastq", "r2.fastq"], "{given}");
        let folder = format!("{}/", scratch.folder().display());
        rows.push(Row::new(
            given,
            1,
            code(message.replace(&folder, "").trim_start_matches("bm: ").trim_end()),
        ));
    }
    let scratch = Scratch::new();
    let same = scratch.file("r1.fastq", &one[..40].concat());
    let message =
        bm(["filter", &same, &same, "-o", &scratch.path("a"), "-O", &scratch.path("b")]).refused();
    let said = message.replace(&same, "r1.fastq");
    rows.push(Row::new("the same file twice", 1, code(said.trim_start_matches("bm: ").trim_end())));
    let odd = [one[0], two[0], one[1]].concat();
    let message =
        bm_with_stdin(["filter", "--interleaved", "-", "-o", &scratch.path("a")], &odd).refused();
    rows.push(Row::new(
        "`--interleaved` with an odd number of reads",
        1,
        code(message.trim_start_matches("bm: ").trim_end()),
    ));
    assert_eq!(scratch.names(), ["r1.fastq"]);
    check("Pairs", &rows);
}

fn ended(output: Output) -> Run {
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a script in which `$DIR` is a file system of this many kilobytes, if one can be created
/// here.
fn on_a_small_disk(kilobytes: usize, script: &str, input: &str) -> Option<(Run, String)> {
    let scratch = Scratch::new();
    let listing = scratch.path("listing");
    let script = format!(
        "mount -t tmpfs -o size={kilobytes}k tmpfs \"$DIR\" || exit 99\n(cd \"$DIR\" && {script})\ncode=$?\nls -A \"$DIR\" > \"$LISTING\"\nexit $code"
    );
    let disk = scratch.path("disk");
    fs::create_dir(&disk).unwrap();
    // In a separate namespace, so that root is not required.
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--mount", "--user", "--map-root-user", "bash", "-c", &script])
        .stdin(Stdio::null());
    unshare
        .env("DIR", &disk)
        .env("LISTING", &listing)
        .env("BM", BM)
        .env("INPUT", input)
        .env_remove("ORT_DYLIB_PATH");
    let output = match unshare.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => panic!("unshare: {error}"),
    };
    let run = ended(output);
    // `bm` did not run.
    if run.code == Some(99) || run.stderr.starts_with("unshare: ") {
        return None;
    }
    Some((run, fs::read_to_string(listing).unwrap()))
}

/// Returns a message as Markdown code, without the paths of this machine.
fn shown(message: &str, scratch: &Scratch) -> String {
    let folder = format!("{}/", scratch.folder().display());
    code(message.replace(&folder, "").trim_start_matches("bm: ").trim_end())
}

#[test]
fn a_full_disk_is_an_error_and_leaves_no_output() {
    let mut rows = Vec::new();
    let text = text_of(&testdata(HISEQ));
    for (given, flags, part) in [
        ("a full disk, plain output", "-o kept.fastq", "kept.fastq"),
        ("… gzip", "-o kept.fastq.gz", "kept.fastq.gz"),
        ("… zstd", "-o kept.fastq.zst --level 1", "kept.fastq.zst"),
        ("… the discarded reads", "-o /dev/null --discarded dropped.fastq -t 1", "dropped.fastq"),
        ("… a table of scores", "-o scores.tsv", "scores.tsv"),
        ("… a table of scores as Parquet", "-o scores.parquet", "scores.parquet"),
    ] {
        let command = if part.starts_with("scores") { "score" } else { "filter" };
        let script = format!("\"$BM\" {command} \"$INPUT\" {flags} -q");
        let Some((run, left)) = on_a_small_disk(64, &script, &testdata(HISEQ)) else {
            assert!(
                env::var_os("BM_REQUIRE_SMALL_DISK").is_none(),
                "BM_REQUIRE_SMALL_DISK is set, and no file system can be created here"
            );
            eprintln!(
                "SKIPPED a_full_disk_is_an_error_and_leaves_no_output: no file system can be \
                 created here"
            );
            return;
        };
        let message = run.refused();
        assert!(message.contains(part) && left.is_empty(), "{given}: {message}, left: {left}");
        rows.push(Row::new(given, 1, code(message.trim_start_matches("bm: ").trim_end())));
    }
    {
        // The last flush fills the disk: the output of these reads is buffered until the end.
        let scratch = Scratch::new();
        let few = scratch.file("few.fastq", &records(&text)[..200].concat());
        let (run, left) =
            on_a_small_disk(64, "\"$BM\" filter \"$INPUT\" -o kept.fastq -t 0 -q", &few).unwrap();
        let message = run.refused();
        assert!(left.is_empty(), "{left}");
        rows.push(Row::new(
            "… at the last flush",
            1,
            code(message.trim_start_matches("bm: ").trim_end()),
        ));
    }
    check("Full disks", &rows);
}

/// Returns a BAM file with these lengths: of the header, of the name of its reference sequence, of
/// the first record.
fn bam(text: u32, name: u32, record: u32) -> Vec<u8> {
    let numbers = |numbers: &[u32]| -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    };
    let start = [b"BAM\x01".to_vec(), numbers(&[text, 1, name]), b"ref\0".to_vec()].concat();
    let bytes = [start, numbers(&[20, record]), vec![0; 40]].concat();
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(&bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn whatever_asks_for_too_much_is_refused() {
    let mut rows = Vec::new();
    // A zstd frame with a window of 2 GiB, and one with a dictionary; each with a block of text.
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    let block = [1 + (4 << 3), 0, 0, b'@', b'r', b'\n', b'A'];
    // The size of the dictionary in the header of an xz block, and the sum of the header.
    let mut xz = fs::read(testdata("derived/xz.fastq.xz")).unwrap();
    xz[12 + 4] = 36;
    let mut sum = flate2::Crc::new();
    sum.update(&xz[12..20]);
    xz[20..24].copy_from_slice(&sum.sum().to_le_bytes());
    for (given, file, content) in [
        (
            "zstd with a window of 2 GiB (`zstd --long=31`)",
            "reads.fastq.zst",
            [&magic[..], &[0, (31 - 10) << 3], &block].concat(),
        ),
        ("zstd with a dictionary", "reads.fastq.zst", [&magic[..], &[1, 0, 77], &block].concat()),
        ("xz with a dictionary of 1 GiB", "reads.fastq.xz", xz),
    ] {
        rows.push(refused(Broken { given, file, content, address: Some((1, None, 0)) }));
    }
    let scratch = Scratch::new();
    let reference = scratch.file("ref.fa", b">ref\nACGTTGCAAGCTTAGGCATC\n");
    let table = scratch.path("truth.tsv");
    for (given, file) in [
        ("BAM with a header of 4 GB in 105 bytes", bam(u32::MAX, 4, 40)),
        ("… with a name of 4 GB", bam(0, u32::MAX, 40)),
        ("… with a record of 4 GB", bam(0, 4, u32::MAX)),
        ("… with a record of 60 MB", bam(0, 4, 60_000_000)),
    ] {
        let path = scratch.file("aligned.bam", &file);
        let message = bm(["truth", &path, "-r", &reference, "-o", &table]).refused();
        rows.push(Row::new(given, 1, shown(&message, &scratch)));
    }
    let header = b"@SQ\tSN:ref\tLN:20\n@CO\t";
    let endless = scratch.file("aligned.sam", &[&header[..], &vec![b'x'; 17 << 20]].concat());
    let message = bm(["truth", &endless, "-r", &reference, "-o", &table]).refused();
    rows.push(Row::new("SAM with a header line of 17 MB", 1, shown(&message, &scratch)));
    let names = scratch.file("names.fa", &[b">".to_vec(), vec![b'x'; 2 << 20]].concat());
    let message = bm(["truth", &endless, "-r", &names, "-o", &table]).refused();
    rows.push(Row::new("FASTA with a name of 2 MB", 1, shown(&message, &scratch)));
    // A graph of a million empty nodes, after the version of the format and of the operators.
    let nodes = [10, 0].repeat(1 << 20);
    let length = [0x80, 0x80, 0x80, 1];
    let start = [8, 8, 0x42, 2, 0x10, 13, 0x3a];
    let onnx = scratch.file("nodes.onnx", &[&start[..], &length, &nodes].concat());
    let reads = scratch.file("reads.fastq", &before());
    let kept = scratch.path("kept.fastq");
    let message = bm(["filter", &reads, "-m", &onnx, "-o", &kept]).refused();
    rows.push(Row::new("an ONNX file of a million empty nodes", 1, shown(&message, &scratch)));
    let names = scratch.names();
    let bases = gzip(&[b">chr\n".to_vec(), vec![b'A'; 100_000_000]].concat());
    let bases = scratch.file("bases.fa.gz", &bases);
    let words = format!("truth '{endless}' -r '{bases}' -o '{table}'");
    let run = shell(&format!("ulimit -c 0 -v 150000 && exec \"$BM\" {words}"));
    let message = run.refused();
    // How much is missing depends on the system.
    let (before, after) = message.split_once(" bytes more").unwrap();
    let number = before.rsplit(' ').next().unwrap();
    assert!(number.parse::<u64>().is_ok_and(|bytes| bytes > 1_000), "{message}");
    let message = format!("bm: not enough memory: … bytes more{after}");
    rows.push(Row::new("not enough memory (`ulimit -v`)", 1, shown(&message, &scratch)));
    fs::remove_file(&bases).unwrap();
    assert_eq!(scratch.names(), names);
    rows.push(Row::new(
        "no threads (`ulimit -u`)",
        0,
        "the threads that there are do the work; the outputs are the same",
    ));
    check("Limits", &rows);
}

/// A section that no test compares would become outdated.
#[test]
fn every_section_is_tested() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("FAULTS.md")).unwrap();
    let source = [
        "all_or_none.rs",
        "bam.rs",
        "call.rs",
        "faults.rs",
        "faults/linux.rs",
        "foreign.rs",
        "recalibrate.rs",
    ]
    .map(|file| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
        fs::read_to_string(tests.join(file)).unwrap()
    });
    let source = source.concat();
    let sections: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(sections.len() >= 8, "{sections:?}");
    for section in sections {
        assert!(source.contains(&format!("check(\"{section}\", ")), "no test checks {section}");
    }
    assert!(text.len() > 8_000);
}
