//! K-mers and weights of a run: from prior to posterior error probabilities, and the file.

use std::io::{self, Read, Write};

use bm_kmers::{Index, read_u32, read_u64};
use bm_reads::base;
use bm_reads::conversion::Conversion;

use crate::fit::Weights;
use crate::{BaseSupport, EvidenceError, PreparedRead, ReadSupport};

/// Bases that are updated together, with vector instructions.
const BLOCK: usize = 64;

/// Marks a base whose probability stays as it is.
const NO_FACTOR: f32 = 0.0;

/// Most depth ranges.
const MOST_RANGES: u32 = 64;

/// Version of what an index of a sample of the k-mers says of a read: 2 raised the probabilities of
/// candidate bases k-mer by k-mer. Where all k-mers were counted, it is the version of the kinds of support.
const SAMPLED_VERSION: u32 = 3;

/// First bytes of an evidence file.
const MAGIC: &[u8; 8] = b"bm-evid\n";

/// The k-mers of a run with the weights of base support: turns prior error probabilities into
/// posterior ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    index: Index,
    weights: Weights,
    conversion: Option<Conversion>,
}

impl Evidence {
    /// Version of the file format: the first without a conversion, the second with one.
    pub const FORMAT: u32 = 2;

    /// Returns evidence from an index and its weights.
    pub fn new(index: Index, weights: Weights) -> Self {
        Self { index, weights, conversion: None }
    }

    /// Returns the evidence of reads in which a base and what the library turns it into are written as
    /// one ([`Conversion::write_as_one`]); so are the reads that it is applied to.
    pub fn with_conversion(self, conversion: Option<Conversion>) -> Self {
        Self { conversion, ..self }
    }

    /// Returns which bases are written as one, if any are.
    pub fn conversion(&self) -> Option<Conversion> {
        self.conversion
    }

    /// Returns the index of k-mers.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Prepares a read for [`Evidence::apply`]. Prepare the next read before applying the evidence
    /// to this one: its k-mers are then in the cache in time.
    pub fn prepare(&self, read: &mut PreparedRead, sequence: &[u8]) {
        read.prepare(&self.index, sequence.iter().map(|letter| base::code(*letter)));
    }

    /// Returns the number of bases covered by k-mers of other reads, after replacing prior error
    /// probabilities by posterior ones.
    ///
    /// By Bayes, posterior odds are prior odds times the weight of the base's support. Where only a
    /// sample of the k-mers was counted, the candidate bases of unsupported k-mers explain these
    /// together.
    ///
    /// `uncounted` are the indices of the bases that cycles made whose k-mers were not counted.
    ///
    /// **Shape** of `probabilities`: `[bases]`. If read and probabilities differ in length, the
    /// rest of the longer one is left alone.
    ///
    /// **Units** probability of an error, 0 to 1.
    pub fn apply(
        &self,
        support: &mut ReadSupport,
        read: &PreparedRead,
        uncounted: impl Iterator<Item = usize>,
        probabilities: &mut [f32],
    ) -> usize {
        support.look_up(&self.index, read);
        support.set_uncounted(uncounted);
        let weights = self.weights.at(support.depth());
        // In a sampled index, unsupported k-mers raise probabilities, not the support of single
        // bases.
        let all = self.index.level() == 0;
        let mut covered = 0;
        let mut factors = [NO_FACTOR; BLOCK];
        let length = probabilities.len().min(support.bases().len());
        let (probabilities, bases) = (&mut probabilities[..length], &support.bases()[..length]);
        for (probabilities, bases) in probabilities.chunks_mut(BLOCK).zip(bases.chunks(BLOCK)) {
            for (factor, base) in factors.iter_mut().zip(bases) {
                covered += usize::from(base.is_covered());
                *factor = if all || !base.is_contradicted() {
                    weights[usize::from(base.number())]
                } else {
                    NO_FACTOR
                };
            }
            // Bayes: the posterior odds are the prior odds times the factor.
            for (p, factor) in probabilities.iter_mut().zip(&factors) {
                let wrong = *p * factor;
                let posterior = wrong / (wrong + (1.0 - *p));
                *p = if *factor == NO_FACTOR { *p } else { posterior };
            }
        }
        if !all {
            let factor = self.weights.unsupported_kmer;
            support.explain_unsupported(&self.index, factor, probabilities);
        }
        covered
    }

    /// Writes the file: magic, format, version and number of kinds of base support, number of depth
    /// ranges, in format 2 the number of the conversion, depth ranges, weights, the weight of an
    /// unsupported k-mer, the index; all numbers little-endian.
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(MAGIC)?;
        for number in [
            1 + u32::from(self.conversion.is_some()),
            version(&self.index),
            BaseSupport::COUNT as u32,
            self.weights.depths.len() as u32,
        ] {
            output.write_all(&number.to_le_bytes())?;
        }
        if let Some(conversion) = self.conversion {
            output.write_all(&u32::from(conversion.number()).to_le_bytes())?;
        }
        for depth in &self.weights.depths {
            output.write_all(&depth.to_le_bytes())?;
        }
        for weight in self.weights.factors.iter().chain([&self.weights.unsupported_kmer]) {
            output.write_all(&weight.to_le_bytes())?;
        }
        self.index.write(output)
    }

    /// Returns the evidence read from a file of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Content`] if the file is damaged, or of another format or version;
    /// [`EvidenceError::Read`] if the input fails.
    pub fn read(input: &mut impl Read, bytes: u64) -> Result<Self, EvidenceError> {
        let content = |text: String| EvidenceError::Content(text);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => content("not an evidence file".to_owned()),
            _ => EvidenceError::Read(error),
        })?;
        if magic != *MAGIC {
            return Err(content("not an evidence file".to_owned()));
        }
        let (format, found, number) = (read_u32(input)?, read_u32(input)?, read_u32(input)?);
        if !(1..=Self::FORMAT).contains(&format)
            || ![BaseSupport::VERSION, SAMPLED_VERSION].contains(&found)
            || number as usize != BaseSupport::COUNT
        {
            return Err(content(format!(
                "format {format} with {number} kinds of base support of version {found}, \
                 expected 1 or {} with {} of version {}",
                Self::FORMAT,
                BaseSupport::COUNT,
                BaseSupport::VERSION
            )));
        }
        let ranges = read_u32(input)?;
        if !(1..=MOST_RANGES).contains(&ranges) {
            return Err(content(format!("{ranges} depth ranges, expected 1 to {MOST_RANGES}")));
        }
        let conversion = if format == 1 {
            None
        } else {
            let number = read_u32(input)?;
            let found = u8::try_from(number).ok().and_then(Conversion::with_number);
            Some(found.ok_or_else(|| content(format!("unknown conversion of bases {number}")))?)
        };
        let depths = (0..ranges)
            .map(|_| read_u64(input).map(f64::from_bits))
            .collect::<Result<Vec<_>, _>>()?;
        if !depths.is_sorted_by(|low, high| low < high)
            || !depths.iter().all(|depth| depth.is_finite() && *depth > 0.0)
        {
            return Err(content(format!("depths {depths:?}, expected rising numbers")));
        }
        let mut weights = (0..=ranges * number)
            .map(|_| read_u32(input).map(f32::from_bits))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0))
        {
            return Err(content(format!("a weight of {weight}, expected a finite number above 0")));
        }
        let unsupported_kmer = weights.pop().unwrap_or(1.0);
        let index = Index::read(input, bytes)?;
        if found != version(&index) {
            return Err(content(format!(
                "version {found} of the evidence of {} k-mers, expected {}; learn the run again",
                if index.level() == 0 { "all" } else { "a sample of the" },
                version(&index)
            )));
        }
        match input.read(&mut [0]) {
            Ok(0) => {
                let weights = Weights { depths, factors: weights, unsupported_kmer };
                Ok(Self { index, weights, conversion })
            }
            Ok(_) => Err(content("more data after the end of the index".to_owned())),
            Err(error) => Err(EvidenceError::Read(error)),
        }
    }
}

/// Returns the version of what the k-mers of an index say.
fn version(index: &Index) -> u32 {
    if index.level() == 0 { BaseSupport::VERSION } else { SAMPLED_VERSION }
}
