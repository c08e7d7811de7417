//! The offset of quality scores, and whether scores of an unstated offset look like Phred + 64.

use super::error::Fault;

/// The number that a file adds to quality scores to make them printable.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QualityOffset {
    /// Not stated: Phred + 33. A file whose first reads look like Phred + 64 is refused
    /// ([`Fault::LooksLikePhred64`]).
    #[default]
    Unstated,
    /// Phred + 33, as in practically all files since 2011, whatever the qualities look like.
    Phred33,
    /// Phred + 64, as in older Illumina files; converted to Phred + 33 while reading.
    Phred64,
}

/// Lowest byte of Solexa's scores, which have the offset of Phred + 64 and begin at -5. In Phred +
/// 33, this is Q26: runs of an instrument have lower qualities.
const LOWEST: u8 = b';';

/// The instruments that wrote Phred + 64 went no higher than this byte, Phred 42. Consensus reads and
/// merged mates go beyond in Phred + 33.
const HIGHEST: u8 = b'j';

/// Phred + 64 reaches this byte, Phred 26, in the first reads of every run. In Phred + 33, this is
/// Q57, which only consensus reads and merged mates have.
const HIGH: u8 = b'Z';

/// Fewest distinct values: fewer carry no information, whatever their offset.
const FEWEST_VALUES: u32 = 3;

/// Quality scores after which the look is over. They are within the first batch of a run.
const ENOUGH: usize = 100_000;

/// The first quality scores of a file of an unstated offset.
#[derive(Default)]
pub(super) struct FirstQualities {
    /// A bit for each byte below 128 that is among them; no higher byte is a quality score.
    seen: u128,
    scores: usize,
    reads: u64,
}

impl FirstQualities {
    /// Adds the scores of the next read to the first ones, if the look is not over. It is over with
    /// the first byte that Phred + 64 does not have.
    ///
    /// # Errors
    ///
    /// [`Fault::LooksLikePhred64`], after enough scores.
    pub(super) fn look(first: &mut Option<Self>, quality_scores: &[u8]) -> Result<(), Fault> {
        let Some(qualities) = first else { return Ok(()) };
        for byte in quality_scores {
            if !(LOWEST..=HIGHEST).contains(byte) {
                *first = None;
                return Ok(());
            }
            qualities.seen |= 1 << byte;
        }
        qualities.scores += quality_scores.len();
        qualities.reads += 1;
        if qualities.scores < ENOUGH { Ok(()) } else { Self::decide(first) }
    }

    /// Ends the look.
    ///
    /// # Errors
    ///
    /// [`Fault::LooksLikePhred64`].
    pub(super) fn decide(first: &mut Option<Self>) -> Result<(), Fault> {
        let Some(Self { seen, reads, .. }) = first.take() else { return Ok(()) };
        // Each is below 128.
        let (lowest, highest) =
            (seen.trailing_zeros() as u8, (127 - seen.leading_zeros().min(127)) as u8);
        if highest >= HIGH && seen.count_ones() >= FEWEST_VALUES {
            return Err(Fault::LooksLikePhred64 { reads, lowest, highest });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a file with reads of these quality scores is refused.
    fn is_refused(reads: &[&[u8]]) -> bool {
        let mut first = Some(FirstQualities::default());
        let looked = reads.iter().try_for_each(|scores| FirstQualities::look(&mut first, scores));
        looked.and_then(|()| FirstQualities::decide(&mut first)).is_err()
    }

    #[test]
    fn phred_64_is_recognised() {
        assert!(is_refused(&[b"hhhgfB", b"hhhhhh"]));
        assert!(is_refused(&[b"BHZ"]));
        assert!(is_refused(&[b"@Aj"]));
        // Solexa's.
        assert!(is_refused(&[b";Ah"]));
    }

    #[test]
    fn what_no_instrument_wrote_as_phred_64_is_not() {
        // Q73 and more, as in merged mates; HiFi reads.
        assert!(!is_refused(&[b"FGkhh", b"hhhhh"]));
        assert!(!is_refused(&[b"Fhhl~"]));
        // A quality below Q26, also of an unknown base.
        assert!(!is_refused(&[b"hhhhh", b"hgh#h"]));
        assert!(!is_refused(&[b"hhg:h"]));
        // Ordinary qualities of good reads.
        assert!(!is_refused(&[b"FFFFFJJIHG"]));
        // Without information.
        for byte in [b'?', b'I', b'h', b'~', b'F'] {
            assert!(!is_refused(&[&[byte; 1000]]), "{byte}");
        }
        assert!(!is_refused(&[b"hhhBh"]));
        assert!(!is_refused(&[]) && !is_refused(&[b"", b""]));
    }

    #[test]
    fn the_look_ends_after_enough_scores() {
        let mut first = Some(FirstQualities::default());
        let scores = [&b"BhZ"[..], &vec![b'h'; ENOUGH - 3]].concat();
        let found = FirstQualities::look(&mut first, &scores);
        assert!(
            matches!(found, Err(Fault::LooksLikePhred64 { reads: 1, lowest: b'B', highest: b'h' })),
            "{found:?}"
        );
        // Good reads are not looked at for ever.
        let mut first = Some(FirstQualities::default());
        assert!(FirstQualities::look(&mut first, &vec![b'I'; ENOUGH]).is_ok() && first.is_none());
    }
}
