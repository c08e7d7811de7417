//! Tables of a page.

use serde::Serialize;

/// A table of a page.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    /// What it shows, for those who do not see where it stands.
    pub(super) name: String,
    /// Its class in the style sheet, if it has one.
    pub(super) class: &'static str,
    pub(super) head: Vec<Head>,
    pub(super) rows: Vec<Row>,
}

/// The head of a column.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) remark: &'static str,
}

/// A row of a table.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    /// Whether the row is marked.
    pub(super) chosen: bool,
    pub(super) cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Its class in the style sheet, if it has one.
    pub(super) class: &'static str,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), class: "" }
    }
}

impl<C: Into<Cell>> FromIterator<C> for Row {
    fn from_iter<I: IntoIterator<Item = C>>(cells: I) -> Self {
        Self { chosen: false, cells: cells.into_iter().map(Into::into).collect() }
    }
}

impl Table {
    /// Returns a table without rows.
    pub(super) fn new<'a>(name: &str, head: impl IntoIterator<Item = &'a str>) -> Self {
        Self::with_remarks(name, head.into_iter().map(|name| (name, "")))
    }

    /// Returns a table without rows; its heads have remarks.
    pub(super) fn with_remarks<'a>(
        name: &str,
        head: impl IntoIterator<Item = (&'a str, &'static str)>,
    ) -> Self {
        let head = head.into_iter().map(|(name, remark)| Head { name: name.to_owned(), remark });
        Self { name: name.to_owned(), head: head.collect(), ..Self::default() }
    }

    /// Adds a row.
    pub(super) fn push<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the texts of the cells of a row.
    #[cfg(test)]
    pub(super) fn texts(&self, row: usize) -> Vec<&str> {
        self.rows[row].cells.iter().map(|cell| cell.text.as_str()).collect()
    }
}
