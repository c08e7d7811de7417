//! Errors of reports.

use std::io;

use bm_io::IoError;
use bm_quality::QualityError;
use plotters::drawing::DrawingAreaErrorKind;
use thiserror::Error;

/// Why a report cannot be made or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The output cannot be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The model's file cannot be read.
    #[error(transparent)]
    Model(#[from] QualityError),
    /// A figure cannot be drawn.
    #[error("drawing a figure failed")]
    Drawing(#[from] DrawingAreaErrorKind<io::Error>),
    /// A report cannot be read or merged.
    #[error("{name}: {why}")]
    Refused {
        /// The report.
        name: String,
        /// Where and why.
        why: String,
    },
    /// The template of a page cannot be filled in.
    #[error("making the text of a page failed")]
    Page(#[from] minijinja::Error),
}

impl ReportError {
    pub(crate) fn refused(name: &str, why: impl Into<String>) -> Self {
        Self::Refused { name: name.to_owned(), why: why.into() }
    }
}
