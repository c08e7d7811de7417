//! Where the inserts of a run end: its adapters, and what its first reads show.

use bm_adapt::{Adapters, GivenAdapter};
use bm_insert::{Adapter, End, Finder, Insert, InsertModel, Inserts, PairInsert, Tail};
use bm_long::{Ends, Traits};
use bm_reads::ReadRef;
use bm_reads::conversion::Conversion;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::file_group::Layout;
use crate::library::{Library, LongEnd};
use crate::splitting::Splitting;
use crate::stretches::Stretches;
use crate::template_reader::TemplateReader;
use crate::templates::TemplateBatch;

/// Where the adapters of a run come from.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterChoice {
    /// They are found in its first reads.
    #[default]
    Found,
    /// They are known: those of first mates and single reads, and those of second mates.
    Told([Vec<GivenAdapter>; 2]),
    /// There are none, and inserts are as long as the reads, or longer.
    Forbidden,
}

/// Where the inserts of a run end.
#[derive(Clone, Debug)]
pub(crate) struct RunInserts {
    /// The adapters of first mates and single reads, then those of second mates.
    adapters: [Adapters; 2],
    model: InsertModel,
    /// What long reads have at their ends; empty for other reads.
    ends: Ends,
    /// Where reads are divided.
    splitting: Splitting,
    /// Stretches of low quality at which reads are divided too.
    stretches: Option<Stretches>,
    /// Number of templates from which it was learned: the first ones of the run.
    templates: u64,
}

/// A user who does not trim is told of adapters if more than this fraction of the reads show one.
const NOTICEABLE: f64 = 0.01;

/// How much is read of a run before its first read is scored.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    templates: usize,
    /// Bytes of text.
    bytes: usize,
}

impl Ahead {
    /// To learn where inserts end.
    pub(crate) const LEARN: Self = Self { templates: Adapters::READS, bytes: 2 * Adapters::BASES };
    /// To tell the user of adapters.
    pub(crate) const NOTICE: Self = Self { templates: 10_000, bytes: 8 << 20 };

    /// Returns the bytes of text after which no more is read.
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }
}

/// Reads batches until there are enough templates, or no more of their kind, single reads or pairs; the
/// first batch has been read. Returns whether there may be more.
pub(crate) fn read_first(
    reader: &mut TemplateReader,
    first: &mut Vec<TemplateBatch>,
    batch_bytes: usize,
    ahead: Ahead,
) -> Result<bool, PipelineError> {
    loop {
        let (templates, bytes): (usize, usize) =
            (sum(TemplateBatch::number, first), sum(TemplateBatch::bytes, first));
        if templates >= ahead.templates || bytes >= ahead.bytes {
            return Ok(true);
        }
        if first.last().is_some_and(|batch| batch.layout.has_pairs() != reader.has_pairs()) {
            return Ok(true);
        }
        let mut batch = TemplateBatch::default();
        let more = reader.read(&mut batch, batch_bytes)?;
        first.push(batch);
        if !more {
            return Ok(false);
        }
    }
}

/// Reads the first single reads behind the pairs of a run, which stay to be read; returns them.
pub(crate) fn read_first_behind(
    reader: &mut TemplateReader,
    batch_bytes: usize,
    ahead: Ahead,
) -> Result<&[TemplateBatch], PipelineError> {
    loop {
        let (first, more) = reader.read_behind(batch_bytes)?;
        let (templates, bytes): (usize, usize) =
            (sum(TemplateBatch::number, first), sum(TemplateBatch::bytes, first));
        if !more || templates >= ahead.templates || bytes >= ahead.bytes {
            break;
        }
    }
    Ok(reader.behind())
}

fn sum(of: fn(&TemplateBatch) -> usize, batches: &[TemplateBatch]) -> usize {
    batches.iter().map(of).sum()
}

/// The reads of the first batches of a run, template by template.
struct FirstReads<'a> {
    templates: Vec<[ReadRef<'a>; 2]>,
    /// Reads of a template.
    mates: usize,
}

impl<'a> FirstReads<'a> {
    fn of(first: &'a [TemplateBatch]) -> Self {
        let mut reads = Self { templates: Vec::new(), mates: 1 };
        for template in first.iter().flat_map(TemplateBatch::templates) {
            let mates = template.mates();
            reads.mates = mates.len();
            let read = |mate: usize| mates[mate.min(mates.len() - 1)].as_read();
            reads.templates.push([read(0), read(1)]);
        }
        reads
    }

    /// Returns the adapters of each mate.
    fn adapters(&self, choice: &AdapterChoice) -> [Adapters; 2] {
        match choice {
            AdapterChoice::Forbidden => Default::default(),
            AdapterChoice::Told(told) => [0, 1].map(|mate| {
                let mut adapters = Adapters::told(told[mate].iter().cloned());
                if mate < self.mates {
                    adapters.count(self.templates.iter().map(|reads| reads[mate]));
                }
                adapters
            }),
            AdapterChoice::Found if self.mates == 2 => {
                Adapters::find_pairs(self.templates.iter().copied())
            }
            AdapterChoice::Found => {
                [Adapters::find(self.templates.iter().map(|reads| reads[0])), Adapters::default()]
            }
        }
    }
}

/// Returns a line for the user if the first reads of a run, which is not trimmed, show adapters.
pub(crate) fn notice(first: &[TemplateBatch], choice: &AdapterChoice) -> Option<String> {
    let adapters = FirstReads::of(first).adapters(choice);
    let share = |adapters: &Adapters| {
        let with: usize = adapters.found.iter().map(|adapter| adapter.reads).sum();
        with as f64 / adapters.reads.max(1) as f64
    };
    let share = adapters.iter().map(share).fold(0.0, f64::max);
    let mut names: Vec<&str> = Vec::new();
    for adapter in adapters.iter().flat_map(|adapters| &adapters.found) {
        let name = if adapter.kit.is_some() { &adapter.name } else { &adapter.sequence };
        let name = name.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (share > NOTICEABLE).then(|| {
        format!(
            "{:.0} % of the first reads run into an adapter ({}); --trim cuts it off, --adapt does \
             not take it for errors",
            100.0 * share,
            names.join(", ")
        )
    })
}

impl RunInserts {
    /// Learns where inserts end from the first batches of a run and, if it is asked for, what words
    /// say of the bases of reads.
    pub(crate) fn learn(
        first: &[TemplateBatch],
        choice: &AdapterChoice,
        with_support: bool,
    ) -> Self {
        let reads = FirstReads::of(first);
        if reads.mates == 1 && Traits::of(reads.templates.iter().map(|reads| reads[0])).are_long() {
            return Self::of_long_reads(&reads, choice);
        }
        let adapters = reads.adapters(choice);
        let of_mate = |adapters: &Adapters| {
            adapters.found.iter().map(|adapter| Adapter::new(&adapter.probabilities)).collect()
        };
        let templates: Vec<&[ReadRef<'_>]> =
            reads.templates.iter().map(|mates| &mates[..reads.mates]).collect();
        let model = InsertModel::learn(&templates, [of_mate(&adapters[0]), of_mate(&adapters[1])]);
        let model = if *choice == AdapterChoice::Forbidden { model.without_mates() } else { model };
        let model = if with_support { model.with_support(&templates) } else { model };
        Self::new(adapters, model, Ends::default(), templates.len())
    }

    fn new(adapters: [Adapters; 2], model: InsertModel, ends: Ends, templates: usize) -> Self {
        let (splitting, templates) = (Splitting::NONE, templates as u64);
        Self { adapters, model, ends, splitting, stretches: None, templates }
    }

    /// Learns what is at both ends of long reads, unless adapters are told. With one error in twenty
    /// bases, their adapters are not those of short reads with a few wrong bases.
    fn of_long_reads(reads: &FirstReads<'_>, choice: &AdapterChoice) -> Self {
        let adapters = match choice {
            AdapterChoice::Found | AdapterChoice::Forbidden => Default::default(),
            AdapterChoice::Told(_) => reads.adapters(choice),
        };
        let of_mate = |adapters: &Adapters| {
            adapters.found.iter().map(|adapter| Adapter::new(&adapter.probabilities)).collect()
        };
        let model = InsertModel::learn(&[], [of_mate(&adapters[0]), of_mate(&adapters[1])]);
        let ends = match choice {
            AdapterChoice::Found => {
                let letters = reads.templates.iter().map(|reads| reads[0].sequence);
                Ends::find(&letters.collect::<Vec<_>>())
            }
            AdapterChoice::Told(_) | AdapterChoice::Forbidden => Ends::default(),
        };
        Self::new(adapters, model, ends, reads.templates.len())
    }

    /// Also finds inserts as long as mates or longer, to merge these.
    pub(crate) fn with_merging(self) -> Self {
        Self { model: self.model.with_merging(), ..self }
    }

    /// Returns whether the reads are long and have adapters, barcodes or tails at their ends.
    pub(crate) fn are_long(&self) -> bool {
        !self.ends.is_empty()
    }

    /// Also divides long reads. Of wrong bases in stretches, each costs as much as `price` right ones bring.
    pub(crate) fn with_splitting(self, splitting: Splitting, price: f32) -> Self {
        let stretches = splitting.stretches.then(|| Stretches::new(price));
        Self { splitting, stretches, ..self }
    }

    /// Divides as another run does.
    pub(crate) fn splitting_like(self, other: &Self) -> Self {
        let stretches = other.stretches.clone();
        Self { splitting: other.splitting, stretches, ..self }
    }

    /// Returns the ends of long reads, if reads are divided where these are inside them.
    pub(crate) fn splits_at(&self) -> Option<&Ends> {
        Some(&self.ends).filter(|ends| self.splitting.adapters && !ends.is_empty())
    }

    /// Returns the stretches at which reads are divided, if they are.
    pub(crate) fn stretches(&self) -> Option<&Stretches> {
        self.stretches.as_ref()
    }

    /// Returns whether any read may be divided.
    pub(crate) fn splits(&self) -> bool {
        self.splits_at().is_some() || self.stretches.is_some()
    }

    /// Returns whether mates are to be merged.
    pub(crate) fn merges(&self) -> bool {
        self.model.merges()
    }

    /// Returns the number of templates from which it was learned: the first ones of the run.
    pub(crate) fn templates(&self) -> u64 {
        self.templates
    }

    /// Returns the bases that the library turns into others, if it does.
    pub(crate) fn conversion(&self) -> Option<Conversion> {
        self.model.conversion()
    }

    /// Returns the conversion of a run as these files of it show it: a file of second mates alone shows
    /// the complement.
    pub(crate) fn conversion_here(
        &self,
        of_run: Option<Conversion>,
        layout: Layout,
    ) -> Option<Conversion> {
        let of_run = of_run?;
        let shows_complement =
            self.conversion().is_some_and(|here| of_run.complement().is_alike(here));
        let is_complement = layout == Layout::Single && shows_complement;
        Some(if is_complement { of_run.complement() } else { of_run })
    }

    /// Returns what the library has that is not of the sample.
    pub(crate) fn library(&self) -> Library {
        Library {
            adapters: self.adapters.clone(),
            structures: self.model.structures().to_vec(),
            conversion: self.conversion(),
            long_ends: LongEnd::of(&self.ends),
        }
    }

    /// Returns the model of inserts.
    pub(crate) fn model(&self) -> &InsertModel {
        &self.model
    }

    /// Returns whether all reads are of the sample from end to end.
    pub(crate) fn is_idle(&self) -> bool {
        self.model.is_idle() && self.ends.is_empty()
    }
}

/// Where the inserts of a batch end.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchInserts {
    /// The reads of each file.
    files: [Inserts; 2],
    /// Number of reads of the first file.
    first: usize,
    /// The inserts of pairs, if mates are to be merged.
    pairs: Vec<Option<PairInsert>>,
    /// As many ones as bases are left out at the start of a long read.
    front: Vec<f32>,
}

impl BatchInserts {
    /// Forgets all reads: every base is of the sample.
    pub(crate) fn clear(&mut self) {
        self.files.iter_mut().for_each(Inserts::clear);
        self.first = 0;
        self.pairs.clear();
    }

    /// Finds where the inserts of a batch end.
    pub(crate) fn find(
        &mut self,
        templates: &TemplateBatch,
        run: &RunInserts,
        finder: &mut Finder,
    ) {
        self.clear();
        self.first = templates.files().next().map_or(0, |file| file.len());
        if run.is_idle() {
            return;
        }
        let files = templates.files().count();
        for (number, template) in templates.templates().enumerate() {
            let mates = template.mates();
            let read = |mate: usize| mates[mate.min(mates.len() - 1)].as_read();
            let is_learned = templates.before() + (number as u64) < run.templates;
            if !run.ends.is_empty() {
                self.push_long(&run.ends, read(0).sequence);
                continue;
            }
            finder.find(&run.model, &[read(0), read(1)][..mates.len()], is_learned);
            for mate in 0..mates.len() {
                self.files[mate.min(files - 1)].push(finder.ends(mate), finder.front(mate));
            }
            if run.merges() && mates.len() == 2 {
                self.pairs.push(finder.pair_insert(&run.model, [read(0), read(1)]));
            }
        }
    }

    /// Adds a long read.
    fn push_long(&mut self, ends: &Ends, sequence: &[u8]) {
        let sample = ends.sample(sequence);
        let end = End { at: sample.end as u32, probability: 1.0, tail: Tail::Library };
        self.front.resize(sample.start, 1.0);
        self.files[0].push(&[end][..usize::from(sample.end < sequence.len())], &self.front);
    }

    /// Returns the insert of the pair at this place in the batch, if it is known.
    pub(crate) fn of_pair(&self, pair: usize) -> Option<PairInsert> {
        self.pairs.get(pair).copied().flatten()
    }

    /// Returns the insert of the read at this place in the batch.
    pub(crate) fn get(&self, read: usize) -> Insert<'_> {
        match read.checked_sub(self.first) {
            Some(second) if !self.files[1].is_empty() => self.files[1].get(second),
            _ => self.files[0].get(read),
        }
    }
}
