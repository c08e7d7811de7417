//! Outputs of a run: all of them get their names, or none.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bm_io::{Compression, Durability, FolderOutput, IoError, Output, finish_all, name_all};
use tempfile::TempDir;

/// Starts an output and writes its name to it.
fn output(path: &Path) -> Result<Output, IoError> {
    let mut output = Output::create(path, &[], &Compression::on_this_thread(None))?;
    output.write_all(b"new").unwrap();
    Ok(output)
}

/// Returns the names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// A folder with files named in their text.
fn folder_with(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(folder.path().join(file), format!("old {file}")).unwrap();
    }
    folder
}

#[test]
fn no_output_gets_its_name_if_one_cannot() {
    for durability in [Durability::OnDisk, Durability::InMemory] {
        for broken in 0..4 {
            let folder = folder_with(&["a", "c"]);
            let paths: Vec<PathBuf> = ["a", "b", "c", "d"].map(|it| folder.path().join(it)).into();
            let outputs = paths.iter().map(|path| output(path).unwrap()).collect();
            // Somebody makes a folder with the name of an output.
            let _ = fs::remove_file(&paths[broken]);
            fs::create_dir(&paths[broken]).unwrap();
            let message = finish_all(outputs, durability).unwrap_err().to_string();
            assert!(message.contains("cannot be given its name"), "{message}");
            for (i, path) in paths.iter().enumerate().filter(|(i, _)| *i != broken) {
                let expected = ["old a", "", "old c", ""][i];
                assert_eq!(fs::read_to_string(path).unwrap_or_default(), expected, "{i}, {broken}");
            }
            let left = names(folder.path());
            assert!(left.iter().all(|name| !name.starts_with(".bm-")), "{left:?}");
        }
    }
}

#[test]
fn all_outputs_get_their_names() {
    let folder = folder_with(&["a"]);
    let paths: Vec<PathBuf> = ["a", "b"].map(|it| folder.path().join(it)).into();
    let outputs = paths.iter().map(|path| output(path).unwrap()).collect();
    finish_all(outputs, Durability::OnDisk).unwrap();
    assert_eq!(names(folder.path()), ["a", "b"]);
    assert!(paths.iter().all(|path| read(path) == "new"));
}

#[test]
fn a_file_of_an_earlier_run_goes_with_the_outputs_or_stays() {
    let folder = folder_with(&["a", "b"]);
    let path = |name: &str| folder.path().join(name);
    let removal = |name: &str| {
        let output = output(&path(name)).unwrap();
        output.into_removal(|mut file| {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text.starts_with("old")
        })
    };
    fs::write(path("mine"), "mine").unwrap();
    assert!(removal("mine").is_none() && removal("nothing").is_none());
    // Names are given from the last output to the first one, which cannot get its name.
    let outputs = vec![output(&path("a")).unwrap(), removal("b").unwrap()];
    fs::remove_file(path("a")).unwrap();
    fs::create_dir(path("a")).unwrap();
    finish_all(outputs, Durability::OnDisk).unwrap_err();
    assert_eq!(read(&path("b")), "old b");
    // Another file that gets the name meanwhile stays.
    let outputs = vec![removal("b").unwrap()];
    fs::rename(path("b"), path("moved")).unwrap();
    fs::write(path("b"), "mine").unwrap();
    finish_all(outputs, Durability::OnDisk).unwrap();
    assert_eq!((read(&path("b")), read(&path("moved"))), ("mine".into(), "old b".into()));
    let outputs = vec![output(&path("new")).unwrap(), removal("moved").unwrap()];
    finish_all(outputs, Durability::OnDisk).unwrap();
    assert_eq!(names(folder.path()), ["a", "b", "mine", "new"]);
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let folder = folder_with(&["a"]);
    let path = folder.path().join("a");
    for mode in [0o600, 0o640, 0o660, 0o755, 0o604] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let output = output(&path).unwrap();
        // Nobody else may read what is not complete either.
        let partial = names(folder.path()).into_iter().find(|it| it.starts_with(".bm-")).unwrap();
        let metadata = fs::metadata(folder.path().join(partial)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777 & !mode, 0);
        output.finish().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
    }
    for mode in [0o400, 0o444] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let message = output(&path).err().unwrap().to_string();
        assert!(message.contains("is read-only and is not replaced"), "{message}");
    }
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn links_are_followed_to_their_end() {
    let folder = folder_with(&["there"]);
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sub")).unwrap();
    symlink("there", path("one")).unwrap();
    symlink("one", path("two")).unwrap();
    symlink("sub/new", path("dangling")).unwrap();
    symlink("missing/new", path("nowhere")).unwrap();
    symlink("sub", path("folder")).unwrap();
    symlink("loop", path("loop")).unwrap();
    output(&path("two")).unwrap().finish().unwrap();
    output(&path("dangling")).unwrap().finish().unwrap();
    assert_eq!((read(&path("there")), read(&path("sub/new"))), ("new".into(), "new".into()));
    for link in ["one", "two", "dangling"] {
        assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink(), "{link}");
    }
    for (name, expected) in [
        ("nowhere", "there is no folder"),
        ("folder", "is a folder"),
        ("loop", "too many links"),
        ("sub/", "is a folder"),
        ("new/", "is a folder"),
    ] {
        let message = output(&path(name)).err().unwrap().to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn a_name_that_is_too_long_is_refused_at_the_start() {
    let folder = folder_with(&[]);
    let long = |bytes| folder.path().join("n".repeat(bytes));
    output(&long(255)).unwrap().finish().unwrap();
    let error = output(&long(256)).err().unwrap();
    assert!(matches!(error, IoError::System { .. }), "{error}");
    assert_eq!(names(folder.path()).len(), 1);
}

/// Starts a folder output that may replace the files `one` and `two`.
fn folder_output(path: &Path) -> Result<FolderOutput, IoError> {
    FolderOutput::create(path, &["one", "two"], "pair")
}

fn finish(output: FolderOutput) -> Result<(), IoError> {
    output.write("one", Durability::OnDisk, |file| file.write_all(b"new")).unwrap();
    name_all(vec![output.complete(Durability::OnDisk)?])
}

#[test]
fn a_folder_is_replaced_at_once_or_not_at_all() {
    let folder = folder_with(&[]);
    let path = folder.path().join("pair");
    finish(folder_output(&path).unwrap()).unwrap();
    assert_eq!(names(&path), ["one"]);
    fs::write(path.join("two"), "old").unwrap();
    finish(folder_output(&path).unwrap()).unwrap();
    assert_eq!((names(&path), read(&path.join("one"))), (vec!["one".to_owned()], "new".into()));
    // Something comes, goes, or is put into the folder during the run.
    let output = folder_output(&path).unwrap();
    fs::write(path.join("mine"), "mine").unwrap();
    let message = finish(output).unwrap_err();
    let cause = std::error::Error::source(&message).unwrap().to_string();
    assert!(cause.contains("its content has changed"), "{cause}");
    assert_eq!(
        (names(&path), read(&path.join("mine"))),
        (vec!["mine".into(), "one".into()], "mine".into())
    );
    assert_eq!(names(folder.path()), ["pair"]);
    // From the start.
    let message = folder_output(&path).err().unwrap().to_string();
    assert!(message.contains("is a folder with other things in it"), "{message}");
    // A folder or a link under the name of a file that may be replaced is no such file.
    for link in [false, true] {
        let other = folder.path().join(format!("other{link}"));
        fs::create_dir(&other).unwrap();
        let one = other.join("one");
        if link { symlink(path.join("mine"), one) } else { fs::create_dir(one) }.unwrap();
        let message = folder_output(&other).err().unwrap().to_string();
        assert!(message.contains("is a folder with other things in it"), "{message}");
    }
    // A folder that comes during the run stays, even if it is empty.
    let late = folder.path().join("late");
    let output = folder_output(&late).unwrap();
    fs::create_dir(&late).unwrap();
    finish(output).unwrap_err();
    assert_eq!(names(&late), [""; 0]);
    let left = names(folder.path());
    assert!(left.iter().all(|name| !name.starts_with(".bm-")), "{left:?}");
}

#[test]
fn a_folder_and_files_get_their_names_together() {
    let folder = folder_with(&["report"]);
    let [path, report] = ["pair", "report"].map(|name| folder.path().join(name));
    let pair = folder_output(&path).unwrap();
    let report = output(&report).unwrap();
    fs::create_dir(&path).unwrap();
    let complete = vec![
        pair.complete(Durability::OnDisk).unwrap(),
        report.complete(Durability::OnDisk).unwrap(),
    ];
    name_all(complete).unwrap_err();
    assert_eq!(read(&folder.path().join("report")), "old report");
    assert_eq!(names(folder.path()), ["pair", "report"]);
    let pair = folder_output(&folder.path().join("new")).unwrap();
    let within = folder.path().join("new/report");
    assert!(pair.refuse_within([&within]).unwrap_err().to_string().contains("is in "));
    pair.refuse_within([&folder.path().join("newer")]).unwrap();
}

/// What a killed run leaves is removed, and what a living one writes is not.
#[test]
fn unfinished_outputs_of_dead_runs_are_removed() {
    let living = folder_with(&[]);
    let output = output(&living.path().join("reads")).unwrap();
    let name = names(living.path()).remove(0);
    let (start, _) = name.rsplit_once('-').unwrap();
    let folder = folder_with(&[]);
    let path = |name: &str| folder.path().join(name);
    let dead = format!("{start}-dead.partial");
    let locked = format!("{start}-locked.partial");
    let of_another_system = ".bm-00000000-x.partial";
    for name in [&dead, &locked, of_another_system, ".bm-mine", "reads.partial"] {
        fs::write(path(name), "").unwrap();
    }
    fs::create_dir(path(&format!("{start}-folder.partial"))).unwrap();
    let lock = File::open(path(&locked)).unwrap();
    lock.try_lock().unwrap();
    let other = self::output(&path("kept")).unwrap();
    other.finish().unwrap();
    let mut expected = [of_another_system, &locked, ".bm-mine", "kept", "reads.partial"];
    expected.sort_unstable();
    assert_eq!(names(folder.path()), expected);
    assert_eq!(names(living.path()), [name]);
    drop(output);
    assert_eq!(names(living.path()), [""; 0]);
}
