//! What a part of a run says, in a file: to learn the run from the files of all its parts.
//!
//! A file begins with [`MAGIC`]. What follows is one frame of zstd with its checksum: the facts as JSON
//! and the head of the part, each after its length (`u64`, little-endian), the sample of reads, a byte
//! that tells whether there are k-mers, and the k-mers.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use bm_adapt::{AdaptError, RunSample, Sampler};
use bm_io::{Output, Shard, name, open_file};
use bm_kmers::{Counter, Counts, Index, KmerError, Share, Survey};
use bm_reads::fastq::QualityOffset;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::file_group::{FileGroup, Layout};
use crate::head::Head;
use crate::inputs::Inputs;
use crate::inserts::AdapterChoice;
use crate::library::Library;

/// First bytes of the file.
const MAGIC: &[u8; 8] = b"bm-obsv\n";

/// Version of the format.
pub(crate) const FORMAT: u32 = 2;

/// Level of zstd. Most of the file is k-mers, of which a higher one saves nothing.
const LEVEL: i32 = 3;

/// Most bytes of the facts, and of the head.
const MOST_FACTS: u64 = 16 << 20;
const MOST_HEAD: u64 = 64 << 20;

/// Window of zstd, as a power of two: `bm adapt` holds those of all parts at once. K-mers are not
/// compressed better in a larger one.
const WINDOW: u32 = 17;

/// What is known of a part of a run beside its reads and k-mers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Facts {
    /// Version of the format.
    pub(crate) format: u32,
    /// Version of `bm` that wrote it.
    pub(crate) bm: String,
    /// The files of the part, group after group.
    pub(crate) inputs: Vec<PathBuf>,
    /// The layout of each group of them.
    pub(crate) groups: Vec<GroupLayout>,
    /// Whether it cannot be read again.
    pub(crate) is_stream: bool,
    /// Number of reads.
    pub(crate) reads: u64,
    /// 33 or 64 if it was stated.
    pub(crate) quality_offset: Option<u8>,
    pub(crate) strict: bool,
    pub(crate) ignores_quality: bool,
    /// Which shard of the files was observed, if it is not all of them: its number and how many there
    /// are.
    pub(crate) shard: Option<(u32, u32)>,
    /// Which share of the k-mers was counted, if k-mers were: its number and how many there are.
    pub(crate) share_of_kmers: (u16, u16),
    /// Where adapters come from.
    pub(crate) adapters: AdapterChoice,
    pub(crate) library: Library,
}

impl Facts {
    /// Returns the shard of the files that was observed, if it is not all of them.
    pub(crate) fn shard(&self) -> Option<Shard> {
        let (index, of) = self.shard?;
        Shard::new(index, of).ok()
    }

    /// Returns the share of the k-mers that was counted; `None` if there is no such share.
    pub(crate) fn share(&self) -> Option<Share> {
        Share::new(self.share_of_kmers.0, self.share_of_kmers.1)
    }

    /// Returns the number of an offset in files.
    pub(crate) fn number_of(offset: QualityOffset) -> Option<u8> {
        match offset {
            QualityOffset::Unstated => None,
            QualityOffset::Phred33 => Some(33),
            QualityOffset::Phred64 => Some(64),
        }
    }

    /// Returns the offset of the quality scores.
    pub(crate) fn offset(&self) -> QualityOffset {
        match self.quality_offset {
            Some(64) => QualityOffset::Phred64,
            Some(_) => QualityOffset::Phred33,
            None => QualityOffset::Unstated,
        }
    }

    /// Returns the files of the part, and how they are read.
    pub(crate) fn reads(&self) -> Inputs {
        let mut paths = self.inputs.iter();
        let group = |layout: &GroupLayout| match layout {
            GroupLayout::Single => Some(FileGroup::single(paths.next()?)),
            GroupLayout::Interleaved => Some(FileGroup::interleaved(paths.next()?)),
            GroupLayout::TwoFiles => Some(FileGroup::pair(paths.next()?, paths.next()?)),
        };
        let mut inputs = Inputs::of_groups(self.groups.iter().filter_map(group).collect());
        inputs.offset = self.offset();
        inputs.strict = self.strict;
        inputs.ignore_quality = self.ignores_quality;
        inputs.shard = self.shard();
        inputs
    }
}

/// [`Layout`] in the facts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GroupLayout {
    Single,
    TwoFiles,
    Interleaved,
}

impl From<Layout> for GroupLayout {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Single => Self::Single,
            Layout::TwoFiles => Self::TwoFiles,
            Layout::Interleaved => Self::Interleaved,
        }
    }
}

/// Writes what was observed of a part of a run.
pub(crate) fn write(
    facts: &Facts,
    head: &Head,
    sampler: &Sampler,
    counter: Option<Counter>,
    output: &mut Output,
) -> Result<(), PipelineError> {
    let place = output.name();
    output.write_text(MAGIC)?;
    let json = serde_json::to_vec(facts).map_err(PipelineError::at(place.clone()))?;
    let write = || -> io::Result<()> {
        let mut frame = zstd::Encoder::new(&mut *output, LEVEL)?;
        frame.include_checksum(true)?;
        frame.window_log(WINDOW)?;
        for text in [&json[..], head.text()] {
            frame.write_all(&(text.len() as u64).to_le_bytes())?;
            frame.write_all(text)?;
        }
        sampler.write(&mut frame)?;
        frame.write_all(&[u8::from(counter.is_some())])?;
        if let Some(counter) = counter {
            counter.write_counts(&mut frame)?;
        }
        frame.finish().map(|_| ())
    };
    write().map_err(PipelineError::at(place))
}

/// The text of the frame.
type Frame = BufReader<zstd::Decoder<'static, BufReader<File>>>;

/// What a part of a run says, as far as it was read; k-mers follow.
pub struct Observation {
    /// Its file, and the name of it in messages.
    path: PathBuf,
    name: String,
    pub(crate) facts: Facts,
    pub(crate) head: Head,
    sampler: Sampler,
    rest: Rest,
}

/// What is behind the sample.
enum Rest {
    Kmers(Counts<Frame>),
    /// There are no k-mers.
    End(Frame),
}

impl Observation {
    /// Returns whether there is a file of this kind at a path.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn is_at(path: &Path) -> Result<bool, PipelineError> {
        if bm_io::is_stdio(path) || !path.metadata().is_ok_and(|it| it.is_file()) {
            return Ok(false);
        }
        let (file, _) = open_file(path, "FASTQ")?;
        let mut first = Vec::new();
        file.take(MAGIC.len() as u64)
            .read_to_end(&mut first)
            .map_err(PipelineError::at(name(path)))?;
        Ok(first == MAGIC)
    }

    /// Opens the file at a path, and reads all but the k-mers.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is broken, or of a format that this version does not know.
    pub fn open(path: &Path) -> Result<Self, PipelineError> {
        let (file, _) = open_file(path, "observation")?;
        let name = name(path);
        let place = || PipelineError::at::<io::Error>(name.clone());
        let mut file = BufReader::new(file);
        let mut first = [0; MAGIC.len()];
        let is_one = file.read_exact(&mut first).is_ok() && first == *MAGIC;
        if !is_one {
            return PipelineError::refuse(format!("{name}: is not a file of bm observe"));
        }
        let mut frame = zstd::Decoder::with_buffer(file).map_err(place())?.single_frame();
        frame.window_log_max(WINDOW).map_err(place())?;
        let mut frame = BufReader::new(frame);
        let facts = block(&mut frame, MOST_FACTS).map_err(place())?;
        let version: Version =
            serde_json::from_slice(&facts).map_err(PipelineError::at(name.clone()))?;
        if version.format != FORMAT {
            return PipelineError::refuse(format!(
                "{name}: has format {}, written by bm {}; this is bm {}, which reads format {FORMAT}",
                version.format,
                version.bm,
                env!("CARGO_PKG_VERSION")
            ));
        }
        let facts: Facts =
            serde_json::from_slice(&facts).map_err(PipelineError::at(name.clone()))?;
        let Some(share) = facts.share() else {
            let (number, of) = facts.share_of_kmers;
            return PipelineError::refuse(format!(
                "{name}: has share {number} of {of} of the k-mers"
            ));
        };
        if let (Some((index, of)), None) = (facts.shard, facts.shard()) {
            return PipelineError::refuse(format!(
                "{name}: has shard {index} of {of} of the reads"
            ));
        }
        let text = block(&mut frame, MOST_HEAD).map_err(place())?;
        let Some(head) = Head::from_text(text, facts.library.clone()) else {
            return PipelineError::refuse(format!("{name}: its first reads are no reads"));
        };
        let sampler = Sampler::read(&mut frame, RunSample::ROOM)
            .map_err(PipelineError::at::<AdaptError>(name.clone()))?;
        let mut has_kmers = [0];
        frame.read_exact(&mut has_kmers).map_err(place())?;
        let rest = match has_kmers {
            [0] => Rest::End(frame),
            [1] => {
                let counts =
                    Counts::open(frame).map_err(PipelineError::at::<KmerError>(name.clone()))?;
                if !counts.are_of(share) {
                    return PipelineError::refuse(format!("{name}: has k-mers of another shard"));
                }
                Rest::Kmers(counts)
            }
            [other] => {
                return PipelineError::refuse(format!("{name}: byte {other}, expected 0 or 1"));
            }
        };
        Ok(Self { name, path: path.to_owned(), facts, head, sampler, rest })
    }

    /// Returns the sample, and what is left of the observation.
    pub(crate) fn split(self) -> (Sampler, OpenPart) {
        let Self { path, name, facts, head, sampler, rest } = self;
        (sampler, OpenPart { path, name, facts, head, kmers: rest })
    }
}

/// A part of a run whose sample was taken.
pub(crate) struct OpenPart {
    path: PathBuf,
    /// The name of its file in messages.
    pub(crate) name: String,
    pub(crate) facts: Facts,
    pub(crate) head: Head,
    kmers: Rest,
}

impl OpenPart {
    /// Returns which share of the k-mers was counted.
    pub(crate) fn share(&self) -> Share {
        self.facts.share().unwrap_or(Share::ALL)
    }

    /// Returns whether another part is of the same files, by their first reads.
    pub(crate) fn is_of_same_files(&self, other: &Self) -> bool {
        self.head.text() == other.head.text()
    }

    /// Returns whether another part is of the same reads, by its files, their first reads and the shard.
    pub(crate) fn is_of_same_reads(&self, other: &Self) -> bool {
        self.facts.inputs == other.facts.inputs
            && self.facts.shard == other.facts.shard
            && self.is_of_same_files(other)
    }

    /// Returns the length of its k-mers, if it has some.
    pub(crate) fn k(&self) -> Option<usize> {
        match &self.kmers {
            Rest::Kmers(kmers) => Some(kmers.k()),
            Rest::End(_) => None,
        }
    }
}

/// The facts of a part, and the name of its file in messages.
pub(crate) type Named = (String, Facts);

/// Returns the index of the k-mers of all parts in at most so many bytes, if it is wanted, and checks
/// each file to its end. All that is left of the parts is their facts.
pub(crate) fn merged(
    parts: Vec<OpenPart>,
    bytes: Option<usize>,
) -> Result<(Option<Index>, Vec<Named>), PipelineError> {
    let paths: Vec<_> = parts.iter().map(|part| part.path.clone()).collect();
    let (facts, frames): (Vec<Named>, Vec<_>) =
        parts.into_iter().map(|part| ((part.name, part.facts), part.kmers)).unzip();
    let Some(bytes) = bytes else {
        for ((name, _), rest) in facts.iter().zip(frames) {
            rest.finish(name)?;
        }
        return Ok((None, facts));
    };
    let names = || facts.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>().join(", ");
    let survey = through(frames, &facts, |counts| {
        Survey::of(counts).map_err(PipelineError::at::<KmerError>(names()))
    })?;
    let Some(survey) = survey else { return Ok((None, facts)) };
    // How many k-mers an index has must be known before it is made, so all are read twice.
    let again = |path: &PathBuf| Observation::open(path).map(|it| it.split().1.kmers);
    let frames = paths.iter().map(again).collect::<Result<Vec<_>, _>>()?;
    let index = through(frames, &facts, |counts| {
        survey.index(counts, bytes).map_err(PipelineError::at::<KmerError>(names()))
    })?;
    Ok((Some(index), facts))
}

/// Lets `read` have the k-mers of all parts that have some, and checks that it read each part to its
/// end.
fn through<T>(
    parts: Vec<Rest>,
    facts: &[Named],
    read: impl FnOnce(&mut [Counts<Frame>]) -> Result<T, PipelineError>,
) -> Result<T, PipelineError> {
    let (mut counts, mut names) = (Vec::new(), Vec::new());
    for (rest, (name, _)) in parts.into_iter().zip(facts) {
        match rest {
            Rest::Kmers(kmers) => {
                counts.push(kmers);
                names.push(name);
            }
            Rest::End(_) => rest.finish(name)?,
        }
    }
    let result = read(&mut counts)?;
    for (counts, name) in counts.into_iter().zip(names) {
        Rest::End(counts.into_input()).finish(name)?;
    }
    Ok(result)
}

impl Rest {
    /// Reads to the end of the frame, where its checksum is compared. Behind the end of the content
    /// there must be nothing; k-mers that are of no use may be there.
    fn finish(self, name: &str) -> Result<(), PipelineError> {
        let (mut frame, may_have_more) = match self {
            Self::Kmers(kmers) => (kmers.into_input(), true),
            Self::End(frame) => (frame, false),
        };
        let bytes = io::copy(&mut frame, &mut io::sink()).map_err(PipelineError::at(name))?;
        if bytes > 0 && !may_have_more {
            return PipelineError::refuse(format!("{name}: {bytes} bytes behind its end"));
        }
        Ok(())
    }
}

/// The part of the facts that every format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
    bm: String,
}

/// Returns the next block of bytes, after its length.
fn block(frame: &mut impl BufRead, most: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    frame.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    // It grows with what is read: the length may be wrong.
    frame.take(length.min(most + 1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length && length <= most {
        return Ok(bytes);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a block of {length} bytes, of which {} are there", bytes.len()),
    ))
}
