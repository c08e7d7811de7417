//! `bm classes` as a library: makes a file of classes from reference sequences.

use std::path::{Path, PathBuf};

use bm_classes::{Builder, Options, is_name, shipped};
use bm_io::{Compression, Durability, Format, Output, Tasks};

use crate::PipelineError;
use crate::classes::push_shipped;
use crate::observer::Observer;
use crate::reference_text::{self, ReferenceSequence};
use crate::taxonomy::Taxonomy;

/// Ends of the names of FASTA files in folders, before one for their compression.
const FASTA: [&str; 5] = ["fa", "fasta", "fna", "fas", "ffn"];

/// Ends of the names of compressed files.
const COMPRESSED: [&str; 5] = ["gz", "bgz", "zst", "bz2", "xz"];

/// Most sequences that a message names.
const SHOWN: usize = 3;

/// References of one class, or of several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum References {
    /// Files and folders of FASTA files, all of one class.
    OfClass {
        /// The name of the class.
        name: String,
        /// Files, or folders of them.
        paths: Vec<PathBuf>,
    },
    /// The references of a shipped class, by its name.
    Shipped(String),
}

/// Makes a file of classes.
#[derive(Clone, Debug)]
pub struct MakeClasses {
    /// The references, class after class.
    pub references: Vec<References>,
    /// A table with the class of each sequence, and the files and folders with these.
    pub taxonomy: Option<(PathBuf, Vec<PathBuf>)>,
    /// One in so many seeds is looked up, a power of two; `None` for one in as many as the size of
    /// the references asks for.
    pub one_in: Option<u32>,
    /// The file that is written.
    pub output: PathBuf,
    /// Whether it is on the disk when it gets its name.
    pub durability: Durability,
}

/// A class of a file that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MadeClass {
    /// Its name.
    pub name: String,
    /// Its sequences.
    pub sequences: u64,
    /// Its known bases.
    pub bases: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeClasses {
    /// The classes.
    pub classes: Vec<MadeClass>,
    /// Compared bases of a seed.
    pub seed_bases: usize,
    /// Fraction of the seeds that reads are looked up by.
    pub fraction: f64,
    /// Memory that looking up takes, in bytes.
    pub memory: u64,
}

impl MakeClasses {
    /// Makes the file.
    ///
    /// # Errors
    ///
    /// If a reference cannot be read or has no bases, names are not those of classes or twice there, or the
    /// output cannot be written or is one of the inputs; no output exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<MadeClasses, PipelineError> {
        if Format::of_name(&self.output).is_some() {
            return PipelineError::refuse(format!(
                "{}: files of classes are not compressed; give it another name",
                self.output.display()
            ));
        }
        let tasks = Tasks::for_workers(0);
        let classes = self.files()?;
        let mut inputs: Vec<&Path> = classes.iter().flat_map(|it| &it.1).map(|it| &**it).collect();
        inputs.extend(self.taxonomy.iter().map(|(table, _)| table.as_path()));
        let compression = Compression::on_this_thread(None);
        let mut output = Output::create(&self.output, &inputs, &compression)?;
        let making = Making { tasks: &tasks, observer };
        let (mut builder, mut counts) = (Builder::default(), Vec::new());
        for (class, paths) in &classes {
            counts.push(making.add(&mut builder, class, paths)?);
        }
        if let Some((table, paths)) = &self.taxonomy {
            let taxonomy = Taxonomy::open(table, &tasks)?;
            counts.extend(making.add_by_table(&mut builder, &taxonomy, &files_of(paths)?)?);
        }
        if counts.is_empty() {
            return PipelineError::refuse("no class: name one as NAME=REF.fa");
        }
        let mut options = Options::default();
        options.level = self.one_in.map(u32::ilog2);
        let failed = || PipelineError::at(self.output.display().to_string());
        let index = builder.finish(&options).map_err(failed())?;
        let classes = index.names().iter().zip(index.sizes()).zip(counts);
        let classes: Vec<MadeClass> = classes
            .map(|((name, bases), sequences)| MadeClass { name: name.clone(), sequences, bases })
            .collect();
        if let Some(empty) = classes.iter().find(|class| class.bases == 0) {
            return PipelineError::refuse(format!(
                "class {}: no sequence of it has 18 known bases one after the other; of {}, reads \
                 cannot be looked up",
                empty.name,
                if empty.sequences == 1 {
                    "1 sequence".to_owned()
                } else {
                    format!("{} sequences", empty.sequences)
                }
            ));
        }
        index.write(&mut output).map_err(PipelineError::at(output.name()))?;
        bm_io::finish_all(vec![output], self.durability)?;
        let seed_bases = index.patterns().first().map_or(0, bm_classes::Pattern::weight);
        let (fraction, memory) = (index.fraction(), index.bytes() as u64);
        Ok(MadeClasses { classes, seed_bases, fraction, memory })
    }

    /// Returns the classes with their files; a shipped class has none.
    fn files(&self) -> Result<Vec<(String, Vec<PathBuf>)>, PipelineError> {
        let of = |references: &References| match references {
            References::OfClass { name, paths } => Ok((name.clone(), files_of(paths)?)),
            References::Shipped(name) => Ok((name.clone(), Vec::new())),
        };
        self.references.iter().map(of).collect()
    }
}

/// Adds references to classes.
struct Making<'a> {
    tasks: &'a Tasks,
    observer: &'a dyn Observer,
}

impl Making<'_> {
    /// Adds a class with its files; returns the number of sequences.
    fn add(
        &self,
        builder: &mut Builder,
        class: &str,
        paths: &[PathBuf],
    ) -> Result<u64, PipelineError> {
        begin(builder, class)?;
        if paths.is_empty()
            && let Some(fasta) = shipped(class)
        {
            return push_shipped(builder, class, fasta);
        }
        let mut sequences = 0;
        for path in paths {
            sequences += self.each(path, |file, sequence| {
                let push = builder.push(&sequence.letters);
                push.map_err(PipelineError::at(format!("{file}: sequence {}", sequence.name)))
            })?;
        }
        Ok(sequences)
    }

    /// Adds the classes of a table with the sequences of files; returns the number of sequences of each.
    fn add_by_table(
        &self,
        builder: &mut Builder,
        taxonomy: &Taxonomy,
        paths: &[PathBuf],
    ) -> Result<Vec<u64>, PipelineError> {
        // A class is added as a whole, and files may have its sequences anywhere.
        let mut of_class: Vec<Vec<Vec<u8>>> = vec![Vec::new(); taxonomy.classes.len()];
        let (mut missing, mut others) = (Vec::new(), 0_u64);
        for path in paths {
            self.each(path, |_, sequence| {
                let class = taxonomy.class(&sequence.name);
                match class.and_then(|class| of_class.get_mut(class)) {
                    Some(sequences) => sequences.push(sequence.letters.clone()),
                    None if missing.len() < SHOWN => missing.push(sequence.name.clone()),
                    None => others += 1,
                }
                Ok(())
            })?;
        }
        if !missing.is_empty() {
            let more = if others > 0 { format!(" and {others} more") } else { String::new() };
            return PipelineError::refuse(format!(
                "{}: has no class for the sequences {}{more}",
                taxonomy.name,
                missing.join(", ")
            ));
        }
        let mut counts = Vec::new();
        for (class, sequences) in taxonomy.classes.iter().zip(of_class) {
            if sequences.is_empty() {
                return PipelineError::refuse(format!(
                    "{}: no file has a sequence of class {class}",
                    taxonomy.name
                ));
            }
            begin(builder, class)?;
            for letters in &sequences {
                builder.push(letters).map_err(PipelineError::at(taxonomy.name.as_str()))?;
            }
            counts.push(sequences.len() as u64);
        }
        Ok(counts)
    }

    /// Calls `take` with each sequence of a file, and returns their number.
    fn each(
        &self,
        path: &Path,
        mut take: impl FnMut(&str, &ReferenceSequence) -> Result<(), PipelineError>,
    ) -> Result<u64, PipelineError> {
        let (mut text, end) = reference_text::open(path, self.tasks)?;
        let (mut sequence, mut sequences) = (ReferenceSequence::default(), 0);
        while text.read(&mut sequence)? {
            take(&text.name, &sequence)?;
            sequences += 1;
        }
        if sequences == 0 {
            return PipelineError::refuse(format!(
                "{}: has no sequence, expected FASTA",
                text.name
            ));
        }
        end.warning().iter().for_each(|line| self.observer.warn(line));
        Ok(sequences)
    }
}

/// Begins a class, if it can have this name.
fn begin(builder: &mut Builder, class: &str) -> Result<(), PipelineError> {
    if !is_name(class) {
        return PipelineError::refuse(format!(
            "class `{}`: can be no name of a class: expected one without commas and control \
             characters, other than none, read, length, class and probability",
            class.escape_debug()
        ));
    }
    if builder.has(class) {
        return PipelineError::refuse(format!(
            "class {class}: the name is given twice; name all files of a class at once, as \
             {class}=ONE.fa,OTHER.fa"
        ));
    }
    builder.begin(class).map_err(PipelineError::at("making classes"))
}

/// Returns the files of paths: a folder stands for the FASTA files in it, by their names.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, PipelineError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = || PipelineError::at(format!("{}: cannot be listed", path.display()));
        let mut inside = Vec::new();
        for entry in path.read_dir().map_err(failed())? {
            let file = entry.map_err(failed())?.path();
            if is_fasta(&file) && !file.is_dir() {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            return PipelineError::refuse(format!(
                "{}: the folder has no FASTA file: none whose name ends in .fa, .fasta, .fna, .fas or \
                 .ffn, and maybe .gz or the like",
                path.display()
            ));
        }
        inside.sort_unstable();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Returns whether a file is FASTA, by its name.
fn is_fasta(path: &Path) -> bool {
    let ends_in = |path: &Path, ends: &[&str]| {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        ends.iter().any(|other| end.eq_ignore_ascii_case(other))
    };
    match path.file_stem() {
        Some(stem) if ends_in(path, &COMPRESSED) => ends_in(Path::new(stem), &FASTA),
        _ => ends_in(path, &FASTA),
    }
}
