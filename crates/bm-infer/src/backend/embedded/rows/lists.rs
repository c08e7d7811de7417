//! Lists of whole numbers that a graph computes from shapes, as exporters write `view` of a tensor:
//! `Shape`, and `Gather`, `Slice`, `Squeeze`, `Unsqueeze`, `Concat` and `Identity` of such lists.

use super::axes::range;
use super::builder::Builder;
use super::list::{List, Number};
use crate::onnx::NodeProto;
use crate::onnx::attributes::{int, list, whole_numbers};

/// Longest list: shapes have few axes, and a list that is joined with itself again and again doubles.
const MOST: usize = 64;

/// Returns the list that a node makes, if it makes one.
pub(super) fn list_of(builder: &Builder<'_>, node: &NodeProto) -> Result<Option<List>, String> {
    let shown = node.shown();
    if node.op_type == "Shape" {
        return shape(builder, node).map(Some);
    }
    let is_list = |name: &String| builder.lists.contains_key(name.as_str());
    let Some(first) = node.input.first() else { return Ok(None) };
    // The first part that is joined may be a constant.
    let takes_list = is_list(first) || node.op_type == "Concat" && node.input.iter().any(is_list);
    if !takes_list {
        return Ok(None);
    }
    let List { numbers, .. } = list_at(builder, node, 0)?;
    let along = |index: usize| whole_numbers(&builder.constants, node, index);
    let list = match node.op_type.as_str() {
        "Identity" => list_at(builder, node, 0)?,
        "Gather" => {
            let places = list_at(builder, node, 1)?;
            let picked = along(1)?.iter().map(|at| place(&numbers, *at)).collect::<Option<_>>();
            let numbers = picked.ok_or_else(|| format!("{shown} takes {:?}", places.numbers))?;
            List { numbers, is_alone: places.is_alone }
        }
        "Slice" if builder.set >= 10 => {
            let [start, end] = [along(1)?, along(2)?];
            let step = if Builder::has(node, 4) { along(4)? } else { vec![1] };
            let (&[start], &[end], &[step]) = (&start[..], &end[..], &step[..]) else {
                return Err(format!("{shown} takes parts of a list along several axes"));
            };
            let places = range(numbers.len() as i64, start, end, step).unwrap_or_default();
            List { numbers: places.iter().map(|at| numbers[*at]).collect(), is_alone: false }
        }
        "Slice" => {
            let [start, end] = [list(node, "starts")?, list(node, "ends")?];
            let (Some(&[start]), Some(&[end])) = (start, end) else {
                return Err(format!("{shown} takes parts of a list along several axes"));
            };
            let places = range(numbers.len() as i64, start, end, 1).unwrap_or_default();
            List { numbers: places.iter().map(|at| numbers[*at]).collect(), is_alone: false }
        }
        "Squeeze" => List { numbers, is_alone: true },
        "Unsqueeze" => List { numbers, is_alone: false },
        "Concat" => {
            let mut joined = vec![];
            for index in 0..node.input.len().min(MOST + 1) {
                joined.extend(list_at(builder, node, index)?.numbers);
            }
            List { numbers: joined, is_alone: false }
        }
        _ => {
            return Err(format!("{shown} takes {first}, which is a list of whole numbers"));
        }
    };
    if list.numbers.len() > MOST || list.is_alone && list.numbers.len() != 1 {
        return Err(format!("{shown} makes a list of {} numbers", list.numbers.len()));
    }
    Ok(Some(list))
}

/// Returns the list at input `index` of a node: one that an earlier node made, or a constant.
pub(super) fn list_at(
    builder: &Builder<'_>,
    node: &NodeProto,
    index: usize,
) -> Result<List, String> {
    let name = node.input.get(index).map_or("", String::as_str);
    if let Some(list) = builder.lists.get(name) {
        return Ok(list.clone());
    }
    let numbers = whole_numbers(&builder.constants, node, index)?;
    let is_alone = builder.constants.get(name).is_some_and(|tensor| tensor.dims.is_empty());
    Ok(List { numbers: numbers.into_iter().map(Number::Known).collect(), is_alone })
}

/// Returns the shape of a value; since set 15, `start` and `end` choose axes.
fn shape(builder: &Builder<'_>, node: &NodeProto) -> Result<List, String> {
    let value = builder.value(node, 0)?;
    let number = |(axis, size): (usize, &usize)| {
        if builder.batch.is_axis(axis) { Number::Batch } else { Number::Known(*size as i64) }
    };
    let numbers: Vec<Number> = value.shape.iter().enumerate().map(number).collect();
    let (start, end) = (int(node, "start", 0)?, int(node, "end", i64::MAX)?);
    let axes = range(numbers.len() as i64, start, end, 1).unwrap_or_default();
    Ok(List { numbers: axes.into_iter().map(|axis| numbers[axis]).collect(), is_alone: false })
}

/// Returns the number at a place, which may be counted from the end.
fn place(numbers: &[Number], at: i64) -> Option<Number> {
    let at = if at < 0 { at.checked_add(numbers.len() as i64)? } else { at };
    numbers.get(usize::try_from(at).ok()?).copied()
}
