//! The parts of the reference whose variants are wanted.

use bm_truth::Reference;

use crate::CallError;

/// Parts of the reference; all of it if none is named.
#[derive(Clone, Debug, Default)]
pub struct Regions(Vec<Region>);

/// A stretch of a sequence, half-open and 0-based.
#[derive(Clone, Copy, Debug)]
struct Region {
    sequence: usize,
    from: usize,
    to: usize,
}

impl Regions {
    /// Returns the regions of names such as `chr1` and `chr1:1001-2000`, whose positions are 1-based and both
    /// within the region, as samtools has them.
    ///
    /// # Errors
    ///
    /// [`CallError::Region`] if a region is not on the reference.
    pub fn parse(reference: &Reference, texts: &[String]) -> Result<Self, CallError> {
        texts.iter().map(|text| parse(reference, text)).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether a position is in one of the regions.
    pub fn contain(&self, sequence: usize, place: usize) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|it| it.sequence == sequence && (it.from..it.to).contains(&place))
    }
}

fn parse(reference: &Reference, text: &str) -> Result<Region, CallError> {
    let refuse = |reason: String| CallError::Region { region: text.to_owned(), reason };
    let find = |name: &str| reference.names().position(|(it, _)| it == name);
    // Names may have colons.
    if let Some(sequence) = find(text) {
        return Ok(Region { sequence, from: 0, to: usize::MAX });
    }
    let (name, range) = text.rsplit_once(':').unwrap_or((text, ""));
    let Some(sequence) = find(name) else {
        return Err(refuse(format!("the reference has no sequence {name}")));
    };
    let (from, to) = range.split_once('-').unwrap_or((range, ""));
    let number = |digits: &str| {
        digits
            .replace(',', "")
            .parse::<usize>()
            .map_err(|_| refuse("expected NAME, NAME:FROM or NAME:FROM-TO, from 1".to_owned()))
    };
    let length = reference.sequence(sequence).len();
    let (from, to) = (number(from)?, if to.is_empty() { length } else { number(to)? });
    if from == 0 || from > to || from > length {
        return Err(refuse(format!("{name} has the positions 1 to {length}")));
    }
    Ok(Region { sequence, from: from - 1, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_named_as_samtools_names_them() {
        let reference = Reference::read(&b">a\nACGTACGT\n>HLA:1-2\nACG\n"[..]).expect("FASTA");
        let parse = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|it| (*it).to_owned()).collect();
            Regions::parse(&reference, &texts)
        };
        let two = parse(&["a:2-3", "HLA:1-2"]).expect("regions");
        let inside: Vec<usize> = (0..8).filter(|at| two.contain(0, *at)).collect();
        assert_eq!(inside, [1, 2]);
        assert!(two.contain(1, 0) && parse(&[]).expect("all").contain(0, 7));
        assert!(parse(&["a:7"]).expect("to the end").contain(0, 7));
        for wrong in ["b", "b:1-2", "a:0-3", "a:3-2", "a:x", "a:9"] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
    }
}
