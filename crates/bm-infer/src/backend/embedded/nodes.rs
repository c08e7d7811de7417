//! Nodes that mean the same in a network of rows and in one of sequences.

use super::activation::Activation;
use crate::onnx::NodeProto;
use crate::onnx::attributes::{Constants, constant, float, is_false};

/// Returns the function of a node that is an activation.
pub(super) fn activation(
    node: &NodeProto,
    set: i64,
    constants: &Constants<'_>,
) -> Result<Option<Activation>, String> {
    Ok(Some(match node.op_type.as_str() {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu(float(node, "alpha", 0.01)?),
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Clip" => Activation::Clip(bounds(node, set, constants)?),
        _ => return Ok(None),
    }))
}

/// Returns the bounds of `Clip`: attributes up to set 10, then inputs.
fn bounds(node: &NodeProto, set: i64, constants: &Constants<'_>) -> Result<[f32; 2], String> {
    let given = |index: usize| node.input.get(index).is_some_and(|name| !name.is_empty());
    let bound = |name: &str, index: usize, default: f32| match (set < 11, given(index)) {
        (true, false) => float(node, name, default),
        (false, false) => Ok(default),
        (true, true) => Err(format!("{} has bounds as inputs in operator set {set}", node.shown())),
        (false, true) => match constant(constants, node, index)?.1[..] {
            [bound] => Ok(bound),
            _ => Err(format!("{} has several numbers as a bound", node.shown())),
        },
    };
    Ok([bound("min", 1, f32::MIN)?, bound("max", 2, f32::MAX)?])
}

/// Returns whether a node passes its input on unchanged, as `Dropout` does outside of training.
pub(super) fn changes_nothing(node: &NodeProto, constants: &Constants<'_>) -> Result<bool, String> {
    let is_training = node.op_type == "Dropout"
        && node.input.get(2).is_some_and(|name| !name.is_empty())
        && !is_false(constants, node, 2);
    if is_training {
        return Err(format!(
            "{} has training_mode set, expected a model that is not in training",
            node.shown()
        ));
    }
    Ok(["Identity", "Dropout"].contains(&node.op_type.as_str()))
}
