//! Classifies the reads of a FASTQ file, for studies: each row has the evidence beside the result.
//!
//! `classify build INDEX NAME=REF.fa …` makes an index of classes, from FASTA files that are not
//! compressed. `classify reads INDEX READS.fastq` writes a row a read: name, length, the most likely
//! class, its probability, that of none, the features of the logistic layer, and the nats and the
//! probability of each class. `classify abundances INDEX READS.fastq` writes the fraction of the reads
//! in each class, with the interval. Errors are those of the reported qualities. One thread.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::time::Instant;

use bm_classes::{Abundances, Builder, ClassIndex, Matcher, Options, Pattern, features};
use bm_reads::Phred;
use bm_reads::fastq::{Reader, Record};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const USAGE: &str = "usage: classify build INDEX NAME=REF.fa … [patterns=P,P] [level=N]\n       \
                     classify reads|abundances INDEX READS.fastq";

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [build, index, classes @ ..] if build == "build" => make(index, classes),
        [reads, index, fastq] if reads == "reads" => rows(&read_index(index)?, fastq),
        [abundances, index, fastq] if abundances == "abundances" => {
            fractions(&read_index(index)?, fastq)
        }
        _ => Err(USAGE.into()),
    }
}

fn make(output: &str, classes: &[String]) -> Outcome {
    let start = Instant::now();
    let (mut builder, mut options) = (Builder::default(), Options::default());
    for class in classes {
        let (name, path) = class.split_once('=').ok_or(USAGE)?;
        match name {
            "patterns" => {
                let patterns = path.split(',').map(Pattern::parse).collect::<Option<_>>();
                options.patterns = patterns.ok_or(USAGE)?;
            }
            "level" => options.level = Some(path.parse()?),
            _ => {
                builder.begin(name)?;
                for record in std::fs::read(path)?.split(|byte| *byte == b'>') {
                    let lines = record.split(|byte| *byte == b'\n').skip(1);
                    builder.push(&lines.flatten().copied().collect::<Vec<u8>>())?;
                }
            }
        }
    }
    let index = builder.finish(&options)?;
    let made = start.elapsed();
    let mut file = BufWriter::new(File::create(output)?);
    index.write(&mut file)?;
    file.flush()?;
    let (bases, seeds, megabytes) = (index.bases(), index.seeds(), index.bytes() >> 20);
    writeln!(io::stderr(), "bases={bases} seeds={seeds} MB={megabytes} wall_s={made:?}")?;
    Ok(())
}

fn read_index(path: &str) -> Result<ClassIndex, Box<dyn std::error::Error>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok(ClassIndex::read(&mut BufReader::with_capacity(1 << 20, file), bytes)?)
}

/// Calls `take` for each read, with the error probabilities of its bases.
fn each(path: &str, mut take: impl FnMut(&Record, &[f32]) -> Outcome) -> Outcome {
    let mut text = Vec::new();
    File::open(path)?.read_to_end(&mut text)?;
    let mut reader = Reader::new(&text[..]);
    let (mut record, mut errors, start) = (Record::default(), Vec::new(), Instant::now());
    let (mut reads, mut bases) = (0, 0);
    while reader.read_record(&mut record)? {
        errors.clear();
        let p = |byte: &u8| Phred::from_byte(*byte).map_or(1.0, Phred::error_probability) as f32;
        errors.extend(record.quality_scores().iter().map(p));
        (reads, bases) = (reads + 1, bases + record.sequence().len());
        take(&record, &errors)?;
    }
    writeln!(io::stderr(), "reads={reads} bases={bases} wall_s={:?}", start.elapsed())?;
    Ok(())
}

fn rows(index: &ClassIndex, path: &str) -> Outcome {
    let mut output = BufWriter::new(io::stdout().lock());
    write!(
        output,
        "read\tlength\tclass\tprobability\tnone\tbeyond\tabove_0\tabove_8\tmore\tfraction\tlog_length\tlog_size\
         \tsize_above_0\tabsent_level\tabsent_root\tabsent_length\thit_level"
    )?;
    index.names().iter().try_for_each(|name| write!(output, "\tnats_{name}\tp_{name}"))?;
    writeln!(output)?;
    let mut matcher = Matcher::default();
    each(path, |record, errors| {
        let evidence = matcher.look_up(index, record.sequence(), errors);
        let found = evidence.probabilities(index);
        let (class, probability) =
            found.best().map_or(("none", found.none), |(class, p)| (&*index.names()[class], p));
        output.write_all(record.name())?;
        write!(output, "\t{}\t{class}\t{probability:.7}", evidence.bases())?;
        write!(output, "\t{:.7}", found.none)?;
        features(evidence, index)[1..].iter().try_for_each(|x| write!(output, "\t{x:.4}"))?;
        for (nats, p) in evidence.nats().iter().zip(&found.classes) {
            write!(output, "\t{nats:.2}\t{p:.7}")?;
        }
        Ok(writeln!(output)?)
    })?;
    Ok(output.flush()?)
}

fn fractions(index: &ClassIndex, path: &str) -> Outcome {
    let (mut matcher, mut abundances) = (Matcher::default(), Abundances::default());
    each(path, |record, errors| {
        let evidence = matcher.look_up(index, record.sequence(), errors);
        abundances.add(&evidence.probabilities(index));
        Ok(())
    })?;
    let mut output = io::stdout().lock();
    writeln!(output, "class\tfraction\tlow\thigh")?;
    let names = index.names().iter().map(String::as_str).chain(["none"]);
    for (name, it) in names.zip(abundances.estimate(index.names().len())) {
        writeln!(output, "{name}\t{:.6}\t{:.6}\t{:.6}", it.fraction, it.low, it.high)?;
    }
    Ok(())
}
