//! Batches of any size for a model with a fixed batch size.

use crate::{Filling, Layout, Signature, TensorRef};

/// Splits a batch into blocks of the model's batch size, in the layout of the file, and pads the last
/// block with zeros.
#[derive(Debug)]
pub(super) struct FixedBatch {
    features: usize,
    outputs: usize,
    layout: Layout,
    size: usize,
    block: Vec<f32>,
    filling: Filling,
}

impl FixedBatch {
    /// Returns the splitter for a model with a fixed batch size, `None` for a model of any size.
    pub(super) fn new(signature: &Signature) -> Option<Self> {
        let size = signature.batch?;
        let Signature { features, outputs, layout, .. } = *signature;
        let block = vec![0.0; size * features];
        Some(Self { block, features, outputs, layout, size, filling: Filling::default() })
    }

    /// Returns how the blocks so far were filled.
    pub(super) fn filling(&self) -> Filling {
        self.filling
    }

    /// Counts the filling of blocks from here on.
    pub(super) fn restart_filling(&mut self) {
        self.filling = Filling::default();
    }

    /// Returns whether the numbers of one feature are together in the file, and not those of one case.
    fn is_by_feature(&self) -> bool {
        matches!(self.layout, Layout::Columns { .. })
    }

    /// Calls `run` for every block and appends the outputs to `output`, one row per case, without
    /// those of the padding.
    pub(super) fn for_each<E>(
        &mut self,
        input: TensorRef<'_>,
        output: &mut Vec<f32>,
        mut run: impl FnMut(&[f32]) -> Result<Vec<f32>, E>,
    ) -> Result<(), E> {
        let Self { features, outputs, .. } = *self;
        let columns = self.is_by_feature();
        for rows in input.values().chunks(self.size * features) {
            let count = rows.len() / features;
            self.filling.columns += self.size as u64;
            self.filling.used += count as u64;
            if columns {
                for (feature, column) in self.block.chunks_exact_mut(self.size).enumerate() {
                    for (value, row) in column.iter_mut().zip(rows.chunks_exact(features)) {
                        *value = row[feature];
                    }
                    column[count..].fill(0.0);
                }
            } else {
                self.block[..rows.len()].copy_from_slice(rows);
                self.block[rows.len()..].fill(0.0);
            }
            let block = run(&self.block)?;
            if columns {
                output.extend(
                    (0..count * outputs)
                        .filter_map(|i| block.get(i % outputs * self.size + i / outputs)),
                );
            } else {
                output.extend(block.iter().take(count * outputs));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs rows of 2 features through a "model" that returns their sum and difference, and records
    /// each block.
    fn run(layout: Layout, size: usize, rows: &[[f32; 2]]) -> (Vec<f32>, Vec<Vec<f32>>) {
        let signature = Signature {
            input: "x".into(),
            output: "y".into(),
            features: 2,
            outputs: 2,
            layout,
            batch: Some(size),
        };
        let mut fixed = FixedBatch::new(&signature).expect("the signature has a batch size");
        let (mut output, mut blocks) = (Vec::new(), Vec::new());
        let values = rows.as_flattened();
        let input = TensorRef::new([rows.len(), 2], values).expect("the shape holds the values");
        fixed
            .for_each(input, &mut output, |block| {
                blocks.push(block.to_vec());
                let rows = layout == Layout::Rows;
                let at = |case: usize, feature: usize| {
                    if rows { block[case * 2 + feature] } else { block[feature * size + case] }
                };
                let mut answer = vec![0.0; block.len()];
                for case in 0..size {
                    let (a, b) = (at(case, 0), at(case, 1));
                    let place = |k: usize| if rows { case * 2 + k } else { k * size + case };
                    (answer[place(0)], answer[place(1)]) = (a + b, a - b);
                }
                Ok::<_, ()>(answer)
            })
            .expect("the model does not fail");
        (output, blocks)
    }

    #[test]
    fn every_row_is_returned_in_order_in_both_layouts() {
        let rows: Vec<[f32; 2]> = (0..7).map(|i| [i as f32, 0.5]).collect();
        let expected: Vec<f32> = rows.iter().flat_map(|[a, b]| [a + b, a - b]).collect();
        for size in [1, 3, 7, 8] {
            for layout in [Layout::Rows, Layout::Columns { rows: 1, columns: size }] {
                let (output, blocks) = run(layout, size, &rows);
                assert_eq!(output, expected, "{layout:?}, batch {size}");
                assert_eq!(blocks.len(), 7usize.div_ceil(size));
            }
        }
    }

    #[test]
    fn filling_counts_rows_and_padding() {
        let signature = Signature {
            input: "x".into(),
            output: "y".into(),
            features: 1,
            outputs: 1,
            layout: Layout::Rows,
            batch: Some(4),
        };
        let mut fixed = FixedBatch::new(&signature).expect("a fixed batch");
        let input = TensorRef::new([5, 1], &[1.0; 5]).expect("five rows");
        let run = |block: &[f32]| Ok::<_, ()>(block.to_vec());
        fixed.for_each(input, &mut Vec::new(), run).expect("the call does not fail");
        assert_eq!(fixed.filling(), Filling { columns: 8, used: 5 });
    }

    #[test]
    fn padding_is_zero_after_a_full_block() {
        let (_, blocks) =
            run(Layout::Columns { rows: 1, columns: 2 }, 2, &[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        assert_eq!(blocks, [vec![1.0, 3.0, 2.0, 4.0], vec![5.0, 0.0, 6.0, 0.0]]);
    }
}
