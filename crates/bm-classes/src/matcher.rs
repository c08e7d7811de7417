//! A read looked up in an index: its seeds, their chains, and what these say of each class.

use bm_reads::base;

use crate::evidence::Evidence;
use crate::extend::{self, Hit};
use crate::index::ClassIndex;
use crate::odds::Odds;
use crate::seed::{self, Seed};

/// Hits whose diagonals differ by less, lie in one chain, in reads of up to 400 bases.
const BAND: i64 = 8;

/// In longer reads, the diagonals may differ by one in so many bases of the read: between two hits lie more
/// insertions and deletions.
const BASES_PER_BAND: usize = 50;

/// Looks reads up, one after the other; each thread has its own.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    codes: Vec<u8>,
    odds: Odds,
    seeds: Vec<Seed>,
    buckets: Vec<(u32, u32)>,
    hits: Vec<Hit>,
    /// Hits of a chain that each class has: 0 between chains.
    counts: Vec<u32>,
    /// The classes that have hits of a chain.
    counted: Vec<u16>,
    evidence: Evidence,
}

impl Matcher {
    /// Returns what the index says of a read, given as letters, with the error probabilities of its
    /// bases: those of a model, or of the qualities, or none, if nothing is known of them.
    pub fn look_up(&mut self, index: &ClassIndex, letters: &[u8], errors: &[f32]) -> &Evidence {
        self.codes.clear();
        base::push_codes(&mut self.codes, letters);
        self.odds.fill(&self.codes, errors);
        self.find_hits(index);
        self.evidence.clear(index.names.len(), letters.len(), self.odds.most, index.bases());
        self.hits.sort_unstable();
        let mut hits = std::mem::take(&mut self.hits);
        let band = BAND.max((letters.len() / BASES_PER_BAND) as i64);
        for chain in hits.chunk_by_mut(|one, next| next.diagonal - one.diagonal < band) {
            self.weigh(index, chain);
        }
        self.hits = hits;
        &self.evidence
    }

    /// Every step takes all seeds of a pattern, so that the memory is asked for many at once.
    fn find_hits(&mut self, index: &ClassIndex) {
        self.hits.clear();
        for (pattern, table) in index.patterns.iter().zip(&index.tables) {
            self.seeds.clear();
            seed::each(&self.codes, pattern, index.level, |seed| self.seeds.push(seed));
            self.buckets.clear();
            self.buckets.extend(self.seeds.iter().map(|seed| table.bucket(seed.hash)));
            for (seed, bucket) in self.seeds.iter().zip(&self.buckets) {
                let Some(place) = table.find(seed.hash, *bucket) else { continue };
                let Some(sequence) = index.text.sequence_at(place.at) else { continue };
                let (at, span) = (i64::from(seed.at), pattern.span());
                let diagonal = if place.is_forward == seed.is_forward {
                    i64::from(place.at) - at
                } else {
                    -(i64::from(place.at) + at + span as i64 - 1)
                };
                self.hits.push(Hit {
                    diagonal,
                    at: seed.at,
                    span: span as u32,
                    place: place.at,
                    set: place.set,
                    class: sequence.class,
                });
            }
        }
    }

    /// A class has as much of a chain as it has of the chain's hits: a seed that two classes have, has
    /// the place of the first, and says the same of both.
    fn weigh(&mut self, index: &ClassIndex, chain: &mut [Hit]) {
        chain.sort_unstable_by_key(|hit| (hit.at, hit.diagonal));
        let nats = extend::nats(chain, &self.codes, &self.odds, &index.text);
        self.counts.resize(index.names.len(), 0);
        for hit in &*chain {
            let own = [hit.class];
            let classes = if hit.set == 0 { &own[..] } else { index.sets.get(hit.set) };
            for class in classes {
                if let Some(count) = self.counts.get_mut(usize::from(*class)) {
                    if *count == 0 {
                        self.counted.push(*class);
                    }
                    *count += 1;
                }
            }
        }
        let all = chain.len().max(1) as f32;
        for class in self.counted.drain(..).map(usize::from) {
            let count = std::mem::take(&mut self.counts[class]);
            self.evidence.raise(class, nats * count as f32 / all);
        }
    }
}
