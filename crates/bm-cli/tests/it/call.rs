//! `bm call`: low-frequency variants of an alignment.

use std::fmt::Write as _;
use std::fs;

use crate::faults::{Row, check, code};
use crate::support::{Scratch, bm, bm_with_stdin, gzip, plain, testdata};

/// Writes a reference of 3,000 bases and 2,400 sorted reads of it, of which one in ten has another base at
/// 1501, and returns their paths.
fn alignment(scratch: &Scratch) -> (String, String) {
    let mut state = 88_172_645_463_325_252u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end
    };
    let letters: Vec<u8> = (0..3000).map(|_| b"ACGT"[below(4)]).collect();
    let alt = if letters[1500] == b'A' { b'G' } else { b'A' };
    let mut sam = String::from("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:3000\n");
    let mut starts: Vec<usize> = (0..2400).map(|_| below(2900)).collect();
    starts.sort_unstable();
    for (number, start) in starts.into_iter().enumerate() {
        let mut bases = letters[start..start + 100].to_vec();
        let mut scores: Vec<u8> = (0..100).map(|_| b'?' + below(10) as u8).collect();
        if number % 10 == 0 && (start..start + 100).contains(&1500) {
            bases[1500 - start] = alt;
        }
        for at in 0..100 {
            if below(400) == 0 {
                bases[at] = b"ACGT"[below(4)];
                scores[at] = b'+';
            }
        }
        let (bases, scores) =
            (String::from_utf8(bases).unwrap(), String::from_utf8(scores).unwrap());
        let (flags, start) = (16 * (number / 10 % 2), start + 1);
        writeln!(sam, "r{number}\t{flags}\tchr1\t{start}\t60\t100M\t*\t0\t0\t{bases}\t{scores}")
            .unwrap();
    }
    let (reads, reference) = (scratch.path("reads.sam"), scratch.path("ref.fa"));
    fs::write(&reads, sam).unwrap();
    fs::write(&reference, format!(">chr1\n{}\n", String::from_utf8(letters).unwrap())).unwrap();
    (reads, reference)
}

/// Returns the records of VCF text.
fn records(text: &str) -> Vec<Vec<&str>> {
    text.lines().filter(|it| !it.starts_with('#')).map(|it| it.split('\t').collect()).collect()
}

#[test]
fn a_variant_of_one_read_in_ten_is_called() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let run = bm(["call", &reads, "-r", &reference]).done();
    let passed: Vec<Vec<&str>> =
        records(run.text()).into_iter().filter(|record| record[6] == "PASS").collect();
    assert_eq!(passed.len(), 1, "{}", run.text());
    assert_eq!((passed[0][0], passed[0][1]), ("chr1", "1501"));
    assert!(passed[0][5].parse::<f64>().unwrap() > 30.0);
    assert!(run.stderr.contains("2400 reads in: 2400 used"), "{}", run.stderr);
    assert!(run.stderr.contains("; 1 calls"), "{}", run.stderr);
}

#[test]
fn a_network_that_learned_the_run_calls_the_variant_too() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let run = bm(["call", &reads, "-r", &reference, "--adapt", "-o", &scratch.path("calls.vcf")]);
    assert!(run.done().stderr.contains("error probabilities: "));
    let text = scratch.read("calls.vcf");
    let text = String::from_utf8(text).unwrap();
    let passed: Vec<&str> = records(&text)
        .iter()
        .filter(|record| record[6] == "PASS")
        .map(|record| record[1])
        .collect();
    assert_eq!(passed, ["1501"], "{text}");
    // The temporary file with the reads is gone.
    assert_eq!(scratch.names(), ["calls.vcf", "reads.sam", "ref.fa"]);
}

#[test]
fn threads_stdin_and_compression_change_nothing() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let one = bm(["call", &reads, "-r", &reference, "-j", "1", "-q"]).done();
    let four = bm(["call", &reads, "-r", &reference, "-j", "4", "-q"]).done();
    assert!(one.stdout == four.stdout && !one.stdout.is_empty() && one.stderr.is_empty());
    let piped =
        bm_with_stdin(["call", "-", "-r", &reference, "-q"], &fs::read(&reads).unwrap()).done();
    assert!(piped.stdout == one.stdout);
    bm(["call", &reads, "-r", &reference, "-q", "-o", &scratch.path("calls.vcf.gz")]).done();
    assert!(plain(scratch.read("calls.vcf.gz")) == one.stdout);
    assert_eq!(scratch.names(), ["calls.vcf.gz", "calls.vcf.gz.tbi", "reads.sam", "ref.fa"]);
}

#[test]
fn a_region_has_the_calls_of_the_whole_in_it() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let all = bm(["call", &reads, "-r", &reference, "-q"]).done();
    let call = |region| bm(["call", &reads, "-r", &reference, "-q", "--region", region]).done();
    let inside = call("chr1:1400-1600");
    let expected: Vec<Vec<&str>> = records(all.text())
        .into_iter()
        .filter(|it| (1400..=1600).contains(&it[1].parse::<usize>().unwrap()))
        .collect();
    assert!(!expected.is_empty() && records(inside.text()) == expected);
    assert!(records(call("chr1:1-100").text()).iter().all(|it| it[1] != "1501"));
}

#[test]
fn genotypes_are_written_on_request() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let run =
        bm(["call", &reads, "-r", &reference, "-q", "--ploidy", "2", "--sample", "s1"]).done();
    assert!(run.text().contains("\tFORMAT\ts1\n"));
    assert!(records(run.text()).iter().all(|it| it[8] == "GT:GQ" && it[9].contains('/')));
}

#[test]
fn the_reported_qualities_can_be_used_alone() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let run = bm(["call", &reads, "-r", &reference, "--reported"]).done();
    assert!(run.stderr.contains("error probabilities: the reported qualities"), "{}", run.stderr);
    assert!(records(run.text()).iter().any(|it| it[1] == "1501" && it[6] == "PASS"));
    bm(["call", &reads, "-r", &reference, "--reported", "--adapt"]).misused();
}

#[test]
fn what_cannot_be_called_is_refused_and_leaves_nothing() {
    let scratch = Scratch::new();
    let (reads, reference) = alignment(&scratch);
    let text = fs::read_to_string(&reads).unwrap();
    let out = scratch.path("calls.vcf.gz");
    let refused = |name: &str, text: String| {
        let path = scratch.path(name);
        fs::write(&path, text).unwrap();
        bm(["call", &path, "-r", &reference, "-o", &out]).refused()
    };
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(2, 2000);
    let message = refused("unsorted.sam", lines.join("\n") + "\n");
    assert!(message.contains("unsorted.sam: primary record 2 (read r1): is before"), "{message}");
    assert!(message.contains("samtools sort"), "{message}");
    let message = refused("length.sam", text.replace("LN:3000", "LN:3001"));
    assert!(message.contains("gives chr1 3001 bases, the reference has 3000"), "{message}");
    let message = refused("name.sam", text.replace("chr1", "chr2"));
    assert!(message.contains("names the sequence chr2, which the reference does not"), "{message}");
    let message = refused("md5.sam", text.replace("LN:3000", "LN:3000\tM5:00"));
    assert!(
        message.contains("gives chr1 the MD5 00, the sequence of the reference has"),
        "{message}"
    );
    let message = refused("cut.sam", text.replace("\t100M\t", "\t99M\t"));
    assert!(message.contains("alignment record 1 (read r0): its CIGAR uses 99 bases"), "{message}");
    let message = bm(["call", &reads, "-r", &reference, "--region", "chrX", "-o", &out]).refused();
    assert!(message.contains("region chrX: the reference has no sequence chrX"), "{message}");
    let model = ["call", &reads, "-r", &reference, "-m", "mean-q20", "-o", &out];
    let message = bm(model).refused();
    assert!(message.contains("does not give error probabilities of bases"), "{message}");
    assert!(scratch.names().iter().all(|it| !it.starts_with("calls") && !it.starts_with('.')));
}

#[test]
fn records_of_cram_that_are_not_sorted_are_refused() {
    // The calls of CRAM and BAM are compared where samtools is, in `research/bam/tests`.
    let reference = testdata("hiseq_measles/ref.fa");
    let message = bm(["call", &testdata("hiseq_measles/hiseq_measles.cram"), "-r", &reference]);
    assert!(message.refused().contains("primary record 3 (read HISEQ:426:C5T65ACXX:5:2301:"));
}

#[test]
fn broken_bam_is_refused() {
    let scratch = Scratch::new();
    let (bam, reference) =
        (testdata("hiseq_measles/hiseq_measles.bam"), testdata("hiseq_measles/ref.fa"));
    let bytes = fs::read(&bam).unwrap();
    let (cut, out) = (scratch.path("cut.bam"), scratch.path("calls.vcf"));
    for length in [0, 3, 100, bytes.len() / 2, bytes.len() - 28] {
        fs::write(&cut, &bytes[..length]).unwrap();
        let message = bm(["call", &cut, "-r", &reference, "-o", &out]).refused();
        assert!(message.starts_with(&format!("bm: {cut}: ")), "{message}");
    }
    assert_eq!(scratch.names(), ["cut.bam"]);
}

/// Alignments that are broken, and references that are not theirs, as rows of the document.
#[test]
fn alignments_are_refused_with_their_address() {
    let bam = fs::read(testdata("hiseq_measles/hiseq_measles.bam")).unwrap();
    let fasta = fs::read_to_string(testdata("hiseq_measles/ref.fa")).unwrap();
    let name = fasta[1..].split_whitespace().next().unwrap();
    let sequence: String = fasta.lines().skip(1).collect();
    let record = format!("r1\t0\t{name}\t100\t60\t8M\t*\t0\t0\tACGTACGT\tIIIIIIII");
    let sam = |header: &str, record: &str| {
        format!("@SQ\tSN:{name}\tLN:{}{header}\n{record}\n", sequence.len()).into_bytes()
    };
    let with = |from: &str, to: &str| sam("", &record.replace(from, to));
    let text = |text: &str| text.as_bytes().to_vec();
    let other = format!(">{name}\n{}\n", &sequence[1..]);
    let rows = [
        ("nothing", vec![], &fasta[..]),
        ("CRAM", text("CRAM\x03\x00"), &fasta),
        ("FASTQ", text("@r1\nACGT\n+\nIIII\n"), &fasta),
        ("a file of gzip that is not BAM", gzip(b"hello"), &fasta),
        ("BAM that ends inside its header", bam[..60].to_vec(), &fasta),
        ("BAM that ends inside a block", bam[..bam.len() / 2].to_vec(), &fasta),
        ("BAM without its last block", bam[..bam.len() - 28].to_vec(), &fasta),
        (
            "BAM with a block that was changed",
            {
                let mut changed = bam.clone();
                let middle = changed.len() / 2;
                changed[middle] ^= 0xff;
                changed
            },
            &fasta,
        ),
        ("SAM without a header", format!("{record}\n").into_bytes(), &fasta),
        ("a record that does not lie on the reference", with("\t100\t", "\t99999\t"), &fasta),
        ("a CIGAR of more bases than the read has", with("8M", "9M"), &fasta),
        ("a CIGAR that is none", with("8M", "8Q"), &fasta),
        ("fewer qualities than bases", with("IIIIIIII", "III"), &fasta),
        ("a sequence that the header does not name", with(name, "chrX"), &fasta),
        (
            "records that are not sorted",
            { sam("", &[&record[..], &record.replace("\t100\t", "\t50\t")].join("\n")) },
            &fasta,
        ),
        ("a reference of another length", sam("", &record), &other),
        ("a reference of another name", sam("", &record), ">chrX\nACGT\n"),
        (
            "a reference of another MD5",
            sam("\tM5:0123456789abcdef0123456789abcdef", &record),
            &fasta,
        ),
        ("a reference that is FASTQ", sam("", &record), "@r1\nACGT\n+\nIIII\n"),
        ("a reference that is empty", sam("", &record), ""),
        ("a reference with a name that VCF cannot have", sam("", &record), ">a<b>\nACGT\n"),
    ]
    .map(|(given, alignment, fasta)| {
        let scratch = Scratch::new();
        let [reads, reference] = [("reads", &alignment[..]), ("ref.fa", fasta.as_bytes())]
            .map(|(name, content)| scratch.file(name, content));
        let out = scratch.path("calls.vcf.gz");
        let message = bm(["call", &reads, "-r", &reference, "-o", &out]).refused();
        assert_eq!(scratch.names(), ["reads", "ref.fa"], "{given}");
        let said = message.trim_end().strip_prefix("bm: ").unwrap();
        let said = said.replace(&reads, "reads").replace(&reference, "ref.fa");
        assert!(said.starts_with("reads: ") || said.starts_with("ref.fa: "), "{given}: {said}");
        Row::new(given, 1, code(&said))
    });
    check("Alignments", &rows);
}
