//! Which of several files are read together: by their names, or by the names of their first reads.

use std::path::{Path, PathBuf};

use bm_io::{Input, ReadFormats, Tasks, name};
use bm_reads::fastq::{QualityOffset, Record};
use bm_reads::mates;

use crate::PipelineError;
use crate::file_group::FileGroup;
use crate::file_name::{FileName, Role};
use crate::run_pass::{is_seekable, is_stream};

/// Number of first reads of two files that are compared to find out whether they are mates.
const COMPARED: usize = 8;

/// Where to name files whose names do not say what they are.
const ADVICE: &str = "name files of mates after -1 and -2, and files of single reads after -U";

impl FileGroup {
    /// Returns files in groups: one file of single reads, two of mates, or more whose names say which
    /// mates they have, in the order of the groups' first files.
    ///
    /// # Errors
    ///
    /// If the names do not say how the files belong together, or that two are not mates.
    pub fn by_file_names(paths: &[PathBuf]) -> Result<Vec<Self>, PipelineError> {
        match paths {
            [path] => Ok(vec![Self::single(path)]),
            [first, second] => {
                if let (Some(one), Some(other)) = (FileName::of(first), FileName::of(second)) {
                    if [one.role, other.role].iter().any(|role| matches!(role, Role::Index(_))) {
                        return by_lane(paths);
                    }
                    if one.has_letter
                        && other.has_letter
                        && one.role == other.role
                        && one.lane != other.lane
                    {
                        return PipelineError::refuse(format!(
                            "{} and {}: are by their names of the same mate, of two lanes or samples; \
                             {ADVICE}",
                            name(first),
                            name(second)
                        ));
                    }
                }
                Ok(vec![Self::pair(first, second)])
            }
            _ => by_lane(paths),
        }
    }

    /// Returns the files of a run in groups, and a line for each two files whose first reads have the
    /// same names: two consecutive files are of mates if these names, their descriptions or the names of
    /// the files tell first mates from second ones.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn by_read_names(paths: &[PathBuf]) -> Result<(Vec<Self>, Vec<String>), PipelineError> {
        let mut groups = Vec::new();
        let mut notes = Vec::new();
        // A file that may be the first of two.
        let mut before: Option<(&PathBuf, Vec<Vec<u8>>)> = None;
        for path in paths {
            let first_reads = first_definitions(path)?;
            let (Some((other, theirs)), false) = (before.take(), first_reads.is_empty()) else {
                groups.push(Self::single(path));
                before = Some((path, first_reads));
                continue;
            };
            let files = format!("{} and {}", name(other), name(path));
            match Relation::of((other, &theirs), (path, &first_reads)) {
                Relation::Mates => {
                    groups.pop();
                    groups.push(Self::pair(other, path));
                    notes.push(format!(
                        "{files}: read as mates, their first reads have the same names"
                    ));
                    continue;
                }
                Relation::Unclear => notes.push(format!(
                    "{files}: read as single reads: their first reads have the same names, but \
                     nothing tells first mates from second ones; for mates, say -1 {} -2 {}",
                    name(other),
                    name(path)
                )),
                Relation::Others => {}
            }
            groups.push(Self::single(path));
            before = Some((path, first_reads));
        }
        Ok((groups, notes))
    }
}

/// The files of a lane.
#[derive(Default)]
struct Lane<'a> {
    mates: [Option<&'a PathBuf>; 2],
    index: [Option<&'a PathBuf>; 2],
}

/// Returns the files in lanes, each of two files of mates, or of single reads with index reads.
fn by_lane(paths: &[PathBuf]) -> Result<Vec<FileGroup>, PipelineError> {
    let mut lanes: Vec<(PathBuf, Lane<'_>)> = Vec::new();
    for path in paths {
        let Some(FileName { role, lane, .. }) = FileName::of(path) else {
            return PipelineError::refuse(format!(
                "{}: its name does not say which mates it has, as _R1 and _R2 do; {ADVICE}",
                name(path)
            ));
        };
        let place = lanes.iter().position(|(known, _)| *known == lane).unwrap_or_else(|| {
            lanes.push((lane, Lane::default()));
            lanes.len() - 1
        });
        let lane = &mut lanes[place].1;
        let file = match role {
            Role::First => &mut lane.mates[0],
            Role::Second => &mut lane.mates[1],
            Role::Index(file) => &mut lane.index[file],
        };
        if file.replace(path).is_some() {
            return PipelineError::refuse(format!("{}: is named twice", name(path)));
        }
    }
    lanes.into_iter().map(|(_, lane)| lane.group()).collect()
}

impl Lane<'_> {
    /// Returns the files as a group.
    fn group(self) -> Result<FileGroup, PipelineError> {
        let index: Vec<PathBuf> = self.index.into_iter().flatten().cloned().collect();
        let of = |path: Option<&PathBuf>| path.map_or_else(String::new, |path| name(path));
        match self.mates {
            [Some(first), Some(second)] => Ok(FileGroup::pair(first, second).with_index(index)),
            [Some(first), None] if !index.is_empty() => {
                Ok(FileGroup::single(first).with_index(index))
            }
            [Some(first), None] => PipelineError::refuse(format!(
                "{}: the file of its second mates is missing; {ADVICE}",
                of(Some(first))
            )),
            [None, second] => PipelineError::refuse(format!(
                "{}: the file of its first mates is missing; {ADVICE}",
                of(second.or(index.first()))
            )),
        }
    }
}

/// How two files belong together.
enum Relation {
    Mates,
    /// Their first reads have the same names, but may be of two lanes.
    Unclear,
    Others,
}

impl Relation {
    /// Returns how two files with these first reads belong together.
    fn of((first, ours): (&Path, &[Vec<u8>]), (second, theirs): (&Path, &[Vec<u8>])) -> Self {
        let is_same = ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(one, other)| template(one) == template(other));
        if !is_same || first == second {
            return Self::Others;
        }
        let are_told_apart = ours.iter().zip(theirs).all(|(one, other)| {
            matches!((mates::number(one), mates::number(other)), (Some(one), Some(other)) if one != other)
        });
        let is_by_files = match (FileName::of(first), FileName::of(second)) {
            (Some(one), Some(other)) => {
                let is_number = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
                let are_numbers = ours.iter().all(|one| is_number(template(one)));
                one.lane == other.lane
                    && one.role != other.role
                    // Lanes may be numbered, too.
                    && ((one.has_letter && other.has_letter) || !are_numbers)
            }
            _ => false,
        };
        let have_places = ours.iter().all(|one| has_place(template(one)));
        match are_told_apart || is_by_files || have_places {
            true => Self::Mates,
            false => Self::Unclear,
        }
    }
}

/// Returns the name of a read's template.
fn template(definition: &[u8]) -> &[u8] {
    let name = definition.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    mates::template(name)
}

/// Returns whether a name has a place on a flow cell, which no two templates share: lane, tile, x and y
/// after the instrument.
fn has_place(name: &[u8]) -> bool {
    name.split(|byte| *byte == b':').count() >= 5
}

/// Returns the definitions of the first reads of a file; none of a stream, which can be opened only once.
fn first_definitions(path: &Path) -> Result<Vec<Vec<u8>>, PipelineError> {
    if is_stream(path) || !is_seekable(path)? {
        return Ok(Vec::new());
    }
    let formats = ReadFormats::FastqOrFasta;
    // Only names are compared, whatever the offset of the qualities.
    let (offset, tasks) = (QualityOffset::Phred33, Tasks::for_workers(0));
    let mut file = Input::open_formats(path, formats, offset, &tasks, None)?;
    let mut record = Record::default();
    let mut definitions = Vec::new();
    while definitions.len() < COMPARED && file.read_record(&mut record)? {
        definitions.push(record.definition().to_vec());
    }
    Ok(definitions)
}
