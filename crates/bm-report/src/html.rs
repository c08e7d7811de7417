//! HTML pages: self-contained files without scripts, for screens and paper.
//!
//! Each page and each figure has a file. [`page`] has the shared parts of pages, [`plot`] those of
//! figures.

mod adapt_page;
mod comparison;
mod contexts;
mod filter_page;
mod homopolymers;
mod page;
mod places;
mod plot;
mod qualities;
mod ratios;
mod retention;
mod statistics;
mod survey;
mod trimming;
mod tune_page;

pub use adapt_page::AdaptPage;
pub use filter_page::FilterPage;
pub use tune_page::TunePage;
