//! The true errors of sequencing reads.
//!
//! The quality scores of a read are the instrument's estimate of its errors. The true errors show
//! where the read is compared with what was sequenced: with a reference ([`Alignment`], [`Pileup`],
//! [`Aligned::row`]), or, where the two mates of a pair overlap, with the other mate
//! ([`mate_rows`]). Both ways return one [`Row`] per read.
//!
//! # Quick start
//!
//! Two mates of one fragment overlap and disagree at one base; the base of lower quality is the
//! error:
//!
//! ```
//! use bm_reads::ReadRef;
//! use bm_truth::{Edit, OverlapRules, mate_rows};
//!
//! let first = ReadRef {
//!     name: b"read1",
//!     sequence: b"ACGTTGCAAGCTTAGGCATCGATCCGTATTGACCAGTA",
//!     quality_scores: b"IIIIIIIIIIIIIIIIIIII#IIIIIIIIIIIIIIIII",
//! };
//! let second = ReadRef {
//!     name: b"read1",
//!     sequence: b"TACTGGTCAATACGGATGGATGCCTAAGCTTGCAACGT",
//!     quality_scores: b"IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII",
//! };
//! let [row, mate] = mate_rows(b"read1", first, second, &OverlapRules::default());
//! assert_eq!(row.edits, [Edit::Substitution { at: 20 }]);
//! assert_eq!((row.scored, mate.sub), (38, 0));
//! ```
//!
//! With a reference, the alignment is read twice: the first pass finds the variants of the sample,
//! the second counts errors:
//!
//! ```
//! # #[cfg(feature = "alignment")] {
//! use bm_truth::{Aligned, Alignment, Pileup, Reference, Rules};
//!
//! let fasta = b">chr\nACGTACGTAC\n";
//! let sam = b"@SQ\tSN:chr\tLN:10\nr1\t0\tchr\t1\t60\t10M\t*\t0\t0\tACGTTCGTAC\tIIIIIIIIII\n";
//!
//! let reference = Reference::read(&fasta[..])?;
//! let rules = Rules::default();
//! let mut aligned = Aligned::default();
//!
//! let mut pileup = Pileup::new(&reference, rules);
//! let mut alignment = Alignment::open(&sam[..], &reference)?;
//! while alignment.read(&reference, &mut aligned)? {
//!     pileup.add(&reference, &aligned);
//! }
//! let mask = pileup.mask(&reference);
//!
//! let mut alignment = Alignment::open(&sam[..], &reference)?;
//! assert!(alignment.read(&reference, &mut aligned)?);
//! let row = aligned.row(&reference, &mask, &rules);
//! assert_eq!((row.sub, row.scored, row.edits[0].at()), (1, 10, 4));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How errors are counted against a reference
//!
//! Primary alignments are compared base by base, with two exceptions:
//!
//! - *Variants.* The sample differs from the reference, and such a difference is not an error. A
//!   first pass counts the bases of all reads at each position. A position is a variant where at
//!   least 30 % of the reads differ, at a depth of 8 or more. It is also a variant where another base
//!   is found in at least 3 and at least 5 % of the good bases; a base is good if its quality reaches
//!   15 and the upper median of its own read. For short reads it is also one where at least 3 reads,
//!   and at least 10 % of the good bases, have a deletion or an insertion (a deletion counts as one
//!   good base). Differences at a variant are counted in `masked` alone, and no base there is in
//!   `scored`.
//! - *Clips.* An aligner soft-clips a bad read end, and the errors with it. A soft clip of at most 60
//!   bases is compared like the rest if it lies on the reference and matches it without gaps in at
//!   least 55 % of its bases. Adapters do not match, and stay clipped.
//!
//! Reads that are unmapped, have more than five clipped bases, or have less than 70 % of their bases
//! scored are **ambiguous**: leave them out; do not count them as free of errors.
//!
//! The counts of the first pass take 44 bytes per base of the reference, the reference and its mask
//! one byte each. Reads are not kept.

#[cfg(feature = "alignment")]
mod aligned;
#[cfg(feature = "alignment")]
mod alignment;
#[cfg(feature = "alignment")]
mod count;
#[cfg(feature = "alignment")]
mod cram;
#[cfg(feature = "alignment")]
mod error;
#[cfg(feature = "alignment")]
mod guard;
mod mates;
#[cfg(feature = "alignment")]
mod pileup;
#[cfg(feature = "alignment")]
mod reference;
mod row;
#[cfg(feature = "alignment")]
mod rules;
#[cfg(feature = "alignment")]
mod view;

#[cfg(feature = "alignment")]
pub(crate) use aligned::Place;
#[cfg(feature = "alignment")]
pub use aligned::{Aligned, Event};
#[cfg(feature = "alignment")]
pub use alignment::Alignment;
#[cfg(feature = "alignment")]
pub use error::{Fault, TruthError};
pub use mates::{Overlap, OverlapRules, mate_rows, overlap};
#[cfg(feature = "alignment")]
pub use pileup::{Mask, Pileup};
#[cfg(feature = "alignment")]
pub use reference::Reference;
pub use row::{Edit, HEADER, Row};
#[cfg(feature = "alignment")]
pub use rules::Rules;

// The examples of the README run as tests.
#[cfg(all(doctest, feature = "alignment"))]
#[doc = include_str!("../README.md")]
struct Readme;
