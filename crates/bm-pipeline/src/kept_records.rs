//! Writes the records that `bm filter` keeps, and the records that it discards.

use std::io::Write as _;

use bm_quality::Verdict;
use bm_reads::fastq::RecordRef;

use crate::bam_tags::LeftOutTags;
use crate::base_probabilities::quality_byte;
use crate::decide::ScoredTemplate;
use crate::fate::{BaseRange, Decision, Fate};
use crate::merge::MergedRead;
use crate::notes::Notes;
use crate::pipeline::Product;
use crate::record_writer::{RecordFormat, Written};
use crate::templates::Mate;
use crate::umi::Umi;
use crate::umi_names::write_definition;

/// The places of the outputs for each kind of read.
pub(crate) struct Places {
    /// Kept reads: single reads and first mates, then second mates; both may be the same output.
    pub(crate) mates: [usize; 2],
    /// Kept single reads.
    pub(crate) unpaired: usize,
    /// Merged reads.
    pub(crate) merged: Option<usize>,
    /// Reads that are kept without their mate.
    pub(crate) singles: Option<usize>,
    /// Reads that are not kept.
    pub(crate) discarded: Option<usize>,
    /// Index reads of kept templates, file by file.
    pub(crate) index: Vec<usize>,
}

/// Records of reads.
pub(crate) struct KeptRecords {
    pub(crate) places: Places,
    /// The format of each output.
    pub(crate) formats: Vec<RecordFormat>,
    /// Whether to write scores beside the reads.
    pub(crate) annotate: bool,
    /// The mark for records with the model's qualities; `None` to keep the instrument's qualities.
    pub(crate) recalibrated: Option<Vec<u8>>,
    /// Where reads have identifiers of their molecules: kept reads have them in the names.
    pub(crate) umi: Option<Umi>,
    pub(crate) left_out: LeftOutTags,
}

impl Product for KeptRecords {
    fn write(&self, scored: &ScoredTemplate<'_>, decision: &Decision, texts: &mut [Vec<u8>]) {
        if let (Some(merged), [fate, _]) = (scored.merged, decision.fates())
            && fate.verdict == Verdict::Pass
        {
            if let Some(place) = self.places.merged {
                self.merged(place, texts, scored, &merged);
            }
            return;
        }
        let is_pair = scored.template.mates().len() == 2;
        let mates = scored.template.mates().iter().zip(decision.fates());
        for (number, (mate, fate)) in mates.enumerate() {
            let place = match fate.verdict {
                Verdict::Pass if fate.alone => self.places.singles,
                Verdict::Pass if !is_pair => Some(self.places.unpaired),
                Verdict::Pass => Some(self.places.mates[number]),
                Verdict::Fail | Verdict::Unscored => self.places.discarded,
            };
            if let Some(place) = place {
                self.record(place, texts, scored, (number, mate), fate);
            }
        }
        // In step with the kept reads and pairs: a mate that is kept alone has none.
        if decision.fates().iter().all(|fate| fate.verdict == Verdict::Pass && !fate.alone) {
            for (record, place) in scored.template.index().zip(&self.places.index) {
                // Writing to memory does not fail.
                let _ = record.write_to(&mut texts[*place], b"");
            }
        }
    }

    fn rewrites(
        &self,
        scored: &ScoredTemplate<'_>,
        mate: &Mate<'_>,
        quality_scores: &mut Vec<u8>,
    ) -> bool {
        self.recalibrated.is_some() && recalibrate(scored, mate, quality_scores)
    }

    fn warnings(&self) -> Vec<String> {
        self.left_out.warnings()
    }
}

impl KeptRecords {
    /// Writes the merged read of two mates: with the name of the first one and, as fastp does, the numbers of
    /// bases that are of the first mate and only of the second one.
    fn merged(
        &self,
        place: usize,
        texts: &mut [Vec<u8>],
        scored: &ScoredTemplate<'_>,
        merged: &MergedRead<'_>,
    ) {
        let [Some(mate), other] = [0, 1].map(|number| scored.template.mates().get(number)) else {
            return;
        };
        let bases = [Some(mate), other].into_iter().flatten().zip(merged.of_mates);
        let mut bases = bases.map(|(mate, of)| of.keep.of(mate.record.sequence.len()).len());
        let of_mates = [0, 1].map(|_| bases.next().unwrap_or(0));
        let quality_scores: Vec<u8> =
            merged.errors.iter().map(|error| quality_byte(*error)).collect();
        let mut record =
            RecordRef { sequence: merged.sequence, quality_scores: &quality_scores, ..mate.record };
        let mut definition = Vec::new();
        if let Some(umi) = &self.umi {
            write_definition(umi, &scored.template, record, &mut definition);
            record.definition = &definition;
        }
        let read = Written {
            record,
            whole: mate.whole.sequence,
            part: None,
            replaced: None,
            notes: Notes {
                scores: self.annotate.then_some((merged.prediction, None)),
                merged: Some(of_mates),
                ..Notes::default()
            },
            mate: None,
            is_alone: true,
        };
        self.formats[place].write(&mut texts[place], &read, &self.left_out);
    }

    fn record(
        &self,
        place: usize,
        texts: &mut [Vec<u8>],
        scored: &ScoredTemplate<'_>,
        (number, mate): (usize, &Mate<'_>),
        fate: &Fate,
    ) {
        let is_kept = fate.verdict == Verdict::Pass;
        let mut notes = Notes {
            scores: self.annotate.then_some((scored.prediction(mate), scored.joint)),
            reasons: (!is_kept).then_some(fate.reasons),
            ..Notes::default()
        };
        // Reads that are not kept stay as they came.
        let is_part = is_kept || mate.piece.is_some();
        let mut record = if is_part { mate.record } else { mate.whole };
        let number = (scored.template.mates().len() == 2).then_some(number);
        let (mut definition, mut of_piece) = (Vec::new(), Vec::new());
        if let (true, Some(umi)) = (is_kept, &self.umi) {
            write_definition(umi, &scored.template, record, &mut definition);
            record.definition = &definition;
        }
        if let Some(piece) = mate.piece {
            notes.parent = Some(mate.whole.name());
            write_piece(record.definition, record.name().len(), piece, &mut of_piece);
            record.definition = &of_piece;
        }
        let keep = if is_kept { fate.keep } else { BaseRange::WHOLE }.of(record.sequence.len());
        let (mut quality_scores, mut replaced) = (Vec::new(), None);
        // Nor do reads that cannot be scored get new qualities.
        if let (Some(mark), true) = (&self.recalibrated, is_kept)
            && recalibrate(scored, mate, &mut quality_scores)
        {
            notes.recalibrated = Some(mark);
            replaced = Some(&record.quality_scores[keep.clone()]);
            record.quality_scores = &quality_scores;
        }
        let before = if is_part { mate.cut_start() } else { 0 };
        let read = Written {
            record: RecordRef {
                sequence: &record.sequence[keep.clone()],
                quality_scores: &record.quality_scores[keep.clone()],
                ..record
            },
            whole: mate.whole.sequence,
            part: Some(before + keep.start..before + keep.end),
            replaced,
            notes,
            mate: number,
            is_alone: is_kept && fate.alone,
        };
        self.formats[place].write(&mut texts[place], &read, &self.left_out);
    }
}

/// Appends the definition of a piece of a read: its number behind the name, as Porechop writes it.
fn write_piece(definition: &[u8], name: usize, piece: usize, to: &mut Vec<u8>) {
    let (name, description) = definition.split_at(name);
    to.extend_from_slice(name);
    // Writing to memory does not fail.
    let _ = write!(to, "_{piece}");
    to.extend_from_slice(description);
}

/// Returns the mark for records with the qualities of a model: its id and version as a word. The id comes
/// from the model; bytes of it that are not part of a word are written as `%20` and the like.
pub(crate) fn recalibrated_mark(id: &str, version: u32) -> Vec<u8> {
    let mut mark = Vec::new();
    for byte in id.bytes() {
        match byte {
            b'%' | b'=' | b'/' => {}
            byte if byte.is_ascii_graphic() => {
                mark.push(byte);
                continue;
            }
            _ => {}
        }
        // Writing to memory does not fail.
        let _ = write!(mark, "%{byte:02X}");
    }
    let _ = write!(mark, "/{version}");
    mark
}

/// Writes a read's qualities by the model to `quality_scores`: bases that were not scored keep the
/// instrument's. Returns whether the read was scored.
pub(crate) fn recalibrate(
    scored: &ScoredTemplate<'_>,
    mate: &Mate<'_>,
    quality_scores: &mut Vec<u8>,
) -> bool {
    let bases = scored.bases(mate);
    if bases.is_empty() {
        return false;
    }
    quality_scores.clear();
    quality_scores.extend_from_slice(mate.record.quality_scores);
    let scored = quality_scores[scored.scored_part(mate)].iter_mut();
    scored.zip(bases).for_each(|(score, p)| *score = quality_byte(*p));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_any_model_is_one_word() {
        for (id, word) in [
            ("read-error", "read-error/3"),
            ("a b\tc\nd", "a%20b%09c%0Ad/3"),
            ("x=1/2 100%", "x%3D1%2F2%20100%25/3"),
            ("µ\u{2028}", "%C2%B5%E2%80%A8/3"),
        ] {
            assert_eq!(recalibrated_mark(id, 3), word.as_bytes(), "{id}");
        }
    }
}
