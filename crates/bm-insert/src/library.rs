//! Bases at the ends of reads that a library has and the sample has not: unique molecular identifiers,
//! barcodes, primers, linkers, spacers, the G of template switching.
//!
//! They are at a fixed place, an end of the read, or in front of the adapter; and they are not what
//! other reads have there that read across the same place ([`crate::overlay`]). How many bases there
//! are in which part of the reads is learned once ([`crate::layout`]). Where it differs from read to
//! read, the run's words of twelve bases tell how many a read has.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, is_unknown};
use bm_reads::conversion::Conversion;

use crate::damage::Damage;
use crate::layout::Layout;
use crate::overlay::{MOST, Oriented, Overlay, compared_places, good_byte};
use crate::sample::{K, Sample, Words};
use crate::structure::{Place, Structure};

/// Most reads whose ends are compared with others, and bases of these others.
const COMPARED: usize = 6_000;
const BASES: usize = 10_000_000;

/// Longer reads, in bases, are of instruments whose ends are of another kind.
const LONGEST: usize = 700;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 20;

/// All reads have as many bases that are not of the sample if this part of them has.
const ALL: f32 = 0.97;

/// The same where words do not tell which reads have fewer.
const NEARLY_ALL: f32 = 0.8;

/// A base of a read is the run's if at least this part of what the run has before the same bases is.
const SUPPORTED: f32 = 0.1;

/// The part of the reads that have bases of the library by words, in those that have by other reads.
const LEAST_AGREE: f32 = 0.5;
const MOST_AGREE: f32 = 1.5;

/// Letters at an end of a read that tell how many of them are not of the sample.
const LETTERS: usize = MOST + 2 * K;

/// What reads of each mate have at either end that is not of the sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    /// At the start, at the end, and in front of an adapter, of each mate.
    ends: [[Option<End>; 2]; 3],
    /// Words of the sample, where numbers of bases differ from read to read.
    words: Option<Box<Sample>>,
    /// Bases that the library turns into others: words are written with both as one.
    pub(crate) conversion: Option<Conversion>,
    pub(crate) structures: Vec<Structure>,
}

/// The bases at one end of the reads of one mate.
#[derive(Clone, Debug)]
struct End {
    /// Share of the reads with each number of them.
    shares: Vec<f32>,
    /// Frequencies of A, C, G and T at each place, among them and in the sample.
    bases: Vec<[[f32; 4]; 2]>,
    /// See [`elsewhere`].
    elsewhere: f32,
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
        Overlay::of(oriented, testify, places, good_byte(self.compared()))
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

    /// Learns what is not of the sample at one end of the reads of one mate, as the comparison with
    /// `all` others shows it.
    pub(crate) fn learn<'a>(
        &mut self,
        ends: &Ends<'a>,
        overlay: &Overlay,
        all: impl Iterator<Item = ReadRef<'a>> + Clone,
        frequencies: &Sample,
    ) {
        let reads: Vec<ReadRef<'_>> = ends.compared().collect();
        let from_end = ends.place != Place::Start;
        let Some(layout) = Layout::of(overlay, ends.place) else {
            if let Some(damage) = Damage::of(overlay) {
                self.structures.push(damage.structure(ends.place, ends.mate));
                self.ends[ends.place.number()][ends.mate.min(1)] = Some(End::of_all(damage.places));
            }
            return;
        };
        let shares: Vec<f32> = layout.shares.iter().map(|share| *share as f32).collect();
        let bases = all.clone().map(|read| read.len()).sum::<usize>();
        let mut end = End { bases: vec![[[0.25; 4]; 2]; shares.len() - 1], shares, elsewhere: 0.0 };
        if end.number_of_all().is_none() {
            let words = self.words.get_or_insert_with(|| {
                let mut words = frequencies.clone();
                words.clear();
                words.count(&words_of(all, bases));
                words.forget_simple_words();
                Box::new(words)
            });
            let letters: Vec<Letters> =
                reads.iter().map(|read| Letters::of(*read, from_end)).collect();
            end.learn(&letters, words);
        }
        let numbers_of = |end: &End| -> Vec<usize> {
            let words = self.words.as_deref();
            let number =
                |read: &ReadRef<'_>| end.most_probable(&Letters::of(*read, from_end), words);
            reads.iter().map(number).collect()
        };
        let mut numbers = numbers_of(&end);
        // Words that disagree with other reads do not tell which reads have them. They know little of
        // places at which many reads begin.
        let with = numbers.iter().filter(|number| **number > 0).count() as f32;
        let agree = LEAST_AGREE..MOST_AGREE;
        if !agree.contains(&(with / reads.len() as f32 / (1.0 - end.shares[0]))) {
            let Some(most) = end.number_of_most() else { return };
            end = End::of_all(most);
            numbers = numbers_of(&end);
        }
        self.structures.extend(Structure::of(ends.place, ends.mate, &reads, &numbers));
        self.ends[ends.place.number()][ends.mate.min(1)] = Some(end);
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

/// Returns the words of the inner bases of reads.
fn words_of<'a>(reads: impl Iterator<Item = ReadRef<'a>>, bases: usize) -> Words {
    let step = bases.div_ceil(BASES).max(1);
    let mut words = Words::of_bases(bases / step);
    for read in reads.step_by(step) {
        let margin = compared_places(read.len());
        words.add(&read.sequence[margin..read.len() - margin]);
    }
    words
}

/// The letters at one end of a read, on the strand that begins there, and their qualities.
struct Letters {
    number: usize,
    letters: [u8; LETTERS],
    quality_scores: [u8; LETTERS],
}

impl Letters {
    fn of(read: ReadRef<'_>, from_end: bool) -> Self {
        let number = read.len().min(LETTERS);
        let mut letters = Self { number, letters: [b'N'; LETTERS], quality_scores: [0; LETTERS] };
        let oriented = Oriented::new(read, from_end);
        for place in 0..number {
            letters.letters[place] = bm_reads::base::letter(oriented.code(place));
            letters.quality_scores[place] = oriented.quality_score(place);
        }
        letters
    }
}

/// The first bases of some letters, and what the run has there.
#[derive(Clone, Copy)]
struct First {
    bases: usize,
    codes: [u8; MOST],
    /// How often the run has each base, and any base, before those that follow.
    counts: [[f32; 2]; MOST],
    errors: [f32; MOST],
}

impl First {
    fn of(letters: &Letters, most: usize, words: &Sample) -> Self {
        let bases = most.min(letters.number);
        let mut first =
            Self { bases, codes: [UNKNOWN; MOST], counts: [[0.0; 2]; MOST], errors: [0.0; MOST] };
        let mut sequence = letters.letters;
        let sequence = &mut sequence[..letters.number];
        // From further inside, so that an error there hides nothing.
        for place in (0..(bases + K).min(letters.number)).rev() {
            let code = bm_reads::base::code(sequence[place]);
            let counts = words.each_before(sequence, place);
            let all = counts.iter().sum::<f32>();
            let own = counts.get(usize::from(code)).copied().unwrap_or(0.0);
            if place < bases {
                first.codes[place] = code;
                first.errors[place] = words.error(letters.quality_scores[place]);
                first.counts[place] = [own, all];
            }
            // What the run has goes on beside a base that it has not.
            if own < SUPPORTED * all {
                let most = (0..4u8)
                    .max_by(|a, b| counts[usize::from(*a)].total_cmp(&counts[usize::from(*b)]));
                sequence[place] = bm_reads::base::letter(most.unwrap_or(UNKNOWN));
            }
        }
        first
    }

    /// Returns the code of a place, if it is known.
    fn code(&self, place: usize) -> Option<usize> {
        Some(usize::from(self.codes[place])).filter(|code| *code < usize::from(UNKNOWN))
    }
}

impl End {
    /// Returns the end of reads of which all have so many bases that are not of the sample.
    fn of_all(bases: usize) -> Self {
        let mut shares = vec![0.0; bases + 1];
        shares[bases] = 1.0;
        Self { shares, bases: vec![[[0.25; 4]; 2]; bases], elsewhere: 0.0 }
    }

    /// Returns the number of bases that are not of the sample if all reads have as many.
    fn number_of_all(&self) -> Option<usize> {
        self.shares.iter().position(|share| *share >= ALL)
    }

    /// Returns the number of bases that are not of the sample in most reads, if nearly all have as many.
    fn number_of_most(&self) -> Option<usize> {
        let (shares, most) = (&self.shares[1..], NEARLY_ALL);
        shares.iter().position(|share| *share >= most).map(|place| place + 1)
    }

    /// Learns which bases there are from reads.
    fn learn(&mut self, reads: &[Letters], words: &Sample) {
        self.elsewhere = elsewhere(reads, words);
        let most = self.most();
        let known: Vec<First> = reads.iter().map(|read| First::of(read, most, words)).collect();
        for _ in 0..ROUNDS {
            let mut bases = vec![[[1.0f32; 4]; 2]; most];
            for first in &known {
                let of_read = self.of_first(first);
                let mut before = 0.0;
                for place in (0..first.bases).rev() {
                    before += of_read[place + 1];
                    if let Some(code) = first.code(place) {
                        bases[place][0][code] += before;
                        bases[place][1][code] += 1.0 - before;
                    }
                }
            }
            for bases in bases.iter_mut().flatten() {
                let all = bases.iter().sum::<f32>();
                bases.iter_mut().for_each(|frequency| *frequency /= all);
            }
            self.bases = bases;
        }
    }

    /// Returns the most bases that may not be of the sample.
    fn most(&self) -> usize {
        self.bases.len()
    }

    fn posterior(
        &self,
        read: ReadRef<'_>,
        from_end: bool,
        words: Option<&Sample>,
        p: &mut Vec<f32>,
    ) {
        let most = self.most().min(read.len());
        if let (None, Some(words)) = (self.number_of_all(), words) {
            let first = First::of(&Letters::of(read, from_end), self.most(), words);
            p.extend_from_slice(&self.of_first(&first)[..=most]);
            return;
        }
        p.extend_from_slice(&self.shares[..=most]);
        // A read that is shorter has no other bases.
        p[most] += self.shares[most + 1..].iter().sum::<f32>();
    }

    /// Returns the most probable number of bases of a read that are not of the sample.
    fn most_probable(&self, letters: &Letters, words: Option<&Sample>) -> usize {
        match (self.number_of_all(), words) {
            (None, Some(words)) => {
                let p = self.of_first(&First::of(letters, self.most(), words));
                (0..=self.most()).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(0)
            }
            (all, _) => all.unwrap_or(0),
        }
    }

    /// Returns P(number of bases that are not of the sample).
    fn of_first(&self, first: &First) -> [f32; MOST + 1] {
        let mut shares = [0.0f64; MOST + 1];
        let mut ratio = 1.0f64;
        shares[0] = f64::from(self.shares[0]);
        for place in 0..first.bases {
            if let Some(code) = first.code(place) {
                let [before, sample] = self.bases[place].map(|bases| bases[code]);
                let p = next(first.counts[place], sample, self.elsewhere);
                let error = first.errors[place];
                ratio *= f64::from(before / ((1.0 - error) * p + error * 0.25));
            }
            shares[place + 1] = f64::from(self.shares[place + 1]) * ratio;
        }
        let all = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        shares.map(|share| (share / all) as f32)
    }
}

/// Returns P(base | sample), by how often the run has it, and any base, before those that follow,
/// its frequency, and the part of such cases that are of elsewhere in the sample.
fn next([own, all]: [f32; 2], frequency: f32, elsewhere: f32) -> f32 {
    let p = (own + frequency) / (all + 1.0);
    (1.0 - elsewhere) * p + elsewhere * frequency
}

/// Returns in which part of the cases the bases before a word, as the run has them, say nothing of
/// the base before it in a read: they are of elsewhere in the sample. As seen at the last places that
/// are looked at.
fn elsewhere(reads: &[Letters], words: &Sample) -> f32 {
    let place = MOST - 1;
    let known: Vec<[f32; 2]> = reads
        .iter()
        .filter(|read| read.number > place)
        .map(|read| {
            let counts = words.each_before(&read.letters[..read.number], place);
            let code = usize::from(bm_reads::base::code(read.letters[place]));
            [counts.get(code).copied().unwrap_or(0.0), counts.iter().sum()]
        })
        .filter(|[_, all]| *all > 0.0)
        .collect();
    let mut share = 0.1;
    for _ in 0..ROUNDS {
        let of_elsewhere = |counts: &[f32; 2]| share * 0.25 / next(*counts, 0.25, share);
        share = known.iter().map(of_elsewhere).sum::<f32>() / known.len().max(1) as f32;
    }
    share
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
        let mut library = Library::default();
        library.learn(&ends, &ends.compare(reads()), reads(), &Sample::new([1; 4]));
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
