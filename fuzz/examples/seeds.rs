//! Writes the seeds of the fuzz targets `onnx` and `filter`: small models of every form, and the
//! broken specimens of `testdata` with flags before them.
// Any error stops the program.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use bm_infer::onnx::testing::{
    Convolution, classifier, correction_model, dense_model, matrix, node, tensor,
};
use bm_infer::onnx::{AttributeProto, DimensionProto, GraphProto, ModelProto, OperatorSetIdProto};
use prost::Message;

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let write = |target: &str, name: &str, content: &[u8]| {
        fs::create_dir_all(corpus.join(target)).unwrap();
        fs::write(corpus.join(target).join(name), content).unwrap();
    };
    for (name, model) in models() {
        write("onnx", name, &model.encode_to_vec());
    }
    // One specimen per set of flags, in turn; the fuzzer makes other combinations.
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/broken");
    let mut specimens: Vec<_> =
        fs::read_dir(broken).unwrap().map(|entry| entry.unwrap().path()).collect();
    specimens.retain(|path| path.extension().is_some_and(|extension| extension != "tsv"));
    specimens.sort();
    for (flags, path) in FLAGS.iter().zip(specimens.iter().cycle().step_by(5)) {
        let name = format!(
            "{}-{}",
            flags.map(|byte| format!("{byte:02x}")).concat(),
            path.file_name().unwrap().to_str().unwrap()
        );
        write("filter", &name, &[flags, &fs::read(path).unwrap()[..]].concat());
    }
}

/// Sets of flags of the target `filter`: each flag at least once, and each set of pair options.
const FLAGS: [[u8; 3]; 16] = [
    [0, 0x01, 0],
    [0, 0x02, 0],
    [0, 0x0c, 0],
    [0, 0x18, 0x3f],
    [0, 0x20, 0x0f],
    [0, 0x40, 0],
    [0, 0x80, 0],
    [2, 0x01, 0],
    [2, 0x0a, 0x20],
    [4, 0, 0],
    [6, 0x4b, 0],
    [1, 0, 0],
    [1, 0x01, 0x40],
    [1, 0x08, 0x80],
    [3, 0x02, 0xc0],
    [7, 0x29, 0x40],
];

/// Returns small models, by name, with varied weights.
fn models() -> Vec<(&'static str, ModelProto)> {
    let numbers = |count: usize| -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + 11) % 41) as f32 / 20.0 - 1.0).collect()
    };
    let convolution = |outputs, inputs, window| Convolution {
        outputs,
        inputs,
        window,
        weights: numbers(outputs * inputs * window),
        biases: numbers(outputs),
    };
    let layer = |outputs, inputs| (outputs, numbers(outputs * inputs), numbers(outputs));
    let mut flat = dense_model(&[layer(3, 2), layer(1, 3)]);
    if let Some(graph) = &mut flat.graph {
        // Weights in `float_data`, the older representation.
        for tensor in &mut graph.initializer {
            tensor.float_data = tensor
                .raw_data
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            tensor.raw_data.clear();
        }
    }
    vec![
        ("dense", dense_model(&[layer(4, 3), layer(2, 4)])),
        ("dense-one", dense_model(&[layer(1, 1)])),
        ("dense-wide", dense_model(&[layer(40, 5), layer(33, 40), layer(3, 33)])),
        ("dense-float-data", flat),
        ("classifier", classifier([2, 5], |count, _| numbers(count))),
        ("classifier-fixed", fixed(classifier([1, 6], |count, _| numbers(count)))),
        ("matmul", matmul(numbers(6), numbers(3))),
        (
            "correction",
            correction_model(&convolution(4, 2, 3), &convolution(1, 4, 1), &convolution(1, 2, 1)),
        ),
        (
            "correction-wide",
            correction_model(&convolution(16, 3, 5), &convolution(1, 16, 1), &convolution(1, 3, 1)),
        ),
        (
            "correction-one",
            correction_model(&convolution(1, 1, 1), &convolution(1, 1, 1), &convolution(1, 1, 1)),
        ),
    ]
}

/// Returns a model as one for a single row, with `Softmax` over an axis that is then no batch.
fn fixed(mut model: ModelProto) -> ModelProto {
    if let Some(graph) = &mut model.graph {
        for value in graph.input.iter_mut().chain(&mut graph.output) {
            let dims = value.r#type.as_mut().and_then(|it| it.tensor_type.as_mut());
            let first = dims.and_then(|it| it.shape.as_mut()).and_then(|it| it.dim.first_mut());
            *first.unwrap() = DimensionProto { dim_value: Some(1), dim_param: None };
        }
    }
    model.opset_import[0].version = 12;
    model
}

/// Returns a model with `MatMul`, `Add`, and operators that change nothing.
fn matmul(weights: Vec<f32>, biases: Vec<f32>) -> ModelProto {
    let mut flatten = node("Flatten", &["x"], "flat");
    flatten.attribute.push(AttributeProto {
        name: "axis".into(),
        i: 1,
        r#type: 2,
        ..Default::default()
    });
    let nodes = vec![
        flatten,
        node("MatMul", &["flat", "w"], "product"),
        node("Add", &["product", "b"], "sum"),
        node("Identity", &["sum"], "same"),
        node("Dropout", &["same"], "kept"),
        node("Sigmoid", &["kept"], "y"),
    ];
    let graph = GraphProto {
        node: nodes,
        name: "matmul".into(),
        initializer: vec![tensor("w", &[2, 3], &weights), tensor("b", &[3], &biases)],
        input: vec![matrix("x", None, 2)],
        output: vec![matrix("y", None, 3)],
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..Default::default()
    }
}
