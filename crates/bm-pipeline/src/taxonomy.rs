//! Which class each sequence of a reference is of, by a table.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use bm_io::{IoError, Tasks, open_text};

use crate::PipelineError;

/// Longest line, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// The classes of sequences, by the names of these.
#[derive(Debug, Default)]
pub(crate) struct Taxonomy {
    /// The name of the file in messages.
    pub(crate) name: String,
    /// The names of the classes, in the order in which they come first.
    pub(crate) classes: Vec<String>,
    by_sequence: HashMap<String, usize>,
}

impl Taxonomy {
    /// Reads a table of two columns with a tab between them, the name of a sequence and that of its class.
    /// Empty lines, and those that begin with `#`, are left out.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, a line has not two columns, or a sequence has two classes.
    pub(crate) fn open(path: &Path, tasks: &Tasks) -> Result<Self, PipelineError> {
        let input = open_text(path, "table of sequences and classes", tasks)?;
        Self::read(input.name, input.text)
    }

    fn read(name: String, mut text: impl BufRead) -> Result<Self, PipelineError> {
        let mut taxonomy = Self { name, ..Self::default() };
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            number += 1;
            let read = std::io::Read::take(&mut text, LONGEST_LINE).read_until(b'\n', &mut line);
            if read.map_err(IoError::system(taxonomy.name.clone()))? == 0 {
                break;
            }
            let place = format!("{}: line {number}", taxonomy.name);
            let Ok(row) = std::str::from_utf8(&line) else {
                return PipelineError::refuse(format!("{place}: is not UTF-8"));
            };
            let row = row.trim_end_matches(['\n', '\r']);
            if row.is_empty() || row.starts_with('#') {
                continue;
            }
            let mut columns = row.split('\t');
            let (Some(sequence), Some(class), None) =
                (columns.next(), columns.next(), columns.next())
            else {
                return PipelineError::refuse(format!(
                    "{place}: has {} columns, expected two with a tab between them: the name of a \
                     sequence, and that of its class",
                    row.split('\t').count()
                ));
            };
            if !bm_classes::is_name(class) {
                return PipelineError::refuse(format!(
                    "{place}: `{}` can be no name of a class",
                    class.escape_debug()
                ));
            }
            let next = taxonomy.classes.len();
            let class_number = *numbers.entry(class.to_owned()).or_insert(next);
            if class_number == next {
                taxonomy.classes.push(class.to_owned());
            }
            let before = taxonomy.by_sequence.insert(sequence.to_owned(), class_number);
            if before.is_some_and(|before| before != class_number) {
                return PipelineError::refuse(format!(
                    "{place}: sequence {} has another class before",
                    sequence.escape_debug()
                ));
            }
        }
        Ok(taxonomy)
    }

    /// Returns the number of the class of a sequence.
    pub(crate) fn class(&self, sequence: &str) -> Option<usize> {
        self.by_sequence.get(sequence).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Taxonomy, PipelineError> {
        Taxonomy::read("t.tsv".to_owned(), text.as_bytes())
    }

    #[test]
    fn classes_are_numbered_as_they_come() {
        let found = read("# a comment\nchr1\thost\r\n\nNC_1\tphix\nchr2\thost\n").expect("a table");
        assert_eq!(found.classes, ["host", "phix"]);
        assert_eq!(["chr2", "NC_1", "x"].map(|name| found.class(name)), [Some(0), Some(1), None]);
    }

    #[test]
    fn a_line_that_says_nothing_certain_is_refused_with_its_number() {
        for (text, message) in [
            ("a\tb\nc\n", "t.tsv: line 2: has 1 columns"),
            ("a\tb\tc\n", "t.tsv: line 1: has 3 columns"),
            ("a\tnone\n", "t.tsv: line 1: `none` can be no name"),
            ("a\tb\na\tb\na\tc\n", "t.tsv: line 3: sequence a has another class before"),
        ] {
            let error = read(text).expect_err("refused").to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
