//! One of the parts into which several machines divide a run.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

/// One of the parts into which several machines divide the records of a run: the second of four is
/// `2/4`.
///
/// ```
/// let shard: bm_io::Shard = "2/4".parse()?;
/// assert_eq!((shard.index(), shard.of(), shard.to_string().as_str()), (2, 4, "2/4"));
/// assert!("5/4".parse::<bm_io::Shard>().is_err());
/// # Ok::<(), bm_io::NoShard>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// Why there is no such shard.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error(
    "expected the number of a shard and the number of shards, such as 1/{n} to {n}/{n}; at most {most} \
     shards",
    n = n.unwrap_or(4),
    most = Shard::MOST
)]
pub struct NoShard {
    /// The number of shards, if it is one.
    n: Option<u32>,
}

impl Shard {
    /// Most shards of a run.
    pub const MOST: u32 = 100_000;

    /// Returns the shard of this number, from 1, of this many.
    ///
    /// # Errors
    ///
    /// If there is no such shard, or if there are more than [`Shard::MOST`].
    pub fn new(index: u32, of: u32) -> Result<Self, NoShard> {
        if !(1..=Self::MOST).contains(&of) {
            return Err(NoShard { n: None });
        }
        if !(1..=of).contains(&index) {
            return Err(NoShard { n: Some(of) });
        }
        Ok(Self { index, of })
    }

    /// Returns its number, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of shards.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Returns whether it is the first one, which begins where the files do.
    pub fn is_first(self) -> bool {
        self.index == 1
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let number = |text: &str| text.parse().map_err(|_| NoShard { n: None });
        let (index, of) = text.split_once('/').ok_or(NoShard { n: None })?;
        Self::new(number(index)?, number(of)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_that_do_not_exist_are_refused() {
        for text in ["", "1", "0/4", "5/4", "0/0", "1/0", "-1/4", "a/b", "1/4/4", "1/100001"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        let error = "5/3".parse::<Shard>().expect_err("there are three");
        assert!(error.to_string().contains("1/3 to 3/3"), "{error}");
    }
}
