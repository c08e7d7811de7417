//! Pages of HTML: each is one file, loads nothing, runs nothing, and prints.
//!
//! [`page`] has what all pages share; a page is one file, a figure is one file.

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
mod tune_page;

pub use adapt_page::AdaptPage;
pub use filter_page::FilterPage;
pub use tune_page::TunePage;
