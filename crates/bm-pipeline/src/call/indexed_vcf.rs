//! VCF in BGZF blocks, with the tabix index that programs look variants up by.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bm_io::{Compression, Durability, IoError, Output, OutputStream, Sink, finish_all};
use noodles_bgzf::VirtualPosition;
use noodles_core::Position;
use noodles_csi::binning_index::index::header::Builder as IndexHeader;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_tabix as tabix;

use crate::PipelineError;

/// Longest sequence that a tabix index can have.
const LONGEST: usize = 1 << 29;

/// The output of calls, and its index if it is compressed.
pub(crate) struct VcfOutput {
    output: Output,
    index: Option<Index>,
}

struct Index {
    output: Output,
    indexer: tabix::index::Indexer,
    /// Where the text that was written so far ends, in the blocks.
    end: Arc<AtomicU64>,
}

/// Returns the path of the index of a VCF file: there is one for a name that ends in `.gz` or `.bgz`.
pub fn index_of_vcf(vcf: &Path) -> Option<PathBuf> {
    let is_compressed = vcf.extension().is_some_and(|it| it == "gz" || it == "bgz");
    is_compressed.then(|| {
        let mut name = vcf.as_os_str().to_owned();
        name.push(".tbi");
        name.into()
    })
}

impl VcfOutput {
    /// Starts the output, plain or compressed by its name. There is no index if a sequence of the reference
    /// is too long for one.
    pub(crate) fn create(
        path: &Path,
        inputs: &[&Path],
        longest_sequence: usize,
    ) -> Result<Self, PipelineError> {
        let plain = Compression::on_this_thread(None);
        let Some(index_path) = index_of_vcf(path) else {
            return Ok(Self { output: Output::create(path, inputs, &plain)?, index: None });
        };
        let end = Arc::new(AtomicU64::new(0));
        let of_sink = Arc::clone(&end);
        let output = Output::create_as(path, inputs, |stream| {
            let blocks = noodles_bgzf::io::Writer::new(stream);
            Ok(Box::new(Blocks { blocks, end: of_sink }))
        })?;
        if longest_sequence > LONGEST {
            return Ok(Self { output, index: None });
        }
        let index = Output::create(&index_path, inputs, &plain)?;
        let mut indexer = tabix::index::Indexer::default();
        indexer.set_header(IndexHeader::vcf().build());
        Ok(Self { output, index: Some(Index { output: index, indexer, end }) })
    }

    /// Returns the output of the calls.
    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Writes the header.
    pub(crate) fn header(&mut self, text: &[u8]) -> Result<(), PipelineError> {
        Ok(self.output.write_text(text)?)
    }

    /// Writes the line of a call on `length` bases of a sequence from the 0-based `place` on.
    pub(crate) fn line(
        &mut self,
        text: &[u8],
        sequence: &str,
        place: usize,
        length: usize,
    ) -> Result<(), PipelineError> {
        let start = self.index.as_ref().map(|it| it.end.load(Ordering::Relaxed));
        self.output.write_text(text)?;
        if let (Some(index), Some(start)) = (&mut self.index, start) {
            let end = index.end.load(Ordering::Relaxed);
            let chunk = Chunk::new(VirtualPosition::from(start), VirtualPosition::from(end));
            let name = index.output.name();
            let position =
                |at: usize| Position::try_from(at).map_err(PipelineError::at(name.as_str()));
            let (first, last) = (position(place + 1)?, position(place + length.max(1))?);
            let added = index.indexer.add_record(sequence, first, last, chunk);
            added.map_err(PipelineError::at(name.as_str()))?;
        }
        Ok(())
    }

    /// Gives the outputs their names: all, or none.
    pub(crate) fn finish(self, durability: Durability) -> Result<(), PipelineError> {
        let Self { output, index } = self;
        let mut outputs = vec![output];
        if let Some(Index { output: mut file, indexer, .. }) = index {
            let name = file.name();
            let mut writer = tabix::io::Writer::new(&mut file);
            writer.write_index(&indexer.build()).map_err(IoError::system(name.clone()))?;
            writer.try_finish().map_err(IoError::system(name))?;
            drop(writer);
            outputs.push(file);
        }
        Ok(finish_all(outputs, durability)?)
    }
}

/// Makes BGZF blocks of text, and tells where the text ends in them.
struct Blocks {
    blocks: noodles_bgzf::io::Writer<OutputStream>,
    end: Arc<AtomicU64>,
}

impl Write for Blocks {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let count = self.blocks.write(text)?;
        self.end.store(self.blocks.virtual_position().into(), Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.blocks.flush()
    }
}

impl Sink for Blocks {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.blocks.finish()?.flush()
    }
}
