//! Tags of BAM as bytes: a name, a type and a value.

use bm_reads::bam::tags::size_of_number;

/// The name of a tag.
pub(crate) type Name = [u8; 2];

/// Appends a tag that is a text.
pub(crate) fn write_text(name: Name, text: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(&name);
    to.push(b'Z');
    to.extend(text.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }));
    to.push(0);
}

/// Appends a tag that is an array of elements of this type.
pub(crate) fn write_array(name: Name, kind: u8, elements: &[u8], to: &mut Vec<u8>) {
    let count = elements.len() / size_of_number(kind).unwrap_or(1);
    to.extend_from_slice(&name);
    to.extend_from_slice(&[b'B', kind]);
    to.extend_from_slice(&(count as u32).to_le_bytes());
    to.extend_from_slice(elements);
}

/// Appends a tag that is a whole number.
pub(crate) fn write_number(name: Name, number: i32, to: &mut Vec<u8>) {
    to.extend_from_slice(&name);
    to.push(b'i');
    to.extend_from_slice(&number.to_le_bytes());
}

/// Appends a tag that is a number.
pub(crate) fn write_float(name: Name, number: f32, to: &mut Vec<u8>) {
    to.extend_from_slice(&name);
    to.push(b'f');
    to.extend_from_slice(&number.to_le_bytes());
}
