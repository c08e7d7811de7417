//! `cargo xtask check-macos`: compiles every crate with its tests, examples and benchmarks for macOS, on
//! any system. Nothing is linked or run.
//!
//! A toolchain for another system lacks two things. Rust's standard library comes from `rustup target
//! add` where that works, otherwise from Debian's packages of the compiler and of its sources
//! (`rustc-web`, `rust-web-src`), from which cargo builds it. A C compiler for zstd, libdeflate and
//! others is in the Python package of Zig.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::python::{self, Environment};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{apt, folder, lock, process};

const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];
/// Debian's newest Rust, which it keeps for browsers; `rustc` is older than this workspace needs.
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// `cargo xtask check-macos`.
///
/// # Errors
/// When a crate does not compile, compiles with a warning, or what this needs cannot be had.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps =
        vec![Step::new("Zig", || python::ensure(workspace, Environment::Zig).map(drop))];
    for target in TARGETS {
        steps.push(Step::with_outcome(target, move || check(workspace, target)));
    }
    step::run_all("check-macos", steps)
}

fn check(workspace: &Workspace, target: &str) -> Result<Outcome> {
    let zig = python::ensure(workspace, Environment::Zig)?;
    let zig = zig.parent().context("an interpreter is in a folder")?;
    let mut command = Command::new(zig.join("cargo-zigbuild"));
    command.current_dir(&workspace.root).env("PATH", with_first(zig)?);
    command.args(["check", "--workspace", "--all-targets", "--all-features", "--target", target]);
    command.arg("--target-dir").arg(workspace.scratch()?.join("macos"));
    let remark = match Library::find(workspace, target)? {
        Library::OfToolchain => "the toolchain's standard library".to_owned(),
        Library::Sources(system) => {
            system.configure(&mut command);
            "Debian's compiler and standard library".to_owned()
        }
    };
    let mut warnings = Vec::new();
    process::kept_lines(&mut command, |line| {
        warnings.extend(is_of_a_crate(line).then(|| line.trim().to_owned()));
    })?;
    ensure!(warnings.is_empty(), "{}; run it with -v to see them", warnings.join("; "));
    Ok(Outcome::DoneWith(remark))
}

/// Whether a line counts the warnings of a crate: those of dependencies are not shown.
fn is_of_a_crate(line: &str) -> bool {
    line.starts_with("warning: `") && line.contains(" generated ")
}

/// Where the standard library for a target comes from.
enum Library {
    /// The target is installed.
    OfToolchain,
    /// Its sources, beside the compiler of the same version.
    Sources(System),
}

impl Library {
    fn find(workspace: &Workspace, target: &str) -> Result<Self> {
        let mut libdir = Command::new("rustc");
        libdir.current_dir(&workspace.root).args(["--print", "target-libdir", "--target", target]);
        if Path::new(process::stdout(&mut libdir)?.trim()).is_dir() {
            return Ok(Self::OfToolchain);
        }
        if !apt::is_there() {
            bail!("{target} is not installed; run `rustup target add {target}`");
        }
        let _lock = lock::take(workspace, "rust-for-macos")?;
        let system = System(workspace.scratch()?.join("rust-for-macos"));
        if !system.compiler().is_file() {
            let scratch = workspace.scratch()?.join("rust-for-macos-partial");
            folder::clear(&scratch)?;
            let unpacked = scratch.join("system");
            apt::unpack_with_dependencies(&PACKAGES, &scratch.join("archives"), &unpacked)
                .with_context(|| format!("or run `rustup target add {target}`"))?;
            folder::remove(&system.0)?;
            std::fs::rename(&unpacked, &system.0)
                .with_context(|| system.0.display().to_string())?;
            folder::remove(&scratch)?;
        }
        Ok(Self::Sources(system))
    }
}

/// A folder with the unpacked packages.
struct System(PathBuf);

impl System {
    fn compiler(&self) -> PathBuf {
        self.0.join("usr/bin/rustc")
    }

    /// The folder of the compiler's shared libraries.
    fn libraries(&self) -> PathBuf {
        self.0.join("usr/lib").join(format!("{}-linux-gnu", env::consts::ARCH))
    }

    /// Makes cargo use the compiler, and build the standard library from its sources.
    fn configure(&self, command: &mut Command) {
        command.env("RUSTC", self.compiler()).env("LD_LIBRARY_PATH", self.libraries());
        // Building the standard library is an option of nightly versions only.
        command.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort,test");
    }
}

/// Returns the search path for programs with one more folder, at its start.
fn with_first(folder: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).context("a folder of PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_crates_are_faults_and_other_lines_are_not() {
        assert!(is_of_a_crate("warning: `bm-io` (lib) generated 1 warning\n"));
        assert!(!is_of_a_crate("    Checking bm-io v0.1.0\n"));
        assert!(!is_of_a_crate("warning: zstd-sys@2.1.3: a message of a build script\n"));
    }
}
