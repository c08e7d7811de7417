//! Where an output goes: a file that gets its name when it is complete, or a stream that is written
//! to as it is. Whatever would keep a complete file from its name is found before the work.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::IoError;
use crate::path::{folder, is_stdio};
use crate::standard_streams;
use crate::system::{self, Fixed};

/// Descriptors of stdin and stdout.
const STDIN: RawFd = 0;
const STDOUT: RawFd = 1;

/// Most links that are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// Where an output goes.
#[derive(Debug)]
pub(crate) enum Destination {
    /// An open descriptor of this process: `-`, `/dev/stdout`, `/dev/fd/3`.
    Descriptor(RawFd),
    /// A device, a named pipe or a socket, or an open file of another process.
    Special(PathBuf),
    /// A file, by its path without links at the end; it may exist.
    File(PathBuf),
}

impl Destination {
    /// Follows the links of a path.
    ///
    /// # Errors
    ///
    /// If the path names a folder, or nothing can be written there.
    pub(crate) fn of(path: &Path) -> Result<Self, IoError> {
        if is_stdio(path) {
            return Ok(Self::Descriptor(STDOUT));
        }
        let refuse = |what: &str| IoError::Refused(format!("{}: {what}", path.display()));
        let is_folder = "is a folder, expected a file name for the output";
        let mut place = path.to_owned();
        for _ in 0..MOST_LINKS {
            if let Some(number) = descriptor(&place) {
                return Ok(Self::Descriptor(number));
            }
            let metadata = match fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let parent = folder(&place);
                    if !parent.is_dir() {
                        let parent = parent.display();
                        return Err(refuse(&format!(
                            "cannot be created, there is no folder {parent}"
                        )));
                    }
                    if place.as_os_str().as_bytes().ends_with(b"/") {
                        return Err(refuse(is_folder));
                    }
                    return Ok(Self::File(place));
                }
                Err(source) => {
                    let what = format!("{}: cannot be created", path.display());
                    return Err(IoError::System { what, source });
                }
            };
            if metadata.is_dir() {
                return Err(refuse(is_folder));
            }
            if !metadata.is_symlink() {
                let special = !metadata.is_file();
                return Ok(if special { Self::Special(place) } else { Self::File(place) });
            }
            if is_open_file(&place) {
                return Ok(Self::Special(place));
            }
            let cannot = IoError::system(format!("{}: cannot be read", path.display()));
            let next = fs::read_link(&place).map_err(cannot)?;
            place = folder(&place).join(next);
        }
        Err(refuse("leads through too many links"))
    }

    /// Returns whether this is stdout.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Descriptor(STDOUT))
    }

    /// Returns what tells this output from others.
    pub(crate) fn identity(&self) -> Identity {
        let of = |metadata: io::Result<Metadata>| metadata.ok().map(|it| Inode::of(&it));
        match self {
            Self::Descriptor(number) => Identity {
                path: Some(format!("/dev/fd/{number}").into()),
                inode: of(system::duplicate(*number).and_then(|file| file.metadata())),
                is_stream: true,
            },
            Self::Special(path) => {
                Identity { path: None, inode: of(fs::metadata(path)), is_stream: true }
            }
            Self::File(path) => Identity {
                path: Some(whole(path)),
                inode: of(fs::metadata(path)),
                is_stream: false,
            },
        }
    }

    /// Opens a stream.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub(crate) fn open_stream(&self) -> io::Result<File> {
        match self {
            Self::Descriptor(number) => {
                if standard_streams::was_closed(*number) {
                    return Err(io::Error::other("it was closed when the program started"));
                }
                system::duplicate(*number)
            }
            // The open file of another process may have a content, which stays.
            Self::Special(path) | Self::File(path) => File::options().append(true).open(path),
        }
    }
}

/// A file by device and number, so that all its names are the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Inode {
    device: u64,
    number: u64,
    /// A terminal or another device that any number of outputs may be written to.
    is_device: bool,
    is_file: bool,
    /// Number of its names.
    names: u64,
}

impl Inode {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
            is_device: metadata.file_type().is_char_device(),
            is_file: metadata.is_file(),
            names: metadata.nlink(),
        }
    }

    /// Returns whether both are one file with one name: paths that differ are spellings of it, as where
    /// a file system takes upper and lower case for the same.
    fn has_one_name_with(&self, other: &Self) -> bool {
        self == other && self.is_file && self.names == 1
    }
}

/// What tells two outputs from each other.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The whole path of a file, or the name of a descriptor.
    path: Option<PathBuf>,
    inode: Option<Inode>,
    is_stream: bool,
}

impl Identity {
    /// Returns whether writing both would lose something.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        if self.path.is_some() && self.path == other.path {
            return true;
        }
        // Two names of one file are two outputs: each replaces its name. But a stream writes into the
        // file.
        if self.is_stream || other.is_stream {
            return self.inode.is_some_and(|inode| !inode.is_device && other.inode == Some(inode));
        }
        if let (Some(one), Some(other)) = (&self.inode, &other.inode) {
            return one.has_one_name_with(other);
        }
        let paths = self.path.as_deref().zip(other.path.as_deref());
        paths.is_some_and(|(one, other)| differ_in_case(one, other) && takes_any_case(folder(one)))
    }

    /// Returns whether a stream is written to the file of an input, or a file has the path of one.
    pub(crate) fn is_input(&self, input: &Path) -> bool {
        let metadata = if is_stdio(input) {
            // Only a stream can destroy what stdin reads: a file is replaced, and read to its end.
            system::duplicate(STDIN).and_then(|file| file.metadata())
        } else {
            fs::metadata(input)
        };
        let Ok(inode) = metadata.map(|it| Inode::of(&it)) else { return false };
        if self.is_stream {
            let is_pipe = !inode.is_device && !is_stdio(input);
            return self.inode == Some(inode) && (inode.is_file || is_pipe);
        }
        if is_stdio(input) {
            return false;
        }
        let path = fs::canonicalize(input).ok();
        let is_spelling = || self.inode.is_some_and(|it| it.has_one_name_with(&inode));
        self.path.is_some() && (self.path == path || is_spelling())
    }
}

/// A file that an output will replace: what the new one takes over.
#[derive(Debug)]
pub(crate) struct Replaced {
    path: PathBuf,
    metadata: Metadata,
}

/// Permissions of a new file, before the user's mask takes some away.
const NEW_FILE: u32 = 0o666;

impl Replaced {
    /// Looks at the file that an output at `target` will replace, if there is one; messages call the
    /// output `path`.
    ///
    /// # Errors
    ///
    /// If the file may not be written, or could not be renamed in the end.
    pub(crate) fn at(path: &Path, target: &Path) -> Result<Option<Self>, IoError> {
        let refuse = |what: String| Err(IoError::Refused(format!("{}: {what}", path.display())));
        let parent = folder(target);
        if let Some(reason @ (Fixed::Immutable | Fixed::AppendOnly)) = system::fixed(parent) {
            return refuse(format!(
                "cannot be created, the folder {} {}",
                parent.display(),
                reason.words()
            ));
        }
        let Ok(metadata) = fs::metadata(target) else { return Ok(None) };
        if metadata.mode() & 0o222 == 0 {
            return refuse("is read-only and is not replaced; give the output another name".into());
        }
        // Nothing is written or cut here: the system says whether it would be allowed.
        let cannot = IoError::system(format!("{}: cannot be replaced", path.display()));
        File::options().write(true).open(target).map_err(cannot)?;
        if let Some(reason) = system::fixed(target) {
            return refuse(format!(
                "{} and cannot be replaced; give the output another name",
                reason.words()
            ));
        }
        let user = rustix::process::geteuid().as_raw();
        let is_sticky = |folder: &Metadata| folder.mode() & 0o1000 != 0 && folder.uid() != user;
        if user != 0
            && metadata.uid() != user
            && fs::metadata(parent).is_ok_and(|it| is_sticky(&it))
        {
            return refuse(format!(
                "belongs to another user, whose files cannot be replaced in {}; give the output \
                 another name",
                parent.display()
            ));
        }
        Ok(Some(Self { path: target.to_owned(), metadata }))
    }

    /// Returns the permissions to make the new file with: never more than those of the old one.
    pub(crate) fn mode(replaced: Option<&Self>) -> u32 {
        replaced.map_or(NEW_FILE, |old| old.metadata.mode() & 0o600)
    }

    /// Gives a new file the permissions of the old one, and its owner and group as far as the system
    /// allows.
    ///
    /// # Errors
    ///
    /// If the new file would be open to more users than the old one was.
    pub(crate) fn pass_on(&self, file: &File) -> io::Result<()> {
        use rustix::fs::{Gid, Uid, fchown};

        let (old, new) = (&self.metadata, file.metadata()?);
        let (owner, group) = (Uid::from_raw(old.uid()), Gid::from_raw(old.gid()));
        let mut mode = old.mode() & 0o777;
        if (old.uid(), old.gid()) != (new.uid(), new.gid())
            && fchown(file, Some(owner), Some(group)).is_err()
            && fchown(file, None, Some(group)).is_err()
        {
            // The new file has another group, which gets no more than all users had.
            mode = mode & !0o070 | (mode & 0o007) << 3;
        }
        if let Err(error) = file.set_permissions(fs::Permissions::from_mode(mode)) {
            // A file system without permissions has the same for all its files.
            if file.metadata()?.mode() & 0o777 & !mode != 0 {
                return Err(error);
            }
        }
        system::copy_access_list(&self.path, file)
    }
}

/// Returns the number of the descriptor of this process that a path names.
fn descriptor(path: &Path) -> Option<RawFd> {
    if path == Path::new("/dev/stdout") {
        return Some(STDOUT);
    }
    if path == Path::new("/dev/stderr") {
        return Some(2);
    }
    let number = path.file_name().and_then(OsStr::to_str)?.parse().ok()?;
    let folder = fs::canonicalize(folder(path)).ok()?;
    let is_ours = match folder.to_str()? {
        "/dev/fd" => true,
        folder => process_of(folder)? == std::process::id(),
    };
    is_ours.then_some(number)
}

/// Returns whether a path names an open file of another process.
fn is_open_file(path: &Path) -> bool {
    let folder = fs::canonicalize(folder(path));
    folder.is_ok_and(|folder| folder.to_str().and_then(process_of).is_some())
}

/// Returns the process whose descriptors are in a folder such as `/proc/12/fd` or
/// `/proc/12/task/14/fd`.
fn process_of(folder: &str) -> Option<u32> {
    let parts: Vec<&str> = folder.strip_prefix("/proc/")?.split('/').collect();
    match parts[..] {
        [process, "fd"] | [process, "task", _, "fd"] => process.parse().ok(),
        _ => None,
    }
}

/// Returns whether two paths name the same thing where upper and lower case are the same.
fn differ_in_case(one: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    one != other && folder(one) == folder(other) && name(one) == name(other)
}

/// Returns whether a folder takes upper and lower case for the same, as on most disks of Macs: a file
/// in it is also there under another spelling.
fn takes_any_case(folder: &Path) -> bool {
    let Ok(file) = tempfile::Builder::new().prefix(".bm-case-").tempfile_in(folder) else {
        return false;
    };
    let path = file.path();
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return false };
    path.with_file_name(name.to_uppercase()).symlink_metadata().is_ok()
}

/// Returns the path of a file with its folder written out.
fn whole(path: &Path) -> PathBuf {
    match (fs::canonicalize(folder(path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(names: u64, number: u64) -> Inode {
        Inode { device: 1, number, is_device: false, is_file: true, names }
    }

    fn identity(path: &str, inode: Option<Inode>) -> Identity {
        Identity { path: Some(path.into()), inode, is_stream: false }
    }

    /// On a file system that takes upper and lower case for the same, both paths show one file with one
    /// name. Two names of a file (hard links) stay two outputs.
    #[test]
    fn spellings_of_one_name_collide_and_hard_links_do_not() {
        for (first, second, expected) in [
            (file(1, 7), file(1, 7), true),
            (file(2, 7), file(2, 7), false),
            (file(1, 7), file(1, 8), false),
        ] {
            let [one, other] = [("/d/kept.fq", first), ("/d/Kept.fq", second)]
                .map(|(path, inode)| identity(path, Some(inode)));
            assert_eq!(one.collides(&other), expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_two_outputs_where_case_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let [one, other] = ["kept.fq", "KEPT.fq"].map(|name| identity(&path(name), None));
        // What this system does decides: a file is also there under another spelling, or not.
        fs::write(path("probe"), "").unwrap();
        let takes_any_case = Path::new(&path("PROBE")).exists();
        assert_eq!(one.collides(&other), takes_any_case);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        assert!(!one.collides(&identity(&path("other.fq"), None)));
    }

    #[test]
    fn case_is_compared_within_a_folder() {
        for (one, other, expected) in [
            ("/d/a.fq", "/d/A.fq", true),
            ("/d/é.fq", "/d/É.fq", true),
            ("/d/a.fq", "/D/A.fq", false),
            ("/d/a.fq", "/d/a.fq", false),
            ("/d/a.fq", "/d/b.fq", false),
        ] {
            assert_eq!(differ_in_case(Path::new(one), Path::new(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn an_output_is_an_input_under_another_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("reads.fq");
        fs::write(&input, "").unwrap();
        let inode = Inode::of(&fs::metadata(&input).unwrap());
        let spelled = identity("/elsewhere/READS.fq", Some(inode));
        assert!(spelled.is_input(&input));
        // With a second name, the output replaces that one.
        fs::hard_link(&input, folder.path().join("second.fq")).unwrap();
        let inode = Inode::of(&fs::metadata(&input).unwrap());
        assert!(!identity("/elsewhere/second.fq", Some(inode)).is_input(&input));
    }
}
