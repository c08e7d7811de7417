//! PyTorch on x86-64 Linux without the CUDA libraries.
//!
//! For this platform the Python package index has only the CUDA build, which needs 4 GB of packages that
//! training on the CPU never calls. The dynamic loader still needs each library. With lazy binding it
//! resolves functions when they are called, but variables when the library is loaded; PyTorch uses one.
//! So each library is replaced by a stub that defines only this variable. A call of a missing function
//! would end the program with the name of the function.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Whether this machine is one of them; elsewhere PyTorch needs no such packages.
pub(super) const APPLIES: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// The packages to install with `--no-deps` on such a machine.
pub(super) const REQUIREMENTS: &str = "research/neural-engine/requirements-train-linux-x86_64.txt";

/// The libraries that PyTorch is linked with, except the CUDA runtime, which is small and whose function
/// addresses are resolved at load time.
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

/// Run by Python at start: lazy binding, and no CUDA device.
const AT_START: &str =
    "import os, sys; sys.setdlopenflags(os.RTLD_LAZY); os.environ['CUDA_VISIBLE_DEVICES'] = ''\n";

/// Writes the stubs beside the libraries of PyTorch in an environment, and imports PyTorch.
///
/// # Errors
/// When there is no C compiler, or PyTorch needs another library.
pub(super) fn complete(environment: &Path, interpreter: &Path) -> Result<()> {
    let packages = process::stdout(
        Command::new(interpreter)
            .args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]),
    )?;
    let packages = PathBuf::from(packages.trim());
    let (source, library) = (environment.join("stand-in.c"), environment.join("stand-in.so"));
    fs::write(&source, SOURCE).with_context(|| source.display().to_string())?;
    process::kept(Command::new("cc").args(["-shared", "-o"]).arg(&library).arg(&source))
        .context("a C compiler named cc is needed, as for Rust")?;
    for name in LIBRARIES {
        let place = packages.join("torch/lib").join(name);
        fs::copy(&library, &place).with_context(|| place.display().to_string())?;
    }
    fs::write(packages.join("without_cuda.pth"), AT_START).context("without_cuda.pth")?;
    process::kept(Command::new(interpreter).args(["-c", "import torch"]))
        .context("PyTorch without the CUDA libraries")
}

/// Returns what an environment depends on besides its requirements.
pub(super) fn stamp() -> String {
    [SOURCE, AT_START, &LIBRARIES.join(" ")].concat()
}
