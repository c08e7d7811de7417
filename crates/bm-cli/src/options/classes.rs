//! Options for the classes that reads come from.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bm_pipeline::{Classes, Screen};

use crate::options::values;

const HEADING: &str = "Where reads come from";

/// Which reads are wanted, by the classes that they come from.
#[derive(Debug, clap::Args)]
pub(crate) struct ScreenArgs {
    /// Look reads up in these classes: a file that `bm classes` made, or phix, which is shipped. Without
    /// --remove and --only, reads are counted by class, and all of them pass
    #[arg(short = 'd', long, value_name = "CLASSES", help_heading = HEADING)]
    classes: Option<PathBuf>,
    /// Keep no reads of these classes, with commas between their names; `none` is none of the classes. The
    /// mates of a pair are looked up together. The reason is `class`
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "classes",
        conflicts_with = "only",
        help_heading = HEADING
    )]
    remove: Vec<String>,
    /// Keep the reads of these classes alone
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "classes",
        help_heading = HEADING
    )]
    only: Vec<String>,
    /// The probability from which a read is of the classes named by --remove or --only, that of all of
    /// them together
    #[arg(
        long,
        value_name = "P",
        default_value = "0.5",
        value_parser = values::fraction,
        requires = "classes",
        help_heading = HEADING
    )]
    min_probability: f64,
}

impl ScreenArgs {
    /// Opens the classes and returns which of them are wanted; `None` if reads are not looked up.
    ///
    /// # Errors
    ///
    /// If the classes cannot be read, or have none of a name.
    pub(crate) fn screen(&self) -> Result<Option<Screen>> {
        let Some(path) = &self.classes else { return Ok(None) };
        let classes = Arc::new(Classes::open(path)?);
        let least = self.min_probability as f32;
        Ok(Some(match (&self.remove[..], &self.only[..]) {
            ([], []) => Screen::all(classes),
            (names, []) => Screen::without(classes, names, least)?,
            (_, names) => Screen::only(classes, names, least)?,
        }))
    }
}
