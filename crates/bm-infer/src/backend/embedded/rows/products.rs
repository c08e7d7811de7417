//! Dense layers: `Gemm` and `MatMul` with constant weights.

use super::arithmetic::{apply, spread};
use super::builder::{Builder, Value};
use super::layer::{Weights, Work};
use super::shapes::transposed_value;
use crate::backend::embedded::combine::Operation;
use crate::onnx::NodeProto;
use crate::onnx::attributes::{float, int};

/// Maximum width of a layer.
const MAX_WIDTH: usize = 1 << 16;

/// Y = α X W + β C; W is stored transposed, which `transB` says.
pub(super) fn gemm(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    let mut value = builder.value(node, 0)?;
    let [_, _] = value.shape[..] else {
        return Err(format!("{shown} takes values of shape {:?}, expected a matrix", value.shape));
    };
    if int(node, "transA", 0)? != 0 {
        value = transposed_value(builder, node, &value, &[1, 0])
            .map_err(|_| format!("{shown} transposes its input (transA), expected transA = 0"))?;
    }
    let (dims, mut weights) = builder.constant(node, 1)?;
    let (outputs, inputs) = match (dims.as_slice(), int(node, "transB", 0)?) {
        ([outputs, inputs], 1) => (*outputs, *inputs),
        ([inputs, outputs], 0) => {
            weights = transposed(&weights, *inputs, *outputs);
            (*outputs, *inputs)
        }
        _ => return Err(format!("{shown} has weights of shape {dims:?}, expected a matrix")),
    };
    let (alpha, beta) = (float(node, "alpha", 1.0)?, float(node, "beta", 1.0)?);
    weights.iter_mut().for_each(|weight| *weight *= alpha);
    let (mut added_dims, mut added) = (vec![], vec![0.0]);
    if Builder::has(node, 2) {
        (added_dims, added) = builder.constant(node, 2)?;
    }
    added.iter_mut().for_each(|bias| *bias *= beta);
    let spread_biases = spread(&added_dims, &added, &[1, outputs]);
    let biases = spread_biases.clone().unwrap_or_else(|| vec![0.0; outputs]);
    let product = dense(builder, node, &value, [inputs, outputs], Weights { weights, biases })?;
    match spread_biases {
        Some(_) => Ok(product),
        None => apply(builder, node, (Operation::Add, &product), &added_dims, &added),
    }
}

/// Y = X W, over the last axis of X.
pub(super) fn matmul(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let (dims, weights) = builder.constant(node, 1)?;
    let [inputs, outputs] = dims[..] else {
        return Err(format!("{shown} has weights of shape {dims:?}, expected a matrix"));
    };
    let weights = transposed(&weights, inputs, outputs);
    let biases = vec![0.0; outputs];
    dense(builder, node, &value, [inputs, outputs], Weights { weights, biases })
}

fn dense(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    value: &Value,
    [inputs, outputs]: [usize; 2],
    of: Weights,
) -> Result<Value, String> {
    let shown = node.shown();
    let mut shape = value.shape.clone();
    let last = shape.len().wrapping_sub(1);
    match shape.get_mut(last) {
        Some(width) if *width == inputs && !builder.batch.is_axis(last) => *width = outputs,
        width => {
            return Err(format!(
                "{shown} maps {inputs} values to {outputs}, its input has {}",
                width.map_or(0, |width| *width)
            ));
        }
    }
    if inputs.max(outputs) > MAX_WIDTH {
        return Err(format!(
            "{shown} maps {inputs} values to {outputs}, expected at most {MAX_WIDTH}"
        ));
    }
    if of.weights.iter().chain(&of.biases).any(|value| !value.is_finite()) {
        return Err(format!("{shown} has weights that are not finite"));
    }
    builder.push(node, Work::Dense { inputs, of }, &[value], shape)
}

/// Returns the transpose of a matrix of `rows` × `columns`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect()
}
