//! How a read is written: as FASTQ, or as a record of BAM.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use bm_io::{Compression, IoError, Output};
use bm_reads::bam::tags::tags;
use bm_reads::bam::{BamFields, CORE, FLAGS};
use bm_reads::fastq::RecordRef;
use bm_reads::mates;

use crate::bam_tags::{LeftOutTags, write_cut, write_independent};
use crate::notes::Notes;
use crate::sam_tags::{TagList, write_description, write_fields};
use crate::tag_values::{Name, write_text};

/// Longest name in BAM, in bytes.
pub(crate) const LONGEST_NAME: usize = 254;

/// The format of an output.
#[derive(Clone, Debug)]
pub(crate) enum RecordFormat {
    /// FASTQ, with these tags of reads from BAM in the description.
    Fastq(TagList),
    /// BAM.
    Bam,
}

/// A read as it is to be written.
pub(crate) struct Written<'a> {
    /// Its definition, and the bases and quality scores that are written.
    pub(crate) record: RecordRef<'a>,
    /// All of its bases.
    pub(crate) whole: &'a [u8],
    /// Which of them are written; `None` for bases of both mates.
    pub(crate) part: Option<Range<usize>>,
    /// The quality scores that were replaced.
    pub(crate) replaced: Option<&'a [u8]>,
    /// What is said about the read.
    pub(crate) notes: Notes<'a>,
    /// Which mate it is, 0 or 1, if it is written with its mate or as it came.
    pub(crate) mate: Option<usize>,
    /// Whether it is kept without its mate.
    pub(crate) is_alone: bool,
}

/// Returns whether an output is BAM, by its name.
pub(crate) fn is_bam(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bam")
}

/// Starts an output of reads: BAM or FASTQ, by its name.
pub(crate) fn create(
    path: &Path,
    inputs: &[&Path],
    compression: &Compression,
) -> Result<Output, IoError> {
    match is_bam(path) {
        true => Output::create_bam(path, inputs, compression),
        false => Output::create(path, inputs, compression),
    }
}

impl RecordFormat {
    /// Returns the format of an output by its name; `tags` are written into the descriptions of FASTQ.
    pub(crate) fn of(path: &Path, tags: &TagList) -> Self {
        if is_bam(path) { Self::Bam } else { Self::Fastq(tags.clone()) }
    }

    /// Appends a read.
    pub(crate) fn write(&self, text: &mut Vec<u8>, read: &Written<'_>, left_out: &LeftOutTags) {
        match self {
            Self::Fastq(list) => write_fastq(text, read, list, left_out),
            Self::Bam => write_bam(text, read, left_out),
        }
    }
}

fn write_fastq(text: &mut Vec<u8>, read: &Written<'_>, list: &TagList, left_out: &LeftOutTags) {
    let mut suffix = Vec::new();
    // The tags of the description, and those that are added behind them.
    let mut all = Vec::new();
    let notes = Notes { parent: None, ..read.notes };
    let has_notes = !notes.is_empty();
    // Aligners copy descriptions into SAM (`bwa mem -C`, `minimap2 -y`), which takes nothing but tags. Words
    // behind other descriptions spoil nothing.
    let are_tags = has_notes && write_fields(read.description(), &mut all);
    let own = all.len();
    if !list.is_empty() && !read.record.bam.is_none() {
        let mut kept = Vec::new();
        read.write_own_tags(left_out, &mut kept);
        for tag in tags(&kept).filter_map(Result::ok).filter(|tag| list.has(tag.name)) {
            all.extend_from_slice(tag.raw);
        }
    }
    if are_tags {
        let mut added = Vec::new();
        notes.write_tags(&mut added);
        add_tags(&added, 0, left_out, &mut all);
    } else if has_notes {
        notes.write_words(&mut suffix);
    }
    for tag in tags(&all[own..]).filter_map(Result::ok) {
        suffix.push(b'\t');
        tag.write_sam(&mut suffix);
    }
    // Writing to memory does not fail.
    let _ = read.record.write_to(text, &suffix);
}

fn write_bam(text: &mut Vec<u8>, read: &Written<'_>, left_out: &LeftOutTags) {
    let RecordRef { sequence, quality_scores, bam, .. } = read.record;
    let name = read.record.name();
    let description = read.description();
    let has_mate = read.mate.is_some() && !read.is_alone;
    let name = if has_mate && bam.is_none() { without_number(name) } else { Cow::from(name) };
    let name = if name.is_empty() { b"*" } else { &name[..name.len().min(LONGEST_NAME)] };
    let start = text.len();
    // The size is known at the end.
    text.extend_from_slice(&[0; 4]);
    let mut core = bam.core().copied().unwrap_or(UNALIGNED);
    core[8] = name.len() as u8 + 1;
    // No read has a CIGAR here.
    core[12..14].fill(0);
    core[14..16].copy_from_slice(&read.flags(bam).to_le_bytes());
    core[16..20].copy_from_slice(&(sequence.len() as u32).to_le_bytes());
    text.extend_from_slice(&core);
    text.extend_from_slice(name);
    text.push(0);
    let (pairs, last) = sequence.as_chunks::<2>();
    text.extend(
        pairs.iter().map(|[one, other]| CODES[usize::from(*one)] << 4 | CODES[usize::from(*other)]),
    );
    text.extend(last.iter().map(|letter| CODES[usize::from(*letter)] << 4));
    text.extend(quality_scores.iter().map(|byte| byte - b'!'));
    let begin = text.len();
    if bam.is_none() {
        write_description(description, text);
    } else {
        read.write_own_tags(left_out, text);
    }
    let mut added = Vec::new();
    if let Some(replaced) = read.replaced {
        write_text(*b"OQ", replaced, &mut added);
    }
    read.notes.write_tags(&mut added);
    add_tags(&added, begin, left_out, text);
    let size = (text.len() - start - 4) as u32;
    text[start..start + 4].copy_from_slice(&size.to_le_bytes());
}

/// Returns the name of a mate without its number, as both mates have one name in BAM.
fn without_number(name: &[u8]) -> Cow<'_, [u8]> {
    let template = mates::template(name);
    match name[template.len()..] {
        // A molecular identifier may follow.
        [b'/' | b'.', b'1' | b'2', ref rest @ ..] => Cow::from([template, rest].concat()),
        _ => Cow::from(name),
    }
}

impl Written<'_> {
    /// Returns the flags of the record.
    fn flags(&self, bam: BamFields<'_>) -> u16 {
        let flags = if bam.is_none() { FLAGS::UNMAPPED } else { bam.flags() };
        match self.mate {
            _ if self.is_alone => flags & !FLAGS::OF_PAIRS,
            Some(mate) if flags & FLAGS::PAIRED == 0 => {
                let which = if mate == 0 { FLAGS::FIRST } else { FLAGS::SECOND };
                flags | FLAGS::PAIRED | FLAGS::MATE_UNMAPPED | which
            }
            _ => flags,
        }
    }

    /// Appends the tags that the read has in its file, as far as they are of the part that is written.
    fn write_own_tags(&self, left_out: &LeftOutTags, to: &mut Vec<u8>) {
        let own = self.record.bam.tags();
        match &self.part {
            Some(part) => write_cut(own, self.whole, part.clone(), left_out, to),
            None => write_independent(own, self.whole.len(), left_out, to),
        }
    }

    /// Returns what the definition has behind the name.
    fn description(&self) -> &[u8] {
        let RecordRef { definition, .. } = self.record;
        definition.get(self.record.name().len() + 1..).unwrap_or_default()
    }
}

/// Appends tags, unless the tags that begin at this place have them already.
fn add_tags(added: &[u8], begin: usize, left_out: &LeftOutTags, text: &mut Vec<u8>) {
    if added.is_empty() {
        return;
    }
    let own: Vec<Name> = tags(&text[begin..]).filter_map(Result::ok).map(|tag| tag.name).collect();
    for tag in tags(added).filter_map(Result::ok) {
        match own.contains(&tag.name) {
            false => text.extend_from_slice(tag.raw),
            // The first qualities are the ones to keep, and so is the first parent.
            true if tag.name == *b"OQ" || tag.name == *b"pi" => {}
            true => left_out.kept(tag.name),
        }
    }
}

/// The first bytes of the record of an unaligned read, as samtools writes them: no reference, no place.
const UNALIGNED: [u8; CORE] = {
    let mut core = [0; CORE];
    let none = [0xff; 4];
    let mut byte = 0;
    while byte < 4 {
        core[byte] = none[byte];
        core[4 + byte] = none[byte];
        core[20 + byte] = none[byte];
        core[24 + byte] = none[byte];
        byte += 1;
    }
    // The bin of no place: reg2bin(-1, 0) = 4680.
    let bin = 4680_u16.to_le_bytes();
    core[10] = bin[0];
    core[11] = bin[1];
    core
};

/// The code of a base for each letter: as in samtools, U is T, and what has no code is N.
static CODES: [u8; 256] = {
    let letters = b"=ACMGRSVTWYHKDBN";
    let mut table = [15; 256];
    let mut code = 1;
    while code < 16 {
        table[letters[code] as usize] = code as u8;
        table[letters[code].to_ascii_lowercase() as usize] = code as u8;
        code += 1;
    }
    table[b'U' as usize] = 8;
    table[b'u' as usize] = 8;
    table
};
