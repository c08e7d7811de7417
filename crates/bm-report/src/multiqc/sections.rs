//! Sections on what the reads are like before and after: columns of the general statistics, and plots.

use bm_profile::{Profile, ReadSet, least};
use serde_json::{Map, Value, json};

use crate::report::{Report, TrimFacts};

/// A line of a plot: pairs of a place and a value.
type Line = Vec<Value>;

/// Returns the sections of a report, each with the name that its file gets. MultiQC adds samples up
/// only where a section has one set of data, so what is of another kind has a section of its own.
pub(super) fn of(report: &Report, sample: &str) -> Vec<(&'static str, Value)> {
    let mut sections = Vec::new();
    if let Some(trim) = &report.trim {
        sections.push(("bases", bases(report, trim, sample)));
    }
    let Some(profile) = &report.profile else { return sections };
    sections.push(("general", general(report, profile, sample)));
    let position = "Position in the read";
    let reported = |set: &ReadSet| by_cycle(set, |cycle| set.mean_quality(cycle));
    let expected = |set: &ReadSet| {
        by_cycle(set, |cycle| Some(-10.0 * set.expected_error_rate(cycle)?.log10()))
    };
    let unknown = |set: &ReadSet| {
        by_cycle(set, |cycle| Some(100.0 * set.bases[cycle][4] as f64 / set.bases_at(cycle) as f64))
    };
    let gc = |set: &ReadSet| of_reads(&set.gc, |bin| bin as f64);
    let lengths = |set: &ReadSet| of_reads(&set.lengths, |bin| least(bin).ceil());
    let plots = [
        Plot {
            name: "quality_before",
            title: "Quality along the read, before filtering",
            description: "Mean of the reported qualities of all reads.",
            axes: [position, "Phred"],
            sets: &profile.before,
            line: &reported,
        },
        Plot {
            name: "quality_after",
            title: "Quality along the read, after filtering",
            description: "Mean of the reported qualities of the reads that are kept.",
            axes: [position, "Phred"],
            sets: &profile.after,
            line: &reported,
        },
        Plot {
            name: "expected_quality",
            title: "Expected quality along the read, after filtering",
            description: "Quality of the mean error probability that the model gives the kept reads.",
            axes: [position, "Phred"],
            sets: &profile.after,
            line: &expected,
        },
        Plot {
            name: "unknown",
            title: "Unknown bases along the read, after filtering",
            description: "Bases that are not A, C, G or T.",
            axes: [position, "% of bases"],
            sets: &profile.after,
            line: &unknown,
        },
        Plot {
            name: "gc",
            title: "GC of the reads, after filtering",
            description: "G and C among the known bases of a read.",
            axes: ["% GC", "% of reads"],
            sets: &profile.after,
            line: &gc,
        },
        Plot {
            name: "lengths",
            title: "Read lengths, after filtering",
            description: "Kept reads by the length that is left.",
            axes: ["Bases", "% of reads"],
            sets: &profile.after,
            line: &lengths,
        },
    ];
    sections.extend(plots.iter().filter_map(|plot| Some((plot.name, plot.content(sample)?))));
    sections
}

/// A plot with a line for each sample, or one for each mate of its pairs.
struct Plot<'a> {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    axes: [&'static str; 2],
    sets: &'a [ReadSet; 2],
    line: &'a dyn Fn(&ReadSet) -> Line,
}

impl Plot<'_> {
    /// Returns the section; `None` without data.
    fn content(&self, sample: &str) -> Option<Value> {
        let [first, second] = self.sets;
        let lines = if second.is_empty() {
            vec![(sample.to_owned(), first)]
        } else {
            vec![(format!("{sample} R1"), first), (format!("{sample} R2"), second)]
        };
        let lines = lines.into_iter().map(|(name, set)| (name, (self.line)(set)));
        let data: Map<_, _> = lines
            .filter(|(_, line)| !line.is_empty())
            .map(|(name, line)| (name, Value::from(line)))
            .collect();
        let [x, y] = self.axes;
        let mut content = section(self.name, self.title, self.description);
        content["plot_type"] = "linegraph".into();
        content["pconfig"] = json!({
            "id": format!("bm_{}_plot", self.name),
            "title": format!("bm: {}", self.title),
            "xlab": x,
            "ylab": y,
        });
        let has_data = !data.is_empty();
        content["data"] = data.into();
        has_data.then_some(content)
    }
}

/// Returns the id of a section in MultiQC's page.
pub(super) fn id(name: &str) -> String {
    format!("bm_{name}")
}

/// Returns the beginning of a section, among those of bm.
pub(super) fn section(name: &str, title: &str, description: &str) -> Value {
    json!({
        "id": id(name),
        "parent_id": "bm",
        "parent_name": "bm",
        "parent_description": "keeps reads by the errors that are expected in them.",
        "section_name": title,
        "description": description,
    })
}

/// Returns a point of a line, with as many digits as a plot needs.
fn point(place: f64, value: f64) -> Value {
    json!([place, (value * 1e4).round() / 1e4])
}

/// Returns a line with a value for each cycle that has one.
fn by_cycle(set: &ReadSet, value: impl Fn(usize) -> Option<f64>) -> Line {
    let of_cycle = |cycle: usize| {
        let value = value(cycle).filter(|value| value.is_finite())?;
        Some(point(least(cycle).ceil() + 1.0, value))
    };
    (0..set.cycles()).filter_map(of_cycle).collect()
}

/// Returns a line of the reads by a property, in percent.
fn of_reads(counts: &[u64], place: impl Fn(usize) -> f64) -> Line {
    let all = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count)).max(1) as f64;
    let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    counts.map(|(bin, count)| point(place(bin), 100.0 * *count as f64 / all)).collect()
}

/// Returns a bar of the bases, whose parts add up to all bases.
fn bases(report: &Report, trim: &TrimFacts, sample: &str) -> Value {
    let (bases, cut) = (report.totals.bases, report.totals.trimmed.bases);
    let between = report.totals.split.left_out();
    let lost = bases.r#in.saturating_sub(bases.kept + cut.total() + between);
    let cuts = cut.named().into_iter().filter(|(name, count)| *count > 0 || trim.cuts(name));
    let between = Some(("between pieces", between)).filter(|(_, bases)| *bases > 0);
    let parts = [("kept", bases.kept)].into_iter().chain(cuts).chain(between);
    let parts = parts.chain([("reads not kept", lost)]);
    let bar: Map<_, _> = parts.map(|(name, count)| (name.to_owned(), Value::from(count))).collect();
    let description = "Bases by what became of them: kept, cut off kept reads, between the pieces \
                       of divided ones, or in reads that are not kept.";
    let mut content = section("bases", "Bases kept", description);
    content["plot_type"] = "bargraph".into();
    content["pconfig"] = json!({"id": "bm_bases_plot", "title": "bm: Bases kept", "ylab": "Bases"});
    content["data"] = json!({sample: bar});
    content
}

/// Returns the columns of the general statistics.
fn general(report: &Report, profile: &Profile, sample: &str) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Option<f64>| {
        row.extend(value.map(|value| (key.to_owned(), json!(value))));
    };
    let reads = report.totals.reads;
    let all = |sets: &[ReadSet; 2]| {
        let mut sum = sets[0].clone();
        sum.merge(&sets[1]);
        sum
    };
    let (before, after) = (all(&profile.before), all(&profile.after));
    let percent = |part: u64, all: u64| (all > 0).then(|| 100.0 * part as f64 / all as f64);
    let q30 = |set: &ReadSet| percent(set.bases_from(30), set.total_bases());
    let errors = |set: &ReadSet| {
        let (bases, errors) = set.expected();
        (bases > 0).then(|| 100.0 * errors.get() / bases as f64)
    };
    put("reads_in", Some(reads.r#in as f64));
    put("kept", percent(reads.kept, reads.r#in));
    put("q30_before", q30(&before));
    put("q30_after", q30(&after));
    put("gc", after.gc_fraction().map(|gc| 100.0 * gc));
    put("copies", profile.copies.rate().map(|rate| 100.0 * rate));
    put("mean_length", after.mean_length());
    put("n50", after.n50());
    put("error_rate", errors(&after));
    let percentage = |title: &str, description: &str, scale: &str, hidden: bool| {
        json!({"title": title, "description": description, "suffix": "%", "min": 0, "max": 100,
            "scale": scale, "format": "{:,.1f}", "hidden": hidden})
    };
    let headers = json!([
        {"reads_in": {"title": "Reads in", "description": "Reads before filtering", "scale": "Blues",
            "format": "{:,.0f}", "min": 0}},
        {"kept": percentage("Kept", "Reads that are kept", "RdYlGn", false)},
        {"q30_before": percentage("Q30 before",
            "Bases of a reported quality of 30 or more before filtering", "GnBu", true)},
        {"q30_after": percentage("Q30 after",
            "Bases of a reported quality of 30 or more after filtering", "GnBu", false)},
        {"gc": percentage("GC", "G and C after filtering", "PuOr", false)},
        {"copies": percentage("Copies",
            "Reads or pairs that begin like an earlier one, before filtering", "OrRd", false)},
        {"mean_length": {"title": "Length", "description": "Mean length after filtering",
            "suffix": " bp", "scale": "Purples", "format": "{:,.0f}", "min": 0}},
        {"n50": {"title": "N50",
            "description": "Reads as long or longer have half of the bases after filtering",
            "suffix": " bp", "scale": "Purples", "format": "{:,.0f}", "min": 0, "hidden": true}},
        {"error_rate": {"title": "Errors",
            "description": "Errors per base that the model expects after filtering", "suffix": "%",
            "scale": "OrRd", "format": "{:,.3f}", "min": 0}},
    ]);
    json!({
        "id": id("general"),
        "plot_type": "generalstats",
        "pconfig": headers,
        "data": {sample: row},
    })
}
