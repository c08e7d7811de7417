//! `Filter` and `Score` give the same bytes as the command line, and totals that add up.

use std::fs;
use std::path::{Path, PathBuf};

use bm_pipeline::{Filter, Goal, Inputs, Rules, Score, Silent, Totals};
use bm_reads::fastq::{Reader, Record};

const MEASLES: [&str; 2] =
    ["hiseq_measles/hiseq_measles_1.fastq.gz", "hiseq_measles/hiseq_measles_2.fastq.gz"];

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

fn pairs() -> Inputs {
    let [first, second] = MEASLES.map(testdata);
    Inputs::pair(first, second)
}

#[test]
fn outputs_have_their_names_only_after_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let [output, output2, singles, discarded] =
        ["1.fastq", "2.fastq", "s.fastq", "d.fastq"].map(|name| folder.path().join(name));
    let mut filter = Filter::new(pairs(), &output);
    filter.output2 = Some(output2.clone());
    filter.singles = Some(singles.clone());
    filter.discarded = Some(discarded.clone());
    let finished = filter.run(&Silent).unwrap();
    let all = [&output, &output2, &singles, &discarded];
    assert!(all.iter().all(|path| !path.exists()));
    let totals = finished.done().totals;
    let done = finished.commit().unwrap();
    assert_eq!(done.totals, totals);

    let records = |path: &PathBuf| {
        let mut reader = Reader::new(fs::File::open(path).unwrap());
        let mut record = Record::default();
        while reader.read_record(&mut record).unwrap() {}
        reader.records()
    };
    let [one, other, single, lost] = all.map(records);
    assert_eq!(one, other);
    assert_eq!((one, single), (totals.pairs.kept, totals.pairs.singles));
    assert_eq!(one + other + single, totals.reads.kept);
    assert_eq!(lost, totals.reads.discarded + totals.reads.unscored);
    assert_eq!(totals.reads.r#in, 2 * totals.pairs.r#in);
}

#[test]
fn a_run_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(Filter::new(pairs(), folder.path().join("kept.fastq.gz")).run(&Silent).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn totals_of_parts_add_up_to_those_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let totals = |name: &str, text: &[u8]| {
        let (input, output) = (folder.path().join(name), folder.path().join("kept.fastq"));
        fs::write(&input, text).unwrap();
        let mut filter = Filter::new(Inputs::single(&input), output);
        // The model is named, so that it scores each part.
        filter.settings.engine.model = Some("read-error".to_owned());
        filter.settings.rules = Rules { max_n: Some(0.01), ..Rules::default() };
        filter.run(&Silent).unwrap().commit().unwrap().totals
    };
    let mut text = Vec::new();
    let stored = fs::read(testdata("novaseq_A00129_800.fastq.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&stored[..]), &mut text)
        .unwrap();
    let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let whole = totals("whole.fastq", &text);
    let mut sum = Totals::default();
    for (i, part) in lines.chunks(4 * 300).enumerate() {
        let part = totals(&format!("{i}.fastq"), &part.concat());
        // Written and read back, as in reports.
        let json = serde_json::to_string(&part).unwrap();
        sum.add(&serde_json::from_str(&json).unwrap());
    }
    assert_eq!(sum, whole);
    assert_eq!(whole.reads.r#in, 800);
}

#[test]
fn a_goal_chooses_the_threshold_from_earlier_scores_or_in_a_first_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (table, kept) = (folder.path().join("scores.tsv"), folder.path().join("kept.fastq"));
    let reads = || Inputs::single(testdata(MEASLES[0]));
    Score::new(reads(), &table).run(&Silent).unwrap().commit().unwrap();
    let mut filter = Filter::new(reads(), &kept);
    filter.settings.goal = Some(Goal::Fraction(0.5));
    let one_command = filter.run(&Silent).unwrap().commit().unwrap();
    let text = fs::read(&kept).unwrap();
    filter.settings.scores = Some(table);
    let two_commands = filter.run(&Silent).unwrap().commit().unwrap();
    assert!(fs::read(&kept).unwrap() == text);
    for done in [one_command, two_commands] {
        let reads = done.totals.reads;
        assert!(reads.kept >= reads.r#in / 2 && reads.kept < reads.r#in * 6 / 10, "{reads:?}");
    }
}
