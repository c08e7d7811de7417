//! The section on what long reads yield by quality and length.

use bm_pipeline::yields::{LENGTHS, QUALITIES, Yields};
use serde_json::{Map, Value, json};

use crate::multiqc::sections::{id, section};

/// Quality and length of the columns that are shown at first; the others can be switched on.
const SHOWN: [(u8, u64); 6] = [(0, 0), (10, 0), (20, 0), (10, 10_000), (20, 10_000), (10, 50_000)];

/// Returns a table with the bases of all reads of a sample: a column for each quality and length.
pub(super) fn table(yields: &Yields, sample: &str) -> Value {
    let (mut row, mut headers) = (Map::new(), Map::new());
    for (quality, bases) in QUALITIES.into_iter().zip(&yields.before.bases) {
        for (length, bases) in LENGTHS.into_iter().zip(bases) {
            let key = format!("q{quality}_{length}");
            let of = match (quality, length) {
                (0, 0) => "All".to_owned(),
                (0, _) => format!("≥ {} kb", length / 1_000),
                (_, 0) => format!("≥ Q{quality}"),
                _ => format!("≥ Q{quality}, {} kb", length / 1_000),
            };
            let header = json!({
                "title": of,
                "description": format!(
                    "Bases in reads of a mean quality of at least {quality} and at least {length} bases, \
                     by expected errors, before filtering"
                ),
                "suffix": " Mb",
                "min": 0,
                "scale": "Blues",
                "format": "{:,.1f}",
                "hidden": !SHOWN.contains(&(quality, length)),
            });
            headers.insert(key.clone(), header);
            row.insert(key, json!(*bases as f64 / 1e6));
        }
    }
    let description = "Bases in long reads by the quality of the mean error rate that is expected in the \
                       read, and by length, before filtering.";
    let mut content = section("yield", "Yield by quality and length", description);
    content["plot_type"] = "table".into();
    content["pconfig"] = json!({
        "id": format!("{}_table", id("yield")),
        "title": "bm: Yield by quality and length",
        "namespace": "bm",
    });
    content["headers"] = headers.into();
    content["data"] = json!({sample: row});
    content
}
