//! Compiles an ONNX graph over sequences to the steps of a network.
//!
//! Supported are convolutions over the input, whose positions are codes, and after them operations on
//! single positions: 1 × 1 convolutions, activations, sums of two values. A normalisation becomes part
//! of the convolution before.

use std::collections::{HashMap, HashSet};

use prost::Message;

use super::activation::Activation;
use super::dense::Dense;
use super::dot::ReluDot;
use super::fuse::fuse;
use super::instruction_set::InstructionSet;
use super::nodes::{activation, changes_nothing};
use super::normalisation::Normalisation;
use super::step::{Network, Step};
use super::tables::Tables;
use crate::onnx::attributes::{Constants, constant, constants, int, ints, made, makes_constant};
use crate::onnx::{GraphProto, ModelProto, NodeProto, operators};
use crate::{Alphabet, ModelFile};

/// Maximum number of values per position over all steps: a session needs at most some 100 MB.
const MAX_WIDTH: usize = 1 << 14;

/// Maximum number of weights and table values in all steps, as the kernels store them: nodes may
/// share weights, so that a small file can need much memory.
const MAX_WEIGHTS: usize = 1 << 25;

/// Outputs that the widest kernel computes together, padding included.
const PADDED: usize = 32;

/// The operators that a network over sequences may have.
const OPERATORS: [&str; 11] = [
    "Conv",
    "BatchNormalization",
    "Relu",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "Clip",
    "Add",
    "Identity",
    "Dropout",
    "Constant",
];

/// Returns the network of a model, or a message why this engine does not run it.
pub(super) fn compile(
    model: &ModelFile,
    alphabet: &Alphabet,
    instructions: InstructionSet,
) -> Result<Network, String> {
    let proto = ModelProto::decode(model.bytes()).map_err(|error| error.to_string())?;
    let graph = proto.graph.ok_or("it has no graph")?;
    let signature = model.signature();
    operators::check_set(model.operator_set(), graph.node.first())?;
    let mut builder = Builder {
        constants: constants(&graph)?,
        set: model.operator_set(),
        takers: takers(&graph),
        normalised: HashSet::new(),
        output: &signature.output,
        alphabet,
        instructions,
        input: &signature.input,
        slots: HashMap::new(),
        weights: 0,
        steps: vec![],
        widths: vec![],
    };
    for node in &graph.node {
        builder.append(node)?;
    }
    match builder.slots.get(signature.output.as_str()) {
        Some(slot) if builder.widths[*slot] == signature.outputs => Ok(Network {
            output: *slot,
            steps: fuse(without_unread(builder.steps, *slot)),
            widths: builder.widths,
        }),
        _ => Err(format!(
            "no node has the output {} of width {}",
            signature.output, signature.outputs
        )),
    }
}

/// Returns the node that takes each value, `None` for values that several inputs of nodes take.
fn takers(graph: &GraphProto) -> HashMap<&str, Option<&NodeProto>> {
    let mut takers = HashMap::new();
    for node in &graph.node {
        for name in &node.input {
            takers.entry(name.as_str()).and_modify(|taker| *taker = None).or_insert(Some(node));
        }
    }
    takers
}

/// Removes the steps whose slot no other step reads, such as a `Relu` that became part of the next
/// step.
fn without_unread(mut steps: Vec<Step>, output: usize) -> Vec<Step> {
    while let Some(unread) = steps.iter().position(|step| {
        let out = step.out();
        out != output && steps.iter().all(|other| !other.reads().contains(&Some(out)))
    }) {
        steps.remove(unread);
    }
    steps
}

struct Builder<'a> {
    constants: Constants<'a>,
    /// The operator set of the file.
    set: i64,
    /// The node that takes each value, if it is one.
    takers: HashMap<&'a str, Option<&'a NodeProto>>,
    /// The values of convolutions with the weights of a normalisation.
    normalised: HashSet<&'a str>,
    /// Name of the output.
    output: &'a str,
    alphabet: &'a Alphabet,
    instructions: InstructionSet,
    input: &'a str,
    /// The slot of each value, by name.
    slots: HashMap<&'a str, usize>,
    weights: usize,
    steps: Vec<Step>,
    widths: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn append(&mut self, node: &'a NodeProto) -> Result<(), String> {
        let shown = node.shown();
        operators::check(node, self.set, &OPERATORS)?;
        if makes_constant(&self.constants, node) {
            return Ok(());
        }
        // The convolution before has the weights of a normalisation, see `convolution`.
        if changes_nothing(node, &self.constants)? || self.is_folded(node) {
            let slot = self.slot(node, 0)?;
            return self.name(node, slot);
        }
        let out = self.widths.len();
        let (step, width) = match activation(node, self.set, &self.constants)? {
            Some(activation) => {
                let from = self.slot(node, 0)?;
                (Step::Activation(activation, from, out), self.widths[from])
            }
            None => self.layer(node, out)?,
        };
        self.name(node, out)?;
        self.widths.push(width);
        self.steps.push(step);
        if self.widths.iter().sum::<usize>() > MAX_WIDTH {
            return Err(format!("up to {shown} it has more than {MAX_WIDTH} values per position"));
        }
        Ok(())
    }

    /// Returns whether a node is a normalisation that is part of the convolution before.
    fn is_folded(&self, node: &NodeProto) -> bool {
        node.op_type == "BatchNormalization"
            && node.input.first().is_some_and(|name| self.normalised.contains(name.as_str()))
    }

    /// Returns the step of a node that is not an activation, and its width.
    fn layer(&mut self, node: &'a NodeProto, out: usize) -> Result<(Step, usize), String> {
        let shown = node.shown();
        match node.op_type.as_str() {
            "Conv" => self.convolution(node, out),
            "Add" => {
                let (a, b) = (self.slot(node, 0)?, self.slot(node, 1)?);
                if self.widths[a] != self.widths[b] {
                    return Err(format!(
                        "{shown} adds {} values to {}",
                        self.widths[b], self.widths[a]
                    ));
                }
                Ok((Step::Add(a, b, out), self.widths[a]))
            }
            _ => Err(format!("{shown} does not follow a convolution that nothing else follows")),
        }
    }

    /// Gives the first output of a node its slot.
    fn name(&mut self, node: &'a NodeProto, slot: usize) -> Result<(), String> {
        let shown = node.shown();
        let name = node
            .output
            .first()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| format!("{shown} has no output"))?;
        if name == self.input
            || self.constants.contains_key(name.as_str())
            || self.slots.insert(name, slot).is_some()
        {
            return Err(format!("{name} is defined twice, the second time by {shown}"));
        }
        Ok(())
    }

    /// Returns the normalisation that alone takes the output of a node.
    fn normalisation_after(&self, node: &NodeProto) -> Option<&'a NodeProto> {
        let name = node.output.first()?.as_str();
        let taker = self.takers.get(name).copied().flatten()?;
        let is_input = taker.input.first().is_some_and(|input| input == name);
        (taker.op_type == "BatchNormalization" && is_input && name != self.output).then_some(taker)
    }

    /// Returns the slot of an input of a node, which an earlier node must have written.
    fn slot(&self, node: &NodeProto, index: usize) -> Result<usize, String> {
        made(&self.slots, node, index).copied()
    }

    /// Returns the step of a convolution along the sequence that keeps its length.
    fn convolution(&mut self, node: &'a NodeProto, out: usize) -> Result<(Step, usize), String> {
        let shown = node.shown();
        let (dims, mut weights) = constant(&self.constants, node, 1)?;
        let [width, channels, 1, window] = dims[..] else {
            return Err(format!(
                "{shown} has weights of shape {dims:?}, expected [outputs, inputs, 1, window]"
            ));
        };
        let mut biases = match node.input.get(2).filter(|name| !name.is_empty()) {
            None => vec![0.0; width],
            Some(_) => match constant(&self.constants, node, 2)? {
                (dims, biases) if dims == [width] => biases,
                (dims, _) => {
                    return Err(format!("{shown} has biases of shape {dims:?}, expected {width}"));
                }
            },
        };
        if let Some(after) = self.normalisation_after(node) {
            operators::check(after, self.set, &OPERATORS)?;
            let normalisation = Normalisation::of(after, &self.constants, width)?;
            normalisation.fold(after, &mut weights, &mut biases)?;
            self.normalised.extend(node.output.first().map(String::as_str));
        }
        let inputs = if node.input.first().is_some_and(|name| name == self.input) {
            self.alphabet.codes()
        } else {
            channels
        };
        let stored = inputs.saturating_mul(window).saturating_mul(width.next_multiple_of(PADDED));
        self.weights = self.weights.saturating_add(stored);
        if self.weights > MAX_WEIGHTS {
            return Err(format!(
                "up to {shown} it has {} weights in total, expected at most {MAX_WEIGHTS}",
                self.weights
            ));
        }
        let kernel = ints(node, "kernel_shape", [1, window as i64])?;
        let [top, before, bottom, after] = ints(node, "pads", [0; 4])?;
        let plain = ints(node, "strides", [1, 1])? == [1, 1]
            && ints(node, "dilations", [1, 1])? == [1, 1]
            && int(node, "group", 1)? == 1
            && node.attribute("auto_pad").is_none()
            && kernel == [1, window as i64];
        // Pads come from the file, and their sum may overflow.
        let pads = before
            .checked_add(after)
            .filter(|_| top == 0 && bottom == 0 && before >= 0 && after >= 0);
        let keeps_length = pads == Some(window as i64 - 1);
        if !plain || !keeps_length {
            return Err(format!(
                "{shown} does not keep the length of the sequence, expected pads that add up to the window less one, and no strides, dilations, groups or auto_pad"
            ));
        }
        if node.input.first().is_some_and(|name| name == self.input) {
            if channels != self.alphabet.channels() {
                return Err(format!(
                    "{shown} takes {channels} channels, the input has {}",
                    self.alphabet.channels()
                ));
            }
            let tables =
                Tables::new(self.instructions, self.alphabet, &weights, &biases, before as usize);
            return Ok((
                Step::Tables(tables.map_err(|reason| format!("{shown}: {reason}"))?, out),
                width,
            ));
        }
        let from = self.slot(node, 0)?;
        if window != 1 {
            return Err(format!(
                "{shown} has a window of {window}, expected 1: only the first layer may use neighbours"
            ));
        }
        if channels != self.widths[from] || width > MAX_WIDTH {
            return Err(format!(
                "{shown} maps {channels} values to {width}, its input has {}",
                self.widths[from]
            ));
        }
        // Steps write slots in order, so the number of a slot is the number of the step that writes it.
        if width == 1
            && let Step::Activation(Activation::Relu, before, _) = self.steps[from]
        {
            return Ok((
                Step::ReluDot(ReluDot::new(self.instructions, &weights, biases[0]), before, out),
                width,
            ));
        }
        Ok((
            Step::Dense(
                Dense::new(self.instructions, [width, channels], &weights, &biases),
                from,
                out,
            ),
            width,
        ))
    }
}
