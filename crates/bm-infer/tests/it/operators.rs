//! Random classifiers of every operator, in every operator set: each engine has the same answer.

use bm_infer::onnx::operators::NEWEST;
use bm_infer::onnx::testing::{ints, matrix, node, tensor, whole_numbers};
use bm_infer::onnx::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
};
use bm_infer::{InferError, TensorRef};
use proptest::prelude::*;

use crate::backends::{chain, present, run};
use crate::networks::{Numbers, file, float, int, value_info};

/// Maximum difference of an output between two engines: some hundred terms in single precision.
const BETWEEN_ENGINES: f32 = 5e-6;

/// The newest operator set that ONNX Runtime 1.28 accepts.
const NEWEST_OF_RUNTIME: i64 = 26;

/// A network while it is made: its nodes, and the shape of a row's value.
struct Net {
    set: i64,
    numbers: Numbers,
    graph: GraphProto,
    value: String,
    /// `[channels, positions, ...]` or `[values]`.
    shape: Vec<usize>,
    features: usize,
}

impl Net {
    fn new(seed: u64, set: i64, shape: &[usize]) -> Self {
        let features = shape.iter().product();
        let mut net = Self {
            set,
            numbers: Numbers::new(seed),
            graph: GraphProto { name: "random".into(), ..Default::default() },
            value: "features".into(),
            shape: vec![features],
            features,
        };
        net.reshape(shape);
        net
    }

    fn name(&self, what: &str) -> String {
        format!("{what}{}", self.graph.node.len() + self.graph.initializer.len())
    }

    fn constant(&mut self, tensor: TensorProto) -> String {
        let name = self.name("c");
        self.graph.initializer.push(TensorProto { name: name.clone(), ..tensor });
        name
    }

    /// Weights for sums of `terms`, around zero.
    fn weights(&mut self, dims: &[usize], terms: usize) -> String {
        let most = (3.0 / terms as f32).sqrt();
        let values = self.numbers.around_zero(dims.iter().product(), most);
        self.constant(tensor("", dims, &values))
    }

    fn positive(&mut self, count: usize) -> String {
        let values: Vec<f32> = (0..count).map(|_| 0.5 + self.numbers.unit()).collect();
        self.constant(tensor("", &[count], &values))
    }

    fn list(&mut self, values: &[i64]) -> String {
        self.constant(whole_numbers("", values))
    }

    /// Adds a node that takes the value, then these constants.
    fn push(&mut self, op: &str, constants: &[String], attribute: Vec<AttributeProto>) {
        let to = self.name("v");
        let inputs: Vec<&str> = std::iter::once(self.value.as_str())
            .chain(constants.iter().map(String::as_str))
            .collect();
        let made = NodeProto { attribute, ..node(op, &inputs, &to) };
        self.graph.node.push(made);
        self.value = to;
    }

    fn reshape(&mut self, shape: &[usize]) {
        let sizes: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
        let target = match self.numbers.below(3) {
            0 => self.list(&[&[-1][..], &sizes].concat()),
            1 => self.list(&[&[0][..], &sizes].concat()),
            _ => self.view(&sizes),
        };
        self.push("Reshape", &[target], vec![]);
        self.shape = shape.to_vec();
    }

    /// The number of rows and these sizes, as exporters write `view`.
    fn view(&mut self, sizes: &[i64]) -> String {
        let (value, at) = (self.value.clone(), self.constant(number("", 0)));
        self.push("Shape", &[], vec![]);
        self.push("Gather", &[at], vec![int("axis", 0)]);
        self.with_axes("Unsqueeze", 13, &[0], vec![]);
        let sizes = self.list(sizes);
        self.push("Concat", &[sizes], vec![int("axis", 0)]);
        std::mem::replace(&mut self.value, value)
    }

    /// Axes as an attribute or as an input, and the remaining inputs.
    fn with_axes(&mut self, op: &str, first: i64, axes: &[i64], mut more: Vec<AttributeProto>) {
        if self.set < first {
            more.push(ints("axes", axes));
            self.push(op, &[], more);
        } else {
            let axes = self.list(axes);
            self.push(op, &[axes], more);
        }
    }

    fn activation(&mut self) {
        match self.numbers.below(5) {
            0 => self.push("Relu", &[], vec![]),
            1 => self.push("LeakyRelu", &[], vec![float("alpha", 0.2)]),
            2 => self.push("Tanh", &[], vec![]),
            3 => self.push("Sigmoid", &[], vec![]),
            _ if self.set < 11 => {
                self.push("Clip", &[], vec![float("min", -0.4), float("max", 0.9)]);
            }
            _ => {
                let bounds = [-0.4, 0.9].map(|bound| self.constant(tensor("", &[], &[bound])));
                self.push("Clip", &bounds, vec![]);
            }
        }
    }

    fn normalise(&mut self) {
        let channels = self.shape[0];
        let (scale, shift) = (self.positive(channels), self.weights(&[channels], 3));
        let (mean, variance) = (self.weights(&[channels], 3), self.positive(channels));
        self.push(
            "BatchNormalization",
            &[scale, shift, mean, variance],
            vec![float("epsilon", 1e-3), float("momentum", 0.9)],
        );
    }

    /// Returns the attributes of windows, and changes the positions to the number of windows.
    fn windows(&mut self, ceil: bool, dilates: bool) -> (Vec<AttributeProto>, Vec<usize>) {
        let rank = self.shape.len() - 1;
        let (mut window, mut strides, mut dilations) = (vec![], vec![], vec![]);
        let mut pads = vec![0; 2 * rank];
        let mut ceil = ceil;
        let mut counts = vec![];
        for axis in 0..rank {
            let size = self.shape[axis + 1];
            let k = 1 + self.numbers.below(size.min(3));
            let dilation =
                if dilates && 2 * (k - 1) < size { 1 + self.numbers.below(2) } else { 1 };
            let stride = 1 + self.numbers.below(3);
            for side in [0, rank] {
                pads[side + axis] = self.numbers.below(k.min(2)) as i64;
            }
            let begin = size + pads[axis] as usize;
            let room = begin + pads[rank + axis] as usize - ((k - 1) * dilation + 1);
            let whole = room / stride + 1;
            let more = whole + usize::from(!room.is_multiple_of(stride));
            // Only where the last window begins in the input: otherwise engines differ.
            ceil &= (more - 1) * stride < begin;
            window.push(k);
            strides.push(stride as i64);
            dilations.push(dilation as i64);
            counts.push([whole, more]);
        }
        for (size, counts) in self.shape[1..].iter_mut().zip(counts) {
            *size = counts[usize::from(ceil)];
        }
        let kernel: Vec<i64> = window.iter().map(|k| *k as i64).collect();
        let mut attributes =
            vec![ints("kernel_shape", &kernel), ints("strides", &strides), ints("pads", &pads)];
        if dilates {
            attributes.push(ints("dilations", &dilations));
        }
        if ceil {
            attributes.push(int("ceil_mode", 1));
        }
        (attributes, window)
    }

    fn convolution(&mut self) {
        let channels = self.shape[0];
        let groups = [1, channels, 2][self.numbers.below(3)];
        let groups = if channels.is_multiple_of(groups) { groups } else { 1 };
        let outputs = groups * (1 + self.numbers.below(5));
        let (mut attributes, window) = self.windows(false, true);
        attributes.push(int("group", groups as i64));
        let dims = [&[outputs, channels / groups][..], &window].concat();
        let terms = dims[1..].iter().product();
        let mut constants = vec![self.weights(&dims, terms)];
        if self.numbers.below(2) == 0 {
            constants.push(self.weights(&[outputs], 4));
        }
        self.push("Conv", &constants, attributes);
        self.shape[0] = outputs;
    }

    fn pool(&mut self) {
        let is_mean = self.numbers.below(2) == 0;
        let ceil = self.set >= 10 && self.numbers.below(3) == 0;
        let dilates = self.set >= if is_mean { 19 } else { 10 };
        let (mut attributes, _) = self.windows(ceil, dilates);
        if is_mean {
            // Engines differ in the size of a window that `ceil_mode` adds and pads are counted in.
            attributes
                .push(int("count_include_pad", i64::from(!ceil && self.numbers.below(2) == 0)));
        }
        self.push(if is_mean { "AveragePool" } else { "MaxPool" }, &[], attributes);
    }

    /// A sum, difference or product with a constant that is broadcast in one of several ways.
    fn arithmetic(&mut self) {
        let ones = vec![1; self.shape.len() - 1];
        let dims = match self.numbers.below(4) {
            0 => vec![],
            1 => [&[self.shape[0]][..], &ones].concat(),
            2 => [&[1][..], &self.shape].concat(),
            _ => self.shape[self.shape.len() - 1..].to_vec(),
        };
        let op = ["Add", "Sub", "Mul", "Div"][self.numbers.below(4)];
        let values: Vec<f32> =
            (0..dims.iter().product()).map(|_| 0.5 + self.numbers.unit()).collect();
        let constant = self.constant(tensor("", &dims, &values));
        self.push(op, &[constant], vec![]);
        if self.numbers.below(3) == 0 && op != "Div" {
            // The constant is the first of the two.
            self.graph.node.last_mut().unwrap().input.swap(0, 1);
        }
    }

    /// The value with what a branch makes of it, by a sum or side by side.
    fn branch(&mut self) {
        let (before, count) = (self.value.clone(), self.numbers.below(3));
        // A normalisation of another name of the value must not change the value itself.
        if self.numbers.below(3) == 0 {
            self.push("Identity", &[], vec![]);
            self.normalise();
        } else {
            self.activation();
        }
        let branch = std::mem::replace(&mut self.value, before);
        match count {
            0 => self.push("Add", &[branch], vec![]),
            1 => self.push("Mul", &[branch], vec![]),
            _ => {
                self.push("Concat", &[branch], vec![int("axis", 1)]);
                self.shape[0] *= 2;
            }
        }
    }

    /// Nodes that only move values.
    fn moves(&mut self) {
        let rank = self.shape.len() as i64;
        match self.numbers.below(6) {
            0 => {
                let order: Vec<i64> = std::iter::once(0).chain((1..=rank).rev()).collect();
                self.push("Transpose", &[], vec![ints("perm", &order)]);
                self.shape.reverse();
            }
            1 => {
                self.with_axes("Unsqueeze", 13, &[2], vec![]);
                self.with_axes("Squeeze", 13, &[2], vec![]);
            }
            2 if self.shape[0] > 1 => {
                if self.set < 10 {
                    self.push(
                        "Slice",
                        &[],
                        vec![ints("starts", &[1]), ints("ends", &[9999]), ints("axes", &[1])],
                    );
                } else {
                    let places = [[1], [9999], [1], [1]].map(|place| self.list(&place));
                    self.push("Slice", &places, vec![]);
                }
                self.shape[0] -= 1;
            }
            3 => {
                let last = self.shape[0] as i64 - 1;
                let places = self.list(&[last, 0, last]);
                self.push("Gather", &[places], vec![int("axis", 1)]);
                self.shape[0] = 3;
            }
            4 => self.push("Dropout", &[], vec![]),
            _ => self.push("Identity", &[], vec![]),
        }
    }

    /// Layers until the values of a row are a list.
    fn features(&mut self, layers: usize) {
        for _ in 0..layers {
            match self.numbers.below(9) {
                0 | 1 => self.convolution(),
                2 => self.normalise(),
                3 | 4 => self.activation(),
                5 => self.pool(),
                6 => self.arithmetic(),
                7 => self.branch(),
                _ => self.moves(),
            }
        }
        let positions: Vec<i64> = (2..=self.shape.len() as i64).collect();
        let end = self.numbers.below(5);
        match end {
            0 => self.push("GlobalAveragePool", &[], vec![]),
            1 => self.push("GlobalMaxPool", &[], vec![]),
            2 => self.with_axes("ReduceMean", 18, &positions, vec![int("keepdims", 0)]),
            3 => self.with_axes("ReduceMax", 18, &positions, vec![int("keepdims", 1)]),
            _ => {}
        }
        if end < 4 {
            self.shape.truncate(1);
        }
        self.push("Flatten", &[], vec![]);
        self.shape = vec![self.shape.iter().product()];
    }

    /// Dense layers, and probabilities at the end.
    fn answer(&mut self, outputs: usize) {
        let inputs = self.shape[0];
        let hidden = 1 + self.numbers.below(20);
        let (w, b) = (self.weights(&[hidden, inputs], inputs), self.weights(&[hidden], 4));
        self.push("Gemm", &[w, b], vec![int("transB", 1)]);
        self.shape = vec![hidden];
        if self.numbers.below(2) == 0 {
            self.normalise();
        }
        self.activation();
        let (w, b) = (self.weights(&[hidden, outputs], hidden), self.weights(&[outputs], 4));
        self.push("MatMul", &[w], vec![]);
        self.push("Add", &[b], vec![]);
        if outputs > 1 {
            self.push("Softmax", &[], vec![int("axis", 1)]);
        } else {
            self.push("Sigmoid", &[], vec![]);
        }
        self.shape = vec![outputs];
    }

    fn finish(mut self) -> ModelProto {
        let outputs = self.shape.iter().product();
        self.graph.input.push(matrix("features", None, self.features));
        self.graph.output.push(matrix(&self.value, None, outputs));
        ModelProto {
            ir_version: 8,
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: self.set }],
            ..Default::default()
        }
    }
}

/// Runs a model in every engine: the bits of the embedded engine do not depend on the instruction set nor
/// on the batch, and engines agree. Returns how many engines had an answer.
fn agree(model: &ModelProto, rows: usize, seed: u64) -> usize {
    let file = file("random", model);
    let features = file.signature().features;
    let input = Numbers::new(!seed).around_zero(rows * features, 1.0);
    let mut first: Option<Vec<f32>> = None;
    let mut answers = 0;
    let shown = || {
        let nodes = model.graph.iter().flat_map(|graph| &graph.node);
        let text: Vec<_> = nodes.map(|n| format!("{} {:?}", n.op_type, n.attribute)).collect();
        format!("set {}: {}", file.operator_set(), text.join("\n"))
    };
    for present in present() {
        if !present.is_embedded() && file.operator_set() > NEWEST_OF_RUNTIME {
            continue;
        }
        let mut session = present
            .backend
            .load(&file)
            .unwrap_or_else(|error| panic!("{}: {}\n{}", present.label, chain(&error), shown()));
        let together = run(&mut *session, &input);
        if present.is_embedded() {
            let apart: Vec<f32> =
                input.chunks(features).flat_map(|row| run(&mut *session, row)).collect();
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&apart), bits(&together), "{}\n{}", present.label, shown());
            if let Some(first) = &first {
                assert_eq!(bits(&together), bits(first), "{}\n{}", present.label, shown());
            }
        }
        let first = first.get_or_insert_with(|| together.clone());
        assert_eq!(first.len(), together.len());
        for (a, b) in first.iter().zip(&together) {
            let most = BETWEEN_ENGINES * a.abs().max(1.0);
            assert!((a - b).abs() <= most, "{}: {b}, others {a}\n{}", present.label, shown());
        }
        answers += 1;
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_random_classifier_has_one_answer(
        seed in any::<u64>(),
        set in 7..=NEWEST,
        shape in prop_oneof![
            (1..=4usize, 3..=40usize).prop_map(|(channels, length)| vec![channels, length]),
            (1..=3usize, 3..=9usize, 3..=9usize).prop_map(|(c, h, w)| vec![c, h, w]),
        ],
        layers in 0..=7usize,
        outputs in 1..=4usize,
        rows in 1..=20usize,
    ) {
        let mut net = Net::new(seed, set, &shape);
        net.features(layers);
        net.answer(outputs);
        agree(&net.finish(), rows, seed);
    }
}

/// A whole number without dimensions.
fn number(name: &str, value: i64) -> TensorProto {
    TensorProto { dims: vec![], ..whole_numbers(name, &[value]) }
}

/// Returns a model of one node, or of some, after a `Reshape` to `shape`; `change` adds them.
fn single(set: i64, shape: &[usize], change: impl FnOnce(&mut Net)) -> ModelProto {
    let mut net = Net::new(5, set, shape);
    change(&mut net);
    net.push("Flatten", &[], vec![]);
    net.finish()
}

#[test]
fn softmax_is_over_one_axis_since_set_13_and_over_all_later_ones_before() {
    for set in [7, 10, 11, 12, 13, 22] {
        for axis in [Some(1), Some(2), Some(3), Some(-1), None] {
            if axis == Some(-1) && set < 11 {
                continue;
            }
            let model = single(set, &[3, 4, 2], |net| {
                net.push("Softmax", &[], axis.map(|axis| int("axis", axis)).into_iter().collect());
            });
            agree(&model, 4, 1);
            let sum: f32 = run(
                &mut *present()[0].load(&file("softmax", &model)),
                &Numbers::new(1).around_zero(24, 1.0),
            )
            .iter()
            .sum();
            // The number of groups with the sum 1.
            let groups = match (set < 13, axis.unwrap_or(if set < 13 { 1 } else { -1 })) {
                (true, 1) => 1.0,
                (true, 2) => 3.0,
                (false, 1) => 8.0,
                (false, 2) => 6.0,
                _ => 12.0,
            };
            assert!((sum - groups).abs() < 1e-5, "set {set}, axis {axis:?}: {sum}");
        }
    }
}

/// Returns the message with which the embedded engine refuses a model.
fn refusal(model: &ModelProto) -> String {
    let engine = present().into_iter().next().unwrap();
    let error = engine.backend.load(&file("changed", model)).err().expect("it was to be refused");
    assert!(matches!(error, InferError::ModelUnsupported { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn what_an_operator_has_not_in_its_set_is_refused() {
    let of = |set, op: &str, attribute: Vec<AttributeProto>, constants: usize| {
        single(set, &[2, 6], |net| {
            let constants: Vec<_> = (0..constants).map(|_| net.positive(2)).collect();
            net.push(op, &constants, attribute);
            net.graph.node.last_mut().unwrap().name = "here".into();
        })
    };
    let axes = || vec![ints("axes", &[2])];
    let kernel = || ints("kernel_shape", &[2]);
    for (model, expected) in [
        (of(11, "Clip", vec![float("min", 0.0)], 0), "here (Clip) has the attribute min"),
        (of(10, "Clip", vec![], 1), "here (Clip) has bounds as inputs in operator set 10"),
        (of(13, "Unsqueeze", axes(), 0), "here (Unsqueeze) has the attribute axes"),
        (of(18, "ReduceMean", axes(), 0), "here (ReduceMean) has the attribute axes"),
        (of(10, "Slice", vec![ints("starts", &[0])], 0), "here (Slice) has the attribute starts"),
        (of(9, "BatchNormalization", vec![int("spatial", 1)], 4), "has the attribute spatial"),
        (of(8, "BatchNormalization", vec![int("spatial", 0)], 4), "expected spatial = 1"),
        (of(14, "BatchNormalization", vec![int("training_mode", 1)], 4), "is in training"),
        (of(9, "MaxPool", vec![kernel(), int("ceil_mode", 1)], 0), "has the attribute ceil_mode"),
        (of(18, "AveragePool", vec![kernel(), ints("dilations", &[1])], 0), "attribute dilations"),
        (of(12, "Relu", vec![float("alpha", 0.1)], 0), "here (Relu) has the attribute alpha"),
        (of(10, "Softmax", vec![int("axis", -1)], 0), "has the axis -1 of 3"),
        (of(13, "Softmax", vec![int("axis", 3)], 0), "has the axis 3 of 3"),
        (of(13, "Softmax", vec![int("axis", 0)], 0), "mixes the rows of a batch"),
        (of(13, "Softmax", vec![int("axis", i64::MIN)], 0), "has the axis -9223372036854775808"),
        (of(13, "Transpose", vec![ints("perm", &[1, 0, 2])], 0), "rows of a batch"),
        (of(13, "Concat", vec![int("axis", 0)], 0), "rows of a batch"),
        (of(13, "Flatten", vec![int("axis", 2)], 0), "rows of a batch"),
        (of(13, "GlobalAveragePool", vec![int("x", 1)], 0), "has the attribute x"),
        (of(13, "MaxPool", vec![], 0), "has no kernel_shape with 1 sizes"),
        (of(14, "Shape", vec![int("start", 1)], 0), "here (Shape) has the attribute start"),
        (of(13, "Shape", vec![], 0), "Flatten takes"),
    ] {
        let message = refusal(&model);
        assert!(message.contains(expected), "expected {expected}: {message}");
    }
}

/// Small files that would need much memory or time.
#[test]
fn layers_have_limits() {
    let padded = single(13, &[1, 3], |net| {
        let w = net.weights(&[1, 1, 2], 2);
        net.push("Conv", &[w], vec![ints("pads", &[1 << 23, 1 << 23])]);
        net.shape = vec![1, 8];
    });
    assert!(refusal(&padded).contains("more than"), "{}", refusal(&padded));
    let broad = single(13, &[1 << 10, 1], |net| {
        let c = net.constant(tensor("", &[1, 1 << 11], &vec![0.5; 1 << 11]));
        net.push("Add", &[c], vec![]);
    });
    assert!(refusal(&broad).contains("more than"), "{}", refusal(&broad));
    let many = single(13, &[1 << 9, 1 << 10], |net| {
        for _ in 0..40 {
            net.push("Relu", &[], vec![]);
        }
    });
    assert!(refusal(&many).contains("more than 16777216 values"), "{}", refusal(&many));
    let slow = single(13, &[64, 1 << 10], |net| {
        let w = net.weights(&[64, 64, 255], 64 * 255);
        net.push("Conv", &[w], vec![ints("pads", &[127, 127])]);
    });
    assert!(refusal(&slow).contains("multiplications"), "{}", refusal(&slow));
}

/// A file for one row may mix its axes in any way.
#[test]
fn a_file_for_one_row_may_use_its_first_axis() {
    let mut net = Net::new(2, 17, &[12]);
    (net.graph.node, net.graph.initializer) = (vec![], vec![]);
    net.value = "features".into();
    let shape = net.list(&[3, 4]);
    net.push("Reshape", &[shape], vec![]);
    net.push("Transpose", &[], vec![]);
    net.push("Softmax", &[], vec![int("axis", 0)]);
    let (w, c) = (net.weights(&[4, 5], 4), net.weights(&[3, 1], 3));
    net.push("Gemm", &[w, c], vec![int("transA", 1)]);
    let shape = net.list(&[1, -1]);
    net.push("Reshape", &[shape], vec![]);
    net.shape = vec![15];
    let mut model = net.finish();
    let graph = model.graph.as_mut().unwrap();
    graph.input[0] = value_info("features", &[1, 12]);
    graph.output[0] = value_info(&graph.output[0].name.clone(), &[1, 15]);
    agree(&model, 7, 3);
}

/// A sum that overflows is an error in every layer that could hide it.
#[test]
fn overflow_is_not_hidden_by_a_later_layer() {
    for op in ["Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "Softmax", "GlobalMaxPool"] {
        let model = single(13, &[2, 3], |net| {
            let most = net.constant(tensor("", &[2, 3], &[3e38; 6]));
            net.push("Mul", std::slice::from_ref(&most), vec![]);
            // Infinity minus infinity is not a number.
            net.push("Mul", &[most], vec![]);
            let same = net.value.clone();
            net.push("Sub", &[same], vec![]);
            net.push(op, &[], vec![]);
            if op == "GlobalMaxPool" {
                net.shape = vec![2];
            }
        });
        let file = file("overflow", &model);
        for present in present().iter().filter(|present| present.is_embedded()) {
            let input = TensorRef::new([1, 6], &[2.0; 6]).unwrap();
            let error = present.load(&file).run(input, &mut Vec::new()).err();
            assert!(matches!(error, Some(InferError::OutputMismatch { .. })), "{op}: {error:?}");
        }
    }
}
