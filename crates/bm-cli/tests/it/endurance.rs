//! Endurance: two hundred killed runs, and a thousand files in one process.
#![cfg(target_os = "linux")]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use crate::support::{NOVASEQ, Scratch, command, records, run, some_reads, testdata, text_of};

#[test]
fn no_file_under_its_final_name_is_ever_incomplete() {
    let scratch = Scratch::new();
    let input = some_reads(&scratch, 2_500);
    let names = ["kept.fastq.gz", "dropped.fastq.zst", "report.json", "page.html"];
    let arguments = |folder: &Scratch| {
        let [kept, dropped, report, page] = names.map(|name| folder.path(name));
        let words = [
            "filter",
            &input,
            "-q",
            "-j",
            "2",
            "-o",
            &kept,
            "--discarded",
            &dropped,
            "--report",
            &report,
            "--html",
            &page,
        ];
        words.map(str::to_owned)
    };
    let whole = Scratch::new();
    let began = Instant::now();
    run(&mut command(arguments(&whole))).done();
    let duration = began.elapsed();
    // Reports contain times, so they are not compared byte for byte.
    let is_whole = |name: &str, content: &[u8]| match name {
        "report.json" => serde_json::from_slice::<serde_json::Value>(content).is_ok(),
        "page.html" => content.ends_with(b"</html>\n"),
        name => content == whole.read(name),
    };
    assert!(names.iter().all(|name| is_whole(name, &whole.read(name))));
    let (mut killed, mut after_something) = (0, 0);
    for i in 0..200_u32 {
        let folder = Scratch::new();
        let old = i % 2 == 0;
        if old {
            names.iter().for_each(|name| drop(folder.file(name, b"from before")));
        }
        let mut child = command(arguments(&folder))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Times from the start to shortly after the end, in mixed order.
        thread::sleep(duration.mul_f64(f64::from(i * 83 % 200) / 180.0));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let mut done = 0;
        for name in folder.names() {
            let content = folder.read(&name);
            if names.contains(&name.as_str()) {
                let is_old = old && content == b"from before";
                done += u32::from(!is_old);
                assert!(
                    is_old || is_whole(&name, &content),
                    "run {i}: {name} has {} bytes",
                    content.len()
                );
            } else {
                assert!(name.starts_with(".bm-") && name.ends_with(".partial"), "{name}");
            }
        }
        after_something += u32::from(done > 0);
        if i % 50 == 0 {
            // Remaining partial files do not disturb the next run.
            run(&mut command(arguments(&folder))).done();
            assert!(folder.read(names[0]) == whole.read(names[0]));
        }
    }
    // Enough runs were killed while they worked.
    assert!(
        killed >= 50,
        "{killed} of 200 runs were killed, {after_something} had written something"
    );
}

/// The test that runs in a separate process, so that nothing else is counted.
const CHILD: &str = "endurance::a_thousand_files_in_this_process";

#[test]
fn a_thousand_small_files_in_a_row_leak_nothing() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Returns the numbers of open files and threads, and the memory in kB.
fn held() -> (usize, usize, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (fs::read_dir("/proc/self/fd").unwrap().count(), number("Threads:"), number("VmRSS:"))
}

#[test]
#[ignore = "run by a_thousand_small_files_in_a_row_leak_nothing"]
fn a_thousand_files_in_this_process() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(NOVASEQ));
    let good = scratch.file("good.fastq", &records(&text)[..50].concat());
    let broken = scratch.file("broken.fastq", &text[..20_000]);
    let temporary = Scratch::new();
    let bm = |input: &str, i: usize| {
        let [kept, dropped, report] =
            ["kept.fastq.gz", "dropped.zst", "report.json"].map(|name| temporary.path(name));
        let threads = ["1", "2"][i % 2];
        let words = [
            "bm",
            "filter",
            input,
            "-q",
            "-o",
            &kept,
            "--discarded",
            &dropped,
            "--report",
            &report,
            "-j",
            threads,
        ];
        let code = bm_cli::run(words.map(OsString::from));
        fs::remove_file(&kept).is_ok()
            && fs::remove_file(&dropped).is_ok()
            && fs::remove_file(&report).is_ok()
            && code == ExitCode::SUCCESS
    };
    let mut before = (0, 0, 0);
    for i in 0..1_000 {
        assert!(bm(&good, i), "file {i}");
        assert!(i % 10 > 0 || !bm(&broken, i), "file {i}");
        if i == 100 {
            before = held();
        }
    }
    let after = held();
    assert_eq!((after.0, after.1), (before.0, before.1), "open files, threads");
    assert!(
        after.2 < before.2 + 4_000,
        "{} kB after 100 files, {} kB after 1,000",
        before.2,
        after.2
    );
    assert_eq!(temporary.names(), [""; 0]);
}
