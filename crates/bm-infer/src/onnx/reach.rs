//! How far the outputs of a network along a sequence reach.

use std::collections::HashMap;

use prost::Message;

use super::attributes::{Constants, constants, int, ints, made, makes_constant};
use super::operators;
use super::{GraphProto, ModelProto, NodeProto};
use crate::ModelFile;

/// The positions before and after a position that its output depends on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reach {
    pub(crate) before: usize,
    pub(crate) after: usize,
}

impl Reach {
    /// Returns how far the output of a model reaches along the last axis of its input, if zeros in
    /// the input are the same to the network as what it adds beyond its ends. Sequences with that
    /// many zeros between them then do not depend on each other.
    ///
    /// # Errors
    ///
    /// A message, for a node whose reach is not known or that reaches beyond its row, and for a
    /// window over values other than the input: there, zeros in the input have become something else.
    pub(crate) fn of(model: &ModelFile) -> Result<Self, String> {
        let proto = ModelProto::decode(model.bytes()).map_err(|error| error.to_string())?;
        let graph = proto.graph.ok_or("it has no graph")?;
        // In another set, an operator may have become one that mixes positions.
        operators::check_set(model.operator_set(), graph.node.first())?;
        let signature = model.signature();
        let mut walk = Walk { constants: constants(&graph)?, values: HashMap::new() };
        let input = Value { reach: Self::default(), keeps_zero: true };
        walk.values.insert(&signature.input, input);
        walk.all(&graph)?;
        let output = walk.values.get(signature.output.as_str());
        output
            .map(|value| value.reach)
            .ok_or_else(|| format!("no node has the output {}", signature.output))
    }

    /// Returns the larger reach in each direction.
    fn or(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), after: self.after.max(other.after) }
    }
}

/// A value of the graph.
#[derive(Clone, Copy)]
struct Value {
    reach: Reach,
    /// Whether the value is zero wherever the input is zero within its reach.
    keeps_zero: bool,
}

struct Walk<'a> {
    constants: Constants<'a>,
    values: HashMap<&'a str, Value>,
}

impl<'a> Walk<'a> {
    fn all(&mut self, graph: &'a GraphProto) -> Result<(), String> {
        for node in &graph.node {
            if makes_constant(&self.constants, node) {
                continue;
            }
            let value = self.node(node)?;
            for name in &node.output {
                self.values.insert(name, value);
            }
        }
        Ok(())
    }

    fn node(&self, node: &NodeProto) -> Result<Value, String> {
        match node.op_type.as_str() {
            "Conv" => self.convolution(node),
            "Cast" | "Identity" | "Dropout" | "Relu" | "LeakyRelu" | "Elu" | "Tanh" => {
                self.value(node, 0)
            }
            "Sigmoid" | "Clip" => Ok(Value { keeps_zero: false, ..self.value(node, 0)? }),
            "Add" | "Sub" | "Mul" | "Max" => self.of_two(node),
            _ => Err(format!(
                "{} may mix the columns of a batch, expected Conv, sums, products and activations",
                node.shown()
            )),
        }
    }

    fn value(&self, node: &NodeProto, index: usize) -> Result<Value, String> {
        made(&self.values, node, index).copied()
    }

    fn of_two(&self, node: &NodeProto) -> Result<Value, String> {
        let mut all: Option<Value> = None;
        for (index, name) in node.input.iter().enumerate() {
            let value = match self.constants.get(name.as_str()) {
                // The same number at every position.
                Some(tensor) if tensor.dims.iter().rev().take(2).all(|size| *size == 1) => {
                    Value { reach: Reach::default(), keeps_zero: false }
                }
                Some(_) => {
                    return Err(format!("{}: {name} has a number for each position", node.shown()));
                }
                None => self.value(node, index)?,
            };
            let before = all.unwrap_or(value);
            all = Some(Value {
                reach: before.reach.or(value.reach),
                keeps_zero: before.keeps_zero && value.keeps_zero,
            });
        }
        all.ok_or_else(|| format!("{} has no input", node.shown()))
    }

    fn convolution(&self, node: &NodeProto) -> Result<Value, String> {
        let shown = node.shown();
        let weights = node.input.get(1).and_then(|name| self.constants.get(name.as_str()));
        let dims =
            weights.ok_or_else(|| format!("{shown} has no constant weights"))?.dims.as_slice();
        let &[_, _, 1, window] = dims else {
            return Err(format!(
                "{shown} has weights of shape {dims:?}, expected [outputs, inputs, 1, window]"
            ));
        };
        let [top, before, bottom, after] = ints(node, "pads", [0; 4])?;
        let [_, spacing] = ints(node, "dilations", [1, 1])?;
        let is_plain = ints(node, "strides", [1, 1])? == [1, 1]
            && int(node, "group", 1)? >= 1
            && node.attribute("auto_pad").is_none()
            && [top, bottom] == [0, 0]
            && before >= 0
            && after >= 0;
        let around = window.checked_sub(1).and_then(|around| around.checked_mul(spacing));
        if !is_plain || around.is_none() || before.checked_add(after) != around {
            return Err(format!(
                "{shown} does not keep the length of the sequence, expected pads that add up to the \
                 window less one, and no strides or auto_pad"
            ));
        }
        let from = self.value(node, 0)?;
        if window > 1 && !from.keeps_zero {
            return Err(format!(
                "{shown} has a window of {window} over values that are not zero between sequences"
            ));
        }
        let wider =
            |reach: usize, by: i64| usize::try_from(by).ok().and_then(|by| reach.checked_add(by));
        match (wider(from.reach.before, before), wider(from.reach.after, after)) {
            (Some(before), Some(after)) => {
                // A bias is there where the input is zero, too.
                Ok(Value { reach: Reach { before, after }, keeps_zero: false })
            }
            _ => Err(format!("{shown} has pads of {before} and {after}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::{ints, node};
    use super::super::correction::{Convolution, Correction};
    use super::*;

    fn layer(outputs: usize, inputs: usize, window: usize) -> Convolution {
        let weights = vec![0.5; outputs * inputs * window];
        Convolution { outputs, inputs, window, weights, biases: vec![0.25; outputs] }
    }

    fn reach(change: impl FnOnce(&mut GraphProto)) -> Result<Reach, String> {
        let network =
            Correction { window: layer(4, 3, 9), last: layer(1, 4, 1), guess: layer(1, 3, 1) };
        let mut model = network.to_half_model([2, 64]);
        change(model.graph.as_mut().expect("a graph"));
        Reach::of(&ModelFile::from_bytes("changed", model.to_bytes()).expect("a valid file"))
    }

    #[test]
    fn the_reach_is_that_of_the_pads() {
        assert_eq!(reach(|_| {}), Ok(Reach { before: 4, after: 4 }));
        let with = |attribute| {
            reach(|graph| {
                let window = graph.node.iter_mut().find(|node| node.name == "window");
                let attributes = &mut window.expect("the layer").attribute;
                attributes.retain(|it: &super::super::AttributeProto| it.name != "pads");
                attributes.push(attribute);
            })
        };
        assert_eq!(with(ints("pads", &[0, 8, 0, 0])), Ok(Reach { before: 8, after: 0 }));
        for pads in [[0, 4, 0, 3], [1, 4, 1, 4], [0, -1, 0, 9]] {
            assert!(with(ints("pads", &pads)).is_err_and(|it| it.contains("keep the length")));
        }
    }

    #[test]
    fn a_window_over_hidden_values_and_unknown_nodes_are_refused() {
        let second = reach(|graph| {
            let window = graph.node.iter().find(|node| node.name == "window").expect("the layer");
            let mut again = NodeProto { name: "again".into(), ..window.clone() };
            again.input[0] = "h".into();
            again.output[0] = "h2".into();
            let at = graph.node.iter().position(|node| node.name == "last").expect("the layer");
            graph.node[at].input[0] = "h2".into();
            graph.node.insert(at, again);
        });
        assert!(
            second.is_err_and(|it| it.starts_with("again (Conv) has a window of 9 over values"))
        );
        let softmax = reach(|graph| graph.node.push(node("Softmax", &["sum"], "other")));
        assert!(softmax.is_err_and(|it| it.starts_with("Softmax may mix the columns")));
    }
}
