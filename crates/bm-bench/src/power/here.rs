//! The source of power readings of the machine that this runs on.

use super::rapl::Rapl;

/// What to do on a Mac to see the power: two commands.
const POWERMETRICS_STEPS: &str = "macOS shows its power to an administrator only. In a second \
     terminal, type `sudo powermetrics --samplers cpu_power,ane_power -i 200 -b 1 -o power.txt`; \
     then `bm bench-device --power power.txt` here; stop the first with Ctrl-C at the end";

/// Returns the meter of this machine that needs no help.
///
/// # Errors
///
/// Why there is none, and what to do.
pub fn of_this_machine() -> Result<Rapl, String> {
    match std::env::consts::OS {
        "linux" => Rapl::open("/sys/class/powercap".as_ref()),
        "macos" => Err(POWERMETRICS_STEPS.to_owned()),
        other => Err(format!("bm reads no power on {other}")),
    }
}
