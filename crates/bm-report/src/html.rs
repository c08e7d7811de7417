//! HTML pages: self-contained files without scripts, for screens of any size, dark or light, and for
//! paper.
//!
//! [`page`] has the parts of a page and the template that makes HTML of them, [`figure`] and [`table`]
//! those of figures and tables, [`plot`] what drawings have in common. Each page and each figure has a
//! file.

mod adapt_page;
mod classes;
mod comparison;
mod contexts;
mod curves;
mod cycles;
mod figure;
mod filter_page;
mod homopolymers;
mod lost;
mod measured;
mod page;
mod places;
mod plot;
mod profile;
mod profile_reads;
mod qualities;
mod ratios;
mod retention;
mod samples;
mod statistics;
mod survey;
mod table;
mod trimming;
mod tune_page;
mod yields;

pub use adapt_page::AdaptPage;
pub use filter_page::FilterPage;
pub use tune_page::TunePage;
