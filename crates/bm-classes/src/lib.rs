//! Which of several references a read comes from, or none of them: a probability for each.
//!
//! A class is a name with references: genomes of a species, a host, a spike-in. A [`Builder`] takes
//! them and returns a [`ClassIndex`], in memory and as a file. A [`Matcher`] looks a read up in it and
//! returns the [`Evidence`], which [`Evidence::probabilities`] turns into [`Probabilities`].
//! [`Abundances`] estimates the fraction of a run's reads in each class.
//!
//! # Quick start
//!
//! ```
//! use bm_classes::{Abundances, Builder, Matcher, Options};
//!
//! # let mut state = 1u64;
//! # let mut genome = || -> Vec<u8> {
//! #     let mut base = || {
//! #         state = bm_kmers::kmer::mix(state + 1);
//! #         b"ACGT"[state as usize % 4]
//! #     };
//! #     (0..5000).map(|_| base()).collect()
//! # };
//! # let (phage, virus) = (genome(), genome());
//! // The references, as letters.
//! let mut builder = Builder::default();
//! builder.begin("phage")?;
//! builder.push(&phage)?;
//! builder.begin("virus")?;
//! builder.push(&virus)?;
//! let index = builder.finish(&Options::default())?;
//!
//! // A read of the virus of which every tenth base differs, and the error probabilities of its bases.
//! let mut read = virus[1000..1100].to_vec();
//! for base in read.iter_mut().step_by(10) {
//!     *base = if *base == b'A' { b'C' } else { b'A' };
//! }
//! let errors = [0.001; 100];
//! let mut matcher = Matcher::default();
//! let found = matcher.look_up(&index, &read, &errors).probabilities(&index);
//! let (class, probability) = found.best().expect("it is of a class");
//! assert_eq!(index.names()[class], "virus");
//! assert!(probability > 0.99);
//!
//! // How much of the run each class is.
//! let mut abundances = Abundances::default();
//! abundances.add(&found);
//! let virus = abundances.estimate(index.names().len())[1];
//! assert!(virus.low < virus.fraction && virus.fraction > 0.9);
//! # Ok::<(), bm_classes::ClassError>(())
//! ```
//!
//! # How a read is looked up
//!
//! 1. *Seeds.* Two spaced patterns of bases ([`Pattern`]), the same on both strands. Their number of
//!    compared bases grows with the references, so that few seeds are found by chance. Where the
//!    references are large, one in some seeds is indexed, by its hash.
//! 2. *Chains.* Seeds that lie in a read as they lie in a reference, but for small gaps.
//! 3. *Extension.* From its seeds, the read is compared with the reference base by base. Each base
//!    counts by its own error probability: one that is likely wrong says nothing. The result
//!    is a log-likelihood ratio in nats. It holds for every class that has the seeds.
//! 4. *Probability.* A logistic layer weighs the best ratio, by how high it gets by chance in references of
//!    this size, and the fraction of the read that it explains. Among the classes, the ratios decide.
//!
//! `research/classes` compares these choices with others, and has the accuracy with classes that
//! nothing was chosen by.
//!
//! # Limits
//!
//! All references together have fewer than 2^32 bases. A seed that occurs several times has its first
//! place, so a read of a repeat is compared with one of its copies. Unknown bases divide references.

mod abundance;
mod error;
mod evidence;
mod extend;
mod file;
mod index;
mod matcher;
mod names;
mod odds;
mod pattern;
mod rule;
mod seed;
mod sets;
mod shipped;
mod table;
mod text;

pub use abundance::{Abundance, Abundances};
pub use error::ClassError;
pub use evidence::Evidence;
pub use index::{Builder, ClassIndex, Options};
pub use matcher::Matcher;
pub use names::is_name;
pub use pattern::Pattern;
pub use rule::{Probabilities, features};
pub use shipped::{shipped, shipped_names};

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
