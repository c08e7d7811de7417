//! Whether the first reads of a run contradict a model. In runs that cover few positions, such as
//! amplicons, some reads are enough.

use std::fmt;

use bm_quality::ModelPackage;
use bm_reads::ReadRef;

use crate::adaptation::network_of;
use crate::error::AdaptError;
use crate::examples::Codes;
use crate::labels::{Label, Labels};
use crate::network::{Scores, Surroundings, Tables, sigmoid};
use crate::sample::RunSample;
use crate::sampler::Sampler;

/// Lowest median depth. At low depth, related sequences look like errors of each other.
const DEEP: usize = 20;

/// Highest error probability of a base that the model rates good: Phred 25.
const GOOD: f32 = 0.003_162_3;

/// The model is contradicted if at least [`FEWEST`] of the good bases are wrong, and more than this
/// many times as many as it expects.
const TIMES: f64 = 2.8;
const FEWEST: u64 = 50;

/// Bases of reads that contradict a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contradiction {
    /// Bases that the model rates Q25 or better and that can be checked against other reads.
    pub good: u64,
    /// Errors among them that the model expects.
    pub expected: f64,
    /// Wrong bases among them.
    pub found: u64,
}

impl Contradiction {
    /// Returns the contradiction between reads and a model; `None` if there is none, or if the
    /// reads are too few or cover too many positions. A model whose network is of another kind is
    /// never contradicted.
    ///
    /// # Errors
    ///
    /// [`AdaptError::Quality`] if the model's package is invalid.
    pub fn of<'a>(
        reads: impl Iterator<Item = ReadRef<'a>>,
        model: &ModelPackage,
    ) -> Result<Option<Self>, AdaptError> {
        let network = match network_of(model) {
            Ok(network) => network,
            Err(AdaptError::OtherKind { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut sampler = Sampler::new(RunSample::ROOM);
        for read in reads {
            // An invalid read is reported elsewhere.
            let _ = sampler.observe(read);
        }
        let sample = sampler.finish();
        let labels = Labels::of(&sample, 1);
        if labels.depth() < DEEP {
            return Ok(None);
        }
        let scores = Scores::new();
        let tables = Tables::of(&network, &scores);
        let mut codes = Codes::default();
        let mut contradiction = Self { good: 0, expected: 0.0, found: 0 };
        for (index, read) in sample.reads.iter().enumerate() {
            let codes = codes.of(&sample, index);
            for (at, label) in
                labels.of_bases()[read.start..read.start + codes.len()].iter().enumerate()
            {
                let p = sigmoid(tables.logit(&Surroundings::of(codes, at), &scores));
                if *label != Label::Unknown && p <= GOOD {
                    contradiction.good += 1;
                    contradiction.expected += f64::from(p);
                    contradiction.found += u64::from(*label == Label::Wrong);
                }
            }
        }
        Ok(contradiction.is_one().then_some(contradiction))
    }

    fn is_one(&self) -> bool {
        self.found >= FEWEST && self.found as f64 > TIMES * self.expected
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { good, expected, found } = self;
        write!(
            f,
            "the reads cover few positions and contradict the model: of {good} bases that it \
             rates Q25 or better, other reads contradict {found} where the model expects \
             {expected:.0} errors"
        )
    }
}
