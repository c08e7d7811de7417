//! Files from others: model packages, tables of scores, compressed files without their end, and
//! libraries that nobody named. These tests write sections of `FAULTS.md`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use bm_io::{Compression, Output};
use serde_json::{Value, json};

use crate::faults::{Row, check, code};
use crate::support::{
    BM, MISEQ, MISEQ_2, NOVASEQ, Run, Scratch, bm, command, files, package, run, some_reads,
    testdata,
};

/// A package whose files can be replaced, and the folder that it is in.
struct Foreign {
    scratch: Scratch,
}

impl Foreign {
    /// Returns a package with everything that one can have.
    fn new(whole: &str) -> Self {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path("p.model")).unwrap();
        for (name, content) in files(whole) {
            fs::write(scratch.folder().join("p.model").join(name), content).unwrap();
        }
        scratch.file("secret", b"# a private key");
        Self { scratch }
    }

    /// Removes a file of the package and returns its path.
    fn without(&self, file: &str) -> String {
        let path = self.scratch.path(&format!("p.model/{file}"));
        fs::remove_file(&path).unwrap();
        path
    }

    fn linked_to(self, file: &str, target: &str) -> Self {
        symlink(target, self.without(file)).unwrap();
        self
    }

    fn with(self, file: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.without(file), content).unwrap();
        self
    }

    /// Replaces a file by one of this size that takes no space.
    fn sparse(self, file: &str, bytes: u64) -> Self {
        fs::File::create(self.without(file)).unwrap().set_len(bytes).unwrap();
        self
    }

    /// Changes the manifest.
    fn with_manifest(self, change: impl FnOnce(&mut Value)) -> Self {
        let path = self.scratch.path("p.model/manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(path, manifest.to_string()).unwrap();
        self
    }

    /// Puts other golden reads into the package and into its manifest.
    fn with_golden(self, change: impl FnOnce(&mut Value)) -> Self {
        let path = self.scratch.path("p.model/golden.json");
        let mut golden: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut golden);
        let text = golden.to_string();
        fs::write(&path, &text).unwrap();
        let sum = Command::new("sha256sum").arg(&path).output().unwrap();
        let sha256 = String::from_utf8(sum.stdout).unwrap()[..64].to_owned();
        self.with_manifest(|manifest| {
            manifest["files"]["golden.json"] = json!({"sha256": sha256, "bytes": text.len()});
        })
    }

    /// Runs `bm` and expects a refusal; returns the row with the message.
    #[track_caller]
    fn refused(&self, given: &str, arguments: &[&str]) -> Row {
        let before = self.scratch.names();
        let message = run(command(arguments).current_dir(self.scratch.folder())).refused();
        assert!(!message.contains("private key"), "{message}");
        assert_eq!(self.scratch.names(), before, "{given}: something was written");
        let said = message.trim_end().strip_prefix("bm: ").unwrap();
        assert!(said.starts_with("p.model"), "{given}: {said}");
        Row::new(given, 1, code(said))
    }
}

#[test]
fn packages_of_others_lead_nowhere() {
    let scratch = Scratch::new();
    let (reads, whole) = (some_reads(&scratch, 2_000), scratch.path("whole.model"));
    bm(["adapt", "-q", "--evidence", &reads, "-o", &whole]).done();
    assert!(files(&whole).contains_key("evidence"));
    let new = || Foreign::new(&whole);
    let filter = ["filter", &reads, "-m", "p.model", "-o", "kept.fastq"];
    let selfcheck = ["selfcheck", "-m", "p.model", "--backend", "embedded"];
    let show = ["models", "show", "p.model"];
    let adapt = ["adapt", &reads, "--evidence", "-m", "p.model", "-o", "new.model"];
    let mut rows = Vec::new();
    for (file, arguments) in [
        ("manifest.json", &filter[..]),
        ("model.onnx", &filter),
        ("evidence", &filter),
        ("golden.json", &selfcheck),
        ("experience.json", &adapt),
        ("README.md", &show),
    ] {
        let given = format!("`{file}` is a link to `/dev/zero`");
        rows.push(new().linked_to(file, "/dev/zero").refused(&given, arguments));
        let pipe = new();
        assert!(Command::new("mkfifo").arg(pipe.without(file)).status().unwrap().success());
        rows.push(pipe.refused("… a named pipe", arguments));
        let folder = new();
        fs::create_dir(folder.without(file)).unwrap();
        rows.push(folder.refused("… a folder", arguments));
        let socket = new();
        let _listener = UnixListener::bind(socket.without(file)).unwrap();
        rows.push(socket.refused("… a socket", arguments));
    }
    let given = "`README.md` is a link to a private file, given to `adapt -m`";
    rows.push(new().linked_to("README.md", "../secret").refused(given, &adapt));
    let given = "`evidence` has a terabyte, the manifest gives it 10 bytes";
    let terabyte = new().sparse("evidence", 1 << 40).with_manifest(|manifest| {
        manifest["files"]["evidence"]["bytes"] = json!(10);
    });
    rows.push(terabyte.refused(given, &filter));
    let given = "`evidence` and manifest agree on a terabyte of zeros";
    let terabyte = new().sparse("evidence", 1 << 40).with_manifest(|manifest| {
        manifest["files"]["evidence"]["bytes"] = json!(1u64 << 40);
    });
    rows.push(terabyte.refused(given, &selfcheck));
    for (file, arguments) in [("manifest.json", &filter[..]), ("README.md", &show)] {
        let given = format!("`{file}` of 17 MiB");
        rows.push(new().sparse(file, 17 << 20).refused(&given, arguments));
    }
    let given = "`model.onnx` and manifest agree on 65 MiB";
    let large = new().sparse("model.onnx", 65 << 20).with_manifest(|manifest| {
        manifest["files"]["model.onnx"]["bytes"] = json!(65 << 20);
    });
    rows.push(large.refused(given, &filter));
    for name in ["../secret", "/etc/passwd", "sub/model.onnx", ".."] {
        let listed = new().with_manifest(|manifest| {
            manifest["files"][name] = json!({"sha256": "0".repeat(64), "bytes": 15});
        });
        rows.push(listed.refused(&format!("the manifest lists `{name}`"), &filter));
    }
    rows.push(
        new()
            .with_golden(|golden| golden["reads"] = json!([]))
            .refused("golden reads without a read", &selfcheck),
    );
    rows.push(
        new()
            .with_golden(|golden| golden["reads"][0]["probability"] = json!(1e300))
            .refused("a golden probability of 1e300", &selfcheck),
    );
    rows.push(
        new()
            .with("README.md", [0xff, 0xfe])
            .refused("`README.md` is not text (given to `adapt -m`)", &adapt),
    );

    // What a user names on the command line may be a link, or endless.
    let foreign = new();
    let scratch = &foreign.scratch;
    let runs = |model: &str| {
        let arguments = ["filter", reads.as_str(), "-m", model, "-o", "-"];
        run(command(arguments).current_dir(scratch.folder()))
    };
    let refusal = |run: Run| code(run.refused().trim_end().strip_prefix("bm: ").unwrap());
    rows.push(Row::new("`-m /dev/zero`", 1, refusal(runs("/dev/zero"))));
    assert!(Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    let mut writer =
        Command::new("sh").args(["-c", "exec yes > pipe"]).current_dir(scratch.folder()).spawn();
    rows.push(Row::new("`-m` names an endless pipe", 1, refusal(runs("pipe"))));
    writer.as_mut().unwrap().wait().unwrap();
    symlink("p.model", scratch.path("link.model")).unwrap();
    symlink("p.model/model.onnx", scratch.path("link.onnx")).unwrap();
    for (given, model) in
        [("`-m` names a link to a package", "link.model"), ("… to a model file", "link.onnx")]
    {
        runs(model).done();
        rows.push(Row::new(given, 0, "used like what it links to"));
    }
    check("Packages of others", &rows);
}

/// A table of `bm score` in which fields can be replaced.
struct Table {
    lines: Vec<Vec<String>>,
}

impl Table {
    fn of(text: &str) -> Self {
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        Self { lines: text.lines().map(fields).collect() }
    }

    fn place(&self, column: &str) -> usize {
        self.lines[0].iter().position(|name| name == column).unwrap()
    }

    /// Returns the table with another field in a line, from 1.
    fn with(&self, line: usize, column: &str, value: &str) -> Self {
        let mut lines = self.lines.clone();
        lines[line - 1][self.place(column)] = value.to_owned();
        Self { lines }
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| line.join("\t") + "\n").collect()
    }
}

/// Checks that `filter --scores` and `tune` refuse a table with the same message.
#[track_caller]
fn table_refused(given: &str, inputs: &[&str], table: &str) -> Row {
    let scratch = Scratch::new();
    scratch.file("scores.tsv", table.as_bytes());
    let bm = |arguments: &[&str]| {
        run(command(arguments).args(["-q", "-o", "out"]).current_dir(scratch.folder())).refused()
    };
    let filter = [&["filter"], inputs, &["--scores", "scores.tsv", "--max-ee", "0.001"]].concat();
    let message = bm(&filter);
    assert_eq!(bm(&["tune", "scores.tsv"]), message, "{given}");
    assert_eq!(bm(&[&filter[..filter.len() - 2], &["--keep-fraction", "0.5"]].concat()), message);
    assert_eq!(scratch.names(), ["scores.tsv"], "{given}");
    Row::new(given, 1, code(message.trim_end().strip_prefix("bm: ").unwrap()))
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let input = testdata(NOVASEQ);
    let single = Table::of(bm(["score", "-q", &input]).done().text());
    let mut rows: Vec<_> = [
        ("`nan` as expected errors beside a probability", "expected_errors", "nan"),
        ("negative expected errors", "expected_errors", "-0.5"),
        ("infinite expected errors", "expected_errors", "inf"),
        ("expected errors beyond any number", "expected_errors", "1e39"),
        ("more expected errors than bases", "expected_errors", "1000"),
        ("`nan` as probability of a read that passes", "probability", "nan"),
        ("a probability above 1", "probability", "1.5"),
        ("an infinite probability", "probability", "inf"),
        ("a negative probability", "probability", "-0.1"),
        ("no number", "probability", ""),
        ("verdict `unscored` beside a probability", "verdict", "unscored"),
        ("`nan` as reported errors", "phred_expected_errors", "nan"),
        ("negative reported errors", "phred_expected_errors", "-1"),
        ("a mean quality of 94", "mean_phred", "94"),
        ("`nan` as mean quality", "mean_phred", "nan"),
        ("a length of 2^32", "length", "4294967296"),
        ("a length beyond 2^64", "length", "18446744073709551616"),
        ("a negative length", "length", "-5"),
    ]
    .into_iter()
    .map(|(given, column, value)| {
        table_refused(given, &[&input], &single.with(3, column, value).text())
    })
    .collect();
    let (one, two) = (testdata(MISEQ), testdata(MISEQ_2));
    let mates = [one.as_str(), two.as_str()];
    let pairs = Table::of(bm(["score", "-q", &one, &two]).done().text());
    for (given, column, value) in [
        ("another pair probability in the row of the second mate", "pair_probability", "0.125"),
        ("`nan` as pair probability in one row", "pair_probability", "nan"),
        ("mate 1 twice", "mate", "1"),
        ("mate 3", "mate", "3"),
    ] {
        rows.push(table_refused(given, &mates, &pairs.with(3, column, value).text()));
    }
    let both = pairs.with(2, "pair_probability", "nan").with(3, "pair_probability", "nan");
    let given = "`nan` as pair probability in both rows, though both mates have one";
    rows.push(table_refused(given, &mates, &both.text()));
    let twice = single.text().replacen("mean_phred", "probability", 1);
    rows.push(table_refused("a column twice", &[&input], &twice));
    check("Tables of scores", &rows);

    // What `bm` writes is read, with mates that are kept for the other one's sake, too.
    let scratch = Scratch::new();
    let scores = scratch.path("scores.tsv");
    let unscored = |count: usize| b"@r\nNNNN\n+\n####\n".repeat(count);
    let [first, second] = [MISEQ, "derived/empty.fastq.gz"].map(testdata);
    let text = crate::support::text_of(&first);
    let reads = crate::support::records(&text)[..20].concat();
    let renamed: Vec<u8> =
        (0..20).flat_map(|i| format!("@r{i}\nACGTACGT\n+\nIIIIIIII\n").into_bytes()).collect();
    let lost: Vec<u8> =
        (0..20).flat_map(|i| format!("@r{i}\nNNNN\n+\n####\n").into_bytes()).collect();
    let ours = scratch.file("1.fastq", &renamed);
    let theirs = scratch.file("2.fastq", &lost);
    for inputs in [
        vec![ours.as_str(), &theirs, "--pair", "any"],
        vec![ours.as_str(), &theirs],
        vec![second.as_str()],
        vec![
            scratch.file("3.fastq", &[reads, unscored(3), b"@e\n\n+\n\n".to_vec()].concat()).leak(),
        ],
    ] {
        run(command(["score", "-q", "-o", &scores]).args(&inputs)).done();
        run(command(["filter", "-q", "-o", "-", "--scores", &scores]).args(&inputs)).done();
        bm(["tune", "-q", &scores]).done();
    }
}

/// Returns the end-of-file block of BGZF, cut off.
fn without_end(file: &str) -> Vec<u8> {
    let mut content = fs::read(file).unwrap();
    assert_eq!(content[content.len() - 28..][..4], [0x1f, 0x8b, 8, 4], "{file} is BGZF");
    content.truncate(content.len() - 28);
    content
}

#[test]
fn compressed_files_without_their_end_are_reported() {
    let scratch = Scratch::new();
    let whole = testdata("derived/bgzip.fastq.gz");
    let cut = without_end(&whole);
    scratch.file("cut.fastq.gz", &cut);
    scratch.file("empty.fastq.gz", b"");
    scratch.file("empty.FASTQ.BGZ", b"");
    scratch.file("whole.fastq.gz", &fs::read(&whole).unwrap());
    scratch.file("both.fastq.gz", &[fs::read(&whole).unwrap(), fs::read(&whole).unwrap()].concat());
    scratch.file("cut_then_whole.fastq.gz", &[cut.clone(), fs::read(&whole).unwrap()].concat());
    bm(["score", "-q", &whole, "-o", &scratch.path("scores.tsv.gz")]).done();
    let scores = without_end(&scratch.path("scores.tsv.gz"));
    scratch.file("cut.tsv.gz", &scores);
    let bam = testdata("hiseq_measles/hiseq_measles.bam");
    let reference = testdata("hiseq_measles/ref.fa");
    let blocks = Compression::on_this_thread(None);
    let mut output = Output::create(scratch.path("ref.fa.gz").as_ref(), &[], &blocks).unwrap();
    output.write_text(&fs::read(&reference).unwrap()).unwrap();
    output.finish().unwrap();
    scratch.file("cut.fa.gz", &without_end(&scratch.path("ref.fa.gz")));
    scratch.file("cut.bam", &without_end(&bam));
    let names = scratch.names();
    let in_folder = |arguments: &[&str]| {
        run(command(arguments).current_dir(scratch.folder()).env("BM_THREADS", "2"))
    };
    let mut rows = Vec::new();
    // Warnings are lines of their own; with -q there is nothing else on stderr.
    let mut try_it = |given: &str, file: &str, arguments: &[&str]| {
        let lenient = in_folder(&[arguments, &["-q"]].concat()).done();
        assert_eq!(lenient.stderr.lines().count(), 1, "{given}: {}", lenient.stderr);
        let said = lenient.stderr.trim_end();
        assert!(said.starts_with(&format!("bm: note: {file}: ")), "{given}: {said}");
        rows.push(Row::new(given, 0, format!("read to its end; says {}", code(said))));
        for name in scratch.names() {
            if !names.contains(&name) {
                let path = scratch.folder().join(&name);
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
                    .unwrap();
            }
        }
        let message = in_folder(&[arguments, &["--strict", "-q"]].concat()).refused();
        assert_eq!(scratch.names(), names, "{given}: something was written");
        let said = message.trim_end().strip_prefix("bm: ").unwrap();
        assert!(said.starts_with(&format!("{file}: ")), "{given}: {said}");
        rows.push(Row::new("… with `--strict`", 1, code(said)));
    };
    let (given, file) = ("BGZF without its end-of-file block", "cut.fastq.gz");
    try_it(given, file, &["filter", file, "-o", "out.fastq"]);
    try_it("… in `score`", file, &["score", file, "-o", "out.tsv"]);
    try_it("… in `adapt`", file, &["adapt", file, "-o", "out.model"]);
    try_it("… in `filter --adapt`", file, &["filter", "--adapt", file, "-o", "out.fastq"]);
    try_it("… in `encode`", file, &["encode", file, "-o", "out.npy"]);
    let pair = ["--mates", "whole.fastq.gz", file];
    try_it("… in `truth --mates`", file, &[&["truth", "-o", "out.tsv"], &pair[..]].concat());
    let (given, file) = ("a table of scores without it, in `tune`", "cut.tsv.gz");
    try_it(given, file, &["tune", file, "-o", "out.tsv"]);
    let scores = ["filter", "whole.fastq.gz", "-o", "out.fastq", "--scores", file];
    try_it("… in `filter --scores`", file, &scores);
    let goal = [&scores[..], &["--keep-fraction", "0.5"]].concat();
    try_it("… with `--keep-fraction`", file, &goal);
    let (given, file) = ("FASTA without it", "cut.fa.gz");
    try_it(given, file, &["truth", &bam, "-r", file, "-o", "out.tsv"]);
    let (given, file) = ("0 bytes under a name with `.gz`", "empty.fastq.gz");
    try_it(given, file, &["filter", file, "-o", "out.fastq"]);
    let (given, file) = ("… with `.BGZ`", "empty.FASTQ.BGZ");
    try_it(given, file, &["score", file, "-o", "out.tsv"]);
    for (given, file) in [
        ("two BGZF files as one (`cat a.gz b.gz`)", "both.fastq.gz"),
        ("… the first without its end-of-file block", "cut_then_whole.fastq.gz"),
    ] {
        let run = in_folder(&["filter", file, "-o", "-", "-q", "--strict"]).done();
        assert_eq!(run.stderr, "", "{given}");
        rows.push(Row::new(given, 0, "read to its end"));
    }
    let message = in_folder(&["truth", "cut.bam", "-r", &reference, "-o", "out.tsv"]).refused();
    let given = "BAM without it, with or without `--strict`";
    rows.push(Row::new(given, 1, code(message.trim_end().strip_prefix("bm: ").unwrap())));
    assert_eq!(scratch.names(), names);
    let gzip = testdata("derived/multimember.fastq.gz");
    for file in [&gzip, &testdata("derived/zero_bytes.fastq")] {
        assert_eq!(bm(["filter", file, "-o", "-", "-q", "--strict"]).done().stderr, "", "{file}");
    }
    check("Compressed files without their end", &rows);
}

/// A program in a folder of a checkout, and what lies where `cargo xtask fetch-runtime` puts the
/// library.
fn program_beside(library: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    let folder = scratch.folder().join("xtask/onnxruntime/1.28.0");
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir(scratch.path("debug")).unwrap();
    fs::copy(BM, scratch.path("debug/bm")).unwrap();
    for name in ["libonnxruntime.so.1.28.0", "libonnxruntime.1.28.0.dylib"] {
        fs::write(folder.join(name), library).unwrap();
    }
    for folder in ["", "debug", "xtask", "xtask/onnxruntime", "xtask/onnxruntime/1.28.0"] {
        fs::set_permissions(scratch.path(folder), Permissions::from_mode(0o755)).unwrap();
    }
    scratch
}

#[test]
fn a_library_that_nobody_named_is_not_loaded() {
    let input = testdata("broken/crlf.fastq");
    let needs_it = package("mean-q20", "model.ane.onnx");
    let mut rows = Vec::new();
    for (given, open_to_all, expected) in [
        ("another library two folders above the program", false, "its SHA-256 is "),
        ("… in a folder that everybody can write to", true, "can be written to by every user"),
    ] {
        let scratch = program_beside(b"code of a stranger");
        if open_to_all {
            fs::set_permissions(scratch.path("xtask"), Permissions::from_mode(0o777)).unwrap();
        }
        let bm = |arguments: &[&str]| {
            let mut command = Command::new(scratch.path("debug/bm"));
            command.args(arguments).env_remove("ORT_DYLIB_PATH").stdin(Stdio::null());
            run(&mut command)
        };
        let root = fs::canonicalize(scratch.folder()).unwrap();
        let shown = |text: &str| {
            let text = text.trim_end().replace(root.to_str().unwrap(), "DIR");
            code(text.strip_prefix("bm: ").unwrap_or(&text))
        };
        let named = ["score", &input, "-o", "/dev/null", "--backend", "onnxruntime"];
        let message = bm(&named).refused();
        assert!(message.contains(expected) && message.contains("--ort-lib"), "{message}");
        rows.push(Row::new(given, 1, shown(&message)));
        // `selfcheck` does without it, and says why.
        let selfcheck = bm(&["selfcheck", "-m", "mean-q20"]).done();
        let skipped = selfcheck.text().lines().find(|line| line.contains("skipped"));
        assert!(skipped.is_some_and(|line| line.contains(expected)), "{}", selfcheck.text());
        rows.push(Row::new("… `selfcheck`", 0, shown(skipped.unwrap())));
        let message = bm(&["score", &input, "-o", "/dev/null", "-m", &needs_it]).refused();
        assert!(
            message
                .contains("the embedded backend cannot run this model: cast_in (Cast) is not one")
                && message.contains(expected),
            "{message}"
        );
    }
    check("Libraries that nobody named", &rows);
}

/// The library that `cargo xtask fetch-runtime` fetched is found without its name.
#[test]
fn the_fetched_library_is_loaded() {
    let Some(library) = crate::engines::library("the_fetched_library_is_loaded") else { return };
    let content = fs::read(&library).unwrap();
    let scratch = program_beside(&content);
    let score = || {
        let mut command = Command::new(scratch.path("debug/bm"));
        command.args(["score", &testdata("broken/crlf.fastq"), "--backend", "onnxruntime"]);
        run(command.env_remove("ORT_DYLIB_PATH").stdin(Stdio::null()))
    };
    if !Path::new(&library).ends_with("libonnxruntime.so.1.28.0") {
        assert!(score().refused().contains("its SHA-256 is "));
        return;
    }
    assert!(score().done().stderr.contains("engine ONNX Runtime 1.28.0"));
    // As under umask 002 where users have groups of their own.
    fs::set_permissions(scratch.path("xtask"), Permissions::from_mode(0o777)).unwrap();
    assert!(score().refused().contains("chmod o-w"));
}
