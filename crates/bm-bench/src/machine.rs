//! What is known of the machine, without names of hosts, users or folders.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: Option<String>,
    /// The architecture that this program was built for.
    pub architecture: String,
    /// Threads that run at the same time.
    pub threads: usize,
    /// Name and version of the operating system.
    pub system: String,
    /// Whether it is a virtual machine, if the system says so.
    pub is_virtual: Option<bool>,
    /// Mean number of threads that ran in the minute before: near 0 for an idle machine.
    pub load_before: Option<f64>,
}

impl Machine {
    /// Returns what this system says about the machine.
    pub fn this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").ok();
        let is_mac = OS == "macos";
        let answer = |program: &str, arguments: &[&str]| {
            if is_mac { answer(program, arguments) } else { None }
        };
        let processor = answer("/usr/sbin/sysctl", &["-n", "machdep.cpu.brand_string"]);
        let load = answer("/usr/sbin/sysctl", &["-n", "vm.loadavg"]);
        let load = load.or_else(|| fs::read_to_string("/proc/loadavg").ok());
        let hypervisor = answer("/usr/sbin/sysctl", &["-n", "kern.hv_vmm_present"]);
        Self {
            processor: processor.or_else(|| processor_of(cpuinfo.as_deref()?)),
            architecture: ARCH.to_owned(),
            threads: thread::available_parallelism().map_or(1, usize::from),
            system: match answer("/usr/bin/sw_vers", &["-productVersion"]) {
                Some(version) => format!("macOS {version}"),
                None => linux().unwrap_or_else(|| OS.to_owned()),
            },
            is_virtual: hypervisor
                .map(|answer| answer == "1")
                .or_else(|| is_virtual(cpuinfo.as_deref()?)),
            load_before: load.as_deref().and_then(load_of),
        }
    }
}

/// Returns what a program of the system prints.
fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns the name of the processor by Linux. ARM processors have numbers instead: implementer and
/// part.
fn processor_of(cpuinfo: &str) -> Option<String> {
    let value = |key: &str| {
        let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    let by_number = || {
        Some(format!("ARM implementer {}, part {}", value("CPU implementer")?, value("CPU part")?))
    };
    value("model name").or_else(by_number)
}

/// Returns whether Linux says that a hypervisor runs this system; only x86 processors say so.
fn is_virtual(cpuinfo: &str) -> Option<bool> {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"))?;
    Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Returns the mean load of a minute, as Linux (`0.12 …`) and macOS (`{ 0.12 … }`) write it.
fn load_of(text: &str) -> Option<f64> {
    text.trim_start_matches('{').split_whitespace().next()?.parse().ok()
}

/// Returns name and version of a Linux system.
fn linux() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let name = release.as_deref().and_then(pretty_name).unwrap_or_else(|| "Linux".to_owned());
    Some(format!("{name}, Linux {}", numbers_of(&kernel)))
}

fn pretty_name(release: &str) -> Option<String> {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
}

/// Returns the numbers at the start of a version: who built a kernel may have written anything behind
/// them.
fn numbers_of(version: &str) -> &str {
    let end = version.find(|letter: char| letter != '.' && !letter.is_ascii_digit());
    version[..end.unwrap_or(version.len())].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_linux_are_read() {
        let intel =
            "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu hypervisor sse\n";
        assert_eq!(processor_of(intel).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(is_virtual(intel), Some(true));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(processor_of(arm).as_deref(), Some("ARM implementer 0x41, part 0xd0c"));
        assert_eq!(is_virtual(arm), None);
        assert_eq!(processor_of(""), None);
        assert_eq!(
            pretty_name("NAME=x\nPRETTY_NAME=\"Some Linux 12\"\n").as_deref(),
            Some("Some Linux 12")
        );
        assert_eq!(numbers_of("6.1.0-17-of-jane"), "6.1.0");
    }

    #[test]
    fn loads_of_both_systems_are_read() {
        assert_eq!(load_of("0.52 0.58 0.59 1/389 4242\n"), Some(0.52));
        assert_eq!(load_of("{ 1.52 1.58 1.59 }"), Some(1.52));
        assert_eq!(load_of(""), None);
    }

    #[test]
    fn this_machine_has_threads_and_a_system() {
        let machine = Machine::this();
        assert!(machine.threads > 0 && !machine.system.is_empty());
    }
}
