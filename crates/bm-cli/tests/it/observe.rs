//! `bm observe`: a run learned in parts is the run learned at once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Run, Scratch, bm, bm_with_stdin, command, files, json, records, run,
    testdata, text_of,
};

/// Runs `bm` with any number of arguments.
fn bm_with(arguments: &[String]) -> Run {
    run(&mut command(arguments))
}

/// Writes the reads of a file to as many files; returns their paths. Parts are stretches of the file of
/// different lengths.
fn parts(scratch: &Scratch, name: &str, file: &str, number: usize) -> Vec<String> {
    let text = text_of(&testdata(file));
    let records = records(&text);
    let end = |part: usize| records.len() * part * (part + 1) / (number * (number + 1));
    (0..number)
        .map(|part| {
            let reads = records[end(part)..end(part + 1)].concat();
            scratch.file(&format!("{name}{part}of{number}.fastq"), &reads)
        })
        .collect()
}

/// Learns a run with the arguments; returns the files of its package.
fn adapted(scratch: &Scratch, name: &str, arguments: &[String]) -> BTreeMap<String, Vec<u8>> {
    let model = scratch.path(name);
    let mut all = vec!["adapt".to_owned(), "-q".to_owned(), "-o".to_owned(), model.clone()];
    all.extend_from_slice(arguments);
    bm_with(&all).done();
    files(&model)
}

/// Observes parts, each of one file or two; returns the files that were written.
fn observed(scratch: &Scratch, parts: &[Vec<&String>], more: &[&str]) -> Vec<String> {
    let observe = |(number, part): (usize, &Vec<&String>)| {
        let output = scratch.path(&format!("{number}of{}.obs", parts.len()));
        let inputs: Vec<String> = part.iter().map(|path| (*path).clone()).collect();
        let observe = ["observe", "-q", "-o", &output].map(str::to_owned);
        bm_with(&with(&[&observe[..], &inputs].concat(), more)).done();
        output
    };
    parts.iter().enumerate().map(observe).collect()
}

fn with(inputs: &[String], more: &[&str]) -> Vec<String> {
    inputs.iter().cloned().chain(more.iter().map(|it| (*it).to_owned())).collect()
}

#[track_caller]
fn assert_same(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs));
    for (name, bytes) in ours {
        assert!(theirs[name] == *bytes, "{name} differs");
    }
}

#[test]
fn a_run_of_pairs_learned_in_parts_is_the_run_learned_at_once() {
    let scratch = Scratch::new();
    for number in [1, 2, 4, 7] {
        let mates = [0, 1]
            .map(|mate| parts(&scratch, &format!("m{mate}"), [MEASLES, MEASLES_2][mate], number));
        let pairs: Vec<Vec<&String>> =
            (0..number).map(|part| vec![&mates[0][part], &mates[1][part]]).collect();
        let mut observed = observed(&scratch, &pairs, &["--evidence"]);
        let reads: Vec<String> = pairs.iter().flatten().map(|path| (*path).clone()).collect();
        let at_once = adapted(&scratch, &format!("{number}"), &with(&reads, &["--evidence"]));
        assert!(at_once.contains_key("evidence"));
        let learned = adapted(&scratch, &format!("{number}p"), &with(&observed, &["--evidence"]));
        assert_same(&learned, &at_once);
        observed.rotate_left(number / 2);
        observed.swap(0, number - 1);
        let learned = adapted(&scratch, &format!("{number}s"), &with(&observed, &["--evidence"]));
        assert_same(&learned, &at_once);
    }
}

#[test]
fn kmers_of_parts_are_counted_again_without_cycles_that_failed() {
    let scratch = Scratch::new();
    let reads = parts(&scratch, "reads", HISEQ, 3);
    let lists: Vec<Vec<&String>> = reads.iter().map(|path| vec![path]).collect();
    let observed = observed(&scratch, &lists, &["--evidence"]);
    let at_once = adapted(&scratch, "once", &with(&reads, &["--evidence"]));
    assert_same(&adapted(&scratch, "parts", &with(&observed, &["--evidence"])), &at_once);
    // In shards of the k-mers, too: each is counted again by itself.
    let shards = ["1/2", "2/2"].map(|shard| {
        let output = scratch.path(&format!("again.{}.obs", &shard[..1]));
        let whole = testdata(HISEQ);
        bm(["observe", &whole, "-q", "-o", &output, "--evidence", "--shards-of-kmers", shard])
            .done();
        output
    });
    let at_once = adapted(&scratch, "whole", &with(&[testdata(HISEQ)], &["--evidence"]));
    assert_same(&adapted(&scratch, "shards", &with(&shards, &["--evidence"])), &at_once);
    // Without k-mers, and with a seed.
    let more = ["--seed", "7"];
    let at_once = adapted(&scratch, "once7", &with(&reads, &more));
    assert!(!at_once.contains_key("evidence"));
    assert_same(&adapted(&scratch, "parts7", &with(&observed, &more)), &at_once);

    // The reports say the same, but for the names of the inputs and the time.
    let report = |name: &str, inputs: &[String]| {
        let (model, path) = (scratch.path("reported"), scratch.path(name));
        let more = ["--evidence", "-o", &model, "--report", &path, "-q"];
        bm_with(&with(&[&["adapt".to_owned()][..], inputs].concat(), &more)).done();
        let report = json(&fs::read(&path).unwrap());
        (report["adaptation"].clone(), report["adapters_found"].clone(), report["library"].clone())
    };
    assert_eq!(report("a.json", &observed), report("b.json", &reads));

    fs::remove_file(&reads[1]).unwrap();
    let model = scratch.path("again");
    let again = [&["adapt".to_owned()][..], &observed].concat();
    let message = bm_with(&with(&again, &["--evidence", "-q", "-o", &model])).refused();
    assert!(message.contains("reads1of3.fastq") && message.contains("counted again"), "{message}");
}

#[test]
fn kmers_counted_in_shards_are_all_kmers_of_the_run() {
    let scratch = Scratch::new();
    let reads = parts(&scratch, "reads", HISEQ, 2);
    let more: [&[&str]; 2] = [&["--evidence"], &["--evidence", "--ignore-quality"]];
    for more in more {
        let at_once = adapted(&scratch, "once", &with(&reads, more));
        let mut files = Vec::new();
        for (part, path) in reads.iter().enumerate() {
            for shard in ["1/3", "2/3", "3/3"] {
                let output = scratch.path(&format!("{part}.{}.obs", &shard[..1]));
                let observe = ["observe", path, "-o", &output, "--shards-of-kmers", shard];
                let said = bm_with(&with(&observe.map(str::to_owned), more)).done().stderr;
                let shard = format!("-mers of shard {shard} counted;");
                assert!(said.contains(&shard), "{said}");
                // The sample comes with the first.
                assert_eq!(said.contains("in the sample"), shard.contains("1/3"), "{said}");
                files.push(output);
            }
        }
        files.rotate_left(2);
        assert_same(&adapted(&scratch, "shards", &with(&files, more)), &at_once);
        let model = scratch.path("refused");
        let adapt = ["adapt", "-q", "-o", &model].map(str::to_owned);
        for missing in 0..files.len() {
            let mut some = [&adapt[..], &files].concat();
            let path = some.remove(adapt.len() + missing);
            let missing = format!("shard {}/3 is missing", &path[path.len() - 5..][..1]);
            let message = bm_with(&with(&some, more)).refused();
            assert!(message.contains(&missing), "{message}");
        }
        // Divided in two ways.
        let all = scratch.path("0.all.obs");
        let observe = ["observe", "-q", &reads[0], "-o", &all].map(str::to_owned);
        bm_with(&with(&observe, more)).done();
        let message = bm_with(&with(&[&adapt[..], &files, &[all]].concat(), more)).refused();
        assert!(message.contains("in two ways"), "{message}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let scratch = Scratch::new();
    let reads = parts(&scratch, "reads", HISEQ, 2);
    let lists: Vec<Vec<&String>> = reads.iter().map(|path| vec![path]).collect();
    let observed = observed(&scratch, &lists, &[]);
    let [one, other] = &observed[..] else { unreachable!("two parts") };
    let model = scratch.path("run.model");
    let refused = |arguments: &[&str]| {
        let adapt = ["adapt", "-q", "-o", &model].map(str::to_owned);
        let message = bm_with(&with(&adapt, arguments)).refused();
        assert!(!fs::exists(&model).unwrap());
        message
    };
    let says = |arguments: &[&str], expected: &str| {
        let message = refused(arguments);
        assert!(message.contains(expected), "{message}");
    };
    says(&[one, &reads[1]], "give one kind of file");
    says(&[one, one], "the same part twice");
    says(&[one, other, "--evidence"], "has no k-mers; observe it with --evidence");
    says(&[one, "--phred64"], "are options of bm observe");
    says(&[one, "--no-adapters"], "are options of bm observe");
    says(&[one, "--labels", &scratch.path("labels.tsv")], "--labels needs the reads");
    says(&[one, "--evidence", "--ignore-quality"], "was observed with its qualities");

    // Damaged, cut short, of another format.
    let whole = fs::read(one).unwrap();
    let damaged = scratch.path("damaged.obs");
    for place in (1..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x41;
        fs::write(&damaged, &bytes).unwrap();
        assert!(refused(&[&damaged]).contains("damaged.obs"));
        fs::write(&damaged, &whole[..place]).unwrap();
        assert!(refused(&[&damaged]).contains("damaged.obs"));
    }
    let mut other_format = zstd::decode_all(&whole[8..]).unwrap();
    let at = other_format.windows(11).position(|text| text == b"\"format\":2,").unwrap();
    other_format[at + 9] = b'9';
    let mut frame = zstd::Encoder::new(whole[..8].to_vec(), 1).unwrap();
    frame.window_log(17).unwrap();
    frame.write_all(&other_format).unwrap();
    fs::write(&damaged, frame.finish().unwrap()).unwrap();
    says(&[&damaged], "has format 9, written by bm ");
    // A window that would take much memory for each of many parts.
    let frame = zstd::encode_all(&other_format[..], 19).unwrap();
    fs::write(&damaged, [&whole[..8], &frame].concat()).unwrap();
    says(&[&damaged], "damaged.obs: ");
}

#[test]
fn a_part_is_observed_whatever_its_form() {
    let scratch = Scratch::new();
    let reads = text_of(&testdata(HISEQ));
    let plain = scratch.file("reads.fastq", &reads);
    let observe = |name: &str, input: &str, threads: &str| {
        let output = scratch.path(name);
        let run = bm(["observe", input, "--evidence", "-j", threads, "-o", &output]).done();
        assert!(run.stderr.contains("10000 reads observed, 10000 of them in the sample, all "));
        let text = fs::read(output).unwrap();
        zstd::decode_all(&text[8..]).unwrap()
    };
    let one = observe("one.obs", &plain, "1");
    let two = observe("two.obs", &testdata(HISEQ), "3");
    // But for the name of the input.
    let behind_name = |text: &[u8]| {
        let at = text.windows(8).position(|text| text == b"\"reads\":").unwrap();
        text[at..].to_vec()
    };
    assert!(behind_name(&one) == behind_name(&two));
    // A broken file leaves nothing.
    let output = scratch.path("broken.obs");
    let message = bm(["observe", &testdata("broken/no_plus.fastq"), "-o", &output, "-q"]).refused();
    assert!(message.contains("no_plus.fastq") && !fs::exists(&output).unwrap(), "{message}");
}

#[test]
fn a_part_from_stdin_cannot_be_counted_again() {
    let scratch = Scratch::new();
    let output = scratch.path("stdin.obs");
    let reads = text_of(&testdata(HISEQ));
    bm_with_stdin(["observe", "-", "--evidence", "-o", &output, "-q"], &reads).done();
    let (model, report) = (scratch.path("run.model"), scratch.path("report.json"));
    let adapt = ["adapt", &output, "--evidence", "-o", &model, "--report", &report, "-q"];
    // What is on stdin now is no part of the run.
    bm_with_stdin(adapt, b"@r\nACGT\n+\nIIII\n").done();
    let evidence = json(&scratch.read("report.json"))["adaptation"]["evidence"].clone();
    assert_eq!(evidence["in_use"], false, "{evidence}");
    let doubt = evidence["doubts"][0].as_str().unwrap();
    assert!(doubt.contains("a stream cannot be read again"), "{doubt}");
}

#[test]
fn parts_without_reads_say_nothing_and_parts_are_found_from_other_folders() {
    let scratch = Scratch::new();
    let reads = parts(&scratch, "reads", HISEQ, 2);
    let empty = scratch.file("a_empty.fastq", b"");
    // Observed where the files are, with names that only this folder knows.
    let names = ["a_empty.fastq", "reads0of2.fastq", "reads1of2.fastq"];
    for (number, name) in names.iter().enumerate() {
        let output = format!("{number}.obs");
        let mut observe = command(["observe", name, "--evidence", "-q", "-o", &output]);
        run(observe.current_dir(scratch.folder())).done();
    }
    let observed = [0, 1, 2].map(|number| scratch.path(&format!("{number}.obs")));
    let all = [empty, reads[0].clone(), reads[1].clone()];
    let at_once = adapted(&scratch, "once", &with(&all, &["--evidence"]));
    assert_same(&adapted(&scratch, "parts", &with(&observed, &["--evidence"])), &at_once);
    assert_same(&adapted(&scratch, "without", &with(&reads, &["--evidence"])), &at_once);
    let only = adapted(&scratch, "only", &with(&observed[..1], &["--evidence"]));
    assert!(!only.contains_key("evidence"));
}
