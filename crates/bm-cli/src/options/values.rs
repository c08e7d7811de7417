//! Parsers of option values. An invalid value is wrong usage, reported before any file is opened.

use bm_pipeline::{FEWEST_BYTES, NoShard, Shard, ShareOfKmers};
use bm_quality::Threshold;
use bytesize::ByteSize;

/// Parses a threshold of probabilities.
pub(crate) fn threshold(text: &str) -> Result<Threshold, String> {
    let value =
        text.parse().map_err(|_| "expected a number from 0 to 1, such as 0.5".to_owned())?;
    Threshold::new(value).map_err(|error| error.to_string())
}

/// Parses the memory for learning a run, in bytes.
pub(crate) fn learning_bytes(text: &str) -> Result<u64, String> {
    let size = text
        .parse::<ByteSize>()
        .map_err(|_| "expected a number of bytes, such as 500M or 2G".to_owned())?;
    if size.as_u64() < FEWEST_BYTES {
        let least = FEWEST_BYTES.div_ceil(1_000_000);
        return Err(format!(
            "expected at least {least}M: learning needs nearly as much beside the k-mers"
        ));
    }
    Ok(size.as_u64())
}

/// Parses a shard of the k-mers.
pub(crate) fn share_of_kmers(text: &str) -> Result<ShareOfKmers, String> {
    let shard: Shard = text.parse().map_err(|error: NoShard| error.to_string())?;
    let share =
        |number, of| ShareOfKmers::new(u16::try_from(number).ok()?, u16::try_from(of).ok()?);
    share(shard.index(), shard.of())
        .ok_or_else(|| format!("expected at most {} shards", ShareOfKmers::MOST))
}

/// Parses a number of bases.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>().ok().map(|size| size.as_u64()).filter(|size| *size > 0);
    size.ok_or_else(|| "expected a number, such as 500M or 2G".to_owned())
}

/// Parses a time of measuring, in seconds.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.1..=3600.0).contains(value));
    value.ok_or_else(|| "expected a number of seconds from 0.1 to 3600".to_owned())
}

/// Parses a number of expected errors.
pub(crate) fn expected_errors(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..f64::INFINITY).contains(value));
    value.ok_or_else(|| "expected a number of errors, such as 1".to_owned())
}

/// Parses a fraction.
pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected a fraction from 0 to 1, such as 0.1".to_owned())
}

/// Parses a number of expected errors per base.
pub(crate) fn expected_error_rate(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected errors per base, from 0 to 1, such as 0.01".to_owned())
}

/// Parses a mean quality.
pub(crate) fn mean_quality(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (0.0..=93.0).contains(value));
    value.ok_or_else(|| "expected a Phred quality from 0 to 93, such as 10".to_owned())
}

/// Parses the price of a wrong base.
pub(crate) fn price(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1e6).contains(value));
    value.ok_or_else(|| "expected a number of right bases, such as 19".to_owned())
}
