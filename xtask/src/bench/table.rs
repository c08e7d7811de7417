//! The results of whole programs as tables, with ratios to `bm`.

use std::fmt::Write;

use serde_json::Value;

/// Returns a result as Markdown.
pub(super) fn markdown(result: &Value) -> String {
    let provenance = &result["provenance"];
    let mut text = format!(
        "# Speed of whole programs\n\n{} reads of 150 bases (`{}`, repeated), {} runs of each in turns, medians; {}, {} threads; commit {}. \
         `cargo xtask bench` measures it.\n\n\
         Ratios are to bm at the same work: over 1 is slower, or more. Threads are what a program is told to use; some read and write in \
         threads of their own beside them, so CPU seconds say what their speed costs.\n",
        result["reads"],
        word(&provenance["input"]),
        result["rounds"],
        word(&provenance["cpu"]),
        provenance["threads"],
        word(&provenance["commit"]).get(..12).unwrap_or("unknown"),
    );
    let cases = result["cases"].as_array().map_or(&[][..], Vec::as_slice);
    let mut work = "";
    let mut ours = &Value::Null;
    for case in cases {
        if word(&case["work"]) != work {
            (work, ours) = (word(&case["work"]), case);
            let _ = write!(
                text,
                "\n## {work}\n\n| | wall s | ± | CPU s | reads a CPU second | wall, ratio | CPU, ratio | output MB | of its text | peak MB |\n\
                 |---|---|---|---|---|---|---|---|---|---|\n"
            );
        }
        let number = |key: &str| case[key].as_f64().unwrap_or(f64::NAN);
        let ratio = |key: &str| number(key) / ours[key].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.2}{} | {:.2} | {:.2} M | {:.2} | {:.2} | {:.1} | {} | {:.0} |",
            word(&case["who"]),
            number("wall_s_median"),
            number("wall_s_spread") / 2.0,
            if case["noisy"] == true { " (noisy)" } else { "" },
            number("cpu_s_median"),
            number("reads_per_cpu_s") / 1e6,
            ratio("wall_s_median"),
            ratio("cpu_s_median"),
            number("output_bytes") / 1e6,
            part(&case["compressed_to"]),
            number("peak_bytes") / 1e6,
        );
    }
    let start_up = result["start_up"].as_array().map_or(&[][..], Vec::as_slice);
    if !start_up.is_empty() {
        text += "\n## Start-up\n\n| | wall ms |\n|---|---|\n";
    }
    for case in start_up {
        let ms = case["wall_ms_median"].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(text, "| {} {} | {ms:.1} |", word(&case["who"]), word(&case["what"]));
    }
    kernels(&mut text, &result["criterion"]);
    text
}

/// Start and end of the table in README.md.
const MARKS: [&str; 2] =
    ["<!-- speed: cargo xtask bench --keep writes it -->\n", "<!-- end of speed -->\n"];

/// The work that the table in README.md is about.
const README_WORK: [&str; 2] = ["gzip to gzip, 2 threads", "gzip to gzip, trimmed, 2 threads"];

/// Returns a part of a whole as a percentage; empty without one.
fn part(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, |part| format!("{:.1} %", 100.0 * part))
}

/// Returns `readme` with its table written from a result, `None` if it has no place for the table.
pub(super) fn in_readme(readme: &str, result: &Value) -> Option<String> {
    let (before, rest) = readme.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    let mut rows = String::from(
        "| | wall, s | CPU, s | output, MB | of its text | peak memory, MB |\n|---|---|---|---|---|---|\n",
    );
    let cases = result["cases"].as_array()?;
    for case in cases.iter().filter(|case| README_WORK.contains(&word(&case["work"]))) {
        let title = if case["work"] == README_WORK[0] { "" } else { " (trimmed)" };
        let number = |key: &str| case[key].as_f64().unwrap_or(f64::NAN);
        let _ = writeln!(
            rows,
            "| {}{title} | {:.1} | {:.1} | {:.0} | {} | {:.0} |",
            word(&case["who"]),
            number("wall_s_median"),
            number("cpu_s_median"),
            number("output_bytes") / 1e6,
            part(&case["compressed_to"]),
            number("peak_bytes") / 1e6
        );
    }
    Some(format!("{before}{}{rows}{}{after}", MARKS[0], MARKS[1]))
}

/// Appends the criterion benchmarks that count elements, measured on one thread; some of them are
/// lower limits for a run.
fn kernels(text: &mut String, criterion: &Value) {
    let mut rows = String::new();
    for (name, result) in criterion.as_object().into_iter().flatten() {
        // The same benchmarks, counted in bases.
        if name.starts_with("encode/bases/") {
            continue;
        }
        if let (Some(ns), Some(elements)) =
            (result["ns_median"].as_f64(), result["elements"].as_f64())
        {
            let _ = writeln!(
                rows,
                "| {name} | {:.3} | {:.2} M |",
                ns / elements / 1e3,
                elements / ns * 1e3
            );
        }
    }
    if !rows.is_empty() {
        let _ = write!(
            text,
            "\n## Kernels and limits\n\nOn one thread; each is a read of 150 bases (in `windows`, a window). `session/limit`, `fastq` and \
             `compression` are what a run spends at least.\n\n| criterion | µs each | each a second |\n|---|---|---|\n{rows}"
        );
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ratios_are_to_the_first_of_the_same_work() {
        let case = |work: &str, who: &str, wall: f64| {
            json!({"work": work, "who": who, "wall_s_median": wall, "wall_s_spread": 0.2, "cpu_s_median": 2.0 * wall, "reads_per_cpu_s": 1e6,
                "peak_bytes": 5_000_000, "output_bytes": 1_500_000, "compressed_to": 0.25, "noisy": who == "b"})
        };
        let cases = [case("x", "bm", 2.0), case("x", "b", 5.0), case("y", "bm", 4.0)];
        let start_up = [json!({"who": "bm", "what": "--version", "wall_ms_median": 1.25})];
        let provenance = json!({"commit": "0123456789abcdef"});
        let criterion = json!({"fastq/reads/in batches": {"ns_median": 5e5, "elements": 1000}, "adapt/learn": {"ns_median": 1.0, "elements": null}});
        let text = markdown(
            &json!({"provenance": provenance, "reads": 9, "rounds": 5, "cases": cases, "start_up": start_up, "criterion": criterion}),
        );
        assert!(
            text.contains("## Start-up\n\n| | wall ms |\n|---|---|\n| bm --version | 1.2 |\n"),
            "{text}"
        );
        assert!(
            text.ends_with("|---|---|---|\n| fastq/reads/in batches | 0.500 | 2.00 M |\n"),
            "{text}"
        );
        assert!(text.contains("commit 0123456789ab. "), "{text}");
        assert!(
            text.contains(
                "| b | 5.00 | 0.10 (noisy) | 10.00 | 1.00 M | 2.50 | 2.50 | 1.5 | 25.0 % | 5 |"
            ),
            "{text}"
        );
        assert!(
            text.contains("## y\n\n| | wall s |")
                && text.contains("| bm | 4.00 | 0.10 | 8.00 | 1.00 M | 1.00 | 1.00 |"),
            "{text}"
        );
    }

    #[test]
    fn the_readme_shows_the_result_that_is_kept() {
        let root =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let read = |path: &str| std::fs::read_to_string(root.join(path)).expect(path);
        let result: Value =
            serde_json::from_str(&read("research/neural-engine/results/speed.json")).expect("JSON");
        let readme = read("README.md");
        assert!(readme.contains(MARKS[0]) && readme.contains("| bm, level 1 | "));
        assert_eq!(
            in_readme(&readme, &result).as_deref(),
            Some(readme.as_str()),
            "cargo xtask bench --keep writes the table"
        );
        assert_eq!(in_readme("no place", &result), None);
    }
}
