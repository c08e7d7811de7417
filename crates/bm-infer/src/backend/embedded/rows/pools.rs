//! `MaxPool`, `AveragePool`, `GlobalMaxPool`, `GlobalAveragePool`, `ReduceMax` and `ReduceMean`.

use super::axes::axes_of;
use super::builder::{Builder, Value};
use super::layer::Work;
use crate::backend::embedded::pool::{Of, Pool};
use crate::backend::embedded::windows::{OUTSIDE, Windows, each_index};
use crate::onnx::NodeProto;
use crate::onnx::attributes::{int, list};

/// Adds the layer of a pool over windows, or over all positions if `is_global`; `is_mean` for a mean.
pub(super) fn pool(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    is_global: bool,
    is_mean: bool,
) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let [cases, channels, sizes @ ..] = value.shape.as_slice() else {
        return Err(format!(
            "{shown} takes values of shape {:?}, expected [batch, channels, ...]",
            value.shape
        ));
    };
    if (2..value.shape.len()).any(|axis| builder.batch.is_axis(axis)) || sizes.is_empty() {
        return Err(format!("{shown} mixes the columns of a batch"));
    }
    let windows = if is_global {
        Windows::whole(sizes)
    } else {
        let window = list(node, "kernel_shape")?
            .and_then(|shape| shape.iter().map(|n| usize::try_from(*n).ok()).collect())
            .filter(|window: &Vec<usize>| window.len() == sizes.len() && !window.contains(&0))
            .ok_or_else(|| format!("{shown} has no kernel_shape with {} sizes", sizes.len()))?;
        Windows::of(node, builder.set, sizes, &window)?
    };
    let (table, places) = (windows.table(), windows.places());
    let inside: Vec<usize> = table
        .chunks_exact(places)
        .map(|window| window.iter().filter(|at| **at != OUTSIDE).count())
        .collect();
    if inside.contains(&0) {
        return Err(format!("{shown} has a window without a value"));
    }
    let of = if is_mean {
        let counts =
            if int(node, "count_include_pad", 0)? == 0 { inside } else { windows.padded_sizes() };
        Of::Mean(counts.into_iter().map(|count| count as f32).collect())
    } else {
        Of::Most
    };
    let mut shape = vec![*cases, *channels];
    shape.extend(windows.counts());
    let size = sizes.iter().product();
    builder.push(node, Work::Pool(Pool { size, table, places, of }), &[&value], shape)
}

/// Adds the layer of `ReduceMean`, or of `ReduceMax`: an attribute has the axes up to set 17, then an
/// input.
pub(super) fn reduce(
    builder: &mut Builder<'_>,
    node: &NodeProto,
    is_mean: bool,
) -> Result<Value, String> {
    let shown = node.shown();
    let value = builder.value(node, 0)?;
    let rank = value.shape.len();
    let axes = match axes_of(builder, node, 18, rank)? {
        Some(axes) if !axes.is_empty() => axes,
        _ if int(node, "noop_with_empty_axes", 0)? != 0 => return Ok(value.renamed()),
        _ => (0..rank).collect(),
    };
    if axes.iter().any(|axis| builder.batch.is_axis(*axis)) {
        return Err(format!("{shown} mixes the rows of a batch"));
    }
    let keeps = int(node, "keepdims", 1)? != 0;
    let part = |is_wanted: &dyn Fn(usize) -> bool| -> Vec<i64> {
        let size = |axis| if is_wanted(axis) { value.shape[axis] as i64 } else { 1 };
        (0..rank).map(size).collect()
    };
    let (outer, inner) = (part(&|axis| !axes.contains(&axis)), part(&|axis| axes.contains(&axis)));
    let mut table = Vec::with_capacity(value.size());
    each_index(&outer, |outer| {
        each_index(&inner, |inner| {
            let along = outer.iter().zip(inner).zip(&value.shape);
            let at = along.fold(0, |at, ((a, b), size)| at * *size as i64 + a + b);
            table.push(u32::try_from(at).unwrap_or(OUTSIDE));
        });
    });
    let places = inner.iter().product::<i64>() as usize;
    let windows = table.len() / places;
    let of = if is_mean { Of::Mean(vec![places as f32; windows]) } else { Of::Most };
    let kept = |axis: &usize| keeps || !axes.contains(axis);
    let shape: Vec<usize> = (0..rank).filter(kept).map(|axis| outer[axis] as usize).collect();
    if !builder.batch.is_kept(&outer.iter().map(|n| *n as usize).collect::<Vec<_>>(), &shape) {
        return Err(format!("{shown} moves the rows of a batch, expected keepdims = 1"));
    }
    let size = value.size();
    builder.push(node, Work::Pool(Pool { size, table, places, of }), &[&value], shape)
}
