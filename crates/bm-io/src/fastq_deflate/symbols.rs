//! The symbols of lengths and distances (RFC 1951, 3.2.5).

/// Returns the symbol of the length of a match, 3 to 258, its extra bits and their number.
pub(super) const fn length_symbol(length: u32) -> (usize, u32, u32) {
    match length {
        258 => (285, 0, 0),
        3..=10 => (254 + length as usize, 0, 0),
        _ => {
            let over = length - 3;
            let extra = 29 - over.leading_zeros();
            let symbol = 257 + 4 * extra + (over >> extra);
            (symbol as usize, over & ((1 << extra) - 1), extra)
        }
    }
}

/// Returns the symbol of a distance, 1 to 32,768, its extra bits and their number.
#[inline(always)]
pub(super) fn distance_symbol(distance: u32) -> (usize, u32, u32) {
    let over = distance - 1;
    if over < 4 {
        return (over as usize, 0, 0);
    }
    let extra = 30 - over.leading_zeros();
    ((2 * extra + (over >> extra)) as usize & 31, over & ((1 << extra) - 1), extra)
}
