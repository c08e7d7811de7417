//! Names that classes can have.

/// Columns of tables beside those of the classes, which are called like them.
const RESERVED: [&str; 5] = ["none", "read", "length", "class", "probability"];

/// Returns whether a class can have this name: one that is not empty, has no comma, tab or other control
/// character, and is none of the other columns of a table of reads.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|letter| letter == ',' || letter.is_control())
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_a_table_and_a_list() {
        assert!(["phix", "Escherichia coli", "µ", "NC_001422.1"].into_iter().all(is_name));
        assert!(!["", "none", "class", "a,b", "a\tb", "a\n"].into_iter().any(is_name));
    }
}
