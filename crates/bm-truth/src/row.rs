//! One row of the truth table.

use std::io::{self, Write};

/// The header line: `#`, the names of the columns separated by tabs, and a line end. Other programs
/// read them, so they do not change.
pub const HEADER: &str = "#name\tmate\tlen\tmapped\tmapq\talnlen\tclip5\tclip3\tsub\tins\tdel\tn\tmasked\tscored\tee\terrpos\n";

/// A difference between a read and the sequence that it was compared with.
///
/// **Units:** positions are 0-based, in the orientation of the FASTQ record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edit {
    /// The base at `at` differs.
    Substitution {
        /// Position in the read.
        at: usize,
    },
    /// `length` bases are inserted. `at` is the first of them in the direction of the reference, so
    /// the last one in the FASTQ record if the read is aligned in reverse.
    Insertion {
        /// Position in the read.
        at: usize,
        /// Number of bases.
        length: usize,
    },
    /// `length` bases are deleted. `at` is the base that follows them in the direction of the
    /// reference.
    Deletion {
        /// Position in the read.
        at: usize,
        /// Number of bases.
        length: usize,
    },
}

impl Edit {
    /// Returns the position of the edit.
    pub fn at(self) -> usize {
        match self {
            Edit::Substitution { at } | Edit::Insertion { at, .. } | Edit::Deletion { at, .. } => {
                at
            }
        }
    }

    fn write_to(self, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
        match self {
            Edit::Substitution { at } => write!(writer, "S{at}"),
            Edit::Insertion { at, length: 1 } => write!(writer, "I{at}"),
            Edit::Insertion { at, length } => write!(writer, "I{length}@{at}"),
            Edit::Deletion { at, length: 1 } => write!(writer, "D{at}"),
            Edit::Deletion { at, length } => write!(writer, "D{length}@{at}"),
        }
    }
}

/// The true errors of one read: one row of the truth table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The read's name.
    pub name: Vec<u8>,
    /// 1, or 2 for the second read of a pair.
    pub mate: u8,
    /// Number of bases of the read.
    pub len: usize,
    /// Whether the read was compared: it is aligned, or overlaps its mate.
    pub mapped: bool,
    /// Mapping quality; 255 if the aligner gave none, 0 for an unmapped read.
    pub mapq: u8,
    /// Bases aligned to a base of the reference.
    pub alnlen: usize,
    /// Bases at the start of the read that were not compared.
    pub clip5: usize,
    /// Bases at the end of the read that were not compared.
    pub clip3: usize,
    /// Substituted bases.
    pub sub: usize,
    /// Inserted bases.
    pub ins: usize,
    /// Deleted bases.
    pub del: usize,
    /// Aligned bases that are unknown (N).
    pub n: usize,
    /// Differing bases that are not counted as errors, because the position is a variant.
    pub masked: usize,
    /// Bases compared.
    pub scored: usize,
    /// Expected errors by the reported quality scores, Σ 10^(−Q/10) (Ewing & Green 1998); NaN for a
    /// read without quality scores.
    pub ee: f64,
    /// All counted errors, sorted by position.
    pub edits: Vec<Edit>,
}

impl Row {
    /// Writes the row as one line.
    ///
    /// # Errors
    ///
    /// The error of `writer`.
    pub fn write_to<W: Write + ?Sized>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.name)?;
        let Row { mate, len, mapq, alnlen, clip5, clip3, sub, ins, del, n, masked, scored, .. } =
            self;
        let mapped = u8::from(self.mapped);
        write!(writer, "\t{mate}\t{len}\t{mapped}\t{mapq}\t{alnlen}\t{clip5}\t{clip3}")?;
        write!(writer, "\t{sub}\t{ins}\t{del}\t{n}\t{masked}\t{scored}\t")?;
        if self.ee.is_nan() {
            writer.write_all(b"nan\t")?
        } else {
            write!(writer, "{:.4}\t", self.ee)?
        }
        for (index, edit) in self.edits.iter().enumerate() {
            if index > 0 {
                writer.write_all(b",")?;
            }
            edit.write_to(writer)?;
        }
        writer.write_all(b"\n")
    }
}

/// Returns the expected errors Σ 10^(−Q/10) of Phred scores Q (decoded, not bytes of FASTQ).
pub(crate) fn expected_errors(scores: impl Iterator<Item = u8>) -> f64 {
    scores.map(|score| 10f64.powf(-f64::from(score) / 10.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_every_column_of_the_header() {
        let edits = vec![
            Edit::Substitution { at: 2 },
            Edit::Insertion { at: 3, length: 1 },
            Edit::Insertion { at: 4, length: 2 },
            Edit::Deletion { at: 9, length: 1 },
            Edit::Deletion { at: 10, length: 4 },
        ];
        let row = Row {
            name: b"r".into(),
            mate: 1,
            len: 12,
            mapped: true,
            mapq: 60,
            ee: 0.12345,
            edits,
            ..Row::default()
        };
        let mut text = Vec::new();
        row.write_to(&mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(
            text,
            "r\t1\t12\t1\t60\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0.1235\tS2,I3,I2@4,D9,D4@10\n"
        );
        assert_eq!(text.matches('\t').count(), HEADER.matches('\t').count());
    }

    #[test]
    fn a_read_without_qualities_has_no_expected_errors() {
        let mut text = Vec::new();
        Row { ee: f64::NAN, ..Row::default() }.write_to(&mut text).expect("written");
        assert!(text.ends_with(b"\tnan\t\n"));
    }
}
