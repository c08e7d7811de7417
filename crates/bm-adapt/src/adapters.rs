//! The adapters of a run, found in its reads alone.
//!
//! Where a molecule is shorter than the read, the read runs into the adapter behind it. Reads then
//! have many different bases before the adapter, where molecules end, and the same bases after its
//! start. [`Adapters::find`] looks for such words of twelve bases:
//!
//! - The words of all reads are counted, on the strand that was read. A candidate has different
//!   bases before it and one base after it.
//! - A known kit ([`Kit`]) needs ten reads with the adapter's next bases and a few different
//!   contexts.
//! - An unknown adapter needs more: reads by the twenty, few copies of the same molecule, contexts
//!   nearly as diverse as those of the sample, many distances from the start of the read, and the
//!   same bases in nearly all reads after it. And it must not be of the sample ([`Reason`]).
//!   Repeats, genes with many copies and converted genomes also have words with many contexts. But
//!   the sample is usually read on both strands, and reads begin anywhere in it. No read begins
//!   inside an adapter. Where a run allows neither test, no unknown adapter is accepted, unless its
//!   bases are not the sample's, or a fifth of the reads have it.
//! - The consensus of the reads from the word on is the adapter. It goes on beyond barcodes, and it
//!   is split where adapters that begin alike differ.
//! - The adapter is cut off the reads, and the search starts again.
//!
//! Of pairs, [`Adapters::find_pairs`] also uses the ends of inserts, which overlapping mates show.
//!
//! Reads of nanopores and other long reads are left alone: their adapters are in front of molecules,
//! too, and have other errors.
//!
//! Sources: contexts before and after a word are how minion (Davis et al. 2013, Methods 63:41) and
//! DNApi (Tsuji & Weng 2016, PLoS ONE 11:e0164228) infer adapters of small RNA.

mod adapter;
mod boundary;
mod candidates;
mod given;
mod insert_ends;
mod kits;
mod origin;
mod pattern;
mod profile;
mod reads;
mod words;

use std::cell::LazyCell;

use bm_reads::ReadRef;
use serde::{Deserialize, Serialize};

use self::adapter::MOST_ADAPTERS;
use self::boundary::{Background, Before, Boundary, DIVERSITY};
use self::candidates::{Candidate, Frequent, ShortWords, candidates, frequent};
use self::insert_ends::InsertEnds;
use self::origin::{Inside, Suspect};
use self::pattern::Pattern;
use self::profile::Profile;
use self::reads::Reads;
use self::words::{AllWords, K, Place, WordSet};

pub use self::adapter::{Acceptance, Adapter};
pub use self::given::GivenAdapter;
pub use self::kits::{KITS, Kit};
pub use self::origin::Reason;

/// Most rounds of the search. Some find variants of adapters, such as those with a lost base.
const ROUNDS: usize = 8;

/// If more than one read in 100 is longer than this, nothing is searched for: in long reads,
/// adapters are also in front of molecules and between them.
const LONGEST_READ: usize = 650;
const LONG_READS_ONE_IN: usize = 100;

/// Most candidates in a round, and most reads that are looked at for each.
const MOST_CANDIDATES: usize = 4096;
const MOST_PLACES: usize = 4096;

/// With more frequent words, it takes less time to count their neighbours before their contexts.
const MANY_WORDS: usize = 256;

/// Fewest reads with a known adapter, and the smallest effective number of contexts before it.
const KIT_READS: usize = 10;
const KIT_CONTEXTS: f64 = 4.0;

/// Smallest fraction of the reads with a kit's first word in which the kit goes on.
const KIT_GOES_ON: f64 = 0.6;

/// What an unknown adapter needs: see `is_boundary`.
const FEWEST_MOLECULES: usize = 20;
const READS_PER_RARE: usize = 2000;
const DIFFERENT_MOLECULES: f64 = 0.5;
const FEWEST_STARTS: f64 = 8.0;
const AGREEMENT: f64 = 0.8;
const SHORTEST: usize = 20;

/// The adapters of one file, or of one mate: found in its reads, or given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Adapters {
    /// The adapters, in the order in which they were found: known kits first, then by number of
    /// molecules and diversity of contexts.
    pub found: Vec<Adapter>,
    /// Number of reads that were looked at; 0 for long reads, in which nothing is looked for.
    pub reads: usize,
}

impl Adapters {
    /// Most reads that are looked at.
    pub const READS: usize = 50_000;

    /// Most bases that are looked at. With the counters, they take some 60 MB.
    pub const BASES: usize = 32 << 20;

    /// Returns the adapters of a run by its first reads: [`Adapters::READS`] of them, or fewer if
    /// they have more than [`Adapters::BASES`] bases.
    ///
    /// The mates of pairs have different adapters: pass the reads of one mate only. The result
    /// depends on the reads only, and not on their order while all are looked at and no word is in
    /// more than a few thousand of them.
    ///
    /// ```
    /// use bm_adapt::Adapters;
    /// use bm_reads::ReadRef;
    ///
    /// // Molecules of 20 to 99 bases, read over 100 bases.
    /// # let mixed = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as usize;
    /// # let genome: Vec<u8> = (0..9000).map(|i| b"ACGT"[mixed(i * i + i) % 4]).collect();
    /// let reads: Vec<Vec<u8>> = (0..400)
    ///     .map(|i| {
    ///         let molecule = &genome[20 * i..][..20 + i % 80];
    ///         let mut read = [molecule, b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCA"].concat();
    ///         read.resize(100, b'G');
    ///         read
    ///     })
    ///     .collect();
    /// let adapters = Adapters::find(reads.iter().map(|sequence| ReadRef {
    ///     name: b"read",
    ///     sequence,
    ///     quality_scores: sequence,
    /// }));
    /// assert_eq!(adapters.found[0].sequence, "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA");
    /// assert_eq!(adapters.found[0].kit.unwrap().name, "Illumina TruSeq, read 1");
    /// ```
    pub fn find<'a>(reads: impl IntoIterator<Item = ReadRef<'a>>) -> Self {
        let mut reads = Reads::first(reads, Self::READS, Self::BASES);
        if are_long(&reads) {
            return Self::default();
        }
        Self { found: search(&mut reads), reads: reads.len() }
    }

    /// Returns the adapters of both mates by the first pairs of a run, as many as for
    /// [`Adapters::find`].
    ///
    /// Where mates overlap, it is known where their insert ends. With 20 such pairs or more, an
    /// adapter of no known kit is dropped unless it begins at the ends of inserts. And adapters are
    /// found that are too rare or too short to be found in the reads of one mate
    /// ([`Acceptance::Mates`]): five pairs with eight bases of it are enough. Of these, `reads` are
    /// those in which the adapter follows the end of the insert.
    pub fn find_pairs<'a>(pairs: impl IntoIterator<Item = [ReadRef<'a>; 2]>) -> [Self; 2] {
        let mut mates = Reads::first_together(pairs, Self::READS, Self::BASES);
        if mates.iter().any(are_long) {
            return Default::default();
        }
        let ends = InsertEnds::of(&mates);
        std::array::from_fn(|mate| {
            let reads = &mut mates[mate];
            let mut found = search(reads);
            reads.restore();
            let ends = ends.in_mate(reads);
            found.retain_mut(|adapter| ends.confirm(adapter));
            ends.add(&mut found);
            Self { found, reads: reads.len() }
        })
    }

    /// Returns the adapters that a user gives, without those that have the sequence of one before.
    ///
    /// No read was looked at; [`Adapters::count`] does.
    pub fn told(given: impl IntoIterator<Item = GivenAdapter>) -> Self {
        let mut found: Vec<Adapter> = Vec::new();
        for given in given {
            if found.iter().all(|other| other.sequence != given.sequence()) {
                found.push(Adapter {
                    name: given.name().to_owned(),
                    sequence: given.sequence().to_owned(),
                    probabilities: given.probabilities(),
                    reads: 0,
                    contexts: 0.0,
                    kit: given.kit(),
                    acceptance: Acceptance::Told,
                });
            }
        }
        Self { found, reads: 0 }
    }

    /// Counts the reads that show each adapter, among the first reads of a run, as many as for
    /// [`Adapters::find`]; replaces all numbers of reads.
    ///
    /// A read shows an adapter where it has at least twelve known bases of it, or all if there are
    /// fewer, one in six of which may differ. It may show several.
    pub fn count<'a>(&mut self, reads: impl IntoIterator<Item = ReadRef<'a>>) {
        let patterns: Vec<Pattern> =
            self.found.iter().map(|adapter| Pattern::of_letters(&adapter.sequence)).collect();
        self.found.iter_mut().for_each(|adapter| adapter.reads = 0);
        let reads = Reads::first(reads, Self::READS, Self::BASES);
        self.reads = reads.len();
        for read in reads.iter() {
            for (adapter, pattern) in self.found.iter_mut().zip(&patterns) {
                adapter.reads += usize::from(pattern.first(read).is_some());
            }
        }
    }
}

/// Returns the adapters of reads, and cuts them off.
fn search(reads: &mut Reads) -> Vec<Adapter> {
    let mut found: Vec<Adapter> = Vec::new();
    let mut short = ShortWords::new();
    let kits = KitWords::of(reads, &mut short);
    for _ in 0..ROUNDS {
        let Some(next) = kits.best(reads).or_else(|| unknown(reads, &short)) else { break };
        let adapters = cut(reads, &next);
        // Nothing would change in the next round.
        if adapters.iter().all(|adapter| adapter.reads == 0) {
            break;
        }
        for adapter in adapters {
            match found.iter().position(|other| adapter.is_variant_of(other)) {
                Some(other) => found[other].reads += adapter.reads,
                None if found.len() < MOST_ADAPTERS && adapter.reads > 0 => found.push(adapter),
                None => {}
            }
        }
    }
    found
}

/// Returns whether the reads are of an instrument for long reads.
fn are_long(reads: &Reads) -> bool {
    let long = reads.iter().filter(|read| read.len() > LONGEST_READ).count();
    long * LONG_READS_ONE_IN > reads.len()
}

/// One or several adapters with the same first word.
struct Found {
    boundary: Boundary,
    profiles: Vec<Profile>,
    acceptance: Acceptance,
}

/// The first words of all kits, and where reads have them.
struct KitWords {
    words: Vec<usize>,
    places: Vec<Vec<Place>>,
}

impl KitWords {
    /// Finds the words; counts the others.
    fn of(reads: &Reads, short: &mut ShortWords) -> Self {
        let mut words: Vec<usize> = KITS.iter().filter_map(Kit::word).collect();
        words.sort_unstable();
        words.dedup();
        let count = |word| short.add(word);
        let places = WordSet::new(&words).places(reads, 0..reads.len(), usize::MAX, count);
        Self { words, places }
    }

    /// Returns the known adapter with the most molecules and contexts.
    ///
    /// By contexts, an adapter comes before another one that follows it in the same reads.
    fn best(&self, reads: &Reads) -> Option<Found> {
        let mut best: Option<(Boundary, Vec<Place>)> = None;
        for (word, places) in self.words.iter().zip(&self.places) {
            let is_left = |(index, at): &&Place| at + K <= reads.read(*index).len();
            let places: Vec<Place> =
                places.iter().filter(is_left).copied().take(MOST_PLACES).collect();
            let boundary = Boundary::of(reads, &places);
            if best.as_ref().is_none_or(|(other, _)| boundary.score() > other.score())
                && is_kit(*word, &tails(reads, &places), &boundary)
            {
                best = Some((boundary, places));
            }
        }
        let (boundary, places) = best?;
        let profiles = Profile::branches(&tails(reads, &places));
        Some(Found { boundary, profiles, acceptance: Acceptance::Kit })
    }
}

/// Returns whether a kit's adapter begins at its first word.
fn is_kit(word: usize, tails: &[&[u8]], boundary: &Boundary) -> bool {
    if boundary.reads < KIT_READS || boundary.before.contexts < KIT_CONTEXTS {
        return false;
    }
    let kits: Vec<Pattern> = KITS
        .iter()
        .filter(|kit| kit.word() == Some(word))
        .map(|kit| Pattern::of_letters(kit.sequence))
        .collect();
    let goes_on =
        |tail: &&&[u8]| kits.iter().any(|kit| kit.begins(tail).is_some_and(|all| all > K));
    // Reads that end with the word say nothing.
    let long = tails.iter().filter(|tail| tail.len() >= K + K / 2);
    let (all, going_on) = (long.clone().count(), long.filter(goes_on).count());
    all >= KIT_READS / 2 && going_on as f64 >= KIT_GOES_ON * all as f64
}

/// Returns the adapter of no known kit that has the most molecules and contexts.
fn unknown(reads: &Reads, short: &ShortWords) -> Option<Found> {
    let rare = FEWEST_MOLECULES.max(reads.len() / READS_PER_RARE).min(usize::from(u8::MAX)) as u8;
    let (mut found, with) = frequent(reads, short, rare);
    if found.len() > MANY_WORDS {
        keep_most_frequent(reads, &mut found, rare);
    }
    if found.is_empty() {
        return None;
    }
    let words: Vec<usize> = found.iter().map(|frequent| frequent.word).collect();
    let all = WordSet::new(&words).places(reads, with, MOST_PLACES, |_| {});
    let background = Background::of(reads);
    let around: Vec<_> = found
        .iter()
        .zip(&all)
        .map(|(frequent, places)| (frequent, places, Boundary::of(reads, places)))
        .filter(|(frequent, _, boundary)| is_boundary(frequent, boundary, &background, rare))
        .collect();
    let words: Vec<usize> = around.iter().map(|(frequent, ..)| frequent.word).collect();
    let candidates = candidates(reads, &words, rare);
    let mut boundaries: Vec<(Candidate, &[Place], Boundary)> = around
        .into_iter()
        .filter_map(|(frequent, places, boundary)| {
            let candidate = candidates.iter().find(|candidate| candidate.word == frequent.word)?;
            Some((*candidate, places.as_slice(), boundary))
        })
        .collect();
    if boundaries.is_empty() {
        return None;
    }
    boundaries.sort_by(|(left_word, _, left), (right_word, _, right)| {
        right.score().total_cmp(&left.score()).then(left_word.word.cmp(&right_word.word))
    });
    let symmetry = LazyCell::new(|| AllWords::of(reads).strand_symmetry(rare));
    boundaries.into_iter().find_map(|(candidate, places, boundary)| {
        let profiles: Vec<Profile> = Profile::branches(&tails(reads, places))
            .into_iter()
            .filter(|profile| profile.len() >= SHORTEST)
            .collect();
        let consensus = profiles.first()?.consensus();
        let Candidate { count, turned, .. } = candidate;
        let suspect = Suspect { consensus: &consensus, places, count, turned };
        let reasons = suspect.reasons(reads, || *symmetry, &background);
        let acceptance = Acceptance::Unknown(reasons.clone());
        (!reasons.is_empty()).then_some(Found { boundary, profiles, acceptance })
    })
}

/// Keeps the most frequent words of those that are candidates, in the order of their numbers.
fn keep_most_frequent(reads: &Reads, found: &mut Vec<Frequent>, rare: u8) {
    let words: Vec<usize> = found.iter().map(|frequent| frequent.word).collect();
    let mut kept = candidates(reads, &words, rare);
    kept.sort_by_key(|candidate| (u32::MAX - candidate.count, candidate.word));
    kept.truncate(MOST_CANDIDATES);
    kept.sort_unstable_by_key(|candidate| candidate.word);
    let frequent = |kept: Candidate| Frequent { word: kept.word, count: kept.count };
    *found = kept.into_iter().map(frequent).collect();
}

/// Returns whether reads around a word look as around the start of an adapter.
///
/// At least 20 molecules, and one in 2,000 reads; copies of molecules are at most half. Contexts
/// are at least 0.6 times as diverse as the sample's. The word is at 8 distances from the start
/// of reads or more, within a sequence after it that at least 80 % of the reads have with one
/// error at most. It is in a read once, and has a context before it in most reads.
fn is_boundary(
    frequent: &Frequent,
    boundary: &Boundary,
    background: &Background,
    rare: u8,
) -> bool {
    let part = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    let occurrences = (frequent.count as usize).min(MOST_PLACES);
    let before: &Before = &boundary.before;
    before.molecules >= usize::from(rare)
        && boundary.reads * 6 >= occurrences * 5
        && before.reads * 2 >= boundary.reads
        && part(before.molecules, before.reads) >= DIFFERENT_MOLECULES
        && before.diversity(background) >= DIVERSITY
        && before.starts >= FEWEST_STARTS
        && boundary.compared * 2 >= FEWEST_MOLECULES
        && boundary.agreement >= AGREEMENT
}

/// Returns the reads from these places on.
fn tails<'a>(reads: &'a Reads, places: &[Place]) -> Vec<&'a [u8]> {
    places.iter().map(|(index, at)| &reads.read(*index)[*at..]).collect()
}

/// Cuts adapters off reads; returns them with the number of reads that have each.
fn cut(reads: &mut Reads, found: &Found) -> Vec<Adapter> {
    let consensus: Vec<Vec<u8>> = found.profiles.iter().map(Profile::consensus).collect();
    let patterns: Vec<Pattern> =
        consensus.iter().map(|adapter| Pattern::of_codes(adapter)).collect();
    let inside: Vec<Inside<'_>> = consensus.iter().map(|adapter| Inside::of(adapter, 1)).collect();
    let mut counts = vec![0; consensus.len()];
    for index in 0..reads.len() {
        let read = reads.read(index);
        let place = |of: usize| {
            // Adapters without a molecule between them may have lost bases.
            if inside[of].has_start_of(read) { Some(0) } else { patterns[of].first(read) }
        };
        let first = (0..patterns.len()).filter_map(|of| Some((place(of)?, of))).min();
        if let Some((at, of)) = first {
            counts[of] += 1;
            reads.cut(index, at);
        }
    }
    let adapter = |(profile, reads): (&Profile, usize)| {
        Adapter::of(profile, reads, found.boundary.before.contexts, found.acceptance.clone())
    };
    found.profiles.iter().zip(counts).map(adapter).collect()
}
