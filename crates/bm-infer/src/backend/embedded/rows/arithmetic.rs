//! `Add`, `Sub`, `Mul` and `Div`, of a value and a constant or of two values.

use super::batch::Batch;
use super::builder::{Builder, Value};
use super::layer::Work;
use crate::backend::embedded::combine::{Operation, WithConstant};
use crate::onnx::NodeProto;

/// Adds the layers of such a node.
pub(super) fn arithmetic(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    operation: Operation,
) -> Result<Value, String> {
    let is_constant = [0, 1].map(|index| builder.is_constant(node, index));
    match is_constant {
        [false, false] => of_two(builder, node, operation),
        [true, true] => Err(format!("{} takes two constants", node.shown())),
        [is_first, _] => {
            let (value, constant) = if is_first { (1, 0) } else { (0, 1) };
            let from = builder.value(node, value)?;
            let (dims, values) = builder.constant(node, constant)?;
            if operation == Operation::Add
                && is_bias(&dims, &from.shape)
                && let Some(Work::Dense { of, .. }) = builder.layer_before(node, value)
                && of.biases.len() == values.len()
            {
                of.biases.iter_mut().zip(&values).for_each(|(bias, more)| *bias += more);
                if of.biases.iter().any(|bias| !bias.is_finite()) {
                    return Err(format!("{} gives biases that are not finite", node.shown()));
                }
                return Ok(from);
            }
            with_constant(
                builder,
                node,
                &from,
                WithConstant { operation, is_first, constant: values },
                &dims,
            )
        }
    }
}

/// Returns whether a constant of this shape is one number for each column of a matrix.
fn is_bias(dims: &[usize], shape: &[usize]) -> bool {
    matches!((dims, shape), ([n] | [1, n], [_, width]) if n == width)
}

/// Adds an operation of a value and a constant, in this order; the constant has the shape `dims`.
pub(super) fn apply(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    (operation, value): (Operation, &Value),
    dims: &[usize],
    constant: &[f32],
) -> Result<Value, String> {
    let with = WithConstant { operation, is_first: false, constant: constant.to_vec() };
    with_constant(builder, node, value, with, dims)
}

/// Adds an operation whose constant has the shape `dims`.
fn with_constant(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    value: &Value,
    with: WithConstant,
    dims: &[usize],
) -> Result<Value, String> {
    let shape = together(builder, node, &value.shape, dims)?;
    let value = widened(builder, node, value, &shape)?;
    builder.reserve(node, value.size())?;
    let constant = spread(dims, &with.constant, &shape)
        .ok_or_else(|| format!("{} has a constant of shape {dims:?}", node.shown()))?;
    let work = Work::WithConstant(WithConstant { constant, ..with });
    builder.push(node, work, &[&value], shape)
}

fn of_two(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    operation: Operation,
) -> Result<Value, String> {
    let (a, b) = (builder.value(node, 0)?, builder.value(node, 1)?);
    if builder.batch != Batch::One && a.shape.len() != b.shape.len() {
        return Err(mixed(node, &a.shape, &b.shape));
    }
    let shape = together(builder, node, &a.shape, &b.shape)?;
    let a = widened(builder, node, &a, &shape)?;
    let b = widened(builder, node, &b, &shape)?;
    builder.push(node, Work::OfTwo(operation), &[&a, &b], shape)
}

fn mixed(node: &NodeProto, a: &[usize], b: &[usize]) -> String {
    format!("{} combines rows of shape {a:?} with numbers of shape {b:?}", node.shown())
}

/// Returns the shape that a value of shape `a` has together with numbers of shape `b`, which must not
/// differ along the axes of the batch.
fn together(
    builder: &Builder<'_>,
    node: &NodeProto,
    a: &[usize],
    b: &[usize],
) -> Result<Vec<usize>, String> {
    let shape = broadcast(a, b).ok_or_else(|| mixed(node, a, b))?;
    let batch = builder.batch;
    let is_kept = batch == Batch::One
        || shape.len() == a.len()
            && shape.iter().enumerate().all(|(axis, size)| *size == 1 || !batch.is_axis(axis));
    // Before anything of that size is made.
    let size = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    match size {
        Some(size) if is_kept => builder.reserve(node, size).map(|()| shape),
        _ => Err(mixed(node, a, b)),
    }
}

/// Returns the shape of two arrays together, as NumPy combines them, if they fit.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (1, n) | (n, 1) => Some(n),
            (n, m) => (n == m).then_some(n),
        })
        .collect()
}

/// Returns where each number of an array of shape `to` is in one of shape `from`, if that fits.
fn places(from: &[usize], to: &[usize]) -> Option<Vec<u32>> {
    if broadcast(from, to).as_deref() != Some(to) {
        return None;
    }
    let size: usize = to.iter().product();
    let mut places = vec![0u32; size];
    // The distance of neighbours along an axis, in both arrays.
    let (mut step_to, mut step_from) = (1, 1);
    for (axis, size) in to.iter().enumerate().rev() {
        let own = (axis + from.len()).checked_sub(to.len()).map_or(1, |axis| from[axis]);
        if own > 1 {
            for (i, place) in places.iter_mut().enumerate() {
                *place += u32::try_from(i / step_to % size * step_from).ok()?;
            }
        }
        step_to *= size;
        step_from *= own;
    }
    Some(places)
}

/// Returns `values` of shape `from` as an array of shape `to`, if that fits.
pub(super) fn spread(from: &[usize], values: &[f32], to: &[usize]) -> Option<Vec<f32>> {
    Some(places(from, to)?.into_iter().map(|at| values[at as usize]).collect())
}

/// Returns a value as one of this shape.
fn widened(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    value: &Value,
    shape: &[usize],
) -> Result<Value, String> {
    if value.size() == shape.iter().product() {
        return Ok(value.clone().reshaped(shape.to_vec()));
    }
    let index = places(&value.shape, shape).ok_or_else(|| mixed(node, &value.shape, shape))?;
    builder.push(node, Work::Pick(index), &[value], shape.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_combined_as_numpy_does() {
        assert_eq!(broadcast(&[1, 3, 4], &[3, 1]), Some(vec![1, 3, 4]));
        assert_eq!(broadcast(&[2, 1], &[1, 5]), Some(vec![2, 5]));
        assert_eq!(broadcast(&[2], &[3]), None);
        assert_eq!(spread(&[], &[7.0], &[1, 2]), Some(vec![7.0, 7.0]));
        assert_eq!(spread(&[2, 1], &[1.0, 2.0], &[2, 3]), Some(vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0]));
        let three = [1.0, 2.0, 3.0];
        assert_eq!(spread(&[3], &three, &[2, 3]), Some([three, three].concat()));
        assert_eq!(spread(&[3], &three, &[3, 2]), None);
        assert_eq!(
            spread(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0], &[2, 2, 2]),
            Some(vec![1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0])
        );
    }
}
