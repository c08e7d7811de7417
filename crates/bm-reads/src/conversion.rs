//! Bases that a library's chemistry turns into others, and reads in which both are written as one.
//!
//! Bisulfite turns unmethylated C into T, other enzymes and editing turn other bases. Such a base is
//! no error. Written as one letter, the rest of the read can be compared with other reads: both
//! strands of a molecule, which are turned differently, stay apart.

use crate::base::{UNKNOWN, code, letter};

/// A base that is turned into another one, or both of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Conversion {
    /// Codes of the base and of what it is turned into, in reads of one mate; in those of the other
    /// mate, and of other strands, it is their complements.
    from: u8,
    to: u8,
    strands: Strands,
}

/// Which reads show the conversion itself, and which one its complement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Strands {
    /// First mates and single reads show it, second mates its complement.
    ByMate,
    /// Each read shows which, by the base of which it has fewer: in libraries of either strand, or
    /// where hardly any such base is left.
    ByRead,
}

impl Conversion {
    /// Returns a conversion of one of A, C, G and T to another of them, by their codes; `None` for
    /// others.
    pub fn new(from: u8, to: u8, strands: Strands) -> Option<Self> {
        (from < UNKNOWN && to < UNKNOWN && from != to).then_some(Self { from, to, strands })
    }

    /// Returns the letters of the base, and of what it is turned into.
    pub fn letters(self) -> [char; 2] {
        [self.from, self.to].map(|code| char::from(letter(code)))
    }

    /// Returns which reads show it.
    pub fn strands(self) -> Strands {
        self.strands
    }

    /// Returns the conversion as it is seen in the other mate.
    pub fn complement(self) -> Self {
        Self { from: 3 - self.from, to: 3 - self.to, ..self }
    }

    /// Returns whether another one turns the same base into the same, whichever reads show it.
    pub fn is_alike(self, other: Self) -> bool {
        (self.from, self.to) == (other.from, other.to)
    }

    /// Returns the number of the conversion, for files: below 256, never 0.
    pub fn number(self) -> u8 {
        let by_read = u8::from(self.strands == Strands::ByRead);
        0x80 | by_read << 4 | self.from << 2 | self.to
    }

    /// Returns the conversion with a number; `None` if there is none.
    pub fn with_number(number: u8) -> Option<Self> {
        let strands = if number >> 4 & 1 == 1 { Strands::ByRead } else { Strands::ByMate };
        Self::new(number >> 2 & 3, number & 3, strands).filter(|it| it.number() == number)
    }

    /// Appends a sequence in which both bases are written as what the first is turned into; `mate` is
    /// 0 for first mates and single reads, 1 for second mates. Other letters stay as they are.
    pub fn write_as_one(self, sequence: &[u8], mate: usize, text: &mut Vec<u8>) {
        let is_complement = match self.strands {
            Strands::ByMate => mate == 1,
            Strands::ByRead => {
                let number =
                    |base: u8| sequence.iter().filter(|other| code(**other) == base).count();
                number(self.from) > number(3 - self.from)
            }
        };
        let (from, to) =
            if is_complement { (3 - self.from, 3 - self.to) } else { (self.from, self.to) };
        let to = letter(to);
        text.extend(sequence.iter().map(|letter| if code(*letter) == from { to } else { *letter }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(conversion: Conversion, sequence: &[u8], mate: usize) -> String {
        let mut text = Vec::new();
        conversion.write_as_one(sequence, mate, &mut text);
        text.into_iter().map(char::from).collect()
    }

    #[test]
    fn both_strands_of_a_molecule_are_written_alike() {
        let by_mate = Conversion::new(1, 3, Strands::ByMate).expect("C to T");
        assert_eq!(written(by_mate, b"ACGTcgN-", 0), "ATGTTgN-");
        assert_eq!(written(by_mate, b"ACGTcgN-", 1), "ACATcAN-");
        let by_read = Conversion::new(1, 3, Strands::ByRead).expect("C to T");
        // As many C as G, more G, more C.
        for mate in [0, 1] {
            assert_eq!(written(by_read, b"ACGT", mate), "ATGT");
            assert_eq!(written(by_read, b"GGTC", mate), "GGTT");
            assert_eq!(written(by_read, b"GACC", mate), "AACC");
        }
    }

    #[test]
    fn a_number_stands_for_one_conversion() {
        let mut found = 0;
        for number in 0..=u8::MAX {
            if let Some(conversion) = Conversion::with_number(number) {
                assert_eq!(conversion.number(), number);
                found += 1;
            }
        }
        assert_eq!(found, 24);
        assert_eq!(Conversion::new(1, 1, Strands::ByMate), None);
        assert_eq!(Conversion::new(4, 1, Strands::ByMate), None);
        let [from, to] = Conversion::new(0, 2, Strands::ByRead).expect("A to G").letters();
        assert_eq!((from, to), ('A', 'G'));
    }
}
