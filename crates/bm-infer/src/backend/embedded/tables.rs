//! A convolution over codes, computed as a sum of table rows.
//!
//! A convolution multiplies the features of each position in its window with weights. If a position
//! is one of few codes, the products of each code with the weights of each place in the window are
//! computed once and stored as a row of a table. The convolution is then one lookup and one addition
//! per place.
//!
//! A position contributes to as many outputs as the window has places. The kernel keeps the sums of
//! all these outputs in registers, adds the rows of a position to them, passes the sum that is
//! complete to a [`Sink`] and shifts the others.

use pulp::{Simd, WithSimd};

use super::instruction_set::InstructionSet;
use crate::Alphabet;

/// Maximum number of values in the tables of one convolution: 128 MB.
const MAX_VALUES: usize = 1 << 25;

/// Places of the largest window: its sums and the rows that are added to them fit into the registers
/// of the widest machines.
const MAX_WINDOW: usize = 21;

/// A convolution over sequences of codes.
#[derive(Debug)]
pub(super) struct Tables {
    instructions: InstructionSet,
    width: usize,
    window: usize,
    codes: usize,
    /// Places of the window before its position.
    before: usize,
    /// `[vectors of channels, codes, window]`, each element a vector of channels.
    rows: Aligned,
    /// Padded with zeros to whole vectors of channels.
    biases: Vec<f32>,
}

impl Tables {
    /// Returns the tables of a convolution over `alphabet`, with `before` places of the window before
    /// its position, and zeros outside of a sequence.
    ///
    /// **Shape:** `weights` is `[width, channels, window]` in C order, `biases` `[width]`.
    ///
    /// # Errors
    ///
    /// A message, if the window or the tables are too large.
    pub(super) fn new(
        instructions: InstructionSet,
        alphabet: &Alphabet,
        weights: &[f32],
        biases: &[f32],
        before: usize,
    ) -> Result<Self, String> {
        let (width, channels, codes) = (biases.len(), alphabet.channels(), alphabet.codes());
        let instructions = instructions.fitting(width);
        let lanes = instructions.lanes();
        let window = weights.len() / (width * channels);
        if window > MAX_WINDOW {
            return Err(format!("a window of {window} positions, expected at most {MAX_WINDOW}"));
        }
        let padded = width.next_multiple_of(lanes);
        let size = window.checked_mul(codes).and_then(|rows| rows.checked_mul(padded));
        if size.is_none_or(|size| size > MAX_VALUES) {
            return Err(format!(
                "a window of {window} positions × {codes} codes × {width} channels needs more than {MAX_VALUES} values"
            ));
        }
        let product = |vector: &[f32], output: usize, place: usize| -> f32 {
            let weight =
                |channel: usize| f64::from(weights[(output * channels + channel) * window + place]);
            vector
                .iter()
                .enumerate()
                .map(|(channel, x)| f64::from(*x) * weight(channel))
                .sum::<f64>() as f32
        };
        let mut rows = Vec::with_capacity(window * codes * padded);
        for first in (0..padded).step_by(lanes) {
            for vector in alphabet.vectors() {
                for place in 0..window {
                    let channels = first..first + lanes;
                    rows.extend(channels.map(|output| {
                        if output < width { product(vector, output, place) } else { 0.0 }
                    }));
                }
            }
        }
        let mut padded_biases = vec![0.0; padded];
        padded_biases[..width].copy_from_slice(biases);
        Ok(Self {
            instructions,
            width,
            window,
            codes,
            before,
            rows: Aligned::new(&rows),
            biases: padded_biases,
        })
    }

    /// Writes the convolution at the positions of `sequence` from `start` on, until `output` is full.
    ///
    /// **Shape:** `output` is `[positions, width]`. Every code must be in the alphabet.
    pub(super) fn run(&self, sequence: &[u16], start: usize, output: &mut [f32]) {
        self.instructions.dispatch(Run { tables: self, sequence, start, output });
    }

    /// Returns the instruction set that the tables are stored for.
    pub(super) fn instructions(&self) -> InstructionSet {
        self.instructions
    }

    /// Returns whether one vector holds all channels.
    pub(super) fn is_one_vector(&self) -> bool {
        self.width <= self.instructions.lanes()
    }

    /// Returns the output for each code, if it is one number that does not depend on neighbours.
    pub(super) fn values(&self) -> Option<Vec<f32>> {
        let one = self.window == 1 && self.width == 1 && self.is_one_vector();
        let step = self.instructions.lanes();
        one.then(|| {
            self.rows.values().iter().step_by(step).map(|row| self.biases[0] + row).collect()
        })
    }

    /// Passes vector `index` of the channels to `sink`, for every position of `part`.
    #[inline(always)]
    pub(super) fn pass_to<S: Simd>(
        &self,
        simd: S,
        index: usize,
        part: Part<'_>,
        sink: &mut impl Sink<S>,
    ) {
        // The number of sums is a constant, so that they stay in registers.
        macro_rules! window {
            ($($places:literal)*) => {
                match self.window {
                    $($places => self.pass_window::<S, $places>(simd, index, part, sink),)*
                    _ => {}
                }
            };
        }
        window!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21);
    }

    #[inline(always)]
    fn pass_window<S: Simd, const WINDOW: usize>(
        &self,
        simd: S,
        index: usize,
        part: Part<'_>,
        sink: &mut impl Sink<S>,
    ) {
        let Part { sequence, start, positions } = part;
        let (rows, _) = S::as_simd_f32s(self.rows.values());
        let (biases, _) = S::as_simd_f32s(&self.biases);
        let (rows, _) = rows.as_chunks::<WINDOW>();
        let (rows, bias) = (&rows[index * self.codes..][..self.codes], biases[index]);
        let mut sums = [bias; WINDOW];
        let row = |position: usize| sequence.get(position).map(|code| &rows[usize::from(*code)]);
        // The first output is complete when the last place of its window has been added.
        let after = WINDOW - 1 - self.before;
        for position in start.saturating_sub(self.before)..start + after {
            step(simd, &mut sums, row(position), bias);
        }
        // As many positions together as the window has places: afterwards every sum is in its first
        // register again, and none has to be shifted.
        let inside = positions.min(sequence.len().saturating_sub(start + after));
        let (rounds, _) =
            sequence[sequence.len().min(start + after)..][..inside].as_chunks::<WINDOW>();
        for (round, codes) in rounds.iter().enumerate() {
            // Unrolled by a macro: a loop over turns would index the sums, which would then be in
            // memory.
            macro_rules! turns {
                ($($turn:literal)*) => {
                    $(if $turn < WINDOW {
                        let row = &rows[usize::from(codes[$turn])];
                        for place in 0..WINDOW {
                            let sum = (WINDOW + place - $turn) % WINDOW;
                            sums[sum] = simd.add_f32s(sums[sum], row[place]);
                        }
                        let complete = std::mem::replace(&mut sums[WINDOW - 1 - $turn], bias);
                        sink.take(simd, round * WINDOW + $turn, complete);
                    })*
                };
            }
            turns!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20);
        }
        for position in rounds.len() * WINDOW..positions {
            let sum = step(simd, &mut sums, row(start + after + position), bias);
            sink.take(simd, position, sum);
        }
    }
}

/// A range of positions of a sequence.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) sequence: &'a [u16],
    pub(super) start: usize,
    pub(super) positions: usize,
}

/// Receives the sums of a convolution.
pub(super) trait Sink<S: Simd> {
    /// Takes a vector of channels; `position` is counted from the first one of the part.
    fn take(&mut self, simd: S, position: usize, channels: S::f32s);
}

/// Values aligned to a cache line, so that no vector of them crosses two lines.
#[derive(Debug)]
struct Aligned {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    const LINE: usize = 64;

    fn new(values: &[f32]) -> Self {
        let mut aligned = vec![0.0; values.len() + Self::LINE / size_of::<f32>()];
        let start = aligned.as_ptr().align_offset(Self::LINE).min(aligned.len() - values.len());
        aligned[start..start + values.len()].copy_from_slice(values);
        Self { values: aligned, start, length: values.len() }
    }

    fn values(&self) -> &[f32] {
        &self.values[self.start..self.start + self.length]
    }
}

struct Run<'a> {
    tables: &'a Tables,
    sequence: &'a [u16],
    start: usize,
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Run { tables, sequence, start, output } = self;
        let part = Part { sequence, start, positions: output.len() / tables.width };
        for (index, first) in (0..tables.width).step_by(S::F32_LANES).enumerate() {
            let end = tables.width.min(first + S::F32_LANES);
            tables.pass_to(
                simd,
                index,
                part,
                &mut Store { output, width: tables.width, first, end },
            );
        }
    }
}

/// Writes channels `first..end` of every position.
struct Store<'a> {
    output: &'a mut [f32],
    width: usize,
    first: usize,
    end: usize,
}

impl<S: Simd> Sink<S> for Store<'_> {
    #[inline(always)]
    fn take(&mut self, simd: S, position: usize, channels: S::f32s) {
        let out = &mut self.output[position * self.width..][self.first..self.end];
        simd.partial_store_f32s(out, channels);
    }
}

/// Adds the rows of a position to the sums, if it is inside the sequence; returns the sum that is
/// complete and shifts the others.
#[inline(always)]
fn step<S: Simd, const WINDOW: usize>(
    simd: S,
    sums: &mut [S::f32s; WINDOW],
    row: Option<&[S::f32s; WINDOW]>,
    bias: S::f32s,
) -> S::f32s {
    if let Some(row) = row {
        for place in 0..WINDOW {
            sums[place] = simd.add_f32s(sums[place], row[place]);
        }
    }
    let complete = sums[WINDOW - 1];
    // One by one, so that the compiler renames registers and does not copy.
    for place in (1..WINDOW).rev() {
        sums[place] = sums[place - 1];
    }
    sums[0] = bias;
    complete
}
