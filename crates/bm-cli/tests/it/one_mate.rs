//! Pairs that are judged by one mate: the other one comes along.

use crate::support::{
    MISEQ, MISEQ_2, Scratch, bm, command, json, record, records, rows, run, testdata, text_of,
};

#[test]
fn a_pair_is_kept_where_the_judged_mate_passes_alone() {
    let files = [MISEQ, MISEQ_2].map(testdata);
    let [in1, in2] = files.each_ref().map(String::as_str);
    for (mode, judged) in [("first", 0), ("second", 1)] {
        let out = Scratch::new();
        let [one, other, table, report] =
            ["1.fq", "2.fq", "t.tsv", "r.json"].map(|name| out.path(name));
        let flags = ["--pair", mode, "--max-ee", "0.5", "-q"];
        let kept = ["filter", in1, in2, "-o", &one, "-O", &other, "--report", &report];
        run(command(kept).args(flags)).done();
        let alone = bm(["filter", &files[judged], "-o", "-", "--max-ee", "0.5", "-q"]);
        let alone = alone.done().stdout;
        let found = [out.read("1.fq"), out.read("2.fq")];
        assert!(found[judged] == alone && !alone.is_empty(), "{mode}");
        assert_eq!(records(&found[0]).len(), records(&found[1]).len());
        assert!(records(&alone).len() < records(&text_of(&files[judged])).len());
        assert_eq!(json(&out.read("r.json"))["criteria"]["pair_mode"], mode);

        run(command(["score", in1, in2, "-o", &table]).args(flags)).done();
        for pair in rows(&out.read("t.tsv")).chunks(2) {
            let of_pair = pair[0].pair.unwrap().1;
            assert_eq!(of_pair.to_bits(), pair[judged].probability.to_bits());
            assert_eq!(pair[0].verdict, pair[1].verdict);
            if pair[0].verdict == "fail" {
                assert_eq!(pair[1 - judged].reason, "mate");
            }
        }
        let again = ["filter", in1, in2, "-o", "-", "-q", "--pair", mode, "--scores", &table];
        let both = run(&mut command(again)).done().stdout;
        assert_eq!(records(&both).len(), 2 * records(&alone).len());
    }
}

#[test]
fn a_mate_without_bases_comes_along() {
    let scratch = Scratch::new();
    let first = scratch.file("1.fq", &[record("a", 90, b'I'), record("b", 90, b'#')].concat());
    let second = scratch.file("2.fq", &[b"@a\n\n+\n\n".to_vec(), record("b", 90, b'I')].concat());
    let kept = |mode: &str| {
        let run = bm(["filter", &first, &second, "-o", "-", "-q", "--pair", mode]).done();
        let names = records(&run.stdout).into_iter().map(|record| record[1]);
        String::from_utf8(names.collect()).unwrap()
    };
    assert_eq!((kept("first").as_str(), kept("second").as_str()), ("aa", "bb"));
    let table = scratch.path("t.tsv");
    bm(["score", &first, &second, "-q", "--pair", "first", "-o", &table]).done();
    let again = ["filter", &first, &second, "-o", "-", "-q", "--scores", &table];
    assert_eq!(records(&bm(again).done().stdout).len(), 2);
}
