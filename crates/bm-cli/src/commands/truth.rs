//! `bm truth`: the true errors of every read.

use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bm_io::{
    FileState, Input, Output, Tasks, TextInput, finish_all, is_stdio, name, open_file, open_text,
    stdin,
};
use bm_reads::fastq::Record;
use bm_reads::mates;
use bm_truth::{
    Aligned, Alignment, HEADER, OverlapRules, Pileup, Reference, Row, Rules, TruthError, mate_rows,
};

use crate::options::input::{QualityArgs, StrictArgs};
use crate::options::running::WritingArgs;
use crate::terminal;

/// Bytes read from the alignment at once.
const BUFFER: usize = 256 * 1024;

/// Write a table of the true errors of every read, from an alignment or from overlapping mates
///
/// With --reference: a row for each primary record of a SAM, BAM or CRAM file, in its order. A position of
/// the reference is a variant, and differences there are no errors, where at least 30 % of the reads
/// differ (depth 8 or more), or where one allele has at least 3 and at least 5 % of the good bases
/// (an indel: 3 reads and 10 %). A soft clip of at most 60 bases is compared if at most 45 % of it
/// differ without gaps; adapters stay clipped. The file is read twice, and stdin is copied to a
/// temporary file; memory grows with the reference (46 bytes per base), not with the reads.
///
/// With --mates: two rows for each pair of two FASTQ files in the same order. Where the mates overlap
/// without gaps (at least 30 bases, at most 20 % mismatches, no second placement nearly as good) and
/// disagree, the base of lower quality is wrong; at equal quality the position is not scored. Indels,
/// and errors that both mates have, are not seen.
///
/// Columns: name, mate, len, mapped, mapq, alnlen, clip5, clip3 (bases left out at the ends), sub,
/// ins, del, n (unknown bases), masked (differences at variants), scored (bases compared), ee (the
/// sum of 10^(-Q/10)), errpos (0-based, as in the FASTQ: S17, I3, I2@3, D9, D4@9). Reads with more
/// than 5 clipped bases, unmapped reads, and reads with less than 70 % scored are ambiguous, and not
/// free of errors.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  bm truth aligned.bam --reference ref.fa -o truth.tsv.gz
  bm truth --mates reads_1.fastq.gz reads_2.fastq.gz -o truth.tsv.gz",
    group = clap::ArgGroup::new("source").required(true).args(["alignment", "mates"])
)]
pub(crate) struct Args {
    /// SAM, BAM or CRAM file, recognised by content; - is stdin
    #[arg(value_name = "ALIGNMENT", requires = "reference")]
    alignment: Option<PathBuf>,
    /// The FASTA file that the reads were aligned to, plain or gzip
    #[arg(short, long, value_name = "FILE", conflicts_with = "mates")]
    reference: Option<PathBuf>,
    /// The FASTQ files of the first and of the second mates, instead of an alignment
    #[arg(long, num_args = 2, value_names = ["R1", "R2"])]
    mates: Option<Vec<PathBuf>>,
    /// Where the table goes; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Rules for long reads with many indels: clips are never compared, and few reads with the same
    /// indel make no variant
    #[arg(long, conflicts_with = "mates")]
    long: bool,
    /// Lowest mapping quality of the alignments that count for variants
    #[arg(long, value_name = "Q", default_value_t = 20, conflicts_with = "mates")]
    min_mapq: u8,
    /// Quality scores of the mates are Phred + 64, as Illumina wrote them before 2011
    #[arg(long, requires = "mates")]
    phred64: bool,
    /// Quality scores of the mates are Phred + 33, even if the first reads look like Phred + 64,
    /// which is refused otherwise
    #[arg(long, requires = "mates", conflicts_with = "phred64")]
    phred33: bool,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    writing: WritingArgs,
    /// No summary
    #[arg(short, long, help_heading = "Running")]
    quiet: bool,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output)
    }

    /// Writes the table.
    pub(crate) fn run(&self) -> Result<()> {
        let inputs: Vec<&Path> = [self.alignment.as_deref(), self.reference.as_deref()]
            .into_iter()
            .flatten()
            .chain(self.mates.iter().flatten().map(AsRef::as_ref))
            .collect();
        if inputs.iter().filter(|path| is_stdio(path)).count() > 1 {
            bail!("stdin: is named for two inputs; give each its own");
        }
        let compression = self.writing.on_this_thread();
        let table = Table::create(Output::create(&self.output, &inputs, &compression)?)?;
        match (&self.alignment, &self.reference, &self.mates) {
            (_, _, Some(mates)) => from_mates(self, &mates[0], &mates[1], table),
            (Some(alignment), Some(reference), None) => {
                from_alignment(self, alignment, reference, table)
            }
            // clap allows no other combination.
            _ => {
                bail!("nothing to read: name an alignment and its reference, or two files of mates")
            }
        }
    }
}

/// The table that is written, and its sums.
struct Table {
    output: Output,
    rows: u64,
    mapped: u64,
    scored: u64,
    errors: u64,
}

impl Table {
    fn create(mut output: Output) -> Result<Self> {
        output.write_text(HEADER.as_bytes())?;
        Ok(Self { output, rows: 0, mapped: 0, scored: 0, errors: 0 })
    }

    fn write(&mut self, row: &Row) -> Result<()> {
        row.write_to(&mut self.output).with_context(|| self.output.name())?;
        self.rows += 1;
        self.mapped += u64::from(row.mapped);
        self.scored += row.scored as u64;
        self.errors += (row.sub + row.ins + row.del) as u64;
        Ok(())
    }

    /// Gives the table its name and prints the sums; `how` is the word for compared reads.
    fn finish(self, args: &Args, how: &str, more: &str) -> Result<()> {
        let Self { output, rows, mapped, scored, errors } = self;
        finish_all(vec![output], args.writing.durability())?;
        if !args.quiet {
            let rate = if scored > 0 {
                format!(" ({:.3} %)", 100.0 * errors as f64 / scored as f64)
            } else {
                String::new()
            };
            terminal::note(&format!(
                "{rows} reads in: {mapped} {how}, {} not; {errors} errors in {scored} bases scored{rate}{more}",
                rows - mapped
            ));
        }
        Ok(())
    }
}

/// Counts against the reference, in two passes over the alignment.
fn from_alignment(
    args: &Args,
    alignment: &Path,
    reference_path: &Path,
    mut table: Table,
) -> Result<()> {
    let TextInput { name: reference_name, text, end: reference_end } =
        open_text(reference_path, "FASTA", &Tasks::for_workers(0))?;
    args.strict.check(&reference_end)?;
    let reference = Reference::read(text).context(reference_name)?;
    let rules = Rules {
        lowest_mapq: args.min_mapq,
        ..if args.long { Rules::long() } else { Rules::default() }
    };

    let name = name(alignment);
    let mut file = if is_stdio(alignment) {
        let mut spool = table.output.spool().context("a temporary file for the alignment")?;
        io::copy(&mut stdin()?.lock(), &mut spool)
            .context("stdin: cannot be copied to a temporary file")?;
        spool
    } else {
        match open_file(alignment, "SAM, BAM or CRAM")? {
            (file, Some(_)) => file,
            (mut pipe, None) => {
                let mut spool =
                    table.output.spool().context("a temporary file for the alignment")?;
                io::copy(&mut pipe, &mut spool)
                    .with_context(|| format!("{name}: cannot be copied to a temporary file"))?;
                spool
            }
        }
    };

    let before = FileState::of(&file, &name)?;
    let mut pileup = Pileup::new(&reference, rules);
    let first = each(&mut file, &reference, |aligned| {
        pileup.add(&reference, aligned);
        Ok(())
    })
    .with_context(|| name.clone())?;
    let mask = pileup.mask(&reference);
    drop(pileup);
    // An error of the table names its own file.
    let mut failed = None;
    let second = each(&mut file, &reference, |aligned| {
        table.write(&aligned.row(&reference, &mask, &rules)).map_err(|error| failed = Some(error))
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let second = second.with_context(|| name.clone())?;
    if first != second {
        return Err(TruthError::Changed { first, second }).context(name);
    }
    if let (Some(before), Some(now)) = (before, FileState::of(&file, &name)?) {
        now.check(&before, &name)?;
    }
    args.strict.warn(&reference_end);
    table.finish(
        args,
        "mapped",
        &format!("; {} of {} positions are variants", mask.positions(), reference.bases()),
    )
}

/// Calls `visit` with every primary record of the file, until it fails; returns the number of all
/// records.
fn each(
    file: &mut std::fs::File,
    reference: &Reference,
    mut visit: impl FnMut(&Aligned) -> Result<(), ()>,
) -> Result<u64> {
    file.seek(SeekFrom::Start(0)).context("cannot be read twice")?;
    let mut alignment = Alignment::open(BufReader::with_capacity(BUFFER, &*file), reference)?;
    let mut aligned = Aligned::default();
    while alignment.read(reference, &mut aligned)? {
        if visit(&aligned).is_err() {
            break;
        }
    }
    Ok(alignment.records())
}

/// Counts the positions at which the mates of each pair disagree.
fn from_mates(args: &Args, first: &Path, second: &Path, mut table: Table) -> Result<()> {
    let tasks = Tasks::for_workers(0);
    let Args { phred64, phred33, .. } = *args;
    let offset = QualityArgs { phred64, phred33 }.offset();
    let (mut ours, mut theirs) =
        (Input::open(first, offset, &tasks)?, Input::open(second, offset, &tasks)?);
    args.strict.check(ours.end())?;
    args.strict.check(theirs.end())?;
    let (mut one, mut other) = (Record::default(), Record::default());
    let rules = OverlapRules::default();
    loop {
        let has_one = ours.read_record(&mut one)?;
        let has_other = theirs.read_record(&mut other)?;
        if !has_one && !has_other {
            break;
        }
        if has_one != has_other {
            let (longer, shorter) = if has_one { (&ours, &theirs) } else { (&theirs, &ours) };
            let (records, next) = (shorter.records(), longer.records());
            bail!(
                "{}: ends after record {records}, but {} has a record {next}; the mates must be in the same order",
                shorter.name(),
                longer.name()
            );
        }
        let (name, mate) = (mates::template(one.name()), mates::template(other.name()));
        if name != mate {
            let show = |name: &[u8]| name.escape_ascii().to_string();
            bail!(
                "{}: record {} is {}, but in {} it is {}; the mates must be in the same order",
                theirs.name(),
                theirs.records(),
                show(mate),
                ours.name(),
                show(name)
            );
        }
        for row in mate_rows(name, one.as_read(), other.as_read(), &rules) {
            table.write(&row)?;
        }
    }
    args.strict.warn(ours.end());
    args.strict.warn(theirs.end());
    table.finish(args, "overlap their mate", "")
}
