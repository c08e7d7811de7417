//! Compiles an ONNX graph to the steps of a network of rows.

use prost::Message;

use super::arithmetic::arithmetic;
use super::builder::{Builder, Value};
use super::convolutions::convolve;
use super::layer::Work;
use super::lists::list_of;
use super::normalisations::normalise;
use super::plan::{Network, plan};
use super::pools::{pool, reduce};
use super::products::{gemm, matmul};
use super::selections::{gather, slice};
use super::shapes::{concat, flatten, reshape, squeeze, transpose, unsqueeze};
use crate::ModelFile;
use crate::backend::embedded::combine::Operation;
use crate::backend::embedded::instruction_set::InstructionSet;
use crate::backend::embedded::nodes::{activation, changes_nothing};
use crate::backend::embedded::softmax::Softmax;
use crate::onnx::attributes::{int, makes_constant};
use crate::onnx::{ModelProto, NodeProto, operators};

/// The operators that a network of rows may have.
const OPERATORS: [&str; 32] = [
    "Gemm",
    "MatMul",
    "Conv",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "BatchNormalization",
    "Relu",
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "Clip",
    "Softmax",
    "MaxPool",
    "AveragePool",
    "GlobalMaxPool",
    "GlobalAveragePool",
    "ReduceMax",
    "ReduceMean",
    "Shape",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Gather",
    "Concat",
    "Identity",
    "Dropout",
    "Constant",
];

/// Returns the steps of a model, or a message why this engine does not run it.
pub(super) fn compile(model: &ModelFile, instructions: InstructionSet) -> Result<Network, String> {
    let proto = ModelProto::decode(model.bytes()).map_err(|error| error.to_string())?;
    let graph = proto.graph.ok_or("it has no graph")?;
    let signature = model.signature();
    operators::check_set(model.operator_set(), graph.node.first())?;
    let mut builder = Builder::new(model, &graph)?;
    for node in &graph.node {
        operators::check(node, model.operator_set(), &OPERATORS)?;
        if makes_constant(&builder.constants, node) {
            continue;
        }
        if let Some(list) = list_of(&builder, node)? {
            builder.name_list(node, list)?;
            continue;
        }
        let value = value_of(&mut builder, node)?;
        builder.name(node, value)?;
    }
    let expected = builder.batch.shape(signature.outputs);
    match builder.finish(&signature.output) {
        Some((layers, sizes, value)) if value.shape == expected => {
            Ok(plan(instructions, layers, &sizes, value.id))
        }
        Some((_, _, value)) => Err(format!(
            "{} has the shape {:?} for a row, the file says {expected:?}",
            signature.output, value.shape
        )),
        None => Err(format!("no node has the output {}", signature.output)),
    }
}

/// Adds the layers of a node and returns its value.
fn value_of(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    if changes_nothing(node, &builder.constants)? {
        return builder.value(node, 0).map(Value::renamed);
    }
    if let Some(activation) = activation(node, builder.set, &builder.constants)? {
        let value = builder.value(node, 0)?;
        let shape = value.shape.clone();
        return builder.push(node, Work::Activation(activation), &[&value], shape);
    }
    match node.op_type.as_str() {
        "Gemm" => gemm(builder, node),
        "MatMul" => matmul(builder, node),
        "Conv" => convolve(builder, node),
        "Add" => arithmetic(builder, node, Operation::Add),
        "Sub" => arithmetic(builder, node, Operation::Subtract),
        "Mul" => arithmetic(builder, node, Operation::Multiply),
        "Div" => arithmetic(builder, node, Operation::Divide),
        "BatchNormalization" => normalise(builder, node),
        "Softmax" => softmax(builder, node),
        "MaxPool" => pool(builder, node, false, false),
        "AveragePool" => pool(builder, node, false, true),
        "GlobalMaxPool" => pool(builder, node, true, false),
        "GlobalAveragePool" => pool(builder, node, true, true),
        "ReduceMax" => reduce(builder, node, false),
        "ReduceMean" => reduce(builder, node, true),
        "Reshape" => reshape(builder, node),
        "Flatten" => flatten(builder, node),
        "Squeeze" => squeeze(builder, node),
        "Unsqueeze" => unsqueeze(builder, node),
        "Transpose" => transpose(builder, node),
        "Slice" => slice(builder, node),
        "Gather" => gather(builder, node),
        "Concat" => concat(builder, node),
        _ => Err(format!("{} is not known", node.shown())),
    }
}

/// Up to set 12, the axis and all axes after it are one; since then, the axis is alone.
fn softmax(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let shape = value.shape.clone();
    let (is_alone, rank) = (builder.set >= 13, shape.len() as i64);
    let given = int(node, "axis", if is_alone { -1 } else { 1 })?;
    let axis = if given < 0 && builder.set >= 11 { given.saturating_add(rank) } else { given };
    let axis = usize::try_from(axis)
        .ok()
        .filter(|axis| *axis < shape.len())
        .ok_or_else(|| format!("{} has the axis {given} of {rank}", node.shown()))?;
    let end = if is_alone { axis + 1 } else { shape.len() };
    if (axis..end).any(|axis| builder.batch.is_axis(axis)) {
        return Err(format!("{} mixes the rows of a batch", node.shown()));
    }
    let size = |range: std::ops::Range<usize>| shape[range].iter().product();
    let softmax = Softmax { length: size(axis..end), stride: size(end..shape.len()) };
    builder.push(node, Work::Softmax(softmax), &[&value], shape)
}
