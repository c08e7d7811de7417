//! The name of a sample, as MultiQC takes it from the names of files: so rows of other programs join.

use std::path::Path;

use crate::text;

/// Where MultiQC cuts the names of read files (`fn_clean_exts` of its configuration).
const CUT_AT: [&str; 10] =
    [".gz", ".fastq", ".fq", ".fa", ".fasta", ".txt", ".merge", ".dedup", ".clean", ".trim"];

/// What MultiQC takes off the ends of names after that (`fn_clean_trim`).
const TRIMMED: [&str; 10] =
    [".", ":", "_", "-", "_val", "_trimmed", ".trimmed", ".json", "_mqc", ".tar"];

/// Returns the name of the sample of these files, of which two are of mates if there are `pairs`; of a
/// stream without a name, that of the `output`.
pub(super) fn of_files(inputs: &[String], pairs: bool, output: &str) -> String {
    match inputs {
        [first, ..] if text::is_stream(first) => cleaned(output),
        [first, others @ ..] if pairs => {
            // Of several lanes, the files of first mates may come before those of second mates.
            let first = cleaned(first);
            let common = others.iter().find_map(|other| pair(&first, &cleaned(other)));
            common.unwrap_or(first)
        }
        [first, ..] => cleaned(first),
        [] => cleaned(output),
    }
}

/// Returns the name of a file without folder and endings.
fn cleaned(path: &str) -> String {
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let mut name = name.unwrap_or_else(|| path.to_owned());
    for ending in CUT_AT {
        // A name that begins so would leave nothing.
        if let Some(at) = name.find(ending).filter(|at| *at > 0) {
            name.truncate(at);
        }
    }
    for end in TRIMMED {
        if let Some(shorter) = name.strip_suffix(end).filter(|name| !name.is_empty()) {
            name.truncate(shorter.len());
        }
    }
    name
}

/// Returns what the names of two files of mates have in common, but for the number of the mate.
fn pair(first: &str, second: &str) -> Option<String> {
    // As on Illumina's machines: S1_R1_001 and S1_R2_001.
    let of_lane = |name: &str, mate: &str| {
        let (sample, lane) = name.rsplit_once(mate)?;
        let is_lane = lane.len() == 3 && lane.bytes().all(|byte| byte.is_ascii_digit());
        is_lane.then(|| sample.to_owned())
    };
    let inside = |name: &str, mate: &str| name.contains(mate).then(|| name.replace(mate, "_"));
    let at_end = |name: &str, mate: char| {
        let name = name.strip_suffix(mate)?;
        let name = name.strip_suffix(['R', 'r']).unwrap_or(name);
        name.strip_suffix(['_', '.', '-']).map(str::to_owned)
    };
    let same =
        |one: Option<String>, other: Option<String>| one.filter(|one| other.as_ref() == Some(one));
    same(of_lane(first, "_R1_"), of_lane(second, "_R2_"))
        .or_else(|| same(inside(first, "_R1_"), inside(second, "_R2_")))
        .or_else(|| same(at_end(first, '1'), at_end(second, '2')))
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_named_after_its_file() {
        for (input, name) in [
            ("a/S1_R1.fastq.gz", "S1_R1"),
            ("S1.fq", "S1"),
            ("S1.fastq.zst", "S1"),
            ("S1_R1_001.fastq.gz", "S1_R1_001"),
            ("S1_trimmed.fq.gz", "S1"),
            (".gz", ".gz"),
        ] {
            assert_eq!(of_files(&[input.to_owned()], false, "reports/other_mqc.json"), name);
        }
        for stream in ["stdin", "/dev/fd/63", "/dev/stdin", "/proc/self/fd/5"] {
            let stream = [stream.to_owned()];
            assert_eq!(of_files(&stream, false, "reports/S1_mqc.json"), "S1");
            assert_eq!(of_files(&stream, false, "S2.json"), "S2");
        }
    }

    #[test]
    fn files_of_mates_have_one_name() {
        for (first, second, name) in [
            ("S1_R1_001.fastq.gz", "S1_R2_001.fastq.gz", "S1"),
            ("x/S1_L001_R1_x.fq.gz", "x/S1_L001_R2_x.fq.gz", "S1_L001_x"),
            ("S1_R1.fq", "S1_R2.fq", "S1"),
            ("S1_1.fastq.gz", "S1_2.fastq.gz", "S1"),
            ("S1.r1.fq.gz", "S1.r2.fq.gz", "S1"),
            ("S1.fq.gz", "T1.fq.gz", "S1"),
            ("1.fq", "2.fq", "1"),
        ] {
            let files = [first, second].map(str::to_owned);
            assert_eq!(of_files(&files, true, "out_mqc.json"), name);
        }
        let lanes = ["L1_1.fq", "L1_2.fq", "L2_1.fq", "L2_2.fq"].map(str::to_owned);
        assert_eq!(of_files(&lanes, true, "out_mqc.json"), "L1");
        let by_mates = ["L1_1.fq", "L2_1.fq", "L1_2.fq", "L2_2.fq"].map(str::to_owned);
        assert_eq!(of_files(&by_mates, true, "out_mqc.json"), "L1");
    }
}
