//! What an index of classes says of a read, or of a pair.

/// Log-likelihood ratios of a read for each class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    nats: Vec<f32>,
    most: f32,
    bases: usize,
    /// Nats that a random read of as many bases has by chance.
    chance: f32,
}

/// Returns the nats of the best chain of a random read in references of so many bases, about ln(2 n length)
/// for both strands: the extreme-value statistics of Karlin & Altschul 1990, without constants.
pub(crate) fn chance(references: u64, length: usize) -> f64 {
    (2.0 * references as f64 * length.max(1) as f64).ln().max(0.0)
}

impl Evidence {
    pub(crate) fn clear(&mut self, classes: usize, bases: usize, most: f32, references: u64) {
        self.chance = chance(references, bases) as f32;
        self.nats.clear();
        self.nats.resize(classes, 0.0);
        (self.bases, self.most) = (bases, most);
    }

    pub(crate) fn raise(&mut self, class: usize, nats: f32) {
        if let Some(most) = self.nats.get_mut(class) {
            *most = most.max(nats);
        }
    }

    /// Returns, for each class, the nats of the read's best chain in it: the log-likelihood ratio of
    /// the class over a random sequence, of the part that matches. 0 where nothing matches.
    pub fn nats(&self) -> &[f32] {
        &self.nats
    }

    /// Returns the nats of a read that matches everywhere. The more likely errors it has, the fewer.
    pub fn most(&self) -> f32 {
        self.most
    }

    /// Returns the bases of the read.
    pub fn bases(&self) -> usize {
        self.bases
    }

    /// Adds what was found of the mate: both are of one molecule, and so of one class. Of the mate of which
    /// less was found, what random reads have does not count: it may lie anywhere.
    pub fn join(&mut self, mate: &Self) {
        self.nats.resize(self.nats.len().max(mate.nats.len()), 0.0);
        for (nats, of_mate) in self.nats.iter_mut().zip(&mate.nats) {
            let chance = if *of_mate < *nats { mate.chance } else { self.chance };
            *nats = nats.max(*of_mate) + (nats.min(*of_mate) - chance).max(0.0);
        }
        self.chance = self.chance.max(mate.chance);
        self.most += mate.most;
        self.bases += mate.bases;
    }
}
