//! An adapter, and how it was accepted.

use bm_reads::base::{code, letter};
use serde::{Deserialize, Serialize};

use super::kits::{Kit, kit_of};
use super::origin::Reason;
use super::profile::Profile;
use super::words::words;

/// Most adapters of one file.
pub(super) const MOST_ADAPTERS: usize = 4;

/// Name of an adapter that was found and is no known kit's.
const NO_NAME: &str = "unknown";

/// How an adapter was accepted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Acceptance {
    /// It is the adapter of a known kit.
    Kit,
    /// It has all signs of an adapter, and is not of the sample for these reasons.
    Unknown(Vec<Reason>),
    /// Mates show where inserts end: what follows there is the same in most reads. Such an adapter
    /// may be a kit's, too.
    Mates,
    /// It was given, and not searched for.
    Told,
}

/// An adapter of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Adapter {
    /// Name for users: of a given adapter the one that was given, else the kit's, else "unknown" or
    /// "given".
    pub name: String,
    /// The consensus from the adapter's first base on: `A`, `C`, `G`, `T`, and `N` where reads
    /// differ, as in barcodes. 12 to 80 bases. A given adapter has 4 to 80 IUPAC letters.
    pub sequence: String,
    /// Probability of each base, in the order A, C, G, T, at each position.
    ///
    /// **Shape** `[bases of the consensus, 4]`; each row sums to 1.
    pub probabilities: Vec<[f32; 4]>,
    /// Number of the sampled reads that show at least twelve bases of the adapter. 0 for a given
    /// adapter until [`Adapters::count`](crate::Adapters::count).
    pub reads: usize,
    /// Effective number of different contexts before the adapter, the exponential of their entropy:
    /// 1 (always the same four bases) to 256. Copies of a molecule count once. 0 for a given adapter.
    pub contexts: f64,
    /// The kit whose adapter it is.
    #[serde(with = "super::kits::by_name")]
    pub kit: Option<&'static Kit>,
    /// How it was accepted.
    pub acceptance: Acceptance,
}

impl Adapter {
    /// Returns the adapter of a consensus.
    pub(super) fn of(
        profile: &Profile,
        reads: usize,
        contexts: f64,
        acceptance: Acceptance,
    ) -> Self {
        let consensus = profile.consensus();
        let kit = kit_of(&consensus);
        Self {
            name: kit.map_or(NO_NAME, |kit| kit.name).to_owned(),
            sequence: consensus.iter().map(|code| char::from(letter(*code))).collect(),
            probabilities: profile.probabilities(),
            reads,
            contexts,
            kit,
            acceptance,
        }
    }

    /// Returns whether this is another adapter with errors, such as a lost base: at least half of
    /// its words are words of the other one.
    pub(super) fn is_variant_of(&self, other: &Adapter) -> bool {
        let words_of = |adapter: &Adapter| {
            let codes: Vec<u8> = adapter.sequence.bytes().map(code).collect();
            let mut found = Vec::new();
            words(&codes, |_, word| found.push(word));
            found
        };
        let (own, others) = (words_of(self), words_of(other));
        let shared = own.iter().filter(|word| others.contains(word)).count();
        shared * 2 >= own.len()
    }
}
