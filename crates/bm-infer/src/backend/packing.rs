//! Sequences of any length side by side in blocks of a fixed shape.

use std::ops::Range;

use crate::onnx::reach::Reach;
use crate::{Alphabet, Filling, InferError, Layout, ModelFile, SequencesRef};

/// Lays sequences out in blocks `[1, channels, rows, columns]`, in order, and takes their outputs out
/// of `[1, outputs, rows, columns]`.
///
/// Between two sequences in a row are as many zeros as the outputs of the network reach. A sequence
/// that does not fit in the rest of a row continues in the next one, with as many of its positions
/// repeated as outputs reach. So the network sees for each position what it would see if the sequence
/// were alone, and at most twice its reach is empty at the end of a row.
#[derive(Debug)]
pub(super) struct Packing {
    reach: Reach,
    rows: usize,
    columns: usize,
    outputs: usize,
    /// The feature vectors of the codes, `[channels, codes]`.
    features: Vec<f32>,
    codes: usize,
    block: Vec<f32>,
    /// What is in the block, in order.
    pieces: Vec<Piece>,
    /// The next free place.
    row: usize,
    column: usize,
    filling: Filling,
}

/// Consecutive positions of a sequence in a block: the place of the first one whose output is taken,
/// and their number.
#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    positions: usize,
}

impl Packing {
    /// Returns the layout for a model with a fixed shape over an alphabet.
    ///
    /// # Errors
    ///
    /// A message, if the model has no fixed shape, another number of features, or outputs that reach
    /// further than can be told or than a row is long.
    pub(super) fn new(model: &ModelFile, alphabet: &Alphabet) -> Result<Self, String> {
        let signature = model.signature();
        let Layout::Columns { rows, columns } = signature.layout else {
            return Err(
                "expected an input [1, features, rows, columns], as model.ane.onnx has".to_owned()
            );
        };
        let channels = signature.features;
        if channels != alphabet.channels() {
            return Err(format!(
                "it takes {channels} features per position, the alphabet has {}",
                alphabet.channels()
            ));
        }
        let reach = Reach::of(model)?;
        let least = reach.before.saturating_mul(2).saturating_add(reach.after);
        if columns <= least {
            return Err(format!(
                "it has rows of {columns} columns, expected more than {least}: its outputs reach {} \
                 columns back and {} ahead",
                reach.before, reach.after
            ));
        }
        let codes = alphabet.codes();
        let mut features = vec![0.0; channels * codes];
        for (code, vector) in alphabet.vectors().enumerate() {
            for (channel, value) in vector.iter().enumerate() {
                features[channel * codes + code] = *value;
            }
        }
        Ok(Self {
            reach,
            rows,
            columns,
            outputs: signature.outputs,
            features,
            codes,
            block: vec![0.0; channels * rows * columns],
            pieces: Vec::new(),
            row: 0,
            column: 0,
            filling: Filling::default(),
        })
    }

    /// Returns how the blocks so far were filled.
    pub(super) fn filling(&self) -> Filling {
        self.filling
    }

    /// Counts the filling of blocks from here on.
    pub(super) fn restart_filling(&mut self) {
        self.filling = Filling::default();
    }

    /// Calls `run` for every block, and appends the outputs of every position to `output`, in order.
    ///
    /// # Errors
    ///
    /// The errors of `run`, and [`InferError::OutputMismatch`] if it returns another number of
    /// outputs than a block has.
    pub(super) fn for_each(
        &mut self,
        backend: &'static str,
        input: SequencesRef<'_>,
        output: &mut Vec<f32>,
        mut run: impl FnMut(&[f32]) -> Result<Vec<f32>, InferError>,
    ) -> Result<(), InferError> {
        self.clear();
        for sequence in input.iter() {
            let mut next = 0;
            while next < sequence.len() {
                if self.row == self.rows {
                    self.finish(backend, output, &mut run)?;
                }
                next = self.place(sequence, next);
            }
        }
        if self.pieces.is_empty() { Ok(()) } else { self.finish(backend, output, &mut run) }
    }

    /// Puts a sequence from position `next` on into the current row, or as much of it as fits; returns
    /// the position that is next.
    fn place(&mut self, sequence: &[u16], next: usize) -> usize {
        let Reach { before, after } = self.reach;
        let (lead, free) = (next.min(before), self.columns - self.column);
        let end = if sequence.len() - next + lead <= free {
            sequence.len()
        } else {
            // A cut costs what is repeated in the next row.
            let positions = free.saturating_sub(lead + after);
            if positions > before { next + positions } else { next }
        };
        if end > next {
            let shown = next - lead..sequence.len().min(end + after);
            let at = self.row * self.columns + self.column;
            self.pieces.push(Piece { at: at + lead, positions: end - next });
            self.column = self.columns.min(self.column + shown.len() + before.max(after));
            let separated = self.row * self.columns + self.column;
            self.write(&sequence[shown.clone()], at..at + shown.len());
            self.blank(at + shown.len()..separated);
        }
        if end < sequence.len() || self.column >= self.columns {
            let row_end = (self.row + 1) * self.columns;
            self.blank(self.row * self.columns + self.column..row_end);
            self.row += 1;
            self.column = 0;
        }
        end
    }

    /// Writes zeros to a place in the block, which may have what the block before had.
    fn blank(&mut self, place: Range<usize>) {
        for plane in self.block.chunks_exact_mut(self.rows * self.columns) {
            plane[place.clone()].fill(0.0);
        }
    }

    /// Writes the features of consecutive positions to a place in the block.
    fn write(&mut self, codes: &[u16], place: Range<usize>) {
        let planes = self.block.chunks_exact_mut(self.rows * self.columns);
        for (plane, values) in planes.zip(self.features.chunks_exact(self.codes)) {
            for (feature, code) in plane[place.clone()].iter_mut().zip(codes) {
                *feature = values.get(usize::from(*code)).copied().unwrap_or_default();
            }
        }
    }

    /// Runs the block and appends the outputs of its pieces.
    fn finish(
        &mut self,
        backend: &'static str,
        output: &mut Vec<f32>,
        run: &mut impl FnMut(&[f32]) -> Result<Vec<f32>, InferError>,
    ) -> Result<(), InferError> {
        let plane = self.rows * self.columns;
        self.blank(self.row * self.columns + self.column..plane);
        let values = run(&self.block)?;
        // Checked before the values are taken, so that every place below is in range.
        InferError::check_output(backend, self.outputs * plane, &values)?;
        self.filling.columns += plane as u64;
        for Piece { at, positions } in &self.pieces {
            self.filling.used += *positions as u64;
            match self.outputs {
                1 => output.extend_from_slice(&values[*at..at + positions]),
                outputs => output.extend(
                    (*at..at + positions)
                        .flat_map(|at| (0..outputs).map(move |row| row * plane + at))
                        .map(|at| values[at]),
                ),
            }
        }
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.pieces.clear();
        (self.row, self.column) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::correction::{Convolution, Correction};

    const CODES: usize = 7;

    /// A packing for a window of `window` positions over two channels: the code from 1, and its
    /// square.
    fn packing(window: usize, shape: [usize; 2]) -> Result<Packing, String> {
        let layer = |inputs: usize, window: usize| Convolution {
            outputs: 1,
            inputs,
            window,
            weights: vec![1.0; inputs * window],
            biases: vec![0.0],
        };
        let network =
            Correction { window: layer(2, window), last: layer(1, 1), guess: layer(2, 1) };
        let model = network.to_half_model(shape).to_bytes();
        let model = ModelFile::from_bytes("packing", model).expect("a valid file");
        let vectors = (1..=CODES).flat_map(|code| [code as f32, (code * code) as f32]).collect();
        Packing::new(&model, &Alphabet::new(2, vectors).expect("an alphabet"))
    }

    /// Returns for each position the sum of the first channel over `window` positions of a row of
    /// the block, and the number of calls and of columns that are used.
    fn sums(window: usize, shape: [usize; 2], sequences: &[Vec<u16>]) -> (Vec<f32>, usize, usize) {
        let mut packing = packing(window, shape).expect("it fits");
        let [rows, columns] = shape;
        let (mut output, mut calls, mut used) = (Vec::new(), 0, 0);
        let lengths: Vec<_> = sequences.iter().map(Vec::len).collect();
        let codes = sequences.concat();
        let input = SequencesRef::new(&codes, &lengths).expect("the lengths add up");
        packing
            .for_each("test", input, &mut output, |block| {
                calls += 1;
                let (first, second) = block.split_at(rows * columns);
                assert!(first.iter().zip(second).all(|(code, square)| code * code == *square));
                used += first.iter().filter(|code| **code > 0.0).count();
                let half = window / 2;
                let sum = |row: &[f32], at: usize| {
                    row[at.saturating_sub(half)..columns.min(at + half + 1)].iter().sum::<f32>()
                };
                Ok(first
                    .chunks_exact(columns)
                    .flat_map(|row| (0..columns).map(move |at| sum(row, at)))
                    .collect())
            })
            .expect("the call does not fail");
        (output, calls, used)
    }

    fn alone(window: usize, sequence: &[u16]) -> impl Iterator<Item = f32> {
        let half = window / 2;
        (0..sequence.len()).map(move |at| {
            let around = &sequence[at.saturating_sub(half)..sequence.len().min(at + half + 1)];
            around.iter().map(|code| f32::from(*code) + 1.0).sum()
        })
    }

    #[test]
    fn every_position_is_as_if_its_sequence_were_alone() {
        let mut state = 1_u64;
        let mut below = |most: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        for window in [1, 3, 9, 21] {
            for shape in [[1, 32], [1, 64], [3, 33], [8, 64], [2, 1024]] {
                if shape[1] <= 3 * (window / 2) {
                    continue;
                }
                for _ in 0..20 {
                    let sequences: Vec<Vec<u16>> = (0..below(60))
                        .map(|_| {
                            let length = [0, 1, 2, 7, 31, 33, 64, 200, 1500][below(9)];
                            (0..length).map(|_| below(CODES) as u16).collect()
                        })
                        .collect();
                    let expected: Vec<f32> =
                        sequences.iter().flat_map(|sequence| alone(window, sequence)).collect();
                    let (found, calls, _) = sums(window, shape, &sequences);
                    assert_eq!(found, expected, "window {window}, {shape:?}");
                    assert_eq!(calls == 0, expected.is_empty());
                }
            }
        }
    }

    #[test]
    fn only_the_reach_is_empty_between_sequences_and_at_the_ends_of_rows() {
        // 26 whole sequences of 150 positions and four zeros after each take 4,000 of 4,096 columns;
        // the rest is the start of another one.
        let sequences = vec![vec![0; 150]; 26 * 16 * 5];
        let (_, calls, used) = sums(9, [16, 4096], &sequences);
        let columns = calls * 16 * 4096;
        assert_eq!(calls, 5);
        let full = (26 * 16 * 5 * 150) as f64 / columns as f64;
        assert!(full > 0.95 && used <= columns, "{full}");
    }

    #[test]
    fn filling_counts_each_position_once() {
        // A read of 40 positions does not fit in a row of 32: what is repeated in the next row is no
        // use, nor are the zeros between reads.
        let mut packing = packing(9, [2, 32]).expect("it fits");
        let codes = vec![0; 46];
        let input = SequencesRef::new(&codes, &[40, 6]).expect("the lengths add up");
        assert_eq!(packing.filling(), Filling::default());
        let run = |_: &[f32]| Ok(vec![0.0; 64]);
        packing.for_each("test", input, &mut Vec::new(), run).expect("the call does not fail");
        assert_eq!(packing.filling(), Filling { columns: 64, used: 46 });
        assert_eq!(packing.filling().padding(), Some(18.0 / 64.0));
        packing.restart_filling();
        assert_eq!(packing.filling().padding(), None);
    }

    #[test]
    fn rows_that_are_shorter_than_the_reach_are_refused() {
        assert!(packing(9, [4, 12]).is_err_and(|it| it.contains("expected more than 12")));
        assert!(packing(9, [4, 13]).is_ok());
    }

    #[test]
    fn a_call_that_returns_too_little_is_an_error() {
        let mut packing = packing(3, [1, 64]).expect("it fits");
        let input = SequencesRef::new(&[1, 2], &[2]).expect("the lengths add up");
        let error = packing.for_each("test", input, &mut Vec::new(), |_| Ok(vec![0.0; 63]));
        assert!(matches!(error, Err(InferError::OutputMismatch { .. })));
    }
}
