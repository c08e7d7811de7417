//! A model's input and output: names, widths, layout.

use crate::onnx::{GraphProto, ValueInfoProto, data_type, dimension};
use crate::{InferError, TensorRef};

/// Maximum number of values in a batch whose size the file fixes: memory for a batch is allocated
/// before an engine has accepted the model.
const MAX_VALUES: usize = 1 << 26;

/// The layout of a batch in a model file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Layout {
    /// `[batch, features]` to `[batch, outputs]`.
    Rows,
    /// `[1, features, rows, columns]` to `[1, outputs, rows, columns]`, the layout of convolutions
    /// that the Neural Engine needs. A batch has rows × columns cases, row by row. In a model of
    /// sequences, a case is a position, and its output depends on its neighbours in the row too.
    Columns {
        /// Size of the third axis.
        rows: usize,
        /// Size of the last axis.
        columns: usize,
    },
    /// `[batch, features, 1, length]` to `[batch, outputs, 1, length]`, any batch and any length: a
    /// case is a position of a sequence, and its output depends on its neighbours too.
    Sequences,
}

/// A model's one input and one output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// Name of the input.
    pub input: String,
    /// Name of the output.
    pub output: String,
    /// Number of features per case.
    pub features: usize,
    /// Number of outputs per case.
    pub outputs: usize,
    /// Layout of a batch in the file.
    pub layout: Layout,
    /// The only batch size that the model takes; `None` for any size.
    pub batch: Option<usize>,
}

impl Signature {
    /// Returns the signature of a graph, or a message why it has none.
    pub(crate) fn of(graph: &GraphProto) -> Result<Self, String> {
        let inputs: Vec<_> = graph
            .input
            .iter()
            .filter(|input| !graph.initializer.iter().any(|tensor| tensor.name == input.name))
            .collect();
        let [input] = inputs[..] else {
            return Err(format!("expected one input, found {}", inputs.len()));
        };
        let [output] = graph.output.as_slice() else {
            return Err(format!("expected one output, found {}", graph.output.len()));
        };
        let (layout, batch, features) = matrix(input)?;
        let (output_layout, output_batch, outputs) = matrix(output)?;
        if layout != output_layout || batch != output_batch {
            return Err(format!(
                "input {} and output {} do not have the same batch dimension",
                input.name, output.name
            ));
        }
        let values = batch.unwrap_or(1).saturating_mul(features.max(outputs));
        if values > MAX_VALUES {
            return Err(format!("one batch holds {values} values, expected at most {MAX_VALUES}"));
        }
        Ok(Self {
            input: input.name.clone(),
            output: output.name.clone(),
            features,
            outputs,
            layout,
            batch,
        })
    }

    /// Checks that `input` has the width that the model takes, and only finite numbers.
    ///
    /// # Errors
    ///
    /// [`InferError::ShapeMismatch`] or [`InferError::NonFinite`].
    pub fn check_input(&self, input: &TensorRef<'_>) -> Result<(), InferError> {
        if input.columns() != self.features {
            return Err(InferError::ShapeMismatch {
                input: self.input.clone(),
                expected: self.features,
                actual: input.columns(),
            });
        }
        // A loop without early exit compiles to vector instructions.
        let any_wrong =
            |values: &[f32]| values.iter().fold(false, |wrong, value| wrong | !value.is_finite());
        for (i, values) in input.values().chunks(self.features).enumerate() {
            if any_wrong(values)
                && let Some((feature, value)) =
                    values.iter().enumerate().find(|(_, value)| !value.is_finite())
            {
                return Err(InferError::NonFinite { row: i, feature, value: *value });
            }
        }
        Ok(())
    }
}

/// Returns layout, batch size and width of an input or output.
fn matrix(value: &ValueInfoProto) -> Result<(Layout, Option<usize>, usize), String> {
    let name = &value.name;
    let tensor = value
        .r#type
        .as_ref()
        .and_then(|t| t.tensor_type.as_ref())
        .ok_or_else(|| format!("{name} is not a tensor"))?;
    if tensor.elem_type != data_type::FLOAT {
        return Err(format!("{name} is of type {}, expected float (1)", tensor.elem_type));
    }
    let shape = tensor.shape.as_ref().ok_or_else(|| format!("{name} has no shape"))?;
    let dims: Vec<Option<usize>> = shape
        .dim
        .iter()
        .map(dimension)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("{name}: {e}"))?;
    match dims.as_slice() {
        [batch, Some(width)] => Ok((Layout::Rows, *batch, *width)),
        [Some(1), Some(width), Some(rows), Some(columns)] => Ok((
            Layout::Columns { rows: *rows, columns: *columns },
            Some(rows.saturating_mul(*columns)),
            *width,
        )),
        [None, Some(width), Some(1), None] => Ok((Layout::Sequences, None, *width)),
        _ => {
            let shown: Vec<_> =
                dims.iter().map(|d| d.map_or("?".to_owned(), |d| d.to_string())).collect();
            Err(format!(
                "{name} has the shape [{}], expected [batch, n], [1, n, rows, columns], or [?, n, 1, ?] for sequences",
                shown.join(", ")
            ))
        }
    }
}
