//! `--shard`: the outputs of all shards, one after the other, are those of the whole run.

use std::io::Write;

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, MISEQ, MISEQ_2, Scratch, bm, bm_with_stdin, command, files, gzip,
    json, plain, records, run, some_reads, testdata, text_of,
};

/// Returns a text in BGZF blocks of this many bytes.
fn blocks(text: &[u8], size: usize) -> Vec<u8> {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    for block in text.chunks(size) {
        writer.write_all(block).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap()
}

/// Returns the mates of two texts, one after the other.
fn interleaved(first: &[u8], second: &[u8]) -> Vec<u8> {
    let lines = |text| <[u8]>::split_inclusive(text, |byte| *byte == b'\n').collect::<Vec<_>>();
    let (first, second) = (lines(first), lines(second));
    first
        .chunks(4)
        .zip(second.chunks(4))
        .flat_map(|(one, other)| [one, other].concat().concat())
        .collect()
}

/// Runs a command on a shard of its inputs, or on all of them, and returns the text of its outputs and
/// the number of reads in its report. Outputs are named in `flags` by their option.
fn outputs(
    (name, inputs, flags): (&str, &[&str], &[&str]),
    options: &[&str],
    shard: Option<(u32, u32)>,
) -> (Vec<Vec<u8>>, u64) {
    let scratch = Scratch::new();
    let mut command = command([name, "-q", "-j", "2"]);
    command.args(inputs).args(flags);
    for option in options {
        command.args([*option, &scratch.path(&format!("out{}.gz", option.trim_matches('-')))]);
    }
    command.args(["--report", &scratch.path("report.json")]);
    if let Some((index, of)) = shard {
        command.args(["--shard", &format!("{index}/{of}")]);
    }
    let stderr = run(&mut command).done().stderr;
    assert!(!stderr.contains("truncated"), "{stderr}");
    let report = json(&scratch.read("report.json"));
    let expected = shard.map(|(index, of)| serde_json::json!({"index": index, "of": of}));
    assert_eq!(report.get("shard"), expected.as_ref());
    let counts = &report["reads"];
    let [all, kept, discarded, unscored] =
        ["in", "kept", "discarded", "unscored"].map(|key| counts[key].as_u64().unwrap());
    assert_eq!(all, kept + discarded + unscored);
    let read = |option: &&str| plain(scratch.read(&format!("out{}.gz", option.trim_matches('-'))));
    (options.iter().map(read).collect(), all)
}

/// Compares the outputs of shards with those of the whole run.
fn compare(call: (&str, &[&str], &[&str]), options: &[&str], numbers: &[u32]) {
    let (whole, reads) = outputs(call, options, None);
    assert!(whole.iter().any(|text| !text.is_empty()) && reads > 0);
    for of in numbers {
        let mut joined = vec![Vec::new(); options.len()];
        let mut sum = 0;
        for index in 1..=*of {
            let (texts, reads) = outputs(call, options, Some((index, *of)));
            joined.iter_mut().zip(texts).for_each(|(joined, text)| joined.extend(text));
            sum += reads;
        }
        assert_eq!(sum, reads, "{call:?} in {of} shards");
        assert!(joined == whole, "{call:?} in {of} shards");
    }
}

#[test]
fn filtered_reads_of_shards_are_those_of_the_run() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let stored = scratch.file("x.fastq", &text);
    let in_blocks = scratch.file("x.fastq.gz", &blocks(&text, 60_000));
    let small_blocks =
        scratch.file("small.fastq.gz", &blocks(&records(&text)[..300].concat(), 100));
    let options = ["-o", "--discarded"];
    compare(("filter", &[&stored], &["--annotate"]), &options, &[1, 2, 7]);
    compare(("filter", &[&in_blocks], &["--max-ee", "1", "--strict"]), &options, &[3]);
    compare(
        ("filter", &[&in_blocks], &["--trim", "--recalibrate", "-m", "read-error"]),
        &options,
        &[2],
    );
    compare(("filter", &[&small_blocks], &[]), &options, &[5]);
}

#[test]
fn pairs_stay_together() {
    let scratch = Scratch::new();
    for (first, second) in [(MEASLES, MEASLES_2), (MISEQ, MISEQ_2)] {
        let (one, other) = (text_of(&testdata(first)), text_of(&testdata(second)));
        let both = scratch.file("both.fastq.gz", &blocks(&interleaved(&one, &other), 9_000));
        let two = [("1.fastq", one), ("2.fastq", other)].map(|(name, text)| {
            [scratch.file(name, &text), scratch.file(&format!("{name}.gz"), &blocks(&text, 10_000))]
        });
        let options = ["-o", "-O", "--singles", "--discarded"];
        compare(("filter", &[&two[0][0], &two[1][0]], &["--trim"]), &options, &[3]);
        compare(("filter", &[&two[0][1], &two[1][1]], &["--pair", "any"]), &options, &[2]);
        compare(("filter", &[&two[0][0], &two[1][1]], &[]), &options, &[4]);
        compare(("filter", &[&both], &["--interleaved"]), &options, &[4]);
    }
}

#[test]
fn tables_of_shards_are_the_table_of_the_run() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let in_blocks = scratch.file("x.fastq.gz", &blocks(&text, 60_000));
    compare(("score", &[&in_blocks], &["--trim"]), &["-o"], &[3]);
    let [table, scores] = ["2.parquet", "scores.tsv"].map(|name| scratch.path(name));
    bm(["score", "-q", &in_blocks, "--shard", "2/3", "-o", &table]).done();
    let file = std::fs::File::open(&table).unwrap();
    let rows = parquet::file::reader::SerializedFileReader::new(file).unwrap();
    let facts = parquet::file::reader::FileReader::metadata(&rows).file_metadata();
    assert!(facts.num_rows() > 3_000 && facts.schema().get_fields().len() > 3);
    bm(["score", "-q", &in_blocks, "-o", &scores]).done();
    let message =
        bm(["filter", &in_blocks, "--scores", &scores, "--shard", "1/2", "-o", "-"]).misused();
    assert!(message.contains("cannot be used with"), "{message}");
}

#[test]
fn reads_are_recalibrated_by_the_package_of_the_run() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let stored = scratch.file("x.fastq", &text);
    let package = scratch.path("run.model");
    bm(["adapt", "-q", &stored, "--evidence", "-o", &package]).done();
    compare(("recalibrate", &[&stored], &["-m", &package]), &["-o"], &[3]);
    compare(("filter", &[&stored], &["-m", &package, "--trim"]), &["-o", "--discarded"], &[4]);
    // Every shard learns the run from the whole file.
    compare(("recalibrate", &[&some_reads(&scratch, 2_000)], &[]), &["-o"], &[2]);
    let fasta: String = String::from_utf8(text)
        .unwrap()
        .lines()
        .collect::<Vec<_>>()
        .chunks(4)
        .map(|record| format!(">{}\n{}\n{}\n", &record[0][1..], &record[1][..70], &record[1][70..]))
        .collect();
    let fasta = scratch.file("x.fasta.gz", &blocks(fasta.as_bytes(), 50_000));
    compare(("recalibrate", &[&fasta], &["--evidence"]), &["-o"], &[2]);
}

#[test]
fn a_run_learned_from_its_shards_is_the_run_learned_at_once() {
    let scratch = Scratch::new();
    let path = |name: &str| scratch.path(name);
    let stored = |name: &str, file: &str, block| {
        scratch.file(name, &blocks(&text_of(&testdata(file)), block))
    };
    // The first one has cycles that failed, so its k-mers are counted again.
    let single = vec![stored("x.gz", HISEQ, 60_000)];
    let pair = vec![stored("1.gz", MEASLES, 9_000), stored("2.gz", MEASLES_2, 11_000)];
    let adapted = |name: &str, inputs: &[String]| {
        let model = path(name);
        run(command(["adapt", "-q", "--evidence", "-o", &model]).args(inputs)).done();
        files(&model)
    };
    for (of, reads) in [(3, &single), (5, &pair)] {
        let observe = |index: u32| {
            let output = path(&format!("{index}of{of}.obs"));
            let mut command = command(["observe", "-q", "--evidence", "-o", &output]);
            run(command.args(reads).args(["--shard", &format!("{index}/{of}")])).done();
            output
        };
        let mut observed: Vec<String> = (1..=of).map(observe).collect();
        observed.rotate_left(1);
        let at_once = adapted(&format!("{of}"), reads);
        let learned = adapted(&format!("{of}s"), &observed);
        assert!(at_once.contains_key("evidence") && at_once == learned, "{reads:?}");
        let refused = |inputs: &[String]| {
            let model = path("none");
            run(command(["adapt", "-q", "--evidence", "-o", &model]).args(inputs)).refused()
        };
        let message = refused(&observed[1..]);
        let missing = format!("shard 2/{of} is missing");
        assert!(message.contains(&missing), "{message}");
        let again = path("again.obs");
        std::fs::copy(&observed[0], &again).unwrap();
        observed.push(again);
        assert!(refused(&observed).contains("the same part twice"));
    }
    let [half, all] = ["half.obs", "all.obs"].map(path);
    bm(["observe", "-q", &single[0], "--shard", "1/2", "-o", &half]).done();
    bm(["observe", "-q", &single[0], "-o", &all]).done();
    let message = bm(["adapt", "-q", &half, &all, "-o", &path("none")]).refused();
    assert!(message.contains("divided in two ways"), "{message}");
}

#[test]
fn a_file_of_fewer_records_than_shards_has_empty_ones() {
    let scratch = Scratch::new();
    let text = "@a x\nACGTACGT\n+\n@@++IIII\n@b\nACGT\n+\n+I@I";
    for (name, stored) in [
        ("x.fastq", text.as_bytes().to_vec()),
        ("x.fastq.gz", blocks(text.as_bytes(), 7)),
        ("empty.fastq", Vec::new()),
    ] {
        let path = scratch.file(name, &stored);
        let whole = bm(["filter", &path, "-q", "-o", "-", "--threshold", "0"]).done().stdout;
        let mut joined = Vec::new();
        for index in 1..=7 {
            let shard = format!("{index}/7");
            let part = ["filter", &path, "-o", "-", "--threshold", "0", "--shard", &shard];
            let part = bm(part).done();
            assert!(part.stderr.contains(&format!("shard {index} of 7")), "{}", part.stderr);
            assert_eq!(part.stdout.is_empty(), part.stderr.contains("no read begins in it"));
            joined.extend(part.stdout);
        }
        assert_eq!(joined, whole);
    }
}

#[test]
fn joined_files_of_shards_are_read() {
    let scratch = Scratch::new();
    let stored = some_reads(&scratch, 700);
    let mut joined = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let part = scratch.path("part.fastq.gz");
        bm(["filter", "-q", "--threshold", "0", &stored, "-o", &part, "--shard", shard]).done();
        joined.extend(scratch.read("part.fastq.gz"));
    }
    // An empty block ends each of them.
    let whole = scratch.file("joined.fastq.gz", &joined);
    let summary = bm(["filter", "--strict", &whole, "-o", "/dev/null"]).done().stderr;
    assert!(summary.contains("700 reads in"), "{summary}");
}

#[test]
fn what_cannot_be_divided_is_refused() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let compressed = scratch.file("x.fastq.gz", &gzip(&text));
    let frames = scratch.file("x.fastq.zst", &zstd::bulk::compress(&text, 1).unwrap());
    let wrapped = scratch.file("x.fastq", &text_of(&testdata("derived/wrapped60.fastq.gz")));
    for (path, expected) in [
        (compressed.as_str(), "gzip -dc FILE | bgzip"),
        (&frames, "zstd -dc FILE | bgzip"),
        (&wrapped, "records have more than four lines"),
        ("-", "a stream has no parts"),
        ("/dev/stdin", "a stream has no parts"),
    ] {
        let arguments = ["filter", path, "-o", "-", "--shard", "1/2"];
        let message = bm_with_stdin(arguments, &text).refused();
        assert!(message.contains(expected), "{message}");
    }
    for shard in ["0/4", "5/4", "1/0", "x", "1/1000000"] {
        let message = bm(["filter", &compressed, "-o", "-", "--shard", shard]).misused();
        assert!(message.contains("expected the number of a shard"), "{message}");
    }
}

#[test]
fn a_fault_is_counted_from_the_start_of_the_shard() {
    let scratch = Scratch::new();
    let reads = |count: usize| "@a\nACGT\n+\nIIII\n".repeat(count);
    let text = reads(100) + "@bad\nACGT\n+\nIII\n" + &reads(20);
    let path = scratch.file("x.fastq", text.as_bytes());
    let message = bm(["filter", "-q", &path, "-o", "-", "--shard", "1/8"]).refused();
    assert!(message.contains("x.fastq: record 101 (read bad,"), "the head of the file: {message}");
    let many = "@a\nACGT\n+\nIIII\n".repeat(200_000) + "@bad\nACGT\n+\nIII\n" + &reads(100_000);
    let path = scratch.file("y.fastq", many.as_bytes());
    bm(["filter", "-q", &path, "-o", "/dev/null", "--shard", "1/2"]).done();
    let message = bm(["filter", "-q", &path, "-o", "/dev/null", "--shard", "2/2"]).refused();
    assert!(message.contains("y.fastq, shard 2/2: record 50000 (read bad,"), "{message}");
}
