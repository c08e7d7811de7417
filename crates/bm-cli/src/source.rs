//! What is judged: the reads of a file, or pairs of mates, from two files or from one in which they
//! take turns.

use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use bm_reads::ReadRef;
use bm_reads::fastq::{BatchSize, RecordBatch, RecordRef};
use bm_reads::mates::{self, Mismatch};

use crate::args::InputArgs;
use crate::input::{self, Input};
use crate::work::Tasks;

/// How reads belong together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Layout {
    /// They do not.
    #[default]
    Single,
    /// The mates of a pair have the same place in two files.
    TwoFiles,
    /// The mates of a pair follow each other.
    Interleaved,
}

impl Layout {
    /// Returns how many files there are.
    fn files(self) -> usize {
        if self == Self::TwoFiles { 2 } else { 1 }
    }
}

/// Reads to be judged.
pub(crate) struct Source {
    /// One file, or two with mates.
    inputs: Vec<Input>,
    layout: Layout,
}

/// Records that are handled together.
#[derive(Default)]
pub(crate) struct Records {
    layout: Layout,
    /// Those of the first file and, with as many records, of the second.
    files: [RecordBatch; 2],
}

impl Source {
    /// Opens what the arguments name; what can be inflated in parallel goes to `tasks`.
    pub(crate) fn open(args: &InputArgs, tasks: &Tasks) -> Result<Self> {
        let paths = args.paths();
        if let [first, second] = paths[..]
            && is_same(first, second)
        {
            bail!(
                "{}: is named for both mates; with both in one file, name it once and say --interleaved",
                input::name(first)
            );
        }
        let inputs = paths
            .iter()
            .map(|path| input::open(path, args.offset(), tasks))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { inputs, layout: args.layout() })
    }

    /// Returns what messages call it.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    /// Returns how reads belong together.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the input that tells how far we are.
    pub(crate) fn leading(&self) -> &Input {
        &self.inputs[0]
    }

    /// Returns how many records were read.
    pub(crate) fn records(&self) -> u64 {
        self.inputs.iter().map(|input| input.count()).sum()
    }

    /// Reads the next records: those in so many bytes, with their mates. Returns whether there may
    /// be more.
    pub(crate) fn read(&mut self, records: &mut Records, bytes: usize) -> Result<bool> {
        records.layout = self.layout;
        let size = match self.layout {
            Layout::Single => BatchSize::Bytes(bytes),
            Layout::Interleaved => BatchSize::PairsInBytes(bytes),
            // So that what is read is as much text as of other inputs.
            Layout::TwoFiles => BatchSize::Bytes(bytes / 2),
        };
        let [first, second] = &mut records.files;
        let more = self.inputs[0].read_batch(first, size)?;
        match self.layout {
            Layout::Single => {}
            Layout::TwoFiles => {
                self.inputs[1].read_batch(second, BatchSize::Records(first.len()))?;
                self.check_counts(first, second, more)?;
                self.check_names(records).map_err(|error| self.explained(error))?;
            }
            Layout::Interleaved => {
                if !first.len().is_multiple_of(2) {
                    // What is wrong may be in the mate.
                    self.inputs[0].read_batch(second, BatchSize::Records(1))?;
                    let name = &self.inputs[0].name;
                    let last = address(first, first.len() - 1);
                    bail!(
                        "{name}: ends after {last}, which has no mate; with --interleaved, mates follow each other"
                    );
                }
                self.check_names(records).map_err(|error| self.explained(error))?;
            }
        }
        Ok(more)
    }

    /// Both files must end together.
    fn check_counts(
        &mut self,
        first: &RecordBatch,
        second: &RecordBatch,
        more: bool,
    ) -> Result<()> {
        let [ours, theirs] = &mut self.inputs[..] else { return Ok(()) };
        if second.len() < first.len() {
            // What is wrong may be in the next record.
            theirs.read_batch(&mut RecordBatch::default(), BatchSize::Records(1))?;
            let (end, mate) = (theirs.count(), address(first, second.len()));
            bail!(
                "{}: ends after record {end}, but {} goes on with {mate}; one of them is not whole, or they are not mates",
                theirs.name,
                ours.name
            );
        }
        if !more {
            let mut next = RecordBatch::default();
            theirs.read_batch(&mut next, BatchSize::Records(1))?;
            if !next.is_empty() {
                let (end, mate) = (ours.count(), address(&next, 0));
                bail!(
                    "{}: ends after record {end}, but {} goes on with {mate}; one of them is not whole, or they are not mates",
                    ours.name,
                    theirs.name
                );
            }
        }
        Ok(())
    }

    /// Says of a pair that is none which file is damaged, if one is: a name may not be what it was.
    fn explained(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.inputs.iter_mut().find_map(|input| Some((input.damage()?, &input.name))) {
            Some((damage, name)) => anyhow!("{error}; further on in {name}, {damage}"),
            None => error,
        }
    }

    /// Every read must be the mate of the other one.
    fn check_names(&self, records: &Records) -> Result<()> {
        for template in records.templates() {
            let [one, other] = template.mates() else { continue };
            let Some(mismatch) = mates::check(one.record.definition, other.record.definition)
            else {
                continue;
            };
            let [one, other] = [(one, 0), (other, 1)].map(|(mate, number)| {
                let file = if self.layout == Layout::TwoFiles { number } else { 0 };
                format!("{}: {}", self.inputs[file].name, address(&records.files[file], mate.place))
            });
            match mismatch {
                Mismatch::Names => bail!(
                    "{other}: is no mate of {one}; mates must be in the same order, and none left out"
                ),
                Mismatch::Order => {
                    bail!(
                        "{other}: is by its name not the second mate of {one}; are the files swapped, or twice the same?"
                    )
                }
            }
        }
        Ok(())
    }
}

impl Records {
    /// Returns how they belong together.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns how many records there are.
    pub(crate) fn len(&self) -> usize {
        self.files().map(RecordBatch::len).sum()
    }

    /// Returns the batches in which the records are; there is a prediction for each of them, in
    /// this order.
    pub(crate) fn files(&self) -> impl Iterator<Item = &RecordBatch> {
        self.files.iter().take(self.layout.files())
    }

    /// Returns all reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = ReadRef<'_>> + Clone {
        self.files
            .iter()
            .take(self.layout.files())
            .flat_map(|file| file.iter().map(|record| record.as_read()))
    }

    /// Returns the templates in order. A read without a mate is left out.
    pub(crate) fn templates(&self) -> impl Iterator<Item = Template<'_>> {
        let [first, second] = &self.files;
        let templates = first.len() / if self.layout == Layout::Interleaved { 2 } else { 1 };
        (0..templates).filter_map(move |i| {
            let single = |place| Some(Mate { record: first.get(place)?, place, index: place });
            Some(match self.layout {
                Layout::Single => Template { mates: [single(i)?; 2], count: 1 },
                Layout::Interleaved => {
                    Template { mates: [single(2 * i)?, single(2 * i + 1)?], count: 2 }
                }
                Layout::TwoFiles => {
                    let mate = Mate { record: second.get(i)?, place: i, index: first.len() + i };
                    Template { mates: [single(i)?, mate], count: 2 }
                }
            })
        })
    }
}

/// The reads of a template: one, or two mates.
#[derive(Clone, Copy)]
pub(crate) struct Template<'a> {
    mates: [Mate<'a>; 2],
    count: usize,
}

/// One of them.
#[derive(Clone, Copy)]
pub(crate) struct Mate<'a> {
    pub(crate) record: RecordRef<'a>,
    /// Its place in the batch of its file.
    place: usize,
    /// Which prediction is its.
    pub(crate) index: usize,
}

impl<'a> Template<'a> {
    /// Returns its reads.
    pub(crate) fn mates(&self) -> &[Mate<'a>] {
        &self.mates[..self.count]
    }
}

/// Says where a record of a batch is.
fn address(batch: &RecordBatch, index: usize) -> String {
    match (batch.address(index), batch.get(index)) {
        (Some(address), Some(record)) => {
            format!(
                "record {} (read {}, byte {})",
                address.record,
                record.name().escape_ascii(),
                address.byte
            )
        }
        _ => "its end".to_owned(),
    }
}

/// Returns whether two paths lead to the same file, which can be read once.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::canonicalize(path).ok();
    one == other || identity(one).is_some_and(|one| Some(one) == identity(other))
}
