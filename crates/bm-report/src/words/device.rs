//! What was measured on a machine, in lines of at most 80 columns.

use bm_bench::power::Watts;
use bm_bench::{DeviceReport, EngineFacts, LoadFacts, Outcome, PlannedOperation, Speed, SpeedRow};

use crate::text;

/// Columns of a line.
const WIDTH: usize = 80;

/// Fraction of the processor that other programs used before, from which a note says so.
const BUSY: f64 = 0.25;

/// Returns the report in words and tables, several lines.
pub fn device(report: &DeviceReport) -> String {
    let mut lines = machine(report);
    lines.extend(report.engines.iter().flat_map(engine));
    for model in models(report) {
        lines.push(String::new());
        lines.extend(wrapped(
            &format!(
                "{model}: reads/s is the median of the repeats and ± half of their range; p50 and \
                 p95 are times of a call in ms; CPU is seconds of processor time per million reads"
            ),
            "  ",
        ));
        lines.push(row(["engine", "read", "batch", "thr", "reads/s", "±", "p50", "p95", "CPU"]));
        lines.extend(report.speed.iter().filter(|row| row.model == model).flat_map(speed));
    }
    lines.push(String::new());
    lines.extend(energy(report));
    lines.push(format!("measured in {:.0} s", report.wall_s));
    lines.join("\n")
}

fn machine(report: &DeviceReport) -> Vec<String> {
    let machine = &report.machine;
    let processor = machine.processor.as_deref().unwrap_or("unknown processor");
    let threads = match machine.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    let kind = if machine.is_virtual == Some(true) { ", a virtual machine" } else { "" };
    let text = format!(
        "bm {} on {processor} ({}), {threads}, {}{kind}",
        report.version, machine.architecture, machine.system
    );
    let mut lines = wrapped(&text, "  ");
    if let Some(load) = machine.load_before.filter(|it| *it > BUSY * machine.threads as f64) {
        let note = format!(
            "Note: {load:.1} threads ran on average in the minute before. Repeat this on an idle \
             machine."
        );
        lines.extend(wrapped(&note, "  "));
    }
    lines
}

fn engine(row: &EngineFacts) -> Vec<String> {
    let word = match row.outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "FAIL",
        Outcome::Refused => "refused",
        Outcome::Skipped => "skipped",
    };
    let mut text = format!("{word:8} {}, {} {}", row.engine, row.model, row.model_version);
    if let Some(runtime) = &row.runtime {
        text += &format!(": {runtime}");
    }
    if let (Some(difference), Some(tolerance)) = (row.max_difference, row.tolerance) {
        text += &format!("; max |Δp| {difference:.1e} (at most {tolerance:.0e})");
    }
    if let Some(padding) = row.padding {
        text += &format!("; {} of the blocks is padding", text::percent(padding));
    }
    if let Some(reason) = &row.reason {
        text += &format!(": {reason}");
    }
    let mut lines = wrapped(&text, "         ");
    if !row.plan.is_empty() {
        lines.extend(wrapped(&format!("         {}", plan(&row.plan)), "         "));
    }
    lines
}

/// Returns how many operations CoreML plans for each device, with their fraction of the cost.
fn plan(operations: &[PlannedOperation]) -> String {
    let mut devices: Vec<&str> = operations.iter().map(|it| it.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let part = |device: &str| {
        let on = || operations.iter().filter(|it| it.device == device);
        let cost: Option<f64> = on().map(|it| it.cost).sum();
        let cost = cost.map_or_else(String::new, |it| format!(" ({})", text::percent(it)));
        format!("{} operations on {device}{cost}", on().count())
    };
    let parts: Vec<_> = devices.into_iter().map(part).collect();
    format!("CoreML plans {}; a plan is no proof that it ran there", text::list(&parts))
}

/// Returns the models with speeds, in order.
fn models(report: &DeviceReport) -> Vec<&str> {
    let mut models: Vec<&str> = Vec::new();
    for row in &report.speed {
        if !models.contains(&row.model.as_str()) {
            models.push(&row.model);
        }
    }
    models
}

fn speed(facts: &SpeedRow) -> Vec<String> {
    let SpeedRow { engine, read_bases, batch, threads, measured, reason, .. } = facts;
    let [read_bases, batch, threads] = [read_bases, batch, threads].map(ToString::to_string);
    let Some(Speed {
        reads_per_s,
        reads_per_s_range: [slowest, fastest],
        call_p50_s,
        call_p95_s,
        cpu_s_per_million_reads,
        ..
    }) = measured
    else {
        let text = format!(
            "{engine:12} {read_bases:>6} {batch:>6} {threads:>4}  not measured: {}",
            reason.as_deref().unwrap_or_default()
        );
        return wrapped(&text, "    ");
    };
    let cpu = cpu_s_per_million_reads.map_or_else(|| "–".to_owned(), text::number);
    vec![row([
        engine,
        &read_bases,
        &batch,
        &threads,
        &text::count(reads_per_s.round() as u64),
        &format!("{:.0} %", 50.0 * (fastest - slowest) / reads_per_s),
        &text::number(1e3 * call_p50_s),
        &text::number(1e3 * call_p95_s),
        &cpu,
    ])]
}

fn row(cells: [&str; 9]) -> String {
    let [engine, read, batch, threads, speed, spread, p50, p95, cpu] = cells;
    format!(
        "{engine:12} {read:>6} {batch:>6} {threads:>4} {speed:>12} {spread:>5} {p50:>8} {p95:>8} {cpu:>8}"
    )
}

fn energy(report: &DeviceReport) -> Vec<String> {
    let energy = &report.energy;
    let why = |text: &str| energy.reason.as_ref().map(|reason| format!("{text}: {reason}"));
    let Some(source) = &energy.source else {
        let text = why("Energy cannot be read").unwrap_or_else(|| "No energy".to_owned());
        return wrapped(&text, "  ");
    };
    let mut lines = wrapped(
        &format!("Energy by {source}; loads are the largest batch of short reads on all threads"),
        "  ",
    );
    match &energy.idle {
        Some(watts) => lines.push(format!("  idle: {}", power(watts))),
        None => {
            let text = why("  idle power cannot be read");
            lines.extend(text.iter().flat_map(|text| wrapped(text, "    ")));
        }
    }
    for load in &energy.loads {
        let LoadFacts { engine, model, watts, reason, .. } = load;
        let what = match (watts, reason) {
            (Some(watts), _) => {
                let joules =
                    |value: Option<f64>| value.map_or_else(|| "–".to_owned(), text::number);
                format!(
                    "{}; {} J per million reads, {} above idle, at {} reads/s",
                    power(watts),
                    joules(load.joules_per_million_reads),
                    joules(load.joules_per_million_reads_above_idle),
                    text::count(load.reads_per_s.round() as u64)
                )
            }
            (None, reason) => reason.clone().unwrap_or_default(),
        };
        lines.extend(wrapped(&format!("  {engine}, {model}: {what}"), "    "));
    }
    lines
}

fn power(watts: &Watts) -> String {
    let parts = [("CPU", watts.cpu), ("GPU", watts.gpu), ("Neural Engine", watts.neural_engine)];
    let parts: Vec<_> = parts
        .iter()
        .filter_map(|(name, part)| part.map(|part| format!("{name} {}", text::number(part))))
        .collect();
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    format!("{} W{parts}", text::number(watts.total))
}

/// Breaks a text at spaces; all lines but the first begin with `indent`.
fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let start = text.len() - text.trim_start().len();
    let mut lines = Vec::new();
    let mut line = text[..start].to_owned();
    let mut is_empty = true;
    for word in text[start..].split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use bm_bench::{EnergyFacts, Machine, Settings};

    use super::*;

    fn report() -> DeviceReport {
        let engine = |engine: &str, outcome, reason: Option<&str>| EngineFacts {
            engine: engine.to_owned(),
            runtime: reason.is_none().then(|| format!("{engine} 0.1.0, CPU")),
            model: "read-error".to_owned(),
            model_version: 2,
            outcome,
            reason: reason.map(str::to_owned),
            max_difference: reason.is_none().then_some(2.5e-7),
            tolerance: reason.is_none().then_some(1e-6),
            padding: None,
            plan: vec![],
        };
        let planned = |device: &str| PlannedOperation {
            operation: "ios17.conv".to_owned(),
            device: device.to_owned(),
            cost: Some(0.25),
        };
        let mut coreml = engine("coreml", Outcome::Ok, None);
        coreml.padding = Some(0.037);
        coreml.plan = ["Neural Engine", "CPU", "Neural Engine"].map(planned).to_vec();
        let speed = |engine: &str, measured| SpeedRow {
            engine: engine.to_owned(),
            model: "read-error".to_owned(),
            read_bases: 150,
            batch: 4096,
            threads: 16,
            reason: Some("the first call took 9.00 s, longer than the 0.50 s of a row".to_owned()),
            measured,
        };
        let measured = Speed {
            repeats: 5,
            calls: 100,
            reads_per_s: 12_345_678.0,
            reads_per_s_range: [12e6, 13e6],
            call_p50_s: 0.000_331,
            call_p95_s: 0.0005,
            cpu_s_per_million_reads: Some(1.25),
        };
        DeviceReport {
            format: 1,
            program: "bm".to_owned(),
            command: "bench-device".to_owned(),
            version: "0.1.0".to_owned(),
            machine: Machine {
                processor: Some("Some Processor With a Long Name @ 2.00 GHz".to_owned()),
                architecture: "x86_64".to_owned(),
                threads: 16,
                system: "Some Linux 12 (name), Linux 6.1.0".to_owned(),
                is_virtual: Some(true),
                load_before: Some(7.5),
            },
            settings: Settings {
                seconds: 90.0,
                seed: 1,
                read_bases: [150, 20_000],
                batches: [vec![4096], vec![16]],
            },
            engines: vec![
                engine("embedded", Outcome::Ok, None),
                engine(
                    "onnxruntime",
                    Outcome::Skipped,
                    Some("no library found; name it with --ort-lib or ORT_DYLIB_PATH"),
                ),
                coreml,
            ],
            speed: vec![speed("embedded", Some(measured)), speed("coreml", None)],
            energy: EnergyFacts {
                source: Some("powermetrics".to_owned()),
                reason: None,
                idle: Some(Watts { total: 0.5, ..Watts::default() }),
                loads: vec![LoadFacts {
                    engine: "coreml".to_owned(),
                    model: "read-error".to_owned(),
                    seconds: 3.0,
                    reads_per_s: 1e6,
                    watts: Some(Watts {
                        total: 4.5,
                        cpu: Some(1.5),
                        gpu: Some(0.0),
                        neural_engine: Some(3.0),
                    }),
                    joules_per_million_reads: Some(4.5),
                    joules_per_million_reads_above_idle: Some(4.0),
                    reason: None,
                }],
            },
            wall_s: 91.2,
        }
    }

    #[test]
    fn lines_fit_a_terminal_and_have_all_facts() {
        let text = device(&report());
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "16 threads, Some Linux 12 (name), Linux 6.1.0, a virtual machine",
            "7.5 threads ran on average in the minute before",
            "ok embedded, read-error 2: embedded 0.1.0, CPU; max |Δp| 2.5e-7 (at most 1e-6)",
            "skipped onnxruntime, read-error 2: no library found; name it",
            "3.70 % of the blocks is padding",
            "1 operations on CPU (25.0 %) and 2 operations on Neural Engine (50.0 %)",
            "embedded 150 4096 16 12,345,678 4 % 0.331 0.500 1.25",
            "coreml 150 4096 16 not measured: the first call took 9.00 s",
            "idle: 0.500 W",
            "4.50 W (CPU 1.50, GPU 0, Neural Engine 3.00); 4.50 J per million reads, 4.00 above idle",
            "measured in 91 s",
        ] {
            assert!(flat.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn energy_that_cannot_be_read_has_its_reason() {
        let mut report = report();
        report.energy =
            EnergyFacts { reason: Some("it is a secret".to_owned()), ..EnergyFacts::default() };
        assert!(device(&report).contains("Energy cannot be read: it is a secret"));
    }
}
