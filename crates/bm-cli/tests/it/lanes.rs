//! Several files in one call: lanes of pairs and of single reads, and both together.

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, MISEQ, Run, Scratch, bm, command, files, json, records, rows, run,
    testdata, text_of,
};

/// The lanes of a run of pairs, and the files of all lanes joined.
struct Lanes {
    scratch: Scratch,
    /// First and second mates of each lane.
    lanes: Vec<[String; 2]>,
    joined: [String; 2],
}

impl Lanes {
    /// Cuts the pairs of a real run into lanes with these numbers of pairs.
    fn of(sizes: &[usize]) -> Self {
        let scratch = Scratch::new();
        let texts = [MEASLES, MEASLES_2].map(|file| text_of(&testdata(file)));
        let [first, second] = [0, 1].map(|mate| records(&texts[mate]));
        let mut lanes = Vec::new();
        let mut from = 0;
        for (lane, size) in sizes.iter().enumerate() {
            let to = from + size;
            let file = |mate: usize, reads: &[&[u8]]| {
                let name = format!("S_L00{}_R{mate}_001.fastq", lane + 1);
                scratch.file(&name, &reads[from..to].concat())
            };
            lanes.push([file(1, &first), file(2, &second)]);
            from = to;
        }
        let joined = [(1, &first), (2, &second)]
            .map(|(mate, reads)| scratch.file(&format!("all_{mate}.fq"), &reads[..from].concat()));
        Self { scratch, lanes, joined }
    }

    fn mates(&self, mate: usize) -> Vec<&str> {
        self.lanes.iter().map(|lane| lane[mate].as_str()).collect()
    }

    /// Runs a command on these files; returns the files that it writes.
    fn outputs(&self, command_name: &str, inputs: &[&str], flags: &[&str]) -> Vec<Vec<u8>> {
        let out = Scratch::new();
        let names = ["1.fq", "2.fq", "d.fq", "s.fq"];
        let paths = names.map(|name| out.path(name));
        let mut arguments = vec![command_name, "-q", "-o", &paths[0]];
        match command_name {
            "filter" => arguments.extend([
                "-O",
                &paths[1],
                "--discarded",
                &paths[2],
                "--singles",
                &paths[3],
            ]),
            "recalibrate" => arguments.extend(["-O", &paths[1]]),
            _ => {}
        }
        run(command(arguments).args(inputs).args(flags)).done();
        out.names().iter().map(|name| out.read(name)).collect()
    }
}

/// Runs `bm filter -o - -q` on files.
fn filter(arguments: &[&str]) -> Run {
    run(command(["filter", "-o", "-", "-q"]).args(arguments))
}

#[test]
fn lanes_give_what_their_joined_files_give() {
    let lanes = Lanes::of(&[600, 1, 0, 800]);
    let joined = lanes.joined.each_ref().map(String::as_str);
    let [first, second] = [0, 1].map(|mate| lanes.mates(mate));
    let (with_commas, mates_with_commas) = (first.join(","), second.join(","));
    let spellings: [Vec<&str>; 4] = [
        [&["-1"], &first[..], &["-2"], &second[..]].concat(),
        vec!["-1", &with_commas, "-2", &mates_with_commas],
        first.iter().zip(&second).flat_map(|(one, other)| ["-1", one, "-2", other]).collect(),
        // Their names say what they are, in whatever order.
        first.iter().chain(second.iter()).copied().collect(),
    ];
    for (name, flags) in [
        ("filter", &["-j", "1"][..]),
        ("filter", &["--pair", "both", "--annotate"]),
        ("filter", &["--trim"]),
        ("filter", &["-m", "mean-q20"]),
        ("score", &[]),
        ("score", &["--trim", "-j", "3"]),
        ("recalibrate", &["-m", "read-error"]),
    ] {
        let expected = lanes.outputs(name, &joined, flags);
        assert!(expected.iter().map(Vec::len).sum::<usize>() > 10_000);
        for inputs in &spellings {
            assert!(lanes.outputs(name, inputs, flags) == expected, "{name} {inputs:?} {flags:?}");
        }
    }
}

#[test]
fn lanes_of_single_reads_and_interleaved_lanes_are_read_one_after_the_other() {
    let lanes = Lanes::of(&[300, 400]);
    let expected = filter(&[&lanes.joined[0]]).done().stdout;
    let [one, other] = lanes.mates(0)[..] else { panic!("two lanes") };
    assert!(filter(&["-U", one, other]).done().stdout == expected);
    assert!(filter(&["-U", one, "-U", other]).done().stdout == expected);

    let interleaved = |files: &[&str; 2]| {
        let texts = files.map(text_of);
        let pairs = records(&texts[0]).into_iter().zip(records(&texts[1]));
        pairs.flat_map(|(one, other)| [one, other].concat()).collect::<Vec<_>>()
    };
    let scratch = Scratch::new();
    let file = |name: &str, lane: &[String; 2]| {
        scratch.file(name, &interleaved(&[lane[0].as_str(), lane[1].as_str()]))
    };
    let both = ["a.fq", "b.fq"].iter().zip(&lanes.lanes).map(|(name, lane)| file(name, lane));
    let both: Vec<_> = both.collect();
    let expected = filter(&[&lanes.joined[0], &lanes.joined[1]]).done().stdout;
    assert!(filter(&["--interleaved", &both[0], &both[1]]).done().stdout == expected);
}

#[test]
fn single_reads_beside_pairs_follow_them() {
    let lanes = Lanes::of(&[500]);
    let [first, second] = lanes.joined.each_ref().map(String::as_str);
    let texts = [MISEQ, HISEQ].map(|file| text_of(&testdata(file)));
    let [a, b] = [0, 1]
        .map(|i| lanes.scratch.file(&format!("single{i}.fq"), &records(&texts[i])[..400].concat()));
    for flags in [&[][..], &["--trim"], &["--pair", "any", "--max-ee", "1"]] {
        let pairs = lanes.outputs("filter", &[first, second], flags);
        let alone = if flags.contains(&"--pair") { &flags[2..] } else { flags };
        let single = filter(&[&["-U", &a, &b], alone].concat()).done().stdout;
        let found = lanes.outputs("filter", &["-1", first, "-2", second, "-U", &a, &b], flags);
        assert!(found[..2] == pairs[..2], "{flags:?}: the pairs");
        assert!(found[2].starts_with(&pairs[2]) && found[2].len() > pairs[2].len());
        assert!(found[3].starts_with(&pairs[3]), "{flags:?}");
        if flags != ["--trim"] {
            // Adapters are looked for in the first file of single reads.
            assert!(found[3][pairs[3].len()..] == single, "{flags:?}: the single reads");
        }
    }
    let message = filter(&["-1", first, "-2", second, "-U", &a]).refused();
    assert!(message.contains("--singles"), "{message}");

    let out = Scratch::new();
    let [table, report] = ["scores.tsv", "report.json"].map(|name| out.path(name));
    let files = ["-1", first, "-2", second, "-U", &a];
    run(command(["score", "-q", "-o", &table, "--report", &report]).args(files)).done();
    let scored = rows(&out.read("scores.tsv"));
    let mates: Vec<u8> = scored.iter().map(|row| row.pair.unwrap().0).collect();
    assert_eq!(mates, [[1, 2].repeat(500), [0].repeat(400)].concat());
    assert!(scored[1000..].iter().all(|row| row.pair.unwrap().1.is_nan()));
    let report = json(&out.read("report.json"));
    assert_eq!(report["inputs"], serde_json::json!([first, second, a]));
    assert_eq!((&report["reads"]["in"], &report["pairs"]["in"]), (&1400.into(), &500.into()));
    let by_table = lanes.outputs("filter", &files, &["--scores", &table]);
    assert!(by_table[..2] == lanes.outputs("filter", &files, &[])[..2]);
    assert!(bm(["tune", &table]).refused().contains("of pairs and of single reads"));
}

#[test]
fn files_that_cannot_be_grouped_are_refused() {
    let lanes = Lanes::of(&[20, 20]);
    let [[a1, a2], [b1, b2]] = &lanes.lanes[..] else { panic!("two lanes") };
    let other = lanes.scratch.file("reads.fq", &text_of(a1));
    let cases: [(&[&str], &[&str]); 9] = [
        (&["-1", a1, b1, "-2", a2], &["-1 names 2 files and -2 names 1", b1]),
        (&["-1", a1, "-2", a2, b2], &["-2 names 2", b2]),
        (&[a1, b1], &["of the same mate", "-U"]),
        (&[a1, a2, b1], &["the file of its second mates is missing", b1]),
        (&[a1, a2, &other], &["reads.fq: its name does not say which mates", "-U"]),
        (&[a1, b2], &["record 1", "is no mate of", "-U"]),
        (&["-U", a1, b1, a1], &["is named twice", a1]),
        (&["-1", a1, "-2", a1], &["is named for both mates"]),
        (&["-U", a1, b1, "--shard", "1/2"], &["--shard", "call it for each lane"]),
    ];
    for (arguments, parts) in cases {
        let message = filter(arguments).refused();
        assert!(parts.iter().all(|part| message.contains(part)), "{arguments:?}: {message}");
    }
    // A fault in a later lane has its address, and no output is there.
    let cut = lanes.scratch.file("S_L003_R2_001.fastq", &text_of(b2)[..2000]);
    let out = Scratch::new();
    let arguments = ["filter", "-o", &out.path("x"), "-1", a1, b1, "-2", a2, &cut];
    let message = bm(arguments).refused();
    assert!(message.contains("S_L003_R2_001.fastq: record"), "{message}");
    assert!(out.names().is_empty());
    let usage = filter(&["-1", a1]).misused();
    assert!(usage.contains("-2"), "{usage}");
}

#[test]
fn a_run_of_several_lanes_is_learned_from_all_of_them() {
    let lanes = Lanes::of(&[700, 799]);
    let [[a1, a2], [b1, b2]] = &lanes.lanes[..] else { panic!("two lanes") };
    let out = Scratch::new();
    let package = |name: &str, inputs: &[&str]| {
        let path = out.path(name);
        let said = run(command(["adapt", "--evidence", "-o", &path]).args(inputs)).done().stderr;
        (path, said)
    };
    let (named, said) = package("named", &[a1, a2, b1, b2]);
    assert_eq!(said.matches(": read as mates, their first reads have the same names\n").count(), 2);
    let (given, said) = package("given", &["-1", a1, b1, "-2", a2, b2]);
    assert!(!said.contains("read as mates"), "{said}");
    assert!(files(&named) == files(&given));
    let observed = out.path("run.obs");
    bm(["observe", "--evidence", "-q", "-o", &observed, a1, a2, b1, b2]).done();
    let (by_parts, _) = package("parts", &[&observed]);
    assert!(files(&by_parts) == files(&given));
    let inputs = ["-1", a1, b1, "-2", a2, b2];
    let expected = lanes.outputs("filter", &inputs, &["-m", &given]);
    assert!(lanes.outputs("filter", &inputs, &["--adapt"]) == expected);
}

#[test]
fn single_reads_of_two_lanes_are_no_mates_because_their_numbers_match() {
    let text = text_of(&testdata(HISEQ));
    let scratch = Scratch::new();
    // Archives number reads, and so do some programs.
    let lane = |file: &str, from: usize, name: &dyn Fn(usize) -> String| {
        let all = records(&text);
        let renamed = all[from..from + 300].iter().enumerate().map(|(i, record)| {
            let line_end = record.iter().position(|byte| *byte == b'\n').unwrap();
            [b"@", name(i + 1).as_bytes(), &record[line_end..]].concat()
        });
        scratch.file(file, &renamed.collect::<Vec<_>>().concat())
    };
    let said = |one: &str, other: &str| {
        let output = scratch.path("model");
        bm(["adapt", "-o", &output, one, other]).done().stderr
    };
    let mates = "read as mates, their first reads have the same names";
    let single = "read as single reads: their first reads have the same names";
    let number = |i: usize| format!("{i}");
    let archived = |i: usize| format!("SRR1.{i} {i} length=150");
    let of_mate = |mate: u8| move |i: usize| format!("SRR1.{i} {i}/{mate}");
    for ([one, other], [first, second], expected) in [
        (["lane_1.fq", "lane_2.fq"], [&number as &dyn Fn(usize) -> String, &number], single),
        (["x_R1.fq", "x_R2.fq"], [&number, &number], mates),
        (["a.fq", "b.fq"], [&archived, &archived], single),
        (["SRR1_1.fastq", "SRR1_2.fastq"], [&archived, &archived], mates),
        (["c.fq", "d.fq"], [&of_mate(1), &of_mate(2)], mates),
    ] {
        let (one, other) = (lane(one, 0, first), lane(other, 300, second));
        let said = said(&one, &other);
        assert!(said.contains(&format!("{one} and {other}: {expected}")), "{said}");
        assert_eq!(said.contains(&format!("-1 {one} -2 {other}")), expected == single, "{said}");
    }
    let (one, other) =
        (lane("SRR1.fq", 0, &archived), lane("SRR2.fq", 300, &|i| format!("SRR2.{i}")));
    assert!(!said(&one, &other).contains("read as"));
}
