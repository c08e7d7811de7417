//! Inputs and attributes of nodes, for whoever walks a graph.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::onnx::{AttributeProto, GraphProto, NodeProto, TensorProto, data_type};

/// The constant tensors of a graph by name.
pub(crate) type Constants<'a> = HashMap<&'a str, Cow<'a, TensorProto>>;

/// Returns the constant tensors of a graph: those of its list, those of `Constant` nodes, and other
/// names that `Identity` gives them.
pub(crate) fn constants(graph: &GraphProto) -> Result<Constants<'_>, String> {
    let mut constants: Constants<'_> = HashMap::new();
    for tensor in &graph.initializer {
        insert(&mut constants, &tensor.name, Cow::Borrowed(tensor))?;
    }
    for node in &graph.node {
        let Some(name) = node.output.first() else { continue };
        if node.op_type == "Constant" {
            insert(&mut constants, name, of_node(node)?)?;
        } else if let Some(tensor) = renamed(&constants, node) {
            insert(&mut constants, name, tensor)?;
        }
    }
    Ok(constants)
}

fn insert<'a>(
    constants: &mut Constants<'a>,
    name: &'a str,
    tensor: Cow<'a, TensorProto>,
) -> Result<(), String> {
    match constants.insert(name, tensor) {
        None => Ok(()),
        Some(_) => Err(format!("two constants are named {name}")),
    }
}

/// Returns whether a node only makes a constant, which is among [`constants`].
pub(crate) fn makes_constant(constants: &Constants<'_>, node: &NodeProto) -> bool {
    node.op_type == "Constant" || renamed(constants, node).is_some()
}

/// Returns the constant that an `Identity` gives another name. Not for numbers in attributes: each name
/// would copy them.
fn renamed<'a>(constants: &Constants<'a>, node: &NodeProto) -> Option<Cow<'a, TensorProto>> {
    let name = node.input.first().filter(|_| node.op_type == "Identity")?;
    match constants.get(name.as_str())? {
        Cow::Borrowed(tensor) => Some(Cow::Borrowed(tensor)),
        Cow::Owned(_) => None,
    }
}

/// Returns the tensor of a `Constant` node.
fn of_node(node: &NodeProto) -> Result<Cow<'_, TensorProto>, String> {
    let [attribute] = node.attribute.as_slice() else {
        return Err(format!(
            "{} has {} attributes, expected one",
            node.shown(),
            node.attribute.len()
        ));
    };
    let name = node.output.first().cloned().unwrap_or_default();
    let floats = |dims: &[usize], values: &[f32]| TensorProto {
        dims: dims.iter().map(|size| *size as i64).collect(),
        float_data: values.to_vec(),
        data_type: data_type::FLOAT,
        name: name.clone(),
        ..Default::default()
    };
    let whole = |dims: &[usize], values: &[i64]| TensorProto {
        dims: dims.iter().map(|size| *size as i64).collect(),
        int64_data: values.to_vec(),
        data_type: data_type::INT64,
        name: name.clone(),
        ..Default::default()
    };
    Ok(match (attribute.name.as_str(), &attribute.t) {
        ("value", Some(tensor)) => Cow::Borrowed(tensor),
        ("value_float", _) => Cow::Owned(floats(&[], &[attribute.f])),
        ("value_floats", _) => Cow::Owned(floats(&[attribute.floats.len()], &attribute.floats)),
        ("value_int", _) => Cow::Owned(whole(&[], &[attribute.i])),
        ("value_ints", _) => Cow::Owned(whole(&[attribute.ints.len()], &attribute.ints)),
        (other, _) => {
            return Err(format!("{} has {other}, expected numbers", node.shown()));
        }
    })
}

/// Returns the constant at input `index` of a node.
fn tensor<'c>(
    constants: &'c Constants<'_>,
    node: &NodeProto,
    index: usize,
) -> Result<&'c TensorProto, String> {
    let shown = node.shown();
    let name = node.input.get(index).ok_or_else(|| format!("{shown} has no input {index}"))?;
    constants
        .get(name.as_str())
        .map(|tensor| tensor.as_ref())
        .ok_or_else(|| format!("{shown}: {name} is not a constant in the file"))
}

/// Returns what is known of the value at input `index` of a node, which is the input of the graph or made
/// by an earlier node.
pub(crate) fn made<'v, T>(
    values: &'v HashMap<&str, T>,
    node: &NodeProto,
    index: usize,
) -> Result<&'v T, String> {
    let shown = node.shown();
    let name = node.input.get(index).ok_or_else(|| format!("{shown} has no input {index}"))?;
    values
        .get(name.as_str())
        .ok_or_else(|| format!("{shown} takes {name}, expected the output of an earlier node"))
}

/// Returns the shape and the elements of the constant at input `index` of a node.
pub(crate) fn constant(
    constants: &Constants<'_>,
    node: &NodeProto,
    index: usize,
) -> Result<(Vec<usize>, Vec<f32>), String> {
    tensor(constants, node, index)?.floats().map_err(|reason| format!("{}: {reason}", node.shown()))
}

/// Returns the constant list of whole numbers at input `index` of a node.
#[cfg(feature = "embedded")]
pub(crate) fn whole_numbers(
    constants: &Constants<'_>,
    node: &NodeProto,
    index: usize,
) -> Result<Vec<i64>, String> {
    tensor(constants, node, index)?
        .whole_numbers()
        .map_err(|reason| format!("{}: {reason}", node.shown()))
}

/// Returns whether the constant at input `index` of a node is the truth value `false`.
#[cfg(feature = "embedded")]
pub(crate) fn is_false(constants: &Constants<'_>, node: &NodeProto, index: usize) -> bool {
    tensor(constants, node, index)
        .is_ok_and(|tensor| tensor.data_type == data_type::BOOL && tensor.raw_data == [0])
}

/// The type of a text in `AttributeProto.AttributeType`.
#[cfg(feature = "embedded")]
const STRING: i32 = 3;
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

/// Returns an attribute that is a list of whole numbers, if the node has it.
pub(crate) fn list<'a>(node: &'a NodeProto, name: &str) -> Result<Option<&'a [i64]>, String> {
    attribute(node, name, INTS).map(|found| found.map(|a| a.ints.as_slice()))
}

/// Returns an attribute that is a list of this many whole numbers.
pub(crate) fn ints<const N: usize>(
    node: &NodeProto,
    name: &str,
    default: [i64; N],
) -> Result<[i64; N], String> {
    match list(node, name)? {
        None => Ok(default),
        Some(found) => found
            .try_into()
            .map_err(|_| format!("{}: {name} is {found:?}, expected {N} numbers", node.shown())),
    }
}

/// Returns an attribute that is a text, if the node has it.
#[cfg(feature = "embedded")]
pub(crate) fn text<'a>(node: &'a NodeProto, name: &str) -> Result<Option<Cow<'a, str>>, String> {
    attribute(node, name, STRING).map(|found| found.map(|a| String::from_utf8_lossy(&a.s)))
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
