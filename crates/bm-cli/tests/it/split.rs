//! Outputs in numbered files: as many reads or pairs in each, all of them or none.

use crate::support::{MEASLES, MEASLES_2, Scratch, bm, json, records, testdata, text_of};

#[test]
fn numbered_files_hold_the_kept_pairs_in_order() {
    let scratch = Scratch::new();
    let [one, two] = [MEASLES, MEASLES_2].map(testdata);
    let whole = ["w1.fq", "w2.fq"].map(|name| scratch.path(name));
    bm(["filter", &one, &two, "-o", &whole[0], "-O", &whole[1], "-q"]).done();
    let parts = Scratch::new();
    let paths = ["kept_1.fq", "kept_2.fq", "report.json"].map(|name| parts.path(name));
    let run = |threads: &str| {
        bm([
            "filter",
            &one,
            &two,
            "-o",
            &paths[0],
            "-O",
            &paths[1],
            "--split-reads",
            "500",
            "-q",
            "--report",
            &paths[2],
            "-j",
            threads,
        ])
        .done();
    };
    run("3");
    let names: Vec<_> = parts.names().into_iter().filter(|name| name.starts_with("0")).collect();
    assert_eq!(names[..2], ["0001.kept_1.fq", "0001.kept_2.fq"]);
    for (mate, name) in [(0, "kept_1.fq"), (1, "kept_2.fq")] {
        let of_mate: Vec<_> = names.iter().filter(|file| file.ends_with(name)).collect();
        let texts: Vec<_> = of_mate.iter().map(|file| parts.read(file)).collect();
        assert_eq!(texts.concat(), scratch.read(["w1.fq", "w2.fq"][mate]));
        let counts: Vec<_> = texts.iter().map(|text| records(text).len()).collect();
        let (last, full) = counts.split_last().unwrap();
        assert!(full.len() > 1 && full.iter().all(|count| *count == 500), "{counts:?}");
        assert!((1..=500).contains(last));
    }
    let report = json(&parts.read("report.json"));
    assert_eq!(report["outputs"].as_array().unwrap().len(), names.len());
    // A stream is not cut, and a run that fails leaves no file.
    let error = bm(["filter", &one, &two, "-o", "-", "--split-reads", "9", "-q"]).refused();
    assert!(error.contains("--split-reads"), "{error}");
    let broken = Scratch::new();
    let text = text_of(&one);
    let input = scratch.file("broken.fastq", &text[..text.len() - 20]);
    let out = broken.path("out.fq");
    bm(["filter", &input, "-o", &out, "--split-reads", "100", "-q"]).refused();
    assert!(broken.names().is_empty(), "{:?}", broken.names());
}
