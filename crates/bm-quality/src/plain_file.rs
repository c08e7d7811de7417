//! Opens the files of a package folder, which may come from a stranger: plain files, never through
//! a link.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a plain file of a folder and returns it with its size in bytes; `None` if the folder has no
/// file of that name. Neither a link nor anything that could block is opened.
///
/// # Errors
///
/// If there is something else under that name, or the system refuses to open it.
pub(crate) fn open(folder: &Path, name: &str) -> io::Result<Option<(File, u64)>> {
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // The last of these keeps the open of a pipe from waiting for a writer.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK);
    }
    #[cfg(not(unix))]
    refuse_other(path.symlink_metadata().ok().map(|found| found.file_type()))?;
    let file = match options.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            // The system has no words of its own for a link or a socket.
            refuse_other(path.symlink_metadata().ok().map(|found| found.file_type()))?;
            return Err(error);
        }
    };
    // What was opened decides: the name may lead elsewhere by now.
    let metadata = file.metadata()?;
    refuse_other(Some(metadata.file_type()))?;
    Ok(Some((file, metadata.len())))
}

/// Refuses everything but a plain file.
fn refuse_other(kind: Option<FileType>) -> io::Result<()> {
    let Some(kind) = kind.filter(|kind| !kind.is_file()) else { return Ok(()) };
    let what = match kind {
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_dir() => "a folder",
        _ => "a pipe, a socket or a device",
    };
    Err(io::Error::other(format!("it is {what}; the files of a model package must be plain files")))
}

/// Returns whether a name in a manifest is the name of a file in the package's own folder.
pub(crate) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_no_paths() {
        for name in ["model.onnx", "evidence", "..json", "a b", ".hidden"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "C:x", "a\0"] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_plain_files_are_opened() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        use std::process::Command;

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "text").unwrap();
        symlink(at("plain"), at("link")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        symlink(at("nothing"), at("dangling")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let refusal = |name| open(folder.path(), name).unwrap_err().to_string();
        assert_eq!(open(folder.path(), "plain").unwrap().map(|(_, bytes)| bytes), Some(4));
        assert!(open(folder.path(), "missing").unwrap().is_none());
        for (name, what) in [
            ("link", "it is a symbolic link;"),
            ("endless", "it is a symbolic link;"),
            ("dangling", "it is a symbolic link;"),
            ("folder", "it is a folder;"),
            ("socket", "it is a pipe, a socket or a device;"),
            ("pipe", "it is a pipe, a socket or a device;"),
        ] {
            assert!(refusal(name).starts_with(what), "{name}: {}", refusal(name));
        }
        // The folder itself may be named through a link.
        let link = folder.path().with_extension("link");
        symlink(folder.path(), &link).unwrap();
        assert!(open(&link, "plain").unwrap().is_some());
        std::fs::remove_file(link).unwrap();
    }
}
