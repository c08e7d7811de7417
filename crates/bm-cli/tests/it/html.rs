//! The page of `bm adapt`: complete, self-contained, and with the numbers of the JSON report.

use std::fs;
use std::os::unix::fs::symlink;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

use crate::support::{Scratch, bm, command, record, run, testdata};

/// Parses a page, which is also XML, and checks that it loads and runs nothing.
#[track_caller]
fn on_its_own(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(page, options).unwrap();
    for node in document.descendants().filter(Node::is_element) {
        assert!(
            !["script", "link", "img", "image", "iframe", "object", "use"]
                .contains(&node.tag_name().name()),
            "{node:?}"
        );
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!["src", "href", "data"].contains(&name) && !name.starts_with("on"), "{name}");
        }
    }
    for loads in ["http", "url(", "@import", "<script"] {
        assert!(!page.contains(loads), "{loads}");
    }
    document
}

fn text_of<'a>(document: &'a Document<'_>, tag: &str) -> Vec<&'a str> {
    let nodes = document.descendants().filter(|node| node.has_tag_name(tag));
    nodes.filter_map(|node| node.text()).collect()
}

/// Returns a count as the page writes it.
fn apart(value: &Value) -> String {
    let digits = value.as_u64().unwrap().to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

#[test]
fn the_page_has_the_figures_and_numbers_of_the_report_for_any_number_of_threads() {
    let scratch = Scratch::new();
    let input = testdata("hiseqx_phage/hiseqx_phage.fastq.gz");
    let (model, html, json) =
        (scratch.path("run.model"), scratch.path("run.html"), scratch.path("run.json"));
    bm(["adapt", &input, "-o", &model, "--html", &html, "--report", &json, "-q", "-j", "1"]).done();
    let page = fs::read_to_string(&html).unwrap();
    bm(["adapt", &input, "-o", &model, "--html", &html, "-q", "-j", "3"]).done();
    assert!(page == fs::read_to_string(&html).unwrap());
    let document = on_its_own(&page);
    assert_eq!(text_of(&document, "h1"), ["Adapted to this run"]);
    assert_eq!(
        text_of(&document, "h2"),
        [
            "Reported and measured quality",
            "Error rate along the read",
            "Errors by preceding bases",
            "Errors after homopolymers",
            "Accuracy on held-out reads",
            "What was not learned"
        ]
    );
    let figures: Vec<_> =
        document.descendants().filter(|node| node.has_tag_name("figure")).collect();
    assert_eq!(figures.len(), 4);
    assert!(
        figures.iter().all(|figure| figure.descendants().any(|node| node.has_tag_name("circle")))
    );

    let report: Value = serde_json::from_slice(&scratch.read("run.json")).unwrap();
    let findings = &report["adaptation"]["findings"];
    let held = &findings["held_out"];
    for key in ["reads_seen", "bases_seen", "reads_kept", "positions", "labelled", "wrong"] {
        assert!(page.contains(&apart(&findings[key])), "{key}");
    }
    for key in ["reads", "labelled", "wrong", "good_reads", "bad_reads"] {
        assert!(page.contains(&apart(&held[key])), "{key}");
    }
    assert!(page.contains(&format!("<b>{}×</b>", findings["depth"])));
    for candidate in ["reported", "start", "table", "adapted"] {
        let loss =
            format!("<td>{:.2}</td>", held[candidate]["log_loss_millibits"].as_f64().unwrap());
        let auc = format!("<td>{:.3}</td>", held[candidate]["auc"].as_f64().unwrap());
        assert!(page.contains(&loss) && page.contains(&auc), "{candidate}");
    }
    assert!(page.contains("hiseqx_phage.fastq.gz"));
    assert!(!page.contains(input.trim_end_matches("hiseqx_phage.fastq.gz")), "no folder is named");
}

#[test]
fn the_page_of_a_run_that_cannot_be_learned_says_why() {
    let scratch = Scratch::new();
    let reads: Vec<u8> =
        (0..10).flat_map(|number| record(&number.to_string(), 100, b'I')).collect();
    let reads = scratch.file("<b>&.fastq", &reads);
    let html = scratch.path("run.html");
    bm(["adapt", &reads, "-o", &scratch.path("run.model"), "--html", &html, "-q"]).done();
    let page = fs::read_to_string(&html).unwrap();
    let document = on_its_own(&page);
    assert!(text_of(&document, "h1")[0].starts_with("Not adapted: "));
    assert_eq!(text_of(&document, "h2"), ["What was not learned"]);
    assert!(
        page.contains("<p>Only ") && page.contains("bases can be checked against other reads"),
        "{page}"
    );
    assert!(text_of(&document, "p").contains(&"<b>&.fastq"));
}

#[test]
fn the_page_overwrites_neither_inputs_nor_other_outputs() {
    let scratch = Scratch::new();
    let reads = scratch.file("reads.fastq", &record("1", 100, b'I'));
    let (model, same) = (scratch.path("run.model"), scratch.path("same"));
    symlink(&same, scratch.folder().join("link")).unwrap();
    for other in ["--report", "--labels"] {
        let message =
            run(&mut command(["adapt", &reads, "-o", &model, "--html", &same, other, &same]))
                .refused();
        assert!(message.contains("is named for two outputs"), "{message}");
    }
    let message = bm(["adapt", &reads, "-o", &same, "--html", &same]).refused();
    assert!(message.contains("is named for two outputs"), "{message}");
    let message = bm(["adapt", &reads, "-o", &model, "--html", &reads]).refused();
    assert!(message.contains("is an input too"), "{message}");
    assert_eq!(scratch.names(), ["link", "reads.fastq"]);
}
