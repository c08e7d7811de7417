//! The same reads give the same bytes, for any number of threads, any compression of the input, and
//! in every run.

use std::collections::BTreeMap;
use std::io::Write;

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Scratch, command, files, gzip, json, run, testdata, text_of,
};

/// Outputs by name, without times and paths.
type Outputs = BTreeMap<String, Vec<u8>>;

/// Runs commands on `inputs` with every kind of output.
fn outputs(inputs: &[&str], threads: &str, learns: bool) -> Outputs {
    let scratch = Scratch::new();
    let is_pair = inputs.len() == 2;
    let path = |name: &str| scratch.path(name);
    let [kept, kept2, dropped, singles] =
        ["kept.fastq.gz", "kept2.fastq.zst", "dropped.fastq", "singles.fastq"].map(path);
    let [report, page, multiqc] = ["report.json", "page.html", "x_mqc.json"].map(path);
    let [table, parquet, score_report] = ["scores.tsv", "scores.parquet", "scores.json"].map(path);
    let learning: &[&str] = if learns { &["--adapt"] } else { &[] };
    let flags = ["-q", "-j", threads];
    let mut filter = command(["filter"]);
    filter.args(inputs).args(flags).args(learning).args([
        "-o",
        &kept,
        "--discarded",
        &dropped,
        "--annotate",
    ]);
    filter.args(["--report", &report, "--html", &page, "--multiqc", &multiqc, "--max-n", "0.05"]);
    if is_pair {
        filter.args(["-O", &kept2, "--singles", &singles]);
    }
    run(&mut filter).done();
    run(command(["score"]).args(inputs).args(flags).args(learning).args([
        "-o",
        &table,
        "--report",
        &score_report,
    ]))
    .done();
    run(command(["score"]).args(inputs).args(flags).args(learning).args(["-o", &parquet])).done();
    let mut outputs = files(scratch.path("").as_str());
    for (name, content) in &mut outputs {
        // File names and times differ from run to run.
        let folder = scratch.folder().to_str().unwrap();
        let mut text = String::from_utf8_lossy(content).replace(folder, "");
        for input in inputs {
            let (_, base) = input.rsplit_once('/').unwrap();
            text = text.replace(input, "input").replace(base, "input");
        }
        if name.ends_with(".json") && !name.starts_with('x') {
            let mut report = json(text.as_bytes());
            let removed = report.as_object_mut().unwrap().remove("time");
            let time = removed.unwrap_or_else(|| panic!("{name} has no time"));
            assert!(time["wall_s"].is_number(), "{name}: {time}");
            assert_eq!(time["threads"], threads.parse::<u64>().unwrap(), "{name}");
            *content = serde_json::to_vec(&report).unwrap();
        } else if name.ends_with(".html") || name.ends_with(".json") {
            *content = text.into_bytes();
        }
    }
    outputs
}

#[track_caller]
fn same(found: &Outputs, expected: &Outputs, what: &str) {
    assert!(found.keys().eq(expected.keys()), "{what}: {:?}", found.keys());
    for (name, content) in found {
        let other = &expected[name];
        let at = content
            .iter()
            .zip(other)
            .position(|(a, b)| a != b)
            .unwrap_or(content.len().min(other.len()));
        let part = |content: &[u8]| {
            String::from_utf8_lossy(&content[at.saturating_sub(80)..content.len().min(at + 80)])
                .into_owned()
        };
        assert!(
            content == other,
            "{what}: {name} differs at byte {at}: {:?} and {:?}",
            part(content),
            part(other)
        );
    }
}

/// Writes the file in every compression, under names without the usual ending.
fn wrapped(scratch: &Scratch, which: &str, text: &[u8]) -> Vec<(&'static str, String)> {
    let mut bgzf = noodles_bgzf::io::Writer::new(Vec::new());
    bgzf.write_all(text).unwrap();
    let contents = [
        ("plain", text.to_vec()),
        ("gzip", gzip(text)),
        ("gzip of many members", text.chunks(99_991).flat_map(gzip).collect()),
        ("BGZF", bgzf.finish().unwrap()),
        ("zstd", zstd::encode_all(text, 3).unwrap()),
    ];
    contents
        .into_iter()
        .map(|(name, content)| (name, scratch.file(&format!("{which} {name}"), &content)))
        .collect()
}

#[test]
fn reads_give_the_same_bytes_for_any_threads_and_compression() {
    let scratch = Scratch::new();
    // Several batches, so that their order could change.
    let inputs = wrapped(&scratch, "reads", &text_of(&testdata(HISEQ)));
    let expected = outputs(&[&inputs[0].1], "1", false);
    assert_eq!(expected.len(), 15, "{:?}", expected.keys());
    assert!(
        expected.values().all(|content| content.len() > 200),
        "an output with nothing in it shows nothing"
    );
    for (i, threads) in
        [(0, "1"), (0, "2"), (0, "8"), (1, "1"), (1, "8"), (2, "2"), (3, "1"), (3, "8"), (4, "2")]
    {
        let (name, input) = &inputs[i];
        same(
            &outputs(&[input], threads, false),
            &expected,
            &format!("{name} on {threads} threads"),
        );
    }
}

#[test]
fn pairs_give_the_same_bytes_for_any_threads_and_compression() {
    let scratch = Scratch::new();
    let first = wrapped(&scratch, "one", &text_of(&testdata(MEASLES)).repeat(2));
    let second = wrapped(&scratch, "two", &text_of(&testdata(MEASLES_2)).repeat(2));
    let expected = outputs(&[&first[0].1, &second[0].1], "1", false);
    for (i, threads) in ["2", "8", "1", "3", "5"].into_iter().enumerate() {
        // A different compression for each mate.
        let (one, two) = (&first[i], &second[(i + 1) % second.len()]);
        same(
            &outputs(&[&one.1, &two.1], threads, false),
            &expected,
            &format!("{} and {} on {threads} threads", one.0, two.0),
        );
    }
}

#[test]
fn a_learned_run_gives_the_same_bytes_for_any_threads_and_compression() {
    let scratch = Scratch::new();
    let inputs = wrapped(&scratch, "reads", &text_of(&testdata(HISEQ)));
    let expected = outputs(&[&inputs[0].1], "1", true);
    assert!(
        String::from_utf8_lossy(&expected["scores.tsv"])
            .starts_with("read\tlength\tprobability\texpected_errors\t")
    );
    for (input, threads) in [(&inputs[1], "8"), (&inputs[3], "2")] {
        same(
            &outputs(&[&input.1], threads, true),
            &expected,
            &format!("{} on {threads} threads", input.0),
        );
    }
}
