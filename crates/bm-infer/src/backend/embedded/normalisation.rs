//! Batch normalisation outside of training: a factor and an offset for each channel.

use crate::onnx::NodeProto;
use crate::onnx::attributes::{Constants, constant, float, int};

/// What `BatchNormalization` does to each channel.
#[derive(Debug)]
pub(super) struct Normalisation {
    factors: Vec<f64>,
    offsets: Vec<f64>,
}

impl Normalisation {
    /// Returns the normalisation of a node over this many channels: (x − mean) / √(variance + ε) × scale
    /// + bias (Ioffe & Szegedy 2015, algorithm 2).
    pub(super) fn of(
        node: &NodeProto,
        constants: &Constants<'_>,
        channels: usize,
    ) -> Result<Self, String> {
        let shown = node.shown();
        // Up to set 13, a node with more outputs is one in training.
        let outputs = node.output.iter().filter(|name| !name.is_empty()).count();
        if int(node, "training_mode", 0)? != 0 || outputs > 1 {
            return Err(format!(
                "{shown} is in training, expected training_mode = 0 and one output"
            ));
        }
        if int(node, "spatial", 1)? != 1 {
            return Err(format!("{shown} has a mean for each position, expected spatial = 1"));
        }
        let values = |index: usize| match constant(constants, node, index)? {
            (dims, values) if dims == [channels] => Ok(values),
            (dims, _) => Err(format!(
                "{shown} has a constant of shape {dims:?}, its input has {channels} channels"
            )),
        };
        let (scale, bias, mean, variance) = (values(1)?, values(2)?, values(3)?, values(4)?);
        let epsilon = f64::from(float(node, "epsilon", 1e-5)?);
        let mut all = Self { factors: vec![], offsets: vec![] };
        for (channel, variance) in variance.iter().enumerate() {
            let factor = f64::from(scale[channel]) / (f64::from(*variance) + epsilon).sqrt();
            let offset = f64::from(bias[channel]) - f64::from(mean[channel]) * factor;
            if !factor.is_finite() || !offset.is_finite() {
                return Err(format!("{shown} has a variance of {variance} and epsilon {epsilon}"));
            }
            all.factors.push(factor);
            all.offsets.push(offset);
        }
        Ok(all)
    }

    /// Multiplies the weights of a layer with as many outputs as there are channels, so that the layer
    /// normalises its outputs. Products are rounded once, in double precision before.
    pub(super) fn fold(
        &self,
        node: &NodeProto,
        weights: &mut [f32],
        biases: &mut [f32],
    ) -> Result<(), String> {
        let inputs = weights.len() / biases.len().max(1);
        let rows = weights.chunks_exact_mut(inputs.max(1)).zip(biases);
        for ((weights, bias), (factor, offset)) in rows.zip(self.factors.iter().zip(&self.offsets))
        {
            for weight in weights.iter_mut() {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            *bias = (f64::from(*bias) * factor + offset) as f32;
            if !bias.is_finite() || weights.iter().any(|weight| !weight.is_finite()) {
                return Err(format!("{} gives weights that are not finite", node.shown()));
            }
        }
        Ok(())
    }

    /// Returns factor and offset of each channel.
    pub(super) fn channels(&self) -> [Vec<f32>; 2] {
        [&self.factors, &self.offsets].map(|all| all.iter().map(|x| *x as f32).collect())
    }
}
