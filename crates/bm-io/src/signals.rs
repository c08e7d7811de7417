//! What happens to unfinished outputs when the program is stopped by a signal.
//!
//! A thread waits for the signals, which have no handlers. It removes what is unfinished, prints one
//! line and ends the program. While outputs get their names, it waits; afterwards the run is done, and a
//! signal changes nothing.

use std::io::{IsTerminal, Write};
use std::process;
use std::thread;

use crate::system::{self, SignalSet};
use crate::unfinished::register;

/// The exit code of a run that was stopped.
const STOPPED: i32 = 130;

/// Signals that end a program which does not handle them.
const SIGNALS: [(i32, &str); 8] = [
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGXCPU, "SIGXCPU"),
];

/// Removes unfinished outputs when the program is stopped by a signal, prints one line, and ends it
/// with exit code 130. For programs, before they start threads; a library leaves signals alone.
///
/// A signal that was set to be ignored, as by `nohup`, stays ignored. A write beyond the limit on the
/// size of files (SIGXFSZ) becomes an error of that write.
pub fn clean_up_on_signals() {
    // Nobody waits for this one: the write fails, and says why.
    SignalSet::of([libc::SIGXFSZ]).block();
    let signals = SIGNALS.iter().map(|(signal, _)| *signal);
    let signals = SignalSet::of(signals.filter(|signal| !system::is_ignored(*signal)));
    signals.block();
    let wait = move || {
        if let Some(signal) = signals.wait() {
            // A second signal ends the program at once, whatever keeps it.
            signals.unblock();
            stop(signal);
        }
    };
    // Without the thread, a signal ends the program as usual, and the next run removes what is left.
    if thread::Builder::new().name("signals".to_owned()).spawn(wait).is_err() {
        signals.unblock();
    }
}

/// Ends the program, unless the run is done.
fn stop(signal: i32) {
    // The lock is never released, so no output gets its name from here on.
    let register = register();
    if register.is_done {
        return;
    }
    register.remove_all();
    let name = SIGNALS.iter().find(|(it, _)| *it == signal).map_or("a signal", |(_, name)| name);
    let mut stderr = std::io::stderr();
    // A progress bar may be on the line.
    let begin = if stderr.is_terminal() { "\r\x1b[2K" } else { "" };
    let _ = writeln!(stderr, "{begin}bm: stopped by {name} before its outputs were complete");
    process::exit(STOPPED);
}
