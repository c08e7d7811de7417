//! Adapters that a user gives: what is taken, what is refused and where, and how reads are counted.

use std::path::PathBuf;

use bm_adapt::{Acceptance, AdaptError, Adapters, GivenAdapter};
use bm_reads::ReadRef;

fn given(sequence: &str) -> Adapters {
    Adapters::told([GivenAdapter::new(sequence).unwrap()])
}

/// Returns the error of an argument, with its sources.
fn fault(argument: impl AsRef<std::ffi::OsStr>) -> String {
    let error = GivenAdapter::parse(argument).unwrap_err();
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the error of a file, without the folder.
    fn fault(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.file("a.fa", text);
        fault(&path).replace(path.to_str().unwrap(), "a.fa")
    }
}

#[test]
fn a_sequence_is_taken_in_either_case_with_all_iupac_letters() {
    let adapters = given("acguRYSWKMBDHVNacgt");
    let adapter = &adapters.found[0];
    assert_eq!(adapter.sequence, "ACGTRYSWKMBDHVNACGT");
    assert_eq!((adapter.name.as_str(), adapter.kit), ("given", None));
    assert_eq!((&adapter.acceptance, adapter.reads, adapters.reads), (&Acceptance::Told, 0, 0));
    assert_eq!(adapter.probabilities[3], [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(adapter.probabilities[4], [0.5, 0.0, 0.5, 0.0]);
    assert_eq!(adapter.probabilities[14], [0.25; 4]);
    for row in &adapter.probabilities {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
    }
}

#[test]
fn a_known_kit_has_its_name() {
    let adapters = given("AGATCGGAAGAGCACACGTCTGAACTCCAGTCANNNNNNATCTCGTATGCC");
    assert_eq!(adapters.found[0].name, "Illumina TruSeq, read 1");
    assert_eq!(adapters.found[0].kit.unwrap().name, "Illumina TruSeq, read 1");
    assert_eq!(given("CGTTACGGCATTCAGGATCAAG").found[0].kit, None);
}

#[test]
fn lengths_have_limits_and_eighty_bases_are_used() {
    assert_eq!(given("ACGT").found[0].sequence, "ACGT");
    let long = "ACGTTGCAAC".repeat(20);
    let adapters = given(&long);
    assert_eq!(adapters.found[0].sequence, long[..80]);
    assert_eq!(adapters.found[0].probabilities.len(), 80);
    assert_eq!(fault("ACG"), "adapter ACG: 3 bases; an adapter has 4 to 200");
    assert_eq!(fault(""), "adapter : 0 bases; an adapter has 4 to 200");
    let longer = format!("{long}A");
    assert_eq!(
        fault(longer),
        "adapter ACGTTGCAACACGTTGCAACACGT…: 201 bases; an adapter has 4 to 200"
    );
    assert!(fault("NNNNNNNNACG").ends_with("3 bases other than N in the first 80; 4 are needed"));
    assert!(fault("N".repeat(80) + "ACGT").contains("0 bases other than N"));
}

#[test]
fn text_that_is_neither_a_sequence_nor_a_file_is_refused_at_its_place() {
    for (text, found) in [
        ("AGATCX", "adapter AGATCX: `X` at position 6 is no base"),
        ("AGATC GGA", "adapter AGATC GGA: ` ` at position 6 is no base"),
        ("AC\nGT", "adapter AC\\nGT: `\\n` at position 3 is no base"),
        ("ACé", "adapter ACé: `é` at position 3 is no base"),
        ("missing.fa", "adapter missing.fa: `i` at position 2 is no base"),
    ] {
        let fault = fault(text);
        assert!(fault.starts_with(found), "{fault}");
        assert!(fault.ends_with(", and there is no file of that name"), "{fault}");
    }
    let error = GivenAdapter::new("ACGT-").unwrap_err();
    assert!(matches!(error, AdaptError::Adapter { .. }));
    assert!(!error.to_string().contains("file"), "{error}");
}

#[test]
fn a_fasta_file_gives_names() {
    let folder = Folder::new();
    let text = "\u{feff}\r\n>one first\r\nacgt\r\nNNAC\r\n>two\nAGATCGGAAGAGC\n\n>again\nACGTNNAC";
    let parsed = GivenAdapter::parse(folder.file("a.fa", text)).unwrap();
    let names: Vec<_> = parsed.iter().map(|it| (it.name(), it.sequence())).collect();
    assert_eq!(names, [("one", "ACGTNNAC"), ("two", "AGATCGGAAGAGC"), ("again", "ACGTNNAC")]);
    let adapters = Adapters::told(parsed);
    let names: Vec<_> = adapters.found.iter().map(|adapter| adapter.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(adapters.found[1].kit.unwrap().name, "Illumina TruSeq");
}

#[test]
fn a_file_whose_name_is_a_sequence_is_read() {
    let folder = Folder::new();
    folder.file("ACGT", ">x\nGGCATTC\n");
    let sequence_of = |argument: &std::path::Path| {
        GivenAdapter::parse(argument).unwrap()[0].sequence().to_owned()
    };
    assert_eq!(sequence_of(&folder.0.path().join("ACGT")), "GGCATTC");
    assert_eq!(sequence_of("ACGT".as_ref()), "ACGT");
}

#[test]
fn files_are_refused_with_file_and_record() {
    let folder = Folder::new();
    assert_eq!(
        folder.fault(">one\nACGT\n>two\nAC-GT\n"),
        "a.fa: record 2 (two): `-` at position 3 is no base (A, C, G, T, N, other IUPAC letters)"
    );
    assert_eq!(
        folder.fault(">one\n>two\nACGT\n"),
        "a.fa: record 1 (one): 0 bases; an adapter has 4 to 200"
    );
    assert!(folder.fault(">one\nACGT\n> \nACGT\n").starts_with("a.fa: record 2: the adapters"));
    assert_eq!(folder.fault(" \n"), "a.fa: holds no sequence, expected FASTA");
    for text in [b"ACGT\n".as_slice(), b"@r\nACGT\n+\nIIII\n", b"\x1f\x8b\x08"] {
        assert!(folder.fault(text).starts_with("a.fa: does not begin with `>`"));
    }
    assert!(folder.fault(b">x\nAC\x00\xffGT").contains("`\\0` at position 3"));
    assert_eq!(folder.fault(">x\nACGT\n".repeat(65)), "a.fa: has more than 64 sequences");
    assert_eq!(
        GivenAdapter::parse(folder.file("a.fa", ">x\nACGT\n".repeat(64))).unwrap().len(),
        64
    );
    let large = format!(">x\n{}", "A".repeat(1 << 20));
    assert!(folder.fault(large).starts_with("a.fa: has more than 1 MB"));
    let folder_itself = fault(folder.0.path());
    assert!(folder_itself.contains("cannot be read as FASTA"), "{folder_itself}");
}

#[test]
fn reads_that_show_an_adapter_are_counted() {
    let mut adapters = Adapters::told([
        GivenAdapter::new("CGTTACGGCATTCAGGATCAAG").unwrap(),
        GivenAdapter::new("TTGRCC").unwrap(),
    ]);
    let reads = [
        "ACACACACGTTACGGCAT",           // eleven bases
        "ACACACACGTTACGGCATT",          // twelve
        "ACACACACGATACGGGATT",          // two of twelve differ
        "ACACACACGATACGGGAAT",          // three
        "CGTTACGGCATTCAGGATCAAGTTGACC", // both
        "TTGTCC",                       // one of six differs
        "TAGTCC",                       // two
        "GTTGGCC",
        "",
    ];
    let of = |sequence: &'static str| ReadRef {
        name: b"read",
        sequence: sequence.as_bytes(),
        quality_scores: sequence.as_bytes(),
    };
    for _ in 0..2 {
        adapters.count(reads.into_iter().map(of));
        let counts: Vec<_> = adapters.found.iter().map(|adapter| adapter.reads).collect();
        assert_eq!((counts.as_slice(), adapters.reads), ([3, 3].as_slice(), 9));
    }
}
