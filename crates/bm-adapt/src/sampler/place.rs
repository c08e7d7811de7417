//! The templates of one place of the genome: those that have the same lowest anchor.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::sampler::template::Template;

/// A template with the key that decides whether it stays.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: u64,
    pub(super) template: Box<Template>,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Member {}

impl PartialOrd for Member {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Member {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// The templates with the same lowest anchor: those with the lowest keys, as many as may stay.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) members: BinaryHeap<Member>,
    /// Bases of the members.
    bases: u64,
    /// Bases of the longest template ever seen here.
    pub(super) longest: u64,
    /// Whether there were more templates than may stay.
    pub(super) was_full: bool,
}

impl Place {
    /// Returns the highest key that a new template may have, if `most` may stay.
    pub(super) fn may_have(&self, key: u64, most: u64) -> bool {
        (self.members.len() as u64) < most
            || self.members.peek().is_some_and(|highest| key < highest.key)
    }

    /// Returns the bases of the members.
    pub(super) fn bases(&self) -> u64 {
        self.bases
    }

    /// Notes a template that has no room.
    pub(super) fn pass(&mut self, bases: u64) {
        self.longest = self.longest.max(bases);
        self.was_full = true;
    }

    /// Adds a template whose key no other has.
    pub(super) fn add(&mut self, member: Member) {
        let bases = member.template.bases() as u64;
        self.bases += bases;
        self.longest = self.longest.max(bases);
        self.members.push(member);
    }

    /// Drops the templates with the highest keys until `most` are left, and calls `dropped` with the
    /// key of each.
    pub(super) fn keep(&mut self, most: u64, mut dropped: impl FnMut(u64)) {
        while self.members.len() as u64 > most
            && let Some(member) = self.members.pop()
        {
            self.bases -= member.template.bases() as u64;
            self.was_full = true;
            dropped(member.key);
        }
    }

    /// Returns the bases that the place counts for, if `most` templates may stay. This never shrinks
    /// as templates are added, in whatever order, although a shorter one may take the place of a
    /// longer one.
    pub(super) fn cost(&self, most: u64) -> u64 {
        if self.was_full { most.saturating_mul(self.longest) } else { self.bases }
    }
}
