//! From an ONNX graph to the steps of a dense network.

use std::collections::HashSet;

use prost::Message;
use pulp::Arch;

use super::activation::Activation;
use super::dense::Dense;
use super::node::{Constants, constant, constants, float, int};
use crate::ModelFile;
use crate::onnx::{ModelProto, NodeProto};

/// Most values a layer may take or make: what a session keeps for a block of rows stays within some
/// 100 MB.
const MAX_WIDTH: usize = 1 << 16;

/// Outputs that the widest kernel computes together, whether they are there or not.
const PADDED: usize = 32;

/// Most weights in all layers, as the kernel stores them: nodes may share weights, so a small file
/// can ask for a lot of memory.
const MAX_WEIGHTS: usize = 1 << 25;

/// One step of the network.
#[derive(Debug)]
pub(super) enum Step {
    /// Every output a weighted sum of all inputs.
    Dense(Dense),
    /// The same function on every value.
    Activation(Activation),
}

/// Returns the steps of a model, or why this engine does not run it.
pub(super) fn compile(model: &ModelFile, arch: Arch) -> Result<Vec<Step>, String> {
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
    Ok(chain.layers.into_iter().map(|layer| layer.prepared(arch)).collect())
}

/// A layer as the file describes it.
enum Layer {
    Dense { inputs: usize, outputs: usize, weights: Vec<f32>, biases: Vec<f32> },
    Activation(Activation),
}

impl Layer {
    fn prepared(self, arch: Arch) -> Step {
        match self {
            Layer::Dense { inputs, outputs, weights, biases } => {
                Step::Dense(Dense::new(arch, [outputs, inputs], &weights, &biases))
            }
            Layer::Activation(activation) => Step::Activation(activation),
        }
    }
}

/// The layers so far, and the value that the next one takes.
struct Chain<'a> {
    constants: Constants<'a>,
    /// Names of the values so far: a second one of that name would be a loop.
    made: HashSet<String>,
    value: String,
    width: usize,
    weights: usize,
    layers: Vec<Layer>,
}

impl Chain<'_> {
    fn append(&mut self, node: &NodeProto) -> Result<(), String> {
        let shown = node.shown();
        let input = node.input.first().ok_or_else(|| format!("{shown} takes nothing"))?;
        if *input != self.value {
            return Err(format!(
                "{shown} takes {input}, expected {}: the layers are not one chain",
                self.value
            ));
        }
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err(format!(
                "{shown} is of the operator set {}, expected a standard one",
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
                    "{shown} drops values while the network is used (training_mode), expected training only"
                ));
            }
            // What drops values in training passes them on afterwards, and a matrix is flat
            // already.
            "Identity" | "Dropout" => {}
            "Flatten" if int(node, "axis", 1)? == 1 => {}
            _ => {
                return Err(format!(
                    "{shown} is not one of Gemm, MatMul, Add, Relu, Sigmoid, Identity, Dropout, Flatten; the onnxruntime backend runs all of ONNX"
                ));
            }
        }
        self.value =
            node.output.first().cloned().ok_or_else(|| format!("{shown} makes nothing"))?;
        if self.constants.contains_key(self.value.as_str()) || !self.made.insert(self.value.clone())
        {
            return Err(format!("{} is made twice, the second time by {shown}", self.value));
        }
        Ok(())
    }

    /// Y = α X Wᵀ + β C, with `transB` = 1; without it W is stored the other way round.
    fn gemm(&mut self, node: &NodeProto) -> Result<(), String> {
        if int(node, "transA", 0)? != 0 {
            return Err(format!(
                "{} turns its input around (transA), expected it as it is",
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

    /// Biases after a `MatMul`.
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
                "{} maps {inputs} values to {outputs}, it is given {}",
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
                "up to {} it has {} weights in all, expected at most {MAX_WEIGHTS}",
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
