//! A run that its caller cancels ends soon, and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bm_pipeline::{
    AdapterChoice, Cancellation, Filter, Inputs, Learning, Observer, PipelineError, RunSettings,
    Silent, open_package, score_reads,
};

/// Reads in a text of some forty batches.
const READS: usize = 40_000;

fn text() -> Vec<u8> {
    let (sequence, qualities) = ("ACGTTGCATC".repeat(12), "I".repeat(120));
    let record = |number| format!("@{number}\n{sequence}\n+\n{qualities}\n").into_bytes();
    (0..READS).flat_map(record).collect()
}

fn settings(inputs: Inputs, threads: usize) -> (RunSettings, Cancellation) {
    let cancellation = Cancellation::default();
    let mut settings = RunSettings::new(inputs);
    settings.threads = threads;
    settings.cancellation = Some(cancellation.clone());
    (settings, cancellation)
}

fn assert_cancelled<T>(outcome: Result<T, PipelineError>) {
    match outcome {
        Err(PipelineError::Cancelled(_)) => {}
        Err(error) => panic!("{}", error.with_causes()),
        Ok(_) => panic!("the run was cancelled, but went to its end"),
    }
}

#[test]
fn a_run_over_reads_in_memory_ends_between_batches() {
    for threads in [1, 3] {
        let (settings, cancellation) = settings(Inputs::text(text()), threads);
        let mut visited = 0;
        let outcome = score_reads(&settings, &Silent, |_, _| {
            visited += 1;
            cancellation.cancel();
        });
        assert_cancelled(outcome);
        assert!((1..READS / 4).contains(&visited), "{visited} of {READS} reads");
    }
}

#[test]
fn a_run_that_is_cancelled_before_it_begins_reads_nothing() {
    let (settings, cancellation) = settings(Inputs::text(text()), 2);
    cancellation.cancel();
    let outcome = score_reads(&settings, &Silent, |_, _| panic!("a read was scored"));
    assert_cancelled(outcome);
}

#[test]
fn a_switch_that_is_not_used_changes_nothing() {
    let count = |settings: &RunSettings| {
        let mut probabilities = Vec::new();
        score_reads(settings, &Silent, |scored, _| {
            let mates = scored.template.mates();
            probabilities.extend(mates.iter().map(|mate| scored.prediction(mate).probability()));
        })
        .unwrap();
        probabilities
    };
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/hiseq_measles");
    let [first, second] =
        [1, 2].map(|mate| testdata.join(format!("hiseq_measles_{mate}.fastq.gz")));
    let inputs = Inputs::pair(first, second);
    let (with, _) = settings(inputs.clone(), 2);
    assert_eq!(count(&with), count(&RunSettings::new(inputs)));
}

/// Cancels the run when its first reads are done.
struct Impatient {
    cancellation: Cancellation,
    done: AtomicUsize,
}

impl Observer for Impatient {
    fn reads_done(&self, reads: usize) {
        self.done.fetch_add(reads, Ordering::Relaxed);
        self.cancellation.cancel();
    }
}

impl Impatient {
    fn new(cancellation: Cancellation) -> Self {
        Self { cancellation, done: AtomicUsize::new(0) }
    }

    fn assert_ended_early(&self) {
        let done = self.done.load(Ordering::Relaxed);
        assert!((1..READS / 4).contains(&done), "{done} of {READS} reads");
    }
}

/// Returns a folder with one file of reads, and that file.
fn reads_in_a_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let reads = folder.path().join("reads.fastq");
    fs::write(&reads, text()).unwrap();
    (folder, reads)
}

#[test]
fn a_cancelled_filter_leaves_no_file() {
    let (folder, reads) = reads_in_a_folder();
    for (threads, output) in [(1, "kept.fastq"), (3, "kept.fastq.gz")] {
        let (settings, cancellation) = settings(Inputs::single(&reads), threads);
        let mut filter = Filter::new(Inputs::single(&reads), folder.path().join(output));
        filter.settings = settings;
        let observer = Impatient::new(cancellation);
        assert_cancelled(filter.run(&observer).and_then(|finished| finished.commit()));
        observer.assert_ended_early();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["reads.fastq"]);
    }
}

#[test]
fn learning_a_run_can_be_cancelled() {
    let (_folder, reads) = reads_in_a_folder();
    let start = open_package(None).unwrap();
    for evidence in [None, Some(bm_pipeline::FEWEST_BYTES)] {
        let cancellation = Cancellation::default();
        let learning = Learning {
            inputs: &Inputs::single(&reads),
            start: &start,
            seed: 0,
            adapters: &AdapterChoice::Found,
            evidence,
            threads: 2,
            cancellation: Some(&cancellation),
        };
        let observer = Impatient::new(cancellation.clone());
        assert_cancelled(learning.run(None, &observer));
        observer.assert_ended_early();
    }
}

#[cfg(target_os = "linux")]
mod pipes {
    use std::fs::File;
    use std::io::Write as _;
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn pipe() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        (folder, pipe)
    }

    /// Runs `run`, cancels it while it waits, and checks that it ends within a second.
    fn cancelled_while_waiting<T: Send>(
        cancellation: &Cancellation,
        run: impl FnOnce() -> Result<T, PipelineError> + Send,
    ) {
        thread::scope(|scope| {
            let run = scope.spawn(run);
            thread::sleep(Duration::from_millis(200));
            assert!(!run.is_finished(), "it does not wait for the pipe");
            let began = Instant::now();
            cancellation.cancel();
            assert_cancelled(run.join().unwrap());
            let took = began.elapsed();
            assert!(took < Duration::from_secs(1), "it went on for {took:?}");
        });
    }

    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for() {
        let (_folder, pipe) = pipe();
        let (settings, cancellation) = settings(Inputs::single(&pipe), 2);
        cancelled_while_waiting(&cancellation, || score_reads(&settings, &Silent, |_, _| {}));
        let start = open_package(None).unwrap();
        let cancellation = Cancellation::default();
        let learning = Learning {
            inputs: &Inputs::single(&pipe),
            start: &start,
            seed: 0,
            adapters: &AdapterChoice::Found,
            evidence: None,
            threads: 2,
            cancellation: Some(&cancellation),
        };
        cancelled_while_waiting(&cancellation, || learning.run(None, &Silent));
    }

    #[test]
    fn a_pipe_whose_writer_stalls_is_not_waited_for() {
        let stalls: [&[u8]; 4] =
            [b"", b"@re", b"@read\nACGT\n+\nIIII\n@next\nAC", &text()[..900_000]];
        for before in stalls {
            let (_folder, pipe) = pipe();
            let (settings, cancellation) = settings(Inputs::single(&pipe), 2);
            let (end, ended) = std::sync::mpsc::channel::<()>();
            let pipe = &pipe;
            thread::scope(|scope| {
                scope.spawn(move || {
                    let mut writer = File::options().write(true).open(pipe).unwrap();
                    // If the reader ends in between, there is nothing more to write.
                    let _ = writer.write_all(before);
                    let _ = ended.recv();
                });
                cancelled_while_waiting(&cancellation, || {
                    score_reads(&settings, &Silent, |_, _| {})
                });
                drop(end);
            });
        }
    }

    #[test]
    fn a_slow_pipe_is_read_to_its_end() {
        let (_folder, pipe) = pipe();
        let text = &text()[..600_000];
        let whole = text.windows(2).rposition(|two| two == b"\n@").unwrap() + 1;
        let (settings, _) = settings(Inputs::single(&pipe), 2);
        let mut reads = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(150));
                let mut writer = File::options().write(true).open(&pipe).unwrap();
                for part in text[..whole].chunks(100_000) {
                    writer.write_all(part).unwrap();
                    thread::sleep(Duration::from_millis(70));
                }
            });
            score_reads(&settings, &Silent, |_, _| reads += 1).unwrap();
        });
        assert_eq!(reads, text[..whole].iter().filter(|byte| **byte == b'@').count());
    }
}
