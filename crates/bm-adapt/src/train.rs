//! Training: Adam on the weighted log loss of examples, regularised towards the start.

use bm_kmers::kmer::mix;

use crate::network::{Example, Network, PARAMETERS, Rows, Scores, gradient};

/// Settings of training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) seed: u64,
    /// Examples seen in all rounds together, at most.
    pub(crate) looks: usize,
    /// Most rounds over all examples.
    pub(crate) rounds: usize,
    /// Examples per step.
    pub(crate) batch: usize,
    /// Highest learning rate of the one cycle.
    pub(crate) rate: f64,
    /// Weight of the squared distance from the start: the inverse variance of a normal prior.
    pub(crate) pull: f64,
}

impl Training {
    /// Returns the settings that did best on training sets with truth tables.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, looks: 16_000_000, rounds: 48, batch: 1024, rate: 0.01, pull: 30.0 }
    }
}

/// Adam's decay rates beta1 and beta2, and epsilon (Kingma & Ba 2015).
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Examples per block; the order of blocks is shuffled in each round.
const BLOCK: usize = 64;

/// Fraction of the steps in which the learning rate rises, and its start as a fraction of the
/// highest rate.
const RISE: f64 = 0.2;
const LOW: f64 = 0.04;

/// Returns the network trained on examples from a starting point; `bases` is the number of bases
/// that the examples represent.
pub(crate) fn train(
    start: &Network,
    examples: &[Example],
    bases: f64,
    settings: &Training,
) -> Network {
    let scores = Scores::new();
    let mut network = start.clone();
    if examples.is_empty() {
        return network;
    }
    let (rows, examples) = Rows::of(examples);
    // Breaks the symmetry of units whose weights are all 0.
    for (i, value) in network.parameters.iter_mut().enumerate() {
        if *value == 0.0 {
            let draw =
                mix(settings.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i as u64 + 1)) >> 40;
            *value = (draw as f32 / (1 << 23) as f32 - 1.0) * 0.01;
        }
    }
    // Examples are shuffled once, then only blocks of them: contiguous reads are faster.
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

/// Returns the learning rate as a fraction of the highest: one cycle, up and down along half a
/// cosine (Smith & Topin 2019).
fn cycle(done: f64) -> f64 {
    let half = |fraction: f64| 0.5 - 0.5 * (std::f64::consts::PI * fraction).cos();
    if done < RISE {
        LOW + (1.0 - LOW) * half(done / RISE)
    } else {
        half((1.0 - done) / (1.0 - RISE))
    }
}

/// Shuffles after Fisher and Yates.
fn shuffle(order: &mut [u32], seed: u64) {
    for i in (1..order.len()).rev() {
        let draw = mix(seed.wrapping_mul(0xa076_1d64_78bd_642f) ^ (i as u64));
        // The high half of the product is evenly distributed over 0..=i.
        let other = ((u128::from(draw) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, other);
    }
}
