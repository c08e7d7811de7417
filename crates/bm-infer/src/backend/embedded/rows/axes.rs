//! Axes and places along them, as nodes name them.

use super::builder::Builder;
use crate::onnx::NodeProto;
use crate::onnx::attributes::{list, whole_numbers};

/// Returns the message for a node that does not keep the rows of a batch apart.
pub(super) fn mixed(node: &NodeProto) -> String {
    format!("{} mixes or moves the rows of a batch", node.shown())
}

/// Returns an axis, which may be counted from the end, as one from the start.
pub(super) fn axis_of(node: &NodeProto, axis: i64, rank: usize) -> Result<usize, String> {
    let from_start = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    from_start
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("{} has the axis {axis} of {rank}", node.shown()))
}

/// Returns the axes of a node: an attribute before set `first`, then the input 1. `None` if they are not
/// given.
pub(super) fn axes_of(
    builder: &Builder<'_>,
    node: &NodeProto,
    first: i64,
    rank: usize,
) -> Result<Option<Vec<usize>>, String> {
    let axes = if builder.set < first {
        list(node, "axes")?.map(<[i64]>::to_vec)
    } else if Builder::has(node, 1) {
        Some(whole_numbers(&builder.constants, node, 1)?)
    } else {
        None
    };
    let Some(axes) = axes else { return Ok(None) };
    // Before, an axis was counted from the start only.
    if builder.set < 11 && axes.iter().any(|axis| *axis < 0) {
        return Err(format!(
            "{} has the axes {axes:?} in operator set {}",
            node.shown(),
            builder.set
        ));
    }
    let mut found =
        axes.iter().map(|axis| axis_of(node, *axis, rank)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("{} has an axis twice: {axes:?}", node.shown()));
    }
    Ok(Some(found))
}

/// Returns the places from `start` to before `end` of `size`, as Python counts them.
pub(super) fn range(size: i64, start: i64, end: i64, step: i64) -> Option<Vec<usize>> {
    let from_start = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_start(start), from_start(end));
    let (start, end) = if step > 0 {
        (start.clamp(0, size), end.clamp(0, size))
    } else {
        (start.clamp(-1, size - 1), end.clamp(-1, size - 1))
    };
    let mut places = vec![];
    let mut at = start;
    while step != 0 && (if step > 0 { at < end } else { at > end }) {
        places.push(usize::try_from(at).ok()?);
        at = at.saturating_add(step);
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn places_are_counted_as_in_python() {
        for (start, end, step, expected) in [
            (1, 3, 1, vec![1, 2]),
            (-2, i64::MAX, 1, vec![3, 4]),
            (0, -1, 2, vec![0, 2]),
            (-1, i64::MIN, -2, vec![4, 2, 0]),
            (i64::MIN, 99, 4, vec![0, 4]),
            (3, 3, 1, vec![]),
            (0, 5, 0, vec![]),
        ] {
            assert_eq!(range(5, start, end, step), Some(expected), "{start}:{end}:{step}");
        }
    }
}
