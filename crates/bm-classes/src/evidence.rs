//! What an index of classes says of a read, or of a pair.

/// Log-likelihood ratios of a read for each class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    nats: Vec<f32>,
    most: f32,
    bases: usize,
}

impl Evidence {
    pub(crate) fn clear(&mut self, classes: usize, bases: usize, most: f32) {
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

    /// Adds what was found of the mate: both are of one molecule, and so of one class.
    pub fn join(&mut self, mate: &Self) {
        self.nats.resize(self.nats.len().max(mate.nats.len()), 0.0);
        for (nats, more) in self.nats.iter_mut().zip(&mate.nats) {
            *nats += more;
        }
        self.most += mate.most;
        self.bases += mate.bases;
    }
}
