//! References that are shipped, of what many runs have in them: `references/README.md` says where they are
//! from.

/// FASTA files by the names of their classes.
const SHIPPED: [(&str, &str); 1] = [("phix", include_str!("../references/NC_001422.1.fa"))];

/// Returns the names of the classes whose references are shipped.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// Returns the references of a class that is shipped, as FASTA; `None` for any other name.
///
/// ```
/// let phix = bm_classes::shipped("phix").expect("it is shipped");
/// assert!(phix.starts_with(">NC_001422.1"));
/// ```
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(other, _)| *other == name).map(|(_, fasta)| *fasta)
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::*;

    #[test]
    fn phix_is_the_genome_of_refseq() {
        let fasta = shipped("phix").expect("it is shipped");
        let bases: String = fasta.lines().skip(1).collect();
        let digest: String = Md5::digest(&bases).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((bases.len(), &*digest), (5386, "3332ed720ac7eaa9b3655c06f6b9e196"));
    }
}
