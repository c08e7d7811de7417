//! Outputs in numbered files of as many reads or pairs each.

use std::path::{Path, PathBuf};

use bm_io::{Complete, Durability, IoError, Output, refuse_twins};

use crate::PipelineError;

/// Digits of a file's number, as fastp writes it.
const DIGITS: usize = 4;

/// Opens an output.
pub(crate) type Create<'a> = Box<dyn FnMut(&Path) -> Result<Output, IoError> + Send + 'a>;

/// Cuts outputs into numbered files: of the mates' outputs, files of the same number have mates of the same
/// pairs.
pub(crate) struct Splitter<'a> {
    /// The outputs that are cut, by their place, and their paths without the number.
    paths: Vec<(usize, PathBuf)>,
    /// Paths of all other outputs.
    others: Vec<PathBuf>,
    /// Most reads or pairs in a file.
    most: u64,
    /// Number of the files that are written, from 1, and of the reads or pairs in them.
    number: u64,
    templates: u64,
    create: Create<'a>,
    /// The places of outputs with a header, and the header.
    begins: (Vec<usize>, Vec<u8>),
    durability: Durability,
    /// The files before these, in order, and their names in messages.
    complete: Vec<Complete>,
    names: Vec<String>,
}

impl<'a> Splitter<'a> {
    /// Returns what cuts outputs of these paths, at these places, into files of `most` reads or pairs,
    /// of which the first ones are open: those of [`numbered`] paths.
    pub(crate) fn new(
        paths: Vec<(usize, PathBuf)>,
        others: Vec<PathBuf>,
        most: u64,
        durability: Durability,
        create: Create<'a>,
    ) -> Self {
        Self {
            paths,
            others,
            most: most.max(1),
            number: 1,
            templates: 0,
            create,
            begins: Default::default(),
            durability,
            complete: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Begins the next files of the outputs at these places with a header.
    pub(crate) fn begin_with(&mut self, places: Vec<usize>, header: Vec<u8>) {
        self.begins = (places, header);
    }

    /// Writes the texts of a batch; `ends` has where the text of each template ends, in each output.
    pub(crate) fn write(
        &mut self,
        outputs: &mut [Output],
        texts: &[Vec<u8>],
        ends: &[Vec<usize>],
    ) -> Result<(), PipelineError> {
        let is_cut = |place: &usize| self.paths.iter().any(|(cut, _)| cut == place);
        for place in (0..outputs.len()).filter(|place| !is_cut(place)) {
            outputs[place].write_text(&texts[place])?;
        }
        // What was written of each text, and what is to be written next.
        let mut from: Vec<usize> = vec![0; self.paths.len()];
        let mut to: Vec<usize> = from.clone();
        let templates = ends.first().map_or(0, Vec::len);
        let places: Vec<usize> = self.paths.iter().map(|(place, _)| *place).collect();
        let of = |template: usize| places.iter().map(|place| ends[*place][template]).collect();
        for next in (0..templates).map(of) {
            if next == to {
                continue;
            }
            if self.templates == self.most {
                self.write_range(outputs, texts, &from, &to)?;
                from.clone_from(&to);
                self.go_on(outputs)?;
            }
            self.templates += 1;
            to = next;
        }
        self.write_range(outputs, texts, &from, &to)
    }

    fn write_range(
        &self,
        outputs: &mut [Output],
        texts: &[Vec<u8>],
        from: &[usize],
        to: &[usize],
    ) -> Result<(), PipelineError> {
        for (number, (place, _)) in self.paths.iter().enumerate() {
            outputs[*place].write_text(&texts[*place][from[number]..to[number]])?;
        }
        Ok(())
    }

    /// Completes the files, and opens those of the next number.
    fn go_on(&mut self, outputs: &mut [Output]) -> Result<(), PipelineError> {
        self.number += 1;
        self.templates = 0;
        for (place, path) in &self.paths {
            let path = numbered(path, self.number);
            refuse_twins(self.others.iter().chain([&path]))?;
            let mut next = (self.create)(&path)?;
            if self.begins.0.contains(place) {
                next.write_text(&self.begins.1)?;
            }
            let written = std::mem::replace(&mut outputs[*place], next);
            self.names.push(written.name());
            self.complete.push(written.complete(self.durability)?);
        }
        Ok(())
    }

    /// Returns the files that are complete, and their names in messages, in order.
    pub(crate) fn finish(self) -> (Vec<Complete>, Vec<String>) {
        (self.complete, self.names)
    }
}

/// Returns the path of the file of this number, as fastp names it: `0001.` before its name.
pub(crate) fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = std::ffi::OsString::from(format!("{number:0DIGITS$}."));
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_before_the_name() {
        assert_eq!(numbered(Path::new("a/kept.fq.gz"), 1), Path::new("a/0001.kept.fq.gz"));
        assert_eq!(numbered(Path::new("kept.fq"), 12_345), Path::new("12345.kept.fq"));
    }
}
