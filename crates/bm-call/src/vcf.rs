//! Calls as VCF.

use std::collections::HashSet;

use bm_truth::Reference;
use noodles_core::Position;
use noodles_vcf::header::FileFormat;
use noodles_vcf::header::record::value::Map;
use noodles_vcf::header::record::value::map::info::{Number, Type};
use noodles_vcf::header::record::value::map::{self, Contig, Filter as FilterMap, Format, Info};
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::io::Write as _;
use noodles_vcf::variant::record_buf::info::field::Value;
use noodles_vcf::variant::record_buf::samples::sample::Value as SampleValue;
use noodles_vcf::variant::record_buf::{AlternateBases, Filters, Samples};
use noodles_vcf::{self as vcf, Header};

use crate::variant::{Filter, Variant};
use crate::{CallError, Settings};

/// Fields of INFO: name, number, type, meaning.
const INFO: [(&str, Number, Type, &str); 9] = [
    ("DP", Number::Count(1), Type::Integer, "Fragments at the site"),
    ("AF", Number::AlternateBases, Type::Float, "Fraction of the fragments with the allele"),
    (
        "DP4",
        Number::Count(4),
        Type::Integer,
        "Fragments with the reference, forward and reverse, and with the allele, forward and reverse",
    ),
    ("SBP", Number::Count(1), Type::Float, "Strand bias, as Phred of Fisher's exact test"),
    ("PBP", Number::Count(1), Type::Float, "The same for places near ends and gaps of alignments"),
    ("NE", Number::Count(1), Type::Integer, "Fragments with the allele near such an end"),
    ("EE", Number::Count(1), Type::Float, "Fragments with the allele that errors make expect"),
    ("HRUN", Number::Count(1), Type::Integer, "Equal bases of the reference behind the position"),
    ("INDEL", Number::Count(0), Type::Flag, "The allele is an insertion or a deletion"),
];

/// Writes calls as lines of VCF.
#[derive(Debug)]
pub struct VcfText {
    header: Header,
}

impl VcfText {
    /// Returns the writer for calls on a reference. `source` names the program, `sample` the column of
    /// genotypes, if there is one.
    pub fn new(reference: &Reference, settings: &Settings, source: &str, sample: &str) -> Self {
        let mut header = Header::builder().set_file_format(FileFormat::new(4, 4));
        for (name, length) in reference.names() {
            let mut contig = Map::<Contig>::new();
            *contig.length_mut() = Some(length);
            header = header.add_contig(name, contig);
        }
        for filter in Filter::ALL {
            header = header.add_filter(filter.name(), Map::<FilterMap>::new(filter.description()));
        }
        for (name, number, kind, description) in INFO {
            header = header.add_info(name, Map::<Info>::new(number, kind, description));
        }
        if settings.ploidy.is_some() {
            use map::format::{Number, Type};
            let one = |kind, description| Map::<Format>::new(Number::Count(1), kind, description);
            header = header
                .add_format("GT", one(Type::String, "Genotype"))
                .add_format("GQ", one(Type::Integer, "Quality of the genotype"))
                .add_sample_name(sample);
        }
        let mut header = header.build();
        if let (Ok(key), text) = ("source".parse(), source.to_owned()) {
            // A key that is given once cannot be of another kind.
            let _ = header.insert(key, vcf::header::record::Value::from(text));
        }
        Self { header }
    }

    /// Returns the lines of the header.
    ///
    /// # Errors
    ///
    /// If a name of the reference is none that VCF can have.
    pub fn header(&self) -> Result<Vec<u8>, CallError> {
        let mut writer = vcf::io::Writer::new(Vec::new());
        writer.write_header(&self.header).map_err(|error| at("header", 0, error))?;
        Ok(writer.into_inner())
    }

    /// Returns the line of a call.
    ///
    /// # Errors
    ///
    /// If the call cannot be a record.
    pub fn line(&self, reference: &Reference, variant: &Variant) -> Result<Vec<u8>, CallError> {
        let name = reference.name(variant.sequence);
        let mut writer = vcf::io::Writer::new(Vec::new());
        let record = record(name, variant).map_err(|error| at(name, variant.place + 1, error))?;
        writer
            .write_variant_record(&self.header, &record)
            .map_err(|error| at(name, variant.place + 1, error))?;
        Ok(writer.into_inner())
    }
}

fn at(
    sequence: &str,
    position: usize,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> CallError {
    CallError::Vcf { sequence: sequence.to_owned(), position, source: source.into() }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn record(name: &str, variant: &Variant) -> Result<RecordBuf, Failed> {
    let filters: Filters = if variant.filters.is_empty() {
        Filters::pass()
    } else {
        variant.filters.iter().map(|it| it.name().to_owned()).collect()
    };
    let alternative = String::from_utf8_lossy(&variant.alternative).into_owned();
    let mut record = RecordBuf::builder()
        .set_reference_sequence_name(name)
        .set_variant_start(Position::try_from(variant.place + 1)?)
        .set_reference_bases(String::from_utf8_lossy(&variant.reference))
        .set_alternate_bases(AlternateBases::from(vec![alternative]))
        .set_quality_score(rounded(variant.quality, 100.0))
        .set_filters(filters)
        .set_info(info(variant));
    if let Some(genotype) = variant.genotype {
        let copies =
            (0..genotype.ploidy).rev().map(|at| if at < genotype.copies { "1" } else { "0" });
        let text = copies.collect::<Vec<_>>().join("/");
        let values = vec![
            Some(SampleValue::String(text)),
            Some(SampleValue::Integer(i32::from(genotype.quality))),
        ];
        let keys = ["GT", "GQ"].map(String::from).into_iter().collect();
        record = record.set_samples(Samples::new(keys, vec![values]));
    }
    Ok(record.build())
}

fn info(variant: &Variant) -> vcf::variant::record_buf::Info {
    let whole = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let float = |value: f64| Some(Value::Float(rounded(value, 10.0)));
    let counts = variant.with_reference.iter().chain(&variant.with_alternative);
    let counts: Vec<Option<i32>> = counts.map(|count| Some(whole(*count))).collect();
    let run = i32::try_from(variant.run).unwrap_or(i32::MAX);
    let fraction = vec![Some(rounded(variant.fraction, 1e5))];
    let mut fields = vec![
        ("DP", Some(Value::Integer(whole(variant.depth)))),
        ("AF", Some(Value::from(fraction))),
        ("DP4", Some(Value::from(counts))),
        ("SBP", float(variant.strand_bias)),
        ("PBP", float(variant.place_bias)),
        ("NE", Some(Value::Integer(whole(variant.near_end)))),
        ("EE", Some(Value::Float(rounded(variant.expected, 1000.0)))),
        ("HRUN", Some(Value::Integer(run))),
    ];
    if variant.is_gap() {
        fields.push(("INDEL", Some(Value::Flag)));
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns a number with a few digits behind the point: 1 / `unit`.
fn rounded(value: f64, unit: f64) -> f32 {
    ((value * unit).round() / unit) as f32
}

/// Returns the names of the reference that VCF cannot have.
pub fn unwritable(reference: &Reference) -> impl Iterator<Item = &str> {
    let mut seen = HashSet::new();
    let is_odd =
        |it: char| it.is_whitespace() || it.is_control() || matches!(it, '<' | '>' | ',' | '"');
    let names = reference.names().map(|(name, _)| name);
    names.filter(move |name| name.contains(is_odd) || !seen.insert(*name))
}
