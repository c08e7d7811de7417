//! `BatchNormalization`, as part of the layer before where one is.

use super::arithmetic::apply;
use super::builder::{Builder, Value};
use super::layer::Work;
use crate::backend::embedded::combine::Operation;
use crate::backend::embedded::normalisation::Normalisation;
use crate::onnx::NodeProto;

/// Adds the layers of such a node, or changes the weights of the layer before.
pub(super) fn normalise(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let [_, channels, positions @ ..] = value.shape.as_slice() else {
        return Err(format!(
            "{} takes values of shape {:?}, expected [batch, channels, ...]",
            node.shown(),
            value.shape
        ));
    };
    let normalisation = Normalisation::of(node, &builder.constants, *channels)?;
    let is_one_position = positions.iter().all(|size| *size == 1);
    match builder.layer_before(node, 0) {
        Some(Work::Convolution { of, .. }) if of.biases.len() == *channels => {
            normalisation.fold(node, &mut of.weights, &mut of.biases)?;
            return Ok(value);
        }
        Some(Work::Dense { of, .. }) if of.biases.len() == *channels && is_one_position => {
            normalisation.fold(node, &mut of.weights, &mut of.biases)?;
            return Ok(value);
        }
        _ => {}
    }
    let mut dims = vec![1; value.shape.len() - 1];
    dims[0] = *channels;
    let [factors, offsets] = normalisation.channels();
    let scaled = apply(builder, node, (Operation::Multiply, &value), &dims, &factors)?;
    apply(builder, node, (Operation::Add, &scaled), &dims, &offsets)
}
