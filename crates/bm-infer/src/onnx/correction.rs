//! Writes and reads networks over sequences that correct a first guess.

use std::collections::HashMap;

use half::f16;
use prost::Message;

use super::build::{cast, fixed_sequences, ints, node, sequences, tensor, tensor_f16};
use super::*;

/// Weights and biases of a convolution along a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Number of output channels.
    pub outputs: usize,
    /// Number of input channels.
    pub inputs: usize,
    /// Positions that one output depends on, with its own in the middle, so an odd number.
    pub window: usize,
    /// `[outputs, inputs, window]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub biases: Vec<f32>,
}

/// A network over sequences that corrects a first guess. The guess is a 1 × 1 convolution of the
/// input with one output. The correction is a convolution over a window of the input, `Relu`, and a
/// 1 × 1 convolution with one output. The result is the `Sigmoid` of their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The window over the input.
    pub window: Convolution,
    /// From the hidden layer to the correction.
    pub last: Convolution,
    /// From the input to the guess.
    pub guess: Convolution,
}

impl Correction {
    /// Returns the layers: name, weights, name of the input, name of the output.
    fn layers(&self) -> [(&'static str, &Convolution, &'static str, &'static str); 3] {
        [
            ("window", &self.window, "features", "z"),
            ("last", &self.last, "h", "correction"),
            ("guess", &self.guess, "features", "logit"),
        ]
    }

    /// Returns the model in single precision, operator set 13, for any batch and length.
    pub fn to_model(&self) -> ModelProto {
        let mut graph = GraphProto { name: "correction".into(), ..Default::default() };
        for (name, layer, from, to) in self.layers() {
            self.append(&mut graph, name, layer, from, to, tensor);
        }
        graph.node.push(node("Add", &["logit", "correction"], "sum"));
        graph.node.push(node("Sigmoid", &["sum"], "error_probability"));
        graph.input.push(sequences("features", self.window.inputs));
        graph.output.push(sequences("error_probability", self.last.outputs));
        model(graph, 7, 13)
    }

    /// Returns the model in half precision between two casts, operator set 17, for `[rows, columns]`
    /// positions: the fixed shape that the Neural Engine needs. Sequences are in the rows.
    pub fn to_half_model(&self, shape: [usize; 2]) -> ModelProto {
        let mut graph = GraphProto { name: "correction".into(), ..Default::default() };
        let f16_tensor = |name: &str, dims: &[usize], values: &[f32]| {
            tensor_f16(
                name,
                dims,
                &values.iter().map(|value| f16::from_f32(*value)).collect::<Vec<_>>(),
            )
        };
        graph.node.push(cast("features", "features16", data_type::FLOAT16));
        for (name, layer, from, to) in self.layers() {
            let from = if from == "features" { "features16" } else { from };
            self.append(&mut graph, name, layer, from, to, f16_tensor);
        }
        graph.node.push(node("Add", &["logit", "correction"], "sum"));
        graph.node.push(node("Sigmoid", &["sum"], "error_probability16"));
        graph.node.push(cast("error_probability16", "error_probability", data_type::FLOAT));
        graph.input.push(fixed_sequences("features", self.window.inputs, shape));
        graph.output.push(fixed_sequences("error_probability", self.last.outputs, shape));
        model(graph, 8, 17)
    }

    fn append(
        &self,
        graph: &mut GraphProto,
        name: &str,
        layer: &Convolution,
        from: &str,
        to: &str,
        tensor: impl Fn(&str, &[usize], &[f32]) -> TensorProto,
    ) {
        let (w, b) = (format!("{name}.weight"), format!("{name}.bias"));
        graph.initializer.push(tensor(
            &w,
            &[layer.outputs, layer.inputs, 1, layer.window],
            &layer.weights,
        ));
        graph.initializer.push(tensor(&b, &[layer.outputs], &layer.biases));
        let mut conv = node("Conv", &[from, &w, &b], to);
        conv.name = name.into();
        let half = layer.window as i64 / 2;
        conv.attribute.push(ints("kernel_shape", &[1, layer.window as i64]));
        conv.attribute.push(ints("pads", &[0, half, 0, half]));
        graph.node.push(conv);
        if name == "window" {
            graph.node.push(node("Relu", &["z"], "h"));
        }
    }

    /// Returns the network in a file that [`Correction::to_model`], or another program, wrote in this
    /// form.
    ///
    /// # Errors
    ///
    /// A message, if the file does not hold the weights of such a network.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let graph = ModelProto::decode(bytes)
            .map_err(|error| error.to_string())?
            .graph
            .ok_or("it has no graph")?;
        let weights: HashMap<&str, &TensorProto> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let values = |name: String| {
            weights.get(name.as_str()).ok_or_else(|| format!("no weights {name}"))?.floats()
        };
        let convolution = |name: &str| -> Result<Convolution, String> {
            let (dims, weights) = values(format!("{name}.weight"))?;
            let (bias_dims, biases) = values(format!("{name}.bias"))?;
            match dims[..] {
                [outputs, inputs, 1, window] if bias_dims == [outputs] => {
                    Ok(Convolution { outputs, inputs, window, weights, biases })
                }
                _ => Err(format!(
                    "{name} has weights of shape {dims:?} and biases of shape {bias_dims:?}"
                )),
            }
        };
        Ok(Self {
            window: convolution("window")?,
            last: convolution("last")?,
            guess: convolution("guess")?,
        })
    }
}

fn model(graph: GraphProto, ir_version: i64, opset: i64) -> ModelProto {
    ModelProto {
        ir_version,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelFile;

    fn layer(outputs: usize, inputs: usize, window: usize) -> Convolution {
        let weights = (0..outputs * inputs * window).map(|i| (i as f32 * 0.37).sin()).collect();
        Convolution { outputs, inputs, window, weights, biases: vec![0.25; outputs] }
    }

    #[test]
    fn a_written_network_is_read_back() {
        let network =
            Correction { window: layer(4, 3, 5), last: layer(1, 4, 1), guess: layer(1, 3, 1) };
        let bytes = network.to_model().encode_to_vec();
        assert_eq!(Correction::read(&bytes), Ok(network.clone()));
        let half = ModelFile::from_bytes("half", network.to_half_model([2, 64]).encode_to_vec())
            .expect("a valid file");
        assert_eq!((half.signature().features, half.signature().outputs), (3, 1));
        assert!(Correction::read(half.bytes()).is_err());
        assert!(Correction::read(&bytes[..bytes.len() / 2]).is_err());
    }
}
