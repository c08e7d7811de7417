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

/// Returns a small classifier in the form that exporters write: the row as channels, two convolutions
/// with a normalisation and a pool, a dense layer, `Softmax`, and the second of its two outputs.
///
/// The input is `[batch, channels × length]`, with at least 4 positions of each channel, and the output
/// `[batch, 1]`. `numbers` returns weights: their number, and how many of them one output is a sum of.
pub fn classifier(
    [channels, length]: [usize; 2],
    mut numbers: impl FnMut(usize, usize) -> Vec<f32>,
) -> ModelProto {
    const HIDDEN: usize = 6;
    let mut graph = GraphProto { name: "classifier".into(), ..Default::default() };
    let window = channels * 3;
    let positive = |values: Vec<f32>| values.into_iter().map(|x| x.abs() + 0.5).collect::<Vec<_>>();
    for (name, dims, values) in [
        ("w0", &[HIDDEN, channels, 3][..], numbers(HIDDEN * window, window)),
        ("b0", &[HIDDEN], numbers(HIDDEN, 1)),
        ("scale", &[HIDDEN], positive(numbers(HIDDEN, 1))),
        ("shift", &[HIDDEN], numbers(HIDDEN, 1)),
        ("mean", &[HIDDEN], numbers(HIDDEN, 1)),
        ("variance", &[HIDDEN], positive(numbers(HIDDEN, 1))),
        ("w1", &[HIDDEN, 2, 2], numbers(HIDDEN * 4, 4)),
        ("w2", &[2, HIDDEN], numbers(2 * HIDDEN, HIDDEN)),
        ("b2", &[2], numbers(2, 1)),
    ] {
        graph.initializer.push(tensor(name, dims, &values));
    }
    for (name, values) in
        [("as_channels", &[-1, channels as i64, length as i64][..]), ("one", &[1]), ("two", &[2])]
    {
        graph.initializer.push(whole_numbers(name, values));
    }
    let with = |node: NodeProto, attribute: Vec<AttributeProto>| NodeProto { attribute, ..node };
    let groups = AttributeProto { name: "group".into(), i: 3, r#type: 2, ..Default::default() };
    let by_row = AttributeProto { name: "transB".into(), i: 1, r#type: 2, ..Default::default() };
    graph.node = vec![
        node("Reshape", &["features", "as_channels"], "x"),
        with(node("Conv", &["x", "w0", "b0"], "c0"), vec![ints("pads", &[1, 1])]),
        node("BatchNormalization", &["c0", "scale", "shift", "mean", "variance"], "n0"),
        node("LeakyRelu", &["n0"], "h0"),
        with(
            node("MaxPool", &["h0"], "p0"),
            vec![ints("kernel_shape", &[2]), ints("strides", &[2])],
        ),
        with(node("Conv", &["p0", "w1"], "c1"), vec![groups]),
        node("Tanh", &["c1"], "h1"),
        node("GlobalAveragePool", &["h1"], "p1"),
        node("Flatten", &["p1"], "flat"),
        with(node("Gemm", &["flat", "w2", "b2"], "z"), vec![by_row]),
        node("Softmax", &["z"], "both"),
        node("Slice", &["both", "one", "two", "one"], "probability"),
    ];
    graph.input.push(matrix("features", None, channels * length));
    graph.output.push(matrix("probability", None, 1));
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..Default::default()
    }
}

/// Returns a list of whole numbers.
pub fn whole_numbers(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![values.len() as i64],
        data_type: data_type::INT64,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
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
