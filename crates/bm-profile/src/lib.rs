//! What a set of sequencing reads is like, before and after filtering.
//!
//! A [`Profiler`] counts reads in one pass and fixed memory. Its [`Profile`] has, for first and second
//! mates, before and after filtering:
//!
//! - by cycle: the letters, the reported scores, and the errors that a model expects ([`ReadSet`]);
//! - by read: length, GC and mean score;
//! - how many reads are copies of others ([`Copies`]), beginnings that many reads have ([`Frequent`]),
//!   and lengths of inserts ([`Inserts`]).
//!
//! All counts are exact sums or functions of the set of reads: profiles of parts, merged in any order,
//! are the profile of the whole, to the last digit, whatever the number of threads.
//!
//! ```
//! use bm_profile::{ObservedRead, Outcome, Profiler};
//!
//! let reads = [(b"ACGTACGT", b"IIIIII55"), (b"ACGTACGN", b"IIIII5#!")];
//! let mut profiler = Profiler::default();
//! for (number, (sequence, quality_scores)) in reads.into_iter().enumerate() {
//!     let read = ObservedRead { sequence, quality_scores, errors: &[], scored_from: 0 };
//!     // The second read is cut.
//!     let cut = Outcome::Changed { keep: 0..6, quality_scores };
//!     profiler.add_read(0, &read, if number == 0 { &Outcome::Kept } else { &cut });
//! }
//! let profile = profiler.finish();
//! let [before, after] = [&profile.before[0], &profile.after[0]];
//! assert_eq!((before.total_bases(), after.total_bases()), (16, 14));
//! assert_eq!(before.bases[7], [0, 0, 0, 1, 1], "A, C, G, T, N of the last cycle");
//! assert_eq!(after.mean_quality(5), Some(30.0));
//! ```

mod columns;
mod copies;
mod counts;
mod cycles;
mod exact_sum;
mod frequent;
mod inserts;
mod lanes;
mod profile;
mod read_set;
mod scores;
mod vectors;

pub use copies::Copies;
pub use counts::ObservedRead;
pub use cycles::{bin, least};
pub use exact_sum::ExactSum;
pub use frequent::{Frequent, FrequentStart};
pub use inserts::Inserts;
pub use profile::{MATES, Outcome, Profile, Profiler};
pub use read_set::{BASES, ReadSet};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
