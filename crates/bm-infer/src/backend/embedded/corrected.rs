//! A first guess and its correction, in one go: what read-error and adapted models are made of.
//!
//! A correction is a window over the input, `Relu` and a sum with one output; a guess is one number
//! a code. Done one after the other, each step writes every position to memory and the next one
//! reads it; done together, the hidden layer stays in a register. The operations and their order
//! are the same, so the numbers are the same to the bit.

use pulp::{Simd, WithSimd};

use super::dot::ReluDot;
use super::sequence_graph::Step;
use super::tables::{Part, Sink, Tables};

/// The sum of a guess and a correction.
#[derive(Debug)]
pub(super) struct Corrected {
    window: Tables,
    last: ReluDot,
    /// A number a code.
    guess: Vec<f32>,
}

impl Corrected {
    /// Writes one number a position of `sequence`, from `start` on, as many as there is room for.
    ///
    /// Every code must be of the alphabet.
    pub(super) fn run(&self, sequence: &[u16], start: usize, output: &mut [f32]) {
        self.window.arch().dispatch(Run { corrected: self, sequence, start, output });
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
        window.hand_out(
            simd,
            0,
            part,
            &mut Correct { output, codes, guess, last: last.first_vector::<S>() },
        );
    }
}

/// Makes a hidden layer the sum of guess and correction.
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

/// Replaces the steps that make a guess, its correction and their sum by one, wherever nobody else
/// needs what they make.
pub(super) fn fuse(mut steps: Vec<Step>) -> Vec<Step> {
    while let Some(fused) = first(&steps) {
        let [window, last, guess, add] = fused.steps;
        let (mut parts, mut rest) = ((None, None), Vec::new());
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Tables(tables, _) if i == window => parts.0 = Some(tables),
                Step::ReluDot(layer, ..) if i == last => parts.1 = Some(layer),
                _ if i == guess => {}
                Step::Add(.., out) if i == add => {
                    if let (Some(window), Some(last)) = (parts.0.take(), parts.1.take()) {
                        rest.push(Step::Corrected(
                            Box::new(Corrected { window, last, guess: fused.guess.clone() }),
                            out,
                        ));
                    }
                }
                step => rest.push(step),
            }
        }
        steps = rest;
    }
    steps
}

/// Steps that can be one.
struct Fused {
    /// The window, the layer after it, the guess and the sum.
    steps: [usize; 4],
    /// A number a code.
    guess: Vec<f32>,
}

/// Finds the first steps that can be one.
fn first(steps: &[Step]) -> Option<Fused> {
    let made_by = |slot: usize| steps.iter().position(|step| step.out() == slot);
    let used_once = |slot: usize| {
        steps.iter().flat_map(Step::reads).filter(|read| *read == Some(slot)).count() == 1
    };
    let one = |add: usize, guess: usize, correction: usize| {
        let (guess, last) = (made_by(guess)?, made_by(correction)?);
        let (Step::Tables(guess_tables, guess_out), Step::ReluDot(_, hidden, last_out)) =
            (&steps[guess], &steps[last])
        else {
            return None;
        };
        let window = made_by(*hidden)?;
        let Step::Tables(tables, _) = &steps[window] else { return None };
        let alone = [*guess_out, *last_out, *hidden].into_iter().all(used_once);
        let guess_values = guess_tables.values()?;
        (alone && tables.is_one_vector())
            .then_some(Fused { steps: [window, last, guess, add], guess: guess_values })
    };
    steps.iter().enumerate().find_map(|(add, step)| match step {
        Step::Add(a, b, _) => one(add, *a, *b).or_else(|| one(add, *b, *a)),
        _ => None,
    })
}
