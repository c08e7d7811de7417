//! Batches of templates: single reads, or pairs of mates.

use std::ops::Range;

use bm_long::Ends;
use bm_reads::fastq::{RecordBatch, RecordRef};
use bm_reads::{Phred, ReadRef, mates};

use crate::file_group::Layout;
use crate::stretches::Stretches;
use crate::totals::SplitTotals;

/// The quality of every base, if the reported ones are ignored: Phred 25, a usual error rate of a
/// run. What is learned of a run does not depend on it.
const SAME_QUALITY: u8 = Phred::OFFSET + 25;

/// Templates handled together.
#[derive(Clone, Default)]
pub struct TemplateBatch {
    pub(crate) layout: Layout,
    /// Number of templates before it in the run that are single reads or pairs, as these are.
    pub(crate) before: u64,
    /// Records of the first file, and the same number from the second.
    pub(crate) files: [RecordBatch; 2],
    /// Records of the index reads, file by file: one for each template.
    pub(crate) index: Vec<RecordBatch>,
    /// Quality scores for the longest read that models get instead of the reported ones; empty if
    /// they get these.
    same_quality: Vec<u8>,
    /// Whether each template is a copy of an earlier one; empty if copies are not looked for.
    pub(crate) copies: Vec<bool>,
}

impl TemplateBatch {
    /// Returns how reads belong together.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the number of templates before it in the run that are single reads or pairs, as these
    /// are.
    pub fn before(&self) -> u64 {
        self.before
    }

    /// Lets models get the same quality for every base, or the reported ones.
    pub(crate) fn set_same_quality(&mut self, is_same: bool) {
        self.same_quality.clear();
        if is_same {
            let longest = self.files().flat_map(RecordBatch::iter).map(|it| it.sequence.len());
            let longest = longest.max().unwrap_or(0);
            self.same_quality.resize(longest, SAME_QUALITY);
        }
    }

    /// Returns the number of templates.
    pub(crate) fn number(&self) -> usize {
        self.files[0].len() / if self.layout == Layout::Interleaved { 2 } else { 1 }
    }

    /// Returns which mate the read at this place is, in the order of the files: 0, or 1 for second mates.
    pub(crate) fn mate_of(&self, index: usize) -> usize {
        match self.layout {
            Layout::Single => 0,
            Layout::Interleaved => index % 2,
            Layout::TwoFiles => usize::from(index >= self.files[0].len()),
        }
    }

    /// Returns the number of the mate that the read at this place is, in the order of the files: 1 or 2;
    /// without its mate, by its name.
    pub(crate) fn mate_number(&self, index: usize) -> u8 {
        let by_name = || {
            let record = self.files[0].iter().nth(index);
            record.and_then(|record| mates::number(record.definition)).unwrap_or(1)
        };
        match self.layout {
            Layout::Single => by_name(),
            _ => 1 + self.mate_of(index) as u8,
        }
    }

    /// Leaves out as many bases at the start of each mate.
    pub(crate) fn cut_starts(&mut self, bases: [usize; 2]) {
        let [first, second] = &mut self.files;
        match self.layout {
            Layout::Interleaved => first.cut_starts(|index| bases[index % 2]),
            Layout::Single => first.cut_starts(|_| bases[0]),
            Layout::TwoFiles => {
                first.cut_starts(|_| bases[0]);
                second.cut_starts(|_| bases[1]);
            }
        }
    }

    /// Divides single reads at the adapters and at the stretches inside them; returns what was divided.
    pub(crate) fn split(
        &mut self,
        ends: Option<&Ends>,
        stretches: Option<&Stretches>,
    ) -> SplitTotals {
        let mut totals = SplitTotals::default();
        if self.layout != Layout::Single {
            return totals;
        }
        self.files[0].divide(|_, record| {
            let length = record.sequence.len();
            let bases = |pieces: &[Range<usize>]| pieces.iter().map(Range::len).sum::<usize>();
            let mut pieces = ends.map_or_else(Vec::new, |ends| ends.pieces(record.sequence));
            let adapter_bases = if pieces.is_empty() { 0 } else { length - bases(&pieces) };
            if let Some(stretches) = stretches {
                if pieces.is_empty() {
                    pieces.push(0..length);
                }
                let of_part = |part| stretches.between(record.quality_scores, part);
                pieces = pieces.into_iter().flat_map(of_part).collect();
            }
            // A read with one piece is whole.
            if pieces.len() < 2 {
                return Vec::new();
            }
            totals.reads += 1;
            totals.pieces += pieces.len() as u64;
            totals.bases += adapter_bases as u64;
            totals.stretch_bases += (length - adapter_bases - bases(&pieces)) as u64;
            pieces
        });
        totals
    }

    /// Returns how many bases are left out at the start of the read at this place, in the order of the
    /// files.
    pub(crate) fn cut_start(&self, index: usize) -> usize {
        match index.checked_sub(self.files[0].len()) {
            Some(second) => self.files[1].cut_start(second),
            None => self.files[0].cut_start(index),
        }
    }

    /// Returns the number of templates whose first record begins before this byte of its file.
    pub(crate) fn begin_before(&self, byte: u64) -> usize {
        let step = if self.layout == Layout::Interleaved { 2 } else { 1 };
        let starts = (0..self.files[0].len()).step_by(step).map(|it| self.files[0].address(it));
        starts.take_while(|start| start.is_some_and(|start| start.byte < byte)).count()
    }

    /// Returns the number of reads.
    pub fn len(&self) -> usize {
        self.files().map(RecordBatch::len).sum()
    }

    /// Returns the size of the reads' text in bytes.
    pub fn bytes(&self) -> usize {
        self.files().map(RecordBatch::bytes).sum()
    }

    /// Returns the size of the index reads' text in bytes.
    pub(crate) fn index_bytes(&self) -> usize {
        self.index.iter().map(RecordBatch::bytes).sum()
    }

    /// Returns whether there are no reads.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the records of each file; predictions are in this order.
    pub fn files(&self) -> impl Iterator<Item = &RecordBatch> {
        self.files.iter().take(self.layout.files())
    }

    /// Returns all reads, as models get them.
    pub fn reads(&self) -> impl Iterator<Item = ReadRef<'_>> + Clone {
        let files = self.files.iter().take(self.layout.files());
        files.flat_map(|file| file.iter().map(|record| self.read_of(record)))
    }

    /// Returns a record of the batch as models get it: with the same quality for every base, if the
    /// reported ones are ignored.
    pub(crate) fn read_of<'a>(&'a self, record: RecordRef<'a>) -> ReadRef<'a> {
        as_read(record, &self.same_quality)
    }

    /// Returns the templates in order. A read without a mate is left out.
    pub fn templates<'a>(&'a self) -> impl Iterator<Item = Template<'a>> {
        let [first, second] = &self.files;
        (0..self.number()).filter_map(move |i| {
            let same_quality = self.same_quality.as_slice();
            let mate = |file: &'a RecordBatch, place, index| {
                let (record, whole) = (file.get(place)?, file.whole(place)?);
                let (before, piece) = (file.cut_start(place), file.piece(place));
                Some(Mate { record, whole, before, piece, same_quality, place, index })
            };
            let single = |place| mate(first, place, place);
            let is_copy = self.copies.get(i).copied().unwrap_or(false);
            let index = Index { files: &self.index, place: i };
            let (mates, count) = match self.layout {
                Layout::Single => ([single(i)?; 2], 1),
                Layout::Interleaved => ([single(2 * i)?, single(2 * i + 1)?], 2),
                Layout::TwoFiles => ([single(i)?, mate(second, i, first.len() + i)?], 2),
            };
            Some(Template { mates, count, is_copy, index })
        })
    }
}

/// The reads of a template: one, or two mates.
#[derive(Clone, Copy)]
pub struct Template<'a> {
    mates: [Mate<'a>; 2],
    count: usize,
    is_copy: bool,
    index: Index<'a>,
}

/// The index reads of a template: the records at this place of each file.
#[derive(Clone, Copy)]
struct Index<'a> {
    files: &'a [RecordBatch],
    place: usize,
}

/// One read of a template.
#[derive(Clone, Copy)]
pub struct Mate<'a> {
    /// Its record, without the bases that are left out of it ([`crate::Inputs::umi`]).
    pub record: RecordRef<'a>,
    /// Its record as it was read.
    pub whole: RecordRef<'a>,
    /// Number of bases that are left out at its start.
    before: usize,
    /// Which piece of its read it is, from 1, if the read was split.
    pub(crate) piece: Option<usize>,
    /// Quality scores that models get instead; empty if they get those of the record.
    same_quality: &'a [u8],
    /// Its place among the records of its file.
    pub(crate) place: usize,
    /// The place of its prediction among those of the batch.
    pub(crate) index: usize,
}

impl<'a> Mate<'a> {
    /// Returns how many bases are left out at the start of the read.
    pub(crate) fn cut_start(&self) -> usize {
        self.before
    }

    /// Returns how many bases of its identifier are left out at its start. What lies before a piece of a
    /// read is in another piece, or was left out where the read was divided.
    pub(crate) fn umi_bases(&self) -> usize {
        if self.piece.is_none() { self.before } else { 0 }
    }

    /// Returns the read as models get it.
    pub(crate) fn as_read(&self) -> ReadRef<'a> {
        as_read(self.record, self.same_quality)
    }
}

/// Returns a record as a read, with the first of these quality scores if there are any.
fn as_read<'a>(record: RecordRef<'a>, same_quality: &'a [u8]) -> ReadRef<'a> {
    let read = record.as_read();
    match same_quality.get(..read.len()) {
        Some(quality_scores) if !same_quality.is_empty() => ReadRef { quality_scores, ..read },
        _ => read,
    }
}

impl<'a> Template<'a> {
    /// Returns whether an earlier template of the run has the same bases ([`crate::Inputs::dedup`]).
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// Returns the reads: one, or the first and the second mate.
    pub fn mates(&self) -> &[Mate<'a>] {
        &self.mates[..self.count]
    }

    /// Returns its index reads, one of each file of these.
    pub fn index(&self) -> impl Iterator<Item = RecordRef<'a>> {
        let Index { files, place } = self.index;
        files.iter().filter_map(move |file| file.get(place))
    }
}
