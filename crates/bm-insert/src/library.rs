//! Bases at the ends of reads that a library has and the sample has not: unique molecular identifiers,
//! barcodes, primers, linkers, spacers, the G of template switching.
//!
//! They are at a fixed place, an end of the read, or in front of the adapter; and they are not what
//! other reads have there that read across the same place ([`crate::overlay`]). How many bases there
//! are in which part of the reads is learned once ([`crate::layout`]). Where it differs from read to
//! read, the run's words of twelve bases tell how many a read has ([`crate::end`]).

use bm_reads::ReadRef;
use bm_reads::base::is_unknown;
use bm_reads::conversion::Conversion;

use crate::damage::Damage;
use crate::end::{End, Letters, Words};
use crate::layout::Layout;
use crate::molecules::{self, MoleculeEnds};
use crate::overlay::{self, Oriented, Overlay, compared_places, good_byte};
use crate::sample::{self, Sample};
use crate::structure::{Place, Structure};

/// Most reads whose ends are compared with others, and bases of these others.
const COMPARED: usize = 6_000;
const BASES: usize = 10_000_000;

/// Longer reads, in bases, are of instruments whose ends are of another kind.
const LONGEST: usize = 700;

/// Times that words are counted: in the parts of reads that other reads show to be of the sample, then
/// in those that words show to be.
const COUNTS: usize = 2;

/// Words show bases of the library in this part of the reads in which other reads do; altogether, in at
/// least and at most so many times as many.
const LEAST_AGREE: f32 = 0.6;
const LEAST_BY_WORDS: f32 = 0.5;
const MOST_BY_WORDS: f32 = 2.0;

/// What bases are is seen in reads of which it is known with this probability how many they have.
const SURE: f32 = 0.9;

/// What reads of each mate have at either end that is not of the sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    /// At the start, at the end, and in front of an adapter, of each mate.
    ends: [[Option<End>; 2]; 3],
    /// What tells how many bases a read has, where that differs from read to read.
    words: Option<Box<Words>>,
    /// Bases that the library turns into others: words are written with both as one.
    pub(crate) conversion: Option<Conversion>,
    pub(crate) structures: Vec<Structure>,
}

/// The reads of one mate at one place, each a part of a read.
pub(crate) struct Ends<'a> {
    pub(crate) place: Place,
    pub(crate) mate: usize,
    pub(crate) reads: Vec<ReadRef<'a>>,
}

impl<'a> Ends<'a> {
    /// Returns the reads that are compared with others.
    fn compared(&self) -> impl Iterator<Item = ReadRef<'a>> {
        self.reads.iter().step_by(self.reads.len().div_ceil(COMPARED).max(1)).copied()
    }

    /// Compares the reads with `all` others.
    pub(crate) fn compare(&self, all: impl Iterator<Item = ReadRef<'a>> + Clone) -> Overlay {
        let mut lengths: Vec<usize> = self.compared().map(|read| read.len()).collect();
        lengths.sort_unstable();
        let middle = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        let places = compared_places(middle);
        if places == 0 || middle > LONGEST {
            return Overlay::default();
        }
        let from_end = self.place != Place::Start;
        let oriented = self.compared().map(|read| Oriented::new(read, from_end));
        let bases = all.clone().map(|read| read.len()).sum::<usize>();
        let testify = all.step_by(bases.div_ceil(BASES).max(1));
        Overlay::of(oriented, testify, places, good_byte(self.compared()), overlay::BASES)
    }
}

/// An end at which reads have bases of the library.
struct Found<'a, 'b> {
    ends: &'b Ends<'a>,
    end: End,
    letters: Vec<Letters>,
    /// How many bases of each compared read are not of the sample, where that is known.
    numbers: Vec<Option<usize>>,
    /// The same as other reads show it.
    by_others: Vec<Option<usize>>,
    is_sure: Vec<bool>,
}

impl<'a, 'b> Found<'a, 'b> {
    fn of(ends: &'b Ends<'a>, overlay: &Overlay, damaged: usize) -> Option<Self> {
        let layout = Layout::of(overlay, ends.place)?;
        // Damage makes the outermost bases of some reads unlike others', too.
        let layout = layout.without_short(damaged)?;
        let shares = layout.shares.iter().map(|share| *share as f32).collect();
        let mut end = End::of(shares, layout.junctions as f32);
        end.damaged = damaged;
        let from_end = ends.place != Place::Start;
        let letters: Vec<Letters> =
            ends.compared().map(|read| Letters::of(read, from_end)).collect();
        let numbers = layout.numbers(overlay);
        Some(Self { ends, end, letters, by_others: numbers.clone(), numbers, is_sure: Vec::new() })
    }

    fn learn(&mut self, words: &Words) {
        self.end.learn(&self.letters, words);
        self.number(Some(words));
    }

    fn number(&mut self, words: Option<&Words>) {
        let number = |letters: &Letters| self.end.most_probable(letters, words);
        (self.numbers, self.is_sure) =
            self.letters.iter().map(number).map(|(number, p)| (Some(number), p > SURE)).unzip();
    }

    /// Returns whether words show bases of the library in the same reads as other reads do, and in not
    /// many more.
    fn do_words_agree(&self) -> bool {
        let has = |number: &Option<usize>| number.is_some_and(|bases| bases > 0);
        let by_words = self.numbers.iter().filter(|number| has(number)).count();
        let pairs = || self.by_others.iter().zip(&self.numbers).filter(|(others, _)| has(others));
        let both = pairs().filter(|(_, words)| has(words)).count();
        let expected = self.letters.len() as f32 * (1.0 - self.end.shares[0]);
        both as f32 >= LEAST_AGREE * pairs().count() as f32
            && (LEAST_BY_WORDS..MOST_BY_WORDS).contains(&(by_words as f32 / expected))
    }
}

impl Library {
    /// Returns a library that turns bases into others, or not, and has nothing at the ends of reads.
    pub(crate) fn of(conversion: Option<Conversion>) -> Self {
        Self { conversion, ..Self::default() }
    }

    /// Returns whether nothing is known.
    pub(crate) fn is_idle(&self) -> bool {
        self.ends.iter().flatten().all(Option::is_none)
    }

    /// Learns what is not of the sample at the ends of the reads of some templates, as the comparisons
    /// with other reads show it.
    pub(crate) fn learn<'a>(
        &mut self,
        compared: &[(Ends<'a>, Overlay)],
        templates: &[Vec<ReadRef<'a>>],
        frequencies: &Sample,
    ) {
        let mut found = Vec::new();
        for (ends, overlay) in compared {
            let damage = Damage::of(overlay);
            self.structures.extend(damage.iter().map(|it| it.structure(ends.place, ends.mate)));
            let damaged = damage.map_or(0, |damage| damage.places);
            if let Some(here) = Found::of(ends, overlay, damaged) {
                found.push(here);
            } else if damaged > 0 {
                self.ends[ends.place.number()][ends.mate.min(1)] = Some(End::of_all(damaged));
            }
        }
        let is_varied = |found: &&mut Found<'_, '_>| found.end.number_of_all().is_none();
        if found.iter_mut().any(|found| is_varied(&found)) {
            for _ in 0..COUNTS {
                let words = words_of(&found, templates, frequencies);
                found.iter_mut().filter(is_varied).for_each(|found| found.learn(&words));
                self.words = Some(Box::new(words));
            }
        }
        for mut found in found {
            found.number(self.words.as_deref());
            // Words that disagree with other reads do not tell which reads have them.
            if !found.do_words_agree() {
                let Some(most) = found.end.number_of_most() else { continue };
                found.end = End::of_all(most);
                found.number(None);
            }
            let Found { ends, end, numbers, is_sure, .. } = found;
            let reads: Vec<ReadRef<'_>> = ends.compared().collect();
            let numbers: Vec<usize> = numbers.into_iter().map(Option::unwrap_or_default).collect();
            self.structures
                .extend(Structure::of(ends.place, ends.mate, &reads, &numbers, &is_sure));
            self.ends[ends.place.number()][ends.mate.min(1)] = Some(end);
        }
    }

    /// Fills `p` with the probability of each number of bases at a place that are not of the sample,
    /// from none on; empty if all reads are of the sample there.
    pub(crate) fn find(&self, place: Place, mate: usize, read: ReadRef<'_>, p: &mut Vec<f32>) {
        p.clear();
        if let Some(end) = &self.ends[place.number()][mate.min(1)] {
            let mut text = Vec::new();
            let mut read = read;
            if let Some(conversion) = self.conversion
                && end.number_of_all().is_none()
            {
                conversion.write_as_one(read.sequence, mate, &mut text);
                read.sequence = &text;
            }
            end.posterior(read, place != Place::Start, self.words.as_deref(), p);
        }
    }
}

/// Returns the words of the parts of reads that are of the sample, and where these begin.
fn words_of(
    found: &[Found<'_, '_>],
    templates: &[Vec<ReadRef<'_>>],
    frequencies: &Sample,
) -> Words {
    // Most bases that are not of the sample at the start and at the end of each mate. What is at the
    // start of one mate is at the end of the other one where molecules are short.
    let mut most = [[0; 2]; 2];
    for Found { ends, end, .. } in found {
        let sides: &[(usize, usize)] = match ends.place {
            Place::Start => &[(ends.mate, 0), (1 - ends.mate.min(1), 1)],
            _ => &[(ends.mate, 1)],
        };
        for (mate, side) in sides {
            most[*mate][*side] = end.most().max(most[*mate][*side]);
        }
    }
    let at_start = [0, 1].map(|mate| {
        found.iter().find(|found| found.ends.place == Place::Start && found.ends.mate == mate)
    });
    let compared = templates.len().div_ceil(COMPARED).max(1);
    let bases = templates.iter().flatten().map(ReadRef::len).sum::<usize>();
    let step = if bases > BASES { compared } else { 1 };
    let mut words = sample::Words::of_bases(bases / step);
    let mut starts = molecules::Ends::default();
    for (number, mates) in templates.iter().enumerate().step_by(step) {
        for (mate, read) in mates.iter().enumerate() {
            let [start, end] = most[mate];
            let known = match at_start[mate] {
                None => Some(0),
                Some(found) if number % compared == 0 => {
                    found.numbers.get(number / compared).copied().flatten()
                }
                Some(_) => None,
            };
            let end = read.len().saturating_sub(end);
            let part = &read.sequence[known.unwrap_or(start).min(end)..end];
            words.add(part);
            match known {
                Some(_) => starts.add(part, false),
                None => starts.add_inside(part),
            }
        }
    }
    let mut sample = frequencies.clone();
    sample.clear();
    sample.count(&words);
    sample.forget_simple_words();
    Words { sample, starts: MoleculeEnds::new(starts) }
}

/// Returns the number of unknown bases that a sequence begins with.
pub(crate) fn unknown_first(sequence: &[u8]) -> usize {
    sequence.iter().take_while(|letter| is_unknown(**letter)).count()
}

/// Returns the number of bases of a sequence without unknown ones at its end.
pub(crate) fn known_length(sequence: &[u8]) -> usize {
    sequence.len() - sequence.iter().rev().take_while(|letter| is_unknown(**letter)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, template};

    const READS: usize = 4000;
    const LENGTH: usize = 80;

    /// Reads that begin anywhere in a small genome; `front` returns what is before each.
    fn reads(front: impl Fn(&mut Random, usize) -> Vec<u8>) -> (Vec<Vec<u8>>, Vec<usize>) {
        let mut random = Random(7);
        let genome = random.bases(20_000);
        let one = |number: usize| {
            let start = random.below(genome.len() - LENGTH);
            let front = front(&mut random, number);
            let mut read = [&front[..], &genome[start..start + LENGTH]].concat();
            read.truncate(LENGTH);
            (read, front.len())
        };
        (0..READS).map(one).unzip()
    }

    fn learned(reads: &[Vec<u8>]) -> Option<Library> {
        let scores = [b'I'; LENGTH];
        let templates: Vec<_> = reads.iter().map(|read| template(read, &scores)).collect();
        let reads = || templates.iter().map(|mates| mates[0]);
        let ends = Ends { place: Place::Start, mate: 0, reads: reads().collect() };
        let overlay = ends.compare(reads());
        let templates: Vec<_> = reads().map(|read| vec![read]).collect();
        let mut library = Library::default();
        library.learn(&[(ends, overlay)], &templates, &Sample::new([1; 4]));
        Some(library).filter(|library| !library.is_idle())
    }

    /// Returns P(base is of the library) of the first bases of a read.
    fn front(library: &Library, read: &[u8]) -> Vec<f32> {
        let scores = [b'I'; LENGTH];
        let mut numbers = Vec::new();
        library.find(Place::Start, 0, template(read, &scores)[0], &mut numbers);
        assert!(read.is_empty() || (numbers.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{numbers:?}");
        (1..numbers.len()).map(|number| numbers[number..].iter().sum()).collect()
    }

    fn right(reads: &[Vec<u8>], bases: &[usize]) -> f64 {
        let library = learned(reads).expect("there are such bases");
        let is_right = |(read, bases): &(&Vec<u8>, &usize)| {
            front(&library, read).iter().filter(|p| **p > 0.5).count() == **bases
        };
        reads.iter().zip(bases).filter(is_right).count() as f64 / reads.len() as f64
    }

    #[test]
    fn bases_of_template_switching_are_found_read_by_read() {
        let (reads, bases) = reads(|_, number| vec![b'G'; [3, 3, 3, 4, 0][number % 5]]);
        assert!(right(&reads, &bases) > 0.85, "{}", right(&reads, &bases));
    }

    #[test]
    fn random_bases_and_a_constant_part_are_found() {
        let (reads, bases) = reads(|random, _| [random.bases(8), b"TGG".to_vec()].concat());
        assert!(right(&reads, &bases) > 0.99, "{}", right(&reads, &bases));
    }

    #[test]
    fn nothing_is_found_where_reads_begin_in_the_sample() {
        assert!(learned(&reads(|_, _| Vec::new()).0).is_none());
        // Reads that begin at a few places, as behind primers, with errors in one of them.
        let genome = Random(5).bases(9000);
        let primed = |number: usize| {
            let start = number % 40 * 200;
            let mut read = genome[start..start + LENGTH].to_vec();
            if start == 400 {
                read[..3].copy_from_slice(b"GGG");
            }
            read
        };
        assert!(learned(&(0..READS).map(primed).collect::<Vec<_>>()).is_none());
        // Random primers that differ from the sample in a tenth of their bases.
        let (mut reads, _) = reads(|_, _| Vec::new());
        let mut random = Random(3);
        for read in &mut reads {
            read[..6].iter_mut().for_each(|base| {
                if random.below(10) == 0 {
                    *base = random.bases(1)[0];
                }
            });
        }
        assert!(learned(&reads).is_none());
    }

    #[test]
    fn bases_that_a_part_of_the_reads_has_are_found() {
        let (reads, bases) =
            reads(|random, number| if number % 10 == 0 { random.bases(8) } else { Vec::new() });
        let library = learned(&reads).expect("there are such bases");
        let found = |read: &Vec<u8>| front(&library, read).iter().filter(|p| **p > 0.5).count();
        let with = reads.iter().zip(&bases).filter(|(_, bases)| **bases > 0);
        let right = with.clone().filter(|(read, _)| found(read) == 8).count();
        // The innermost base is the sample's by chance in a quarter of them.
        assert!(10 * right > 9 * with.count(), "{right}");
        let without = reads.iter().zip(&bases).filter(|(_, bases)| **bases == 0);
        assert!(without.filter(|(read, _)| found(read) > 0).count() < 20);
        let structure = &library.structures[0];
        assert_eq!((structure.place, structure.bases.clone()), (Place::Start, 8..=8));
        assert!((structure.fraction - 0.1).abs() < 0.02, "{structure:?}");
        assert_eq!(structure.to_string(), "8 random bases at the start");
    }

    #[test]
    fn short_and_unknown_reads_say_nothing() {
        let (mut reads, _) = reads(|random, _| random.bases(4));
        reads.extend([Vec::new(), b"ACG".to_vec(), vec![b'N'; LENGTH], b"ACGTNACGT".to_vec()]);
        let library = learned(&reads).expect("there are such bases");
        for (read, bases) in [(&b""[..], 0), (b"ACG", 3), (b"NNNNNNNN", 4)] {
            let front = front(&library, read);
            assert_eq!(front.len(), bases);
            assert!(front.iter().all(|p| (0.0..=1.001).contains(p)), "{front:?}");
        }
    }

    #[test]
    fn unknown_bases_at_the_ends_are_counted() {
        for (read, first, known) in
            [(&b"NNACGN"[..], 2, 5), (b"nA.", 1, 2), (b"NN", 2, 0), (b"", 0, 0), (b"ANA", 0, 3)]
        {
            assert_eq!((unknown_first(read), known_length(read)), (first, known));
        }
    }
}
