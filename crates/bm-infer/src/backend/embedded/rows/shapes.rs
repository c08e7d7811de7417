//! Nodes that give values another shape or order: `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`,
//! `Transpose`, `Concat`.

use super::axes::{axes_of, axis_of, mixed};
use super::batch::Batch;
use super::builder::{Builder, Value, check_axes};
use super::layer::Work;
use super::list::Number;
use super::lists::list_at;
use crate::onnx::NodeProto;
use crate::onnx::attributes::{int, list, whole_numbers};

/// Adds nothing: the numbers stay in their order.
pub(super) fn reshape(builder: &Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let target = list_at(builder, node, 1)?.numbers;
    let refused =
        || format!("{shown} gives values of shape {:?} the shape {target:?}", value.shape);
    if target.contains(&Number::Known(0)) && int(node, "allowzero", 0)? != 0 {
        return Err(refused());
    }
    let (mut shape, mut open) = (Vec::with_capacity(target.len()), None);
    for (axis, size) in target.iter().enumerate() {
        let size = match size {
            _ if axis == 0 && builder.batch.is_axis(0) => {
                let is_batch_size = match (builder.batch, size) {
                    (_, Number::Batch | Number::Known(0 | -1)) => true,
                    (Batch::FirstOf(count), Number::Known(size)) => {
                        usize::try_from(*size) == Ok(count)
                    }
                    _ => false,
                };
                if !is_batch_size {
                    return Err(mixed(node));
                }
                shape.push(1);
                continue;
            }
            Number::Batch => return Err(mixed(node)),
            Number::Known(size) => size,
        };
        shape.push(match size {
            0 => *value.shape.get(axis).ok_or_else(refused)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            size => usize::try_from(*size).map_err(|_| refused())?,
        });
    }
    let known = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let known = known.filter(|known| *known > 0).ok_or_else(refused)?;
    if let Some(axis) = open {
        shape[axis] = value.size() / known;
    }
    // Two sizes that are open, one of them the batch's, would not say what a row is.
    if shape.iter().product::<usize>() != value.size()
        || open.is_some() && builder.batch.is_axis(0) && target[0] == Number::Known(-1)
    {
        return Err(refused());
    }
    kept(builder, node, value, shape)
}

/// Returns the value in another shape, if its rows stay apart.
fn kept(
    builder: &Builder<'_>,
    node: &NodeProto,
    value: Value,
    shape: Vec<usize>,
) -> Result<Value, String> {
    check_axes(node, &shape)?;
    if builder.batch.is_kept(&value.shape, &shape) {
        Ok(value.reshaped(shape))
    } else {
        Err(mixed(node))
    }
}

/// As [`reshape`], to a matrix.
pub(super) fn flatten(builder: &Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let (axis, rank) = (int(node, "axis", 1)?, value.shape.len());
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis <= rank => axis,
        Err(_) if builder.set >= 11 => axis_of(node, axis, rank)?,
        _ => return Err(format!("{} has the axis {axis} of {rank}", node.shown())),
    };
    if axis == 0 && builder.batch.is_axis(0) {
        return Err(mixed(node));
    }
    let (before, after) = value.shape.split_at(axis);
    let shape = vec![before.iter().product(), after.iter().product()];
    kept(builder, node, value, shape)
}

/// As [`reshape`], without axes of size 1.
pub(super) fn squeeze(builder: &Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let shape = value.shape.clone();
    let axes = match axes_of(builder, node, 13, shape.len())? {
        Some(axes) => axes,
        // Whether the batch is one of them depends on its size.
        None if builder.batch != Batch::One => return Err(mixed(node)),
        None => (0..shape.len()).filter(|axis| shape[*axis] == 1).collect(),
    };
    if axes.iter().any(|axis| builder.batch.is_axis(*axis)) {
        return Err(mixed(node));
    }
    if axes.iter().any(|axis| shape[*axis] != 1) {
        return Err(format!("{} takes away axes {axes:?} of {shape:?}", node.shown()));
    }
    let left = (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]);
    kept(builder, node, value, left.collect())
}

/// As [`reshape`], with more axes of size 1.
pub(super) fn unsqueeze(builder: &Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    // The axes are counted in the new shape.
    let count = if builder.set < 13 {
        list(node, "axes")?.map_or(0, <[i64]>::len)
    } else {
        whole_numbers(&builder.constants, node, 1)?.len()
    };
    let rank = value.shape.len() + count.min(64);
    let axes =
        axes_of(builder, node, 13, rank)?.ok_or_else(|| format!("{} has no axes", node.shown()))?;
    if axes.contains(&0) && builder.batch.is_axis(0) {
        return Err(mixed(node));
    }
    let mut old = value.shape.iter();
    let shape: Vec<usize> = (0..rank)
        .map(|axis| if axes.contains(&axis) { 1 } else { old.next().copied().unwrap_or(1) })
        .collect();
    kept(builder, node, value, shape)
}

/// Adds the layer of `Transpose`.
pub(super) fn transpose(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let rank = value.shape.len();
    let axes: Vec<usize> = match list(node, "perm")? {
        None => (0..rank).rev().collect(),
        Some(axes) => {
            axes.iter().map(|axis| usize::try_from(*axis).unwrap_or(usize::MAX)).collect()
        }
    };
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(format!("{} has the order {axes:?} for {rank} axes", node.shown()));
    }
    transposed_value(builder, node, &value, &axes)
}

/// Adds a layer that puts the axes of a value into another order.
pub(super) fn transposed_value(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    value: &Value,
    axes: &[usize],
) -> Result<Value, String> {
    if axes.iter().enumerate().any(|(to, from)| to != *from && builder.batch.is_axis(to)) {
        return Err(mixed(node));
    }
    builder.reserve(node, value.size())?;
    let shape: Vec<usize> = axes.iter().map(|axis| value.shape[*axis]).collect();
    let distance = |axis: usize| value.shape[axis + 1..].iter().product::<usize>();
    let mut index = vec![0u32; value.size()];
    let mut step = 1;
    for (size, axis) in shape.iter().zip(axes).rev() {
        for (i, at) in index.iter_mut().enumerate() {
            *at += (i / step % size * distance(*axis)) as u32;
        }
        step *= size;
    }
    builder.push(node, Work::Pick(index), &[value], shape)
}

/// Maximum number of values that one node joins.
const MAX_PARTS: usize = 1 << 10;

/// Adds the layer of `Concat`.
pub(super) fn concat(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    if node.input.len() > MAX_PARTS {
        return Err(format!("{shown} joins more than {MAX_PARTS} values"));
    }
    let values = (0..node.input.len())
        .map(|index| builder.value(node, index))
        .collect::<Result<Vec<_>, _>>()?;
    let mut shape = values
        .first()
        .map(|value| value.shape.clone())
        .ok_or_else(|| format!("{shown} has no input 0"))?;
    if node.attribute("axis").is_none() {
        return Err(format!("{shown} has no axis"));
    }
    let axis = match int(node, "axis", 0)? {
        axis if axis < 0 && builder.set < 11 => {
            return Err(format!("{shown} has the axis {axis} in operator set {}", builder.set));
        }
        axis => axis_of(node, axis, shape.len())?,
    };
    if builder.batch.is_axis(axis) {
        return Err(mixed(node));
    }
    let mut along = 0usize;
    for value in &values {
        let mut other = value.shape.clone();
        let size = other.get(axis).copied().unwrap_or(0);
        along = along.saturating_add(size);
        if let (Some(here), Some(there)) = (other.get_mut(axis), shape.get(axis)) {
            *here = *there;
        }
        if other != shape {
            return Err(format!("{shown} joins values of shape {shape:?} and {:?}", value.shape));
        }
    }
    shape[axis] = along;
    let parts = values.iter().map(|value| value.shape[axis..].iter().product()).collect();
    builder.push(node, Work::Concat(parts), &values.iter().collect::<Vec<_>>(), shape)
}
