//! The tags of a record of BAM: their layout, and how they are written in SAM.

use std::io::Write as _;

use memchr::memchr;

/// A tag, borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tag<'a> {
    /// Its name, such as `RG`.
    pub name: [u8; 2],
    /// All of its bytes: name, type, value.
    pub raw: &'a [u8],
    /// The letter of its type.
    pub kind: u8,
    /// Its value: a number as little-endian bytes, a text without the zero byte, or an array.
    pub value: Value<'a>,
}

/// The value of a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value<'a> {
    /// A number or a character.
    Number(&'a [u8]),
    /// A text (`Z`) or bytes in hexadecimal (`H`), without the zero byte.
    Text(&'a [u8]),
    /// The elements of an array, and the letter of their type.
    Array(u8, &'a [u8]),
}

/// Returns the tags in these bytes, in order; `Err` with the rest that is no tag.
pub fn tags(mut bytes: &[u8]) -> impl Iterator<Item = Result<Tag<'_>, &[u8]>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        match first(bytes) {
            Some(tag) => {
                bytes = &bytes[tag.raw.len()..];
                Some(Ok(tag))
            }
            None => Some(Err(std::mem::take(&mut bytes))),
        }
    })
}

/// Returns the first tag of these bytes.
fn first(bytes: &[u8]) -> Option<Tag<'_>> {
    let [one, other, kind, rest @ ..] = bytes else { return None };
    let (value, length) = match kind {
        b'Z' | b'H' => {
            let length = memchr(0, rest)?;
            (Value::Text(&rest[..length]), length + 1)
        }
        b'B' => {
            let [of, a, b, c, d, elements @ ..] = rest else { return None };
            let count = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            let size = size_of_number(*of).filter(|_| *of != b'A')?;
            let length = count.checked_mul(size)?;
            (Value::Array(*of, elements.get(..length)?), 5 + length)
        }
        kind => {
            let length = size_of_number(*kind)?;
            (Value::Number(rest.get(..length)?), length)
        }
    };
    Some(Tag { name: [*one, *other], raw: &bytes[..3 + length], kind: *kind, value })
}

/// Returns the bytes of a number of this type.
pub fn size_of_number(kind: u8) -> Option<usize> {
    match kind {
        b'A' | b'c' | b'C' => Some(1),
        b's' | b'S' => Some(2),
        b'i' | b'I' | b'f' => Some(4),
        _ => None,
    }
}

impl Tag<'_> {
    /// Returns the value as a whole number, if it is one.
    pub fn whole_number(&self) -> Option<i64> {
        match self.value {
            Value::Number(bytes) => whole_number(self.kind, bytes),
            _ => None,
        }
    }

    /// Appends the tag as SAM has it, such as `RG:Z:lane1`. Bytes that would end the field or the line are
    /// written as spaces.
    pub fn write_sam(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.name);
        text.push(b':');
        // SAM has one type of whole numbers.
        text.push(if matches!(self.kind, b'c' | b'C' | b's' | b'S' | b'I') {
            b'i'
        } else {
            self.kind
        });
        text.push(b':');
        match self.value {
            Value::Number(bytes) => write_number(self.kind, bytes, text),
            Value::Text(value) => {
                let is_blank = |byte: u8| byte.is_ascii_control();
                text.extend(value.iter().map(|byte| if is_blank(*byte) { b' ' } else { *byte }));
            }
            Value::Array(of, elements) => {
                text.push(of);
                for element in elements.chunks_exact(size_of_number(of).unwrap_or(1)) {
                    text.push(b',');
                    write_number(of, element, text);
                }
            }
        }
    }
}

/// Returns a whole number of this type.
fn whole_number(kind: u8, bytes: &[u8]) -> Option<i64> {
    Some(match (kind, bytes) {
        (b'c', [a]) => i64::from(*a as i8),
        (b'C', [a]) => i64::from(*a),
        (b's', [a, b]) => i64::from(i16::from_le_bytes([*a, *b])),
        (b'S', [a, b]) => i64::from(u16::from_le_bytes([*a, *b])),
        (b'i', [a, b, c, d]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        (b'I', [a, b, c, d]) => i64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        _ => return None,
    })
}

/// Appends a number of this type as text.
fn write_number(kind: u8, bytes: &[u8], text: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = match (kind, bytes) {
        (b'A', [letter]) => {
            text.push(if letter.is_ascii_graphic() { *letter } else { b' ' });
            Ok(())
        }
        (b'f', [a, b, c, d]) => write!(text, "{}", f32::from_le_bytes([*a, *b, *c, *d])),
        _ => write!(text, "{}", whole_number(kind, bytes).unwrap_or_default()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sam(bytes: &[u8]) -> Vec<String> {
        tags(bytes)
            .map(|tag| {
                let mut text = Vec::new();
                match tag {
                    Ok(tag) => tag.write_sam(&mut text),
                    Err(rest) => text.extend_from_slice(format!("rest {}", rest.len()).as_bytes()),
                }
                String::from_utf8_lossy(&text).into_owned()
            })
            .collect()
    }

    #[test]
    fn tags_of_all_types_are_written_as_in_sam() {
        let bytes = [
            &b"RGZlane 1\0"[..],
            b"AAAx",
            b"NMC\xff",
            b"XAc\xff",
            b"XBs\x00\x80",
            b"XCS\xff\xff",
            b"XDi\xff\xff\xff\xff",
            b"XEI\xff\xff\xff\xff",
            b"XFf\x00\x00\x20\x40",
            b"XHH1AE3\0",
            b"mvBc\x03\0\0\0\x06\x01\xff",
            b"XGBS\x00\0\0\0",
        ]
        .concat();
        assert_eq!(
            sam(&bytes),
            [
                "RG:Z:lane 1",
                "AA:A:x",
                "NM:i:255",
                "XA:i:-1",
                "XB:i:-32768",
                "XC:i:65535",
                "XD:i:-1",
                "XE:i:4294967295",
                "XF:f:2.5",
                "XH:H:1AE3",
                "mv:B:c,6,1,-1",
                "XG:B:S"
            ]
        );
        for length in 1..bytes.len() {
            let parts: usize = tags(&bytes[..length])
                .map(|it| it.map_or_else(<[u8]>::len, |it| it.raw.len()))
                .sum();
            assert_eq!(parts, length);
        }
    }

    #[test]
    fn what_is_no_tag_is_returned_as_the_rest() {
        for bytes in [
            &b"R"[..],
            b"RG",
            b"RGZx",
            b"RGQ\0\0\0\0",
            b"MLBC\xff\xff\xff\xff\x00",
            b"MLBA\x01\0\0\0x",
            b"NMi\0\0",
        ] {
            assert_eq!(sam(bytes), [format!("rest {}", bytes.len())]);
        }
    }

    #[test]
    fn a_line_end_in_a_value_does_not_end_the_line() {
        assert_eq!(sam(b"COZa\tb\nc\0"), ["CO:Z:a b c"]);
    }
}
