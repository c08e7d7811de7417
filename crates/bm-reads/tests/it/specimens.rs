//! Files of `testdata`: valid files that look unusual, and files with one fault each.

use std::io::Read;

use bm_reads::fastq::{FastqError, Fault};

use crate::reference;
use crate::support::{
    Outcome, content, read_all, read_text, same_in_all_pieces, testdata, text_of,
};

/// Returns the start of line `index` of a text.
fn line_start(text: &[u8], index: usize) -> usize {
    text.split_inclusive(|byte| *byte == b'\n').take(index).map(<[u8]>::len).sum()
}

/// Checks that a fault has the address of record `number` of `text`, in its fields and in its
/// message.
fn check_address(file: &str, text: &[u8], fault: &FastqError, message: &str, number: usize) {
    assert_eq!(fault.record, number as u64, "{file}: {message}");
    let start = line_start(text, 4 * (number - 1));
    assert_eq!(fault.byte, start as u64, "{file}: {message}");
    assert!(
        message.contains(&format!("record {number} ("))
            && message.contains(&format!("byte {start})")),
        "{file}: {message}"
    );
    if let Some(definition) = text[start..].strip_prefix(b"@") {
        let name = definition.split(u8::is_ascii_whitespace).next().unwrap();
        assert_eq!(fault.name.as_deref(), Some(name), "{file}: {message}");
        let most = name.escape_ascii().take(80).map(char::from).collect::<String>();
        assert!(message.contains(&format!("read {most}")), "{file}: {message}");
    } else {
        assert_eq!(fault.name, None, "{file}: {message}");
    }
    assert!(!message.contains(char::is_control), "{file}: {message:?} is more than one line");
}

#[test]
fn every_specimen_is_read_or_refused_as_the_index_says() {
    let index = String::from_utf8(content("broken/index.tsv")).unwrap();
    let mut seen = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, expected, record, records, unscored, _] = columns[..] else {
            panic!("six columns: {line}")
        };
        let bytes = content(&format!("broken/{file}"));
        let found = same_in_all_pieces(|| text_of(&bytes));
        let message = found.message().unwrap_or_default();
        seen += 1;
        match (expected, &found.fault) {
            ("ok", None) => {
                assert_eq!(found.records.len().to_string(), records, "{file}");
                let unscored_reads = found
                    .records
                    .iter()
                    .filter(|r| r.sequence.iter().all(|base| matches!(base, b'N' | b'n')))
                    .count();
                assert_eq!(unscored_reads.to_string(), unscored, "{file}");
            }
            // Readers may ignore the name on the `+` line; this reader checks it.
            ("error" | "either", Some(fault)) if record != "-" => {
                check_address(file, &bytes, fault, &message, record.parse().unwrap());
                assert_eq!(found.records.len() as u64 + 1, fault.record, "{file}");
            }
            ("error", Some(fault)) => {
                assert!(matches!(fault.fault, Fault::Io(_)), "{file}: {message}");
                assert!(!message.contains('\n'), "{file}: {message:?}");
            }
            (_, fault) => panic!(
                "{file} should be {expected}, found {fault:?} after {} records",
                found.records.len()
            ),
        }
    }
    // A specimen without a line in the index would never be tested.
    let files = std::fs::read_dir(testdata("broken")).unwrap().count();
    assert_eq!(seen + 1, files, "index.tsv names {seen} files, the folder holds {files} with it");
}

/// Checks the message for each fault of the index, so that one fault is not reported as another.
#[test]
fn every_specimen_is_refused_for_its_own_fault() {
    let expected = [
        ("no_at.fastq", "expected `@` and a read name, found `"),
        ("no_plus.fastq", "expected a line with `+` after the sequence, found `"),
        ("cut_after_name.fastq", "the file ends inside the record, after its definition"),
        ("cut_after_sequence.fastq", "the file ends inside the record, after its sequence"),
        ("cut_after_plus.fastq", "the file ends inside the record, after its `+` line"),
        (
            "cut_mid_quality.fastq",
            "the file ends inside the record, after 80 of 150 quality scores",
        ),
        ("quality_too_long.fastq", "150 bases but 151 quality scores"),
        ("quality_too_short.fastq", "150 bases but 149 quality scores"),
        ("quality_space.fastq", "quality byte 0x20 at position 75"),
        ("quality_tab.fastq", "quality byte 0x09 at position 75"),
        ("quality_del.fastq", "quality byte 0x7f at position 75"),
        ("quality_nul.fastq", "quality byte 0x00 at position 75"),
        ("blank_line_middle.fastq", "a blank line before it"),
        ("fasta.fastq", "this looks like FASTA"),
        ("binary.fastq", "found `\\x7fELF"),
        ("sam.fastq", "this looks like SAM"),
        ("html.fastq", "this looks like HTML"),
        ("bom.fastq", "byte order mark"),
        ("plus_line_other_name.fastq", "the `+` line names another read, `"),
    ];
    for (file, part) in expected {
        let message = read_text(&content(&format!("broken/{file}"))).message();
        assert!(
            message.as_ref().is_some_and(|message| message.contains(part)),
            "{file}: {message:?}"
        );
    }
}

#[test]
fn valid_unusual_records_are_kept_unchanged() {
    let read = |file: &str| read_text(&content(&format!("broken/{file}")));
    assert!(read("latin1_header.fastq").records[2].definition.iter().any(|byte| *byte >= 0x80));
    let leading: Vec<u8> = read("at_and_plus_leading_quality.fastq")
        .records
        .iter()
        .map(|r| r.quality_scores[0])
        .collect();
    assert_eq!((leading[1], leading[2], leading[4]), (b'@', b'+', b'@'));
    for file in ["crlf.fastq", "mixed_line_ends.fastq"] {
        assert!(
            content(&format!("broken/{file}")).contains(&b'\r'),
            "{file} has none to begin with"
        );
        for record in read(file).records {
            for part in [record.definition, record.sequence, record.quality_scores] {
                assert!(!part.contains(&b'\r'), "{file}: {}", part.escape_ascii());
            }
        }
    }
}

#[test]
fn derived_files_are_read_or_refused() {
    let reads =
        |count| move |found: &Outcome| found.fault.is_none() && found.records.len() == count;
    let broken_stream = |found: &Outcome| {
        found.fault.as_ref().is_some_and(|fault| matches!(fault.fault, Fault::Io(_)))
    };
    let refused_at = |number, part| {
        move |found: &Outcome| {
            found.fault.as_ref().is_some_and(|fault| fault.record == number)
                && found.message().is_some_and(|m| m.contains(part))
        }
    };
    type Check = Box<dyn Fn(&Outcome) -> bool>;
    let table: Vec<(&str, Check)> = vec![
        ("bgzip.fastq.gz", Box::new(reads(1000))),
        ("crlf.fastq.gz", Box::new(reads(1000))),
        ("empty.fastq.gz", Box::new(reads(0))),
        ("empty_reads.fastq.gz", Box::new(reads(1000))),
        ("lowercase_and_iupac.fastq.gz", Box::new(reads(1000))),
        ("multimember.fastq.gz", Box::new(reads(1000))),
        ("no_final_newline.fastq.gz", Box::new(reads(1000))),
        ("phred64.fastq.gz", Box::new(reads(1000))),
        // The file name counts reads from 0.
        (
            "qual_len_mismatch_at_read_500.fastq.gz",
            Box::new(refused_at(501, "150 bases but 147 quality scores")),
        ),
        // bm-io handles padding after gzip; for this reader the stream fails.
        ("trailing_zeros.fastq.gz", Box::new(broken_stream)),
        ("truncated.fastq.gz", Box::new(broken_stream)),
        ("wrapped60.fastq.gz", Box::new(reads(1000))),
        ("zero_bytes.fastq", Box::new(reads(0))),
        // bm-io decompresses these formats; for this reader they are not FASTQ from the first byte.
        ("bz2.fastq.bz2", Box::new(refused_at(1, "expected `@`"))),
        ("xz.fastq.xz", Box::new(refused_at(1, "expected `@`"))),
        ("zstd.fastq.zst", Box::new(refused_at(1, "expected `@`"))),
    ];
    for (file, check) in &table {
        let bytes = content(&format!("derived/{file}"));
        let found = same_in_all_pieces(|| text_of(&bytes));
        assert!(check(&found), "{file}: {} records, {:?}", found.records.len(), found.message());
    }
    let files = std::fs::read_dir(testdata("derived")).unwrap().count();
    assert_eq!(files, table.len(), "a file of testdata/derived has no line here");
}

#[test]
fn compression_line_ends_and_wrapping_do_not_change_the_reads() {
    let read = |file: &str| read_all(text_of(&content(file))).records;
    let plain = read("derived/multimember.fastq.gz");
    assert_eq!(plain, read("derived/bgzip.fastq.gz"));
    assert_eq!(plain, read("derived/crlf.fastq.gz"));
    assert_eq!(plain, read("derived/no_final_newline.fastq.gz"));
    assert_eq!(plain, read("derived/wrapped60.fastq.gz"));
    assert_eq!(plain, read("hiseqx_phage/hiseqx_phage.fastq.gz")[..1000]);
    assert_eq!(read("nanopore_lambda_4line.fastq.gz"), read("nanopore_lambda_wrapped80.fastq.gz"));
}

#[test]
fn gzip_inside_gzip_is_recognised() {
    let message = read_text(&content("broken/multi_member.fastq.gz")).message();
    assert!(message.as_ref().is_some_and(|m| m.contains("gzip inside gzip")), "{message:?}");
}

/// Compares every run of the test data with the reference. Many records make a rare alignment of
/// lines and buffers likely.
#[test]
fn the_reader_agrees_with_the_reference_on_real_runs() {
    for (file, reads) in [
        ("hiseqx_phage/hiseqx_phage.fastq.gz", 10_000),
        ("hiseq_measles/hiseq_measles_1.fastq.gz", 1_499),
        ("miseq_twist/miseq_twist_first2000_2.fastq.gz", 2_000),
        ("novaseq_A00129_800.fastq.gz", 800),
        ("nanopore_lambda_4line.fastq.gz", 236),
        ("nanopore_lambda_wrapped80.fastq.gz", 236),
    ] {
        let mut text = Vec::new();
        text_of(&content(file)).read_to_end(&mut text).unwrap();
        let found = read_text(&text);
        let (expected, fault) = reference::parse(&text);
        assert_eq!((found.records.len(), fault), (reads, None), "{file}: {:?}", found.message());
        assert!(found.records == expected && found.fault.is_none(), "{file}");
    }
}
