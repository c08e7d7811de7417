//! Tags that place bases in the signal of a nanopore, cut like their read.
//!
//! `mv` has the samples of a step, then for each step of the basecaller whether a base begins with it. `ts`
//! is the number of samples before the first step, and `ns` that of all samples up to the end of the last.
//! All three are cut as `dorado trim` cuts them. The steps of DNA are in the order of its bases; RNA goes
//! through the pore from its other end, so that only tags of DNA are cut here.

use std::ops::Range;

use bm_reads::bam::tags::{Tag, Value};

use crate::tag_values::{write_array, write_number};

/// What dorado has in the id of a read group, behind that of the run, if the model is one for DNA.
const DNA: &[u8] = b"_dna_r";

/// The tags of the signal, as far as a read has them.
pub(crate) struct Signal<'a> {
    pub(crate) moves: Option<Tag<'a>>,
    pub(crate) before: Option<Tag<'a>>,
    pub(crate) samples: Option<Tag<'a>>,
    pub(crate) read_group: Option<Tag<'a>>,
}

/// Appends the tags as they are for a part of a read of `whole` bases. `None` if it is not known how they are
/// cut; then nothing is appended.
pub(crate) fn cut(
    tags: &Signal<'_>,
    whole: usize,
    part: Range<usize>,
    to: &mut Vec<u8>,
) -> Option<()> {
    let is_dna = |tag: Tag<'_>| match tag.value {
        Value::Text(id) => id.windows(DNA.len()).any(|part| part == DNA),
        _ => false,
    };
    let moves = tags.moves?;
    let Value::Array(b'c', elements) = moves.value else { return None };
    let [stride, steps @ ..] = elements else { return None };
    let begins = |step: &u8| *step == 1;
    let is_known = tags.read_group.is_some_and(is_dna)
        && (1..128).contains(stride)
        && steps.iter().all(|step| *step <= 1)
        && steps.iter().filter(|step| begins(step)).count() == whole;
    if !is_known || part.is_empty() {
        return None;
    }
    let mut bases = (0..steps.len()).filter(|step| begins(&steps[*step]));
    let first = bases.nth(part.start)?;
    let end = bases.nth(part.len() - 1).unwrap_or(steps.len());
    let number = |tag: Option<Tag<'_>>| tag.map_or(Some(0), |tag| tag.whole_number());
    let samples = |steps: usize| i64::from(*stride) * steps as i64;
    let before = number(tags.before)?.checked_add(samples(first))?;
    let all = i32::try_from(before.checked_add(samples(end - first))?).ok()?;
    let before = i32::try_from(before).ok()?;
    write_array(moves.name, b'c', &[&[*stride], &steps[first..end]].concat(), to);
    for (tag, value) in [(tags.before, before), (tags.samples, all)] {
        if let Some(tag) = tag {
            write_number(tag.name, value, to);
        }
    }
    Some(())
}
