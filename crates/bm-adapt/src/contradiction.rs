//! Whether the first reads of a run contradict a model: for runs of few places, such as amplicons,
//! some reads are enough to tell.

use std::fmt;

use bm_quality::ModelPackage;
use bm_reads::ReadRef;

use crate::AdaptError;
use crate::adaptation::network_of;
use crate::examples::Codes;
use crate::labels::{Label, Labels};
use crate::network::{Scores, Surroundings, Tables, sigmoid};
use crate::sample::RunSample;

/// Reads that a typical place must be in. Where few reads cover a genome, relatives of a sequence
/// look like errors of it.
const DEEP: usize = 20;

/// A base is taken for sound if the model gives it at most this probability of an error: Phred 25.
const SOUND: f32 = 0.003_162_3;

/// How many times as many of the sound bases must be wrong as the model expects, and how many at
/// least.
const TIMES: f64 = 2.8;
const FEWEST: u64 = 50;

/// Reads that contradict a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contradiction {
    /// Bases that the model takes for sound, and that can be checked against other reads.
    pub sound: u64,
    /// How many of them the model expects to be wrong.
    pub expected: f64,
    /// How many are.
    pub found: u64,
}

impl Contradiction {
    /// Returns how reads contradict a model that counts errors; `None` if they do not, or are too
    /// few, or of too many places to tell.
    ///
    /// # Errors
    ///
    /// An [`AdaptError`] if the model's package is broken. A model whose network is of another kind
    /// is not contradicted.
    pub fn of<'a>(
        reads: impl Iterator<Item = ReadRef<'a>>,
        model: &ModelPackage,
    ) -> Result<Option<Self>, AdaptError> {
        let network = match network_of(model) {
            Ok(network) => network,
            Err(AdaptError::OtherKind { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut sample = RunSample::new(RunSample::ROOM);
        for read in reads {
            // What is wrong with a read is for others to say.
            let _ = sample.observe(read);
        }
        let labels = Labels::of(&sample, 1);
        if labels.depth() < DEEP {
            return Ok(None);
        }
        let scores = Scores::new();
        let tables = Tables::of(&network, &scores);
        let mut codes = Codes::default();
        let mut contradiction = Self { sound: 0, expected: 0.0, found: 0 };
        for (index, read) in sample.reads.iter().enumerate() {
            let codes = codes.of(&sample, index);
            for (at, label) in
                labels.of_bases()[read.start..read.start + codes.len()].iter().enumerate()
            {
                let p = sigmoid(tables.logit(&Surroundings::of(codes, at), &scores));
                if *label != Label::Unknown && p <= SOUND {
                    contradiction.sound += 1;
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
        let Self { sound, expected, found } = self;
        write!(
            f,
            "the reads are of few places and contradict it: of {sound} bases that it takes for sound, others say that {found} are wrong, where it expects {expected:.0}"
        )
    }
}
