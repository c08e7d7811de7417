//! Tags as text: which of them go into the descriptions of FASTQ, and descriptions that are tags.

use std::str::FromStr;

use bm_reads::bam::tags::size_of_number;

use crate::tag_values::{Name, write_array, write_text};

/// Which tags of reads from BAM are written into the descriptions of FASTQ.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TagList {
    all: bool,
    names: Vec<Name>,
}

/// A text that is no list of tags.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected names of tags with commas between them, such as RG,BC, or * for all")]
pub struct BadTagList;

impl FromStr for TagList {
    type Err = BadTagList;

    fn from_str(text: &str) -> Result<Self, BadTagList> {
        if text == "*" {
            return Ok(Self { all: true, names: Vec::new() });
        }
        let name = |word: &str| match word.as_bytes() {
            [one, other] if is_name([*one, *other]) => Ok([*one, *other]),
            _ => Err(BadTagList),
        };
        Ok(Self { all: false, names: text.split(',').map(name).collect::<Result<_, _>>()? })
    }
}

impl TagList {
    /// Returns whether no tag is in the list.
    pub(crate) fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    /// Returns whether a tag is in the list.
    pub(crate) fn has(&self, name: Name) -> bool {
        self.all || self.names.contains(&name)
    }
}

fn is_name(name: Name) -> bool {
    name[0].is_ascii_alphabetic() && name[1].is_ascii_alphanumeric()
}

/// Appends the description of a read from FASTQ as tags: each field, if all fields are tags as SAM has them,
/// as samtools and dorado write them into FASTQ; otherwise as the comment `CO`.
pub(crate) fn write_description(description: &[u8], to: &mut Vec<u8>) {
    if !write_fields(description, to) {
        write_text(*b"CO", description, to);
    }
}

/// Appends the fields of a description as tags, and returns whether all of them are tags as SAM has them;
/// otherwise nothing is appended. An empty description has no fields.
pub(crate) fn write_fields(description: &[u8], to: &mut Vec<u8>) -> bool {
    if description.is_empty() {
        return true;
    }
    let (start, mut names) = (to.len(), Vec::new());
    let are_tags = description.split(|byte| *byte == b'\t').all(|field| {
        let name = field.first_chunk::<2>();
        let is_new = name.is_some_and(|name| !names.contains(name));
        names.extend(name);
        is_new && write_tag(field, to).is_some()
    });
    if !are_tags {
        to.truncate(start);
    }
    are_tags
}

/// Appends a tag as SAM has it, such as `RG:Z:lane1`; `None` if it is none.
fn write_tag(field: &[u8], to: &mut Vec<u8>) -> Option<()> {
    let [one, other, b':', kind, b':', value @ ..] = field else { return None };
    if !is_name([*one, *other]) || value.contains(&0) {
        return None;
    }
    let text = std::str::from_utf8(value);
    match kind {
        b'Z' => write_text([*one, *other], value, to),
        b'A' | b'i' | b'f' => {
            to.extend_from_slice(&[*one, *other, *kind]);
            write_number(*kind, value, to)?;
        }
        b'B' => {
            let mut elements = text.ok()?.split(',');
            let [kind] = *elements.next()?.as_bytes() else { return None };
            size_of_number(kind).filter(|_| kind != b'A')?;
            let mut bytes = Vec::new();
            for element in elements {
                write_number(kind, element.as_bytes(), &mut bytes)?;
            }
            write_array([*one, *other], kind, &bytes, to);
        }
        _ => return None,
    }
    Some(())
}

/// Appends a number of this type; `None` if the text is none.
fn write_number(kind: u8, text: &[u8], to: &mut Vec<u8>) -> Option<()> {
    if let (b'A', [letter]) = (kind, text) {
        to.push(*letter);
        return Some(());
    }
    let text = std::str::from_utf8(text).ok()?;
    if kind == b'f' {
        to.extend_from_slice(&text.parse::<f32>().ok()?.to_le_bytes());
        return Some(());
    }
    let number: i64 = text.parse().ok()?;
    match kind {
        b'c' => to.extend_from_slice(&i8::try_from(number).ok()?.to_le_bytes()),
        b'C' => to.extend_from_slice(&u8::try_from(number).ok()?.to_le_bytes()),
        b's' => to.extend_from_slice(&i16::try_from(number).ok()?.to_le_bytes()),
        b'S' => to.extend_from_slice(&u16::try_from(number).ok()?.to_le_bytes()),
        b'i' => to.extend_from_slice(&i32::try_from(number).ok()?.to_le_bytes()),
        b'I' => to.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes()),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use bm_reads::bam::tags::tags;

    use super::*;

    /// Returns a description, written as tags and back.
    fn there_and_back(description: &str) -> String {
        let mut bytes = Vec::new();
        write_description(description.as_bytes(), &mut bytes);
        let mut text = Vec::new();
        for tag in tags(&bytes) {
            if !text.is_empty() {
                text.push(b'\t');
            }
            tag.unwrap().write_sam(&mut text);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn descriptions_of_tags_become_tags_and_others_comments() {
        let tags = "RG:Z:a b\tqs:f:12.5\tch:i:-7\tXA:A:x\tMM:Z:C+m,1;\tML:B:C,0,255\tip:B:S";
        assert_eq!(there_and_back(tags), tags);
        assert_eq!(there_and_back(""), "");
        for comment in [
            "1:N:0:ACGT",
            "RG:Z:a 1:N",
            "ch:i:7x",
            "ML:B:C,256",
            "ML:B:A,1",
            "RG:Z:a\tRG:Z:b",
            "RG:H:00",
            "1G:Z:a",
        ] {
            let expected = comment.replace('\t', " ");
            match there_and_back(comment) {
                // A text may have blanks.
                text if comment.starts_with("RG:Z:a 1") => assert_eq!(text, comment),
                text => assert_eq!(text, format!("CO:Z:{expected}")),
            }
        }
    }

    #[test]
    fn a_list_of_tags_is_read() {
        let list: TagList = "RG,mv".parse().unwrap();
        assert!(list.has(*b"RG") && list.has(*b"mv") && !list.has(*b"ML") && !list.is_empty());
        assert!("*".parse::<TagList>().unwrap().has(*b"ML"));
        assert!(TagList::default().is_empty());
        for text in ["", "R", "RG,", "RG;BC", "1G", "RGX", "RG,*"] {
            assert_eq!(text.parse::<TagList>(), Err(BadTagList), "{text}");
        }
    }
}
