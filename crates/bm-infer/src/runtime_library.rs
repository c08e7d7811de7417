//! Finds and starts the ONNX Runtime library, once a process.
//!
//! The `ort` crate would look for a library by itself and panic where there is none. So the path is
//! always resolved here, system folders are never searched, and what was found is said.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ort::environment::Environment;

use crate::InferError;

/// Where the ONNX Runtime library may be.
#[derive(Clone, Debug, Default)]
pub struct LibrarySource {
    /// A path that the user named: it is this one or none.
    pub explicit: Option<PathBuf>,
    /// Paths to try after the environment variable `ORT_DYLIB_PATH`, in this order.
    pub candidates: Vec<PathBuf>,
}

/// The library that this process runs.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) environment: Environment,
    path: PathBuf,
    /// What the library says of its build.
    version: String,
}

impl Runtime {
    /// Returns path and version, for people.
    pub(crate) fn describe(&self) -> String {
        format!("ONNX Runtime {} ({})", self.version, self.path.display())
    }
}

impl Runtime {
    /// Returns the version, as far as the library says it.
    #[cfg(feature = "coreml")]
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Returns whether the library is of this release or a later one; a library that does not say
    /// is taken for one.
    #[cfg(feature = "coreml")]
    pub(crate) fn is_at_least(&self, major: u32, minor: u32) -> bool {
        release(&self.version).is_none_or(|found| found >= (major, minor))
    }
}

/// Major and minor number of a version.
#[cfg(feature = "coreml")]
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// ONNX Runtime can start once a process; the second attempt would keep the first library without
/// saying so.
static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

impl LibrarySource {
    /// Returns the path of the library.
    fn resolve(&self) -> Result<PathBuf, String> {
        let named = self.explicit.clone().map(|path| ("--ort-lib", path));
        // Set to nothing is how a shell takes a variable back.
        let variable = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty());
        let named = named.or_else(|| variable.map(|path| ("ORT_DYLIB_PATH", path.into())));
        if let Some((by, path)) = named {
            return match path.canonicalize() {
                Ok(found) if found.is_file() => Ok(found),
                Ok(_) => Err(format!("{by} names {}, which is not a file", path.display())),
                Err(error) => Err(format!("{by} names {}: {error}", path.display())),
            };
        }
        self.candidates.iter().find(|path| path.is_file()).and_then(|path| path.canonicalize().ok()).ok_or_else(|| {
            "no library found; name it with --ort-lib or ORT_DYLIB_PATH (`cargo xtask fetch-runtime` brings one)".to_owned()
        })
    }

    /// Returns the library, loaded and started.
    pub(crate) fn runtime(&self, backend: &'static str) -> Result<&'static Runtime, InferError> {
        let unavailable =
            |reason: String| InferError::BackendUnavailable { backend, reason, source: None };
        let path = self.resolve().map_err(unavailable)?;
        match RUNTIME.get_or_init(|| start(&path)) {
            Ok(runtime) if runtime.path == path => Ok(runtime),
            Ok(runtime) => Err(unavailable(format!(
                "this process already runs {}, it cannot change to {}",
                runtime.path.display(),
                path.display()
            ))),
            Err(reason) => Err(unavailable(reason.clone())),
        }
    }
}

fn start(path: &Path) -> Result<Runtime, String> {
    disable_telemetry();
    let builder = ort::init_from(path).map_err(|error| error.to_string())?;
    // Errors come back as errors; without a logger the library prints them to stderr as well, in
    // colour.
    let silent = Arc::new(|_: ort::logging::LogLevel, _: &str, _: &str, _: &str, _: &str| {});
    let environment = builder
        .with_name("bm")
        .with_telemetry(false)
        .with_logger(silent)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Runtime { environment, path: path.to_owned(), version: version(ort::info(), path) })
}

/// Some builds of the library from 1.29 on send usage data and write to the user's cache folder
/// unless this is set.
#[allow(unsafe_code)]
fn disable_telemetry() {
    // SAFETY: setting a variable races with other threads that read the environment through libc.
    // This runs once, before the library is loaded and so before any thread of its own exists; `bm`
    // starts its engines before its workers. Rust's own readers of the environment take the same
    // lock.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// Returns the version out of the build information, `… git-branch=rel-1.28.0, …`, or out of the
/// file's name, `libonnxruntime.so.1.28.0`: some builds name no branch. Where neither has it, all
/// of the build information.
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
    fn a_named_library_that_is_not_there_is_refused() {
        let source = LibrarySource {
            explicit: Some("no/such/libonnxruntime.so".into()),
            candidates: vec!["Cargo.toml".into()],
        };
        let reason = source.resolve();
        assert!(
            reason.as_ref().is_err_and(|reason| reason.contains("--ort-lib names no/such")),
            "{reason:?}"
        );
    }
}
