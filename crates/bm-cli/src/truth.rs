//! `bm truth`: the true errors of every read.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use bm_reads::fastq::Record;
use bm_truth::{
    Aligned, Alignment, HEADER, OverlapRules, Pileup, Reference, Row, Rules, TruthError, mate_rows,
};

use crate::args::TruthArgs;
use crate::input::Offset;
use crate::output::Output;
use crate::work::Tasks;
use crate::{input, terminal};
use bm_reads::mates;

/// Bytes read from the alignment at once.
const BUFFER: usize = 256 * 1024;

/// Writes the table.
pub(crate) fn run(args: &TruthArgs) -> Result<()> {
    let inputs: Vec<&Path> = [args.alignment.as_deref(), args.reference.as_deref()]
        .into_iter()
        .flatten()
        .chain(args.mates.iter().flatten().map(AsRef::as_ref))
        .collect();
    if inputs.iter().filter(|path| input::is_stdio(path)).count() > 1 {
        bail!("stdin: is named for two inputs; give each its own");
    }
    let table = Table::create(Output::create(&args.output, &inputs, &args.compression.alone())?)?;
    match (&args.alignment, &args.reference, &args.mates) {
        (_, _, Some(mates)) => from_mates(args, &mates[0], &mates[1], table),
        (Some(alignment), Some(reference), None) => {
            from_alignment(args, alignment, reference, table)
        }
        // The command line allows no other choice.
        _ => bail!("nothing to read: name an alignment and its reference, or two files of mates"),
    }
}

/// The table that is written, and what it holds.
struct Table {
    output: Output,
    rows: u64,
    mapped: u64,
    scored: u64,
    errors: u64,
}

impl Table {
    fn create(mut output: Output) -> Result<Self> {
        output.write_all(HEADER.as_bytes()).with_context(|| output.name())?;
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

    /// Gives the table its name and says what it holds; `how` is what it means to be compared.
    fn finish(self, quiet: bool, how: &str, more: &str) -> Result<()> {
        let Self { output, rows, mapped, scored, errors } = self;
        output.finish()?;
        if !quiet {
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
    args: &TruthArgs,
    alignment: &Path,
    reference_path: &Path,
    mut table: Table,
) -> Result<()> {
    let reference_name = input::name(reference_path);
    let stream: Box<dyn Read + Send> = if input::is_stdio(reference_path) {
        Box::new(io::stdin())
    } else {
        Box::new(input::file(reference_path, "FASTA")?.0)
    };
    let text =
        input::decompressed(stream, &Tasks::of(0)).with_context(|| reference_name.clone())?.text;
    let reference = Reference::read(text).with_context(|| reference_name.clone())?;
    let rules = Rules {
        lowest_mapq: args.min_mapq,
        ..if args.long { Rules::long() } else { Rules::default() }
    };

    let name = input::name(alignment);
    let mut file = if input::is_stdio(alignment) {
        let mut spool = table.output.spool().context("a temporary file for the alignment")?;
        io::copy(&mut io::stdin().lock(), &mut spool)
            .context("stdin: cannot be copied to a temporary file")?;
        spool
    } else {
        match input::file(alignment, "SAM or BAM")? {
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

    let mut pileup = Pileup::new(&reference, rules);
    let first = each(&mut file, &reference, |aligned| {
        pileup.add(&reference, aligned);
        Ok(())
    })
    .with_context(|| name.clone())?;
    let mask = pileup.mask(&reference);
    drop(pileup);
    // An error of the table has its own address.
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
    table.finish(
        args.quiet,
        "mapped",
        &format!("; {} of {} positions are variants", mask.positions(), reference.bases()),
    )
}

/// Calls `visit` with every primary record from the file's start on, until it fails; returns the
/// number of all records.
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

/// Counts where the mates of each pair disagree.
fn from_mates(args: &TruthArgs, first: &Path, second: &Path, mut table: Table) -> Result<()> {
    let tasks = Tasks::of(0);
    let (mut ours, mut theirs) = (
        input::open(first, Offset::default(), &tasks)?,
        input::open(second, Offset::default(), &tasks)?,
    );
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
            let (records, next) = (shorter.count(), longer.count());
            bail!(
                "{}: ends after record {records}, but {} has a record {next}; the mates must be in the same order",
                shorter.name,
                longer.name
            );
        }
        let (name, mate) = (mates::template(one.name()), mates::template(other.name()));
        if name != mate {
            let show = |name: &[u8]| name.escape_ascii().to_string();
            bail!(
                "{}: record {} is {}, but in {} it is {}; the mates must be in the same order",
                theirs.name,
                theirs.count(),
                show(mate),
                ours.name,
                show(name)
            );
        }
        for row in mate_rows(name, one.as_read(), other.as_read(), &rules) {
            table.write(&row)?;
        }
    }
    table.finish(args.quiet, "overlap their mate", "")
}
