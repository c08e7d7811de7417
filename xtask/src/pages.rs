//! `cargo xtask pages`: opens the HTML pages of `bm` in a browser and checks them: for accessibility, with
//! axe-core, light and dark, on a phone and on a desk; and that nothing is wider than the window.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::step::{self, Outcome, Step};
use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{folder, process};

/// Names under which systems have Chromium or Chrome.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Widths of the window. **Units:** CSS pixels.
const WIDTHS: [u32; 3] = [390, 768, 1280];

/// The program of the check, at the end of a page. Nothing else of the page runs.
const CHECK: &str = "<script>\naxe.run(document, {resultTypes: ['violations']}).then((results) => {\n\
     const found = results.violations.map((it) => it.id + ': ' + it.help + ' ' + it.nodes[0].html);\n\
     const root = document.documentElement;\n\
     if (root.scrollWidth > root.clientWidth) found.push('the page is ' + root.scrollWidth + ' wide');\n\
     const result = document.createElement('template');\n\
     result.setAttribute('data-found', encodeURIComponent(JSON.stringify(found)));\n\
     document.body.append(result);\n});\n</script>\n";

/// `cargo xtask pages`.
///
/// # Errors
/// When a page has a fault, or cannot be made or opened.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("pages", vec![step(workspace)])
}

/// The step of `cargo xtask ci`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("pages in a browser", || {
        let Some(browser) = BROWSERS.into_iter().find(|name| answers(name)) else {
            return Ok(Outcome::Skipped("no Chromium or Chrome is installed".to_owned()));
        };
        if !answers("npm") {
            return Ok(Outcome::Skipped("no npm is installed, which fetches axe-core".to_owned()));
        }
        check(workspace, browser)
    })
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    let command = command.arg("--version").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

fn check(workspace: &Workspace, browser: &str) -> Result<Outcome> {
    let scratch = workspace.scratch()?.join("pages");
    folder::clear(&scratch)?;
    let axe = axe(workspace, &scratch)?;
    let pages = make(workspace, &scratch)?;
    for page in &pages {
        let text =
            fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
        let (body, end) = text.rsplit_once("</body>").context("a page without an end")?;
        let checked = format!("{body}<script>{axe}</script>{CHECK}</body>{end}");
        // In HTML, unlike in XML, scripts are not escaped.
        fs::write(page, checked)?;
        for width in WIDTHS {
            for is_dark in [false, true] {
                let found = opened(browser, &scratch, page, width, is_dark)?;
                ensure!(
                    found.is_empty(),
                    "{} at {width} px, {}: {}",
                    workspace.relative(page),
                    if is_dark { "dark" } else { "light" },
                    found.join("; ")
                );
            }
        }
    }
    Ok(Outcome::DoneWith(format!("{} pages, {} widths, light and dark", pages.len(), WIDTHS.len())))
}

/// Returns the text of axe-core, in the version of `xtask/axe`.
fn axe(workspace: &Workspace, scratch: &Path) -> Result<String> {
    let source = workspace.root.join("xtask/axe");
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(source.join(file), scratch.join(file))
            .with_context(|| format!("copying {file}"))?;
    }
    process::kept(Command::new("npm").arg("ci").current_dir(scratch))?;
    let axe = scratch.join("node_modules/axe-core/axe.min.js");
    fs::read_to_string(&axe).with_context(|| format!("reading {}", axe.display()))
}

/// Makes pages of all kinds, and returns them.
fn make(workspace: &Workspace, scratch: &Path) -> Result<Vec<PathBuf>> {
    let bm = workspace.build_bm()?;
    let file = |name: &str| scratch.join(name);
    let testdata = |name: &str| workspace.root.join("testdata").join(name);
    let bm = |arguments: &[&str], files: &[PathBuf], page: &str| {
        let mut command = Command::new(&bm);
        command.args(arguments).args(files).arg("-q").arg("--html").arg(file(page));
        process::kept(&mut command).with_context(|| page.to_owned())
    };
    let pair = [1, 2].map(|mate| testdata(&format!("hiseq_measles/hiseq_measles_{mate}.fastq.gz")));
    bm(&["filter", "-o", "/dev/null", "--trim"], &pair, "pair.html")?;
    let sample = workspace.root.join(SAMPLE_READS);
    bm(&["filter", "-o", "/dev/null"], &[testdata("nanopore_lambda_4line.fastq.gz")], "long.html")?;
    let scores = file("scores.tsv");
    let mut score = Command::new(workspace.build_bm()?);
    process::kept(score.args(["score", "-q", "-o"]).arg(&scores).arg(&sample))?;
    bm(&["tune", "-o", "/dev/null"], &[scores], "tune.html")?;
    let phage = testdata("hiseqx_phage/hiseqx_phage.fastq.gz");
    let model = file("run.model");
    let model = model.to_str().context("a path that is no UTF-8")?;
    bm(&["adapt", "-o", model], &[phage], "adapt.html")?;
    Ok(["pair.html", "long.html", "tune.html", "adapt.html"].map(file).to_vec())
}

/// Opens a page and returns what is wrong with it.
fn opened(
    browser: &str,
    scratch: &Path,
    page: &Path,
    width: u32,
    is_dark: bool,
) -> Result<Vec<String>> {
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-extensions",
        "--virtual-time-budget=30000",
        "--dump-dom",
        // 0 is dark, 1 is light.
        &format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)),
        &format!("--window-size={width},900"),
    ]);
    let mut profile = std::ffi::OsString::from("--user-data-dir=");
    profile.push(scratch.join("browser"));
    let dom = process::stdout(command.arg(profile).arg(page))?;
    let Some((_, found)) = dom.split_once("data-found=\"") else {
        bail!("{browser} did not run the check of {}", page.display());
    };
    let found = found.split('"').next().unwrap_or_default();
    let found: Value = serde_json::from_slice(&decoded(found))
        .with_context(|| format!("the result of {browser}: {found}"))?;
    let found = found.as_array().context("the result is no list")?;
    Ok(found.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Returns the bytes of a text in which `%41` stands for `A`.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = others.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_decoded() {
        assert_eq!(decoded("%5B%22a%20b%22%5D"), b"[\"a b\"]");
        assert_eq!(decoded("100%"), b"100%");
    }
}
