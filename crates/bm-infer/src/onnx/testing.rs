//! Small models made in memory, for tests and examples.

use prost::Message;

use super::*;

/// Returns the ONNX file of a dense network: `Gemm` and `Relu` a layer, the last with `Sigmoid`.
///
/// A layer is its number of outputs, its weights `[outputs, inputs]` in C order, and its biases.
pub fn dense(layers: &[(usize, Vec<f32>, Vec<f32>)]) -> Vec<u8> {
    dense_model(layers).encode_to_vec()
}

/// Returns the model of [`dense`], to be changed before it is written.
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
        gemm.attribute.push(AttributeProto { name: "transB".into(), i: 1, r#type: 2, ..Default::default() });
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

/// Weights and biases of a convolution along a sequence.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// Channels that come out.
    pub outputs: usize,
    /// Channels that go in.
    pub inputs: usize,
    /// Positions that one output sees; odd, so that it is in the middle of them.
    pub window: usize,
    /// `[outputs, inputs, window]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub biases: Vec<f32>,
}

/// Returns the model of a network over sequences that corrects a first guess: a window of the input, `Relu`, one number a
/// position; added to one number that a 1 × 1 convolution takes from the input; `Sigmoid`.
pub fn correction_model(window: &Convolution, last: &Convolution, guess: &Convolution) -> ModelProto {
    let mut graph = GraphProto { name: "correction".into(), ..Default::default() };
    for (name, layer, from, to) in
        [("window", window, "features", "z"), ("last", last, "h", "correction"), ("guess", guess, "features", "logit")]
    {
        let (w, b) = (format!("{name}.weight"), format!("{name}.bias"));
        graph.initializer.push(tensor(&w, &[layer.outputs, layer.inputs, 1, layer.window], &layer.weights));
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
    graph.node.push(node("Add", &["logit", "correction"], "sum"));
    graph.node.push(node("Sigmoid", &["sum"], "error_probability"));
    graph.input.push(sequences("features", window.inputs));
    graph.output.push(sequences("error_probability", last.outputs));
    ModelProto {
        ir_version: 7,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

/// Returns an attribute that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: values.to_vec(), r#type: 7, ..Default::default() }
}

/// Returns an input or output of shape `[batch, channels, 1, length]`, batch and length open.
pub fn sequences(name: &str, channels: usize) -> ValueInfoProto {
    let open = |name: &str| DimensionProto { dim_value: None, dim_param: Some(name.into()) };
    let fixed = |size: usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape = TensorShapeProto { dim: vec![open("batch"), fixed(channels), fixed(1), open("length")] };
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

/// Returns a tensor of floats.
pub fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|d| *d as i64).collect(),
        data_type: data_type::FLOAT,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// Returns a node without attributes.
pub fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        input: input.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

/// Returns an input or output of shape `[batch, width]`, the batch open if `None`.
pub fn matrix(name: &str, batch: Option<usize>, width: usize) -> ValueInfoProto {
    let open = DimensionProto { dim_value: None, dim_param: Some("batch".into()) };
    let fixed = |size: usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape = TensorShapeProto { dim: vec![batch.map_or(open, fixed), fixed(width)] };
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}
