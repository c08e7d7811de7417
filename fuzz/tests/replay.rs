//! What the fuzzers found and what they started from, through the same checks: on any toolchain,
//! without a fuzzer.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Panics so far, of any thread: `bm filter` makes an error of those of its workers.
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

/// Hands every file of some folders to a check, and says which of them broke a promise.
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
    assert!(files.len() > 20, "{folders:?}: {} inputs are few", files.len());
    let breaks = |path: &&PathBuf| {
        let before = PANICS.load(Ordering::SeqCst);
        let content = fs::read(path).unwrap();
        catch_unwind(AssertUnwindSafe(|| check(&content))).is_err()
            || PANICS.load(Ordering::SeqCst) > before
    };
    let broken: Vec<_> = files.iter().filter(breaks).collect();
    assert!(broken.is_empty(), "{broken:?}: see above");
}

#[test]
fn fastq() {
    replay(bm_fuzz::fastq::check, &["corpus/fastq", "../testdata/broken"]);
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
