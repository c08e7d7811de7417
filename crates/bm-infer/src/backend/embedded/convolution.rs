//! Convolutions: a dense layer over the windows of a row.

use super::dense::Dense;
use super::instruction_set::InstructionSet;
use super::windows::{OUTSIDE, Windows};

/// A convolution. Each group of channels has a dense layer of its own, which gets a row for each
/// window: the values of the first channel, then those of the second one, and so on. So an output is
/// summed in one order, whatever the batch.
#[derive(Debug)]
pub(super) struct Convolution {
    groups: Vec<Dense>,
    /// Outputs of a group.
    outputs: usize,
    /// Channels of a group.
    channels: usize,
    /// Values of a channel.
    size: usize,
    /// The index of each place of each window within a channel.
    table: Vec<u32>,
    /// Places in a window.
    places: usize,
}

/// Memory for the windows of one row.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The values of every window.
    windows: Vec<f32>,
    /// The outputs of a group, `[windows, outputs]`.
    products: Vec<f32>,
    /// Rows in the order in which the kernel of dense layers reads them.
    pub(super) packed: Vec<f32>,
}

impl Convolution {
    /// Returns the convolution of `weights`, shape `[outputs, channels of a group, places]`, and
    /// `biases`, shape `[outputs]`, with this many groups, over channels of `size` values.
    pub(super) fn new(
        instructions: InstructionSet,
        [groups, channels, size]: [usize; 3],
        windows: &Windows,
        weights: &[f32],
        biases: &[f32],
    ) -> Self {
        let (places, outputs) = (windows.places(), biases.len() / groups);
        let inputs = channels * places;
        let groups = weights
            .chunks_exact(outputs * inputs)
            .zip(biases.chunks_exact(outputs))
            .map(|(weights, biases)| Dense::new(instructions, [outputs, inputs], weights, biases))
            .collect();
        Self { groups, outputs, channels, size, table: windows.table(), places }
    }

    /// Writes the outputs for every row of `input` to `output`.
    ///
    /// **Shape:** `[rows, groups × channels, size]` to `[rows, groups × outputs, windows]`.
    pub(super) fn run(
        &self,
        instructions: InstructionSet,
        input: &[f32],
        output: &mut Vec<f32>,
        scratch: &mut Scratch,
    ) {
        let Self { outputs, channels, size, places, .. } = *self;
        let windows = self.table.len() / places;
        let of_group = input.chunks_exact(channels * size);
        output.resize(of_group.len() * outputs * windows, 0.0);
        let layers = self.groups.iter().cycle();
        for ((values, layer), out) in
            of_group.zip(layers).zip(output.chunks_exact_mut(outputs * windows))
        {
            scratch.windows.clear();
            for window in self.table.chunks_exact(places) {
                for channel in values.chunks_exact(size) {
                    // A place outside has no value, so it takes zero.
                    scratch.windows.extend(
                        window.iter().map(
                            |at| {
                                if *at == OUTSIDE { 0.0 } else { channel[*at as usize] }
                            },
                        ),
                    );
                }
            }
            let Scratch { windows: rows, products, packed } = scratch;
            layer.run(instructions, rows, products, packed);
            for (window, products) in products.chunks_exact(outputs).enumerate() {
                for (channel, value) in products.iter().enumerate() {
                    out[channel * windows + window] = *value;
                }
            }
        }
    }
}
