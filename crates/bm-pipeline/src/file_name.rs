//! What the name of a file says of its reads.

use std::path::{Path, PathBuf};

/// Which reads of their templates a file has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    First,
    Second,
    /// It has index reads: the first file of them, or the second.
    Index(usize),
}

/// What the name of a file says of its reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FileName {
    pub(crate) role: Role,
    /// Whether the name has a letter before the number: `_R1`, and not `_1`.
    pub(crate) has_letter: bool,
    /// The path without what tells the files of a lane apart: the same for these.
    pub(crate) lane: PathBuf,
}

/// Ends of file names behind what tells mates apart, outermost first.
const ENDS: [&[&str]; 2] = [
    &[".gz", ".bgz", ".bgzf", ".zst", ".bz2", ".xz"],
    &[".fastq", ".fq", ".fasta", ".fa", ".fna", ".txt"],
];

impl FileName {
    /// Returns what the name of the file says: the last of its words that is `R1`, `R2`, `I1` or `I2`, or
    /// its last word before the extensions if this is `1` or `2`. `None` if it has none of them.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy();
        let mut stem = &*name;
        for ends in ENDS {
            let lower = stem.to_ascii_lowercase();
            if let Some(end) = ends.iter().find(|end| lower.ends_with(**end)) {
                stem = &stem[..stem.len() - end.len()];
            }
        }
        let role_of = |word: &str| match word {
            "R1" | "r1" => Some((Role::First, true)),
            "R2" | "r2" => Some((Role::Second, true)),
            "I1" => Some((Role::Index(0), true)),
            "I2" => Some((Role::Index(1), true)),
            _ => None,
        };
        let words: Vec<(usize, &str)> = words(stem).collect();
        let by_letter = words.iter().rev().find_map(|(at, word)| {
            role_of(word).map(|(role, has_letter)| (role, has_letter, *at, word.len()))
        });
        let by_number = || match words.last() {
            Some((at, "1")) if *at > 0 => Some((Role::First, false, *at, 1)),
            Some((at, "2")) if *at > 0 => Some((Role::Second, false, *at, 1)),
            _ => None,
        };
        let (role, has_letter, at, length) = by_letter.or_else(by_number)?;
        // No file name has a slash.
        let lane = format!("{}/{}", &name[..at], &name[at + length..]);
        Some(Self { role, has_letter, lane: path.with_file_name("").join(lane) })
    }
}

/// Returns the words of a name, and where each begins.
fn words(stem: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    stem.split(['_', '.', '-']).map(move |word| {
        let begin = at;
        at += word.len() + 1;
        (begin, word)
    })
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_say_which_mates_a_file_has() {
        for (first, second, has_letter) in [
            ("S1_L001_R1_001.fastq.gz", "S1_L001_R2_001.fastq.gz", true),
            ("run/a_R1.fq", "run/a_R2.fq", true),
            ("R1.fastq.gz", "R2.fastq.gz", true),
            ("a.r1.trimmed.fq.zst", "a.r2.trimmed.fq.zst", true),
            ("R1_S3_R1.fq", "R1_S3_R2.fq", true),
            ("SRR1_1.fastq", "SRR1_2.fastq", false),
            ("a_1.FASTQ.GZ", "a_2.FASTQ.GZ", false),
        ] {
            let of = |path: &str| FileName::of(Path::new(path)).unwrap();
            let (one, other) = (of(first), of(second));
            assert_eq!((one.role, other.role), (Role::First, Role::Second), "{first}");
            assert_eq!((one.has_letter, &one.lane), (has_letter, &other.lane), "{first}");
        }
        for path in ["reads.fq", "-", "1.fq", "a_3.fq", "a_R12.fq", "AR1.fq", "a_1_x.fq", ""] {
            assert_eq!(FileName::of(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn files_of_index_reads_are_recognised() {
        for (name, file) in [("S1_L001_I1_001.fastq.gz", 0), ("x_I2.fq", 1)] {
            assert_eq!(FileName::of(Path::new(name)).unwrap().role, Role::Index(file));
        }
    }

    #[test]
    fn files_of_other_lanes_samples_or_folders_differ() {
        let lane = |path: &str| FileName::of(Path::new(path)).unwrap().lane;
        for other in ["a_L002_R2.fq", "b_L001_R2.fq", "x/a_L001_R2.fq", "a_L001_R2.fq.gz"] {
            assert_ne!(lane("a_L001_R1.fq"), lane(other));
        }
    }
}
