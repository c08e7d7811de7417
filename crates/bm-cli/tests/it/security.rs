//! The limits that `SECURITY.md` lists: each one is tried, and the table is written from what `bm` says.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::{HISEQ, Scratch, command, package, record, run, testdata};

/// A limit, and how to meet it.
struct Limit {
    what: &'static str,
    /// Writes a file for which `bm` needs this many bytes of what is limited; returns the arguments.
    make: fn(&Scratch, u64) -> Vec<String>,
    /// More than is allowed, in bytes.
    too_much: u64,
    /// Whether exactly what is allowed is tried, too: not where that takes long, or is refused for
    /// another reason.
    is_met: bool,
}

/// Returns the arguments of `bm filter` for a file.
fn filter(path: String) -> Vec<String> {
    ["filter", "-q", "-t", "0", "-o", "/dev/null"]
        .map(str::to_owned)
        .into_iter()
        .chain([path])
        .collect()
}

/// Returns the arguments of `bm truth` for an alignment.
fn truth(alignment: &str, reference: &str) -> Vec<String> {
    ["truth", "-q", "-o", "/dev/null", alignment, "-r", reference].map(str::to_owned).into()
}

/// Returns a record whose line with the name has this many bytes.
fn named(bytes: u64) -> Vec<u8> {
    record(&"n".repeat(bytes as usize - 1), 4, b'I')
}

/// Writes a reference; returns its path.
fn reference(scratch: &Scratch, name: &str) -> String {
    scratch.file("ref.fa", format!(">{name}\nACGTTGCAAGCTTAGGCATC\n").as_bytes())
}

/// Writes a copy of the default model with one more file; returns the path.
fn model_with(scratch: &Scratch, file: &str, content: &[u8]) -> String {
    let folder = scratch.path("p.model");
    fs::create_dir_all(&folder).unwrap();
    for name in [
        "README.md",
        "golden.json",
        "manifest.json",
        "model.ane.onnx",
        "model.onnx",
        "experience.json",
    ] {
        fs::copy(package("read-error", name), format!("{folder}/{name}")).unwrap();
    }
    fs::write(format!("{folder}/{file}"), content).unwrap();
    folder
}

const LIMITS: [Limit; 8] = [
    Limit {
        what: "the line with a read's name",
        make: |scratch, bytes| filter(scratch.file("reads.fastq", &named(bytes))),
        too_much: 65 << 20,
        is_met: true,
    },
    Limit {
        what: "a record",
        make: |scratch, bytes| {
            let mut file = fs::File::create(scratch.path("reads.fastq")).unwrap();
            file.write_all(b"@r\n").unwrap();
            for _ in 0..bytes >> 20 {
                file.write_all(&[b'A'; 1 << 20]).unwrap();
            }
            filter(scratch.path("reads.fastq"))
        },
        too_much: 257 << 20,
        is_met: false,
    },
    Limit {
        what: "a header line of SAM",
        make: |scratch, bytes| {
            let line = "x".repeat(bytes as usize - "@CO\t\n".len());
            let sam = format!("@SQ\tSN:ref\tLN:20\n@CO\t{line}\n");
            truth(&scratch.file("aligned.sam", sam.as_bytes()), &reference(scratch, "ref"))
        },
        too_much: 17 << 20,
        is_met: false,
    },
    Limit {
        what: "a name line of FASTA",
        make: |scratch, bytes| {
            // The end of the line counts.
            let name = format!("ref {}", "x".repeat(bytes as usize - ">ref \n".len()));
            let sam = scratch.file("aligned.sam", b"@SQ\tSN:ref\tLN:20\n");
            truth(&sam, &reference(scratch, &name))
        },
        too_much: 2 << 20,
        is_met: true,
    },
    Limit {
        what: "a model file",
        make: |scratch, bytes| {
            let model = fs::File::create(scratch.path("model.onnx")).unwrap();
            model.set_len(bytes).unwrap();
            let mut arguments = filter(testdata(HISEQ));
            arguments.extend(["-m".to_owned(), scratch.path("model.onnx")]);
            arguments
        },
        too_much: 65 << 20,
        is_met: false,
    },
    Limit {
        what: "nodes, names and lists of a model in memory",
        make: |scratch, bytes| {
            // Empty nodes of two bytes, after the version of the format.
            let nodes = [10, 0].repeat(bytes as usize / 64);
            let mut graph = vec![8, 8, 0x3a];
            let mut length = nodes.len();
            while length >= 128 {
                graph.push(length as u8 | 128);
                length >>= 7;
            }
            graph.push(length as u8);
            let path = scratch.file("model.onnx", &[graph, nodes].concat());
            let mut arguments = filter(testdata(HISEQ));
            arguments.extend(["-m".to_owned(), path]);
            arguments
        },
        too_much: 65 << 20,
        is_met: false,
    },
    Limit {
        what: "`manifest.json` of a package",
        make: |scratch, bytes| {
            let mut manifest = fs::read(package("read-error", "manifest.json")).unwrap();
            manifest.resize(bytes as usize, b' ');
            let path = model_with(scratch, "manifest.json", &manifest);
            ["models", "show", &path].map(str::to_owned).into()
        },
        too_much: 17 << 20,
        is_met: true,
    },
    Limit {
        what: "`README.md` of a package",
        make: |scratch, bytes| {
            let path = model_with(scratch, "README.md", &vec![b'x'; bytes as usize]);
            ["models", "show", &path].map(str::to_owned).into()
        },
        too_much: 17 << 20,
        is_met: true,
    },
];

/// Returns the number after `more than` or `at most` in a message.
#[track_caller]
fn most(message: &str) -> u64 {
    let after = ["more than ", "at most "].iter().find_map(|words| message.split_once(words));
    let (_, after) = after.unwrap_or_else(|| panic!("no limit in: {message}"));
    let digits = after.find(|it: char| !it.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().unwrap_or_else(|_| panic!("no number in: {message}"))
}

#[test]
fn every_limit_is_kept_and_listed() {
    let mut table = "| limit | bytes |\n|---|---|\n".to_owned();
    for Limit { what, make, too_much, is_met } in LIMITS {
        let scratch = Scratch::new();
        let try_with = |bytes| run(&mut command(make(&scratch, bytes)));
        let bytes = most(&try_with(too_much).refused());
        if is_met {
            try_with(bytes).done();
            assert_eq!(most(&try_with(bytes + 1).refused()), bytes, "{what}");
        }
        table += &format!("| {what} | {bytes} |\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../SECURITY.md");
    let text = fs::read_to_string(&path).unwrap();
    let begin = "<!-- limits: the tests write them -->\n";
    let start = text.find(begin).unwrap() + begin.len();
    let end = text.find("<!-- end of limits -->").unwrap();
    if std::env::var_os("BM_BLESS").is_some() {
        fs::write(&path, [&text[..start], &table, &text[end..]].concat()).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table, "run with BM_BLESS=1 if this is intended");
}
