//! Nodes that take some of the values along axes: `Slice` and `Gather`, at constant places.

use super::axes::{axis_of, mixed, range};
use super::builder::{Builder, Value};
use super::layer::Work;
use crate::onnx::NodeProto;
use crate::onnx::attributes::{int, list, whole_numbers};

/// Adds the layer of `Slice`: places are attributes up to set 9, then inputs.
pub(super) fn slice(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let numbers = |name: &str, index: usize| -> Result<Option<Vec<i64>>, String> {
        if builder.set < 10 {
            Ok(list(node, name)?.map(<[i64]>::to_vec))
        } else if Builder::has(node, index) {
            whole_numbers(&builder.constants, node, index).map(Some)
        } else {
            Ok(None)
        }
    };
    let missing = |name: &str| format!("{shown} has no {name}");
    let starts = numbers("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = numbers("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes = numbers("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = if builder.set < 10 { None } else { numbers("steps", 4)? };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    let rank = value.shape.len();
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] || starts.len() > rank {
        return Err(format!("{shown} has {} starts for {} axes", starts.len(), axes.len()));
    }
    let mut chosen: Vec<Vec<usize>> = value.shape.iter().map(|size| (0..*size).collect()).collect();
    let mut seen = vec![];
    for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = axis_of(node, *axis, rank)?;
        if seen.contains(&axis) || builder.batch.is_axis(axis) {
            return Err(mixed(node));
        }
        seen.push(axis);
        chosen[axis] = range(value.shape[axis] as i64, *start, *end, *step)
            .filter(|places| !places.is_empty())
            .ok_or_else(|| format!("{shown} takes nothing along axis {axis}"))?;
    }
    pick(builder, node, &value, &chosen, None)
}

/// Adds the layer of `Gather` at one place, which takes the axis away, or at a list of places.
pub(super) fn gather(builder: &mut Builder<'_>, node: &NodeProto) -> Result<Value, String> {
    let value = builder.value(node, 0)?;
    let rank = value.shape.len();
    let axis = axis_of(node, int(node, "axis", 0)?, rank)?;
    if builder.batch.is_axis(axis) {
        return Err(mixed(node));
    }
    let places = whole_numbers(&builder.constants, node, 1)?
        .iter()
        .map(|at| {
            // Before set 11, a place was counted from the start only.
            if builder.set < 11 && *at < 0 {
                return Err(format!("{} takes place {at} in set {}", node.shown(), builder.set));
            }
            axis_of(node, *at, value.shape[axis])
        })
        .collect::<Result<Vec<_>, _>>()?;
    let is_one = node
        .input
        .get(1)
        .and_then(|name| builder.constants.get(name.as_str()))
        .is_some_and(|tensor| tensor.dims.is_empty());
    let mut chosen: Vec<Vec<usize>> = value.shape.iter().map(|size| (0..*size).collect()).collect();
    chosen[axis] = places;
    pick(builder, node, &value, &chosen, is_one.then_some(axis))
}

/// Adds a layer that takes the values at `chosen` places along each axis, without axis `gone`.
fn pick(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    value: &Value,
    chosen: &[Vec<usize>],
    gone: Option<usize>,
) -> Result<Value, String> {
    let sizes: Vec<usize> = chosen.iter().map(Vec::len).collect();
    let size = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    builder.reserve(node, size.unwrap_or(usize::MAX))?;
    let mut index = vec![0usize];
    for (places, size) in chosen.iter().zip(&value.shape) {
        index = index
            .iter()
            .flat_map(|before| places.iter().map(move |at| before * size + at))
            .collect();
    }
    let shape: Vec<usize> =
        (0..sizes.len()).filter(|axis| Some(*axis) != gone).map(|axis| sizes[axis]).collect();
    if !builder.batch.is_kept(&sizes, &shape) {
        return Err(mixed(node));
    }
    let index = index.into_iter().map(|at| at as u32).collect();
    builder.push(node, Work::Pick(index), &[value], shape)
}
