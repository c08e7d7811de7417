//! Constants and attributes of nodes, for whoever walks a graph.

use std::collections::HashMap;

use crate::onnx::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The constant tensors of a graph by name.
pub(crate) type Constants<'a> = HashMap<&'a str, &'a TensorProto>;

/// Returns the constant tensors of a graph.
pub(crate) fn constants(graph: &GraphProto) -> Result<Constants<'_>, String> {
    let mut constants = HashMap::new();
    for tensor in &graph.initializer {
        if constants.insert(tensor.name.as_str(), tensor).is_some() {
            return Err(format!("two constants are named {}", tensor.name));
        }
    }
    Ok(constants)
}

/// Returns the shape and the elements of the constant at input `index` of a node.
pub(crate) fn constant(
    constants: &Constants<'_>,
    node: &NodeProto,
    index: usize,
) -> Result<(Vec<usize>, Vec<f32>), String> {
    let shown = node.shown();
    let name = node.input.get(index).ok_or_else(|| format!("{shown} has no input {index}"))?;
    let tensor = constants
        .get(name.as_str())
        .ok_or_else(|| format!("{shown}: {name} is not a constant in the file"))?;
    tensor.floats().map_err(|reason| format!("{shown}: {reason}"))
}

/// The type of a whole-number attribute in `AttributeProto.AttributeType`.
const INT: i32 = 2;
/// The type of a floating-point attribute.
const FLOAT: i32 = 1;
/// The type of a list of whole numbers.
const INTS: i32 = 7;

/// Returns an attribute that is a whole number.
pub(crate) fn int(node: &NodeProto, name: &str, default: i64) -> Result<i64, String> {
    attribute(node, name, INT).map(|found| found.map_or(default, |a| a.i))
}

/// Returns an attribute that is a finite number.
pub(crate) fn float(node: &NodeProto, name: &str, default: f32) -> Result<f32, String> {
    match attribute(node, name, FLOAT)?.map_or(default, |a| a.f) {
        value if value.is_finite() => Ok(value),
        value => Err(format!("{}: {name} is {value}", node.shown())),
    }
}

/// Returns an attribute that is a list of whole numbers.
pub(crate) fn ints<const N: usize>(
    node: &NodeProto,
    name: &str,
    default: [i64; N],
) -> Result<[i64; N], String> {
    match attribute(node, name, INTS)? {
        None => Ok(default),
        Some(found) => found.ints.as_slice().try_into().map_err(|_| {
            format!("{}: {name} is {:?}, expected {N} numbers", node.shown(), found.ints)
        }),
    }
}

fn attribute<'a>(
    node: &'a NodeProto,
    name: &str,
    kind: i32,
) -> Result<Option<&'a AttributeProto>, String> {
    match node.attribute(name) {
        Some(found) if found.r#type != kind => {
            Err(format!("{}: {name} is of type {}, expected {kind}", node.shown(), found.r#type))
        }
        found => Ok(found),
    }
}
