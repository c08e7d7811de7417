//! Formats numbers for tables and FASTQ descriptions.

/// Appends the shortest text that reads back as the same number. A missing number is `nan`.
pub fn write(text: &mut Vec<u8>, value: f32) {
    if !value.is_finite() {
        return text.extend_from_slice(b"nan");
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    // As the standard library does: `1`, not `1.0`.
    text.extend_from_slice(shortest.strip_suffix(".0").unwrap_or(shortest).as_bytes());
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(value: f32) -> String {
        let mut text = Vec::new();
        write(&mut text, value);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn numbers_read_back_as_themselves() {
        assert_eq!(
            ["0", "1", "0.5", "12.25", "nan", "nan"],
            [0.0, 1.0, 0.5, 12.25, f32::NAN, f32::INFINITY].map(shown)
        );
        let mut state = 1_u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(state & 0x7fff_ffff);
            if value.is_finite() {
                assert_eq!(shown(value).parse::<f32>().unwrap().to_bits(), value.to_bits());
            }
        }
    }
}
