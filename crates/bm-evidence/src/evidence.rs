//! What a run holds, and what it is worth: asked for the bases of a read.

use std::io::{self, Read, Write};

use bm_kmers::{Index, read_u32, read_u64};
use bm_reads::base;

use crate::fit::Weights;
use crate::{BaseSupport, EvidenceError, PreparedRead, ReadSupport};

/// Bases that are weighed together, with vector instructions.
const TOGETHER: usize = 64;

/// Stands for what a statement is worth that is not heard.
const UNSAID: f32 = 0.0;

/// Most ranges of depths.
const MOST_RANGES: u32 = 64;

/// How an evidence file begins.
const MAGIC: &[u8; 8] = b"bm-evid\n";

/// What a run says of any read's bases.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    index: Index,
    weights: Weights,
}

impl Evidence {
    /// Version of the file.
    pub const FORMAT: u32 = 1;

    /// Returns what the k-mers of a run say, with what their statements are worth.
    pub fn new(index: Index, weights: Weights) -> Self {
        Self { index, weights }
    }

    /// Returns the k-mers.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Makes ready to testify of a read. Best done for the next read before one is testified of:
    /// then its k-mers are in the cache by its turn.
    pub fn prepare(&self, reading: &mut PreparedRead, sequence: &[u8]) {
        reading.prepare(&self.index, sequence.iter().map(|letter| base::code(*letter)));
    }

    /// Makes of the probabilities that the bases of a prepared read are wrong those that they have
    /// when the run has testified; returns of how many bases something is known.
    ///
    /// The read and `probabilities` are of one length; what is longer is left alone.
    pub fn apply(
        &self,
        support: &mut ReadSupport,
        reading: &PreparedRead,
        probabilities: &mut [f32],
    ) -> usize {
        support.look(&self.index, reading);
        let factors = self.weights.at(support.depth());
        // Where only some k-mers are looked at, it is k-mers that accuse, and not statements of
        // bases.
        let all = self.index.level() == 0;
        let mut known = 0;
        let mut worths = [UNSAID; TOGETHER];
        let length = probabilities.len().min(support.statements().len());
        let (probabilities, statements) =
            (&mut probabilities[..length], &support.statements()[..length]);
        for (probabilities, statements) in
            probabilities.chunks_mut(TOGETHER).zip(statements.chunks(TOGETHER))
        {
            for (worth, statement) in worths.iter_mut().zip(statements) {
                known += usize::from(statement.is_known());
                *worth = if all || !statement.contradicts() {
                    factors[usize::from(statement.number())]
                } else {
                    UNSAID
                };
            }
            // Bayes: the posterior odds are the prior odds times the factor.
            for (p, worth) in probabilities.iter_mut().zip(&worths) {
                let wrong = *p * worth;
                let posterior = wrong / (wrong + (1.0 - *p));
                *p = if *worth == UNSAID { *p } else { posterior };
            }
        }
        if !all {
            support.spread_blame(&self.index, self.weights.blame, probabilities);
        }
        known
    }

    /// Writes the file: magic, format, version of the statements, ranges of depths, what statements
    /// and a k-mer that nobody else has are worth, the k-mers.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        for number in [
            Self::FORMAT,
            BaseSupport::VERSION,
            BaseSupport::COUNT as u32,
            self.weights.depths.len() as u32,
        ] {
            output.write_all(&number.to_le_bytes())?;
        }
        for depth in &self.weights.depths {
            output.write_all(&depth.to_le_bytes())?;
        }
        for weight in self.weights.factors.iter().chain([&self.weights.blame]) {
            output.write_all(&weight.to_le_bytes())?;
        }
        self.index.write(output)
    }

    /// Reads a file of so many bytes.
    ///
    /// # Errors
    ///
    /// If it is broken, or of another format or version.
    pub fn read(input: &mut impl Read, bytes: u64) -> Result<Self, EvidenceError> {
        let content = |text: String| EvidenceError::Content(text);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|_| content("no file of evidence".to_owned()))?;
        if magic != *MAGIC {
            return Err(content("no file of evidence".to_owned()));
        }
        let (format, version, number) = (read_u32(input)?, read_u32(input)?, read_u32(input)?);
        if format != Self::FORMAT
            || version != BaseSupport::VERSION
            || number as usize != BaseSupport::COUNT
        {
            return Err(content(format!(
                "format {format} with {number} statements of version {version}, expected {} with {} of version {}",
                Self::FORMAT,
                BaseSupport::COUNT,
                BaseSupport::VERSION
            )));
        }
        let ranges = read_u32(input)?;
        if !(1..=MOST_RANGES).contains(&ranges) {
            return Err(content(format!("{ranges} ranges of depths, expected 1 to {MOST_RANGES}")));
        }
        let depths = (0..ranges)
            .map(|_| read_u64(input).map(f64::from_bits))
            .collect::<Result<Vec<_>, _>>()?;
        if !depths.is_sorted_by(|low, high| low < high) {
            return Err(content(format!("the depths {depths:?}, expected rising numbers")));
        }
        let mut weights = (0..=ranges * number)
            .map(|_| read_u32(input).map(f32::from_bits))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0))
        {
            return Err(content(format!("a statement worth {weight}, expected a number over 0")));
        }
        let blame = weights.pop().unwrap_or(1.0);
        let index = Index::read(input, bytes)?;
        match input.read(&mut [0]) {
            Ok(0) => Ok(Self { index, weights: Weights { depths, factors: weights, blame } }),
            Ok(_) => Err(content("it goes on after its end".to_owned())),
            Err(error) => Err(EvidenceError::Read(error)),
        }
    }
}
