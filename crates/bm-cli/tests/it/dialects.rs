//! FASTQ as other programs write it: names of mates, `+` lines, wrapped qualities, long definitions.

use crate::support::{
    MEASLES, MEASLES_2, Scratch, bm, bm_with_stdin, json, records, testdata, text_of,
};

/// Returns real reads, each with the name that `named` makes of its number.
fn renamed(file: &str, named: impl Fn(usize) -> String) -> Vec<u8> {
    let text = text_of(&testdata(file));
    let mut out = Vec::new();
    for (number, record) in records(&text).into_iter().take(200).enumerate() {
        let end = record.iter().position(|byte| *byte == b'\n').unwrap();
        out.extend(format!("@{}", named(number)).into_bytes());
        out.extend(&record[end..]);
    }
    out
}

/// Two functions that name the mates of the pair with a number.
type Names = [fn(usize) -> String; 2];

#[test]
fn mates_with_one_number_are_read_with_a_warning_and_copies_are_not() {
    let both: [Names; 3] = [
        [|n| format!("r{n}/1"), |n| format!("r{n}/1")],
        [|n| format!("r{n} 1:N:0:ACGT"), |n| format!("r{n} 1:N:0:ACGT")],
        [|n| format!("r{n}/2 x"), |n| format!("r{n}/2 y")],
    ];
    for [one, other] in both {
        let scratch = Scratch::new();
        let first = scratch.file("1.fq", &renamed(MEASLES, one));
        let second = scratch.file("2.fq", &renamed(MEASLES_2, other));
        let [kept, kept2] = ["a.fq", "b.fq"].map(|name| scratch.path(name));
        let run = bm(["filter", &first, &second, "-o", &kept, "-O", &kept2, "-q"]).done();
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("2.fq: record 1 ("), "{}", run.stderr);
        assert!(run.stderr.contains("the number of the same mate"), "{}", run.stderr);
        assert!(!scratch.read("a.fq").is_empty());
        let copy = scratch.file("copy.fq", &scratch.read("1.fq"));
        let message = bm(["filter", &first, &copy, "-o", "-", "-q"]).refused();
        assert!(message.contains("copy.fq: record 1 ("), "{message}");
        assert!(message.contains("the same reads twice?"), "{message}");
        // The same of one file.
        let interleaved = |first: &[u8], second: &[u8]| -> Vec<u8> {
            records(first)
                .into_iter()
                .zip(records(second))
                .flat_map(|(a, b)| [a, b].concat())
                .collect()
        };
        let [first, second] = ["1.fq", "2.fq"].map(|name| scratch.read(name));
        let arguments = ["filter", "-", "--interleaved", "-o", "-", "-q"];
        let run = bm_with_stdin(arguments, &interleaved(&first, &second)).done();
        assert!(run.stderr.contains("the number of the same mate"), "{}", run.stderr);
        let message = bm_with_stdin(arguments, &interleaved(&first, &first)).refused();
        assert!(message.contains("the same reads twice?"), "{message}");
    }
}

#[test]
fn identifiers_behind_the_number_of_the_mate_are_no_part_of_the_name() {
    let scratch = Scratch::new();
    let first = scratch.file("1.fq", &renamed(MEASLES, |n| format!("{n}/1:ACGTNA_TT")));
    let second = scratch.file("2.fq", &renamed(MEASLES_2, |n| format!("{n}/2:ACGTNA_TT")));
    let run = bm(["filter", &first, &second, "-o", "/dev/null", "-O", "/dev/null", "-q"]).done();
    assert_eq!(run.stderr, "");
    // Files of one run are taken for pairs where they are learned.
    let (model, labels) = (scratch.path("run.model"), scratch.path("labels.tsv"));
    bm(["adapt", &first, &second, "-o", &model, "--labels", &labels, "-q"]).done();
    let labels = String::from_utf8(scratch.read("labels.tsv")).unwrap();
    assert!(labels.lines().any(|line| line.starts_with("7\t2\t")), "pairs");
    let other = scratch.file("3.fq", &renamed(MEASLES_2, |n| format!("x{n}/2:ACGTNA_TT")));
    assert!(bm(["filter", &first, &other, "-o", "-", "-q"]).refused().contains("is no mate of"));
}

/// Returns a record with this definition and `+` line; both lines of quality scores are one.
fn with_plus(definition: &str, plus: &str) -> Vec<u8> {
    format!("@{definition}\nACGTACGTAC\n+{plus}\nIIIIIIIIII\n").into_bytes()
}

#[test]
fn the_plus_line_may_name_the_read_in_the_way_of_other_programs() {
    for (definition, plus) in [
        ("I:1:1101_forward/1", "RUN1.1 I:1:1101 length=10"),
        ("I:1:1101/1", "I:1:1101"),
        ("r2/1", "r2/1 ltrim=1"),
        ("SRR1.7 I:1:1101 length=10", "I:1:1101"),
    ] {
        let run = bm_with_stdin(
            ["filter", "-", "-t", "0", "-o", "-", "-q"],
            &with_plus(definition, plus),
        );
        // What the line says is dropped.
        assert_eq!(run.done().stdout, with_plus(definition, ""), "{plus}");
    }
    for (definition, plus) in [("r1", "r2"), ("r1/1", "r1/2"), ("A 1:N:0:AC", "B 1:N:0:AC")] {
        let message = bm_with_stdin(["filter", "-", "-o", "-", "-q"], &with_plus(definition, plus));
        assert!(message.refused().contains("the `+` line names another read"), "{plus}");
    }
}

#[test]
fn qualities_may_be_wrapped_where_the_sequence_is_not() {
    // Lines of quality scores that look like other lines.
    let wrapped = b"@r1\nACGTACGTAC\n+\nIII@\n+II@\n@I\n@r2\nACG\n+\n@\n@\n+\n";
    let plain = b"@r1\nACGTACGTAC\n+\nIII@+II@@I\n@r2\nACG\n+\n@@+\n";
    let all = ["filter", "-", "-t", "0", "-o", "-", "-q"];
    assert_eq!(bm_with_stdin(all, wrapped).done().stdout, plain);
    // Too few: the next record is not taken for more of them.
    for (text, expected) in [
        (&b"@r1\nACGTACGTAC\n+\nIIIIII\n@r2\nACGT\n+\nIIII\n"[..], "10 bases but 6 quality scores"),
        (b"@r1\nACGTACGTAC\n+\nIIIIII\nIII\n@r2\nACGT\n+\nIIII\n", "10 bases but 6 quality scores"),
        (b"@r1\nACGTACGTAC\n+\nIIIIII\nIII\n", "10 bases but 6 quality scores"),
    ] {
        let message = bm_with_stdin(all, text).refused();
        assert!(message.contains("record 1 (read r1, byte 0)"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn tags_of_modified_bases_may_be_longer_than_the_read() {
    let tags = "5,0,12,".repeat(700_000);
    let record = format!("@r1 MM:Z:C+m,{tags}\nACGTACGTAC\n+\nIIIIIIIIII\n").into_bytes();
    let all = ["filter", "-", "-t", "0", "-o", "-", "-q"];
    assert!(bm_with_stdin(all, &record).done().stdout == record);
}

#[test]
fn samples_of_streams_are_named_after_the_file_for_multiqc() {
    let scratch = Scratch::new();
    let reads = with_plus("r1", "");
    let sample = |name: &str, more: &[&str]| {
        let file = scratch.path(name);
        let mut arguments = vec!["filter", "-", "-o", "/dev/null", "-q", "--multiqc", &file];
        arguments.extend(more);
        let mut child = crate::support::command(arguments);
        let input = scratch.file("reads.fq", &reads);
        let run = crate::support::run(child.stdin(std::fs::File::open(input).unwrap()));
        run.done();
        let data = json(&scratch.read(name))["data"].clone();
        data.as_object().unwrap().keys().next().unwrap().clone()
    };
    assert_eq!(sample("s1_mqc.json", &[]), "s1");
    assert_eq!(sample("s2_mqc.json", &[]), "s2");
    assert_eq!(sample("x_mqc.json", &["--sample", "lane 3"]), "lane 3");
    let message = bm(["filter", "reads.fq", "-o", "kept.fq", "--sample", "x"]).misused();
    assert!(message.contains("--multiqc"), "{message}");
}
