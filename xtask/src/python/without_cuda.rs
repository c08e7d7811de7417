//! PyTorch on x86-64 Linux without CUDA's libraries.
//!
//! The Python package index has it there as the CUDA build alone, which asks for 4 GB of packages
//! that training on the processor never calls. The loader wants the libraries all the same, each
//! under its name. Their functions it looks for when they are called, if it is told to be lazy; a
//! variable it looks for at once, and there is one. So a library with that variable alone stands in
//! the place of each. A call that went there would end the program with the function's name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Whether this is such a machine; elsewhere PyTorch asks for nothing that is not needed.
pub(super) const APPLIES: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// What to install with `--no-deps` where it is.
pub(super) const REQUIREMENTS: &str = "research/neural-engine/requirements-train-linux-x86_64.txt";

/// What PyTorch is linked with, but CUDA's runtime: that is small and has functions whose addresses
/// are taken at once.
const LIBRARIES: [&str; 11] = [
    "libcublas.so.13",
    "libcublasLt.so.13",
    "libcudnn.so.9",
    "libcufft.so.12",
    "libcufile.so.0",
    "libcupti.so.13",
    "libcusparse.so.12",
    "libcusparseLt.so.0",
    "libnccl.so.2",
    "libnvrtc.so.13",
    "libnvshmem_host.so.3",
];

const SOURCE: &str =
    "/* Stands in the place of CUDA's libraries. */\nint nvshmem_selected_device_transport;\n";

/// Run by Python when it starts: lazy, and no device, since what a device needs is not there.
const AT_START: &str =
    "import os, sys; sys.setdlopenflags(os.RTLD_LAZY); os.environ['CUDA_VISIBLE_DEVICES'] = ''\n";

/// Puts the stand-ins beside PyTorch's own libraries in an environment, and imports it.
///
/// # Errors
/// When there is no C compiler, or PyTorch wants more than stands here.
pub(super) fn complete(environment: &Path, interpreter: &Path) -> Result<()> {
    let packages = process::stdout(
        Command::new(interpreter)
            .args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]),
    )?;
    let packages = PathBuf::from(packages.trim());
    let (source, library) = (environment.join("stand-in.c"), environment.join("stand-in.so"));
    fs::write(&source, SOURCE).with_context(|| source.display().to_string())?;
    process::kept(Command::new("cc").args(["-shared", "-o"]).arg(&library).arg(&source))
        .context("Rust links with cc too")?;
    for name in LIBRARIES {
        let place = packages.join("torch/lib").join(name);
        fs::copy(&library, &place).with_context(|| place.display().to_string())?;
    }
    fs::write(packages.join("without_cuda.pth"), AT_START).context("without_cuda.pth")?;
    process::kept(Command::new(interpreter).args(["-c", "import torch"]))
        .context("PyTorch without CUDA's libraries")
}

/// What an environment depends on beside its requirements.
pub(super) fn stamp() -> String {
    [SOURCE, AT_START, &LIBRARIES.join(" ")].concat()
}
