//! What the standard library does not ask the operating system: whether `close` failed, signals, and
//! renaming that can be undone.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, RawFd};
use std::path::Path;

/// Closes a file. File systems on networks may tell only now that what was written is not stored.
#[allow(unsafe_code)]
pub(crate) fn close(file: File) -> io::Result<()> {
    // SAFETY: the descriptor belonged to `file`, which gave it up, so nothing else closes it.
    if unsafe { libc::close(file.into_raw_fd()) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // The descriptor is closed nevertheless.
        error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        error => Err(error),
    }
}

/// Asks the system to begin storing a part of a file, and does not wait for it. Little is then left to
/// store when the file is complete.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(crate) fn begin_storing(file: &File, from: u64, bytes: u64) {
    use std::os::fd::AsRawFd;

    let (Ok(from), Ok(bytes)) = (i64::try_from(from), i64::try_from(bytes)) else { return };
    // SAFETY: the call takes numbers; where it fails, the file is stored when it is complete.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from, bytes, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Other systems decide for themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn begin_storing(_: &File, _: u64, _: u64) {}

/// Returns a file that shares an open descriptor: its position, and whether it appends.
#[allow(unsafe_code)]
pub(crate) fn duplicate(descriptor: RawFd) -> io::Result<File> {
    // SAFETY: the call takes a number; if it is no open descriptor, it fails.
    let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and has no other owner.
    Ok(unsafe { File::from_raw_fd(copy) })
}

/// Returns whether a signal was set to be ignored, as `nohup` does.
#[allow(unsafe_code)]
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: `sigaction` is plain data, for which zeros are valid. The call changes nothing, because
    // no new action is given, and writes to a variable of ours.
    let (failed, old) = unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(signal, std::ptr::null(), &raw mut old), old)
    };
    failed == 0 && old.sa_sigaction == libc::SIG_IGN
}

/// Signals that are handled by a thread which waits for them.
#[derive(Clone, Copy)]
pub(crate) struct SignalSet(libc::sigset_t);

#[allow(unsafe_code)]
impl SignalSet {
    pub(crate) fn of(signals: impl IntoIterator<Item = i32>) -> Self {
        // SAFETY: a set of signals is plain data, for which zeros are valid; the calls write to it.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                libc::sigaddset(&raw mut set, signal);
            }
            Self(set)
        }
    }

    /// Makes the signals wait for [`SignalSet::wait`] in this thread, and in all threads that it starts
    /// from now on.
    pub(crate) fn block(&self) {
        // SAFETY: the call reads the set; no old mask is asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const self.0, std::ptr::null_mut()) };
    }

    /// Gives the signals their usual effect again, in this thread.
    pub(crate) fn unblock(&self) {
        // SAFETY: as in `block`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const self.0, std::ptr::null_mut())
        };
    }

    /// Waits for one of the signals; `None` if the system does not let it wait.
    pub(crate) fn wait(&self) -> Option<i32> {
        let mut signal = 0;
        // SAFETY: the call reads the set and writes the number of a signal.
        let failed = unsafe { libc::sigwait(&raw const self.0, &raw mut signal) };
        (failed == 0).then_some(signal)
    }
}

/// The outcome of a renaming that a file system may not offer.
pub(crate) enum Renamed {
    Done,
    /// The file system has no such operation; nothing changed.
    NotOffered,
}

/// Gives two files or folders each other's name, at once.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<Renamed> {
    rename_with(one, other, RenameFlags::EXCHANGE)
}

/// Renames a file or folder to a name that nothing has.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if something has the name.
pub(crate) fn rename_to_free(from: &Path, to: &Path) -> io::Result<Renamed> {
    rename_with(from, to, RenameFlags::NOREPLACE)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
use rustix::fs::RenameFlags;

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(from: &Path, to: &Path, how: RenameFlags) -> io::Result<Renamed> {
    use rustix::fs::{CWD, renameat_with};
    use rustix::io::Errno;

    // Apple's systems have two numbers for what is not offered; on Linux they are one.
    const NOT_OFFERED: [Errno; 4] = [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP];
    match renameat_with(CWD, from, CWD, to, how) {
        Ok(()) => Ok(Renamed::Done),
        Err(error) if NOT_OFFERED.contains(&error) => Ok(Renamed::NotOffered),
        Err(error) => Err(error.into()),
    }
}

/// On other systems nothing of the kind is offered.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
enum RenameFlags {
    EXCHANGE,
    NOREPLACE,
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_with(_: &Path, _: &Path, _: RenameFlags) -> io::Result<Renamed> {
    Ok(Renamed::NotOffered)
}

/// Why a file system would not let a file be replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos")), allow(dead_code))]
pub(crate) enum Fixed {
    MountPoint,
    Immutable,
    AppendOnly,
}

impl Fixed {
    /// Returns the reason as a clause whose subject is the file.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::MountPoint => "is a mount point",
            Self::Immutable => "is immutable",
            Self::AppendOnly => "is append-only",
        }
    }
}

/// Returns why a file could not be replaced, or nothing be renamed in a folder, if the system says so.
#[cfg(target_os = "linux")]
pub(crate) fn fixed(path: &Path) -> Option<Fixed> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()).ok()?;
    let is_set = |attribute| found.stx_attributes.contains(attribute);
    [
        (StatxAttributes::MOUNT_ROOT, Fixed::MountPoint),
        (StatxAttributes::IMMUTABLE, Fixed::Immutable),
        (StatxAttributes::APPEND, Fixed::AppendOnly),
    ]
    .into_iter()
    .find(|(attribute, _)| is_set(*attribute))
    .map(|(_, reason)| reason)
}

/// Returns the same on macOS, by the flags that `chflags` sets. A mount point is on another device than
/// the folder that it is in.
#[cfg(target_os = "macos")]
pub(crate) fn fixed(path: &Path) -> Option<Fixed> {
    use std::os::macos::fs::MetadataExt;

    let found = path.symlink_metadata().ok()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let device = parent.unwrap_or(Path::new(".")).metadata().map(|parent| parent.st_dev());
    [
        (device.is_ok_and(|device| device != found.st_dev()), Fixed::MountPoint),
        (found.st_flags() & (libc::UF_IMMUTABLE | libc::SF_IMMUTABLE) != 0, Fixed::Immutable),
        (found.st_flags() & (libc::UF_APPEND | libc::SF_APPEND) != 0, Fixed::AppendOnly),
    ]
    .into_iter()
    .find(|(is_set, _)| *is_set)
    .map(|(_, reason)| reason)
}

/// Elsewhere the renaming fails, and what was done is undone.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn fixed(_: &Path) -> Option<Fixed> {
    None
}

/// Copies the access control list of a file to another one.
#[cfg(target_os = "linux")]
pub(crate) fn copy_access_list(from: &Path, to: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fsetxattr, getxattr};

    const NAME: &str = "system.posix_acl_access";
    /// Longest value of an extended attribute on Linux (XATTR_SIZE_MAX), in bytes.
    const LONGEST: usize = 64 << 10;
    let mut list = vec![0; LONGEST];
    match getxattr(from, NAME, list.as_mut_slice()) {
        Ok(length) => Ok(fsetxattr(to, NAME, &list[..length], XattrFlags::empty())?),
        // No list beside the mode, or a file system without such lists.
        Err(_) => Ok(()),
    }
}

/// Copies the access control list of a file to another one. A file system without such lists is no
/// error.
#[cfg(target_vendor = "apple")]
#[allow(unsafe_code)]
pub(crate) fn copy_access_list(from: &Path, to: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    // A file that may be replaced but not read keeps its list to itself.
    let Ok(from) = File::open(from) else { return Ok(()) };
    // SAFETY: both descriptors are open for the time of the call, which takes no other memory: a state
    // is optional.
    let failed = unsafe {
        libc::fcopyfile(from.as_raw_fd(), to.as_raw_fd(), std::ptr::null_mut(), libc::COPYFILE_ACL)
    };
    match io::Error::last_os_error() {
        error if failed < 0 && error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

/// On other systems, access control lists are not copied.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(crate) fn copy_access_list(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Returns a word for the time since this system started, in which locks of files hold; `None` if it
/// cannot be known.
pub(crate) fn boot() -> Option<String> {
    word_of(&boot_id()?)
}

/// Returns the first part of an identifier, if it can be part of a name.
fn word_of(id: &str) -> Option<String> {
    id.get(..8).filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric())).map(str::to_owned)
}

/// Returns the identifier that the system got when it started.
#[cfg(not(target_vendor = "apple"))]
fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// Returns the identifier that the system got when it started.
#[cfg(target_vendor = "apple")]
#[allow(unsafe_code)]
fn boot_id() -> Option<String> {
    let mut text = [0_u8; 64];
    let mut length = text.len();
    // SAFETY: the name ends with a zero; the call writes up to `length` bytes to `text`, and their
    // number to `length`. Nothing is set.
    let failed = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            text.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let text = text.get(..length).filter(|_| failed == 0)?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux writes identifiers in lower case, macOS in upper case with a zero at the end.
    #[test]
    fn identifiers_of_both_systems_become_words() {
        for (id, expected) in [
            ("3c1b2a44-8f0e-4d5c-9a3b-000000000000\n", Some("3c1b2a44")),
            ("3C1B2A44-8F0E-4D5C-9A3B-000000000000\0", Some("3C1B2A44")),
            ("../../..", None),
            ("3c1b2a4", None),
            ("", None),
        ] {
            assert_eq!(word_of(id).as_deref(), expected, "{id:?}");
        }
    }
}
