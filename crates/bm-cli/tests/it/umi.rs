//! Identifiers of molecules: from the reads into the names, and left out of everything else.

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Scratch, bm, command, json, record, run, testdata, text_of,
};
use crate::trim::{Record, parsed, to_text};

/// A pair with indexes in its description.
const ONE: &str = "@r/1 1:N:0:ACGT+TTGA x\nAACCGGTTACGTACGTACGT\n+\nABCDEFGHIIIIIIIIIIII\n";
const OTHER: &str = "@r/2 2:N:0:ACGT+TTGA x\nTTGCACGTACGTACGTACGT\n+\n98765IIIIIIIIIIIIIII\n";

/// Returns the two mates of the pair after a run with these arguments.
fn pair(arguments: &str) -> [Record; 2] {
    let scratch = Scratch::new();
    let [one, other] = [("1", ONE), ("2", OTHER)].map(|(n, text)| scratch.file(n, text.as_bytes()));
    let arguments = arguments.split_whitespace();
    let common = ["filter", &one, &other, "-o", "-", "-q", "-t", "0"];
    let kept = run(command(common).args(arguments)).done();
    let kept = parsed(&kept.stdout);
    [kept[0].clone(), kept[1].clone()]
}

#[test]
fn names_are_those_of_fastp_and_umi_tools() {
    // What fastp 0.23.2 writes with --umi_loc, --umi_len and --umi_skip, and umi_tools 1.1.6 with
    // --bc-pattern and --bc-pattern2; `/1` before the identifier is fastp's.
    for (arguments, umi, cut) in [
        ("--umi read1:4", ":AACC", [4, 0]),
        ("--umi read2:6 --umi-skip 2", ":TTGCAC", [0, 8]),
        ("--umi read1:8,read2:4 --umi-skip 1", ":AACCGGTT_TTGC", [9, 5]),
        ("--umi index1", ":ACGT", [0, 0]),
        ("--umi index1,index2", ":ACGT_TTGA", [0, 0]),
        ("--umi read1:4 --umi-delimiter _", "_AACC", [4, 0]),
        ("--umi read1:4,read2:3 --umi-delimiter _", "_AACCTTG", [4, 3]),
        ("--umi read1:4,index2 --umi-delimiter :UMI_", ":UMI_AACC_TTGA", [4, 0]),
    ] {
        let found = pair(arguments);
        for (number, text) in [ONE, OTHER].into_iter().enumerate() {
            let (name, sequence, scores) = &parsed(text.as_bytes())[0];
            let (name, description) = name.split_once(' ').unwrap();
            let expected = (
                format!("{name}{umi} {description}"),
                sequence[cut[number]..].to_owned(),
                scores[cut[number]..].to_owned(),
            );
            assert_eq!(found[number], expected, "{arguments}");
        }
    }
}

#[test]
fn a_read_is_scored_and_cut_without_its_identifier() {
    let scratch = Scratch::new();
    let reads = parsed(&text_of(&testdata(HISEQ)));
    let (umi, skip) = ("ACGTNACG", "TT");
    let tagged = |(name, sequence, scores): &Record| {
        (name.clone(), format!("{umi}{skip}{sequence}"), format!("!!!!!!!!!!{scores}"))
    };
    let with: Vec<_> = reads.iter().map(tagged).collect();
    let with = scratch.file("with.fastq", &to_text(&with));
    let plain = testdata(HISEQ);
    let of = |input: &str, more: &[&str]| {
        let [kept, dropped, report] = ["kept.fq", "dropped.fq", "report.json"];
        let paths = [kept, dropped, report].map(|name| scratch.path(name));
        let mut command = command(["filter", input, "-q", "-o", &paths[0], "--annotate", "--trim"]);
        command.args(["--discarded", &paths[1], "--report", &paths[2]]).args(more);
        run(&mut command).done();
        (scratch.read(kept), scratch.read(dropped), json(&scratch.read(report)))
    };
    let (kept, dropped, report) = of(&plain, &[]);
    let (kept_of, dropped_of, report_of) = of(&with, &["--umi", "read1:8", "--umi-skip", "2"]);
    let named = |(name, sequence, scores): Record| {
        let (name, description) = name.split_once(' ').unwrap();
        (format!("{name}:{umi} {description}"), sequence, scores)
    };
    let expected: Vec<_> = parsed(&kept).into_iter().map(named).collect();
    assert!(parsed(&kept_of) == expected && expected.len() > 8000);
    // The others stay as they came.
    let expected: Vec<_> = parsed(&dropped).iter().map(tagged).collect();
    assert!(parsed(&dropped_of) == expected && expected.len() > 100);
    let kept = report["reads"]["kept"].as_u64().unwrap();
    assert_eq!(report_of["reads"], report["reads"]);
    assert_eq!(report_of["reasons"], report["reasons"]);
    assert_eq!(report_of["trim"]["umi"], "read1:8");
    assert_eq!(report_of["trimmed"]["bases"]["umi"], 10 * kept);
    assert_eq!(report_of["trimmed"]["reads_by_reason"]["umi"], kept);
    assert_eq!(report_of["trimmed"]["bases"]["ends"], report["trimmed"]["bases"]["ends"]);
    let all = |report: &serde_json::Value| report["bases"]["in"].as_u64().unwrap();
    assert_eq!(all(&report_of), all(&report) + 10 * reads.len() as u64);
}

#[test]
fn identifiers_are_not_learned_from() {
    let scratch = Scratch::new();
    let mut reads = parsed(&text_of(&testdata(HISEQ)));
    let mut seed = 1_u64;
    for (_, sequence, scores) in &mut reads {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b"ACGT"[(seed >> 60) as usize & 3])
        };
        let umi: String = (0..8).map(|_| next()).collect();
        *sequence = umi + sequence;
        *scores = "JJJJJJJJ".to_owned() + scores;
    }
    let with = scratch.file("with.fastq", &to_text(&reads));
    let kept = |arguments: &[&str]| {
        let run = run(command(["filter", "--adapt", "-q", "-o", "-"]).args(arguments)).done();
        parsed(&run.stdout)
    };
    let (plain, tagged) = (kept(&[&testdata(HISEQ)]), kept(&[&with, "--umi", "read1:8"]));
    // What is sampled of the run depends on its reads only, so the packages are the same.
    let bases = |records: Vec<Record>| {
        records.into_iter().map(|(_, sequence, scores)| (sequence, scores)).collect::<Vec<_>>()
    };
    assert!(plain.len() > 5000 && bases(plain) == bases(tagged));
}

#[test]
fn both_files_and_one_with_both_mates_give_the_same_records() {
    let scratch = Scratch::new();
    let (one, other) = (testdata(MEASLES), testdata(MEASLES_2));
    let umi = ["--umi", "read1:5,read2:7", "-q"];
    let two = run(command(["filter", &one, &other, "-o", "-"]).args(umi)).done();
    let [first, second] = [one, other].map(|path| parsed(&text_of(&path)));
    let both: Vec<_> = first.into_iter().zip(second).flat_map(|(one, two)| [one, two]).collect();
    let both = scratch.file("both.fastq", &to_text(&both));
    let together = run(command(["filter", &both, "--interleaved", "-o", "-"]).args(umi)).done();
    assert!(two.stdout == together.stdout && parsed(&two.stdout).len() > 1000);
    // Its own output has mates by their names.
    let again = scratch.file("again.fastq", &two.stdout);
    bm(["filter", &again, "--interleaved", "-o", &scratch.path("kept.fastq"), "-q"]).done();
}

#[test]
fn a_read_that_is_no_longer_than_its_identifier_is_empty() {
    let scratch = Scratch::new();
    let short = [record("short", 8, 40), record("long", 60, 40), record("shorter", 3, 40)].concat();
    let input = scratch.file("reads.fastq", &short);
    let dropped = scratch.path("dropped.fastq");
    let kept = bm([
        "filter",
        &input,
        "-o",
        "-",
        "--discarded",
        &dropped,
        "--umi",
        "read1:8",
        "-t",
        "0",
        "-q",
    ])
    .done();
    assert_eq!(parsed(&kept.stdout).len(), 1);
    let dropped = parsed(&scratch.read("dropped.fastq"));
    let told: Vec<_> = dropped.iter().map(|(name, bases, _)| (&name[..], bases.len())).collect();
    assert_eq!(told, [("short\tZR:Z:empty", 8), ("shorter\tZR:Z:empty", 3)]);
}

#[test]
fn places_that_reads_do_not_have_are_refused() {
    let input = testdata(HISEQ);
    let error = bm(["filter", &input, "-o", "-", "--umi", "read2:8"]).refused();
    assert!(error.contains("--umi read2:8: not all reads have a second mate"), "{error}");
    for (umi, message) in [
        ("read1", "expected read1:N"),
        ("read1:8,read1:4", "read1:4 is of a read or an index that is named before"),
    ] {
        let error = bm(["filter", &input, "-o", "-", "--umi", umi]).misused();
        assert!(error.contains(message), "{error}");
    }
    let error = bm(["filter", &input, "-o", "-", "--umi", "index1", "--umi-delimiter", "a b"]);
    assert!(error.misused().contains("expected visible characters of ASCII"));
    bm(["filter", &input, "-o", "-", "--umi-skip", "2"]).misused();
}
