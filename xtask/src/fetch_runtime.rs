//! `cargo xtask fetch-runtime`: downloads the pinned shared library of ONNX Runtime, in its Python wheel,
//! and checks its digest.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{digest, folder, lock, print, process, python};

/// The last release whose library has no telemetry client. Later ones have Microsoft's, switched on, on
/// Linux and macOS. An update needs new digests below, the same version in
/// `research/neural-engine/requirements.txt`, and a check that `bm-infer` still switches everything
/// off.
pub(crate) const VERSION: &str = "1.28.0";

/// A wheel on the Python package index and the library in it.
pub(crate) struct Wheel {
    os: &'static str,
    arch: &'static str,
    platform_tag: &'static str,
    /// SHA-256 of the wheel.
    wheel: &'static str,
    /// File name of the library in `onnxruntime/capi/` of the wheel.
    library_name: &'static str,
    /// SHA-256 of the library: an unpacked library can be checked without the wheel.
    library: &'static str,
}

/// Digests of the wheels that pip downloaded on 2026-11-22. All are for CPython 3.12; the library in
/// them is the same for every version of Python.
const WHEELS: [Wheel; 5] = [
    Wheel {
        os: "linux",
        arch: "x86_64",
        platform_tag: "manylinux_2_28_x86_64",
        wheel: "0a83bdb70d143cede762b677789bf2a7acca54b3fb82565601d5c30695aa933c",
        library_name: "libonnxruntime.so.1.28.0",
        library: "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
    },
    Wheel {
        os: "linux",
        arch: "aarch64",
        platform_tag: "manylinux_2_28_aarch64",
        wheel: "4e81a23df16e7acb9d51b06d30cc098e49315ef9180f97bc2221d167b4b04d9c",
        library_name: "libonnxruntime.so.1.28.0",
        library: "23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d",
    },
    Wheel {
        os: "macos",
        arch: "aarch64",
        platform_tag: "macosx_14_0_arm64",
        wheel: "26ff0fdd06efb6c155bae95387a09db1a2be89c7a03e4d0bffd5a171cc2826da",
        library_name: "libonnxruntime.1.28.0.dylib",
        library: "cadd9517e089d197e5d381bc31813875eb8addce8712bac501645fea8008800c",
    },
    Wheel {
        os: "windows",
        arch: "x86_64",
        platform_tag: "win_amd64",
        wheel: "c35064f9b3c43c81c5d5d282091401d0f1ff22796d93ccade4ea2ece5e137ab8",
        library_name: "onnxruntime.dll",
        library: "3d6bd02dc137b9a1dfdac045a52b147ffb920bb06ab812b08fc8e14279859855",
    },
    Wheel {
        os: "windows",
        arch: "aarch64",
        platform_tag: "win_arm64",
        wheel: "e02feeb0165c5f13b4cc954738078d59b90128516ac12b671ee24a530242bf02",
        library_name: "onnxruntime.dll",
        library: "e651433cfe465292e80abf7b9624c181a749cd4f34e1770e34f18fa0196bba3e",
    },
];

impl Wheel {
    /// Returns the path for the library. `bm` searches this path too, so both must change together.
    fn place(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace.scratch()?.join("onnxruntime").join(VERSION);
        Ok(folder.join(self.library_name))
    }
}

/// Returns file name and digest of each library, which `bm` knows, too.
pub(crate) fn libraries() -> impl Iterator<Item = [&'static str; 2]> {
    WHEELS.iter().map(|wheel| [wheel.library_name, wheel.library])
}

/// Whether there is a library for this machine.
pub(crate) enum Runtime<T> {
    /// The checked library; before the download, the wheel that holds it.
    Available(T),
    /// There is no wheel for this platform; the text names an alternative.
    NoWheel(String),
}

/// Options of `cargo xtask fetch-runtime`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print version, path and digest as JSON instead of the shell line
    #[arg(long)]
    json: bool,
}

/// `cargo xtask fetch-runtime`.
///
/// # Errors
/// When there is no library for this machine, or it cannot be downloaded.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let wheel = match availability() {
        Runtime::Available(wheel) => wheel,
        Runtime::NoWheel(reason) => bail!(reason),
    };
    let fetch = Step::new(format!("ONNX Runtime {VERSION}"), || ensure(workspace).map(drop));
    step::run_all("fetch-runtime", vec![fetch])?;
    let library = wheel.place(workspace)?;
    if options.json {
        print::result(json!({ "version": VERSION, "path": library, "sha256": wheel.library }));
    } else {
        print::result(export_line(&library));
    }
    Ok(())
}

/// Returns whether there is a library for this machine, without a download.
pub(crate) fn availability() -> Runtime<&'static Wheel> {
    match wheel_for(OS, ARCH, cfg!(target_env = "musl")) {
        Ok(wheel) => Runtime::Available(wheel),
        Err(reason) => Runtime::NoWheel(reason),
    }
}

/// Returns the library, and downloads it first if necessary.
///
/// # Errors
/// When there is a wheel but it cannot be downloaded, or its digest is not the pinned one.
pub(crate) fn ensure(workspace: &Workspace) -> Result<Runtime<PathBuf>> {
    let wheel = match availability() {
        Runtime::Available(wheel) => wheel,
        Runtime::NoWheel(reason) => return Ok(Runtime::NoWheel(reason)),
    };
    let library = wheel.place(workspace)?;
    let _lock = lock::take(workspace, "onnxruntime")?;
    if library.is_file() && digest::of_file(&library)? == wheel.library {
        return Ok(Runtime::Available(library));
    }
    // Unpacked in another folder and moved after the check, so that a file with the final name is the
    // pinned one.
    let partial = workspace.scratch()?.join("onnxruntime").join("partial");
    folder::clear(&partial)?;
    folder::make(library.parent().context("the library has a folder")?)?;
    let fetched = fetch(workspace, wheel, &partial)
        .and_then(|unpacked| fs::rename(unpacked, &library).context("renaming the library"));
    folder::remove(&partial)?;
    fetched.with_context(|| format!("downloading ONNX Runtime {VERSION}"))?;
    Ok(Runtime::Available(library))
}

/// Makes `command` use the downloaded library, and returns whether there is one; otherwise a library
/// that the user has configured stays in use.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn configure(workspace: &Workspace, command: &mut Command) -> Result<bool> {
    match ensure(workspace)? {
        Runtime::Available(library) => {
            command.env("ORT_DYLIB_PATH", library);
            Ok(true)
        }
        Runtime::NoWheel(_) => Ok(false),
    }
}

/// Returns the line that makes a shell use `library`.
fn export_line(library: &Path) -> String {
    if cfg!(windows) {
        format!("$env:ORT_DYLIB_PATH = '{}'", library.display())
    } else {
        format!("export ORT_DYLIB_PATH='{}'", library.display())
    }
}

fn wheel_for(os: &str, arch: &str, is_musl: bool) -> Result<&'static Wheel, String> {
    let instead =
        "Use the embedded engine, which needs no library, or name another library with --ort-lib";
    if (os, arch) == ("macos", "x86_64") {
        return Err(format!(
            "ONNX Runtime {VERSION} has no wheel for Intel Macs (the last one was 1.23.2, bm needs 1.24 or later). {instead}"
        ));
    }
    // A library for glibc cannot be loaded into a musl process.
    let wheel = WHEELS.iter().find(|wheel| wheel.os == os && wheel.arch == arch);
    wheel.filter(|_| !is_musl).ok_or_else(|| {
        format!(
            "ONNX Runtime {VERSION} has no wheel for {os} {arch}{}. {instead}",
            if is_musl { " with musl" } else { "" }
        )
    })
}

/// Downloads the wheel, unpacks it into `folder`, and returns the checked library.
fn fetch(workspace: &Workspace, wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
    let python = python::with_pip(workspace)?;
    let requirement = format!("onnxruntime=={VERSION}");
    let pip =
        ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", "312"];
    let tags = ["--implementation", "cp", "--abi", "cp312", "--platform", wheel.platform_tag];
    let mut download = python::quiet_pip(&python);
    download.args(pip).args(tags).arg("--dest").arg(folder).arg(&requirement);
    process::kept(&mut download)?;

    let file = folder::entries(folder)?.pop().context("pip downloaded nothing")?;
    digest::verify(&file, wheel.wheel)?;

    // Python can read zip files, which saves a dependency.
    let extract =
        "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])";
    let member = format!("onnxruntime/capi/{}", wheel.library_name);
    let mut unzip = Command::new(&python);
    unzip.args(["-c", extract]).arg(&file).arg(&member).arg(folder);
    process::kept(&mut unzip)?;
    let unpacked = folder.join(member);
    digest::verify(&unpacked, wheel.library)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_platform_with_a_wheel_gets_its_library() {
        let name = |os, arch| wheel_for(os, arch, false).map(|wheel| wheel.library_name);
        assert_eq!(name("linux", "x86_64"), Ok("libonnxruntime.so.1.28.0"));
        assert_eq!(name("macos", "aarch64"), Ok("libonnxruntime.1.28.0.dylib"));
        assert_eq!(name("windows", "aarch64"), Ok("onnxruntime.dll"));
    }

    #[test]
    fn intel_macs_are_refused_with_a_reason_and_an_alternative() {
        let reason = wheel_for("macos", "x86_64", false).err().expect("no wheel");
        assert!(reason.contains("Intel Mac") && reason.contains("embedded engine"), "{reason}");
    }

    #[test]
    fn musl_and_unknown_platforms_are_refused() {
        assert!(wheel_for("linux", "x86_64", true).is_err());
        assert!(wheel_for("linux", "riscv64", false).is_err());
        assert!(wheel_for("freebsd", "x86_64", false).is_err());
    }

    #[test]
    fn all_pinned_digests_are_valid_and_different() {
        let digests: BTreeSet<_> = WHEELS.iter().flat_map(|it| [it.wheel, it.library]).collect();
        assert_eq!(digests.len(), 2 * WHEELS.len());
        let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(digests.into_iter().all(is_hex));
    }

    #[test]
    fn library_names_contain_the_version_except_on_windows() {
        for wheel in &WHEELS {
            assert!(wheel.os == "windows" || wheel.library_name.contains(VERSION));
        }
    }
}
