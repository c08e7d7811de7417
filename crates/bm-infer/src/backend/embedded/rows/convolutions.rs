//! `Conv` with constant weights.

use super::builder::{Builder, Value};
use super::layer::{Weights, Work};
use crate::backend::embedded::windows::Windows;
use crate::onnx::NodeProto;
use crate::onnx::attributes::int;

/// Adds the layer of such a node.
pub(super) fn convolve(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let (dims, weights) = builder.constant(node, 1)?;
    let ([cases, inputs, sizes @ ..], [outputs, channels, window @ ..]) =
        (value.shape.as_slice(), dims.as_slice())
    else {
        return Err(refused(&shown, &value.shape, &dims));
    };
    let groups = usize::try_from(int(node, "group", 1)?).unwrap_or(0);
    let is_whole =
        groups > 0 && outputs % groups == 0 && channels.checked_mul(groups) == Some(*inputs);
    if !is_whole || sizes.is_empty() || sizes.len() != window.len() {
        return Err(refused(&shown, &value.shape, &dims));
    }
    let biases = if Builder::has(node, 2) {
        match builder.constant(node, 2)? {
            (dims, biases) if dims == [*outputs] => biases,
            (dims, _) => {
                return Err(format!("{shown} has biases of shape {dims:?}, expected {outputs}"));
            }
        }
    } else {
        vec![0.0; *outputs]
    };
    let windows = Windows::of(node, builder.set, sizes, window)?;
    let mixes = (2..value.shape.len()).any(|axis| builder.batch.is_axis(axis));
    if mixes && !windows.is_each_value() {
        return Err(format!("{shown} mixes the columns of a batch, expected a window of one"));
    }
    let mut shape = vec![*cases, *outputs];
    shape.extend(windows.counts());
    let size: usize = sizes.iter().product();
    let of = Weights { weights, biases };
    // One window that is one value needs no table: all rows of a batch are multiplied together.
    let work = if size == 1 && groups == 1 && windows.is_each_value() {
        Work::Dense { inputs: *channels, of }
    } else {
        Work::Convolution { groups, channels: *channels, size, windows, of }
    };
    builder.push(node, work, &[&value], shape)
}

fn refused(shown: &str, shape: &[usize], dims: &[usize]) -> String {
    format!("{shown} has weights of shape {dims:?} for values of shape {shape:?}")
}
