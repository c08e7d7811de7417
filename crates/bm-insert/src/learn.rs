//! Learns where the inserts of a run end.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, code};
use bm_reads::conversion::Conversion;

use crate::adapter::Adapter;
use crate::candidates::Candidates;
use crate::conversion::{self, AS_ONE};
use crate::finder::Finder;
use crate::inserts::{End, Insert, Tail};
use crate::lengths::{Lengths, Observed};
use crate::library::{Ends as EndsOfReads, Library};
use crate::model::{Counting, InsertModel};
use crate::molecules::{Ends, MoleculeEnds};
use crate::overlap::Overlaps;
use crate::overlay::{self, Oriented, Overlay, compared_places, good_byte};
use crate::runs::Runs;
use crate::sample::{Sample, Surprises, Words};
use crate::structure::Place;
use crate::support::Support;

/// Most templates from which the lengths of inserts are learned.
const LEARNED: usize = 25_000;

/// An insert surely ends where it does with at least this probability.
const SURE: f32 = 0.95;

/// Most templates, and one in this many of their bases, by which it is learned how likely bases are
/// that were not yet seen.
const OBSERVED: usize = 10_000;
const OBSERVED_BASES: usize = 8;

/// Bases whose words are counted only to support bases.
const COUNTED_FOR_SUPPORT: usize = 3_000_000;

/// Templates that tell what the support by words is worth.
const ASKED: usize = 2000;

/// Most templates by which a conversion in a part of the reads is found, and bases of other reads.
const IN_PART: usize = 1000;
const IN_PART_BASES: usize = 1_000_000;

/// Below this part of the templates, mates show no inserts shorter than the reads.
const RARE: f32 = 2e-4;

impl InsertModel {
    /// Learns where the inserts of a run end, from its first templates (one read, or two mates) and
    /// its adapters, those of first mates and single reads, then those of second mates.
    ///
    /// The result depends on the templates and adapters only. Words are counted in those of 8 million
    /// bases, chosen by their names and qualities, where there are more; all else is learned from 25,000
    /// templates in equal distances. Adapters of
    /// which fewer than six of the first twelve bases are known are left out.
    pub fn learn(templates: &[&[ReadRef<'_>]], mut adapters: [Vec<Adapter>; 2]) -> Self {
        adapters.iter_mut().for_each(|adapters| adapters.retain(Adapter::is_known));
        let step = templates.len().div_ceil(LEARNED).max(1);
        let some = || templates.iter().step_by(step).copied();
        let is_paired = templates.iter().any(|mates| mates.len() == 2);
        let longest = templates.iter().flat_map(|mates| mates.iter().map(ReadRef::len)).max();
        let sample = Sample::new(composition(some()));
        let mut model = Self {
            adapters,
            library: Library::default(),
            sample,
            ends: MoleculeEnds::default(),
            counting: Counting::None,
            overlaps: is_paired.then(Overlaps::new),
            merging: None,
            lengths: Lengths::new(longest.unwrap_or(0)),
            runs: Runs::learn(some()),
            support: None,
        };
        if model.has_tails() {
            model.learn_lengths(some());
            if model.overlaps.is_some() {
                // Mates tell where inserts end: words are not needed.
                if model.lengths.shorter() < RARE {
                    model.overlaps = None;
                }
            } else {
                model.count_words(templates);
                model.learn_lengths(some());
            }
        }
        model.learn_library(&some().collect::<Vec<_>>());
        model
    }

    /// Learns which bases the library turns into others, and what it has at the ends of reads.
    fn learn_library(&mut self, templates: &[&[ReadRef<'_>]]) {
        let found = conversion::by_composition(templates.iter().copied());
        let mut library = Library::of(found);
        let endings = self.endings(templates);
        let mut text = Vec::new();
        let mut reads = AsOne::of(templates, &endings, library.conversion, &mut text);
        let mut starts = [0, 1].map(|mate| reads.starts(mate).compare(reads.all()));
        let mut other_text = Vec::new();
        if library.conversion.is_none() {
            let spectra = [0, 1].map(|mate| starts[mate].inner_spectrum);
            let in_part = reads.converted_in_part();
            library.conversion = in_part.or_else(|| conversion::by_differences(&spectra));
            if library.conversion.is_some() {
                reads = AsOne::of(templates, &endings, library.conversion, &mut other_text);
                starts = [0, 1].map(|mate| reads.starts(mate).compare(reads.all()));
            }
        }
        let starts = starts.into_iter().enumerate();
        let mut compared: Vec<_> =
            starts.map(|(mate, overlay)| (reads.starts(mate), overlay)).collect();
        let (mut whole, mut cut) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for (mates, endings) in reads.templates.iter().zip(&endings) {
            for (mate, read) in mates.iter().enumerate() {
                match endings[mate] {
                    Ending::Sample => whole[mate].push(*read),
                    Ending::Adapter(_) if mates.len() == 1 => cut[mate].push(*read),
                    _ => {}
                }
            }
        }
        for (place, of_mates) in [(Place::End, whole), (Place::BeforeAdapter, cut)] {
            for (mate, of_mate) in of_mates.into_iter().enumerate() {
                let ends = EndsOfReads { place, mate, reads: of_mate };
                let overlay = ends.compare(reads.all());
                compared.push((ends, overlay));
            }
        }
        library.learn(&compared, &reads.templates, &self.sample);
        self.library = library;
    }

    /// Returns how the reads of each template end.
    fn endings(&self, templates: &[&[ReadRef<'_>]]) -> Vec<[Ending; 2]> {
        let mut finder = Finder::default();
        let endings = |mates: &&[ReadRef<'_>]| {
            finder.find(self, mates, true);
            [0, 1].map(|mate| Ending::of(finder.ends(mate)))
        };
        templates.iter().map(endings).collect()
    }

    /// Learns, from the same templates, what the run's words say of the bases of reads
    /// ([`Finder::weigh`]).
    pub fn with_support(mut self, templates: &[&[ReadRef<'_>]]) -> Self {
        let reads = templates.iter().step_by(templates.len().div_ceil(ASKED).max(1));
        let reads = reads.flat_map(|mates| mates.iter()).map(|read| read.sequence);
        self.support = if self.sample.has_words() {
            Support::of(&self.sample, reads)
        } else {
            let mut sample = self.sample.clone();
            sample.clear();
            let bases = templates.iter().copied().flatten().map(ReadRef::len).sum::<usize>();
            let step = bases.div_ceil(COUNTED_FOR_SUPPORT).max(1);
            let mut words = Words::of_bases(bases / step);
            for read in templates.iter().step_by(step).copied().flatten() {
                words.add(read.sequence);
            }
            sample.count(&words);
            sample.forget_simple_words();
            Support::of(&sample, reads)
        };
        self
    }

    fn learn_lengths<'a>(&mut self, templates: impl Iterator<Item = &'a [ReadRef<'a>]>) {
        let mut candidates = Candidates::default();
        let mut observed = Observed::default();
        for mates in templates {
            candidates.find(&self.signs(), mates, self.counting.bases(mates));
            let longest = mates.iter().map(ReadRef::len).max().unwrap_or(0);
            observed.add(longest, &candidates.lengths);
        }
        self.lengths.learn(&observed);
    }

    /// Counts the words of the sample, without tails.
    fn count_words(&mut self, templates: &[&[ReadRef<'_>]]) {
        let mut finder = Finder::default();
        let mut sample = self.sample.clone();
        sample.clear();
        let bases = templates.iter().copied().flatten().map(ReadRef::len).sum::<usize>();
        let counting = Counting::some_of(bases);
        let mut words = Words::of_bases(bases / counting.one_in());
        let step = templates.len().div_ceil(OBSERVED).max(1);
        let (mut observed, mut ends) = (Vec::new(), Ends::default());
        for (number, mates) in templates.iter().enumerate() {
            let counted = counting.bases(mates);
            if counted == [0; 2] {
                continue;
            }
            finder.find(self, mates, false);
            for (mate, read) in mates.iter().enumerate() {
                let part = Insert { ends: finder.ends(mate), front: &[] }.part(read.len());
                let inside = part.end.min(counted[mate.min(1)]);
                words.add(&read.sequence[..inside]);
                ends.add(&read.sequence[..inside], inside == part.end && inside < read.len());
                if number % step == 0 {
                    observed.push((*read, inside));
                }
            }
        }
        sample.count(&words);
        self.adapters.iter().flatten().for_each(|adapter| sample.forget(adapter.consensus()));
        sample.forget_simple_words();
        let mut surprises = Surprises::default();
        for (read, inside) in observed {
            // Other places in each read, whatever the order of reads.
            let first = read.sequence.iter().take(OBSERVED_BASES).map(|base| usize::from(*base));
            for at in (first.sum::<usize>() % OBSERVED_BASES..inside).step_by(OBSERVED_BASES) {
                sample.observe(read, at, &mut surprises);
            }
        }
        sample.learn(&surprises);
        self.sample = sample;
        self.counting = counting;
        self.ends = MoleculeEnds::new(ends);
    }
}

fn composition<'a>(templates: impl Iterator<Item = &'a [ReadRef<'a>]>) -> [u64; 4] {
    let mut counts = [0u64; UNKNOWN as usize + 1];
    for read in templates.flatten() {
        read.sequence.iter().for_each(|letter| counts[usize::from(code(*letter))] += 1);
    }
    std::array::from_fn(|base| counts[base])
}

/// How a read ends.
#[derive(Clone, Copy)]
enum Ending {
    /// In the sample.
    Sample,
    /// In an adapter, which begins here.
    Adapter(usize),
    Unknown,
}

impl Ending {
    fn of(ends: &[End]) -> Self {
        let any = ends.iter().map(|end| end.probability).sum::<f32>();
        let is_sure = |end: &&End| end.tail == Tail::Adapter && end.probability > SURE;
        match ends.iter().find(is_sure) {
            Some(end) => Self::Adapter(end.at as usize),
            None if any < 1.0 - SURE => Self::Sample,
            None => Self::Unknown,
        }
    }

    /// Returns the read up to its adapter: an adapter is no other read of the sample.
    fn cut<'a>(self, read: ReadRef<'a>) -> ReadRef<'a> {
        if let Self::Adapter(at) = self { read.window(0, at) } else { read }
    }
}

/// The reads of some templates up to their adapters, in which bases that the library turns into others
/// are written as one.
struct AsOne<'a> {
    /// The reads of each, at most two.
    templates: Vec<Vec<ReadRef<'a>>>,
}

impl<'a> AsOne<'a> {
    fn of(
        templates: &[&[ReadRef<'a>]],
        endings: &[[Ending; 2]],
        conversion: Option<Conversion>,
        text: &'a mut Vec<u8>,
    ) -> Self {
        let reads = templates.iter().zip(endings).map(|(mates, endings)| {
            mates.iter().zip(endings).map(|(read, ending)| ending.cut(*read)).collect::<Vec<_>>()
        });
        let mut templates: Vec<Vec<ReadRef<'_>>> = reads.collect();
        if let Some(conversion) = conversion {
            for (mate, read) in templates.iter().flat_map(|mates| mates.iter().enumerate()) {
                conversion.write_as_one(read.sequence, mate, text);
            }
            let mut rest = &text[..];
            for read in templates.iter_mut().flatten() {
                (read.sequence, rest) = rest.split_at(read.len());
            }
        }
        Self { templates }
    }

    fn all(&self) -> impl Iterator<Item = ReadRef<'a>> + Clone + use<'a, '_> {
        self.templates.iter().flatten().copied()
    }

    /// Returns the conversion of a part of the reads: these can be laid over others only where both
    /// bases are written as one.
    fn converted_in_part(&self) -> Option<Conversion> {
        let bases = self.all().map(|read| read.len()).sum::<usize>();
        let one_in = |most: usize, all: usize| all.div_ceil(most).max(1);
        let step = one_in(IN_PART, self.templates.len());
        let templates = || self.templates.iter().step_by(step);
        let first = || templates().flatten().copied();
        let places = compared_places(first().map(|read| read.len()).max().unwrap_or(0));
        let good = good_byte(first());
        AS_ONE.into_iter().find_map(|pair| {
            let mut alphabet = overlay::BASES;
            alphabet[pair[0]] = pair[1] as u8;
            // The other strand of second mates is that of first mates.
            let oriented = templates()
                .flat_map(|mates| mates.iter().enumerate())
                .map(|(mate, read)| Oriented::new(*read, mate == 1));
            let others = self.all().step_by(one_in(IN_PART_BASES, bases));
            let overlay = Overlay::of(oriented, others, places, good, alphabet);
            conversion::between(pair, &overlay.inner_spectrum)
        })
    }

    /// Returns the starts of the reads of one mate.
    fn starts(&self, mate: usize) -> EndsOfReads<'a> {
        let reads = self.templates.iter().filter_map(|mates| mates.get(mate).copied()).collect();
        EndsOfReads { place: Place::Start, mate, reads }
    }
}
