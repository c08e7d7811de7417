//! Finds which bases a library turns into others, from the reads alone.
//!
//! The two strands of a genome together have as many C as G, and as many A as T. Where reads have
//! fewer C and more T, and C and T together are as frequent as A and G, C was turned into T. Lower
//! rates are seen where reads differ from others that overlap them: one kind of difference is much
//! more frequent than all others, and than its complement. Strains and alleles differ by both.

use bm_reads::ReadRef;
use bm_reads::base::code;
use bm_reads::conversion::{Conversion, Strands};

/// Codes of bases.
const A: usize = 0;
const C: usize = 1;
const G: usize = 2;
const T: usize = 3;

/// Fewest bases that tell anything.
const FEWEST_BASES: u64 = 20_000;

/// A base is lost if there is at most this part of its complement. What it was turned into has gained
/// at least the other part of that over its complement, and C + T and A + G differ by at most the last
/// part of all bases.
const UNEVEN: f64 = 0.72;
const GAINED: f64 = 0.6;
const EVEN: f64 = 0.05;

/// A read shows which strand it is of if it has at most this part of one base, and at least so many
/// bases.
const LOST: f64 = 0.4;
const FEWEST_OF_READ: usize = 30;
/// Part of the reads that do, in a library of either strand, and part that are of each strand.
const MOST_SHOW: f64 = 0.8;
const LEAST_SHOW: f64 = 0.25;

/// A kind of difference stands out if it has this part of the bases, and at least so many, is so many
/// times as frequent as the others are in the middle, and as its complement.
const LEAST_RATE: f64 = 0.008;
const FEWEST: u64 = 30;
const OVER_OTHERS: f64 = 10.0;
const OVER_COMPLEMENT: f64 = 5.0;

/// How often each base of reads is which base in others that overlap them: `[other][own]`.
pub(crate) type Spectrum = [[u64; 4]; 4];

/// Returns the conversion that the composition of reads shows, of first mates and single reads and of
/// second mates.
pub(crate) fn by_composition<'a>(
    templates: impl Iterator<Item = &'a [ReadRef<'a>]>,
) -> Option<Conversion> {
    let mut counts = [[0u64; 5]; 2];
    // Of first mates and single reads: all, and those with hardly any C, and hardly any G.
    let (mut reads, mut without) = (0u64, [0u64; 2]);
    for mates in templates {
        for (mate, read) in mates.iter().enumerate().take(2) {
            let mut own = [0u64; 5];
            read.sequence.iter().for_each(|letter| own[usize::from(code(*letter))] += 1);
            counts[mate].iter_mut().zip(own).for_each(|(count, own)| *count += own);
            if mate == 0 && read.len() >= FEWEST_OF_READ {
                reads += 1;
                let [a, c, g, t, _] = own.map(|count| count as f64);
                without[0] += u64::from(c <= LOST * g && a <= t);
                without[1] += u64::from(g <= LOST * c && t <= a);
            }
        }
    }
    if counts[0].iter().sum::<u64>() < FEWEST_BASES {
        return None;
    }
    let show = |number: u64, part: f64| number as f64 >= part * reads as f64;
    if show(without[0] + without[1], MOST_SHOW) && without.iter().all(|n| show(*n, LEAST_SHOW)) {
        return Conversion::new(C as u8, T as u8, Strands::ByRead);
    }
    let first = turned(&counts[0])?;
    // The complement in second mates: C to T is G to A there.
    let is_paired = counts[1].iter().sum::<u64>() >= FEWEST_BASES;
    if is_paired && turned(&counts[1]) != Some([3 - first[0], 3 - first[1]]) {
        return None;
    }
    let [from, to] = first;
    let is_lost = counts[0][from] as f64 <= LOST * counts[0][3 - from] as f64;
    let strands = if is_lost { Strands::ByRead } else { Strands::ByMate };
    Conversion::new(from as u8, to as u8, strands)
}

/// Returns which base reads with this composition have lost, and which one they have more of.
fn turned(counts: &[u64; 5]) -> Option<[usize; 2]> {
    let [a, c, g, t, _] = counts.map(|count| count as f64);
    let is_even = (c + t - a - g).abs() <= EVEN * (a + c + g + t);
    if is_even && c <= UNEVEN * g && t - a >= GAINED * (g - c) {
        Some([C, T])
    } else if is_even && g <= UNEVEN * c && a - t >= GAINED * (c - g) {
        Some([G, A])
    } else {
        None
    }
}

/// Returns the conversion that the differences of reads from others show, of first mates and single
/// reads and of second mates.
pub(crate) fn by_differences(spectra: &[Spectrum; 2]) -> Option<Conversion> {
    let first = outstanding(&spectra[0]);
    let second = outstanding(&spectra[1]).map(|[from, to]| [3 - from, 3 - to]);
    let is_paired = spectra[1].iter().flatten().sum::<u64>() >= FEWEST_BASES / 10;
    let [from, to] = first.filter(|first| !is_paired || second == Some(*first))?;
    Conversion::new(from as u8, to as u8, Strands::ByMate)
}

/// The two kinds of bases that conversions turn into each other: reads that a conversion turned in part
/// can be laid over others with these written as one.
pub(crate) const AS_ONE: [[usize; 2]; 2] = [[C, T], [A, G]];

/// Returns the conversion between two bases that the differences of reads from others show, of first
/// mates and single reads, and of the other strand of second mates.
pub(crate) fn between(bases: [usize; 2], spectrum: &Spectrum) -> Option<Conversion> {
    let [from, to] = outstanding(spectrum).filter(|kind| kind.iter().all(|b| bases.contains(b)))?;
    Conversion::new(from as u8, to as u8, Strands::ByMate)
}

/// Returns the kind of difference that stands out, of transitions: the other base, and that of reads.
fn outstanding(spectrum: &Spectrum) -> Option<[usize; 2]> {
    let rate = |from: usize, to: usize| {
        spectrum[from][to] as f64 / spectrum[from].iter().sum::<u64>().max(1) as f64
    };
    let kinds = [[C, T], [G, A], [A, G], [T, C]];
    let stands_out = |[from, to]: &[usize; 2]| {
        let complement = [3 - from, 3 - to];
        let mut others: Vec<f64> = (0..4)
            .flat_map(|one| (0..4).map(move |other| [one, other]))
            .filter(|kind| kind[0] != kind[1])
            .filter(|kind| kind != &[*from, *to] && kind != &[*to, *from])
            .filter(|kind| *kind != complement && *kind != [complement[1], complement[0]])
            .map(|[one, other]| rate(one, other))
            .collect();
        others.sort_by(f64::total_cmp);
        let middle = others[others.len() / 2].max(1e-4);
        let own = rate(*from, *to);
        spectrum[*from][*to] >= FEWEST
            && own >= LEAST_RATE
            && own >= OVER_OTHERS * middle
            && own >= OVER_COMPLEMENT * rate(complement[0], complement[1])
    };
    // Where few others overlap, what they turned looks like the opposite, less often.
    kinds
        .into_iter()
        .filter(stands_out)
        .max_by(|one, other| rate(one[0], one[1]).total_cmp(&rate(other[0], other[1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spectrum with errors of one kind in a thousand bases, and others.
    fn spectrum(others: &[([usize; 2], u64)]) -> Spectrum {
        let mut spectrum = [[10; 4]; 4];
        (0..4).for_each(|base| spectrum[base][base] = 10_000);
        others.iter().for_each(|([from, to], number)| spectrum[*from][*to] = *number);
        spectrum
    }

    #[test]
    fn one_directed_kind_of_difference_stands_out() {
        let none = spectrum(&[]);
        let single = |spectrum| by_differences(&[spectrum, [[0; 4]; 4]]).map(Conversion::letters);
        assert_eq!(single(none), None);
        assert_eq!(single(spectrum(&[([A, G], 300)])), Some(['A', 'G']));
        assert_eq!(single(spectrum(&[([C, T], 150)])), Some(['C', 'T']));
        // Too few, both directions of a variant, both strands of one, a transversion.
        assert_eq!(single(spectrum(&[([A, G], 60)])), None);
        assert_eq!(single(spectrum(&[([A, G], 300), ([T, C], 300)])), None);
        assert_eq!(single(spectrum(&[([A, C], 300)])), None);
        // All kinds are frequent: strains.
        assert_eq!(single([[200; 4]; 4]), None);
    }

    #[test]
    fn second_mates_show_the_complement() {
        let [first, second] = [spectrum(&[([A, G], 300)]), spectrum(&[([T, C], 280)])];
        let letters = by_differences(&[first, second]).map(Conversion::letters);
        assert_eq!(letters, Some(['A', 'G']));
        assert_eq!(by_differences(&[first, first]), None);
        assert_eq!(by_differences(&[first, spectrum(&[])]), None);
    }
}
