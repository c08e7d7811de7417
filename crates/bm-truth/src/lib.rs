//! The true errors of sequencing reads.
//!
//! A read's own quality says what the instrument believes. What really went wrong is seen where the
//! read is compared with what was sequenced: with a reference ([`Alignment`], [`Pileup`],
//! [`Aligned::row`]), or, where the two reads of a pair overlap, with its mate ([`mate_rows`]).
//! Either way there is one [`Row`] a read.
//!
//! # Against a reference
//!
//! Primary alignments are compared base by base. Two things would spoil the count:
//!
//! - *Variants*: the sample is not the reference. A first pass counts what all reads say of each
//!   position, and a position where at least 30 % differ (at a depth of 8 or more) is a variant. So
//!   is one where another base has at least 3 and at least 5 % of the good bases, a good base being
//!   one whose quality reaches 15 and the upper median of its own read; and, for short reads, where
//!   a deletion or insertion has at least 3 reads and as many as 10 % of the good bases (a deletion
//!   counts as one). What differs at a variant is counted in `masked` and nowhere else, and no base
//!   there is in `scored`.
//! - *Clips*: an aligner cuts off a bad end, and with it the errors. A soft clip of at most 60
//!   bases that lies on the reference and matches it without gaps in at least 55 % of its bases is
//!   compared like the rest. Adapters do not match, and stay clipped.
//!
//! Reads with more than five clipped bases, unmapped ones, or with less than 70 % scored are
//! **ambiguous**: leave them out, and never take them for free of errors.
//!
//! The counts of the first pass take 44 bytes a base of the reference, the reference and its mask
//! one each; reads are not kept.
//!
//! # Example
//!
//! ```
//! use bm_truth::{Aligned, Alignment, Pileup, Reference, Rules};
//!
//! let fasta = b">chr\nACGTACGTAC\n";
//! let sam = b"@SQ\tSN:chr\tLN:10\nr1\t0\tchr\t1\t60\t10M\t*\t0\t0\tACGTTCGTAC\tIIIIIIIIII\n";
//!
//! let reference = Reference::read(&fasta[..])?;
//! let rules = Rules::default();
//! let mut aligned = Aligned::default();
//! let mut pileup = Pileup::new(&reference, rules);
//! let mut alignment = Alignment::open(&sam[..], &reference)?;
//! while alignment.read(&reference, &mut aligned)? {
//!     pileup.add(&reference, &aligned);
//! }
//! let mask = pileup.mask(&reference);
//! let mut alignment = Alignment::open(&sam[..], &reference)?;
//! assert!(alignment.read(&reference, &mut aligned)?);
//! let row = aligned.row(&reference, &mask, &rules);
//! assert_eq!((row.sub, row.scored, row.edits[0].at()), (1, 10, 4));
//! # Ok::<(), bm_truth::TruthError>(())
//! ```

#[cfg(feature = "alignment")]
mod aligned;
#[cfg(feature = "alignment")]
mod alignment;
#[cfg(feature = "alignment")]
mod count;
#[cfg(feature = "alignment")]
mod error;
mod mates;
#[cfg(feature = "alignment")]
mod pileup;
#[cfg(feature = "alignment")]
mod reference;
mod row;
#[cfg(feature = "alignment")]
mod rules;

#[cfg(feature = "alignment")]
pub use aligned::Aligned;
#[cfg(feature = "alignment")]
pub(crate) use aligned::Place;
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
