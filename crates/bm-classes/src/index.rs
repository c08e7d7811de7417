//! The index of classes: their references and the seeds of these.

use bm_reads::base;

use crate::ClassError;
use crate::names::is_name;
use crate::pattern::Pattern;
use crate::sets::Sets;
use crate::table::Table;
use crate::text::Text;

/// Most classes: their numbers take two bytes.
pub(crate) const MOST_CLASSES: usize = u16::MAX as usize;

/// Most seeds of a pattern that are not sampled.
const MOST_SEEDS: u64 = 1 << 27;

/// How an index is made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Patterns of the seeds, at most 8; by the size of the references where there is none.
    pub patterns: Vec<Pattern>,
    /// One in 2^level seeds is indexed, at most 12; by the size of the references for `None`.
    pub level: Option<u32>,
}

/// Takes the references of classes, one class after the other.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    names: Vec<String>,
    text: Text,
    codes: Vec<u8>,
}

/// References of named classes, and the seeds that reads are looked up by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClassIndex {
    pub(crate) names: Vec<String>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) level: u32,
    pub(crate) text: Text,
    pub(crate) tables: Vec<Table>,
    pub(crate) sets: Sets,
}

/// Most patterns of an index.
pub(crate) const MOST_PATTERNS: usize = 8;

/// Most times that the seeds are halved.
pub(crate) const MOST_LEVEL: u32 = 12;

/// Fewest bases of a stretch of a reference that is kept.
pub(crate) const SHORTEST: usize = 18;

impl Builder {
    /// Begins a class, which the sequences that follow belong to.
    ///
    /// # Errors
    ///
    /// [`ClassError::Class`] if the name [cannot be one](crate::is_name) or was there before, or if there
    /// are 65,535 classes already.
    pub fn begin(&mut self, name: &str) -> Result<(), ClassError> {
        let reason = if !is_name(name) {
            "expected a name without commas and control characters, other than none, read, length, class \
             and probability"
        } else if self.has(name) {
            "the name is given twice"
        } else if self.names.len() >= MOST_CLASSES {
            "there are 65,535 classes already"
        } else {
            self.names.push(name.to_owned());
            return Ok(());
        };
        Err(ClassError::Class { name: name.to_owned(), reason: reason.to_owned() })
    }

    /// Returns whether a class of this name was begun.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// Adds a sequence, as letters, to the class that was begun last. Letters other than A, C, G, T
    /// and U, in either case, divide it.
    ///
    /// # Errors
    ///
    /// [`ClassError::Class`] if no class was begun, or if the references have 2^32 bases or more.
    pub fn push(&mut self, letters: &[u8]) -> Result<(), ClassError> {
        let error = |name: &str, reason: &str| ClassError::Class {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let Some(name) = self.names.last() else {
            return Err(error("", "a sequence before the first class"));
        };
        self.codes.clear();
        base::push_codes(&mut self.codes, letters);
        let class = (self.names.len() - 1) as u16;
        if self.text.push(&self.codes, class, SHORTEST) {
            Ok(())
        } else {
            Err(error(name, "all references together have 2^32 bases or more"))
        }
    }

    /// Returns the index of what was added.
    ///
    /// # Errors
    ///
    /// [`ClassError::Empty`] if no class has a stretch of 18 known bases.
    pub fn finish(self, options: &Options) -> Result<ClassIndex, ClassError> {
        if self.text.bases == 0 {
            return Err(ClassError::Empty(SHORTEST));
        }
        let bases = self.text.bases as u64;
        let mut patterns = options.patterns.clone();
        patterns.truncate(MOST_PATTERNS);
        if patterns.is_empty() {
            patterns = Pattern::for_bases(bases);
        }
        let by_size = bases.div_ceil(MOST_SEEDS).next_power_of_two().ilog2();
        let level = options.level.unwrap_or(by_size).min(MOST_LEVEL);
        let mut sets = Sets::default();
        let table = |pattern| Table::of(&self.text, pattern, level, &mut sets);
        let tables = patterns.iter().map(table).collect();
        Ok(ClassIndex { names: self.names, patterns, level, text: self.text, tables, sets })
    }
}

impl ClassIndex {
    /// Returns the names of the classes, in the order of their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the patterns of the seeds.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Returns the fraction of the seeds that is indexed: 1, or less where the references are large.
    pub fn fraction(&self) -> f64 {
        0.5f64.powi(self.level as i32)
    }

    /// Returns the known bases of each class.
    pub fn sizes(&self) -> Vec<u64> {
        self.text.sizes(self.names.len())
    }

    /// Returns the known bases of all classes.
    pub fn bases(&self) -> u64 {
        self.text.bases as u64
    }

    /// Returns the number of seeds of all patterns.
    pub fn seeds(&self) -> u64 {
        self.tables.iter().map(|table| table.keys.len() as u64).sum()
    }

    /// Returns the bytes that the index takes in memory, but for names and sets of classes.
    pub fn bytes(&self) -> usize {
        let of = |table: &Table| {
            size_of_val(&*table.keys) + size_of_val(&*table.places) + size_of_val(&*table.starts)
        };
        self.tables.iter().map(of).sum::<usize>()
            + size_of_val(&*self.text.words)
            + size_of_val(&*self.text.sequences)
    }
}
