//! Where long reads are divided.

/// Where long single reads are divided. The pieces are judged each by itself, and have their number behind
/// the name.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Splitting {
    /// At the adapters inside them: two molecules were read as one.
    pub adapters: bool,
    /// At stretches of low quality inside them.
    pub stretches: bool,
}

impl Splitting {
    /// Reads stay whole.
    pub const NONE: Self = Self { adapters: false, stretches: false };

    /// Returns whether any read may be divided.
    pub fn any(self) -> bool {
        self.adapters || self.stretches
    }
}
