//! The ONNX Runtime library that `cargo xtask fetch-runtime` downloads: loading a library runs its
//! code, so one that the user did not name must be this release, in a place that nobody else can
//! write to.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::Digesting;

/// The release that `cargo xtask fetch-runtime` downloads.
pub(crate) const VERSION: &str = "1.28.0";

/// Operating system, architecture, name of the library's file, and its SHA-256, as in
/// `xtask/src/fetch_runtime.rs`; `cargo xtask tidy` compares them.
const LIBRARIES: [(&str, &str, &str, &str); 5] = [
    (
        "linux",
        "x86_64",
        "libonnxruntime.so.1.28.0",
        "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
    ),
    (
        "linux",
        "aarch64",
        "libonnxruntime.so.1.28.0",
        "23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d",
    ),
    (
        "macos",
        "aarch64",
        "libonnxruntime.1.28.0.dylib",
        "cadd9517e089d197e5d381bc31813875eb8addce8712bac501645fea8008800c",
    ),
    (
        "windows",
        "x86_64",
        "onnxruntime.dll",
        "3d6bd02dc137b9a1dfdac045a52b147ffb920bb06ab812b08fc8e14279859855",
    ),
    (
        "windows",
        "aarch64",
        "onnxruntime.dll",
        "e651433cfe465292e80abf7b9624c181a749cd4f34e1770e34f18fa0196bba3e",
    ),
];

/// Returns name and digest of the library for this machine, if there is one.
fn library() -> Option<(&'static str, &'static str)> {
    use std::env::consts::{ARCH, OS};
    let mut all = LIBRARIES.iter();
    all.find(|(os, arch, ..)| (*os, *arch) == (OS, ARCH)).map(|(.., name, sha256)| (*name, *sha256))
}

/// Returns the path at which `cargo xtask fetch-runtime` puts the library for a build of the checkout
/// whose target folder this is; `None` where there is no library for this machine.
pub fn fetched_library(target: &Path) -> Option<PathBuf> {
    let (name, _) = library()?;
    Some(target.join("xtask/onnxruntime").join(VERSION).join(name))
}

/// Checks that the library at `path`, which the user did not name, may be loaded: no other user can
/// put something else there, and it is the pinned one. Returns its path without links.
///
/// # Errors
///
/// In words: which file or folder, what is wrong with it, and what to do.
pub(crate) fn checked(path: &Path) -> Result<PathBuf, String> {
    let refused = |what: String| {
        let path = path.display();
        format!("{path} is not loaded: {what}, or name a library that you trust with --ort-lib")
    };
    let failed = |error: io::Error| refused(format!("{error}; fetch it again"));
    let found = path.canonicalize().map_err(failed)?;
    for place in found.ancestors() {
        let what = place.metadata().map_err(failed)?;
        if let Some(reason) = writable_by_others(&what, place != found) {
            return Err(refused(format!("{} {reason}", place.display())));
        }
    }
    let mut library = Digesting::new(File::open(&found).map_err(failed)?);
    io::copy(&mut library, &mut io::sink()).map_err(failed)?;
    let actual = library.finish().0.to_string();
    match self::library() {
        Some((_, expected)) if expected == actual => Ok(found),
        _ => Err(refused(format!(
            "its SHA-256 is {actual}, which is not that of ONNX Runtime {VERSION}; fetch it again \
             with `cargo xtask fetch-runtime`"
        ))),
    }
}

/// Returns why others can replace what is at a place, and what to do about it.
#[cfg(unix)]
fn writable_by_others(what: &std::fs::Metadata, may_be_sticky: bool) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    const GROUP: u32 = 0o020;
    const OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let (me, owner) = (nix::unistd::geteuid().as_raw(), what.uid());
    if owner != me && owner != 0 {
        return Some(format!("belongs to the user with the number {owner}; make it yours"));
    }
    // In a folder such as /tmp everybody can write, but only owners can rename or delete what is
    // there, and the owner of what is there is checked.
    if may_be_sticky && what.is_dir() && what.mode() & STICKY != 0 {
        return None;
    }
    if what.mode() & OTHERS != 0 {
        return Some("can be written to by every user; run `chmod o-w` on it".to_owned());
    }
    if what.mode() & GROUP != 0 && !is_private_group(what.gid()) {
        let group = what.gid();
        return Some(format!(
            "can be written to by the group with the number {group}; run `chmod g-w` on it"
        ));
    }
    None
}

#[cfg(not(unix))]
fn writable_by_others(_: &std::fs::Metadata, _: bool) -> Option<String> {
    None
}

/// Returns whether a group has the user's name and no other member: many systems give each user such
/// a group and let it write by default.
#[cfg(unix)]
fn is_private_group(group: u32) -> bool {
    use nix::unistd::{Gid, Group, User, geteuid};
    let (Ok(Some(user)), Ok(Some(group))) =
        (User::from_uid(geteuid()), Group::from_gid(Gid::from_raw(group)))
    else {
        return false;
    };
    group.gid == user.gid
        && group.name == user.name
        && group.mem.iter().all(|member| *member == user.name)
}

#[cfg(all(test, unix))]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    /// Makes a library in folders of the checkout, which only this user can write to.
    fn library_of_another() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = fetched_library(root.path()).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "not a library").unwrap();
        for place in path.ancestors().take_while(|place| *place != root.path()) {
            fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
        }
        (root, path)
    }

    #[test]
    fn another_library_is_refused_by_its_digest() {
        let (_root, path) = library_of_another();
        let reason = checked(&path).unwrap_err();
        assert!(
            reason.contains("libonnxruntime") && reason.contains("its SHA-256 is "),
            "{reason}"
        );
    }

    #[test]
    fn a_library_below_a_folder_that_others_can_write_to_is_refused() {
        let (root, path) = library_of_another();
        for place in [path.as_path(), path.parent().unwrap(), &root.path().join("xtask")] {
            let was = place.metadata().unwrap().permissions();
            fs::set_permissions(place, Permissions::from_mode(0o757)).unwrap();
            let reason = checked(&path).unwrap_err();
            let place_shown = place.canonicalize().unwrap();
            let expected = format!("{} can be written to by every user", place_shown.display());
            assert!(reason.contains(&expected) && reason.contains("--ort-lib"), "{reason}");
            fs::set_permissions(place, was).unwrap();
        }
        // A folder in which everybody can write, but only owners can rename.
        fs::set_permissions(root.path().join("xtask"), Permissions::from_mode(0o1777)).unwrap();
        assert!(checked(&path).unwrap_err().contains("its SHA-256 is "));
    }

    #[test]
    fn the_own_group_may_write_and_another_one_may_not() {
        let (root, path) = library_of_another();
        let place = root.path().join("xtask");
        fs::set_permissions(&place, Permissions::from_mode(0o775)).unwrap();
        let own = nix::unistd::getegid().as_raw();
        let reason = checked(&path).unwrap_err();
        assert_eq!(reason.contains("its SHA-256 is "), is_private_group(own), "{reason}");
        // Only root can give a folder to another group or user.
        if chown(&place, None, Some(own + 4321)).is_ok() {
            let reason = checked(&path).unwrap_err();
            assert!(reason.contains("can be written to by the group"), "{reason}");
        }
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
        if chown(&place, Some(4321), None).is_ok() {
            let reason = checked(&path).unwrap_err();
            assert!(reason.contains("belongs to the user with the number 4321"), "{reason}");
        }
    }
}
