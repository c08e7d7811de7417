//! The header of a BGZF block.

/// Bytes of the header.
pub(crate) const LENGTH: usize = 18;

/// Returns the header of a block of this many bytes, compressed at its fastest; `None` if no block is
/// as large.
pub(crate) fn of_block(bytes: usize) -> Option<[u8; LENGTH]> {
    let [low, high] = u16::try_from(bytes.checked_sub(1)?).ok()?.to_le_bytes();
    Some([
        0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 4, 0xff, // gzip with an extra field
        6, 0, b'B', b'C', 2, 0, low, high, // the field: the size of the block less 1
    ])
}
