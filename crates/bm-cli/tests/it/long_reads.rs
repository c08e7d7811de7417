//! Long reads, to which the default model does not apply: their reported qualities decide, with the
//! limit that their users ask for.

use crate::bam::{inflated, records_of};
use crate::support::{
    Scratch, bm, command, files, json, record, records, rows, run, testdata, text_of,
};

const NANOPORE: &str = "nanopore_lambda_4line.fastq.gz";

/// Returns the length of a read, and the errors per base that its qualities report.
fn reported(record: &[u8]) -> (usize, f64) {
    let quality = record.split(|byte| *byte == b'\n').nth(3).unwrap();
    let errors: f64 = quality.iter().map(|byte| 10f64.powf(f64::from(byte - b'!') / -10.0)).sum();
    (quality.len(), errors / quality.len() as f64)
}

/// Returns reads of 2,000 bases with this average quality, some of it in between.
fn reads_of(qualities: &[u8]) -> Vec<u8> {
    let read = |(number, phred): (usize, &u8)| {
        let name = format!("r{number}");
        let mut text = record(&name, 2_000, b'!' + phred);
        let end = text.len() - 1;
        // More than two distinct values.
        text[end - 30..end - 20].fill(b'!' + phred + 1);
        text[end - 20..end - 10].fill(b'!' + phred - 1);
        text
    };
    qualities.iter().enumerate().flat_map(read).collect()
}

#[test]
fn nanopore_reads_pass_with_one_expected_error_in_ten_bases() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let run = bm(["score", &input, "--report", &report]).done();
    let text = text_of(&input);
    let (mut passed, mut probable) = (0, 0);
    for (row, record) in rows(&run.stdout).iter().zip(records(&text)) {
        let (bases, rate) = reported(record);
        assert_eq!(row.verdict == "pass", rate <= 0.1, "{row:?}: {rate} in {bases}");
        passed += usize::from(rate <= 0.1);
        probable += usize::from(row.probability > 0.5);
    }
    // Probabilities are those of the same event.
    assert!(passed == 90 && (passed..passed + 40).contains(&probable), "{passed} {probable}");
    let line = "long reads pass if at most 1 error in 10 bases is expected, because none of the first \
                reads reports at most 1 error in 100 bases, like Nanopore reads; --max-ee-rate, \
                --max-ee or --threshold sets another limit\n";
    assert!(run.stderr.ends_with(line), "{}", run.stderr);
    assert!(run.stderr.contains("(pass: true error rate of the read <= 10 %)"), "{}", run.stderr);
    let report = json(&scratch.read("report.json"));
    let facts = &report["domain"]["long_reads"];
    assert_eq!(
        (&facts["max_error_rate"], &facts["decided"], &facts["accurate_fraction"]),
        (&0.1.into(), &true.into(), &0.0.into())
    );
    assert_eq!(
        (&report["criteria"]["max_ee_rate"], &report["criteria"]["threshold"]),
        (&0.1.into(), &serde_json::Value::Null)
    );
    // The same reads are kept, also by the table.
    let table = scratch.file("scores.tsv", &run.stdout);
    let kept = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    assert_eq!(records(&kept).len(), passed);
    assert!(bm(["filter", &input, "--scores", &table, "-o", "-", "-q"]).done().stdout == kept);
}

#[test]
fn limits_that_are_given_win() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let text = text_of(&input);
    let meet = |meets: &dyn Fn(usize, f64) -> bool| {
        let reads = records(&text);
        reads
            .iter()
            .filter(|read| {
                let (bases, rate) = reported(read);
                meets(bases, rate)
            })
            .count()
    };
    for (flag, value, key, expected) in [
        ("--max-ee-rate", "0.05", "max_ee_rate", meet(&|_, rate| rate <= 0.05)),
        ("--max-ee-rate", "0.15", "max_ee_rate", meet(&|_, rate| rate <= 0.15)),
        ("--max-ee", "200", "max_ee", meet(&|bases, rate| rate * bases as f64 <= 200.0)),
        ("--threshold", "0", "threshold", meet(&|_, _| true)),
        ("--min-q", "11.5", "max_ee_rate", meet(&|_, rate| rate <= 10f64.powf(-1.15))),
    ] {
        let run =
            bm(["filter", &input, flag, value, "-o", "/dev/null", "--report", &report]).done();
        let report = json(&scratch.read("report.json"));
        assert_eq!(report["reads"]["kept"], expected, "{flag} {value}");
        let limit: f64 = value.parse().unwrap();
        let limit = if flag == "--min-q" { 10f64.powf(-limit / 10.0) } else { limit };
        assert_eq!(report["criteria"][key].as_f64(), Some(limit), "{flag} {value}");
        let given = report["criteria"].as_object().unwrap();
        let count = if flag == "--min-q" { 2 } else { 1 };
        assert_eq!(given.values().filter(|value| !value.is_null()).count(), count, "{given:?}");
        assert_eq!(given.get("min_q").and_then(|it| it.as_f64()), (count == 2).then_some(11.5));
        assert_eq!(report["domain"]["long_reads"]["decided"], false);
        assert!(
            run.stderr.contains("probabilities of long reads are those of at most 1 error in 10")
                && !run.stderr.contains("long reads pass"),
            "{}",
            run.stderr
        );
    }
    // So does a model that is named.
    let named = bm(["filter", &input, "-m", "read-error", "-o", "/dev/null"]).done();
    assert!(!named.stderr.contains("long reads pass"), "{}", named.stderr);
}

#[test]
fn reads_like_hifi_pass_with_one_expected_error_in_a_hundred_bases() {
    let scratch = Scratch::new();
    let report = scratch.path("report.json");
    // Qualities of reads, and the limit that they should meet.
    let mut hifi = vec![35; 40];
    hifi.extend([25, 19, 12]);
    let mut good_nanopore = vec![25; 27];
    good_nanopore.extend([17; 12]);
    good_nanopore.push(8);
    let mixed = vec![10; 20];
    for (name, qualities, limit, kept) in [
        ("HiFi", hifi, 0.01, 41),
        ("like the best Nanopore run", good_nanopore, 0.1, 39),
        ("each at the limit, but for some bases", mixed, 0.1, 20),
    ] {
        let input = scratch.file("reads.fastq", &reads_of(&qualities));
        bm(["filter", &input, "-o", "/dev/null", "--report", &report]).done();
        let report = json(&scratch.read("report.json"));
        assert_eq!(report["criteria"]["max_ee_rate"].as_f64(), Some(limit), "{name}");
        let expected =
            records(&reads_of(&qualities)).iter().filter(|read| reported(read).1 <= limit).count();
        assert_eq!(report["reads"]["kept"], expected, "{name}");
        assert!(expected == kept || name.starts_with("each"), "{name}: {expected}");
    }
    // Qualities without information: all are at the limit, and none is over it.
    let constant: Vec<u8> =
        (0..30).flat_map(|i| record(&format!("r{i}"), 1_000 + 7 * i, b'+')).collect();
    let input = scratch.file("reads.fastq", &constant);
    let kept = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    assert!(kept == constant);
}

#[test]
fn short_reads_keep_the_threshold_of_the_model() {
    let scratch = Scratch::new();
    let constant: Vec<u8> = (0..60).flat_map(|i| record(&format!("r{i}"), 100 + i, b'5')).collect();
    let input = scratch.file("reads.fastq", &constant);
    let report = scratch.path("report.json");
    bm(["score", &input, "--report", &report, "-q"]).done();
    let report = json(&scratch.read("report.json"));
    assert_eq!(report["domain"]["scored_by"], "reported-errors");
    assert!(
        report["domain"]["long_reads"].is_null() && report["criteria"]["max_ee_rate"].is_null()
    );
    assert!(!report["criteria"]["threshold"].is_null());
}

/// Takes a few seconds.
#[test]
fn long_reads_that_teach_nothing_are_judged_in_the_same_way_after_learning() {
    let scratch = Scratch::new();
    // So few reads of the phage hardly overlap.
    let text = text_of(&testdata(NANOPORE));
    let input = scratch.file("reads.fastq", &records(&text)[..30].concat());
    let plain = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    let adapted = bm(["filter", &input, "--adapt", "-o", "-"]).done();
    assert!(
        adapted.stderr.contains("reported qualities are used")
            && adapted.stderr.contains("long reads pass if at most 1 error in 10 bases"),
        "{}",
        adapted.stderr
    );
    assert!(adapted.stderr.contains("k-mer evidence not in use: k-mers"), "{}", adapted.stderr);
    let said = bm(["filter", &input, "-o", "/dev/null"]).done().stderr;
    let advice = "--adapt what the reads of the run say of each other";
    assert!(said.contains("does not apply") && said.contains(advice), "{said}");
    assert_eq!(records(&adapted.stdout).len(), records(&plain).len());
    // The package of such a run has the same event, so its threshold keeps about as many.
    let model = scratch.path("run.model");
    bm(["adapt", &input, "-o", &model, "-q"]).done();
    let by_package = bm(["filter", &input, "-m", &model, "-o", "-"]).done();
    assert!(by_package.stderr.contains("error rate of the read <= 10 %"), "{}", by_package.stderr);
    let (kept, expected) = (records(&by_package.stdout).len(), records(&plain).len());
    assert!((expected..expected + 10).contains(&kept), "{kept}, expected {expected} or a few more");
    // More of them overlap, and their columns do not align: the reason suits such reads.
    let all = bm(["filter", &testdata(NANOPORE), "--adapt", "-o", "/dev/null"]).done().stderr;
    assert!(
        all.contains("most of them gaps, so they do not align base by base")
            && !all.contains("strains")
            && !all.contains("failed cycles")
            && all.contains("k-mer evidence in use: ")
            && all.contains("errors expected by the qualities alone")
            && all.contains("By the k-mers of the run, the reads have "),
        "{all}"
    );
}

/// Pseudorandom numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        // The multiplier of Knuth's MMIX; high bits are the random ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// An adapter and a barcode, as they are in front of reads, and the adapter behind them.
const FRONT: &[u8] = b"CCTGTACTTCGTTCAGTTACGTATTGCTAAGGTTAACACAAAGACACCGACAACTTTCTTCAGCACCT";
const BEHIND: &[u8] = b"AGGTGCTGAAGAAAGTTGTCGGTGTCTTTGTGTTAACCTTAGCAATACGTAACT";

/// Returns a sequence as it is read with this error rate: gaps, insertions and other bases.
fn read_of(sequence: &[u8], rate: f64, draw: &mut Draw) -> Vec<u8> {
    let mut read = Vec::new();
    for letter in sequence {
        match draw.below(1_000_000) as f64 >= rate * 1e6 {
            true => read.push(*letter),
            false => match draw.below(3) {
                0 => read.push(b"ACGT"[draw.below(4)]),
                1 => read.extend([*letter, b"ACGT"[draw.below(4)]]),
                _ => {}
            },
        }
    }
    read
}

/// Returns a run at a depth of 40 of which the qualities say nothing of single reads, and the error rate
/// of each read: half of them 2 %, half of them 8 %. The sequences have a front and a rear part.
pub(crate) fn run_of_a_genome(ends: [&[u8]; 2]) -> (Vec<u8>, Vec<f64>) {
    let mut draw = Draw(7);
    let genome: Vec<u8> = (0..20_000).map(|_| b"ACGT"[draw.below(4)]).collect();
    let (mut text, mut rates) = (Vec::new(), Vec::new());
    for number in 0..400 {
        let start = draw.below(genome.len() - 2_000);
        let rate = if draw.below(2) == 0 { 0.02 } else { 0.08 };
        let molecule = [ends[0], &genome[start..start + 2_000], ends[1]].concat();
        let sequence = read_of(&molecule, rate, &mut draw);
        let quality: Vec<u8> = sequence.iter().map(|_| b'!' + 8 + draw.below(12) as u8).collect();
        text.extend(format!("@r{number}\n{}\n+\n", String::from_utf8_lossy(&sequence)).bytes());
        text.extend([&quality[..], b"\n"].concat());
        rates.push(rate);
    }
    (text, rates)
}

#[test]
fn a_run_of_long_reads_shows_which_of_its_reads_have_many_errors() {
    let scratch = Scratch::new();
    let (text, rates) = run_of_a_genome([b"", b""]);
    let (input, report) = (scratch.file("run.fastq", &text), scratch.path("report.json"));
    let by_qualities = bm(["score", &input, "-q"]).done();
    let run = bm(["score", &input, "--adapt", "--report", &report]).done();
    // Expected errors in a hundred bases, of reads with few errors and of those with many.
    let of = |table: &[u8]| {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for (row, rate) in rows(table).iter().zip(&rates) {
            let found = 100.0 * f64::from(row.expected_errors.unwrap()) / row.length as f64;
            if *rate < 0.05 { few.push(found) } else { many.push(found) }
        }
        (few, many)
    };
    let (few, many) = of(&run.stdout);
    let highest = few.iter().copied().fold(0.0, f64::max);
    let above = many.iter().filter(|rate| **rate > highest).count();
    assert!(above as f64 > 0.98 * many.len() as f64, "{above} of {}: {highest}", many.len());
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    assert!((1.2..3.5).contains(&mean(&few)), "{}", mean(&few));
    // Errors of real reads lie together, so those that stand alone count for more.
    assert!((5.5..13.0).contains(&mean(&many)), "{}", mean(&many));
    let (few, many) = of(&by_qualities.stdout);
    assert!((mean(&few) - mean(&many)).abs() < 0.1, "the qualities say nothing");
    // It is said what was used, and for how many of the bases.
    assert!(run.stderr.contains("\nk-mer evidence in use: "), "{}", run.stderr);
    let report = json(&scratch.read("report.json"));
    let facts = &report["adaptation"]["evidence"];
    assert_eq!((&facts["in_use"], &facts["k"]), (&true.into(), &17.into()));
    assert!(facts["evaluable"].as_f64().unwrap() > 0.9, "{facts}");
    assert_eq!(report["criteria"]["max_ee_rate"].as_f64(), Some(0.1));
    // The package of the run says the same, and so do its parts.
    let model = scratch.path("run.model");
    bm(["adapt", &input, "--evidence", "-o", &model, "-q"]).done();
    let by_package = bm(["score", &input, "-m", &model, "-q"]).done();
    let errors =
        |table: &[u8]| -> Vec<_> { rows(table).iter().map(|row| row.expected_errors).collect() };
    assert_eq!(errors(&by_package.stdout), errors(&run.stdout));
    let records = records(&text);
    let mut parts = Vec::new();
    for (name, part) in [("one", &records[..150]), ("other", &records[150..])] {
        let (part, observed) =
            (scratch.file(name, &part.concat()), scratch.path(&format!("{name}.obs")));
        bm(["observe", &part, "--evidence", "-o", &observed, "-q"]).done();
        parts.push(observed);
    }
    let of_parts = scratch.path("parts.model");
    bm(["adapt", &parts[0], &parts[1], "--evidence", "-o", &of_parts, "-q"]).done();
    assert!(files(&of_parts)["evidence"] == files(&model)["evidence"]);
}

#[test]
fn adapters_of_long_reads_are_found_left_out_and_cut() {
    let scratch = Scratch::new();
    let (text, _) = run_of_a_genome([FRONT, BEHIND]);
    let (plain, _) = run_of_a_genome([b"", b""]);
    let input = scratch.file("run.fastq", &text);
    let trimmed = bm(["filter", &input, "--trim=adapters", "-t", "0", "-o", "-"]).done();
    let cut: Vec<usize> = records(&text)
        .iter()
        .zip(records(&trimmed.stdout))
        .map(|(before, after)| (before.len() - after.len()) / 2)
        .collect();
    let expected = FRONT.len() + BEHIND.len();
    let near = cut.iter().filter(|bases| bases.abs_diff(expected) <= 12).count();
    assert!(near >= 390, "{near} of 400: {cut:?}");
    for place in ["start", "end"] {
        let line = format!(" bases at the {place} of ");
        assert!(trimmed.stderr.contains(&line), "{}", trimmed.stderr);
    }
    // Nothing is found where nothing is, or where it is not looked for.
    let input = scratch.file("plain.fastq", &plain);
    for more in [&["--trim=adapters"][..], &["--trim=adapters", "--no-adapters"]] {
        let arguments =
            ["filter", &input, "-t", "0", "-o", "-"].into_iter().chain(more.iter().copied());
        let run = run(&mut command(arguments)).done();
        assert!(run.stdout == plain, "{}", run.stderr);
    }
}

#[test]
fn the_best_long_reads_are_long_and_have_few_errors() {
    let scratch = Scratch::new();
    let input = testdata(NANOPORE);
    let text = text_of(&input);
    let table = scratch.path("scores.tsv");
    bm(["score", &input, "-o", &table, "-q"]).done();
    let weight = |record: &[u8]| {
        let (bases, rate) = reported(record);
        let bases = bases as f64;
        (bases / (bases + 5000.0) * (1.0 - rate).powi(17)).sqrt()
    };
    let report = scratch.path("report.json");
    let options = ["--scores", &table, "--target-bases", "200k", "--report", &report];
    let arguments = ["filter", &input, "-o", "-"].into_iter().chain(options);
    let kept = run(&mut command(arguments)).done();
    let reads = records(&kept.stdout);
    let of = |reads: &[&[u8]]| -> usize { reads.iter().map(|read| reported(read).0).sum() };
    let least = reads.iter().map(|read| weight(read)).fold(1.0, f64::min);
    let worst = reads.iter().min_by(|a, b| weight(a).total_cmp(&weight(b))).unwrap();
    assert!((200_000..200_000 + reported(worst).0).contains(&of(&reads)), "{}", of(&reads));
    let better = records(&text).into_iter().filter(|read| weight(read) > least * (1.0 + 1e-6));
    assert_eq!(better.count() + 1, reads.len());
    assert!(kept.stderr.contains("the best long reads by length and errors"), "{}", kept.stderr);
    let report = json(&scratch.read("report.json"));
    assert!((report["criteria"]["min_weight"].as_f64().unwrap() / least - 1.0).abs() < 1e-5);
    let lost = report["reasons"]["target_bases"].as_u64().unwrap();
    assert_eq!(lost as usize, records(&text).len() - reads.len());
}

#[test]
fn two_molecules_in_one_read_are_two_reads_afterwards() {
    let scratch = Scratch::new();
    let (text, _) = run_of_a_genome([FRONT, BEHIND]);
    let reads = records(&text);
    // Every tenth read and the next one are read as one.
    let mut joined = Vec::new();
    let mut names = Vec::new();
    let mut number = 0;
    while number < reads.len() {
        let lines = |read: &[u8]| -> Vec<Vec<u8>> {
            read.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        let mut read = lines(reads[number]);
        let name = String::from_utf8_lossy(&read[0][1..]).into_owned();
        if number.is_multiple_of(10) {
            let next = lines(reads[number + 1]);
            read[1].extend(&next[1]);
            read[3].extend(&next[3]);
            names.extend([format!("{name}_1"), format!("{name}_2")]);
            number += 1;
        } else {
            names.push(name);
        }
        number += 1;
        joined.extend(read.join(&b'\n'));
    }
    let (input, report) = (scratch.file("run.fastq", &joined), scratch.path("report.json"));
    let discarded = scratch.path("discarded.fastq");
    let options = ["--max-ee-rate", "0.12", "--discarded", &discarded, "--report", &report];
    let arguments = ["filter", &input, "--split=adapters", "--trim=adapters", "-o", "-"]
        .into_iter()
        .chain(options);
    let split = run(&mut command(arguments)).done();
    let name = |record: &&[u8]| -> String {
        let line = record.split(|byte| *byte == b'\n').next().unwrap();
        String::from_utf8_lossy(&line[1..]).split(' ').next().unwrap().to_owned()
    };
    let lost = scratch.read("discarded.fastq");
    let (kept, lost) = (records(&split.stdout), records(&lost));
    let mut found: Vec<String> = kept.iter().chain(&lost).map(name).collect();
    let mut expected = names.clone();
    found.sort();
    expected.sort();
    let missing = expected.iter().filter(|name| !found.contains(name)).count();
    assert!(missing <= 2, "{missing}: {expected:?} {found:?}");
    // Pieces are as long as the molecules, and have no adapters.
    for piece in kept.iter().filter(|record| name(record).contains('_')) {
        let (bases, _) = reported(piece);
        assert!((1_850..2_150).contains(&bases), "{}: {bases}", name(piece));
    }
    let report = json(&scratch.read("report.json"));
    let facts = &report["split"];
    let (reads, pieces) = (facts["reads"].as_u64().unwrap(), facts["pieces"].as_u64().unwrap());
    assert!((38..=40).contains(&reads) && pieces == 2 * reads, "{facts}");
    let records_in = records(&joined).len() as u64;
    assert_eq!(report["reads"]["in"].as_u64(), Some(records_in + reads));
    assert!(
        split.stderr.contains(" bases of adapters inside them are left out"),
        "{}",
        split.stderr
    );
    // Threads and the way of reading change nothing.
    let again = bm([
        "filter",
        &input,
        "--split=adapters",
        "--trim=adapters",
        "--max-ee-rate",
        "0.12",
        "-j",
        "1",
        "-o",
        "-",
        "-q",
    ]);
    assert!(again.done().stdout == split.stdout);
    // In BAM, a piece names the read that it is of.
    let to = ["-o", &scratch.path("kept.bam"), "--max-ee-rate", "0.12", "-q"];
    run(command(["filter", &input, "--split=adapters", "--trim=adapters"]).args(to)).done();
    let in_bam = inflated(&scratch.read("kept.bam"));
    let (_, in_bam) = records_of(&in_bam);
    assert_eq!(in_bam.len(), kept.len());
    for (record, text) in in_bam.iter().zip(&kept) {
        let has = |tag: &[u8]| record.windows(tag.len()).any(|part| part == tag);
        let name = name(text);
        match name.rsplit_once('_') {
            Some((parent, _)) => assert!(has(format!("piZ{parent}\0").as_bytes()), "{name}"),
            None => assert!(!has(b"piZ"), "{name}"),
        }
    }
    // Where reads show no adapter at their ends, it is said that none is looked for.
    let (plain, _) = run_of_a_genome([b"", b""]);
    let input = scratch.file("plain.fastq", &plain);
    let run = bm(["filter", &input, "--split=adapters", "-t", "0", "-o", "-"]).done();
    assert!(run.stdout == plain && run.stderr.contains("no read is divided"), "{}", run.stderr);
    let pair = bm(["filter", &input, &input, "--split", "-o", "-"]);
    assert!(pair.misused().contains("--split"));
}

#[test]
fn long_reads_are_divided_at_stretches_of_low_quality() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(NANOPORE));
    // Every second read of 2000 bases and more has 200 bases of Q3 in its middle, the others none.
    let mut expected = Vec::new();
    let mut input = Vec::new();
    for (number, record) in records(&text).into_iter().enumerate() {
        let mut lines: Vec<Vec<u8>> =
            record.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let length = lines[3].len();
        lines[3].iter_mut().for_each(|byte| *byte = (*byte).max(b'!' + 12));
        let (from, to) = (length / 2 - 100, length / 2 + 100);
        let name = lines[0].split(|byte| *byte == b' ').next().unwrap().to_vec();
        if length >= 2000 && number.is_multiple_of(2) {
            lines[3][from..to].fill(b'!' + 3);
            for (piece, part) in [(b"_1", 0..from), (b"_2", to..length)] {
                expected.push((
                    [&name, &piece[..]].concat(),
                    lines[1][part.clone()].to_vec(),
                    lines[3][part].to_vec(),
                ));
            }
        } else {
            expected.push((name, lines[1].clone(), lines[3].clone()));
        }
        input.extend(lines.join(&b'\n'));
    }
    let (input, report) = (scratch.file("run.fastq", &input), scratch.path("report.json"));
    let options = ["--split=stretches", "--max-ee-rate", "1", "--report", &report];
    let split = run(&mut command(["filter", &input, "-o", "-"].into_iter().chain(options))).done();
    let found: Vec<_> = records(&split.stdout)
        .into_iter()
        .map(|record| {
            let mut lines = record.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
            let name = lines.next().unwrap();
            let name = name.split(|byte| *byte == b' ').next().unwrap().to_vec();
            (name, lines.next().unwrap(), lines.nth(1).unwrap())
        })
        .collect();
    assert!(found == expected, "{} {}", found.len(), expected.len());
    let divided = (expected.len() - records(&text).len()) as u64;
    assert!(divided > 20);
    let report = json(&scratch.read("report.json"));
    let facts = &report["split"];
    assert_eq!(facts["reads"], divided);
    assert_eq!(facts["pieces"], 2 * divided);
    assert_eq!(
        (&facts["bases"], facts["stretch_bases"].as_u64()),
        (&0.into(), Some(200 * divided))
    );
    let bases: usize = records(&text).iter().map(|read| reported(read).0).sum();
    assert_eq!(report["bases"]["in"].as_u64(), Some(bases as u64));
    assert_eq!(report["bases"]["kept"].as_u64(), Some(bases as u64 - 200 * divided));
    assert!(split.stderr.contains("of low quality inside them are left out"), "{}", split.stderr);
    // Those of short reads do not divide a read.
    let short = testdata("novaseq_A00129_800.fastq.gz");
    let run = bm(["filter", &short, "--split=stretches", "-o", "/dev/null"]).done();
    assert!(run.stderr.contains("no read is divided at stretches"), "{}", run.stderr);
}

#[test]
fn a_wrong_base_of_a_long_read_costs_what_its_limit_allows() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let kept = |more: &[&str]| {
        let options = ["filter", &input, "--trim", "-o", "-", "--report", &report, "-q"];
        let run = run(&mut command(options.iter().chain(more))).done();
        let report = json(&scratch.read("report.json"));
        (report["trim"]["price"].as_f64().unwrap(), report["bases"]["kept"].as_u64().unwrap(), run)
    };
    let (price, bases, _) = kept(&[]);
    assert_eq!(price, 9.0);
    let (price, fewer, _) = kept(&["--trim-price", "19"]);
    assert_eq!(price, 19.0);
    assert!(fewer < bases, "{fewer} {bases}");
    let hifi = scratch.file("hifi.fastq", &reads_of(&[35; 40]));
    let run = bm(["filter", &hifi, "--trim", "-o", "/dev/null", "--report", &report, "-q"]);
    run.done();
    assert_eq!(json(&scratch.read("report.json"))["trim"]["price"], 99.0);
}
