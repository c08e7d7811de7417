//! Conventions of command line programs.

use std::process::{Command, Stdio};

use crate::support::{BM, NOVASEQ, Scratch, bm, command, files, json, run, testdata};

#[test]
fn the_long_version_lists_models_engines_and_features() {
    let long = bm(["--version"]).done();
    let lines: Vec<_> = long.text().lines().collect();
    assert_eq!(lines[0], format!("bm {}", env!("CARGO_PKG_VERSION")));
    // The digests equal those of `bm models`.
    let models = bm(["models"]).done();
    for row in models.text().lines().skip(1) {
        let columns: Vec<_> = row.split('\t').collect();
        let expected =
            format!("model {} version {}, sha256 {}", columns[0], columns[1], columns[5]);
        assert!(lines.contains(&expected.as_str()), "{expected}");
    }
    for start in ["engine embedded ", "features ", "built for "] {
        assert!(lines.iter().any(|line| line.starts_with(start)), "{start}");
    }
    // A file may have the name of a flag.
    assert!(bm(["filter", "--version"]).misused().contains("--version"));
}

#[test]
fn completions_include_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = bm(["completions", shell]).done();
        for word in ["filter", "score", "tune", "selfcheck", "recalibrate"] {
            assert!(run.text().contains(word), "{shell}: {word}");
        }
    }
    assert!(bm(["completions", "sh"]).misused().contains("possible values"));
    // bash can read its completions.
    let scratch = Scratch::new();
    let script = scratch.file("bm.bash", &bm(["completions", "bash"]).done().stdout);
    let check = format!(
        "source {script} && COMP_WORDS=(bm fil) COMP_CWORD=1 && _bm bm fil bm && echo ${{COMPREPLY[0]}}"
    );
    let bash = Command::new("bash").args(["-c", &check]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bash.stdout).trim(),
        "filter",
        "{}",
        String::from_utf8_lossy(&bash.stderr)
    );
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let page = bm(["man"]).done();
    assert!(page.text().contains(".TH bm 1") && page.text().contains("Keeps the good reads"));
    let scratch = Scratch::new();
    let folder = scratch.path("man1");
    bm(["man", "--all", &folder]).done();
    let all = files(&folder);
    let help = bm(["--help"]).done();
    let (_, commands) = help.text().split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    // Not the further lines of a description.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let mut names: Vec<String> =
        commands.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    names.retain(|name| name != "help");
    assert!(names.len() > 10, "{names:?}");
    names.extend(["models show", "report merge"].map(str::to_owned));
    assert_eq!(all.len(), names.len() + 1, "{:?}", all.keys());
    for name in names {
        let arguments: Vec<&str> = ["man"].into_iter().chain(name.split(' ')).collect();
        let page = run(&mut command(&arguments)).done();
        let name = name.replace(' ', "-");
        assert!(page.text().contains(&format!(".TH bm-{name} 1")), "{name}");
        assert!(page.text().contains(".SH OPTIONS"), "{name}");
        assert!(all[&format!("bm-{name}.1")] == page.stdout, "{name}");
    }
    assert!(all["bm-report-merge.1"].windows(8).any(|text| text == b"\\-\\-html"));
    // Examples keep their lines.
    let page = bm(["man", "filter"]).done();
    let (_, notes) = page.text().split_once(".SH EXAMPLES\n.nf\n").unwrap();
    let lines: Vec<_> = notes.lines().collect();
    assert!(
        lines[0].starts_with("  bm filter ") && lines[1].starts_with("  bm filter "),
        "{notes}"
    );
    assert_eq!(lines.last(), Some(&".fi"));
    let message = bm(["man", "woman"]).refused();
    assert!(message.contains("there is no command woman; there are filter, score, "), "{message}");
}

#[test]
fn threads_come_from_the_flag_then_from_the_environment() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NOVASEQ), scratch.path("report.json"));
    let used = |threads: &str, flags: &[&str]| {
        let mut bm = command(["filter", &input, "-o", "/dev/null", "-q", "--report", &report]);
        run(bm.args(flags).env("BM_THREADS", threads)).done();
        json(&scratch.read("report.json"))["time"]["threads"].as_u64().unwrap()
    };
    assert_eq!((used("3", &[]), used("3", &["-j", "2"])), (3, 2));
    let message = run(command(["filter", &input, "-o", "-"]).env("BM_THREADS", "many")).misused();
    assert!(message.contains("many"), "{message}");
}

#[test]
fn colours_are_used_only_on_terminals_that_accept_them() {
    let Some(coloured) = on_terminal(&format!("{BM} filter --help"), None) else { return };
    let plain = on_terminal(&format!("{BM} filter --help"), Some("1")).unwrap();
    assert!(coloured.contains("\u{1b}["));
    assert!(!plain.contains("\u{1b}["));
    assert!(!bm(["filter", "--help"]).done().text().contains('\u{1b}'));
}

/// Returns what a command of the shell prints on a terminal; `None` where there is none to have.
fn on_terminal(line: &str, no_color: Option<&str>) -> Option<String> {
    let mut script = Command::new("script");
    script.args(["-qec", line, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
    script.env_remove("NO_COLOR").envs(no_color.map(|value| ("NO_COLOR", value)));
    match script.output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        _ => {
            eprintln!("SKIPPED: no `script` that gives a terminal");
            None
        }
    }
}

#[test]
fn a_terminal_shows_what_is_done_while_a_run_is_learned() {
    let input = testdata(NOVASEQ);
    for columns in [40, 100] {
        let line = format!(
            "stty rows 24 cols {columns} && {BM} filter --adapt {input} -o /dev/null && {BM} filter --adapt -q {input} -o \
             /dev/null && echo end"
        );
        let Some(text) = on_terminal(&line, None) else { return };
        for task in ["learning ", "finding errors", "training", "weighing", "scoring "] {
            assert!(text.contains(task), "{columns} columns: {task} is not shown: {text}");
        }
        // Nothing is shown with --quiet, after the summary.
        let quiet = &text[text.rfind("engine embedded").unwrap()..];
        assert!(!quiet.contains("training") && quiet.ends_with("end\r\n"), "{quiet}");
        // A bar that is wider than the terminal would leave lines behind.
        let bars = text.split(['\r', '\n']).filter(|line| line.contains(" %  "));
        let visible = |line: &str| {
            let codes = line.split('\u{1b}').skip(1).map(|code| {
                code.find(|letter: char| letter.is_ascii_alphabetic()).map_or(0, |end| end + 2)
            });
            line.chars().count() - codes.sum::<usize>()
        };
        bars.for_each(|bar| assert!(visible(bar) <= columns, "{columns} columns: {bar:?}"));
    }
}

#[test]
fn selfcheck_reports_the_machine_and_every_model() {
    for name in ["selfcheck", "doctor"] {
        let run = bm([name, "--backend", "embedded"]).done();
        let lines: Vec<_> = run.text().lines().collect();
        assert!(
            lines[0].starts_with(&format!("bm {}, ", env!("CARGO_PKG_VERSION")))
                && lines[0].ends_with(" threads"),
            "{lines:?}"
        );
        assert_eq!(
            lines.iter().filter(|line| line.starts_with("model ")).count(),
            bm(["models"]).done().text().lines().count() - 1
        );
        assert_eq!(lines.iter().filter(|line| line.starts_with("ok       embedded: ")).count(), 2);
    }
    let run = bm(["selfcheck", "-m", "mean-q20", "--backend", "embedded"]).done();
    assert_eq!(run.text().lines().filter(|line| line.starts_with("model ")).count(), 1);
}
