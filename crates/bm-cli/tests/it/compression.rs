//! Compressed outputs are BGZF, do not depend on threads, and are complete or absent; and BGZF
//! inputs.

use std::fs;
use std::io::{Read, Write};
use std::process::Command;

use flate2::read::MultiGzDecoder;

use crate::support::{HISEQ, Scratch, bm, bm_with_stdin, command, plain, testdata, text_of};

/// The empty block at the end of a complete file, by the SAM specification.
const END: [u8; 28] =
    [31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 66, 67, 2, 0, 27, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Checks that `stored` is BGZF, block by block, and returns its text.
#[track_caller]
fn text_of_blocks(stored: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = stored;
    while !rest.is_empty() {
        assert_eq!(
            (&rest[..4], &rest[10..16]),
            ([31, 139, 8, 4].as_slice(), [6, 0, b'B', b'C', 2, 0].as_slice())
        );
        let (block, others) =
            rest.split_at(usize::from(u16::from_le_bytes([rest[16], rest[17]])) + 1);
        let mut of_block = Vec::new();
        MultiGzDecoder::new(block).read_to_end(&mut of_block).unwrap();
        assert!(of_block.len() <= 65_280 && of_block.is_empty() == others.is_empty());
        text.extend(of_block);
        rest = others;
    }
    assert!(stored.ends_with(&END));
    let mut of_noodles = Vec::new();
    noodles_bgzf::io::Reader::new(stored).read_to_end(&mut of_noodles).unwrap();
    assert!(of_noodles == text && plain(stored.to_vec()) == text);
    text
}

/// Returns text in blocks as another program would write them.
fn bgzf(text: &[u8]) -> Vec<u8> {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

#[test]
fn every_compressed_output_is_bgzf() {
    let scratch = Scratch::new();
    let (input, empty) = (testdata(HISEQ), testdata("derived/empty.fastq.gz"));
    let (bam, reference) =
        (testdata("hiseq_measles/hiseq_measles.bam"), testdata("hiseq_measles/ref.fa"));
    let cases: [&[&str]; 6] = [
        &["filter", &input, "-q"],
        &["filter", &input, "-q", "-t", "1"],
        &["filter", &empty, "-q"],
        &["score", &input, "-q"],
        &["encode", &input, "-q", "--encoding", "quality-place"],
        &["truth", &bam, "-r", &reference, "-q"],
    ];
    for arguments in cases {
        let with = |name: &str| {
            crate::support::run(command(arguments).args(["-o", &scratch.path(name)])).done();
            scratch.read(name)
        };
        let expected = with("plain");
        for name in ["compressed.gz", "compressed.bgz"] {
            assert!(text_of_blocks(&with(name)) == expected, "{arguments:?}");
        }
    }
    bm(["filter", &input, "-o", "/dev/null", "--report", &scratch.path("report.json.gz")]).done();
    assert!(text_of_blocks(&scratch.read("report.json.gz")).starts_with(b"{"));
}

#[test]
fn python_and_samtools_read_it() {
    let scratch = Scratch::new();
    let kept = scratch.path("kept.fastq.gz");
    let expected = bm(["filter", &testdata(HISEQ), "-o", "-", "-q"]).done().stdout;
    bm(["filter", &testdata(HISEQ), "-o", &kept, "-q"]).done();
    let script = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";
    let readers: [(&str, &[&str]); 4] = [
        ("gzip", &["-dc"]),
        ("bgzip", &["-dc"]),
        ("python3", &["-c", script]),
        ("samtools", &["fqidx"]),
    ];
    for (program, arguments) in readers {
        let Ok(output) = Command::new(program).args(arguments).arg(&kept).output() else {
            eprintln!("SKIPPED python_and_samtools_read_it for {program}: not found");
            continue;
        };
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        if program == "samtools" {
            // samtools indexes only BGZF.
            let index = String::from_utf8(scratch.read("kept.fastq.gz.fai")).unwrap();
            assert_eq!(index.lines().count(), crate::support::records(&expected).len());
        } else {
            assert!(output.stdout == expected, "{program}");
        }
    }
}

#[test]
fn the_compression_of_an_input_is_recognised_by_its_content() {
    let expected = text_of(&testdata("derived/multimember.fastq.gz"));
    for file in [
        "derived/zstd.fastq.zst",
        "derived/bz2.fastq.bz2",
        "derived/xz.fastq.xz",
        "derived/wrapped60.fastq.gz",
    ] {
        let arguments = ["-o", "-", "-q", "-t", "0"];
        let of_file =
            crate::support::run(command(["filter", &testdata(file)]).args(arguments)).done().stdout;
        assert!(of_file == expected, "{file}");
        let stored = fs::read(testdata(file)).unwrap();
        assert!(
            bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &stored).done().stdout
                == expected,
            "{file}"
        );
        // A truncated input leaves nothing behind.
        let scratch = Scratch::new();
        let cut = scratch.file("cut", &stored[..stored.len() - 20]);
        let message = bm(["filter", &cut, "-o", &scratch.path("kept.fastq"), "-q"]).refused();
        assert!(
            message.contains("is truncated") && !scratch.names().contains(&"kept.fastq".to_owned()),
            "{message}"
        );
    }
}

#[test]
fn compressed_bytes_do_not_depend_on_threads() {
    let scratch = Scratch::new();
    // Enough text for more blocks than are in memory at once.
    let input = scratch.file("reads.fastq", &text_of(&testdata(HISEQ)).repeat(3));
    let outputs: Vec<_> = ["1", "2", "4", "9"]
        .map(|threads| {
            let (kept, dropped, table) = (
                scratch.path("kept.gz"),
                scratch.path("dropped.gz"),
                scratch.path("scores.tsv.gz"),
            );
            bm(["filter", &input, "-o", &kept, "--discarded", &dropped, "-j", threads, "-q"])
                .done();
            bm(["filter", &input, "-o", &scratch.path("kept.zst"), "-j", threads, "-q"]).done();
            bm(["score", &input, "-o", &table, "-j", threads, "-q"]).done();
            ["kept.gz", "dropped.gz", "scores.tsv.gz", "kept.zst"].map(|name| scratch.read(name))
        })
        .into();
    assert!(outputs.iter().all(|other| *other == outputs[0]), "threads change the output");
    let text = text_of_blocks(&outputs[0][0]);
    assert!(text.len() > 6_000_000 && text == zstd::decode_all(&outputs[0][3][..]).unwrap());
}

#[test]
fn a_level_changes_the_size_and_not_the_text() {
    let scratch = Scratch::new();
    let input = testdata(HISEQ);
    let stored = |level: &[&str]| {
        let kept = scratch.path("kept.fastq.gz");
        crate::support::run(command(["filter", &input, "-o", &kept, "-q"]).args(level)).done();
        scratch.read("kept.fastq.gz")
    };
    let by_level = ["1", "6", "12"].map(|level| stored(&["--level", level]));
    assert!(by_level.is_sorted_by(|larger, smaller| larger.len() > smaller.len()));
    assert!(by_level.iter().all(|stored| text_of_blocks(stored) == text_of_blocks(&by_level[0])));
    assert!(stored(&["--level", "1"]) == stored(&[]));
    let message =
        bm(["filter", &input, "-o", &scratch.path("other.gz"), "--level", "13"]).refused();
    assert_eq!(
        message,
        format!("bm: {}: --level 13: gzip has levels 1 to 12\n", scratch.path("other.gz"))
    );
    let zstd = scratch.path("kept.zst");
    bm(["filter", &input, "-o", &zstd, "-q", "--level", "13"]).done();
    assert!(
        zstd::decode_all(&scratch.read("kept.zst")[..]).unwrap() == text_of_blocks(&by_level[0])
    );
    fs::remove_file(zstd).unwrap();
    for level in ["0", "20", "fast"] {
        let message =
            bm(["filter", &input, "-o", &scratch.path("other.gz"), "--level", level]).misused();
        assert!(message.contains("--level"), "{message}");
    }
    assert_eq!(scratch.names(), ["kept.fastq.gz"]);
}

#[test]
fn blocks_are_read_like_any_gzip_on_any_number_of_threads() {
    let text = text_of(&testdata(HISEQ));
    let expected = bm_with_stdin(["score", "-", "-q"], &text).done().stdout;
    let stored = bgzf(&text);
    for threads in ["1", "2", "8"] {
        assert!(
            bm_with_stdin(["score", "-", "-q", "-j", threads], &stored).done().stdout == expected,
            "{threads} workers"
        );
        // Files joined by other programs, with and without the end-of-file mark in between.
        let parts =
            [&stored[..stored.len() - END.len()], &stored, &crate::support::gzip(&text), &stored]
                .concat();
        let run = bm_with_stdin(["score", "-", "-j", threads, "-o", "/dev/null"], &parts).done();
        assert!(run.stderr.starts_with("40000 reads in: "), "{}", run.stderr);
    }
}

#[test]
fn a_damaged_block_far_into_the_file_is_an_error_and_no_output_is_left() {
    let text = text_of(&testdata(HISEQ));
    let good = bgzf(&text);
    let mut damaged = good.clone();
    let middle = good.len() / 2;
    damaged[middle] ^= 0x10;
    let cases = [
        (&damaged[..], "the gzip file is damaged"),
        (&good[..middle], "is truncated"),
        (&good[..good.len() - 29], "is truncated"),
    ];
    for (stored, expected) in cases {
        for threads in ["1", "2", "8"] {
            let scratch = Scratch::new();
            let kept = scratch.path("kept.fastq.gz");
            let message =
                bm_with_stdin(["filter", "-", "-o", &kept, "-q", "-j", threads], stored).refused();
            assert!(
                message.starts_with("bm: stdin: record ") && message.contains(expected),
                "{message}"
            );
            assert_eq!(scratch.names(), [""; 0]);
        }
    }
}

#[test]
fn a_named_pipe_that_its_reader_closes_is_an_error_and_does_not_hang() {
    let scratch = Scratch::new();
    let fifo = scratch.path("kept.fastq.gz");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let input = scratch.file("reads.fastq", &text_of(&testdata(HISEQ)).repeat(3));
    for threads in ["1", "2", "8"] {
        let child = command([
            "filter",
            &input,
            "-o",
            &fifo,
            "-q",
            "-j",
            threads,
            "--discarded",
            &scratch.path("dropped.gz"),
        ])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
        let mut some = [0; 1_000];
        fs::File::open(&fifo).unwrap().read_exact(&mut some).unwrap();
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("kept.fastq.gz: Broken pipe"), "{message}");
        // The other output is incomplete, so it is removed.
        assert_eq!(scratch.names(), ["kept.fastq.gz", "reads.fastq"]);
    }
}
