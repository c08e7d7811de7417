//! SHA-256 digests of files and bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Returns the SHA-256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(hex(&hasher.finalize()));
            }
            hasher.update(&buffer[..count]);
        }
    };
    read().with_context(|| path.display().to_string())
}

/// Checks that a file is the pinned one.
///
/// # Errors
/// When the SHA-256 of the file is not `expected`, or the file cannot be read.
pub(crate) fn verify(path: &Path, expected: &str) -> Result<()> {
    let found = of_file(path)?;
    ensure!(
        found == expected,
        "{} has the SHA-256 {found}, expected {expected}: it is not the pinned file and is not used",
        path.display()
    );
    Ok(())
}

/// Returns the SHA-256 of `bytes`, in lower-case hexadecimal.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_the_standard() {
        // FIPS 180-4's example message.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), expected);
    }

    #[test]
    fn a_file_with_another_digest_is_refused() {
        let path = std::env::temp_dir().join(format!("xtask-digest-{}", std::process::id()));
        std::fs::write(&path, "abc").expect("written");
        verify(&path, &of_bytes(b"abc")).expect("the file is the pinned one");
        let error = verify(&path, &of_bytes(b"abd")).expect_err("it is another");
        assert!(error.to_string().contains(&of_bytes(b"abd")), "{error}");
        std::fs::remove_file(path).expect("removed");
    }
}
