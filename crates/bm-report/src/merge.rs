//! Reports of the parts of a run as one.

mod samples;

use std::collections::{HashMap, HashSet};

use bm_pipeline::Losses;
use serde_json::{Value, json};

use crate::adapter_facts::Accepted;
use crate::class_facts::ClassFacts;
use crate::error::ReportError;
use crate::json::as_written;
use crate::loss_facts::LossFacts;
use crate::part_facts::{PartFacts, ShardFacts};
use crate::parts;
use crate::report::Report;
use crate::stored::differences;
use crate::text;

/// Most differences that a message lists.
const SHOWN: usize = 5;

impl Report {
    /// Returns the report of a run from those of its parts, each with the name of its file: shards of
    /// the same files, lanes, or merged reports of such. Parts are in the order of the reports.
    ///
    /// Counts and distributions are added exactly: where parts are judged alike, they are those of one
    /// run over all reads, to the last digit. Profiles and distributions
    /// are left out unless all reports have them; what trimming would keep of the first reads is left
    /// out; what the base model alone would keep of them is left out unless all reports say the same.
    ///
    /// Samples of a sheet may each have a model of its own, which their parts name, and be pairs or single
    /// reads.
    ///
    /// # Errors
    ///
    /// If the reports are not of one run: of other commands, versions, models or options; if two are
    /// of the same reads; or if a count is too large.
    pub fn merge(reports: &[(String, Self)]) -> Result<Self, ReportError> {
        let Some((first_name, first)) = reports.first() else {
            return Err(ReportError::refused("merge", "no report"));
        };
        refuse_twice(reports)?;
        // Of a part without reads, the first reads chose neither criteria nor what scores reads.
        let with_reads = reports.iter().find(|(_, report)| report.totals.reads.r#in > 0);
        let (chosen_name, chosen) = with_reads.map_or((first_name, first), |(name, it)| (name, it));
        for (name, report) in reports {
            let common = if are_samples(reports) { samples::common } else { common };
            refuse_other((chosen_name, chosen), (name, report), common)?;
        }
        let mut merged = chosen.clone();
        merged.totals = first.totals;
        merged.near_misses = first.near_misses.clone();
        merged.distributions = first.distributions.clone();
        merged.profile = first.profile.clone();
        merged.yields = first.yields.clone();
        merged.model_alone = first.model_alone.clone();
        merged.classes = first.classes.clone().map(ClassFacts::of_parts);
        for (_, report) in &reports[1..] {
            merged.totals.add(&report.totals);
            merged.near_misses.merge(&report.near_misses);
            if let (Some(ours), Some(theirs)) = (&mut merged.classes, &report.classes) {
                ours.merge(theirs);
            }
            merged.distributions = match (merged.distributions, &report.distributions) {
                (Some(mut ours), Some(theirs)) => {
                    ours.merge(theirs);
                    Some(ours)
                }
                _ => None,
            };
            merged.profile = match (merged.profile, &report.profile) {
                (Some(mut ours), Some(theirs)) => {
                    ours.merge(theirs);
                    Some(ours)
                }
                _ => None,
            };
            merged.yields = match (merged.yields, &report.yields) {
                (Some(mut ours), Some(theirs)) => {
                    ours.merge(theirs);
                    Some(ours)
                }
                _ => None,
            };
            merged.model_alone = merged
                .model_alone
                .filter(|alone| report.model_alone.as_ref().is_some_and(|other| other == alone));
        }
        let mut known = HashSet::new();
        let samples = reports.iter().flat_map(|(_, report)| &report.samples);
        merged.samples = samples.filter(|sample| known.insert(*sample)).cloned().collect();
        if are_samples(reports) {
            samples::keep_common(&mut merged, reports);
        }
        let parts: Vec<PartFacts> = reports.iter().flat_map(|it| parts_of(&it.1)).collect();
        let losses = Losses::of(&merged.totals, &merged.near_misses);
        merged.losses = losses.as_ref().map(LossFacts::of);
        merged.inputs = parts::inputs(&parts);
        merged.outputs = parts::outputs(&parts);
        merged.shard = None;
        merged.scores = parts::scores(&parts);
        merged.adapters_found = parts::adapters(&parts);
        merged.library = parts::library(&parts);
        merged.domain = parts::domain(&parts);
        merged.engine = parts::engine(&parts);
        merged.time = parts::time(&parts, merged.totals.reads.r#in);
        merged.warnings = parts::warnings(&parts);
        merged.parts = parts;
        merged.check_size().map_err(|why| ReportError::refused("merge", why))?;
        Ok(merged)
    }
}

/// Returns the parts of a report: those that were merged, or the one that it is of.
fn parts_of(report: &Report) -> Vec<PartFacts> {
    if !report.parts.is_empty() {
        return report.parts.clone();
    }
    vec![PartFacts {
        inputs: report.inputs.clone(),
        outputs: report.outputs.clone(),
        shard: report.shard,
        sample: report.samples.first().cloned(),
        model: report.model.clone().filter(|_| !report.samples.is_empty()),
        scores: report.scores.clone(),
        reads: report.totals.reads,
        adapters_found: report.adapters_found.clone(),
        library: report.library.clone(),
        domain: report.domain.clone(),
        engine: report.engine.clone(),
        time: report.time,
    }]
}

/// Returns what must be the same in all parts of a run.
fn common(report: &Report) -> Value {
    let Report { version, command, trim, model, adaptation, .. } = report;
    let mut common = json!({
        "version": version,
        "command": command,
        "trim": as_written(trim),
        "model": as_written(model),
        "adaptation": as_written(adaptation),
        "engine": {"backend": report.engine.as_ref().map(|engine| &engine.backend)},
        "scores": report.scores.is_some().then_some("a table"),
    });
    common["classes"] = report.classes.as_ref().map_or(Value::Null, ClassFacts::common);
    common["criteria"] = as_written(&report.criteria);
    common["domain"] = report.domain.as_ref().map_or(Value::Null, |domain| {
        let long_reads = domain
            .long_reads
            .as_ref()
            .map(|long| json!({"max_error_rate": long.max_error_rate, "decided": long.decided}));
        json!({"scored_by": domain.scored_by, "long_reads": long_reads})
    });
    let mut told = Vec::new();
    for mate in &report.adapters_found {
        let of_mate = mate.adapters.iter().filter(|adapter| adapter.accepted == Accepted::Told);
        told.extend(of_mate.map(|it| json!([mate.mate, it.name, it.sequence])));
    }
    told.sort_by_key(Value::to_string);
    told.dedup();
    common["adapters_found"] = told.into();
    common
}

/// Returns whether all reports are of samples of a sheet, each of which may have what it learned.
fn are_samples(reports: &[(String, Report)]) -> bool {
    reports.iter().all(|(_, report)| !report.samples.is_empty())
}

/// Refuses a report that is of another run than `one`, by what is `common` to reports of one run, and says by
/// what.
fn refuse_other(
    (one_name, one): (&str, &Report),
    (name, report): (&str, &Report),
    common: fn(&Report) -> Value,
) -> Result<(), ReportError> {
    let (mut ours, mut theirs) = (common(one), common(report));
    if report.totals.reads.r#in == 0 || one.totals.reads.r#in == 0 {
        for common in [&mut ours, &mut theirs] {
            for key in ["criteria", "domain", "adapters_found"] {
                common[key] = Value::Null;
            }
            if let Some(model) = common["model"].as_object_mut() {
                model.remove("threshold");
            }
        }
    }
    let found = differences(&theirs, &ours);
    if found.is_empty() {
        return Ok(());
    }
    let shown =
        found.iter().take(SHOWN).map(|it| format!("{} is {}, not {}", it.place, it.one, it.other));
    let mut why = shown.collect::<Vec<_>>().join("; ");
    if found.len() > SHOWN {
        why += &format!("; and {} more differences", found.len() - SHOWN);
    }
    let advice = if one.adaptation.is_some() || report.adaptation.is_some() {
        "; parts that are learned apart have models of their own: learn the run once, with bm observe and \
         bm adapt, and filter its parts with -m"
    } else {
        ""
    };
    Err(ReportError::refused(name, format!("not of the same run as {one_name}: {why}{advice}")))
}

/// Refuses reports of the same reads: of the same files, unless they are different shards of them. What
/// has no name, such as stdin, may be anything, unless all that is known of two parts is the same.
fn refuse_twice(reports: &[(String, Report)]) -> Result<(), ReportError> {
    let parts: Vec<(&str, PartFacts)> = reports
        .iter()
        .flat_map(|(name, report)| {
            parts_of(report).into_iter().map(move |part| (name.as_str(), part))
        })
        .collect();
    // The first part with a file, and all parts with the same files.
    let mut by_file: HashMap<&str, usize> = HashMap::new();
    let mut shards: HashMap<(usize, Option<ShardFacts>), usize> = HashMap::new();
    let mut streams: Vec<usize> = Vec::new();
    for (number, (name, part)) in parts.iter().enumerate() {
        let refuse = |other: usize, why: &str| {
            let of = text::list(&part.inputs);
            let with = parts[other].0;
            Err(ReportError::refused(
                name,
                format!("counts the reads of {of}, as does {with}{why}"),
            ))
        };
        if part.is_of_stream() {
            if let Some(other) = streams.iter().find(|other| parts[**other].1 == *part) {
                return refuse(*other, ", with the same counts and times");
            }
            streams.push(number);
            continue;
        }
        let mut first = number;
        for input in &part.inputs {
            let Some(other) = by_file.get(input.as_str()).copied() else { continue };
            if parts[other].1.inputs != part.inputs {
                return refuse(other, ", with other files beside it");
            }
            first = other;
        }
        part.inputs.iter().for_each(|input| {
            by_file.entry(input).or_insert(number);
        });
        match (part.shard, parts[first].1.shard) {
            (Some(ours), Some(theirs)) if ours.of != theirs.of => {
                return refuse(
                    first,
                    &format!(", once as {} shards and once as {}", ours.of, theirs.of),
                );
            }
            (Some(_), None) | (None, Some(_)) => {
                return refuse(first, ", once whole and once a shard");
            }
            _ => {}
        }
        if let Some(other) = shards.insert((first, part.shard), number) {
            let shard = part.shard.map(|it| format!(", shard {} of {}", it.index, it.of));
            return refuse(other, &(shard.unwrap_or_default() + "; each part counts once"));
        }
    }
    Ok(())
}
