//! The adapters of common kits, as reads show them after the insert.
//!
//! Sequences as the makers publish them: Illumina (*Illumina Adapter Sequences*: TruSeq, Nextera,
//! small RNA, P5 and P7), QIAGEN (QIAseq miRNA), MGI (DNBSEQ), Thermo Fisher (Ion Torrent P1 and A),
//! 10x Genomics and Takara (template-switch oligos). The 3′ adapter of NEBNext Small RNA is the start
//! of TruSeq's of read 1. Element's AVITI sequences libraries with Illumina's adapters, so they have
//! those names.

use bm_reads::base::{UNKNOWN, code};

use super::words::{K, word};

/// A known adapter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Kit {
    /// Name for users.
    pub name: &'static str,
    /// The sequence after the insert, as reads show it.
    pub sequence: &'static str,
}

/// All known adapters.
///
/// What adapters have in common comes first: a consensus that ends there has that name.
pub const KITS: [Kit; 18] = [
    kit("Illumina TruSeq", "AGATCGGAAGAGC"),
    kit("Illumina Nextera", "CTGTCTCTTATACACATCT"),
    kit("Illumina TruSeq, read 1", "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA"),
    kit("Illumina TruSeq, read 2", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"),
    kit("Illumina paired-end, before TruSeq", "AGATCGGAAGAGCGGTTCAGCAGGAATGCCGAG"),
    kit("Illumina Nextera, read 1", "CTGTCTCTTATACACATCTCCGAGCCCACGAGAC"),
    kit("Illumina Nextera, read 2", "CTGTCTCTTATACACATCTGACGCTGCCGACGA"),
    kit("Illumina TruSeq small RNA, 3′ adapter", "TGGAATTCTCGGGTGCCAAGG"),
    kit("Illumina TruSeq small RNA, 5′ adapter", "GATCGTCGGACTGTAGAACTCTGAACGTGTAGA"),
    kit("Illumina P7", "TCGTATGCCGTCTTCTGCTTG"),
    kit("Illumina P5, index 2 side", "GTGTAGATCTCGGTGGTCGCCGTATCATT"),
    kit("QIAGEN QIAseq miRNA", "AACTGTAGGCACCATCAAT"),
    kit("MGI/BGI DNBSEQ, read 1", "AAGTCGGAGGCCAAGCGGTCTTAGGAAGACAA"),
    kit("MGI/BGI DNBSEQ, read 2", "AAGTCGGATCGTAGCCATGTCGTTCTGTGAGCCAAGGAGTTG"),
    kit("Ion Torrent P1", "ATCACCGACTGCCCATAGAGAGGCTGAGAC"),
    kit("Ion Torrent A", "CTGAGTCGGAGACACGCAGGGATGAGATGG"),
    kit("10x template-switch oligo", "CCCATGTACTCTGCGTTGATACCACTGCTT"),
    kit("SMARTer oligo", "GTACTCTGCGTTGATACCACTGCTT"),
];

const fn kit(name: &'static str, sequence: &'static str) -> Kit {
    Kit { name, sequence }
}

/// A kit by its name, in files.
pub(super) mod by_name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{KITS, Kit};

    pub(in crate::adapters) fn serialize<S: Serializer>(
        kit: &Option<&'static Kit>,
        output: S,
    ) -> Result<S::Ok, S::Error> {
        kit.map(|kit| kit.name).serialize(output)
    }

    /// A kit of another version, which this one does not know, is none.
    pub(in crate::adapters) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<&'static Kit>, D::Error> {
        let name = Option::<String>::deserialize(input)?;
        Ok(name.and_then(|name| KITS.iter().find(|kit| kit.name == name)))
    }
}

impl Kit {
    /// Returns the base codes.
    pub(super) fn codes(&self) -> Vec<u8> {
        self.sequence.bytes().map(code).collect()
    }

    /// Returns the first word.
    pub(super) fn word(&self) -> Option<usize> {
        word(&self.codes()[..K])
    }
}

/// Returns the kit whose adapter a consensus begins with, up to three bases apart; of several the
/// one with the longest agreement.
///
/// One base in six may differ over the bases that both have, and twelve must be compared. Codes
/// above 3 agree with any base and are not compared.
pub(super) fn kit_of(consensus: &[u8]) -> Option<&'static Kit> {
    let agreement = |kit: &Kit| {
        let codes = kit.codes();
        (0..=3)
            .flat_map(|skip| {
                let skipped = |codes: &[u8], by: usize| codes.get(by..).map(<[u8]>::to_vec);
                [
                    (skipped(consensus, skip), skipped(&codes, 0)),
                    (skipped(consensus, 0), skipped(&codes, skip)),
                ]
            })
            .filter_map(|(left, right)| agreeing(&left?, &right?))
            .max()
            .filter(|bases| *bases >= K)
    };
    let mut best = None;
    for kit in &KITS {
        let bases = agreement(kit);
        if bases > best.map_or(Some(0), |(bases, _)| bases) {
            best = Some((bases, kit));
        }
    }
    best.map(|(_, kit)| kit)
}

/// Returns how many bases agree, if at most one in six does not.
fn agreeing(left: &[u8], right: &[u8]) -> Option<usize> {
    let compared = left.iter().zip(right).filter(|(left, right)| **left.max(right) < UNKNOWN);
    let (all, same) = compared
        .fold((0, 0), |(all, same), (left, right)| (all + 1, same + usize::from(left == right)));
    (6 * (all - same) <= all).then_some(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(sequence: &str) -> Option<&'static str> {
        kit_of(&sequence.bytes().map(code).collect::<Vec<_>>()).map(|kit| kit.name)
    }

    #[test]
    fn every_kit_is_dna_and_has_its_own_name() {
        for kit in KITS {
            assert!(kit.word().is_some() && kit.codes().iter().all(|code| *code < UNKNOWN));
            assert_eq!(name(kit.sequence), Some(kit.name));
        }
    }

    #[test]
    fn a_consensus_is_named_by_what_tells_kits_apart() {
        let read_2 = Some("Illumina TruSeq, read 2");
        assert_eq!(name("AGATCGGAAGAGCGTCGTGTAGG"), read_2);
        // Inserts that end with the same bases, and a base of the adapter that was lost.
        assert_eq!(name("TTGAGATCGGAAGAGCGTCGTGTAGG"), read_2);
        assert_eq!(name("GATCGGAAGAGCGTCGTGTAGG"), read_2);
        assert_eq!(name("CGTTACGGCATTCAGGATCAAG"), None);
        // Too short to be named.
        assert_eq!(name("AGATCGGAAGA"), None);
    }
}
