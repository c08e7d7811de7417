//! RAPL: the energy counters of a processor's packages, as Linux shows them.
//!
//! A folder `intel-rapl:N` is a package, of AMD processors too; its `energy_uj` counts microjoules and
//! starts again at 0 after `max_energy_range_uj` (Linux, Documentation/power/powercap/powercap.rst).
//! Folders with a second number are parts of a package, and `intel-rapl-mmio` shows the same package
//! again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Mark, Meter, Watts};
use crate::clock::Clock;

/// The counters of all packages.
#[derive(Debug)]
pub struct Rapl {
    packages: Vec<Package>,
}

#[derive(Debug)]
struct Package {
    counter: PathBuf,
    /// Where the counter starts again, in microjoules.
    range: u64,
    last: u64,
    /// Energy since the start, in microjoules.
    total: u64,
}

impl Rapl {
    /// Opens the counters below a folder, `/sys/class/powercap`.
    ///
    /// # Errors
    ///
    /// Why they cannot be read, and what to do.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<_> = names.filter(|path| is_package(path)).collect();
        folders.sort();
        if folders.is_empty() {
            return Err("this system has no RAPL counters, as most virtual machines and \
                        processors that are not x86"
                .to_owned());
        }
        let packages = folders.iter().map(|folder| Package::open(folder));
        Ok(Self { packages: packages.collect::<Result<_, _>>()? })
    }

    /// Returns the energy of all packages since the start, in joules.
    fn joules(&mut self) -> Result<f64, String> {
        let mut sum = 0;
        for package in &mut self.packages {
            package.update()?;
            sum += package.total;
        }
        Ok(sum as f64 * 1e-6)
    }
}

/// Returns whether a folder is that of a whole package.
fn is_package(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_prefix("intel-rapl:");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()))
        && fs::read_to_string(folder.join("name")).is_ok_and(|name| name.starts_with("package"))
}

impl Package {
    fn open(folder: &Path) -> Result<Self, String> {
        let counter = folder.join("energy_uj");
        let range = number(&folder.join("max_energy_range_uj"))?;
        Ok(Self { last: number(&counter)?, counter, range, total: 0 })
    }

    /// Adds what was used since the last time. The counter must not start again twice in between: at
    /// 200 W it takes minutes.
    fn update(&mut self) -> Result<(), String> {
        let now = number(&self.counter)?;
        let used = match now.checked_sub(self.last) {
            Some(used) => used,
            None => now.saturating_add(self.range.saturating_sub(self.last)),
        };
        self.total = self.total.saturating_add(used);
        self.last = now;
        Ok(())
    }
}

fn number(path: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => "the RAPL counters are for the administrator only; run as \
             root, or let all read them: `sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj`"
            .to_owned(),
        _ => format!("a RAPL counter cannot be read: {error}"),
    })?;
    text.trim().parse().map_err(|_| format!("a RAPL counter is not a number: {:.20}", text.trim()))
}

impl Meter for Rapl {
    fn name(&self) -> &'static str {
        "rapl"
    }

    fn mark(&mut self, clock: &dyn Clock) -> Result<Mark, String> {
        let joules = Some(self.joules()?);
        Ok(Mark { unix: clock.unix(), seconds: clock.now().as_secs_f64(), joules })
    }

    fn between(&mut self, from: &Mark, to: &Mark, _: &dyn Clock) -> Result<Watts, String> {
        let (seconds, joules) = (to.seconds - from.seconds, to.joules.zip(from.joules));
        match joules {
            Some((to, from)) if seconds > 0.0 => {
                Ok(Watts { total: (to - from) / seconds, ..Watts::default() })
            }
            _ => Err("no time passed".to_owned()),
        }
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::testing::HandClock;
    use std::time::Duration;

    fn package(root: &Path, name: &str, kind: &str, energy: u64) {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in [
            ("name", format!("{kind}\n")),
            ("energy_uj", format!("{energy}\n")),
            ("max_energy_range_uj", "262143328850\n".to_owned()),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    #[test]
    fn packages_are_summed_and_counters_that_start_again_go_on() {
        let root = tempfile::tempdir().unwrap();
        package(root.path(), "intel-rapl:0", "package-0", 262_143_000_000);
        package(root.path(), "intel-rapl:1", "package-1", 500);
        // Parts of a package, the whole system, and the same package again.
        package(root.path(), "intel-rapl:0:0", "core", 1);
        package(root.path(), "intel-rapl:2", "psys", 1);
        package(root.path(), "intel-rapl-mmio:0", "package-0", 1);
        let clock = HandClock::default();
        let mut rapl = Rapl::open(root.path()).unwrap();
        let first = rapl.mark(&clock).unwrap();
        assert_eq!(first.joules, Some(0.0));

        clock.pass(Duration::from_secs(2));
        package(root.path(), "intel-rapl:0", "package-0", 671_150);
        package(root.path(), "intel-rapl:1", "package-1", 1_000_500);
        let second = rapl.mark(&clock).unwrap();
        let watts = rapl.between(&first, &second, &clock).unwrap();
        // 262,143.32885 − 262,143 + 0.67115 = 1 J, and 1 J of the other one, in 2 s.
        assert!((watts.total - 1.0).abs() < 1e-9, "{watts:?}");
        assert!(rapl.between(&second, &second, &clock).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let root = tempfile::tempdir().unwrap();
        let why = |root: &Path| Rapl::open(root).err().unwrap_or_default();
        assert!(why(root.path()).contains("no RAPL counters"));
        assert!(why(&root.path().join("none")).contains("no RAPL counters"));
        package(root.path(), "intel-rapl:0", "package-0", 1);
        fs::write(root.path().join("intel-rapl:0/energy_uj"), "many\n").unwrap();
        assert!(why(root.path()).contains("not a number: many"));
        fs::remove_file(root.path().join("intel-rapl:0/energy_uj")).unwrap();
        assert!(why(root.path()).contains("cannot be read"));
    }
}
