//! A model package holds exactly the files of its manifest, with their digests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{digest, folder};

/// Files that a manifest does not list: the manifest itself, and the card, which is rendered from it.
const UNLISTED: [&str; 2] = ["manifest.json", "README.md"];

#[derive(Deserialize)]
struct Manifest {
    files: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
struct Listed {
    sha256: String,
    bytes: u64,
}

/// Returns the differences between the folder `package`, called `name` in the findings, and its
/// manifest.
///
/// # Errors
/// When the manifest or a file cannot be read.
pub(super) fn check(name: &str, package: &Path) -> Result<Vec<String>> {
    let path = package.join("manifest.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let manifest: Manifest =
        serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let mut findings = Vec::new();
    for (file, listed) in &manifest.files {
        let path = package.join(file);
        if !path.is_file() {
            findings.push(format!("{name}/manifest.json: lists {file}, which does not exist"));
            continue;
        }
        let (sha256, bytes) = (digest::of_file(&path)?, path.metadata()?.len());
        if sha256 != listed.sha256 {
            findings.push(format!(
                "{name}/{file}: SHA-256 is {sha256}, by the manifest {}",
                listed.sha256
            ));
        }
        if bytes != listed.bytes {
            findings.push(format!(
                "{name}/{file}: has {bytes} bytes, by the manifest {}",
                listed.bytes
            ));
        }
    }
    for path in folder::entries(package)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !manifest.files.contains_key(&file) && !UNLISTED.contains(&file.as_str()) {
            findings.push(format!("{name}/{file}: not in the manifest"));
        }
    }
    for required in ["model.onnx", "model.ane.onnx", "golden.json"] {
        if !manifest.files.contains_key(required) {
            findings.push(format!("{name}/manifest.json: does not list {required}"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;

    const FILES: [(&str, &str); 3] =
        [("model.onnx", "one"), ("model.ane.onnx", "two"), ("golden.json", "{}")];

    /// Returns the findings of a valid package after `change`.
    fn findings(test: &str, change: impl FnOnce(&PathBuf, &mut Value)) -> Vec<String> {
        let folder = env::temp_dir().join(format!("xtask-models-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let mut manifest = json!({ "files": {} });
        for (name, text) in FILES {
            fs::write(folder.join(name), text).expect("written");
            manifest["files"][name] =
                json!({ "sha256": digest::of_bytes(text.as_bytes()), "bytes": text.len() });
        }
        fs::write(folder.join("README.md"), "card").expect("written");
        change(&folder, &mut manifest);
        fs::write(folder.join("manifest.json"), manifest.to_string()).expect("written");
        let findings = check("models/m", &folder).expect("readable");
        fs::remove_dir_all(folder).expect("removed");
        findings
    }

    #[test]
    fn a_package_that_fits_its_manifest_is_no_finding() {
        assert_eq!(findings("whole", |_, _| {}), Vec::<String>::new());
    }

    #[test]
    fn a_changed_file_is_a_finding() {
        let found = findings("changed", |folder, _| {
            fs::write(folder.join("model.onnx"), "eno").expect("written");
        });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("models/m/model.onnx: SHA-256 is"), "{found:?}");
    }

    #[test]
    fn a_wrong_size_a_missing_and_an_unlisted_file_are_findings() {
        let size =
            findings("size", |_, manifest| manifest["files"]["model.onnx"]["bytes"] = json!(9));
        assert_eq!(size, ["models/m/model.onnx: has 3 bytes, by the manifest 9"]);
        let missing = findings("missing", |folder, _| {
            fs::remove_file(folder.join("golden.json")).expect("removed");
        });
        assert_eq!(missing, ["models/m/manifest.json: lists golden.json, which does not exist"]);
        let unlisted = findings("unlisted", |folder, _| {
            fs::write(folder.join("notes.txt"), "").expect("written");
        });
        assert_eq!(unlisted, ["models/m/notes.txt: not in the manifest"]);
    }

    #[test]
    fn a_manifest_that_leaves_out_a_model_file_is_a_finding() {
        let found = findings("left-out", |folder, manifest| {
            fs::remove_file(folder.join("model.ane.onnx")).expect("removed");
            manifest["files"].as_object_mut().expect("an object").remove("model.ane.onnx");
        });
        assert_eq!(found, ["models/m/manifest.json: does not list model.ane.onnx"]);
    }
}
