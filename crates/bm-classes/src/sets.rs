//! Sets of classes that have a seed in common, each kept once.

use std::collections::BTreeMap;

/// Most sets: their numbers take two bytes. Seeds of further sets are left out.
const MOST: usize = 1 << 16;

/// Sets of classes by number; 0 stands for the one class that the place of a seed is in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sets {
    /// From number 1 on: classes in ascending order.
    pub(crate) sets: Vec<Vec<u16>>,
    numbers: BTreeMap<Vec<u16>, u16>,
}

impl Sets {
    /// Returns the number of a set, in ascending order and without repeats; `None` if there are too
    /// many sets.
    pub(crate) fn number(&mut self, classes: &[u16]) -> Option<u16> {
        if classes.len() < 2 {
            return Some(0);
        }
        if let Some(number) = self.numbers.get(classes) {
            return Some(*number);
        }
        let number = u16::try_from(self.sets.len() + 1).ok()?;
        self.push(classes.to_vec());
        Some(number)
    }

    /// Appends a set.
    pub(crate) fn push(&mut self, classes: Vec<u16>) {
        if let Ok(number) = u16::try_from(self.sets.len() + 1) {
            self.numbers.insert(classes.clone(), number);
            self.sets.push(classes);
        }
    }

    /// Returns the classes of a set; none for 0.
    pub(crate) fn get(&self, number: u16) -> &[u16] {
        usize::from(number)
            .checked_sub(1)
            .and_then(|at| self.sets.get(at))
            .map_or(&[], Vec::as_slice)
    }

    /// Returns whether there can be so many sets.
    pub(crate) fn can_be(count: u64) -> bool {
        count < MOST as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_one_number() {
        let mut sets = Sets::default();
        assert_eq!(sets.number(&[3]), Some(0));
        assert_eq!(sets.number(&[1, 2]), Some(1));
        assert_eq!(sets.number(&[1, 3]), Some(2));
        assert_eq!(sets.number(&[1, 2]), Some(1));
        assert_eq!((sets.get(0), sets.get(2), sets.get(9)), (&[][..], &[1, 3][..], &[][..]));
    }
}
