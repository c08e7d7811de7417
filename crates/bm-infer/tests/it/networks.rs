//! Networks with random weights, as ONNX models and as numbers for the reference.

use bm_infer::ModelFile;
use bm_infer::onnx::testing::{dense_model, matrix, node, tensor};
use bm_infer::onnx::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use prost::Message;

/// Reproducible numbers (a linear congruential generator: Knuth, MMIX).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// A number from 0 to below 2³².
    pub(crate) fn word(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.word() as usize % limit
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.word() >> 8) as f32 / (1 << 24) as f32
    }

    /// Numbers in −`most`..`most`.
    pub(crate) fn around_zero(&mut self, count: usize, most: f32) -> Vec<f32> {
        (0..count).map(|_| (2.0 * self.unit() - 1.0) * most).collect()
    }

    /// Rows like encoded reads: in 0..1, with a level that rises from row to row.
    pub(crate) fn rows(&mut self, rows: usize, features: usize) -> Vec<f32> {
        (0..rows * features)
            .map(|i| 0.6 * self.unit() + 0.4 * ((i / features * 7) % 10) as f32 / 10.0)
            .collect()
    }
}

/// The activation of a layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Then {
    Nothing,
    Relu,
    Sigmoid,
}

/// A dense layer: weights `[outputs, inputs]` in C order.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) outputs: usize,
    pub(crate) weights: Vec<f32>,
    pub(crate) biases: Vec<f32>,
    pub(crate) then: Then,
}

impl Layer {
    pub(crate) fn inputs(&self) -> usize {
        self.weights.len() / self.outputs
    }
}

/// Layers of these widths (features first), with weights large enough for outputs on both sides of
/// 0.5.
pub(crate) fn layers(widths: &[usize], seed: u64) -> Vec<Layer> {
    let mut numbers = Numbers::new(seed);
    let last = widths.len() - 2;
    let layer = |(i, pair): (usize, &[usize])| Layer {
        outputs: pair[1],
        weights: numbers.around_zero(pair[0] * pair[1], (6.0 / pair[0] as f32).sqrt()),
        biases: numbers.around_zero(pair[1], 0.5),
        then: if i == last { Then::Sigmoid } else { Then::Relu },
    };
    widths.windows(2).enumerate().map(layer).collect()
}

/// Returns the outputs of a layer in double precision, and how much a correct engine may differ.
///
/// Let u = 2⁻²⁴, half the distance of two floats near 1. A sum of n products and a bias, each rounded,
/// in any order and fused or not, is within γ = (n + 3) u times the sum of the absolute terms (Higham,
/// Accuracy and Stability of Numerical Algorithms, §3.1; one more rounding for a weight multiplied by
/// alpha or beta before). The errors of the inputs, multiplied by the weights, are added. ReLU adds no
/// error. The sigmoid passes on at most a quarter of the error and adds its own rounding: engines
/// approximate the exponential to some units in the last place of 1.
pub(crate) fn reference(layers: &[Layer], row: &[f32]) -> Vec<(f64, f64)> {
    const U: f64 = 1.0 / (1u64 << 24) as f64;
    let mut values: Vec<(f64, f64)> = row.iter().map(|x| (f64::from(*x), 0.0)).collect();
    for layer in layers {
        let gamma = (layer.inputs() as f64 + 3.0) * U;
        let sum = |(weights, bias): (&[f32], &f32)| {
            let (mut sum, mut size, mut off) = (f64::from(*bias), f64::from(*bias).abs(), 0.0);
            for (weight, (value, bound)) in weights.iter().zip(&values) {
                let weight = f64::from(*weight);
                sum += weight * value;
                size += weight.abs() * (value.abs() + bound);
                off += weight.abs() * bound;
            }
            let bound = off + gamma * size;
            match layer.then {
                Then::Nothing => (sum, bound),
                Then::Relu => (sum.max(0.0), bound),
                Then::Sigmoid => (1.0 / (1.0 + (-sum).exp()), bound / 4.0 + 8.0 * U),
            }
        };
        values = layer.weights.chunks_exact(layer.inputs()).zip(&layer.biases).map(sum).collect();
    }
    values
}

/// A model and the layers that it computes.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) model: ModelProto,
    pub(crate) layers: Vec<Layer>,
    /// The message of the embedded engine if it does not run such a model.
    pub(crate) refused_by_embedded: Option<&'static str>,
}

impl Case {
    pub(crate) fn file(&self) -> ModelFile {
        file(&self.name, &self.model)
    }

    pub(crate) fn features(&self) -> usize {
        self.layers[0].inputs()
    }
}

pub(crate) fn file(name: &str, model: &ModelProto) -> ModelFile {
    ModelFile::from_bytes(name, model.encode_to_vec()).unwrap_or_else(|error| panic!("{error}"))
}

/// The model of `layers` as `Gemm` nodes with `transB`, the form of the trained models.
pub(crate) fn gemm_model(layers: &[Layer]) -> ModelProto {
    dense_model(
        &layers
            .iter()
            .map(|l| (l.outputs, l.weights.clone(), l.biases.clone()))
            .collect::<Vec<_>>(),
    )
}

pub(crate) fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, r#type: 2, ..Default::default() }
}

pub(crate) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f, r#type: 1, ..Default::default() }
}

/// Every form of network that the tests run.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (seed, widths) in [
        &[300, 128, 64, 1][..],
        &[1, 1],
        &[3, 1],
        &[5, 33, 2],
        &[7, 31, 17, 16],
        &[64, 15, 1],
        &[150, 65, 3, 70, 1],
    ]
    .into_iter()
    .enumerate()
    {
        let layers = layers(widths, seed as u64);
        cases.push(Case {
            name: format!("{widths:?}"),
            model: gemm_model(&layers),
            layers,
            refused_by_embedded: None,
        });
    }
    let form = |name: &str, make: fn(&[Layer]) -> ModelProto, refused_by_embedded| {
        let layers = layers(&[20, 37, 9, 2], 99);
        Case { name: name.to_owned(), model: make(&layers), layers, refused_by_embedded }
    };
    cases.push(form("MatMul and Add", |layers| chain_model(layers, matmul), None));
    cases.push(form("Gemm without transB", |layers| chain_model(layers, gemm_plain), None));
    cases.push(form("values as numbers, not bytes", as_numbers, None));
    cases.push(form("weights among the inputs", weights_among_inputs, None));
    cases.push(form("nodes that change nothing", with_nodes_that_change_nothing, None));
    cases.push(form("domain ai.onnx", domain_by_name, None));
    cases.push(form("one batch size", |layers| fixed_batch(layers, 8), None));
    cases.push(form("columns", |layers| columns(layers, [2, 4]), None));
    cases.push(form("a branch without effect", with_a_branch, None));
    cases.push(form("Neg twice", unknown_operator, Some("first (Neg) is not one of Gemm")));

    let mut scaled =
        form("Gemm with alpha and beta", |layers| chain_model(layers, gemm_scaled), None);
    for layer in &mut scaled.layers {
        layer.weights.iter_mut().for_each(|weight| *weight *= 0.7);
        layer.biases.iter_mut().for_each(|bias| *bias *= -1.3);
    }
    cases.push(scaled);
    let mut no_biases =
        form("Gemm without biases", |layers| chain_model(layers, gemm_without_biases), None);
    no_biases.layers.iter_mut().for_each(|layer| layer.biases.fill(0.0));
    cases.push(no_biases);
    let mut open = form("no activation at the end", gemm_model, None);
    open.layers.last_mut().unwrap().then = Then::Nothing;
    let nodes = &mut graph(&mut open.model).node;
    nodes.pop();
    nodes.last_mut().unwrap().output = vec!["probability".into()];
    cases.push(open);
    cases
}

/// Returns the nodes of one layer, given the names of its input and output.
type Nodes = fn(&Layer, usize, &str, &str) -> (Vec<NodeProto>, Vec<TensorProto>);

/// A model whose layers are the nodes that `nodes` returns.
fn chain_model(layers: &[Layer], nodes: Nodes) -> ModelProto {
    let mut graph = GraphProto { name: "chain".into(), ..Default::default() };
    let mut value = "features".to_owned();
    for (i, layer) in layers.iter().enumerate() {
        let (sums, next) = (
            format!("z{i}"),
            if i + 1 == layers.len() { "probability".to_owned() } else { format!("h{i}") },
        );
        let (made, constants) = nodes(layer, i, &value, &sums);
        graph.node.extend(made);
        graph.initializer.extend(constants);
        graph.node.push(node(
            if layer.then == Then::Sigmoid { "Sigmoid" } else { "Relu" },
            &[&sums],
            &next,
        ));
        value = next;
    }
    graph.input.push(matrix("features", None, layers[0].inputs()));
    graph.output.push(matrix("probability", None, layers.last().unwrap().outputs));
    ModelProto {
        ir_version: 7,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

/// Weights `[inputs, outputs]`.
fn transposed(name: &str, layer: &Layer) -> TensorProto {
    let (inputs, outputs) = (layer.inputs(), layer.outputs);
    let values: Vec<f32> = (0..inputs)
        .flat_map(|i| (0..outputs).map(move |o| (i, o)))
        .map(|(i, o)| layer.weights[o * inputs + i])
        .collect();
    tensor(name, &[inputs, outputs], &values)
}

fn matmul(layer: &Layer, i: usize, from: &str, to: &str) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let (w, b, product) = (format!("w{i}"), format!("b{i}"), format!("product{i}"));
    let nodes = vec![node("MatMul", &[from, &w], &product), node("Add", &[&product, &b], to)];
    // Exporters write a bias in both forms.
    let dims: &[usize] = if i == 0 { &[layer.outputs] } else { &[1, layer.outputs] };
    (nodes, vec![transposed(&w, layer), tensor(&b, dims, &layer.biases)])
}

fn gemm_plain(layer: &Layer, i: usize, from: &str, to: &str) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let (w, b) = (format!("w{i}"), format!("b{i}"));
    (
        vec![node("Gemm", &[from, &w, &b], to)],
        vec![transposed(&w, layer), tensor(&b, &[1, layer.outputs], &layer.biases)],
    )
}

fn gemm_scaled(
    layer: &Layer,
    i: usize,
    from: &str,
    to: &str,
) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let (mut nodes, constants) = gemm_plain(layer, i, from, to);
    nodes[0].attribute =
        vec![float("alpha", 0.7), float("beta", -1.3), int("transA", 0), int("transB", 0)];
    (nodes, constants)
}

fn gemm_without_biases(
    layer: &Layer,
    i: usize,
    from: &str,
    to: &str,
) -> (Vec<NodeProto>, Vec<TensorProto>) {
    let (mut nodes, mut constants) = gemm_plain(layer, i, from, to);
    nodes[0].input.truncate(2);
    constants.truncate(1);
    (nodes, constants)
}

fn as_numbers(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    for tensor in &mut graph(&mut model).initializer {
        tensor.float_data = tensor.floats().unwrap().1;
        tensor.raw_data.clear();
    }
    model
}

/// Weights as inputs, as in files up to version 3 of the format.
fn weights_among_inputs(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    model.ir_version = 3;
    let graph = graph(&mut model);
    for tensor in &graph.initializer {
        let dims: Vec<usize> = tensor.dims.iter().map(|d| *d as usize).collect();
        graph.input.push(value_info(&tensor.name, &dims));
    }
    model
}

fn with_nodes_that_change_nothing(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    let graph = graph(&mut model);
    graph.node[0].input[0] = "flat".into();
    graph.node[2].input[0] = "dropped".into();
    let mut flatten = node("Flatten", &["same"], "flat");
    flatten.attribute.push(int("axis", 1));
    graph.node.insert(2, node("Dropout", &["h0"], "dropped"));
    graph.node.insert(0, flatten);
    graph.node.insert(0, node("Identity", &["features"], "same"));
    model
}

fn with_a_branch(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    graph(&mut model).node.push(node("Relu", &["z0"], "aside"));
    model
}

fn domain_by_name(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    model.opset_import[0].domain = "ai.onnx".into();
    model
}

pub(crate) fn fixed_batch(layers: &[Layer], size: usize) -> ModelProto {
    let mut model = gemm_model(layers);
    let graph = graph(&mut model);
    graph.input[0] = matrix("features", Some(size), layers[0].inputs());
    graph.output[0] = matrix("probability", Some(size), layers.last().unwrap().outputs);
    model
}

/// The layout of the Neural Engine: every layer is a 1 × 1 convolution over `[1, width, rows,
/// columns]`.
pub(crate) fn columns(layers: &[Layer], [rows, columns]: [usize; 2]) -> ModelProto {
    let mut model = chain_model(layers, |layer, i, from, to| {
        let (w, b) = (format!("w{i}"), format!("b{i}"));
        let weights = tensor(&w, &[layer.outputs, layer.inputs(), 1, 1], &layer.weights);
        (
            vec![node("Conv", &[from, &w, &b], to)],
            vec![weights, tensor(&b, &[layer.outputs], &layer.biases)],
        )
    });
    let graph = graph(&mut model);
    graph.input[0] = value_info("features", &[1, layers[0].inputs(), rows, columns]);
    graph.output[0] =
        value_info("probability", &[1, layers.last().unwrap().outputs, rows, columns]);
    model
}

/// The same result with operators that the embedded engine does not have.
fn unknown_operator(layers: &[Layer]) -> ModelProto {
    let mut model = gemm_model(layers);
    let graph = graph(&mut model);
    graph.node[0].input[0] = "again".into();
    graph.node.insert(0, node("Neg", &["negative"], "again"));
    graph.node.insert(0, node("Neg", &["features"], "negative"));
    graph.node[0].name = "first".into();
    model
}

/// An input or output of this shape.
pub(crate) fn value_info(name: &str, dims: &[usize]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|d| DimensionProto { dim_value: Some(*d as i64), dim_param: None })
        .collect();
    let tensor_type = Some(TensorTypeProto {
        elem_type: data_type::FLOAT,
        shape: Some(TensorShapeProto { dim }),
    });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}
