//! Rounds what every node of a network returns to half precision.

use std::collections::HashSet;

use half::f16;
use prost::Message;

use super::attributes::int;
use super::build::{cast, node};
use super::{GraphProto, ModelProto, TensorProto, data_type};

/// Returns a model in half precision as one in single precision whose weights, inputs of nodes and
/// results of nodes are all numbers of half precision.
///
/// An engine without arithmetic in half precision leaves the roundings between nodes out. In the
/// returned model they are nodes. A sum within one node is still one of single precision.
///
/// # Errors
///
/// A message, if the model cannot be read, or has weights that are neither of half nor of single
/// precision.
pub(crate) fn rounded(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut model = ModelProto::decode(bytes).map_err(|error| error.to_string())?;
    let graph = model.graph.as_mut().ok_or("it has no graph")?;
    graph.initializer.iter_mut().try_for_each(widen)?;
    round_nodes(graph)?;
    Ok(model.encode_to_vec())
}

/// Turns weights of half precision into the same numbers in single precision.
fn widen(tensor: &mut TensorProto) -> Result<(), String> {
    match tensor.data_type {
        data_type::FLOAT => Ok(()),
        data_type::FLOAT16 => {
            let (halves, rest) = tensor.raw_data.as_chunks::<2>();
            if !rest.is_empty() || halves.is_empty() {
                return Err(format!("{} does not hold its elements as bytes", tensor.name));
            }
            let values =
                halves.iter().flat_map(|half| f16::from_le_bytes(*half).to_f32().to_le_bytes());
            tensor.raw_data = values.collect();
            tensor.data_type = data_type::FLOAT;
            Ok(())
        }
        other => Err(format!("{} is of type {other}, expected float or float16", tensor.name)),
    }
}

/// Adds a rounding after every node, casts included, which then only pass their input on.
fn round_nodes(graph: &mut GraphProto) -> Result<(), String> {
    let outputs: HashSet<_> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut nodes = Vec::with_capacity(3 * graph.node.len());
    for mut each in std::mem::take(&mut graph.node) {
        let is_cast = each.op_type == "Cast";
        if is_cast {
            let to = int(&each, "to", 0)?;
            if ![data_type::FLOAT, data_type::FLOAT16].map(i64::from).contains(&to) {
                return Err(format!("{} is to type {to}", each.shown()));
            }
            each = node(
                "Identity",
                &[each.input.first().map_or("", String::as_str)],
                each.output.first().map_or("", String::as_str),
            );
        }
        let [name] = each.output.as_slice() else {
            return Err(format!(
                "{} has {} outputs, expected one",
                each.shown(),
                each.output.len()
            ));
        };
        // The last cast is to single precision, of what was rounded before.
        if is_cast && outputs.contains(name) {
            nodes.push(each);
            continue;
        }
        let (name, exact, half) = (name.clone(), format!("{name}.exact"), format!("{name}.half"));
        each.output = vec![exact.clone()];
        nodes.extend([
            each,
            cast(&exact, &half, data_type::FLOAT16),
            cast(&half, &name, data_type::FLOAT),
        ]);
    }
    graph.node = nodes;
    Ok(())
}
