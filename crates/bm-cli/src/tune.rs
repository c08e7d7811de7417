//! `bm tune`: what is left at each threshold, from scores.

use std::io::Write as _;

use anyhow::{Context, Result};

use crate::args::TuneArgs;
use crate::curve::{Curve, Goal, Point};
use crate::html::TunePage;
use crate::output::{self, Output};
use crate::score_table::ScoreTable;
use crate::terminal;
use crate::work::Tasks;

/// Shares of the reads that the table shows.
const SHARES: [f64; 17] =
    [1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.925, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];

/// Writes the table, and the page.
pub(crate) fn run(args: &TuneArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output), args.html.as_ref()])?;
    let inputs: Vec<_> = args.inputs.iter().map(AsRef::as_ref).collect();
    let compression = args.compression.alone();
    let output = Output::create(&args.output, &inputs, &compression)?;
    let html =
        args.html.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()?;
    let tasks = Tasks::of(0);
    let mut tables = args
        .inputs
        .iter()
        .map(|path| ScoreTable::open(path, &tasks))
        .collect::<Result<Vec<_>>>()?;
    let curve = Curve::of(&mut tables)?;
    let goal = args.goal.goal();
    let mut points: Vec<Point> = match goal {
        Some(goal) => vec![curve.at(goal)],
        None => SHARES.iter().map(|share| curve.at(Goal::Fraction(*share))).collect(),
    };
    // Where many reads are equally good, several shares are one.
    points.dedup_by_key(|point| point.reads);
    table(&curve, &points, output)?;
    if let Some(html) = html {
        TunePage {
            inputs: &inputs,
            curve: &curve,
            rows: &points,
            chosen: goal.map(|goal| curve.at(goal)),
        }
        .write(html)?;
    }
    if !args.quiet {
        terminal::note(&summary(&curve, goal.map(|goal| curve.at(goal))));
    }
    Ok(())
}

/// Writes a row a threshold. Names and order of the columns are a contract.
fn table(curve: &Curve, points: &[Point], mut output: Output) -> Result<()> {
    let all = curve.all();
    let errors =
        if curve.counts_errors { "\texpected_errors\terrors_per_mb\terrors_removed" } else { "" };
    let units = curve.units();
    let mut text =
        format!("kept\tthreshold\treads\tbases{errors}\tbad_{units}\tbad_{units}_caught\n");
    for point in points {
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { f64::NAN };
        text += &format!(
            "{:.4}\t{}\t{}\t{}",
            share(point.reads as f64, curve.reads() as f64),
            point.threshold,
            point.reads,
            point.bases
        );
        if curve.counts_errors {
            let per_mb = share(point.expected_errors, point.bases as f64 / 1e6);
            let removed = 1.0 - share(point.expected_errors, all.expected_errors);
            text += &format!("\t{:.1}\t{per_mb:.1}\t{removed:.4}", point.expected_errors);
        }
        text += &format!("\t{:.1}\t{:.4}\n", point.bad, 1.0 - share(point.bad, all.bad));
    }
    output.write_all(text.replace("NaN", "nan").as_bytes()).with_context(|| output.name())?;
    output.finish()
}

/// Says what to do with it.
fn summary(curve: &Curve, chosen: Option<Point>) -> String {
    let units = curve.units();
    let total = curve.reads() / curve.reads_per_unit;
    match chosen {
        Some(point) => format!(
            "{} of {total} {units} with {} bases are kept at -t {}",
            point.reads / curve.reads_per_unit,
            point.bases,
            point.threshold
        ),
        None => format!(
            "{total} {units}; errors and bad {units} are those that the model expects. A line's threshold is for bm filter -t; \
             --scores with it saves scoring again"
        ),
    }
}
