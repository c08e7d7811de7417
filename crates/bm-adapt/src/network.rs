//! The network: a correction of the reported quality by the bases and qualities around a base.
//!
//! With x the six features of a base's quality (the last is 1) and y the four features of its
//! letter (all 0 for an unknown base),
//!
//! ```text
//! h       = relu(bias + place[its place] + Σ over o = -4..4 of (x[i + o], y[i + o]) · window[o])
//! logit p = a · logit(10^(−Q/10)) + b + last · h
//! ```
//!
//! It is the graph of `read-error` with four more channels. There are few distinct inputs, so the
//! products of the window with each of them are computed once and kept in tables. A base then costs
//! ten additions of eight numbers. The gradient takes the same way back.

use bm_encode::{BaseQualityPlace, CodeEncoder, CodeParts};
use bm_infer::onnx::correction::{Convolution, Correction};
use pulp::{Arch, Simd, WithSimd};

/// Bases in the window around a base, itself included.
pub(crate) const WINDOW: usize = 9;
/// Offset of the base itself in the window.
const CENTRE: usize = WINDOW / 2;
/// Units of the hidden layer.
pub(crate) const UNITS: usize = 8;

/// Features of a quality; the last one is 1.
const QUALITY: usize = 6;
/// Channel of the reported log-odds, after the features of the quality.
const LOG_ODDS: usize = QUALITY;
/// First channel of the place in the read.
const FIRST_PLACE: usize = LOG_ODDS + 1;
const PLACES: usize = 17;
const LETTERS: usize = 4;
const FEATURES: usize = QUALITY + LETTERS;
/// Channels of the encoding.
const CHANNELS: usize = FIRST_PLACE + PLACES + LETTERS;

const SCORES: usize = 94;

/// Rows of the tables: each score with each letter. Unknown letters and positions outside the read
/// have rows too.
const OUTSIDE_SCORE: usize = SCORES;
const OUTSIDE_LETTER: usize = LETTERS + 1;
const SCORE_ROWS: usize = SCORES + 1;
const ROWS: usize = SCORE_ROWS * (LETTERS + 2);
const OUTSIDE: u16 = (OUTSIDE_LETTER * SCORE_ROWS + OUTSIDE_SCORE) as u16;

/// Offset of each group of parameters.
const PLACE_AT: usize = WINDOW * FEATURES * UNITS;
const BIAS_AT: usize = PLACE_AT + PLACES * UNITS;
const LAST_AT: usize = BIAS_AT + UNITS;
const A_AT: usize = LAST_AT + UNITS;
const B_AT: usize = A_AT + 1;

/// Number of parameters.
pub(crate) const PARAMETERS: usize = B_AT + 1;

/// Qualities between which a correction can be linear: a unit for each step from the first one up or
/// down, and one at either end.
pub(crate) const KNOTS: usize = UNITS - 1;

/// The feature Phred / 40 of a quality.
const PHRED: usize = 0;
const PER_PHRED: f64 = 40.0;

type Units = [f32; UNITS];

/// The input of the network for one base: the base and its neighbours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Surroundings {
    /// Rows of the tables, by offset in the window.
    rows: [u16; WINDOW],
    place: u8,
}

impl Surroundings {
    /// Returns the reported quality of the base itself.
    pub(crate) fn score(&self) -> u8 {
        (usize::from(self.rows[CENTRE]) % SCORE_ROWS) as u8
    }

    /// Returns the input for position `at` of a read.
    pub(crate) fn of(codes: &[u16], at: usize) -> Self {
        let mut around =
            Self { rows: [OUTSIDE; WINDOW], place: BaseQualityPlace::parts(codes[at]).place };
        for (i, row) in around.rows.iter_mut().enumerate() {
            let Some(code) = (at + i).checked_sub(CENTRE).and_then(|at| codes.get(at)) else {
                continue;
            };
            let CodeParts { base, score, .. } = BaseQualityPlace::parts(*code);
            *row = u16::from(base) * SCORE_ROWS as u16 + u16::from(score);
        }
        around
    }
}

/// Features of each score, and the log-odds of its reported error probability.
pub(crate) struct Scores {
    features: [[f32; QUALITY]; SCORES],
    log_odds: [f32; SCORES],
}

impl Scores {
    pub(crate) fn new() -> Self {
        let vectors = BaseQualityPlace.vectors();
        let mut scores = Self { features: [[0.0; QUALITY]; SCORES], log_odds: [0.0; SCORES] };
        for (score, vector) in vectors.chunks_exact(CHANNELS).take(SCORES).enumerate() {
            scores.features[score].copy_from_slice(&vector[..QUALITY]);
            scores.log_odds[score] = vector[LOG_ODDS];
        }
        scores
    }

    /// Returns the log-odds of the reported error probability of each score.
    pub(crate) fn of_each(&self) -> &[f32; SCORES] {
        &self.log_odds
    }

    /// Returns the log-odds of the base's reported error probability.
    pub(crate) fn log_odds(&self, around: &Surroundings) -> f32 {
        self.log_odds[usize::from(around.score())]
    }
}

/// The parameters of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) parameters: Vec<f32>,
}

impl Network {
    /// Returns the network whose output is the reported error probability.
    pub(crate) fn reported() -> Self {
        let mut parameters = vec![0.0; PARAMETERS];
        parameters[A_AT] = 1.0;
        Self { parameters }
    }

    /// Returns the network that corrects the reported log-odds of a base by its quality alone. The
    /// correction is linear between the `knots`, Phred scores in rising order with their corrections,
    /// and constant outside of them. At most [`KNOTS`] knots are used; `centre` is the Phred score of
    /// the knot where rounding errors are smallest.
    pub(crate) fn between(knots: &[(u8, f64)], centre: u8) -> Self {
        let knots = &knots[..knots.len().min(KNOTS)];
        let mut network = Self::reported();
        let middle = knots.iter().position(|knot| knot.0 == centre).unwrap_or(0);
        let Some((_, correction)) = knots.get(middle) else { return network };
        network.parameters[B_AT] = *correction as f32;
        let mut unit = 0;
        // A unit is relu(±(Phred − knot)), and its last weight the change of the slope there.
        let mut bend = |knot: u8, side: f64, slope: f64| {
            if slope == 0.0 || unit == UNITS {
                return;
            }
            let p = &mut network.parameters;
            p[(CENTRE * FEATURES + PHRED) * UNITS + unit] = (side * PER_PHRED) as f32;
            p[BIAS_AT + unit] = (-side * f64::from(knot)) as f32;
            p[LAST_AT + unit] = slope as f32;
            unit += 1;
        };
        let mut bends = |knots: &mut dyn Iterator<Item = &(u8, f64)>, side: f64| {
            let mut before: Option<&(u8, f64)> = None;
            let mut slope = 0.0;
            for knot in knots {
                if let Some(last) = before {
                    let steeper = (knot.1 - last.1) / f64::from(knot.0.abs_diff(last.0).max(1));
                    bend(last.0, side, steeper - slope);
                    slope = steeper;
                }
                before = Some(knot);
            }
            if let Some(last) = before {
                bend(last.0, side, -slope);
            }
        };
        bends(&mut knots[middle..].iter(), 1.0);
        bends(&mut knots[..=middle].iter().rev(), -1.0);
        network
    }

    /// Returns the network of a model file, with or without channels of letters; `None` if it is of
    /// another kind.
    pub(crate) fn of(correction: &Correction) -> Option<Self> {
        let Correction { window, last, guess } = correction;
        let channels = window.inputs;
        let fits = (channels == CHANNELS || channels == CHANNELS - LETTERS)
            && (window.outputs, window.window) == (UNITS, WINDOW)
            && (last.outputs, last.inputs, last.window) == (1, UNITS, 1)
            && (guess.outputs, guess.inputs, guess.window) == (1, channels, 1);
        // All weights outside the parameters must be 0.
        let others = guess
            .weights
            .iter()
            .enumerate()
            .any(|(channel, weight)| channel != LOG_ODDS && *weight != 0.0);
        if !fits || others {
            return None;
        }
        let mut parameters = vec![0.0; PARAMETERS];
        for unit in 0..UNITS {
            for channel in 0..channels {
                for offset in 0..WINDOW {
                    let weight = window.weights[(unit * channels + channel) * WINDOW + offset];
                    match parameter(channel, offset, unit) {
                        Some(at) => parameters[at] = weight,
                        None if weight == 0.0 => {}
                        None => return None,
                    }
                }
            }
        }
        parameters[BIAS_AT..LAST_AT].copy_from_slice(&window.biases);
        parameters[LAST_AT..A_AT].copy_from_slice(&last.weights);
        parameters[A_AT] = guess.weights[LOG_ODDS];
        parameters[B_AT] = guess.biases[0] + last.biases[0];
        Some(Self { parameters })
    }

    /// Returns the weights of the ONNX graph, over the channels of the encoding.
    pub(crate) fn correction(&self) -> Correction {
        let p = &self.parameters;
        let mut weights = vec![0.0; UNITS * CHANNELS * WINDOW];
        for unit in 0..UNITS {
            for channel in 0..CHANNELS {
                for offset in 0..WINDOW {
                    if let Some(at) = parameter(channel, offset, unit) {
                        weights[(unit * CHANNELS + channel) * WINDOW + offset] = p[at];
                    }
                }
            }
        }
        let mut guess = vec![0.0; CHANNELS];
        guess[LOG_ODDS] = p[A_AT];
        Correction {
            window: Convolution {
                outputs: UNITS,
                inputs: CHANNELS,
                window: WINDOW,
                weights,
                biases: p[BIAS_AT..LAST_AT].to_vec(),
            },
            last: Convolution {
                outputs: 1,
                inputs: UNITS,
                window: 1,
                weights: p[LAST_AT..A_AT].to_vec(),
                biases: vec![0.0],
            },
            guess: Convolution {
                outputs: 1,
                inputs: CHANNELS,
                window: 1,
                weights: guess,
                biases: vec![p[B_AT]],
            },
        }
    }
}

/// Returns the index of the parameter that is the weight of a channel at an offset, if there is
/// one.
fn parameter(channel: usize, offset: usize, unit: usize) -> Option<usize> {
    let feature = match channel {
        0..QUALITY => channel,
        LOG_ODDS => return None,
        FIRST_PLACE.. if channel < FIRST_PLACE + PLACES => {
            return (offset == CENTRE).then_some(PLACE_AT + (channel - FIRST_PLACE) * UNITS + unit);
        }
        _ => QUALITY + channel - FIRST_PLACE - PLACES,
    };
    Some((offset * FEATURES + feature) * UNITS + unit)
}

/// The rows of tables: all, or those that some examples need. Small tables stay in the cache.
pub(crate) struct Rows(Vec<u16>);

impl Rows {
    /// Returns all rows.
    pub(crate) fn all() -> Self {
        Self((0..ROWS as u16).collect())
    }

    /// Returns the rows that examples need, and the examples renumbered to these rows.
    pub(crate) fn of(examples: &[Example]) -> (Self, Vec<Example>) {
        let mut places = [None; ROWS];
        let mut rows = Vec::new();
        let mut examples = examples.to_vec();
        for row in examples.iter_mut().flat_map(|example| &mut example.around.rows) {
            *row = *places[usize::from(*row)].get_or_insert_with(|| {
                rows.push(*row);
                rows.len() as u16 - 1
            });
        }
        (Self(rows), examples)
    }
}

/// Products of the window with each row at each offset; or the gradient with respect to them.
#[derive(Clone)]
pub(crate) struct Tables {
    /// `[offset][row]`.
    window: Vec<Vec<Units>>,
    places: [Units; PLACES],
    bias: Units,
    last: Units,
    a: f32,
    b: f32,
}

impl Tables {
    fn zero(rows: &Rows) -> Self {
        Self {
            window: vec![vec![[0.0; UNITS]; rows.0.len()]; WINDOW],
            places: [[0.0; UNITS]; PLACES],
            bias: [0.0; UNITS],
            last: [0.0; UNITS],
            a: 0.0,
            b: 0.0,
        }
    }

    /// Returns the tables of a network, with all rows.
    pub(crate) fn of(network: &Network, scores: &Scores) -> Self {
        Self::with(&Rows::all(), network, scores)
    }

    fn with(rows: &Rows, network: &Network, scores: &Scores) -> Self {
        let p = &network.parameters;
        let mut tables = Self::zero(rows);
        for (offset, table) in tables.window.iter_mut().enumerate() {
            let weights = units(&p[offset * FEATURES * UNITS..][..FEATURES * UNITS]);
            for (sum, row) in table.iter_mut().zip(&rows.0) {
                // Rows outside the read stay 0.
                if let Some(features) = scores.features.get(usize::from(*row) % SCORE_ROWS) {
                    weights
                        .iter()
                        .zip(features)
                        .for_each(|(weight, feature)| add_times(sum, weight, *feature));
                    if let Some(weight) = weights.get(QUALITY + usize::from(*row) / SCORE_ROWS) {
                        add(sum, weight);
                    }
                }
            }
        }
        tables.places.copy_from_slice(units(&p[PLACE_AT..BIAS_AT]));
        tables.bias.copy_from_slice(&p[BIAS_AT..LAST_AT]);
        tables.last.copy_from_slice(&p[LAST_AT..A_AT]);
        (tables.a, tables.b) = (p[A_AT], p[B_AT]);
        tables
    }

    /// Returns the gradient with respect to the parameters, from that with respect to the tables.
    fn parameters(&self, rows: &Rows, scores: &Scores) -> Vec<f32> {
        let mut p = vec![0.0; PARAMETERS];
        for (offset, table) in self.window.iter().enumerate() {
            let (weights, _) =
                p[offset * FEATURES * UNITS..][..FEATURES * UNITS].as_chunks_mut::<UNITS>();
            for (slope, row) in table.iter().zip(&rows.0) {
                if let Some(features) = scores.features.get(usize::from(*row) % SCORE_ROWS) {
                    weights
                        .iter_mut()
                        .zip(features)
                        .for_each(|(weight, feature)| add_times(weight, slope, *feature));
                    if let Some(weight) = weights.get_mut(QUALITY + usize::from(*row) / SCORE_ROWS)
                    {
                        add(weight, slope);
                    }
                }
            }
        }
        p[PLACE_AT..BIAS_AT].copy_from_slice(self.places.as_flattened());
        p[BIAS_AT..LAST_AT].copy_from_slice(&self.bias);
        p[LAST_AT..A_AT].copy_from_slice(&self.last);
        (p[A_AT], p[B_AT]) = (self.a, self.b);
        p
    }

    /// Returns the hidden layer before its `relu`.
    #[inline(always)]
    fn hidden(&self, around: &Surroundings) -> Units {
        let mut sum = self.bias;
        add(&mut sum, &self.places[usize::from(around.place)]);
        for (table, row) in self.window.iter().zip(around.rows) {
            add(&mut sum, &table[usize::from(row)]);
        }
        sum
    }

    /// Returns the log-odds of an error.
    pub(crate) fn logit(&self, around: &Surroundings, scores: &Scores) -> f32 {
        self.of_hidden(&self.hidden(around), scores.log_odds(around))
    }

    /// Adds the gradient of one example's loss with respect to `tables`.
    #[inline(always)]
    fn add_slope(&mut self, tables: &Self, example: &Example, scale: f32) {
        let Example { around, log_odds, wrong, weight } = example;
        let hidden = tables.hidden(around);
        let logit = tables.of_hidden(&hidden, *log_odds);
        let slope = weight * scale * (sigmoid(logit) - f32::from(u8::from(*wrong)));
        self.a += slope * log_odds;
        self.b += slope;
        let mut back = [0.0; UNITS];
        for unit in 0..UNITS {
            self.last[unit] += slope * hidden[unit].max(0.0);
            back[unit] = if hidden[unit] > 0.0 { slope * tables.last[unit] } else { 0.0 };
        }
        add(&mut self.bias, &back);
        add(&mut self.places[usize::from(around.place)], &back);
        for (table, row) in self.window.iter_mut().zip(around.rows) {
            add(&mut table[usize::from(row)], &back);
        }
    }

    #[inline(always)]
    fn of_hidden(&self, hidden: &Units, log_odds: f32) -> f32 {
        let mut sums: Units = std::array::from_fn(
            #[inline(always)]
            |unit| hidden[unit].max(0.0) * self.last[unit],
        );
        // Halving the vector each time compiles to vector instructions.
        for half in [4, 2, 1] {
            for unit in 0..half {
                sums[unit] += sums[unit + half];
            }
        }
        self.a * log_odds + self.b + sums[0]
    }
}

/// A base to learn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    pub(crate) around: Surroundings,
    /// Log-odds of the reported error probability.
    pub(crate) log_odds: f32,
    pub(crate) wrong: bool,
    pub(crate) weight: f32,
}

/// Returns the gradient of the mean weighted log loss with respect to the parameters. The rows of
/// the examples must be numbered as in `rows`.
pub(crate) fn gradient<'a>(
    network: &Network,
    scores: &Scores,
    rows: &Rows,
    examples: impl Iterator<Item = &'a [Example]> + Clone,
) -> Vec<f32> {
    let tables = Tables::with(rows, network, scores);
    let scale = 1.0 / examples.clone().map(<[Example]>::len).sum::<usize>() as f32;
    let slopes =
        Slopes { slopes: Tables::zero(rows), tables: &tables, examples: examples.flatten(), scale };
    Arch::new().dispatch(slopes).parameters(rows, scores)
}

/// The gradient with respect to the tables, and the examples to add to it.
struct Slopes<'a, I> {
    slopes: Tables,
    tables: &'a Tables,
    examples: I,
    scale: f32,
}

impl<'a, I: Iterator<Item = &'a Example>> WithSimd for Slopes<'_, I> {
    type Output = Tables;

    /// Eight units are one AVX vector. Multiplications and additions are not fused, so the result
    /// is the same on every processor.
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _simd: S) -> Tables {
        for example in self.examples {
            self.slopes.add_slope(self.tables, example, self.scale);
        }
        self.slopes
    }
}

/// Returns −ln P(label), in nats.
pub(crate) fn log_loss(logit: f32, wrong: bool) -> f64 {
    let x = f64::from(if wrong { -logit } else { logit });
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The network by its definition, in double precision and without tables: the reference for
/// engines.
pub(crate) struct Reference {
    correction: Correction,
    vectors: Vec<f32>,
}

impl Reference {
    pub(crate) fn of(network: &Network) -> Self {
        Self { correction: network.correction(), vectors: BaseQualityPlace.vectors() }
    }

    /// Returns the error probability of every base of a read.
    pub(crate) fn probabilities(&self, codes: &[u16]) -> Vec<f64> {
        let Correction { window, last, guess } = &self.correction;
        let vector = |code: u16| &self.vectors[usize::from(code) * CHANNELS..][..CHANNELS];
        let dot = |weights: &[f32], values: &[f32]| -> f64 {
            weights
                .iter()
                .zip(values)
                .map(|(weight, value)| f64::from(*weight) * f64::from(*value))
                .sum()
        };
        let logit = |at: usize| {
            let mut sum = f64::from(last.biases[0])
                + f64::from(guess.biases[0])
                + dot(&guess.weights, vector(codes[at]));
            for unit in 0..window.outputs {
                let mut hidden = f64::from(window.biases[unit]);
                for offset in 0..window.window {
                    let Some(code) =
                        (at + offset).checked_sub(window.window / 2).and_then(|at| codes.get(at))
                    else {
                        continue;
                    };
                    let weights = window.weights[unit * CHANNELS * WINDOW..]
                        .iter()
                        .skip(offset)
                        .step_by(WINDOW);
                    let products = weights
                        .zip(vector(*code))
                        .map(|(weight, value)| f64::from(*weight) * f64::from(*value));
                    hidden += products.sum::<f64>();
                }
                sum += hidden.max(0.0) * f64::from(last.weights[unit]);
            }
            sum
        };
        (0..codes.len()).map(|at| 1.0 / (1.0 + (-logit(at)).exp())).collect()
    }
}

fn units(values: &[f32]) -> &[Units] {
    values.as_chunks().0
}

#[inline(always)]
fn add(sum: &mut Units, row: &Units) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += value;
    }
}

#[inline(always)]
fn add_times(sum: &mut Units, row: &Units, factor: f32) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

#[cfg(test)]
mod tests;
