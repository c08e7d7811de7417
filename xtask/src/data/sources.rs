//! The list of runs and of the packages that hold their reads, `research/data/sources.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The name of a run's reference.
pub(super) const REFERENCE: &str = "ref.fa";

/// The list of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sources {
    pub(super) package: Vec<Package>,
    pub(super) run: Vec<Run>,
}

/// A package that holds reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) registry: Registry,
    pub(super) licence: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Registry {
    /// The Python package index, through pip.
    Pypi,
    /// Debian's archive, through apt.
    Debian,
}

/// A sequencing run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    pub(super) name: String,
    /// The parent of its folder: `train` or `devtest`.
    pub(super) part: String,
    /// Used by the evaluation, which reads this list too.
    #[expect(dead_code, reason = "read by research/evaluation")]
    platform: String,
    pub(super) instrument: String,
    pub(super) source: Option<String>,
    pub(super) licence: Option<String>,
    #[serde(default, rename = "file")]
    pub(super) files: Vec<File>,
    pub(super) truth: Option<Truth>,
}

/// How the true errors of a run are counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Truth {
    /// The program that aligns the reads, a Debian package of its own name, and its options.
    pub(super) aligner: Vec<String>,
    /// The reference in this repository, where the package has none. It becomes `ref.fa` of the run.
    pub(super) reference: Option<String>,
    /// Options of `bm truth`.
    #[serde(default)]
    pub(super) options: Vec<String>,
}

/// A file of a run, from a package.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) package: String,
    /// Paths in the package; several files are joined.
    pub(super) paths: Vec<String>,
    pub(super) name: String,
    /// Digest of the final file.
    pub(super) sha256: String,
}

/// A file to be written, and its path.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a File,
    pub(super) place: PathBuf,
}

/// Reads and checks the list.
pub(super) fn read(path: &Path) -> Result<Sources> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    parse(&text).with_context(|| path.display().to_string())
}

pub(super) fn parse(text: &str) -> Result<Sources> {
    let sources: Sources = toml::from_str(text)?;
    let packages: BTreeSet<_> =
        sources.package.iter().map(|package| package.name.as_str()).collect();
    let mut places = BTreeSet::new();
    for run in &sources.run {
        if let Some(truth) = &run.truth {
            ensure!(!run.files.is_empty(), "{}: truth without reads", run.name);
            ensure!(!truth.aligner.is_empty(), "{}: no aligner", run.name);
            let references = run.files.iter().filter(|file| file.name == REFERENCE).count();
            let found = references + usize::from(truth.reference.is_some());
            ensure!(found == 1, "{}: {found} references, expected one", run.name);
        }
        for file in &run.files {
            ensure!(
                packages.contains(file.package.as_str()),
                "{}: no package {} is listed",
                run.name,
                file.package
            );
            ensure!(!file.paths.is_empty(), "{}/{}: no path", run.name, file.name);
            let is_hex =
                file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_hex, "{}/{}: {:?} is not a SHA-256", run.name, file.name, file.sha256);
            // Names become paths below the output folder, and must stay there.
            for part in [&run.part, &run.name, &file.name] {
                let is_plain =
                    !part.is_empty() && !part.contains(['/', '\\']) && part != ".." && part != ".";
                ensure!(is_plain, "{part:?} is not a plain file name");
            }
            ensure!(
                places.insert((&run.part, &run.name, &file.name)),
                "{}/{} is listed twice",
                run.name,
                file.name
            );
        }
    }
    Ok(sources)
}

impl Sources {
    /// Returns the files from `package`, and their paths below `output`.
    pub(super) fn wanted(&self, package: &Package, output: &Path) -> Vec<Wanted<'_>> {
        let files = self.run.iter().flat_map(|run| run.files.iter().map(move |file| (run, file)));
        let ours = files.filter(|(_, file)| file.package == package.name);
        ours.map(|(run, file)| Wanted { file, place: run.folder(output).join(&file.name) })
            .collect()
    }

    /// Returns lines about each run: what was downloaded, and where the others come from.
    pub(super) fn report(&self) -> Vec<String> {
        let (fetched, others): (Vec<_>, Vec<_>) =
            self.run.iter().partition(|run| !run.files.is_empty());
        let mut lines = vec!["downloaded:".to_owned()];
        for run in fetched {
            let package = self.package.iter().find(|package| package.name == run.files[0].package);
            let licence = package.map_or("", |package| &package.licence);
            lines.push(format!("  {}: {}; {}", run.id(), run.instrument, licence));
        }
        lines.push("not in a package:".into());
        for run in others {
            let source = run.source.as_deref().unwrap_or("no public source is recorded");
            let licence =
                run.licence.as_ref().map(|licence| format!("; {licence}")).unwrap_or_default();
            lines.push(format!("  {}: {}; {source}{licence}", run.id(), run.instrument));
        }
        lines.push(
            "a set of your own is a folder with FASTQ files and a table NAME.truth.tsv.gz, which \
             `bm truth` makes from an alignment"
                .into(),
        );
        lines
    }
}

impl Run {
    /// Returns the part and the name, as in a path.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.part, self.name)
    }

    /// Returns its folder below `output`.
    pub(super) fn folder(&self, output: &Path) -> PathBuf {
        output.join(&self.part).join(&self.name)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::digest;

    pub(in crate::data) const LIST: &str = r#"
        [[package]]
        name = "p"
        version = "1"
        registry = "debian"
        licence = "MIT"
        [[run]]
        name = "a"
        part = "train"
        platform = "illumina"
        instrument = "MiSeq"
        [[run.file]]
        package = "p"
        paths = ["x.fa.gz", "y.fa.gz"]
        name = "ref.fa"
        sha256 = "DIGEST"
        [[run.file]]
        package = "p"
        paths = ["x.fq"]
        name = "reads.fq"
        sha256 = "DIGEST"
        [run.truth]
        aligner = ["bwa", "mem"]
        options = ["--min-mapq", "0"]
        [[run]]
        name = "b"
        part = "devtest"
        platform = "illumina"
        instrument = "HiSeq"
        source = "somewhere"
        licence = "BSD-3-Clause"
        [[run]]
        name = "c"
        part = "devtest"
        platform = "illumina"
        instrument = "NextSeq"
    "#;

    pub(in crate::data) fn list(content: &[u8]) -> Sources {
        parse(&LIST.replace("DIGEST", &digest::of_bytes(content))).expect("the list is right")
    }

    #[test]
    fn the_committed_list_is_valid_and_lists_every_run_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
        let sources = read(&root.join(crate::data::SOURCES)).expect("the list is right");
        let names: BTreeSet<_> = sources.run.iter().map(|run| &run.name).collect();
        assert_eq!(names.len(), sources.run.len());
        let output = Path::new("out");
        let places: Vec<_> = sources
            .package
            .iter()
            .flat_map(|package| sources.wanted(package, output))
            .map(|it| it.place)
            .collect();
        assert!(
            places.contains(&output.join("train/hiseqx_phage/Illimina1.8.fastq.gz")),
            "{places:?}"
        );
        assert!(
            places.contains(&output.join("devtest/hiseq_measles/seq_hm2_2.fastq.gz")),
            "{places:?}"
        );
        for run in &sources.run {
            let reference = run.truth.as_ref().and_then(|truth| truth.reference.as_ref());
            assert!(reference.is_none_or(|path| root.join(path).is_file()), "{}", run.name);
            // What can be fetched can be evaluated.
            assert_eq!(run.truth.is_some(), !run.files.is_empty(), "{}", run.name);
        }
        assert_eq!(places.len(), sources.run.iter().map(|run| run.files.len()).sum::<usize>());
    }

    #[test]
    fn paths_outside_the_folder_and_invalid_digests_are_refused() {
        let refused = |from: &str, to: &str| {
            parse(&LIST.replace("DIGEST", &digest::of_bytes(b"")).replace(from, to)).is_err()
        };
        assert!(!refused("nothing", ""));
        assert!(refused("\"train\"", "\"..\""));
        assert!(refused("\"ref.fa\"", "\"../ref.fa\""));
        assert!(refused("sha256 = \"", "sha256 = \"0"));
        assert!(refused("package = \"p\"", "package = \"q\""));
        assert!(refused("instrument", "instruments"));
        assert!(refused("aligner = [\"bwa\", \"mem\"]", "aligner = []"));
        assert!(refused("\"ref.fa\"", "\"other.fa\""), "truth without a reference");
        assert!(refused("options", "reference = \"testdata/ref.fa\"\noptions"), "two references");
    }

    #[test]
    fn the_report_lists_known_and_unknown_sources() {
        let report = list(b"").report().join("\n");
        assert!(report.contains("train/a: MiSeq; MIT"), "{report}");
        assert!(report.contains("devtest/b: HiSeq; somewhere; BSD-3-Clause"), "{report}");
        assert!(report.contains("devtest/c: NextSeq; no public source is recorded"), "{report}");
        assert!(report.contains("bm truth"), "{report}");
    }
}
