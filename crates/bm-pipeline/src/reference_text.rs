//! Reference sequences as FASTA text, one after the other.

use std::io::{self, BufRead, Read};
use std::path::Path;

use bm_io::{IoError, StoredEnd, Tasks, open_text};

use crate::PipelineError;

/// Letters of bases, and what alignments and maskers write in their place.
const LETTERS: &[u8] = b"ACGTUNRYSWKMBDHVX-.";

/// Longest name line, in bytes.
const LONGEST_NAME: u64 = 1 << 20;

/// Reads the sequences of one file.
pub(crate) struct ReferenceText<R> {
    /// The name of the file in messages.
    pub(crate) name: String,
    text: R,
    line: Vec<u8>,
    /// Number of the line, from 1.
    number: u64,
}

/// One sequence.
#[derive(Default)]
pub(crate) struct ReferenceSequence {
    /// The first word behind `>`.
    pub(crate) name: String,
    /// Its bases as letters.
    pub(crate) letters: Vec<u8>,
}

/// Opens a file, which may be compressed; returns what may be wrong with its end, too.
pub(crate) fn open(
    path: &Path,
    tasks: &Tasks,
) -> Result<(ReferenceText<Box<dyn BufRead + Send>>, StoredEnd), PipelineError> {
    let input = open_text(path, "FASTA", tasks)?;
    Ok((ReferenceText::new(input.name, input.text), input.end))
}

impl<R: BufRead> ReferenceText<R> {
    /// Returns the reader of a text that is called `name` in messages.
    pub(crate) fn new(name: impl Into<String>, text: R) -> Self {
        Self { name: name.into(), text, line: Vec::new(), number: 0 }
    }

    /// Reads the next sequence; returns `false` at the end.
    ///
    /// # Errors
    ///
    /// If the text cannot be read or is not FASTA, or if a sequence has letters of no base.
    pub(crate) fn read(&mut self, sequence: &mut ReferenceSequence) -> Result<bool, PipelineError> {
        sequence.letters.clear();
        while self.line.is_empty() {
            if !self.read_line(LONGEST_NAME)? {
                return Ok(false);
            }
        }
        let Some(definition) = self.line.strip_prefix(b">") else {
            let found = self.line.get(..self.line.len().min(20)).unwrap_or_default();
            return PipelineError::refuse(format!(
                "{}: line {}: found `{}`, expected FASTA, whose names begin with `>`",
                self.name,
                self.number,
                found.escape_ascii()
            ));
        };
        let word = definition.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        sequence.name = String::from_utf8_lossy(word.unwrap_or_default()).into_owned();
        while self.read_line(u64::MAX)? {
            if self.line.first() == Some(&b'>') {
                if self.line.len() as u64 > LONGEST_NAME {
                    return PipelineError::refuse(format!(
                        "{}: line {}: a name of more than {LONGEST_NAME} bytes",
                        self.name, self.number
                    ));
                }
                return Ok(true);
            }
            if let Some(odd) = self.line.iter().find(|byte| !is_letter(**byte)) {
                return self.refuse_letter(*odd, &sequence.name);
            }
            sequence.letters.extend_from_slice(&self.line);
        }
        Ok(true)
    }

    /// Reads a line without its end, of at most `most` bytes; returns `false` at the end of the text.
    fn read_line(&mut self, most: u64) -> Result<bool, PipelineError> {
        self.line.clear();
        self.number += 1;
        let read = Read::take(&mut self.text, most).read_until(b'\n', &mut self.line);
        let bytes = read.map_err(|error: io::Error| IoError::system(self.name.clone())(error))?;
        let end = self.line.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r' | b' '));
        self.line.truncate(self.line.len() - end.count());
        Ok(bytes > 0)
    }

    fn refuse_letter(&self, letter: u8, sequence: &str) -> Result<bool, PipelineError> {
        PipelineError::refuse(format!(
            "{}: line {}: sequence {} has `{}`, which is no base; are these proteins?",
            self.name,
            self.number,
            sequence.escape_debug(),
            letter.escape_ascii()
        ))
    }
}

fn is_letter(byte: u8) -> bool {
    LETTERS.contains(&byte.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(text: &str) -> Result<Vec<(String, String)>, PipelineError> {
        let mut reader = ReferenceText::new("x.fa", text.as_bytes());
        let (mut found, mut sequence) = (Vec::new(), ReferenceSequence::default());
        while reader.read(&mut sequence)? {
            let letters = String::from_utf8_lossy(&sequence.letters).into_owned();
            found.push((sequence.name.clone(), letters));
        }
        Ok(found)
    }

    #[test]
    fn sequences_have_the_first_word_as_name() {
        let found = sequences("\n>a x\r\nACGT\r\nac\n\n>b\n>\tc\nNN-\n").expect("FASTA");
        let expected = [("a", "ACGTac"), ("b", ""), ("c", "NN-")];
        assert!(
            found.iter().map(|(name, letters)| (&**name, &**letters)).eq(expected),
            "{found:?}"
        );
        assert!(sequences("").expect("FASTA").is_empty());
    }

    #[test]
    fn what_is_no_reference_is_refused_with_its_address() {
        for (text, message) in [
            ("@r\nACGT\n+\n!!!!\n", "x.fa: line 1: found `@r`, expected FASTA"),
            (">p\nACGT\nMEEPQSDPSV\n", "x.fa: line 3: sequence p has `E`, which is no base"),
            (">a\u{1}\nAC\tGT\n", "x.fa: line 2: sequence a\\u{1} has `\\t`"),
        ] {
            let error = sequences(text).expect_err("refused").to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
