//! Broken and unusual files: every fault has an address, and no incomplete output looks complete.

use std::fs;

use crate::support::{Run, Scratch, bm, bm_with_stdin, testdata, text_of};

const OLD: &[u8] = b"what was here before\n";

/// Runs each command on `input`, with older files under the names of the outputs and without, and
/// checks the files that a failure leaves.
#[track_caller]
pub(crate) fn fails(input: &str) -> String {
    let commands: [&[&str]; 4] = [
        &[
            "filter",
            "-o",
            "kept.fastq.gz",
            "--discarded",
            "dropped.fastq",
            "--report",
            "report.json",
        ],
        &["score", "-o", "scores.tsv", "--report", "report.json"],
        &["encode", "-o", "features.npy"],
        &["embed", "-o", "vectors.npy", "--names", "names.txt"],
    ];
    let mut messages = Vec::new();
    for existing in [false, true] {
        for command in commands {
            let scratch = Scratch::new();
            let mut arguments: Vec<String> =
                command.iter().map(|part| (*part).to_owned()).collect();
            let outputs: Vec<String> = command
                .iter()
                .filter(|part| part.contains('.'))
                .map(|part| (*part).to_owned())
                .collect();
            for output in &outputs {
                if existing {
                    scratch.file(output, OLD);
                }
                let place = arguments.iter_mut().find(|argument| *argument == output).unwrap();
                *place = scratch.path(output);
            }
            arguments.insert(1, input.to_owned());
            let run = crate::support::run(&mut crate::support::command(&arguments));
            assert!(run.stdout.is_empty());
            messages.push(run.refused());
            let mut left: Vec<String> = if existing { outputs.clone() } else { Vec::new() };
            left.sort();
            assert_eq!(scratch.names(), left, "{input}");
            assert!(left.iter().all(|name| scratch.read(name) == OLD), "{input}");
        }
    }
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:#?}");
    messages.swap_remove(0)
}

#[track_caller]
fn filter_all(input: &str) -> Run {
    bm(["filter", input, "-o", "-", "-t", "0"]).done()
}

#[test]
fn every_specimen_is_read_or_refused_as_the_index_says() {
    let index = fs::read_to_string(testdata("broken/index.tsv")).unwrap();
    let mut lines = index.lines();
    assert_eq!(lines.next(), Some("file\texpected\trecord\trecords\tunscored\twhat"));
    let mut seen = 0;
    for line in lines {
        let columns: Vec<_> = line.split('\t').collect();
        let [file, expected, record, count, unscored, what] = columns[..] else { panic!("{line}") };
        let input = testdata(&format!("broken/{file}"));
        seen += 1;
        // If the index allows both, `bm` refuses the file.
        if expected == "ok" {
            let run = filter_all(&input);
            let summary = format!("{count} reads in: ");
            assert!(run.stderr.starts_with(&summary), "{file}: {}", run.stderr);
            assert!(
                run.stderr.contains(&format!(" 0 discarded, {unscored} unscored\n")),
                "{file}: {}",
                run.stderr
            );
            continue;
        }
        let message = fails(&input);
        // `file: record 3 (read name, byte 722): what is wrong`
        let rest = message
            .strip_prefix(&format!("bm: {input}: record "))
            .unwrap_or_else(|| panic!("{what}: {message}"));
        let (number, rest) = rest.split_once(' ').unwrap();
        assert!(record == "-" || record == number, "{file}, {what}: {message}");
        let byte: usize =
            rest.split_once("byte ").unwrap().1.split_once("): ").unwrap().0.parse().unwrap();
        if record != "-" {
            let text = fs::read(&input).unwrap();
            let start = text
                .split_inclusive(|byte| *byte == b'\n')
                .take(4 * (number.parse::<usize>().unwrap() - 1));
            assert_eq!(byte, start.map(<[u8]>::len).sum::<usize>(), "{file}: {message}");
        }
    }
    let specimens = fs::read_dir(testdata("broken")).unwrap().count() - 1;
    assert_eq!(seen, specimens, "every file is in the index");
}

#[test]
fn unusual_files_are_read_completely() {
    let ends: [(&str, usize); 8] = [
        ("derived/bgzip.fastq.gz", 1_000),
        ("derived/multimember.fastq.gz", 1_000),
        ("derived/crlf.fastq.gz", 1_000),
        ("derived/no_final_newline.fastq.gz", 1_000),
        ("derived/lowercase_and_iupac.fastq.gz", 1_000),
        ("derived/empty_reads.fastq.gz", 1_000),
        ("derived/empty.fastq.gz", 0),
        ("derived/zero_bytes.fastq", 0),
    ];
    for (file, reads) in ends {
        let run = filter_all(&testdata(file));
        assert!(run.stderr.starts_with(&format!("{reads} reads in: ")), "{file}: {}", run.stderr);
    }
}

#[test]
fn faults_of_derived_files_have_an_address() {
    for (file, expected) in [
        ("derived/truncated.fastq.gz", "the gzip file is truncated"),
        (
            "derived/qual_len_mismatch_at_read_500.fastq.gz",
            "record 501 (read ST-E00493:56:H33MFALXX:4:1101:7567:3137, byte 180374): 150 bases but 147 quality scores",
        ),
        ("derived/trailing_zeros.fastq.gz", "something that is not gzip follows it"),
    ] {
        let input = testdata(file);
        let message = fails(&input);
        assert!(
            message.starts_with(&format!("bm: {input}: ")) && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn a_gzip_file_cut_anywhere_but_between_members_is_an_error() {
    let content = fs::read(testdata("broken/multi_member.fastq.gz")).unwrap();
    let text = text_of(&testdata("broken/multi_member.fastq.gz"));
    let starts: Vec<usize> =
        (0..content.len() - 3).filter(|i| content[*i..].starts_with(&[0x1f, 0x8b, 8])).collect();
    assert_eq!(starts.len(), 3);
    let near = |place: usize| (place.saturating_sub(9)..=place + 11).collect::<Vec<_>>();
    let cuts = starts
        .iter()
        .copied()
        .chain([content.len()])
        .flat_map(near)
        .filter(|cut| *cut > 1 && *cut < content.len());
    for cut in cuts {
        let run = bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &content[..cut]);
        if starts.contains(&cut) {
            // A missing member cannot be detected by itself, but these cuts are in the middle of
            // records.
            assert!(run.refused().contains("the file ends inside the record"));
        } else {
            assert!(
                run.refused().contains("the gzip file is truncated"),
                "cut at {cut} of {}",
                content.len()
            );
        }
    }
    assert_eq!(
        bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &content).done().stdout,
        text
    );
}

#[test]
fn messages_call_stdin_stdin() {
    let message = bm_with_stdin(["filter", "-", "-o", "-"], b"@r\nACGT\n+\nIII\n").refused();
    assert_eq!(message, "bm: stdin: record 1 (read r, byte 0): 4 bases but 3 quality scores\n");
}

#[test]
fn a_fault_far_into_the_file_has_the_same_address_for_any_number_of_threads() {
    let mut text = b"@r\nNNNN\n+\nIIII\n".repeat(30_000);
    text.extend(b"@last\nACGT\n+\nII I\n");
    for threads in ["1", "2", "8"] {
        let scratch = Scratch::new();
        let message =
            bm_with_stdin(["filter", "-", "-o", &scratch.path("kept.fastq"), "-j", threads], &text)
                .refused();
        assert_eq!(
            message,
            "bm: stdin: record 30001 (read last, byte 450000): quality byte 0x20 at position 2 is not between '!' (Phred 0) and '~' (Phred 93)\n"
        );
        assert_eq!(scratch.names(), [""; 0]);
    }
}

#[test]
fn an_unreadable_input_is_refused() {
    let scratch = Scratch::new();
    let folder = scratch.path("");
    assert!(fails(&folder).contains("is a folder, expected a FASTQ file"));
    let message = fails(&scratch.path("missing.fastq"));
    assert!(message.contains("missing.fastq: cannot be opened: No such file"), "{message}");
}
