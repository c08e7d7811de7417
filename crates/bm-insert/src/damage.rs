//! Bases at the ends of old molecules that have lost their amino group: C reads as T, and its complement
//! G as A, most often at the outermost base and less and less inwards.

use crate::conversion::Spectrum;
use crate::overlay::{MOST, Overlay};
use crate::structure::{Part, Place, Structure};

/// It is there if this part of such bases is turned at the outermost places, this many times as many as
/// inside, and as any other base is.
const LEAST: f64 = 0.03;
const OVER: f64 = 3.0;

/// It reaches as far as this part is turned.
const STILL: f64 = 0.015;

/// Outermost places that are looked at together, and the fewest such bases there.
const FIRST: usize = 2;
const FEWEST: u64 = 50;

/// Codes of bases.
const A: usize = 0;
const C: usize = 1;
const G: usize = 2;
const T: usize = 3;

/// Bases that are turned at an end of reads.
pub(crate) struct Damage {
    /// The base, and what it is turned into, on the strand that begins at this end.
    kind: [usize; 2],
    /// How far it reaches, in bases.
    pub(crate) places: usize,
    /// Part of these bases that are turned, at the outermost places.
    rate: f64,
}

impl Damage {
    /// Returns the damage of an end, by the comparison with other reads; `None` if there is none.
    pub(crate) fn of(overlay: &Overlay) -> Option<Self> {
        let mut first: Spectrum = [[0; 4]; 4];
        for spectrum in overlay.spectra.iter().take(FIRST) {
            first
                .as_flattened_mut()
                .iter_mut()
                .zip(spectrum.as_flattened())
                .for_each(|(n, m)| *n += m);
        }
        // Single-stranded libraries have C turned at both ends, others G at the end of reads, which is
        // C on the strand that begins there.
        let kinds = [[C, T], [G, A]];
        let kind = kinds.into_iter().find(|kind| {
            let own = rate(&first, *kind);
            let others = (0..4).flat_map(|from| (0..4).map(move |to| [from, to]));
            let others = others
                .filter(|other| other[0] != other[1] && !kinds.contains(other))
                .map(|other| rate(&first, other))
                .fold(0.0, f64::max);
            let inside = rate(&overlay.inner_spectrum, *kind);
            first[kind[0]].iter().sum::<u64>() >= FEWEST
                && own >= LEAST
                && own >= OVER * others
                && own >= OVER * inside
        })?;
        let inside = rate(&overlay.inner_spectrum, kind);
        let still = STILL.max(OVER * inside);
        let reaches = |spectrum: &&Spectrum| rate(spectrum, kind) >= still;
        let places = overlay.spectra.iter().take_while(reaches).count().clamp(1, MOST);
        Some(Self { kind, places, rate: rate(&first, kind) })
    }

    /// Returns it as a structure of the reads of one mate.
    pub(crate) fn structure(&self, place: Place, mate: usize) -> Structure {
        let base = |code: usize| char::from(bm_reads::base::letter(code as u8));
        // As they stand in the read.
        let [from, to] =
            if place == Place::Start { self.kind } else { self.kind.map(|code| 3 - code) };
        Structure {
            place,
            mate,
            fraction: 1.0,
            bases: self.places..=self.places,
            parts: vec![Part::Turned { from: base(from), to: base(to), rate: self.rate }],
        }
    }
}

/// Returns which part of a base is turned into another.
fn rate(spectrum: &Spectrum, [from, to]: [usize; 2]) -> f64 {
    spectrum[from][to] as f64 / spectrum[from].iter().sum::<u64>().max(1) as f64
}
