//! Builds small models for tests and examples.

use prost::Message;

use super::*;

pub use super::build::{ints, node, sequences, tensor};
pub use super::correction::Convolution;

/// Returns the ONNX file of a dense network: `Gemm` and `Relu` per layer, `Sigmoid` after the last.
///
/// A layer is given by its number of outputs, its weights `[outputs, inputs]` in C order, and its
/// biases.
pub fn dense(layers: &[(usize, Vec<f32>, Vec<f32>)]) -> Vec<u8> {
    dense_model(layers).encode_to_vec()
}

/// Returns the model of [`dense`] before it is encoded, so that a test can change it.
pub fn dense_model(layers: &[(usize, Vec<f32>, Vec<f32>)]) -> ModelProto {
    let mut graph = GraphProto { name: "dense".into(), ..Default::default() };
    let mut value = "features".to_owned();
    let first = layers.first().map_or(0, |(outputs, weights, _)| weights.len() / (*outputs).max(1));
    for (i, (outputs, weights, biases)) in layers.iter().enumerate() {
        let last = i + 1 == layers.len();
        let (w, b, z) = (format!("w{i}"), format!("b{i}"), format!("z{i}"));
        graph.initializer.push(tensor(&w, &[*outputs, weights.len() / (*outputs).max(1)], weights));
        graph.initializer.push(tensor(&b, &[*outputs], biases));
        let mut gemm = node("Gemm", &[&value, &w, &b], &z);
        gemm.attribute.push(AttributeProto {
            name: "transB".into(),
            i: 1,
            r#type: 2,
            ..Default::default()
        });
        graph.node.push(gemm);
        value = if last { "probability".to_owned() } else { format!("h{i}") };
        graph.node.push(node(if last { "Sigmoid" } else { "Relu" }, &[&z], &value));
    }
    graph.input.push(matrix("features", None, first));
    graph.output.push(matrix("probability", None, layers.last().map_or(0, |layer| layer.0)));
    ModelProto {
        ir_version: 7,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

/// Returns an input or output of shape `[batch, width]`, of any batch if `None`.
pub fn matrix(name: &str, batch: Option<usize>, width: usize) -> ValueInfoProto {
    let open = DimensionProto { dim_value: None, dim_param: Some("batch".into()) };
    let fixed = |size: usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape = TensorShapeProto { dim: vec![batch.map_or(open, fixed), fixed(width)] };
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

/// Returns the model of [`super::correction::Correction`] before it is encoded, so that a test can
/// change it.
pub fn correction_model(
    window: &Convolution,
    last: &Convolution,
    guess: &Convolution,
) -> ModelProto {
    super::correction::Correction {
        window: window.clone(),
        last: last.clone(),
        guess: guess.clone(),
    }
    .to_model()
}
