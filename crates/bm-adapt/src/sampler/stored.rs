//! A sampler as bytes, to be merged with those of other parts of a run.
//!
//! All numbers are little-endian. Places, and the templates of each, are in rising order, so that equal
//! samplers have equal bytes.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};

use bm_reads::Phred;
use bm_reads::base::UNKNOWN;
use bm_reads::conversion::Conversion;

use super::copies::Copies;
use super::place::{Member, Place};
use super::step::Step;
use super::template::{Part, Template};
use super::{LONGEST, Sampler};
use crate::AdaptError;

impl Sampler {
    /// Writes the sampler.
    ///
    /// # Errors
    ///
    /// The error of the output.
    pub fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(&self.step.number().to_le_bytes())?;
        let conversion = self.conversion.map_or(0, Conversion::number);
        output.write_all(&[conversion])?;
        let counts = [self.room, self.templates, self.reads_seen, self.bases_seen];
        for number in counts.into_iter().chain([self.longest as u64]) {
            output.write_all(&number.to_le_bytes())?;
        }
        self.copies.write(output)?;
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_unstable_by_key(|(lowest, _)| **lowest);
        output.write_all(&(places.len() as u64).to_le_bytes())?;
        for (lowest, place) in places {
            output.write_all(&lowest.to_le_bytes())?;
            place.write(output)?;
        }
        Ok(())
    }

    /// Returns the sampler that was written, which must have as much room.
    ///
    /// # Errors
    ///
    /// [`AdaptError::Sample`] if the bytes are those of no such sampler, [`AdaptError::SampleInput`] if
    /// they cannot be read.
    pub fn read(input: &mut impl Read, room: usize) -> Result<Self, AdaptError> {
        let mut sampler = Self::new(room);
        let step = read_u32(input)?;
        sampler.step =
            Step::of(step).ok_or_else(|| broken(format!("step {step}, which there is not")))?;
        sampler.conversion = match read_u8(input)? {
            0 => None,
            number => Some(
                Conversion::with_number(number)
                    .ok_or_else(|| broken(format!("conversion {number}, which there is not")))?,
            ),
        };
        let stored = read_u64(input)?;
        if stored != sampler.room {
            return Err(broken(format!("room for {stored} bases, expected {}", sampler.room)));
        }
        sampler.templates = read_u64(input)?;
        sampler.reads_seen = read_u64(input)?;
        sampler.bases_seen = read_u64(input)?;
        sampler.longest = usize::try_from(read_u64(input)?).unwrap_or(usize::MAX);
        sampler.copies = Copies::read(input)?;
        let places = read_u64(input)?;
        let (limit, most) = (sampler.step.limit(), sampler.step.most());
        let mut before = None;
        let mut bases = 0;
        for _ in 0..places {
            let lowest = read_u64(input)?;
            if lowest >= limit || before.is_some_and(|before| lowest <= before) {
                return Err(broken("places that do not rise to the limit".to_owned()));
            }
            before = Some(lowest);
            let place = Place::read(input, most, &mut sampler.keys)?;
            bases += place.bases();
            if bases > sampler.room {
                return Err(broken(format!("more than the {} bases that fit", sampler.room)));
            }
            sampler.places.insert(lowest, place);
        }
        sampler.add_up();
        sampler.make_room();
        Ok(sampler)
    }
}

impl Copies {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(&(self.times.len() as u32).to_le_bytes())?;
        for (hash, times) in &self.times {
            output.write_all(&hash.to_le_bytes())?;
            output.write_all(&times.to_le_bytes())?;
        }
        Ok(())
    }

    fn read(input: &mut impl Read) -> Result<Self, AdaptError> {
        let templates = read_u32(input)?;
        if templates as usize > Self::MOST {
            return Err(broken(format!(
                "{templates} templates for all, expected at most {}",
                Self::MOST
            )));
        }
        let mut times = BTreeMap::new();
        for _ in 0..templates {
            let (hash, number) = (read_u64(input)?, read_u64(input)?);
            if number == 0 || times.last_key_value().is_some_and(|(last, _)| hash <= *last) {
                return Err(broken("templates that do not rise, or that no read has".to_owned()));
            }
            times.insert(hash, number);
        }
        Ok(Self { times })
    }
}

impl Place {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(&self.longest.to_le_bytes())?;
        output.write_all(&[u8::from(self.was_full)])?;
        output.write_all(&(self.members.len() as u64).to_le_bytes())?;
        let mut members: Vec<&Member> = self.members.iter().collect();
        members.sort_unstable();
        for Member { key, template } in members {
            for number in [*key, template.number, template.content] {
                output.write_all(&number.to_le_bytes())?;
            }
            output.write_all(&[template.reads.len() as u8])?;
            for Part { length, outside, mate } in &template.reads {
                for number in [*length, outside[0], outside[1]] {
                    output.write_all(&number.to_le_bytes())?;
                }
                output.write_all(&[*mate])?;
            }
            output.write_all(&template.values)?;
        }
        Ok(())
    }

    fn read(input: &mut impl Read, most: u64, keys: &mut HashSet<u64>) -> Result<Self, AdaptError> {
        let mut place = Self::default();
        place.longest = read_u64(input)?;
        place.was_full = read_u8(input)? > 0;
        let members = read_u64(input)?;
        if members > most || members == 0 {
            return Err(broken(format!("{members} templates of one place, expected 1 to {most}")));
        }
        for _ in 0..members {
            let [key, number, content] = [read_u64(input)?, read_u64(input)?, read_u64(input)?];
            if !keys.insert(key) {
                return Err(broken("a template twice".to_owned()));
            }
            let template = Template::read(input, number, content)?;
            place.add(Member { key, template: Box::new(template) });
        }
        Ok(place)
    }
}

impl Template {
    fn read(input: &mut impl Read, number: u64, content: u64) -> Result<Self, AdaptError> {
        let reads = read_u8(input)?;
        if !matches!(reads, 1 | 2) {
            return Err(broken(format!("a template of {reads} reads, expected one or two")));
        }
        let mut parts = Vec::new();
        for _ in 0..reads {
            let part = Part {
                length: read_u32(input)?,
                outside: [read_u32(input)?, read_u32(input)?],
                mate: read_u8(input)?,
            };
            if part.length == 0 || part.length as usize > LONGEST || !matches!(part.mate, 1 | 2) {
                return Err(broken(format!(
                    "a read of {} bases, mate {}: expected 1 to {LONGEST}, and mate 1 or 2",
                    part.length, part.mate
                )));
            }
            parts.push(part);
        }
        let bases: usize = parts.iter().map(|part| part.length as usize).sum();
        let mut values = vec![0; 2 * bases];
        fill(input, &mut values)?;
        let (codes, scores) = values.split_at(bases);
        if codes.iter().any(|code| *code > UNKNOWN)
            || scores.iter().any(|score| *score > Phred::MAX.get())
        {
            return Err(broken("a base or a quality that there is not".to_owned()));
        }
        Ok(Self { number, content, reads: parts, values: values.into_boxed_slice() })
    }
}

fn read_u8(input: &mut impl Read) -> Result<u8, AdaptError> {
    let mut bytes = [0];
    fill(input, &mut bytes)?;
    Ok(bytes[0])
}

fn read_u32(input: &mut impl Read) -> Result<u32, AdaptError> {
    let mut bytes = [0; 4];
    fill(input, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn read_u64(input: &mut impl Read) -> Result<u64, AdaptError> {
    let mut bytes = [0; 8];
    fill(input, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), AdaptError> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken("it ends too early".to_owned()),
        _ => AdaptError::SampleInput(error),
    })
}

fn broken(reason: String) -> AdaptError {
    AdaptError::Sample(reason)
}
