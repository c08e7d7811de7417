//! Models with one fault each: who refuses them, and with which message.

use std::io::Write;

use bm_infer::onnx::operators::NEWEST;
use bm_infer::onnx::testing::{dense_model, matrix, node, tensor};
use bm_infer::onnx::*;
use bm_infer::{InferError, ModelFile, Sha256};
use prost::Message;

use crate::backends::{chain, present};
use crate::networks::{file, gemm_model, graph, int, layers, value_info};

fn model() -> ModelProto {
    gemm_model(&layers(&[4, 3, 1], 6))
}

fn changed(change: impl FnOnce(&mut ModelProto)) -> ModelProto {
    let mut model = model();
    change(&mut model);
    model
}

/// Checks that `bytes` are refused when they are read, with a reason that contains `part`.
fn refused(what: &str, bytes: &[u8], part: &str) {
    match ModelFile::from_bytes(what, bytes.to_vec()) {
        Err(error @ InferError::ModelInvalid { .. }) => {
            let message = chain(&error);
            assert!(
                message.starts_with(what) && message.contains(part) && !message.contains('\n'),
                "{what}: {message}"
            );
        }
        other => panic!("{what} should be refused, found {other:?}"),
    }
}

/// Checks that every engine, or only the embedded one, refuses a model that can be read.
fn refused_by_engines(what: &str, model: &ModelProto, part: &str, all: bool) {
    let file = file(what, model);
    for present in present().iter().filter(|present| all || present.is_embedded()) {
        let error = present
            .backend
            .load(&file)
            .err()
            .unwrap_or_else(|| panic!("{what}: {} runs it", present.label));
        assert!(matches!(error, InferError::ModelUnsupported { .. }), "{what}: {error:?}");
        let message = chain(&error);
        assert!(message.starts_with(what) && !message.contains('\n'), "{what}: {message}");
        if present.is_embedded() {
            assert!(message.contains(part), "{what}: {message}");
        }
    }
}

#[test]
fn files_that_are_not_models_are_refused() {
    refused("empty", b"", "it has no graph");
    refused("text", b"# not a model\n", "");
    refused("html", b"<!DOCTYPE html><html></html>", "");
    refused("zeros", &[0; 4096], "");
    refused("ones", &[0xff; 4096], "");
    // A length beyond the end, and deeply nested messages.
    refused("length", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "");
    let mut nested = GraphProto::default();
    for _ in 0..200 {
        let attribute = AttributeProto { g: Some(Box::new(nested)), ..Default::default() };
        nested = GraphProto {
            node: vec![NodeProto { attribute: vec![attribute], ..Default::default() }],
            ..Default::default()
        };
    }
    refused(
        "nested",
        &ModelProto { graph: Some(nested), ..model() }.encode_to_vec(),
        "nested more than 64 deep",
    );
}

/// Names from a file cannot break a message into lines or move the cursor.
#[test]
fn control_characters_in_names_are_escaped() {
    let nasty = "a\nb\u{1b}[2J\u{7f}\u{85}";
    let shown = "a\\nb\\u{1b}[2J\\u{7f}\\u{85}";
    let of_input = changed(|model| {
        let graph = model.graph.as_mut().unwrap();
        graph.input[0].name = nasty.into();
        graph.input[0].r#type = None;
    });
    refused("input", &of_input.encode_to_vec(), &format!("{shown} is not a tensor"));
    let of_node = changed(|model| {
        let nodes = &mut model.graph.as_mut().unwrap().node;
        nodes[1].name = nasty.into();
        nodes[1].op_type = "Erf".into();
    });
    refused_by_engines("node", &of_node, &format!("{shown} (Erf) is not one of"), false);
    let model = file("digest", &model());
    let message = model.verify(nasty).unwrap_err().to_string();
    assert!(message.contains(shown) && !message.contains(|c: char| c.is_control()), "{message:?}");
}

#[test]
fn truncated_files_are_refused() {
    let whole = model().encode_to_vec();
    for end in 0..whole.len() {
        // A cut between two fields can leave a model, but without its operator set, which is
        // last.
        assert!(
            ModelFile::from_bytes("cut", whole[..end].to_vec()).is_err(),
            "{end} of {} bytes",
            whole.len()
        );
    }
}

#[test]
fn files_that_are_too_large_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.onnx");
    let file = std::fs::File::create(&path).unwrap();
    // A sparse file, larger than memory.
    let size = 1 << 40;
    file.set_len(size).or_else(|_| file.set_len(ModelFile::MAX_BYTES + 1)).unwrap();
    let size = file.metadata().unwrap().len();
    match ModelFile::open(&path) {
        Err(error @ InferError::ModelTooLarge { limit: ModelFile::MAX_BYTES, actual, .. }) => {
            assert_eq!(actual, size);
            assert!(error.to_string().contains("large.onnx"), "{error}");
        }
        other => panic!("found {other:?}"),
    }
    // The limit is the same for bytes in memory. A file of exactly this size is read, and is not a model.
    let bytes = vec![0; ModelFile::MAX_BYTES as usize + 1];
    assert!(matches!(ModelFile::from_bytes("large", bytes), Err(InferError::ModelTooLarge { .. })));
    file.set_len(ModelFile::MAX_BYTES).unwrap();
    assert!(matches!(ModelFile::open(&path), Err(InferError::ModelInvalid { .. })));
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.onnx"), folder.path().to_owned()] {
        let error = ModelFile::open(&path).err().unwrap();
        assert!(
            matches!(&error, InferError::ModelNotFound { path: p, .. } if *p == path),
            "{error:?}"
        );
        assert!(
            chain(&error).starts_with(&format!("{}: the model cannot be read: ", path.display())),
            "{}",
            chain(&error)
        );
    }
}

#[test]
fn a_file_is_read_unchanged_and_its_digest_is_checked() {
    let model = changed(|model| {
        model
            .metadata_props
            .push(StringStringEntryProto { key: "bm.id".into(), value: "small".into() });
    });
    let bytes = model.encode_to_vec();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
    let file = ModelFile::open(&path).unwrap();
    assert_eq!(file.bytes(), bytes);
    assert_eq!(file.name(), path.display().to_string());
    assert_eq!((file.metadata("bm.id"), file.metadata("bm.version")), (Some("small"), None));
    assert_eq!(file.sha256(), Sha256::of(&bytes));
    file.verify(&file.sha256().to_string()).unwrap();
    let other = Sha256::of(b"").to_string();
    assert_eq!(other, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    match file.verify(&other) {
        Err(error @ InferError::DigestMismatch { .. }) => {
            let message = error.to_string();
            assert!(
                message.contains(&other) && message.contains(&file.sha256().to_string()),
                "{message}"
            );
        }
        found => panic!("found {found:?}"),
    }
}

fn external(name: &str, location: i32) -> TensorProto {
    let entry = StringStringEntryProto { key: "location".into(), value: "/etc/passwd".into() };
    TensorProto {
        external_data: vec![entry],
        data_location: location,
        ..tensor(name, &[1], &[0.5])
    }
}

/// Weights in other files, in every field that holds a tensor: an engine would open the file that the
/// model names, on the user's disk.
#[test]
fn weights_in_other_files_are_refused() {
    let node_with = |attribute: AttributeProto| NodeProto {
        attribute: vec![attribute],
        ..node("Constant", &[], "c")
    };
    let subgraph = || GraphProto { initializer: vec![external("hidden", 1)], ..Default::default() };
    let deep = || {
        let inner =
            node_with(AttributeProto { t: Some(external("hidden", 1)), ..Default::default() });
        GraphProto { node: vec![inner], ..Default::default() }
    };
    let sparse = || SparseTensorProto { values: Some(external("hidden", 1)), indices: None };
    let indices = || SparseTensorProto { values: None, indices: Some(external("hidden", 1)) };
    let push = |node: NodeProto| changed(|model| graph(model).node.push(node));
    let attribute = AttributeProto::default;
    let models = [
        ("initialiser", changed(|m| graph(m).initializer.push(external("hidden", 1)))),
        ("without the mark", changed(|m| graph(m).initializer.push(external("hidden", 0)))),
        (
            "mark alone",
            changed(|m| {
                graph(m)
                    .initializer
                    .push(TensorProto { external_data: vec![], ..external("hidden", 1) })
            }),
        ),
        (
            "unknown mark",
            changed(|m| {
                graph(m)
                    .initializer
                    .push(TensorProto { external_data: vec![], ..external("hidden", 7) })
            }),
        ),
        (
            "attribute",
            push(node_with(AttributeProto { t: Some(external("hidden", 1)), ..attribute() })),
        ),
        (
            "attribute's list",
            push(node_with(AttributeProto { tensors: vec![external("hidden", 1)], ..attribute() })),
        ),
        (
            "subgraph",
            push(node_with(AttributeProto { g: Some(Box::new(subgraph())), ..attribute() })),
        ),
        (
            "subgraphs",
            push(node_with(AttributeProto {
                graphs: vec![GraphProto::default(), subgraph()],
                ..attribute()
            })),
        ),
        (
            "node of a subgraph",
            push(node_with(AttributeProto { g: Some(Box::new(deep())), ..attribute() })),
        ),
        (
            "function",
            changed(|m| {
                m.functions.push(FunctionProto { node: deep().node, ..Default::default() })
            }),
        ),
        (
            "function's default",
            changed(|m| {
                let default = AttributeProto { t: Some(external("hidden", 1)), ..attribute() };
                m.functions
                    .push(FunctionProto { attribute_proto: vec![default], ..Default::default() });
            }),
        ),
        ("sparse initialiser", changed(|m| graph(m).sparse_initializer.push(sparse()))),
        ("sparse indices", changed(|m| graph(m).sparse_initializer.push(indices()))),
        (
            "sparse attribute",
            push(node_with(AttributeProto { sparse_tensor: Some(sparse()), ..attribute() })),
        ),
        (
            "sparse list",
            push(node_with(AttributeProto { sparse_tensors: vec![sparse()], ..attribute() })),
        ),
    ];
    for (what, model) in models {
        refused(what, &model.encode_to_vec(), "the weights of hidden are in another file");
    }
}

/// Only the embedded engine knows which operator sets its operators are right for; another engine decides
/// for itself.
#[test]
fn unknown_operator_sets_are_refused_by_the_engine() {
    let of = |version| {
        changed(|model| {
            model.opset_import[0].version = version;
            graph(model).node[0].name = "layers.0".into();
        })
    };
    for version in [1, 6, NEWEST + 1, 99, i64::MAX] {
        let expected = format!(
            "layers.0 (Gemm) is of operator set {version}, expected 7 to {NEWEST}; the onnxruntime"
        );
        refused_by_engines("opset", &of(version), &expected, false);
    }
    for version in 7..=NEWEST {
        let file = file("opset", &of(version));
        assert_eq!(file.operator_set(), version);
        for present in present().iter().filter(|present| present.is_embedded()) {
            present.load(&file);
        }
    }
    // ONNX Runtime says itself what it does not know.
    for present in present().iter().filter(|present| !present.is_embedded()) {
        present.load(&file("opset", &of(22)));
        let message = chain(&present.backend.load(&file("opset", &of(99))).err().unwrap());
        assert!(message.starts_with("opset: the onnxruntime backend cannot run"), "{message}");
        assert!(message.contains("99") && message.to_lowercase().contains("opset"), "{message}");
    }
    for version in [i64::MIN, -1, 0] {
        refused(
            "opset",
            &of(version).encode_to_vec(),
            &format!("operator set {version}, expected 1 or later"),
        );
    }
    refused(
        "no opset",
        &changed(|model| model.opset_import.clear()).encode_to_vec(),
        "it names no operator set",
    );
    let other = changed(|model| model.opset_import[0].domain = "com.example".into());
    refused("other opset", &other.encode_to_vec(), "it names no operator set");
}

#[test]
fn inputs_and_outputs_that_are_not_one_matrix_are_refused() {
    let with_input =
        |input: ValueInfoProto| changed(|model| graph(model).input[0] = input).encode_to_vec();
    refused("no graph", &changed(|m| m.graph = None).encode_to_vec(), "it has no graph");
    refused(
        "no input",
        &changed(|m| graph(m).input.clear()).encode_to_vec(),
        "expected one input, found 0",
    );
    refused(
        "two inputs",
        &changed(|m| graph(m).input.push(matrix("more", None, 2))).encode_to_vec(),
        "expected one input, found 2",
    );
    refused(
        "no output",
        &changed(|m| graph(m).output.clear()).encode_to_vec(),
        "expected one output, found 0",
    );
    refused(
        "two outputs",
        &changed(|m| graph(m).output.push(matrix("h0", None, 3))).encode_to_vec(),
        "expected one output, found 2",
    );
    refused(
        "no type",
        &with_input(ValueInfoProto { name: "features".into(), r#type: None }),
        "features is not a tensor",
    );
    for (elem_type, what) in
        [(0, "undefined"), (7, "int64"), (10, "float16"), (11, "double"), (-1, "negative")]
    {
        let mut input = matrix("features", None, 4);
        input.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = elem_type;
        refused(
            what,
            &with_input(input),
            &format!("features is of type {elem_type}, expected float (1)"),
        );
    }
    let mut no_shape = matrix("features", None, 4);
    no_shape.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape = None;
    refused("no shape", &with_input(no_shape), "features has no shape");
    for dims in [&[][..], &[4], &[2, 3, 4], &[2, 4, 1, 8], &[1, 4, 1, 8, 1]] {
        refused(
            "rank",
            &with_input(value_info("features", dims)),
            "expected [batch, n], [1, n, rows, columns]",
        );
    }
    let mut open_width = matrix("features", None, 4);
    open_width.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap().dim
        [1] = DimensionProto::default();
    refused("open width", &with_input(open_width), "has the shape [?, ?]");
    refused(
        "other batch",
        &with_input(matrix("features", Some(8), 4)),
        "do not have the same batch dimension",
    );
}

/// Dimensions that would need much memory.
#[test]
fn dimensions_that_no_network_has_are_refused() {
    for value in [0, -1, i64::MIN, (1 << 20) + 1, i64::MAX] {
        for index in [0, 1] {
            let mut input = matrix("features", Some(4), 4);
            input
                .r#type
                .as_mut()
                .unwrap()
                .tensor_type
                .as_mut()
                .unwrap()
                .shape
                .as_mut()
                .unwrap()
                .dim[index]
                .dim_value = Some(value);
            let model = changed(|model| graph(model).input[0] = input);
            refused(
                "dimension",
                &model.encode_to_vec(),
                &format!("a dimension of {value}, expected 1 to 1048576"),
            );
        }
    }
    // Each dimension alone is allowed, but a block of them would need terabytes.
    for dims in [&[1 << 20, 1 << 20][..], &[1, 1 << 20, 1, 1 << 20]] {
        let model = ModelProto {
            graph: Some(GraphProto {
                node: vec![node("Relu", &["x"], "y")],
                input: vec![value_info("x", dims)],
                output: vec![value_info("y", dims)],
                ..Default::default()
            }),
            ..model()
        };
        refused("block", &model.encode_to_vec(), "one batch holds");
    }
}

#[test]
fn weights_that_do_not_fit_their_shape_are_refused() {
    let with =
        |change: fn(&mut TensorProto)| changed(|model| change(&mut graph(model).initializer[0]));
    let all = true;
    refused_by_engines(
        "too few",
        &with(|t| t.raw_data.truncate(8)),
        "w0 of shape [3, 4] has 2 values",
        all,
    );
    refused_by_engines(
        "odd bytes",
        &with(|t| t.raw_data.truncate(47)),
        "not a whole number of floats",
        all,
    );
    refused_by_engines("negative", &with(|t| t.dims[0] = -3), "w0 has a dimension of -3", all);
    refused_by_engines("huge", &with(|t| t.dims = vec![i64::MAX, i64::MAX]), "has 12 values", all);
    // 2⁶³ × 2 is 0 in 64 bits, and (2³² + 1) × (2³² − 1) + 13 would be 12.
    refused_by_engines("overflow", &with(|t| t.dims = vec![1 << 62, 4]), "has 12 values", all);
    refused_by_engines(
        "empty",
        &with(|t| (t.dims, t.raw_data) = (vec![0, 4], vec![])),
        "w0 has a dimension of 0",
        all,
    );
    refused_by_engines(
        "nothing",
        &with(|t| (t.dims, t.raw_data) = (vec![i64::MAX, 0], vec![])),
        "w0 has a dimension of 0",
        all,
    );
    refused_by_engines(
        "other type",
        &with(|t| t.data_type = 11),
        "w0 is of type 11, expected float (1)",
        all,
    );
    refused_by_engines("vector", &with(|t| t.dims = vec![12]), "expected a matrix", all);
    refused_by_engines(
        "other shape",
        &with(|t| t.dims = vec![4, 3]),
        "Gemm maps 3 values to 4, its input has 4",
        all,
    );
    refused_by_engines(
        "no matrix at all",
        &changed(|m| graph(m).initializer.remove(0).raw_data.clear()),
        "w0 is not a constant in the file",
        all,
    );
    let biases =
        |change: fn(&mut TensorProto)| changed(|model| change(&mut graph(model).initializer[1]));
    refused_by_engines(
        "biases",
        &biases(|t| (t.dims, t.raw_data) = (vec![2], vec![0; 8])),
        "Gemm combines rows of shape [1, 3] with numbers of shape [2]",
        false,
    );
}

/// Without biases only the weights give the number of outputs.
#[test]
fn weights_of_no_size_are_refused_without_biases_too() {
    for (operator, dims) in
        [("Gemm", vec![i64::MAX, 0]), ("MatMul", vec![0, i64::MAX]), ("MatMul", vec![0, 0])]
    {
        let mut model = changed(|model| {
            let graph = graph(model);
            graph.node[0].op_type = operator.into();
            graph.node[0].input.truncate(2);
            graph.initializer[0].dims = dims;
            graph.initializer[0].raw_data.clear();
        });
        if operator == "MatMul" {
            graph(&mut model).node[0].attribute.clear();
        }
        refused_by_engines(operator, &model, "w0 has a dimension of 0", false);
    }
}

/// The same weights used many times: a file of some kilobytes would need gigabytes of memory.
#[test]
fn weights_that_many_nodes_use_have_a_limit() {
    const WIDTH: usize = 2048;
    let mut model = dense_model(&[(WIDTH, vec![0.0; WIDTH * WIDTH], vec![0.0; WIDTH])]);
    {
        let graph = graph(&mut model);
        let (gemm, sigmoid) = (graph.node.remove(0), graph.node.remove(0));
        let mut value = "features".to_owned();
        for i in 0..1000 {
            let next = format!("v{i}");
            graph.node.push(NodeProto {
                input: vec![value, "w0".into(), "b0".into()],
                output: vec![next.clone()],
                ..gemm.clone()
            });
            value = next;
        }
        graph.node.push(NodeProto { input: vec![value], ..sigmoid });
    }
    refused_by_engines("again", &model, "weights in total, expected at most", false);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for tensor in 0..4 {
            let model = changed(|model| {
                graph(model).initializer[tensor].raw_data[..4]
                    .copy_from_slice(&value.to_le_bytes());
            });
            let name = ["w0", "b0", "w1", "b1"][tensor];
            refused_by_engines(
                "not finite",
                &model,
                &format!("{name} has {value} at index 0"),
                false,
            );
        }
    }
    // A weight that is finite until it is multiplied.
    let model = changed(|model| {
        graph(model).initializer[0].raw_data[..4].copy_from_slice(&f32::MAX.to_le_bytes());
        let attribute = &mut graph(model).node[0].attribute;
        attribute.push(AttributeProto {
            name: "alpha".into(),
            f: 4.0,
            r#type: 1,
            ..Default::default()
        });
    });
    refused_by_engines("overflow", &model, "has weights that are not finite", false);
}

/// ONNX Runtime loads NaN weights; its output is then refused.
#[test]
fn an_output_from_weights_that_are_not_finite_is_refused() {
    let model = changed(|model| {
        graph(model).initializer[2].raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes())
    });
    let file = file("NaN", &model);
    for present in present().iter().filter(|present| !present.is_embedded()) {
        let mut session = present.load(&file);
        let error = session
            .run(bm_infer::TensorRef::new([1, 4], &[0.5; 4]).unwrap(), &mut Vec::new())
            .err();
        assert!(
            matches!(error, Some(InferError::OutputMismatch { .. })),
            "{}: {error:?}",
            present.label
        );
    }
}

#[test]
fn graphs_with_gaps_and_loops_are_refused() {
    let with = |change: fn(&mut GraphProto)| changed(|model| change(graph(model)));
    let all = true;
    refused_by_engines(
        "gap",
        &with(|g| drop(g.node.remove(1))),
        "Gemm takes h0, expected the output of an earlier node",
        all,
    );
    refused_by_engines(
        "loop",
        &with(|g| g.node[0].input[0] = "h0".into()),
        "Gemm takes h0, expected the output of an earlier node",
        all,
    );
    refused_by_engines(
        "short",
        &with(|g| drop(g.node.pop())),
        "no node has the output probability",
        all,
    );
    refused_by_engines(
        "no nodes",
        &with(|g| g.node.clear()),
        "no node has the output probability",
        all,
    );
    refused_by_engines(
        "the same name twice",
        &with(|g| {
            g.node[1].output[0] = "z0".into();
            g.node[2].input[0] = "z0".into();
        }),
        "z0 is defined twice",
        all,
    );
    refused_by_engines(
        "the name of a constant",
        &with(|g| {
            g.node[1].output[0] = "w1".into();
            g.node[2].input[0] = "w1".into();
        }),
        "w1 is defined twice",
        all,
    );
    refused_by_engines(
        "the input again",
        &with(|g| {
            g.node[1].output[0] = "features".into();
            g.node[2].input[0] = "features".into();
        }),
        "features is defined twice",
        all,
    );
    refused_by_engines(
        "two constants",
        &with(|g| g.initializer.push(g.initializer[0].clone())),
        "two constants are named w0",
        false,
    );
    refused_by_engines(
        "nothing taken",
        &with(|g| g.node[1].input.clear()),
        "Relu has no input",
        all,
    );
    refused_by_engines(
        "nothing made",
        &with(|g| g.node[3].output.clear()),
        "Sigmoid has no output",
        all,
    );
    refused_by_engines(
        "computed weights",
        &with(|g| g.node[2].input[1] = "h0".into()),
        "h0 is not a constant in the file",
        false,
    );
    refused_by_engines(
        "wrong width",
        &with(|g| g.output[0] = matrix("probability", None, 2)),
        "probability has the shape [1, 1] for a row, the file says [1, 2]",
        false,
    );
}

#[test]
fn operators_that_the_embedded_engine_does_not_have_are_refused() {
    let with = |change: fn(&mut GraphProto)| changed(|model| change(graph(model)));
    let embedded_only = false;
    let unknown = with(|g| (g.node[1].op_type, g.node[1].name) = ("Erf".into(), "layers.1".into()));
    refused_by_engines(
        "Erf",
        &unknown,
        "layers.1 (Erf) is not one of Gemm, MatMul,",
        embedded_only,
    );
    refused_by_engines(
        "what to do",
        &unknown,
        "the onnxruntime backend runs all of ONNX",
        embedded_only,
    );
    refused_by_engines(
        "no such operator",
        &with(|g| g.node[1].op_type = "Quux".into()),
        "Quux is not one of",
        true,
    );
    refused_by_engines(
        "domain",
        &with(|g| g.node[1].domain = "com.example".into()),
        "from the operator set com.example",
        true,
    );
    refused_by_engines(
        "transA",
        &with(|g| g.node[0].attribute.push(int("transA", 1))),
        "transA",
        embedded_only,
    );
    let axis = with(|g| {
        (g.node[1].op_type, g.node[1].attribute) = ("Flatten".into(), vec![int("axis", 0)])
    });
    refused_by_engines("Flatten", &axis, "Flatten", embedded_only);
    refused_by_engines(
        "typed",
        &with(|g| g.node[0].attribute[0].r#type = 1),
        "transB is of type 1, expected 2",
        true,
    );
    let late = with(|g| {
        (g.node[1].op_type, g.node[1].input) = ("Add".into(), vec!["z0".into(), "w0".into()])
    });
    refused_by_engines(
        "Add",
        &late,
        "Add combines rows of shape [1, 3] with numbers of shape [3, 4]",
        embedded_only,
    );
    let training = with(|g| {
        g.node[1] = NodeProto {
            input: vec!["z0".into(), "".into(), "training".into()],
            ..node("Dropout", &[], "h0")
        };
        g.initializer.push(TensorProto {
            data_type: 9,
            raw_data: vec![1],
            name: "training".into(),
            ..Default::default()
        });
    });
    refused_by_engines("training", &training, "Dropout has training_mode set", embedded_only);
}
