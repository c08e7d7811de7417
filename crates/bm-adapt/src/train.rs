//! Training: Adam on the weighted log loss of examples, drawn towards where it started.

use bm_kmers::kmer::mix;

use crate::network::{Example, Network, PARAMETERS, Rows, Scores, gradient};

/// How to train.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// Examples that are looked at, all rounds together.
    pub(crate) looks: usize,
    /// Most rounds over all examples.
    pub(crate) rounds: usize,
    /// Examples of a step.
    pub(crate) batch: usize,
    /// Highest learning rate of the one cycle.
    pub(crate) rate: f64,
    /// Weight of the squared distance from the start: the inverse variance of a normal prior.
    pub(crate) pull: f64,
}

impl Settings {
    /// Settings that were chosen by what they give on the training sets that have truth tables.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, looks: 16_000_000, rounds: 48, batch: 1024, rate: 0.01, pull: 30.0 }
    }
}

/// Decay of the means of gradients and of their squares, and what keeps their quotient finite:
/// Kingma & Ba 2015.
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Examples that are looked at together.
const BLOCK: usize = 64;

/// Share of the steps in which the learning rate rises, and how low it starts and ends.
const RISE: f64 = 0.2;
const LOW: f64 = 0.04;

/// Returns a network that fits examples, which stand for so many bases, from one to start at.
pub(crate) fn train(
    start: &Network,
    examples: &[Example],
    bases: f64,
    settings: &Settings,
) -> Network {
    let scores = Scores::new();
    let mut network = start.clone();
    if examples.is_empty() {
        return network;
    }
    let (rows, examples) = Rows::of(examples);
    // Units that do nothing yet must not all learn the same.
    for (i, value) in network.parameters.iter_mut().enumerate() {
        if *value == 0.0 {
            let draw =
                mix(settings.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i as u64 + 1)) >> 40;
            *value = (draw as f32 / (1 << 23) as f32 - 1.0) * 0.01;
        }
    }
    // Shuffled once for good, then in blocks: what lies together is read together, and fast.
    let mut order: Vec<u32> = (0..examples.len() as u32).collect();
    shuffle(&mut order, settings.seed);
    let examples: Vec<_> = order.iter().map(|i| examples[*i as usize]).collect();
    let mut blocks: Vec<u32> = (0..examples.len().div_ceil(BLOCK) as u32).collect();
    let batch = settings.batch.div_ceil(BLOCK).min(blocks.len());
    let looks = settings.looks.min(settings.rounds * examples.len());
    let steps = (looks / (batch * BLOCK)).max(1);
    let (mut first, mut second) = (vec![0.0f64; PARAMETERS], vec![0.0f64; PARAMETERS]);
    let pull = settings.pull / bases.max(1.0);
    let (mut at, mut round) = (blocks.len(), 0u64);
    for step in 0..steps {
        if at + batch > blocks.len() {
            round += 1;
            shuffle(&mut blocks, settings.seed.wrapping_add(round));
            at = 0;
        }
        let chosen = blocks[at..at + batch].iter().map(|block| {
            let first = *block as usize * BLOCK;
            &examples[first..examples.len().min(first + BLOCK)]
        });
        at += batch;
        let slopes = gradient(&network, &scores, &rows, chosen);
        let rate = settings.rate * cycle(step as f64 / steps as f64);
        let (bias_first, bias_second) =
            (1.0 - FIRST.powi(step as i32 + 1), 1.0 - SECOND.powi(step as i32 + 1));
        for i in 0..PARAMETERS {
            let value = &mut network.parameters[i];
            let slope = f64::from(slopes[i]) + pull * f64::from(*value - start.parameters[i]);
            first[i] = FIRST * first[i] + (1.0 - FIRST) * slope;
            second[i] = SECOND * second[i] + (1.0 - SECOND) * slope * slope;
            *value -= (rate * (first[i] / bias_first)
                / ((second[i] / bias_second).sqrt() + EPSILON)) as f32;
        }
    }
    network
}

/// The one cycle of the learning rate: up, then down along half a cosine (Smith & Topin 2019).
fn cycle(done: f64) -> f64 {
    let half = |share: f64| 0.5 - 0.5 * (std::f64::consts::PI * share).cos();
    if done < RISE {
        LOW + (1.0 - LOW) * half(done / RISE)
    } else {
        half((1.0 - done) / (1.0 - RISE))
    }
}

/// Fisher and Yates.
fn shuffle(order: &mut [u32], seed: u64) {
    for i in (1..order.len()).rev() {
        let draw = mix(seed.wrapping_mul(0xa076_1d64_78bd_642f) ^ (i as u64));
        // The high half of a product is even over 0..=i.
        let other = ((u128::from(draw) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, other);
    }
}
