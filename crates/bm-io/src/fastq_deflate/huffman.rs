//! Prefix codes of deflate (RFC 1951, 3.2.2), of limited length.

/// Most symbols of a code.
const SYMBOLS: usize = 288;

/// The codes of symbols, with the bit that is sent first lowest, and their lengths.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) bits: [u16; SYMBOLS],
    pub(super) lengths: [u8; SYMBOLS],
}

impl Code {
    /// Returns an optimal code for these frequencies, nearly so if a code would be longer than `most` bits.
    pub(super) fn new(frequencies: &[u32], most: usize) -> Self {
        let mut code = Self { bits: [0; SYMBOLS], lengths: [0; SYMBOLS] };
        let mut used: Vec<(u32, u16)> =
            (0..).zip(frequencies).filter(|(_, f)| **f > 0).map(|(s, f)| (*f, s)).collect();
        used.sort_unstable();
        if let [(_, only)] = used[..] {
            code.lengths[usize::from(only)] = 1;
            return code;
        }
        let mut counts = counts_of_lengths(&used, most);
        limit(&mut counts, most);
        let mut symbols = used.iter();
        for length in (1..=most).rev() {
            for (_, symbol) in symbols.by_ref().take(counts[length] as usize) {
                code.lengths[usize::from(*symbol)] = length as u8;
            }
        }
        code.assign(&counts);
        code
    }

    /// Gives each symbol its bits: codes of one length are numbers in the order of the symbols.
    fn assign(&mut self, counts: &[u32; 16]) {
        let (mut next, mut code) = ([0_u32; 16], 0);
        for length in 1..16 {
            code = (code + counts[length - 1]) << 1;
            next[length] = code;
        }
        for (bits, length) in
            self.bits.iter_mut().zip(self.lengths).filter(|(_, length)| *length > 0)
        {
            let next = &mut next[usize::from(length)];
            *bits = (*next as u16).reverse_bits() >> (16 - length);
            *next += 1;
        }
    }
}

/// Returns how many symbols get each length, by Huffman's tree; `used` is sorted by frequency.
fn counts_of_lengths(used: &[(u32, u16)], most: usize) -> [u32; 16] {
    let leaves = used.len();
    // The inner nodes arise in the order of their frequencies: two queues, of leaves and of these.
    let mut frequencies: Vec<u32> = used.iter().map(|(frequency, _)| *frequency).collect();
    let mut parents = vec![0; leaves.max(1) * 2];
    let (mut leaf, mut inner) = (0, leaves);
    while frequencies.len() + 1 < 2 * leaves {
        let mut sum = 0;
        for _ in 0..2 {
            let takes_leaf = leaf < leaves
                && (inner >= frequencies.len() || frequencies[leaf] <= frequencies[inner]);
            let next = if takes_leaf { &mut leaf } else { &mut inner };
            sum += frequencies[*next];
            parents[*next] = frequencies.len();
            *next += 1;
        }
        frequencies.push(sum);
    }
    let mut depths = vec![0_usize; frequencies.len()];
    let mut counts = [0; 16];
    for node in (0..frequencies.len().saturating_sub(1)).rev() {
        depths[node] = depths[parents[node]] + 1;
        if node < leaves {
            counts[depths[node].min(most)] += 1;
        }
    }
    counts
}

/// Moves codes to greater lengths until there is room for all of them.
fn limit(counts: &mut [u32; 16], most: usize) {
    let mut taken: u32 = (1..=most).map(|length| counts[length] << (most - length)).sum();
    while taken > 1 << most {
        let Some(length) = (1..most).rev().find(|length| counts[*length] > 0) else { return };
        counts[length] -= 1;
        counts[length + 1] += 1;
        taken -= 1 << (most - length - 1);
    }
    // A code must use all of the room.
    while taken < 1 << most && counts[most] > 0 {
        counts[most] -= 1;
        counts[most - 1] += 1;
        taken += 1;
    }
}
