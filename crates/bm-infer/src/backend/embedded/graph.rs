//! Compiles an ONNX graph to the steps of a dense network.

use std::collections::HashSet;

use prost::Message;

use super::activation::Activation;
use super::dense::Dense;
use super::instruction_set::InstructionSet;
use crate::ModelFile;
use crate::onnx::attributes::{Constants, constant, constants, float, int};
use crate::onnx::{ModelProto, NodeProto};

/// Maximum width of a layer: a session needs at most some 100 MB for a block of rows.
const MAX_WIDTH: usize = 1 << 16;

/// Outputs that the widest kernel computes together, padding included.
const PADDED: usize = 32;

/// Maximum number of weights in all layers, as the kernel stores them: nodes may share weights, so
/// that a small file can need much memory.
const MAX_WEIGHTS: usize = 1 << 25;

/// One step of the network.
#[derive(Debug)]
pub(super) enum Step {
    /// Every output is a weighted sum of all inputs.
    Dense(Dense),
    /// A function that is applied to every value.
    Activation(Activation),
}

/// Returns the steps of a model, or a message why this engine does not run it.
pub(super) fn compile(
    model: &ModelFile,
    instructions: InstructionSet,
) -> Result<Vec<Step>, String> {
    let proto = ModelProto::decode(model.bytes()).map_err(|error| error.to_string())?;
    let graph = proto.graph.ok_or("it has no graph")?;
    let signature = model.signature();
    let mut chain = Chain {
        constants: constants(&graph)?,
        made: HashSet::from([signature.input.clone()]),
        value: signature.input.clone(),
        width: signature.features,
        weights: 0,
        layers: vec![],
    };
    for node in &graph.node {
        chain.append(node)?;
    }
    if chain.value != signature.output || chain.width != signature.outputs {
        return Err(format!(
            "the chain of layers ends in {} of width {}, the output is {} of width {}",
            chain.value, chain.width, signature.output, signature.outputs
        ));
    }
    Ok(chain.layers.into_iter().map(|layer| layer.prepared(instructions)).collect())
}

/// A layer as the file describes it.
enum Layer {
    Dense { inputs: usize, outputs: usize, weights: Vec<f32>, biases: Vec<f32> },
    Activation(Activation),
}

impl Layer {
    fn prepared(self, instructions: InstructionSet) -> Step {
        match self {
            Layer::Dense { inputs, outputs, weights, biases } => {
                Step::Dense(Dense::new(instructions, [outputs, inputs], &weights, &biases))
            }
            Layer::Activation(activation) => Step::Activation(activation),
        }
    }
}

/// The layers so far, and the value that the next layer takes.
struct Chain<'a> {
    constants: Constants<'a>,
    /// Names of the values so far: a second value of the same name would be a loop.
    made: HashSet<String>,
    value: String,
    width: usize,
    weights: usize,
    layers: Vec<Layer>,
}

impl Chain<'_> {
    fn append(&mut self, node: &NodeProto) -> Result<(), String> {
        let shown = node.shown();
        let input = node.input.first().ok_or_else(|| format!("{shown} has no input"))?;
        if *input != self.value {
            return Err(format!(
                "{shown} takes {input}, expected {}: the layers are not one chain",
                self.value
            ));
        }
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err(format!(
                "{shown} is from the operator set {}, expected the standard one",
                node.domain
            ));
        }
        match node.op_type.as_str() {
            "Gemm" => self.gemm(node)?,
            "MatMul" => self.matmul(node)?,
            "Add" => self.add(node)?,
            "Relu" => self.layers.push(Layer::Activation(Activation::Relu)),
            "Sigmoid" => self.layers.push(Layer::Activation(Activation::Sigmoid)),
            "Dropout" if node.input.get(2).is_some_and(|name| !name.is_empty()) => {
                return Err(format!(
                    "{shown} has training_mode set, expected a model that is not in training"
                ));
            }
            // Outside of training `Dropout` has no effect, and a matrix is already flat.
            "Identity" | "Dropout" => {}
            "Flatten" if int(node, "axis", 1)? == 1 => {}
            _ => {
                return Err(format!(
                    "{shown} is not one of Gemm, MatMul, Add, Relu, Sigmoid, Identity, Dropout, Flatten; the onnxruntime backend runs all of ONNX"
                ));
            }
        }
        self.value =
            node.output.first().cloned().ok_or_else(|| format!("{shown} has no output"))?;
        if self.constants.contains_key(self.value.as_str()) || !self.made.insert(self.value.clone())
        {
            return Err(format!("{} is defined twice, the second time by {shown}", self.value));
        }
        Ok(())
    }

    /// Adds Y = α X Wᵀ + β C, with `transB` = 1; otherwise W is stored transposed.
    fn gemm(&mut self, node: &NodeProto) -> Result<(), String> {
        if int(node, "transA", 0)? != 0 {
            return Err(format!(
                "{} transposes its input (transA), expected transA = 0",
                node.shown()
            ));
        }
        let (dims, mut weights) = self.constant(node, 1)?;
        let (outputs, inputs) = match (dims.as_slice(), int(node, "transB", 0)?) {
            ([outputs, inputs], 1) => (*outputs, *inputs),
            ([inputs, outputs], 0) => {
                weights = transposed(&weights, *inputs, *outputs);
                (*outputs, *inputs)
            }
            _ => {
                return Err(format!(
                    "{} has weights of shape {dims:?}, expected a matrix",
                    node.shown()
                ));
            }
        };
        let (alpha, beta) = (float(node, "alpha", 1.0)?, float(node, "beta", 1.0)?);
        weights.iter_mut().for_each(|weight| *weight *= alpha);
        let mut biases = if node.input.get(2).is_some_and(|name| !name.is_empty()) {
            self.biases(node, 2, outputs)?
        } else {
            vec![0.0; outputs]
        };
        biases.iter_mut().for_each(|bias| *bias *= beta);
        self.dense(node, inputs, outputs, weights, biases)
    }

    fn matmul(&mut self, node: &NodeProto) -> Result<(), String> {
        let (dims, weights) = self.constant(node, 1)?;
        let [inputs, outputs] = dims[..] else {
            return Err(format!(
                "{} has weights of shape {dims:?}, expected a matrix",
                node.shown()
            ));
        };
        self.dense(node, inputs, outputs, transposed(&weights, inputs, outputs), vec![0.0; outputs])
    }

    /// Adds biases to the layer before.
    fn add(&mut self, node: &NodeProto) -> Result<(), String> {
        let added = self.biases(node, 1, self.width)?;
        match self.layers.last_mut() {
            Some(Layer::Dense { biases, .. }) => {
                biases.iter_mut().zip(added).for_each(|(bias, more)| *bias += more)
            }
            _ => return Err(format!("{} does not follow a MatMul or Gemm", node.shown())),
        }
        Ok(())
    }

    fn dense(
        &mut self,
        node: &NodeProto,
        inputs: usize,
        outputs: usize,
        weights: Vec<f32>,
        biases: Vec<f32>,
    ) -> Result<(), String> {
        if inputs != self.width || outputs == 0 {
            return Err(format!(
                "{} maps {inputs} values to {outputs}, its input has {}",
                node.shown(),
                self.width
            ));
        }
        if inputs.max(outputs) > MAX_WIDTH {
            return Err(format!(
                "{} maps {inputs} values to {outputs}, expected at most {MAX_WIDTH}",
                node.shown()
            ));
        }
        if weights.iter().chain(&biases).any(|value| !value.is_finite()) {
            return Err(format!("{} has weights that are not finite", node.shown()));
        }
        self.weights += inputs * outputs.next_multiple_of(PADDED);
        if self.weights > MAX_WEIGHTS {
            return Err(format!(
                "up to {} it has {} weights in total, expected at most {MAX_WEIGHTS}",
                node.shown(),
                self.weights
            ));
        }
        self.layers.push(Layer::Dense { inputs, outputs, weights, biases });
        self.width = outputs;
        Ok(())
    }

    fn constant(&self, node: &NodeProto, index: usize) -> Result<(Vec<usize>, Vec<f32>), String> {
        constant(&self.constants, node, index)
    }

    fn biases(&self, node: &NodeProto, index: usize, width: usize) -> Result<Vec<f32>, String> {
        let (dims, values) = self.constant(node, index)?;
        match dims.as_slice() {
            [n] | [1, n] if *n == width => Ok(values),
            _ => Err(format!("{} has biases of shape {dims:?}, expected {width}", node.shown())),
        }
    }
}

/// Returns the transpose of a matrix of `rows` × `columns`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect()
}
