//! The operators that are known here, and the operator sets for which their meaning was checked.
//!
//! An operator may change its meaning in a new version. A version is named after the operator set that
//! introduced it. The table lists the versions that the operator sets [`OLDEST`] to [`NEWEST`] use, and
//! which attributes each has. `research/onnx-operators` compares it with the `onnx` package.

#[cfg(any(feature = "embedded", feature = "onnxruntime"))]
use super::NodeProto;

/// The oldest operator set that was checked.
pub const OLDEST: i64 = 7;

/// The newest operator set that was checked: that of version 1.23.2 of the `onnx` package.
pub const NEWEST: i64 = 28;

/// An operator, with everything that the versions in use here may have.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    /// Its name.
    pub name: &'static str,
    /// Its versions, oldest first.
    pub versions: &'static [i64],
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

/// An attribute of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// The first and the last operator set that has the attribute.
    pub sets: [i64; 2],
}

/// An attribute of all versions.
const fn always(name: &'static str) -> Attribute {
    between(name, OLDEST, NEWEST)
}

/// An attribute that a version added.
const fn since(name: &'static str, first: i64) -> Attribute {
    between(name, first, NEWEST)
}

/// An attribute that a version took away.
const fn until(name: &'static str, last: i64) -> Attribute {
    between(name, OLDEST, last)
}

const fn between(name: &'static str, first: i64, last: i64) -> Attribute {
    Attribute { name, sets: [first, last] }
}

const fn operator(
    name: &'static str,
    versions: &'static [i64],
    attributes: &'static [Attribute],
) -> Operator {
    Operator { name, versions, attributes }
}

/// The operators of the embedded engine.
pub const OPERATORS: &[Operator] = &[
    operator("Add", &[7, 13, 14], &[]),
    operator(
        "AveragePool",
        &[7, 10, 11, 19, 22],
        &[
            always("auto_pad"),
            since("ceil_mode", 10),
            always("count_include_pad"),
            since("dilations", 19),
            always("kernel_shape"),
            always("pads"),
            always("strides"),
        ],
    ),
    operator(
        "BatchNormalization",
        &[7, 9, 14, 15],
        &[always("epsilon"), always("momentum"), until("spatial", 8), since("training_mode", 14)],
    ),
    operator("Clip", &[6, 11, 12, 13], &[until("max", 10), until("min", 10)]),
    operator("Concat", &[4, 11, 13], &[always("axis")]),
    operator(
        "Constant",
        &[1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
        &[
            since("sparse_value", 11),
            always("value"),
            since("value_float", 12),
            since("value_floats", 12),
            since("value_int", 12),
            since("value_ints", 12),
            since("value_string", 12),
            since("value_strings", 12),
        ],
    ),
    operator(
        "Conv",
        &[1, 11, 22],
        &[
            always("auto_pad"),
            always("dilations"),
            always("group"),
            always("kernel_shape"),
            always("pads"),
            always("strides"),
        ],
    ),
    operator("Div", &[7, 13, 14], &[]),
    operator("Dropout", &[7, 10, 12, 13, 22], &[until("ratio", 11), since("seed", 12)]),
    operator("Flatten", &[1, 9, 11, 13, 21, 23, 24, 25], &[always("axis")]),
    operator("Gather", &[1, 11, 13], &[always("axis")]),
    operator(
        "Gemm",
        &[7, 9, 11, 13],
        &[always("alpha"), always("beta"), always("transA"), always("transB")],
    ),
    operator("GlobalAveragePool", &[1, 22], &[]),
    operator("GlobalMaxPool", &[1, 22], &[]),
    operator("Identity", &[1, 13, 14, 16, 19, 21, 23, 24, 25], &[]),
    operator("LeakyRelu", &[6, 16], &[always("alpha")]),
    operator("MatMul", &[1, 9, 13], &[]),
    operator(
        "MaxPool",
        &[1, 8, 10, 11, 12, 22],
        &[
            always("auto_pad"),
            since("ceil_mode", 10),
            since("dilations", 10),
            always("kernel_shape"),
            always("pads"),
            since("storage_order", 8),
            always("strides"),
        ],
    ),
    operator("Mul", &[7, 13, 14], &[]),
    operator(
        "ReduceMax",
        &[1, 11, 12, 13, 18, 20],
        &[until("axes", 17), always("keepdims"), since("noop_with_empty_axes", 18)],
    ),
    operator(
        "ReduceMean",
        &[1, 11, 13, 18],
        &[until("axes", 17), always("keepdims"), since("noop_with_empty_axes", 18)],
    ),
    operator("Relu", &[6, 13, 14], &[]),
    operator("Reshape", &[5, 13, 14, 19, 21, 23, 24, 25], &[since("allowzero", 14)]),
    operator("Shape", &[1, 13, 15, 19, 21, 23, 24, 25], &[since("end", 15), since("start", 15)]),
    operator("Sigmoid", &[6, 13], &[]),
    operator("Slice", &[1, 10, 11, 13], &[until("axes", 9), until("ends", 9), until("starts", 9)]),
    operator("Softmax", &[1, 11, 13], &[always("axis")]),
    operator("Squeeze", &[1, 11, 13, 21, 23, 24, 25], &[until("axes", 12)]),
    operator("Sub", &[7, 13, 14], &[]),
    operator("Tanh", &[6, 13], &[]),
    operator("Transpose", &[1, 13, 21, 23, 24, 25], &[always("perm")]),
    operator("Unsqueeze", &[1, 11, 13, 21, 23, 24, 25], &[until("axes", 12)]),
];

/// Checks that an operator set is one whose operators were checked. `first` is the node that messages
/// name: the first one of the graph.
#[cfg(any(feature = "embedded", feature = "onnxruntime"))]
pub(crate) fn check_set(set: i64, first: Option<&NodeProto>) -> Result<(), String> {
    if (OLDEST..=NEWEST).contains(&set) {
        return Ok(());
    }
    let node = first.map_or_else(|| "its graph".to_owned(), NodeProto::shown);
    Err(format!(
        "{node} is of operator set {set}, expected {OLDEST} to {NEWEST}; the onnxruntime backend \
         may know it"
    ))
}

/// Checks that a node is of the standard operators, and one of those called `names`, with attributes
/// that the operator has in this set.
#[cfg(feature = "embedded")]
pub(crate) fn check(node: &NodeProto, set: i64, names: &[&str]) -> Result<(), String> {
    let shown = node.shown();
    if !node.domain.is_empty() && node.domain != "ai.onnx" {
        return Err(format!(
            "{shown} is from the operator set {}, expected the standard one",
            node.domain
        ));
    }
    let operator = OPERATORS
        .iter()
        .find(|operator| operator.name == node.op_type && names.contains(&operator.name))
        .ok_or_else(|| {
            format!(
                "{shown} is not one of {}; the onnxruntime backend runs all of ONNX",
                names.join(", ")
            )
        })?;
    for found in &node.attribute {
        let is_known = operator.attributes.iter().any(|attribute| {
            attribute.name == found.name && (attribute.sets[0]..=attribute.sets[1]).contains(&set)
        });
        if !is_known {
            return Err(format!(
                "{shown} has the attribute {}, which it has not in operator set {set}",
                found.name
            ));
        }
    }
    Ok(())
}
