//! Parsers of option values. An invalid value is wrong usage, reported before any file is opened.

use bm_pipeline::{FEWEST_BYTES, ShareOfKmers};
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
    let (number, of) = one_of(text)?;
    ShareOfKmers::new(number, of)
        .ok_or_else(|| format!("expected at most {} shards", ShareOfKmers::MOST))
}

/// Parses the number of a part and how many parts there are.
fn one_of(text: &str) -> Result<(u16, u16), String> {
    let numbers = text.split_once('/').map(|(number, of)| (number.parse(), of.parse()));
    match numbers {
        Some((Ok(number), Ok(of))) if (1..=of).contains(&number) => Ok((number, of)),
        _ => Err("expected a number and how many there are, such as 1/4 to 4/4".to_owned()),
    }
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

/// Parses the price of a wrong base.
pub(crate) fn price(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1e6).contains(value));
    value.ok_or_else(|| "expected a number of right bases, such as 19".to_owned())
}
