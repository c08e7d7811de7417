//! Many bytes at once.

/// Letters or scores that are taken together.
pub(crate) const BYTES: usize = 32;

/// Returns values with zeros behind them.
#[inline(always)]
pub(crate) fn padded<const N: usize, T: Copy + Default>(values: &[T]) -> [T; N] {
    let mut padded = [T::default(); N];
    padded.iter_mut().zip(values).for_each(|(padded, value)| *padded = *value);
    padded
}
