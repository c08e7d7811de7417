//! Which reads are wanted, by the classes that they come from.

use std::sync::Arc;

use crate::PipelineError;
use crate::classes::Classes;

/// What a name of a class stands for that no class has: none of them.
pub(crate) const NONE: &str = "none";

/// The classes that reads are looked up in, and which of them are wanted.
#[derive(Clone, Debug)]
pub struct Screen {
    classes: Arc<Classes>,
    wanted: Wanted,
    /// Numbers of the classes that are named; that of none is one more than the last.
    named: Vec<usize>,
    min_probability: f32,
}

/// What becomes of the reads of the classes that are named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// All reads are wanted.
    All,
    /// Reads of the classes that are named are not.
    Others,
    /// Only these are.
    Named,
}

impl Screen {
    /// Looks reads up without removing any.
    pub fn all(classes: Arc<Classes>) -> Self {
        Self { classes, wanted: Wanted::All, named: Vec::new(), min_probability: 0.0 }
    }

    /// Removes a read if the probabilities of the classes of these names are at least `min_probability` in
    /// sum; `none` stands for none of the classes.
    ///
    /// # Errors
    ///
    /// If there is no class of a name.
    pub fn without(
        classes: Arc<Classes>,
        names: &[String],
        min_probability: f32,
    ) -> Result<Self, PipelineError> {
        let named = numbers(&classes, names)?;
        Ok(Self { classes, wanted: Wanted::Others, named, min_probability })
    }

    /// Removes a read unless they are.
    ///
    /// # Errors
    ///
    /// If there is no class of a name.
    pub fn only(
        classes: Arc<Classes>,
        names: &[String],
        min_probability: f32,
    ) -> Result<Self, PipelineError> {
        let named = numbers(&classes, names)?;
        Ok(Self { classes, wanted: Wanted::Named, named, min_probability })
    }

    /// Returns the classes.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Returns what becomes of the reads of the classes that are named.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Returns the names of these classes.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let names = self.classes.names();
        self.named.iter().map(|number| names.get(*number).map_or(NONE, String::as_str))
    }

    /// Returns the lowest probability of a read of these classes.
    pub fn min_probability(&self) -> f32 {
        self.min_probability
    }

    /// Returns the memory that the probabilities of a read take, in bytes.
    pub(crate) fn bytes_per_read(&self) -> usize {
        (self.classes.names().len() + 1).saturating_mul(size_of::<f32>())
    }

    /// Returns whether a read is not wanted, by the probabilities of all classes and, behind them, of none.
    pub(crate) fn removes(&self, probabilities: &[f32]) -> bool {
        let of_named = self.named.iter().filter_map(|number| probabilities.get(*number));
        let is_of_named = of_named.sum::<f32>() >= self.min_probability;
        match self.wanted {
            Wanted::All => false,
            Wanted::Others => is_of_named,
            Wanted::Named => !is_of_named,
        }
    }
}

/// Returns the numbers of classes by their names.
fn numbers(classes: &Classes, names: &[String]) -> Result<Vec<usize>, PipelineError> {
    let known = classes.names();
    let number = |name: &String| match known.iter().position(|other| other == name) {
        Some(number) => Ok(number),
        None if name == NONE => Ok(known.len()),
        None => PipelineError::refuse(format!(
            "{}: has no class {}; it has {}",
            classes.name(),
            name.escape_debug(),
            listed(known)
        )),
    };
    let mut numbers = names.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Returns the names of classes as a list, of which a message shows the first ones.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut list = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        list += &format!(" and {} more", names.len() - SHOWN);
    }
    list
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_probabilities_of_the_named_classes_add_up() {
        let classes = Arc::new(Classes::open(Path::new("phix")).expect("a shipped class"));
        let of = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let remove = |names| Screen::without(Arc::clone(&classes), &of(names), 0.5).expect("names");
        let only = |names| Screen::only(Arc::clone(&classes), &of(names), 0.5).expect("names");
        for (phix, removed) in [(0.0, false), (0.49, false), (0.5, true), (1.0, true)] {
            let probabilities = [phix, 1.0 - phix];
            assert_eq!(remove(&["phix"]).removes(&probabilities), removed, "{phix}");
            assert_eq!(only(&["phix"]).removes(&probabilities), !removed, "{phix}");
            assert!(remove(&["none", "phix", "none"]).removes(&probabilities), "{phix}");
            assert!(!Screen::all(Arc::clone(&classes)).removes(&probabilities));
        }
        let error = Screen::only(classes, &of(&["host"]), 0.5).expect_err("no such class");
        assert_eq!(error.to_string(), "phix: has no class host; it has phix");
    }
}
