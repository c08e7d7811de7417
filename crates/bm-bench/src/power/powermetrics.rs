//! The output of macOS's `powermetrics`, as text or as property lists.
//!
//! *Text.* Each sample has a line with its time and length, and lines with the power of its parts:
//!
//! ```text
//! *** Sampled system activity (Tue Jul 14 10:00:00 2026 -0700) (201.50ms elapsed) ***
//! CPU Power: 450 mW
//! GPU Power: 120 mW
//! ANE Power: 0 mW
//! Combined Power (CPU + GPU + ANE): 570 mW
//! ```
//!
//! On macOS 12 the last line was `Package Power: 2151 mW`, and `DRAM Power` was another part. On Intel
//! it is `Intel energy model derived package power (CPUs+GT+SA): 0.58W`. With the sampler `gpu_power`,
//! the power of the GPU is there twice; the first one counts.
//!
//! *Property lists* (`-f plist`), one for each sample, with a zero byte between two: `timestamp`,
//! `elapsed_ns`, and in `processor` the numbers `cpu_power`, `gpu_power`, `ane_power` and
//! `combined_power` in milliwatts; older versions have `cpu_energy` and so on instead, in millijoules.
//!
//! Times have whole seconds. So only those samples count for a load that lie within it whatever the
//! fraction of the second, and whether the time is that of their start or of their end.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;

use super::{Mark, Meter, Watts};
use crate::clock::Clock;

/// Largest file that is read, in bytes: hours of samples.
const MOST: u64 = 256 << 20;

/// How often, and how many times in all, a file is read again when its samples end too early.
const WAITS: (Duration, usize) = (Duration::from_millis(500), 8);

/// A reading of `powermetrics`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Time, in whole seconds since the beginning of 1970.
    pub unix: f64,
    /// Length, in seconds.
    pub seconds: f64,
    /// Mean power.
    pub watts: Watts,
}

/// A file that `powermetrics` writes while the machine is measured.
#[derive(Debug)]
pub struct PowerMetrics {
    path: PathBuf,
    samples: Vec<Sample>,
    /// How many times it may still be waited for later samples.
    waits: usize,
}

impl PowerMetrics {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// In words, if it cannot be read, or has no samples.
    pub fn open(path: &Path) -> Result<Self, String> {
        let samples = read(path)?;
        Ok(Self { path: path.to_owned(), samples, waits: WAITS.1 })
    }
}

fn read(path: &Path) -> Result<Vec<Sample>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    samples(&bytes)
}

impl Meter for PowerMetrics {
    fn name(&self) -> &'static str {
        "powermetrics"
    }

    fn mark(&mut self, clock: &dyn Clock) -> Result<Mark, String> {
        Ok(Mark { unix: clock.unix(), seconds: clock.now().as_secs_f64(), joules: None })
    }

    fn between(&mut self, from: &Mark, to: &Mark, clock: &dyn Clock) -> Result<Watts, String> {
        while self.waits > 0 && self.samples.last().is_none_or(|last| last.unix <= to.unix) {
            self.waits -= 1;
            clock.sleep(WAITS.0);
            self.samples = read(&self.path)?;
        }
        let within = |sample: &&Sample| {
            sample.unix - sample.seconds >= from.unix
                && sample.unix + sample.seconds + 1.0 <= to.unix
        };
        let inside: Vec<_> = self.samples.iter().filter(within).copied().collect();
        mean(&inside).ok_or_else(|| {
            "powermetrics has no sample of this time; let it run while bm does, with -i 200"
                .to_owned()
        })
    }
}

/// Returns the mean power of samples, by their lengths; `None` without samples.
fn mean(samples: &[Sample]) -> Option<Watts> {
    let seconds: f64 = samples.iter().map(|sample| sample.seconds).sum();
    let of = |part: fn(&Watts) -> Option<f64>| {
        let joules: Option<f64> =
            samples.iter().map(|sample| Some(part(&sample.watts)? * sample.seconds)).sum();
        joules.map(|joules| joules / seconds)
    };
    if seconds <= 0.0 {
        return None;
    }
    Some(Watts {
        total: of(|watts| Some(watts.total))?,
        cpu: of(|watts| watts.cpu),
        gpu: of(|watts| watts.gpu),
        neural_engine: of(|watts| watts.neural_engine),
    })
}

/// Returns the samples in the output of `powermetrics`, text or property lists. The last sample may be
/// cut off: it is left out.
///
/// # Errors
///
/// In words, if there are none.
pub fn samples(output: &[u8]) -> Result<Vec<Sample>, String> {
    let text = String::from_utf8_lossy(output);
    let found: Vec<_> = if text.contains("<plist") {
        text.split('\0').filter_map(in_list).collect()
    } else {
        text.split("*** Sampled system activity ").skip(1).filter_map(in_text).collect()
    };
    if found.is_empty() {
        return Err("it has no samples of power by powermetrics; name its output, of \
                    `--samplers cpu_power,ane_power`"
            .to_owned());
    }
    Ok(found)
}

/// Reads a sample of the text format, from its time on.
fn in_text(text: &str) -> Option<Sample> {
    let (date, rest) = text.strip_prefix('(')?.split_once(") (")?;
    let (elapsed, rest) = rest.split_once("elapsed)")?;
    let milliseconds: f64 = elapsed.trim().strip_suffix("ms")?.trim().parse().ok()?;
    let unix = DateTime::parse_from_str(date, "%a %b %d %H:%M:%S %Y %z").ok()?;
    let mut watts = Parts::default();
    for line in rest.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let Some(value) = power(value.trim()) else { continue };
        let part = match name.trim() {
            "CPU Power" => &mut watts.cpu,
            "GPU Power" => &mut watts.gpu,
            "ANE Power" => &mut watts.neural_engine,
            name if name.starts_with("Combined Power") => &mut watts.total,
            "Package Power" => &mut watts.total,
            name if name.starts_with("Intel energy model derived package power") => {
                &mut watts.total
            }
            _ => continue,
        };
        part.get_or_insert(value);
    }
    watts.sample(unix.timestamp() as f64, milliseconds * 1e-3)
}

/// Returns a power in watts: `450 mW`, `0.58W`.
fn power(text: &str) -> Option<f64> {
    let (number, scale) = match text.strip_suffix("mW") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('W')?, 1.0),
    };
    number.trim().parse::<f64>().ok().filter(|value| *value >= 0.0).map(|value| value * scale)
}

/// Reads a property list.
fn in_list(text: &str) -> Option<Sample> {
    let text = text.get(text.find('<')?..)?;
    // Property lists name their document type; its definition is not loaded.
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text, options).ok()?;
    let root = document.root_element().first_element_child()?;
    let seconds = value(root, "elapsed_ns")?.text()?.trim().parse::<f64>().ok()? * 1e-9;
    let date = value(root, "timestamp")?.text()?.trim();
    let unix = DateTime::parse_from_rfc3339(date).ok()?.timestamp() as f64;
    let processor = value(root, "processor")?;
    let number = |key: &str| value(processor, key)?.text()?.trim().parse::<f64>().ok();
    let watts = |power: &str, energy: &str| {
        let by_energy = || Some(number(energy)? / seconds);
        number(power).or_else(by_energy).map(|milliwatts| milliwatts * 1e-3)
    };
    let parts = Parts {
        cpu: watts("cpu_power", "cpu_energy"),
        gpu: watts("gpu_power", "gpu_energy"),
        neural_engine: watts("ane_power", "ane_energy"),
        total: watts("combined_power", "package_energy").or_else(|| number("package_watts")),
    };
    parts.sample(unix, seconds)
}

/// Returns the value of a key of a dictionary: the element behind it.
fn value<'a, 'input>(
    dictionary: roxmltree::Node<'a, 'input>,
    key: &str,
) -> Option<roxmltree::Node<'a, 'input>> {
    let mut keys = dictionary.children().filter(|node| node.has_tag_name("key"));
    keys.find(|node| node.text() == Some(key))?.next_sibling_element()
}

/// The parts that a sample shows, in watts.
#[derive(Default)]
struct Parts {
    cpu: Option<f64>,
    gpu: Option<f64>,
    neural_engine: Option<f64>,
    total: Option<f64>,
}

impl Parts {
    fn sample(self, unix: f64, seconds: f64) -> Option<Sample> {
        let Self { cpu, gpu, neural_engine, total } = self;
        let shown = [cpu, gpu, neural_engine];
        let is_number = |value: &f64| value.is_finite() && *value >= 0.0;
        let sum = || {
            let parts = || shown.iter().flatten();
            (parts().count() > 0).then(|| parts().sum::<f64>())
        };
        let total = total.or_else(sum).filter(is_number)?;
        let is_length = seconds.is_finite() && seconds > 0.0;
        (is_length && shown.iter().flatten().all(is_number)).then_some(Sample {
            unix,
            seconds,
            watts: Watts { total, cpu, gpu, neural_engine },
        })
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::testing::HandClock;

    /// The format of macOS 13 and later, with the GPU's power twice.
    const TEXT: &str = "Machine model: Mac14,2\nOS version: 23A344\n\n\
        *** Sampled system activity (Tue Jul 14 10:00:00 2026 -0700) (201.50ms elapsed) ***\n\n\
        **** Processor usage ****\n\nE-Cluster Power: 18 mW\nCPU 0 frequency: 1188 MHz\n\
        CPU Power: 450 mW\nGPU Power: 120 mW\nANE Power: 30 mW\n\
        Combined Power (CPU + GPU + ANE): 600 mW\n\n**** GPU usage ****\nGPU Power: 9999 mW\n\n\
        *** Sampled system activity (Tue Jul 14 10:00:00 2026 -0700) (200.10ms elapsed) ***\n\n\
        CPU Power: 900 mW\nGPU Power: 100 mW\nANE Power: 0 mW\n\
        Combined Power (CPU + GPU + ANE): 1000 mW\n\
        *** Sampled system activity (Tue Jul 14 10:00:01 2026";

    #[test]
    fn text_of_macos_13_and_later_is_read() {
        let found = samples(TEXT.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        let Sample { unix, seconds, watts } = found[0];
        assert_eq!(unix, 1_784_048_400.0);
        assert!((seconds - 0.2015).abs() < 1e-12);
        let expected =
            Watts { total: 0.6, cpu: Some(0.45), gpu: Some(0.12), neural_engine: Some(0.03) };
        assert_eq!(watts, expected);
        assert_eq!(found[1].watts.neural_engine, Some(0.0));
    }

    #[test]
    fn text_of_macos_12_and_of_intel_is_read() {
        let old = "*** Sampled system activity (Sat Feb 05 09:00:00 2022 +0000) (1004.2ms elapsed) ***\n\
            ANE Power: 0 mW\nDRAM Power: 688 mW\nCPU Power: 742 mW\nGPU Power: 26 mW\nPackage Power: 2151 mW\n";
        assert!((samples(old.as_bytes()).unwrap()[0].watts.total - 2.151).abs() < 1e-12);
        let intel = "*** Sampled system activity (Sat Feb 05 09:00:00 2022 +0000) (1004.2ms elapsed) ***\n\
            Intel energy model derived package power (CPUs+GT+SA): 0.58W\n";
        let Watts { total, cpu, neural_engine, .. } = samples(intel.as_bytes()).unwrap()[0].watts;
        assert_eq!((total, cpu, neural_engine), (0.58, None, None));
    }

    fn list(second: u32, processor: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n\
             <key>is_delta</key><true/>\n<key>elapsed_ns</key><integer>200000000</integer>\n\
             <key>timestamp</key><date>2026-07-14T17:00:{second:02}Z</date>\n\
             <key>processor</key>\n<dict>{processor}</dict>\n</dict>\n</plist>\n"
        )
    }

    #[test]
    fn property_lists_with_power_and_with_energy_are_read() {
        let power = list(
            0,
            "<key>clusters</key><array><dict><key>cpu_power</key><real>7</real></dict></array>\
             <key>ane_energy</key><integer>5</integer><key>ane_power</key><real>25</real>\
             <key>cpu_power</key><real>400.5</real><key>gpu_power</key><real>10</real>\
             <key>combined_power</key><real>435.5</real>",
        );
        let energy = list(
            1,
            "<key>ane_energy</key><integer>5</integer><key>cpu_energy</key>\
             <integer>80</integer><key>gpu_energy</key><integer>2</integer>",
        );
        let found = samples(format!("{power}\0{energy}\0{}", &power[..200]).as_bytes()).unwrap();
        let totals: Vec<_> =
            found.iter().map(|it| (it.unix, (it.watts.total * 1e6).round())).collect();
        assert_eq!(totals, [(1_784_048_400.0, 435_500.0), (1_784_048_401.0, 435_000.0)]);
        assert_eq!(
            found.iter().map(|it| it.watts.neural_engine).collect::<Vec<_>>(),
            [Some(0.025); 2]
        );
    }

    #[test]
    fn other_texts_have_no_samples() {
        for text in [
            "",
            "CPU Power: 3 mW",
            "*** Sampled system activity (yesterday) (201.50ms elapsed) ***\nCPU Power: 3 mW\n",
            "*** Sampled system activity (Tue Jul 14 10:00:00 2026 -0700) (0ms elapsed) ***\nCPU Power: 3 mW\n",
            "*** Sampled system activity (Tue Jul 14 10:00:00 2026 -0700) (9ms elapsed) ***\nCPU Power: nan mW\n",
            "<plist><dict><key>processor</key></dict></plist>",
            "<plist",
        ] {
            assert!(samples(text.as_bytes()).is_err(), "{text}");
        }
        assert!(samples(&[0xff, 0, 0xfe]).is_err());
    }

    #[test]
    fn power_is_that_of_the_samples_within_a_load() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("power.txt");
        // A sample of a second for each second; the power is the number of the second.
        let write = |seconds: u32| {
            let lines: Vec<_> = (0..seconds)
                .map(|at| {
                    format!(
                        "*** Sampled system activity (Tue Jul 14 10:00:{at:02} 2026 +0000) (200ms elapsed) ***\n\
                         CPU Power: {at}000 mW\nANE Power: 500 mW\nCombined Power (CPU + ANE): {at}500 mW\n"
                    )
                })
                .collect();
            std::fs::write(&path, lines.concat()).unwrap();
        };
        write(12);
        let clock = HandClock::default();
        let mut meter = PowerMetrics::open(&path).unwrap();
        let mark =
            |second: f64| Mark { unix: 1_784_023_200.0 + second, seconds: second, joules: None };
        // Seconds 3 to 5 are within, wherever they begin.
        let watts = meter.between(&mark(2.5), &mark(6.5), &clock).unwrap();
        assert_eq!((watts.total, watts.cpu, watts.neural_engine), (4.5, Some(4.0), Some(0.5)));
        assert_eq!(clock.now(), Duration::ZERO);
        // Too short for a whole sample.
        assert!(meter.between(&mark(2.5), &mark(3.5), &clock).is_err());
        // Later than the last sample: it waits, and not for ever.
        assert!(meter.between(&mark(30.0), &mark(40.0), &clock).is_err());
        let waited = clock.now();
        assert!(waited > Duration::ZERO);
        assert!(meter.between(&mark(30.0), &mark(40.0), &clock).is_err());
        assert_eq!(clock.now(), waited);
        write(50);
        let mut meter = PowerMetrics::open(&path).unwrap();
        assert_eq!(meter.between(&mark(30.5), &mark(40.5), &clock).unwrap().cpu, Some(35.0));
    }
}
