//! The windows of convolutions and pools: which values each of them takes.

use crate::onnx::NodeProto;
use crate::onnx::attributes::{int, list, text};

/// Marks a place of a window that is beyond the ends of the input.
pub(super) const OUTSIDE: u32 = u32::MAX;

/// Largest number in the attributes of a window, and largest number of places in all windows.
const MOST: i64 = 1 << 24;

/// The windows along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    /// Values along the axis.
    size: i64,
    /// Values that a window takes.
    window: i64,
    /// Distance of two values that a window takes.
    dilation: i64,
    /// Distance of two windows.
    stride: i64,
    /// Places before the first value.
    before: i64,
    /// Places after the last value.
    after: i64,
    /// Number of windows.
    count: i64,
}

impl Axis {
    /// Returns the index of place `place` of window `window`, which may be outside.
    fn at(&self, window: i64, place: i64) -> i64 {
        window * self.stride + place * self.dilation - self.before
    }

    /// Returns the distance between first and last place of a window, and one.
    fn extent(&self) -> i64 {
        (self.window - 1) * self.dilation + 1
    }
}

/// Windows over values with any number of axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Windows {
    axes: Vec<Axis>,
}

impl Windows {
    /// Returns the windows of a node of operator set `set` over values of shape `sizes`, each window of
    /// shape `window`.
    ///
    /// The number of windows along an axis is that of the operator's definition: ⌊(size + pads − extent) /
    /// stride⌋ + 1; with `ceil_mode`, the quotient is rounded up; `auto_pad` gives the pads.
    pub(super) fn of(
        node: &NodeProto,
        set: i64,
        sizes: &[usize],
        window: &[usize],
    ) -> Result<Self, String> {
        let shown = node.shown();
        let rank = sizes.len();
        let numbers = |name: &str, count: usize, default: i64, least: i64| {
            let found = list(node, name)?.map_or_else(|| vec![default; count], <[i64]>::to_vec);
            if found.len() != count || found.iter().any(|n| !(least..=MOST).contains(n)) {
                return Err(format!(
                    "{shown}: {name} is {found:?}, expected {count} numbers from {least} to {MOST}"
                ));
            }
            Ok(found)
        };
        let kernel = numbers("kernel_shape", rank, 1, 1)?;
        let window: Vec<i64> = window.iter().map(|size| *size as i64).collect();
        if node.attribute("kernel_shape").is_some() && kernel != window {
            return Err(format!(
                "{shown}: kernel_shape is {kernel:?}, the weights have {window:?}"
            ));
        }
        let strides = numbers("strides", rank, 1, 1)?;
        let dilations = numbers("dilations", rank, 1, 1)?;
        let pads = numbers("pads", 2 * rank, 0, 0)?;
        let auto = text(node, "auto_pad")?.unwrap_or("NOTSET".into());
        if auto != "NOTSET" && node.attribute("pads").is_some() {
            return Err(format!("{shown} has pads and auto_pad, expected one of them"));
        }
        let is_ceil = match int(node, "ceil_mode", 0)? {
            0 => false,
            1 => true,
            other => return Err(format!("{shown}: ceil_mode is {other}, expected 0 or 1")),
        };
        let axes = (0..rank).map(|i| {
            let mut axis = Axis {
                size: i64::try_from(sizes[i]).unwrap_or(i64::MAX).min(MOST),
                window: window[i],
                dilation: dilations[i],
                stride: strides[i],
                before: pads[i],
                after: pads[rank + i],
                count: 0,
            };
            match auto.as_ref() {
                "NOTSET" | "VALID" => {}
                "SAME_UPPER" | "SAME_LOWER" => {
                    let count = (axis.size - 1) / axis.stride + 1;
                    let pads = ((count - 1) * axis.stride + axis.extent() - axis.size).max(0);
                    let less = pads / 2;
                    (axis.before, axis.after) = if auto == "SAME_UPPER" {
                        (less, pads - less)
                    } else {
                        (pads - less, less)
                    };
                }
                other => return Err(format!("{shown}: auto_pad is {other}")),
            }
            let room = axis.size + axis.before + axis.after - axis.extent();
            if room < 0 {
                return Err(format!(
                    "{shown} has a window of {} places over {} values with pads",
                    axis.extent(),
                    axis.size
                ));
            }
            axis.count = room / axis.stride + 1;
            if is_ceil && auto == "NOTSET" && room % axis.stride != 0 {
                let begins_inside = axis.at(axis.count, 0) < axis.size;
                axis.count += i64::from(begins_inside);
                // Since set 22, such a window is left out; before, engines differed.
                if !begins_inside && set < 22 {
                    return Err(format!("{shown} has a window that begins after the last value"));
                }
            }
            Ok(axis)
        });
        let axes = axes.collect::<Result<Vec<_>, String>>()?;
        let places = axes
            .iter()
            .flat_map(|axis| [axis.count, axis.window])
            .try_fold(1i64, |product, n| product.checked_mul(n));
        match places {
            Some(places) if places <= MOST => Ok(Self { axes }),
            _ => Err(format!("{shown} has windows of more than {MOST} places")),
        }
    }

    /// Returns the windows whose values are all the values that are given.
    pub(super) fn whole(sizes: &[usize]) -> Self {
        let axes = sizes.iter().map(|size| {
            let size = *size as i64;
            Axis { size, window: size, dilation: 1, stride: 1, before: 0, after: 0, count: 1 }
        });
        Self { axes: axes.collect() }
    }

    /// Returns the number of windows along each axis.
    pub(super) fn counts(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.count as usize).collect()
    }

    /// Returns the number of places in a window.
    pub(super) fn places(&self) -> usize {
        self.axes.iter().map(|axis| axis.window as usize).product()
    }

    /// Returns whether every window is one value, the windows being the values in their order.
    pub(super) fn is_each_value(&self) -> bool {
        self.axes.iter().all(|axis| {
            (axis.window, axis.stride, axis.before, axis.after) == (1, 1, 0, 0)
                && axis.count == axis.size
        })
    }

    /// Returns the index of the value at each place of each window, or [`OUTSIDE`].
    ///
    /// **Shape:** `[windows, places]`, both in C order.
    pub(super) fn table(&self) -> Vec<u32> {
        self.map(|at| {
            let mut index = 0i64;
            for (axis, at) in self.axes.iter().zip(at) {
                if !(0..axis.size).contains(at) {
                    return OUTSIDE;
                }
                index = index * axis.size + at;
            }
            u32::try_from(index).unwrap_or(OUTSIDE)
        })
    }

    /// Returns the number of values in each window, those that pads add included.
    pub(super) fn padded_sizes(&self) -> Vec<usize> {
        let within = self.map(|at| {
            let inside =
                |(axis, at): (&Axis, &i64)| (-axis.before..axis.size + axis.after).contains(at);
            self.axes.iter().zip(at).all(inside)
        });
        within
            .chunks_exact(self.places().max(1))
            .map(|window| window.iter().filter(|is_inside| **is_inside).count())
            .collect()
    }

    /// Returns `value` for each place of each window; it gets the index of the place along each axis.
    fn map<T>(&self, mut value: impl FnMut(&[i64]) -> T) -> Vec<T> {
        let counts: Vec<i64> = self.axes.iter().map(|axis| axis.count).collect();
        let places: Vec<i64> = self.axes.iter().map(|axis| axis.window).collect();
        let mut values = Vec::new();
        let mut at = vec![0; self.axes.len()];
        each_index(&counts, |window| {
            each_index(&places, |place| {
                for (i, axis) in self.axes.iter().enumerate() {
                    at[i] = axis.at(window[i], place[i]);
                }
                values.push(value(&at));
            });
        });
        values
    }
}

/// Calls `visit` for each index of an array of this shape, in C order.
pub(super) fn each_index(shape: &[i64], mut visit: impl FnMut(&[i64])) {
    let mut index = vec![0; shape.len()];
    for _ in 0..shape.iter().product::<i64>() {
        visit(&index);
        for (i, size) in shape.iter().enumerate().rev() {
            index[i] += 1;
            if index[i] < *size {
                break;
            }
            index[i] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::AttributeProto;
    use crate::onnx::build::{ints, node};

    fn windows(
        attributes: Vec<AttributeProto>,
        size: usize,
        window: usize,
    ) -> Result<Windows, String> {
        let node = NodeProto { attribute: attributes, ..node("MaxPool", &["x"], "y") };
        Windows::of(&node, 22, &[size], &[window])
    }

    fn auto(value: &str) -> AttributeProto {
        AttributeProto { name: "auto_pad".into(), s: value.into(), r#type: 3, ..Default::default() }
    }

    #[test]
    fn windows_have_the_values_of_their_definition() {
        let o = OUTSIDE;
        for (attributes, size, window, expected) in [
            (vec![], 4, 2, vec![0, 1, 1, 2, 2, 3]),
            (vec![ints("pads", &[1, 0])], 3, 2, vec![o, 0, 0, 1, 1, 2]),
            (vec![ints("strides", &[2])], 5, 2, vec![0, 1, 2, 3]),
            (vec![ints("dilations", &[2])], 4, 2, vec![0, 2, 1, 3]),
            (vec![auto("SAME_UPPER")], 3, 2, vec![0, 1, 1, 2, 2, o]),
            (vec![auto("SAME_LOWER")], 3, 2, vec![o, 0, 0, 1, 1, 2]),
            (vec![auto("VALID"), ints("strides", &[3])], 5, 2, vec![0, 1, 3, 4]),
        ] {
            let found = windows(attributes.clone(), size, window).expect("windows");
            assert_eq!(found.table(), expected, "{attributes:?}");
        }
        let two = Windows::of(&node("Conv", &[], ""), 13, &[2, 3], &[2, 2]).expect("windows");
        assert_eq!((two.counts(), two.places()), (vec![1, 2], 4));
        assert_eq!(two.table(), [0, 1, 3, 4, 1, 2, 4, 5]);
        let padded = windows(vec![ints("pads", &[1, 1])], 3, 2).expect("windows");
        assert_eq!(padded.padded_sizes(), [2; 4]);
    }

    #[test]
    fn impossible_windows_are_refused() {
        for (attributes, size, window, part) in [
            (vec![], 3, 4, "a window of 4 places over 3 values"),
            (vec![ints("pads", &[-1, 0])], 3, 2, "pads is [-1, 0]"),
            (vec![ints("pads", &[0])], 3, 2, "pads is [0]"),
            (vec![ints("strides", &[0])], 3, 2, "strides is [0]"),
            (vec![ints("dilations", &[i64::MAX])], 3, 2, "dilations is"),
            (vec![ints("kernel_shape", &[3])], 3, 2, "kernel_shape is [3]"),
            (vec![auto("SAME")], 3, 2, "auto_pad is SAME"),
            (vec![auto("VALID"), ints("pads", &[0, 0])], 3, 2, "pads and auto_pad"),
            (vec![ints("pads", &[1 << 24, 1 << 24])], 3, 2, "more than 16777216 places"),
        ] {
            let found = windows(attributes, size, window);
            assert!(found.as_ref().is_err_and(|reason| reason.contains(part)), "{found:?}");
        }
    }
}
