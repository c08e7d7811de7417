//! Finds and starts the ONNX Runtime library, once per process.
//!
//! The `ort` crate would search for a library by itself, and panic if there is none. Therefore the
//! path is always resolved here, and system folders are never searched.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ort::environment::Environment;

use crate::{InferError, pinned_library};

/// Where to look for the ONNX Runtime library.
#[derive(Clone, Debug, Default)]
pub struct LibrarySource {
    /// A path that the user gave; no other path is tried.
    pub explicit: Option<PathBuf>,
    /// Paths to try, in this order, if the environment variable `ORT_DYLIB_PATH` is not set. What
    /// nobody named is loaded only if it is the library that `cargo xtask fetch-runtime` fetches,
    /// by its digest, in folders that no other user can write to.
    pub candidates: Vec<PathBuf>,
}

/// A library that was found.
struct Found {
    path: PathBuf,
    /// Whether the user named it, and so trusts it.
    is_named: bool,
}

/// The library that this process has started.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) environment: Environment,
    path: PathBuf,
    /// The version by the build information of the library.
    version: String,
}

impl Runtime {
    /// Returns version and path, for people.
    pub(crate) fn describe(&self) -> String {
        format!("ONNX Runtime {} ({})", self.version, self.path.display())
    }
}

impl Runtime {
    /// Returns the version, or the build information if that names no version.
    #[cfg(feature = "coreml")]
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Returns whether the library has this version or a later one; a library without a version
    /// passes.
    #[cfg(feature = "coreml")]
    pub(crate) fn is_at_least(&self, major: u32, minor: u32) -> bool {
        release(&self.version).is_none_or(|found| found >= (major, minor))
    }
}

/// Returns major and minor number of a version.
#[cfg(feature = "coreml")]
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// ONNX Runtime starts only once per process; a second start would keep the first library without an
/// error.
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

impl LibrarySource {
    /// Returns the place where `cargo xtask fetch-runtime` puts the library, for a program that was built
    /// in the checkout.
    pub fn fetched() -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        // In the build folder, programs are in `release/`; examples and benchmarks are a level deeper.
        let folders = program.ancestors().skip(2).take(2);
        let candidates = folders.filter_map(pinned_library::fetched_library).collect();
        Self { explicit: None, candidates }
    }

    /// Returns the library, not checked yet.
    fn resolve(&self) -> Result<Found, String> {
        let named = self.explicit.clone().map(|path| ("--ort-lib", path));
        // A shell unsets a variable for one command by setting it to nothing.
        let variable = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty());
        let named = named.or_else(|| variable.map(|path| ("ORT_DYLIB_PATH", path.into())));
        if let Some((by, path)) = named {
            return match path.canonicalize() {
                Ok(path) if path.is_file() => Ok(Found { path, is_named: true }),
                Ok(_) => Err(format!("{by} names {}, which is not a file", path.display())),
                Err(error) => Err(format!("{by} names {}: {error}", path.display())),
            };
        }
        let found = self.candidates.iter().find(|path| path.is_file());
        let found = found.and_then(|path| path.canonicalize().ok());
        found.map(|path| Found { path, is_named: false }).ok_or_else(|| {
            "no library found; name it with --ort-lib or ORT_DYLIB_PATH \
             (`cargo xtask fetch-runtime` downloads one)"
                .to_owned()
                + without_a_library(OS, ARCH)
        })
    }

    /// Returns the library, loaded and started.
    pub(crate) fn runtime(&self, backend: &'static str) -> Result<&'static Runtime, InferError> {
        let unavailable =
            |reason: String| InferError::BackendUnavailable { backend, reason, source: None };
        let Found { mut path, is_named } = self.resolve().map_err(unavailable)?;
        let is_running = matches!(RUNTIME.get(), Some(Ok(runtime)) if runtime.path == path);
        if !is_named && !is_running {
            path = pinned_library::checked(&path).map_err(unavailable)?;
        }
        match RUNTIME.get_or_init(|| start(&path)) {
            Ok(runtime) if runtime.path == path => Ok(runtime),
            Ok(runtime) => Err(unavailable(format!(
                "this process already runs {} and cannot change to {}",
                runtime.path.display(),
                path.display()
            ))),
            Err(reason) => Err(unavailable(reason.clone())),
        }
    }
}

fn start(path: &Path) -> Result<Runtime, String> {
    disable_telemetry();
    let builder =
        ort::init_from(path).map_err(|error| error.to_string() + without_a_library(OS, ARCH))?;
    // Errors are returned; without a logger the library would also print them to stderr.
    let silent = Arc::new(|_: ort::logging::LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let environment = builder
        .with_name("bm")
        .with_telemetry(false)
        .with_logger(silent)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Runtime { environment, path: path.to_owned(), version: version(ort::info(), path) })
}

/// Returns what to add to the reason why a library does not start, where no library would.
fn without_a_library(os: &str, arch: &str) -> &'static str {
    match (os, arch) {
        ("macos", "x86_64") => {
            "; for Macs with Intel processors, ONNX Runtime ends at 1.23.2, which is too old: use \
             --backend embedded"
        }
        _ => "",
    }
}

/// Some builds of the library, from 1.29 on, send usage data and write to the user's cache folder
/// unless this variable is set.
#[allow(unsafe_code)]
fn disable_telemetry() {
    // SAFETY: setting a variable races with other threads that read the environment through libc.
    // This runs once, before the library is loaded and so before any thread of its own exists; `bm`
    // starts its engines before its workers. Rust's own readers of the environment take the same
    // lock.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// Returns the version from the build information, `… git-branch=rel-1.28.0, …`, or from the name of
/// the file, `libonnxruntime.so.1.28.0`, because some builds name no branch; otherwise the whole build
/// information.
fn version(build: &str, path: &Path) -> String {
    let number = |text: &str| {
        let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
        Some(text[..end].trim_end_matches('.').to_owned()).filter(|version| version.contains('.'))
    };
    let release = build.split("rel-").nth(1).and_then(number);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let in_name =
        || name.find(|c: char| c.is_ascii_digit()).and_then(|start| number(&name[start..]));
    release.or_else(in_name).unwrap_or_else(|| build.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_build_information_or_the_file_name() {
        let version = |build: &str, path: &str| version(build, Path::new(path));
        let release =
            "ORT Build Info: git-branch=rel-1.28.0, git-commit-id=26250ae, build type=Release";
        assert_eq!(version(release, "libonnxruntime.so"), "1.28.0");
        assert_eq!(version("git-branch=HEAD, fp8=1", "lib/libonnxruntime.so.1.28.0"), "1.28.0");
        assert_eq!(version("git-branch=HEAD", "lib/libonnxruntime.1.24.4.dylib"), "1.24.4");
        assert_eq!(version("git-branch=main", "v1.2/onnxruntime.dll"), "git-branch=main");
    }

    #[cfg(feature = "coreml")]
    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(release("1.28.0"), Some((1, 28)));
        assert!(release("1.9.0") < Some((1, 27)));
        assert_eq!(release("git-branch=main"), None);
    }

    #[test]
    fn macs_with_intel_processors_are_sent_to_the_embedded_engine() {
        assert!(without_a_library("macos", "x86_64").contains("--backend embedded"));
        for (os, arch) in [("macos", "aarch64"), ("linux", "x86_64")] {
            assert_eq!(without_a_library(os, arch), "");
        }
    }

    #[test]
    fn a_missing_library_that_the_user_gave_is_refused() {
        let source = LibrarySource {
            explicit: Some("no/such/libonnxruntime.so".into()),
            candidates: vec!["Cargo.toml".into()],
        };
        let reason = source.resolve().err();
        assert!(
            reason.as_ref().is_some_and(|reason| reason.contains("--ort-lib names no/such")),
            "{reason:?}"
        );
    }
}
