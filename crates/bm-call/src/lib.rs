//! Low-frequency variants in aligned reads, by what a run shows of its own errors.
//!
//! A variant that few fragments have looks like an error, so whoever calls variants needs to know the errors.
//! This crate takes the error probability of each base from its caller (of a network, or of the reported
//! qualities) and learns from the alignment itself what they leave open: in a first pass, [`Learner`]
//! measures how often bases of each probability are wrong, which bases errors are in which context, how often
//! reads have gaps before runs of equal bases, and how much places differ ([`ErrorRates`]). In the second
//! pass, [`Caller`] tests each allele of each site.
//!
//! ```
//! use bm_call::{Caller, ErrorRates, Learner, ObservedRead, Record, Regions, Settings};
//! use bm_truth::{Aligned, Alignment, Reference};
//!
//! // Sixty reads of 12 bases; in ten of them the base at 6 is a G.
//! let reference = Reference::read(&b">chr\nACGTTCATGACGTAGC\n"[..])?;
//! let mut sam = String::from("@SQ\tSN:chr\tLN:16\n");
//! for number in 0..60 {
//!     let (flag, base) = (16 * (number % 2), if number < 10 { 'G' } else { 'A' });
//!     let read = format!("ACGTTC{base}TGACGTAGC");
//!     sam += &format!("r{number}\t{flag}\tchr\t1\t60\t16M\t*\t0\t0\t{read}\t*\n");
//! }
//! let mut alignment = Alignment::open(sam.as_bytes(), &reference)?;
//! let mut aligned = Aligned::default();
//! let mut records = Vec::new();
//! while alignment.read(&reference, &mut aligned)? {
//!     let observed = ObservedRead::new(&reference, &aligned, &[1e-3; 16]);
//!     records.push(Record { sequence: 0, start: 0, observed });
//! }
//! let mut learner = Learner::default();
//! records.iter().try_for_each(|record| learner.add(record))?;
//! let rates = learner.finish(&reference);
//!
//! let (settings, regions) = (Settings::default(), Regions::default());
//! let mut caller = Caller::new(&reference, &settings, &regions, rates);
//! let mut calls = Vec::new();
//! for record in &records {
//!     caller.add(record, &mut |call| calls.push(call))?;
//! }
//! caller.finish(&mut |call| calls.push(call));
//! assert_eq!((calls.len(), calls[0].place, calls[0].with_alternative), (1, 6, [5, 5]));
//! assert!((calls[0].fraction - 1.0 / 6.0).abs() < 0.01 && calls[0].quality > 30.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is counted
//!
//! - A fragment counts once where its mates overlap. Where they agree, the error probability is the product;
//!   where they disagree, exactly one of them is wrong.
//! - Bases within 5 of an end of the alignment, or within 2 of a gap, are a class with error rates of their
//!   own: aligners err there.
//! - Gaps are moved to the leftmost place that means the same.
//!
//! # The quality
//!
//! The quality is 10 log10 of the Bayes factor of a variant, at any fraction, over errors alone. Of alleles
//! that are errors, at most one in 10^(Q/10) reaches Q, as far as the error rates are right.
//!
//! Memory depends on the length of the reads and the depth, not on the file: the window of a pileup, and at
//! most 50,000 sites to learn from.

mod alleles;
mod caller;
mod column;
mod context;
mod error;
mod fisher;
mod genotype;
mod indel;
mod learn;
mod multipliers;
mod observation;
mod observed;
mod pileup;
mod rates;
mod region;
mod settings;
mod test;
mod variant;
mod vcf;

pub use caller::{CallTotals, Caller, Learner, Record};
pub use error::CallError;
pub use observed::{LONGEST_SPAN, ObservedRead};
pub use rates::ErrorRates;
pub use region::Regions;
pub use settings::Settings;
pub use variant::{Filter, Genotype, Variant};
pub use vcf::{VcfText, unwritable};
