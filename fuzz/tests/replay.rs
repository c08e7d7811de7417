//! Runs the checks of the fuzz targets on the stored corpora and the shipped files, on any
//! toolchain, without a fuzzer.
// A test fails by a panic.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of panics so far, in any thread: `bm filter` turns panics of its workers into errors.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            hook(panic);
        }));
    });
}

/// Runs a check on every file of some folders.
///
/// # Panics
///
/// If the check fails for any file; the message lists these files.
fn replay(check: fn(&[u8]), folders: &[&str]) {
    count_panics();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: &&str| {
        fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    let files: Vec<PathBuf> =
        folders.iter().flat_map(files).filter(|path| path.is_file()).collect();
    assert!(files.len() > 20, "{folders:?}: only {} inputs", files.len());
    let breaks = |path: &&PathBuf| {
        let before = PANICS.load(Ordering::SeqCst);
        let content = fs::read(path).unwrap();
        catch_unwind(AssertUnwindSafe(|| check(&content))).is_err()
            || PANICS.load(Ordering::SeqCst) > before
    };
    let broken: Vec<_> = files.iter().filter(breaks).collect();
    assert!(broken.is_empty(), "failed for {broken:?}: see the messages above");
}

#[test]
fn fastq() {
    replay(bm_fuzz::fastq::check, &["corpus/fastq", "../testdata/broken"]);
}

#[test]
fn deflate() {
    replay(bm_fuzz::deflate::check, &["corpus/fastq", "../testdata/broken", "../testdata/derived"]);
}

#[test]
fn bam() {
    replay(bm_fuzz::bam::check, &["corpus/bam"]);
}

#[test]
fn manifest() {
    replay(
        bm_fuzz::manifest::check,
        &["corpus/manifest", "../models/mean-q20", "../models/read-error"],
    );
}

#[test]
fn onnx() {
    replay(bm_fuzz::onnx::check, &["corpus/onnx", "../models/mean-q20", "../models/read-error"]);
}

#[cfg(feature = "filter")]
#[test]
fn filter() {
    replay(bm_fuzz::filter::check, &["corpus/filter", "../testdata/broken"]);
}
