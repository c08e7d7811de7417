//! A first guess and its correction in one kernel: the network of read-error and adapted models.
//!
//! The correction is a window over the input, `Relu` and a sum with one output; the guess is one
//! number per code. As separate steps, each writes every position to memory and the next one reads
//! it; in one kernel the hidden layer stays in a register. The operations and their order are the
//! same, so the numbers are the same to the bit.

use pulp::{Simd, WithSimd};

use super::dot::ReluDot;
use super::tables::{Part, Sink, Tables};

/// The sum of a guess and a correction.
#[derive(Debug)]
pub(super) struct Corrected {
    window: Tables,
    last: ReluDot,
    /// One number per code.
    guess: Vec<f32>,
}

impl Corrected {
    /// Returns the sum of `guess`, a number per code, and the correction that `last` makes of
    /// `window`. One vector must hold all channels of the window.
    pub(super) fn new(window: Tables, last: ReluDot, guess: Vec<f32>) -> Self {
        Self { window, last, guess }
    }

    /// Writes one number per position of `sequence`, from `start` on, until `output` is full.
    ///
    /// Every code must be in the alphabet.
    pub(super) fn run(&self, sequence: &[u16], start: usize, output: &mut [f32]) {
        self.window.instructions().dispatch(Run { corrected: self, sequence, start, output });
    }
}

struct Run<'a> {
    corrected: &'a Corrected,
    sequence: &'a [u16],
    start: usize,
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Run { corrected: Corrected { window, last, guess }, sequence, start, output } = self;
        let part = Part { sequence, start, positions: output.len() };
        let codes = &sequence[start..start + output.len()];
        window.pass_to(
            simd,
            0,
            part,
            &mut Correct { output, codes, guess, last: last.first_vector::<S>() },
        );
    }
}

/// Computes the sum of guess and correction from the hidden layer.
struct Correct<'a, S: Simd> {
    output: &'a mut [f32],
    codes: &'a [u16],
    guess: &'a [f32],
    last: (S::f32s, f32),
}

impl<S: Simd> Sink<S> for Correct<'_, S> {
    #[inline(always)]
    fn take(&mut self, simd: S, position: usize, channels: S::f32s) {
        let guess = self.guess[usize::from(self.codes[position])];
        self.output[position] = guess + ReluDot::of_one_vector(simd, channels, self.last);
    }
}
