//! Features as arrays of the crate `ndarray`.

use ndarray::{Array2, ArrayView2};

use crate::{CodeEncoder, EncodeError, FeatureBatch};

impl FeatureBatch {
    /// Returns the batch as a matrix, without a copy.
    ///
    /// **Shape:** `[rows, features]`, C order.
    pub fn as_array(&self) -> ArrayView2<'_, f32> {
        // A batch holds whole rows, so the shape always fits.
        ArrayView2::from_shape(self.shape(), self.as_slice())
            .unwrap_or_else(|_| unreachable!("a batch holds whole rows"))
    }
}

/// Returns the vector of features of each code of an encoding.
///
/// **Shape:** `[codes, channels]`, C order.
///
/// # Errors
///
/// [`EncodeError::VectorCount`] if the encoder returns another number of values than its encoding
/// has.
pub fn vectors_array(encoder: &dyn CodeEncoder) -> Result<Array2<f32>, EncodeError> {
    let (encoding, vectors) = (encoder.encoding(), encoder.vectors());
    let (shape, actual) = ((encoding.codes, encoding.channels), vectors.len());
    Array2::from_shape_vec(shape, vectors).map_err(|_| EncodeError::VectorCount {
        encoding: encoding.to_string(),
        expected: shape.0 * shape.1,
        actual,
    })
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadRef;

    use super::*;
    use crate::{CodeEncoding, Encoder, QualityPlace, Scalar150};

    #[test]
    fn a_batch_is_a_matrix_of_its_rows() {
        let mut batch = FeatureBatch::new(Scalar150.encoding());
        assert_eq!(batch.as_array().dim(), (0, 300));
        for sequence in [&b"ACGT"[..], b"TTTT"] {
            let read = ReadRef { name: b"r", sequence, quality_scores: b"IIII" };
            batch.push(&Scalar150, read).expect("the read has features");
        }
        let array = batch.as_array();
        assert_eq!(array.dim(), (2, 300));
        assert_eq!((array[[0, 1]], array[[1, 0]], array[[1, 4]]), (0.25, 0.75, 0.0));
    }

    /// An encoder whose vectors are of another shape than it says.
    struct Wrong;

    impl CodeEncoder for Wrong {
        fn encoding(&self) -> &CodeEncoding {
            &CodeEncoding { id: "wrong", version: 1, codes: 2, channels: 3 }
        }

        fn vectors(&self) -> Vec<f32> {
            vec![0.0; 5]
        }

        fn encode_into(&self, _: ReadRef<'_>, _: &mut Vec<u16>) -> Result<(), EncodeError> {
            Ok(())
        }
    }

    #[test]
    fn vectors_are_a_matrix_of_codes_by_channels() {
        let vectors = vectors_array(&QualityPlace).expect("the shape fits");
        assert_eq!(vectors.dim(), (1598, 24));
        // Code 20 is Phred 20 at the first base.
        assert_eq!((vectors[[20, 0]], vectors[[20, 1]], vectors[[20, 7]]), (0.5, 0.01, 1.0));
        let error = vectors_array(&Wrong).expect_err("five values are not two times three");
        assert!(error.to_string().contains("wrong version 1 hold 5 values"), "{error}");
    }
}
