//! `bm classes`, `bm classify`, and `bm filter -d`: where reads come from.

use std::fs;

use crate::support::{Scratch, bm, bm_with_stdin, command, gzip, json, run};

/// The genome that is shipped.
const PHIX: &str = include_str!("../../../bm-classes/references/NC_001422.1.fa");

/// Draws numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn genome(&mut self, bases: usize) -> String {
        (0..bases).map(|_| b"ACGT"[self.below(4)] as char).collect()
    }
}

fn phix() -> String {
    PHIX.lines().skip(1).collect()
}

fn reverse(bases: &str) -> String {
    let other = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    };
    bases.chars().rev().map(other).collect()
}

fn record(name: &str, bases: &str) -> String {
    format!("@{name}\n{bases}\n+\n{}\n", "I".repeat(bases.len()))
}

/// A run: genomes of two classes and of none, and pairs from fragments of 250 bases, of which every fourth is
/// of phix, every fourth of the host, and the others are of none.
struct Made {
    scratch: Scratch,
    host: String,
    first: String,
    second: String,
}

fn made() -> Made {
    let (scratch, mut draw) = (Scratch::new(), Draw(88_172_645_463_325_252));
    let (host, other) = (draw.genome(20_000), draw.genome(20_000));
    let genomes = [phix(), host.clone(), other.clone(), other];
    let (mut first, mut second) = (String::new(), String::new());
    for number in 0..400 {
        let genome = &genomes[number % 4];
        let start = draw.below(genome.len() - 250);
        let fragment = &genome[start..start + 250];
        let whole = if draw.below(2) == 0 { fragment.to_owned() } else { reverse(fragment) };
        first += &record(&format!("r{number} 1:N:0:A"), &whole[..100]);
        second += &record(&format!("r{number} 2:N:0:A"), &reverse(&whole[150..]));
    }
    let host = scratch.file("host.fa", format!(">chr1 one\n{host}\n").as_bytes());
    let first = scratch.file("R1.fastq", first.as_bytes());
    let second = scratch.file("R2.fastq.gz", &gzip(second.as_bytes()));
    Made { scratch, host, first, second }
}

fn classes(made: &Made) -> String {
    let output = made.scratch.path("two.classes");
    bm(["classes", &format!("host={}", made.host), "phix", "-o", &output]).done();
    output
}

fn expected(number: usize) -> &'static str {
    ["phix", "host", "none", "none"][number % 4]
}

/// Checks a table of classes, and returns how many rows have another class than expected.
fn wrong(table: &str) -> usize {
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("read\tlength\tclass\tprobability\thost\tphix\tnone"));
    let mut wrong = 0;
    for line in lines {
        let row: Vec<&str> = line.split('\t').collect();
        let number: usize = row[0][1..].parse().unwrap();
        let p: Vec<f64> = row[3..].iter().map(|p| p.parse().unwrap()).collect();
        assert!((p[1..].iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
        let place = ["host", "phix", "none"].iter().position(|name| *name == row[2]).unwrap();
        assert_eq!(p[0], p[1 + place], "{line}");
        assert!(place == 2 || p[3] < 0.5, "{line}");
        wrong += usize::from(row[2] != expected(number));
    }
    wrong
}

#[test]
fn reads_and_pairs_are_of_the_class_they_were_drawn_from() {
    let made = made();
    let classes = classes(&made);
    let single = bm(["classify", &made.first, "-d", &classes]).done();
    assert_eq!(single.text().lines().count(), 401);
    assert!(single.text().starts_with("read\tlength\tclass"));
    assert!(wrong(single.text()) <= 2, "{}", single.text());
    assert!(
        single.stderr.contains("error probabilities of bases: those that the qualities report")
    );
    let report = made.scratch.path("report.json");
    let table = made.scratch.path("table.tsv.gz");
    let pairs = ["classify", &made.first, &made.second, "-d", &classes, "-o", &table];
    run(command(pairs).args(["--report", &report])).done();
    let rows =
        bm_with_stdin(["classify", "-", "-d", &classes, "-q"], &fs::read(&made.first).unwrap());
    assert_eq!(rows.done().stdout, single.stdout);
    let table =
        String::from_utf8(crate::support::plain(made.scratch.read("table.tsv.gz"))).unwrap();
    assert!(wrong(&table) <= 2, "{table}");
    assert!(table.lines().nth(1).unwrap().starts_with("r0\t200\tphix\t"), "{table}");
    let report = json(&made.scratch.read("report.json"));
    assert_eq!((&report["command"], &report["model"]), (&"classify".into(), &json(b"null")));
    let counts = &report["classes"]["counts"];
    for (number, (class, reads)) in [("host", 200), ("phix", 200), ("none", 400)].iter().enumerate()
    {
        let of = &counts[number];
        assert_eq!(of["class"].as_str(), Some(*class));
        assert!((of["reads"].as_i64().unwrap() - reads).abs() <= 4, "{of}");
        let [fraction, low, high] =
            ["fraction", "low", "high"].map(|it| of["abundance"][it].as_f64().unwrap());
        let truth = *reads as f64 / 800.0;
        assert!(low < fraction && fraction < high && (fraction - truth).abs() < 0.01, "{of}");
        assert!(low < truth && truth < high && high - low < 0.12, "{of}");
    }
}

#[test]
fn tables_do_not_depend_on_threads_formats_or_shards() {
    let made = made();
    let classes = classes(&made);
    let table = |more: &[&str]| {
        let common = ["classify", &made.first, "-d", &classes, "-q"];
        run(command(common).args(more)).done().stdout
    };
    let expected = table(&["-j", "1"]);
    assert_eq!(table(&["-j", "8"]), expected);
    let shards = ["1/3", "2/3", "3/3"].map(|shard| table(&["--shard", shard]));
    assert_eq!(shards.concat(), expected);
    // Without qualities, all bases count alike.
    let text = fs::read_to_string(&made.first).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let fasta: String =
        lines.chunks(4).map(|it| format!(">{}\n{}\n", &it[0][1..], it[1])).collect();
    let fasta = made.scratch.file("reads.fasta", fasta.as_bytes());
    let of_fasta = bm(["classify", &fasta, "-d", &classes, "-q"]).done().stdout;
    assert_eq!(of_fasta, table(&["--ignore-quality"]));
    assert!(wrong(&String::from_utf8(of_fasta).unwrap()) <= 2);
    // A network may give the error probabilities.
    let run = bm(["classify", &made.first, "-d", &classes, "-m", "read-error"]).done();
    assert!(wrong(run.text()) <= 2 && run.stderr.contains("model read-error version"));
}

#[test]
fn odd_reads_have_rows() {
    let scratch = Scratch::new();
    let phix = phix();
    let reads = [
        record("whole", &phix),
        record("n", &"N".repeat(80)),
        record("one", "A"),
        "@empty\n\n+\n\n".to_owned(),
        record("µ\u{2028}x rest\tof it", &phix[100..200]),
        record("low", &"ACACACACAC".repeat(10)),
    ];
    let input = scratch.file("reads.fastq", reads.concat().as_bytes());
    let table = bm(["classify", &input, "-d", "phix", "-q"]).done();
    let rows: Vec<Vec<&str>> =
        table.text().lines().map(|line| line.split('\t').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 6), "{rows:?}");
    let of = |row: usize| (rows[row][0], rows[row][1], rows[row][2]);
    assert_eq!(of(1), ("whole", "5386", "phix"));
    assert_eq!(of(2), ("n", "80", "none"));
    assert_eq!(of(3), ("one", "1", "none"));
    assert_eq!(of(4), ("empty", "0", "none"));
    assert_eq!(of(5), ("µ\u{2028}x", "100", "phix"));
    assert_eq!(of(6), ("low", "100", "none"));
    let none = scratch.file("none.fastq", b"");
    assert_eq!(bm(["classify", &none, "-d", "phix", "-q"]).done().text().lines().count(), 1);
    // A mate without bases leaves what the other one says.
    let mates = [record("p/1", &phix[400..500]), "@p/2\n\n+\n\n".to_owned()].concat();
    let mates = scratch.file("mates.fastq", mates.as_bytes());
    let table = bm(["classify", &mates, "--interleaved", "-d", "phix", "-q"]).done();
    assert!(
        table.text().lines().nth(1).unwrap().starts_with("p\t100\tphix\t0.9"),
        "{}",
        table.text()
    );
}

#[test]
fn filter_removes_classes_or_keeps_them_alone() {
    let made = made();
    let classes = classes(&made);
    let [report, page, mqc] =
        ["report.json", "page.html", "S_mqc.json"].map(|name| made.scratch.path(name));
    let [kept, kept2, dropped] =
        ["k1.fastq", "k2.fastq", "d.fastq"].map(|name| made.scratch.path(name));
    let common = ["filter", &made.first, &made.second, "-d", &classes, "-t", "0", "-j", "2"];
    let outputs = ["-o", &kept, "-O", &kept2, "--discarded", &dropped];
    let reports = ["--report", &report, "--html", &page, "--multiqc", &mqc];
    let done =
        run(command(common).args(["--remove", "phix,host"]).args(outputs).args(reports)).done();
    let numbers = |text: &str| -> Vec<usize> {
        let names =
            text.lines().step_by(4).map(|line| line[2..].split_whitespace().next().unwrap());
        names.map(|number| number.parse().unwrap()).collect()
    };
    let text = |name: &str| String::from_utf8(made.scratch.read(name)).unwrap();
    // By the same probabilities: those of the network.
    let pairs = ["classify", &made.first, &made.second, "-d", &classes, "-q", "-m", "read-error"];
    let table = run(&mut command(pairs)).done();
    assert!(wrong(table.text()) <= 2, "{}", table.text());
    let named = |names: [&str; 2]| -> Vec<usize> {
        let rows = table.text().lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
        let rows = rows.filter(|row| names.contains(&row[2]));
        rows.map(|row| row[0][1..].parse().unwrap()).collect()
    };
    let none = named(["none"; 2]);
    assert_eq!(numbers(&text("k1.fastq")), none);
    assert_eq!(numbers(&text("k2.fastq")), none);
    assert!(text("d.fastq").lines().step_by(4).all(|line| line.ends_with(" reason=class")));
    let (host, of_phix) = (named(["host"; 2]), named(["phix"; 2]));
    for line in [
        format!("not kept for: {} class", 2 * (host.len() + of_phix.len())),
        "reads of host, phix are removed from a probability of 0.5:".to_owned(),
        format!("  phix  {0} reads, {0} removed; 2", 2 * of_phix.len()),
    ] {
        assert!(done.stderr.contains(&line), "{}", done.stderr);
    }
    let report = json(&made.scratch.read("report.json"));
    assert_eq!(report["reasons"]["class"], 2 * (host.len() + of_phix.len()));
    assert_eq!(report["classes"]["remove"], serde_json::json!(["host", "phix"]));
    assert_eq!(report["classes"]["counts"][1]["removed"], 2 * of_phix.len());
    assert_eq!(report["classes"]["counts"][2]["removed"], 0);
    assert!(text("page.html").contains("Where reads come from"));
    let section = json(&made.scratch.read("S_classes_mqc.json"));
    let bar = section["data"].as_object().unwrap().values().next().unwrap();
    assert_eq!(bar["phix"], 2 * of_phix.len());
    // The others.
    let only = ["--only", "phix", "-o", "-", "-q"];
    let interleaved = run(command(common).args(only)).done();
    let twice: Vec<usize> = of_phix.iter().flat_map(|number| [*number; 2]).collect();
    assert_eq!(numbers(interleaved.text()), twice);
    let none_alone = run(command(common).args(["--only", "none", "-o", "-", "-q"])).done();
    assert_eq!(numbers(none_alone.text()).len(), 2 * none.len());
    // With other work on the same reads.
    let more = ["--remove", "phix", "-o", "-", "-q", "--trim", "--dedup", "--min-length", "20"];
    let kept = numbers(run(command(common).args(more)).done().text()).len();
    assert_eq!(kept, 2 * (none.len() + host.len()));
}

#[test]
fn reports_of_shards_are_merged() {
    let made = made();
    let classes = classes(&made);
    let part = |number: usize| {
        let (report, shard) = (made.scratch.path(&format!("{number}.json")), format!("{number}/2"));
        let common = ["filter", &made.first, "-d", &classes, "--remove", "phix", "-t", "0", "-q"];
        let more = ["-o", "/dev/null", "--shard", &shard, "--report", &report];
        run(command(common).args(more)).done();
        report
    };
    let [one, two] = [part(1), part(2)];
    let all = made.scratch.path("all.json");
    bm(["report", "merge", &one, &two, "-o", &all]).done();
    let all = json(&made.scratch.read("all.json"));
    let counts = all["classes"]["counts"].as_array().unwrap();
    let reads: Vec<i64> = counts.iter().map(|it| it["reads"].as_i64().unwrap()).collect();
    assert_eq!(reads.iter().sum::<i64>(), 400);
    assert!((98..=102).contains(&reads[1]) && counts[1].get("abundance").is_none(), "{counts:?}");
}

#[test]
fn classes_are_made_of_folders_lists_and_tables() {
    let scratch = Scratch::new();
    let mut draw = Draw(17);
    let [a, b, c] = [(); 3].map(|()| draw.genome(3000));
    fs::create_dir(scratch.path("genomes")).unwrap();
    scratch.file("genomes/a.fna.gz", &gzip(format!(">a\n{a}\n").as_bytes()));
    scratch
        .file("genomes/b.FASTA", format!(">b1\n{}\n>b2\n{}\n", &b[..1500], &b[1500..]).as_bytes());
    scratch.file("genomes/notes.txt", b"none");
    let other = scratch.file("c.fa", format!(">c\n{c}\n").as_bytes());
    let classes = scratch.path("x.classes");
    let (folder, list) =
        (scratch.path("genomes"), format!("both={},{other}", scratch.path("genomes/a.fna.gz")));
    let folder_class = format!("folder={folder}");
    let made = bm(["classes", &folder_class, "-o", &classes]).done();
    assert!(made.stderr.contains("folder: 3 sequences, 6000 known bases"), "{}", made.stderr);
    let made = bm(["classes", &list, "phix", "-o", &classes, "--one-in", "4"]).done();
    assert!(made.stderr.contains("both: 2 sequences, 6000 known bases"), "{}", made.stderr);
    assert!(made.stderr.contains("one in 4 of them"), "{}", made.stderr);
    let table = scratch.file("table.tsv", b"# of genomes\na\tone\nb2\ttwo\nb1\tone\nc\ttwo\n");
    let made = bm(["classes", "--taxonomy", &table, &folder, &other, "-o", &classes]).done();
    assert!(made.stderr.contains("one: 2 sequences, 4500 known bases"), "{}", made.stderr);
    let read = scratch.file("read.fastq", record("r", &b[2000..2100]).as_bytes());
    let found = bm(["classify", &read, "-d", &classes, "-q"]).done();
    assert!(
        found.text().ends_with('\n') && found.text().contains("r\t100\ttwo\t0.99"),
        "{}",
        found.text()
    );
}

#[test]
fn what_cannot_be_classes_is_refused() {
    let scratch = Scratch::new();
    let reference = scratch.file("a.fa", format!(">a\n{}\n", Draw(5).genome(500)).as_bytes());
    let protein = scratch.file("p.fa", b">p1\nMEEPQSDPSVEPPLSQETFSDLWKLLPENN\n");
    let short = scratch.file("s.fa", b">s\nACGTACGTNNNNACGTTTT\n");
    let reads = scratch.file("r.fastq", record("r", "ACGT").as_bytes());
    let empty = scratch.file("e.fa", b"");
    let table = scratch.file("t.tsv", b"b\tclass_b\n");
    let output = scratch.path("x.classes");
    let a = format!("a={reference}");
    let refused = |arguments: &[&str]| {
        let message =
            run(command(["classes"].iter().chain(arguments)).args(["-o", &output])).refused();
        assert!(!fs::exists(&output).unwrap(), "{message}");
        message
    };
    for (arguments, message) in [
        (&[&*a, &a][..], "class a: the name is given twice; name all files of a class at once"),
        (&["none=x.fa"], "class `none`: can be no name of a class"),
        (&["a\tb=x.fa"], "can be no name of a class"),
        (&["genome"], "genome: expected NAME=REF.fa, or a class that is shipped (phix)"),
        (&["a="], "a=: names no file"),
        (&["a=missing.fa"], "missing.fa: cannot be opened"),
        (
            &[&format!("a={protein}")],
            "line 2: sequence p1 has `E`, which is no base; are these proteins?",
        ),
        (&[&format!("a={short}")], "at least 18 known bases"),
        (&[&*a, &format!("b={short}")], "class b: no sequence of it has 18 known bases"),
        (&[&format!("a={reads}")], "line 1: found `@r`, expected FASTA"),
        (&[&format!("a={empty}")], "has no sequence, expected FASTA"),
        (&[&format!("a={}", scratch.path(""))], "the folder has no FASTA file"),
        (&["--taxonomy", &table, &reference], "t.tsv: has no class for the sequences a"),
    ] {
        if message.contains("folder has no") {
            // The folder above has FASTA files.
            fs::create_dir(scratch.path("none")).unwrap();
            let of_folder = format!("a={}", scratch.path("none"));
            assert!(refused(&[&of_folder]).contains(message));
            continue;
        }
        let found = refused(arguments);
        assert!(found.contains(message), "{found}");
    }
    assert!(bm(["classes", &a, "-o", &reference]).refused().contains("is an input"));
    assert!(bm(["classes", &a, "-o", "x.gz"]).refused().contains("are not compressed"));
}

#[test]
fn classes_that_cannot_be_read_are_refused() {
    let made = made();
    let classes = classes(&made);
    let reads = &made.first;
    let refused = |classes: &str| bm(["classify", reads, "-d", classes]).refused();
    assert!(
        refused("phiy").contains(
            "phiy: there is no such file, and these are the names of shipped classes: phix"
        )
    );
    assert!(
        refused(reads).contains("R1.fastq: index of classes: the file does not begin like one")
    );
    assert!(refused(made.scratch.folder().to_str().unwrap()).contains("is a folder"));
    let mut bytes = fs::read(&classes).unwrap();
    bytes.truncate(bytes.len() / 2);
    let half = made.scratch.file("half.classes", &bytes);
    assert!(refused(&half).contains("half.classes: index of classes: "));
    bytes[8] = 9;
    let newer = made.scratch.file("newer.classes", &bytes);
    assert!(refused(&newer).contains("version 9, expected 1; make it again"));
    // An input that is an output, and two outputs of one name.
    assert!(
        bm(["classify", reads, "-d", &classes, "-o", &classes]).refused().contains("is an input")
    );
    assert!(bm(["classify", reads, "-d", &classes, "-o", reads]).refused().contains("is an input"));
    let twice = bm(["classify", reads, "-d", &classes, "-o", "x.tsv", "--report", "x.tsv"]);
    assert!(twice.refused().contains("x.tsv"));
    // Names that the classes do not have.
    let common = ["filter", reads, "-o", "/dev/null", "-d", &classes];
    let message = run(command(common).args(["--remove", "phix,human"])).refused();
    assert!(message.ends_with("two.classes: has no class human; it has host, phix\n"), "{message}");
    for misused in [&["--remove", "phix", "--only", "host"][..], &["--min-probability", "2"]] {
        run(command(common).args(misused)).misused();
    }
    run(&mut command(["filter", reads, "-o", "/dev/null", "--remove", "phix"])).misused();
}
