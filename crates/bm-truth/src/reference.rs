//! The reference sequences that reads are compared with.

use std::collections::HashMap;
use std::io::BufRead;

use bm_reads::base;
use md5::{Digest, Md5};
use noodles_fasta as fasta;

use crate::TruthError;
use crate::guard::{Checked, FastaNames};

/// Named sequences, in upper case.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub(crate) sequences: Vec<Sequence>,
    by_name: HashMap<String, usize>,
}

/// One sequence of a reference.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) bases: Vec<u8>,
}

impl Reference {
    /// Reads FASTA text to its end.
    ///
    /// # Errors
    ///
    /// [`TruthError::ReferenceRead`] for text that is not FASTA, and [`TruthError::Reference`] if
    /// there is no sequence, an empty one, two of the same name, or a byte that is not a letter.
    pub fn read(reader: impl BufRead) -> Result<Self, TruthError> {
        let mut reference = Self::default();
        for result in fasta::io::Reader::new(Checked::new(reader, FastaNames::new())).records() {
            let sequence = reference.sequences.len() + 1;
            let record = result.map_err(|source| TruthError::ReferenceRead { sequence, source })?;
            let name = String::from_utf8_lossy(record.name()).into_owned();
            reference.push(name, record.sequence().as_ref().to_ascii_uppercase())?;
        }
        if reference.sequences.is_empty() {
            return Err(TruthError::Reference("holds no sequence, expected FASTA".to_owned()));
        }
        Ok(reference)
    }

    fn push(&mut self, name: String, bases: Vec<u8>) -> Result<(), TruthError> {
        if bases.is_empty() {
            return Err(TruthError::Reference(format!("sequence {name} is empty")));
        }
        if let Some(position) = bases
            .iter()
            .position(|base| !(base.is_ascii_alphabetic() || matches!(base, b'-' | b'*')))
        {
            let found = bases[position].escape_ascii().to_string();
            return Err(TruthError::Reference(format!(
                "sequence {name} has `{found}` at position {}",
                position + 1
            )));
        }
        if self.by_name.insert(name.clone(), self.sequences.len()).is_some() {
            return Err(TruthError::Reference(format!("has two sequences named {name}")));
        }
        self.sequences.push(Sequence { name, bases });
        Ok(())
    }

    /// Returns the number of bases in all sequences.
    pub fn bases(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.bases.len()).sum()
    }

    /// Returns the index of the sequence that the header of an alignment lists as `name` with
    /// `length` bases.
    pub(crate) fn find(&self, name: &str, length: usize) -> Result<usize, TruthError> {
        let Some(&index) = self.by_name.get(name) else {
            let some: Vec<_> =
                self.sequences.iter().take(3).map(|sequence| sequence.name.as_str()).collect();
            let more = if self.sequences.len() > some.len() { ", …" } else { "" };
            return Err(TruthError::Header(format!(
                "names the sequence {name}, which the reference does not have (it has {}{more})",
                some.join(", ")
            )));
        };
        let found = self.sequences[index].bases.len();
        if found != length {
            return Err(TruthError::Header(format!(
                "gives {name} {length} bases, the reference has {found}; give the reference that the reads were aligned to"
            )));
        }
        Ok(index)
    }

    /// Checks a sequence against the MD5 that the header of an alignment gives it.
    pub(crate) fn check_md5(&self, index: usize, stated: &[u8]) -> Result<(), TruthError> {
        let Sequence { name, bases } = &self.sequences[index];
        let digest = Md5::digest(bases);
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        if stated.eq_ignore_ascii_case(found.as_bytes()) {
            return Ok(());
        }
        Err(TruthError::Header(format!(
            "gives {name} the MD5 {}, the sequence of the reference has {found}; give the reference that the \
             reads were aligned to",
            stated.escape_ascii()
        )))
    }

    /// Returns the number of sequences.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Returns whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Returns the names and lengths in bases of the sequences, in file order.
    pub fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.sequences.iter().map(|sequence| (sequence.name.as_str(), sequence.bases.len()))
    }

    /// Returns the name of a sequence by its index; empty if there is no such sequence.
    pub fn name(&self, sequence: usize) -> &str {
        self.sequences.get(sequence).map_or("", |sequence| &sequence.name)
    }

    /// Returns the bases of a sequence by its index, in upper case; empty if there is no such sequence.
    pub fn sequence(&self, sequence: usize) -> &[u8] {
        self.sequences.get(sequence).map_or(&[], |sequence| &sequence.bases)
    }
}

/// Returns the code of a base, 0 to 3 for A, C, G and T; `None` for other letters.
pub(crate) fn code(letter: u8) -> Option<usize> {
    match base::dna_code(letter) {
        base::UNKNOWN => None,
        code => Some(usize::from(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Reference::read(text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn wrapped_and_lower_case_text_is_one_sequence() {
        let reference = Reference::read(&b">a first\nACg\nT\n>b\nN\n"[..]).expect("FASTA");
        assert_eq!(reference.bases(), 5);
        assert_eq!(reference.sequences[0].bases, b"ACGT");
        assert_eq!(reference.find("b", 1).expect("there"), 1);
    }

    #[test]
    fn text_that_is_not_a_reference_is_refused() {
        assert_eq!(message(""), "reference: holds no sequence, expected FASTA");
        assert_eq!(message("ACGT\n"), "reference: sequence 1");
        assert_eq!(message(">a\n>b\nA\n"), "reference: sequence a is empty");
        assert_eq!(message(">a\nA\n>a\nC\n"), "reference: has two sequences named a");
        assert_eq!(message(">a\nAC1\n"), "reference: sequence a has `1` at position 3");
    }

    #[test]
    fn a_header_that_does_not_fit_the_reference_is_refused() {
        let reference = Reference::read(&b">a\nACGT\n"[..]).expect("FASTA");
        let message = |name, length| reference.find(name, length).expect_err("refused").to_string();
        assert_eq!(
            message("b", 4),
            "header: names the sequence b, which the reference does not have (it has a)"
        );
        assert!(message("a", 5).starts_with("header: gives a 5 bases, the reference has 4; "));
    }

    #[test]
    fn an_md5_of_the_header_must_be_that_of_the_sequence() {
        let reference = Reference::read(&b">a\nACgt\n"[..]).expect("FASTA");
        // printf ACGT | md5sum
        reference.check_md5(0, b"f1f8f4bf413b16ad135722aa4591043e").expect("the same sequence");
        let refused = reference.check_md5(0, b"0123").expect_err("refused").to_string();
        assert!(
            refused.starts_with(
                "header: gives a the MD5 0123, the sequence of the reference has f1f8"
            )
        );
    }
}
