//! What a run holds, and what it is worth: asked for the bases of a read.

use std::io::{self, Read, Write};

use crate::fit::Weights;
use crate::index::{Index, number32, number64};
use crate::{EvidenceError, Statement, Witness, kmer};

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

    /// Makes of the probabilities that the bases of a read are wrong those that they have when the run has testified; returns of how many
    /// bases something is known.
    ///
    /// `sequence` and `probabilities` are of one length; what is longer is left alone.
    pub fn testify(&self, witness: &mut Witness, sequence: &[u8], probabilities: &mut [f32]) -> usize {
        self.testify_of(witness, sequence.iter().map(|base| kmer::code(*base)), probabilities)
    }

    /// [`Evidence::testify`] for the codes of the bases.
    pub fn testify_codes(&self, witness: &mut Witness, codes: &[u8], probabilities: &mut [f32]) -> usize {
        self.testify_of(witness, codes.iter().copied(), probabilities)
    }

    fn testify_of(&self, witness: &mut Witness, codes: impl Iterator<Item = u8>, probabilities: &mut [f32]) -> usize {
        witness.look(&self.index, codes);
        let factors = self.weights.at(witness.depth());
        // Where only some k-mers are looked at, it is k-mers that accuse, and not statements of bases.
        let all = self.index.level() == 0;
        let mut known = 0;
        for (p, statement) in probabilities.iter_mut().zip(witness.statements()) {
            known += usize::from(statement.is_known());
            // Bayes: the posterior odds are the prior odds times the factor.
            if all || !statement.accuses() {
                let wrong = *p * factors[usize::from(statement.number())];
                *p = wrong / (wrong + (1.0 - *p));
            }
        }
        if !all {
            witness.spread_blame(&self.index, self.weights.blame, probabilities);
        }
        known
    }

    /// Writes the file: magic, format, version of the statements, ranges of depths, what statements and a k-mer that nobody else has are worth, the k-mers.
    ///
    /// # Errors
    ///
    /// What the output says.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        for number in [Self::FORMAT, Statement::VERSION, Statement::COUNT as u32, self.weights.depths.len() as u32] {
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
        let (format, version, number) = (number32(input)?, number32(input)?, number32(input)?);
        if format != Self::FORMAT || version != Statement::VERSION || number as usize != Statement::COUNT {
            return Err(content(format!(
                "format {format} with {number} statements of version {version}, expected {} with {} of version {}",
                Self::FORMAT,
                Statement::COUNT,
                Statement::VERSION
            )));
        }
        let ranges = number32(input)?;
        if !(1..=MOST_RANGES).contains(&ranges) {
            return Err(content(format!("{ranges} ranges of depths, expected 1 to {MOST_RANGES}")));
        }
        let depths = (0..ranges).map(|_| number64(input).map(f64::from_bits)).collect::<Result<Vec<_>, _>>()?;
        if !depths.is_sorted_by(|low, high| low < high) {
            return Err(content(format!("the depths {depths:?}, expected rising numbers")));
        }
        let mut weights = (0..=ranges * number).map(|_| number32(input).map(f32::from_bits)).collect::<Result<Vec<_>, _>>()?;
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
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
