//! From the reads of a run to the model that judges them.

use bm_evidence::Experience;
use bm_infer::Variant;
use bm_infer::onnx::correction::Correction;
use bm_kmers::Index;
use bm_quality::{ModelPackage, PackageFiles, ReadRule};
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::examples::FOLDS;
use crate::findings::{Findings, HeldOut, Tally};
use crate::judge::{Held, Judges};
use crate::labels::{Label, Labels};
use crate::network::{Network, Scores};
use crate::package::Origin;
use crate::parallel::in_parallel;
use crate::sample::RunSample;
use crate::train::{Settings as Training, train};
use crate::{AdaptError, Doubt, RunEvidence, evidence, examples, gate, package};

/// How to learn.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of everything that is drawn.
    pub seed: u64,
    /// Threads to use; what is learned does not depend on it.
    pub threads: usize,
    /// Whether the model to start from applies to the run ([`bm_quality::Domain`]): if not, and if
    /// nothing is learned, reported qualities judge.
    pub start_applies: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, threads: 1, start_applies: true }
    }
}

/// Which model is the best one for the run, as far as the run tells.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The one that learned from the run.
    Adapted,
    /// The one that learning started from.
    Start,
    /// None: what the instrument reports.
    Reported,
}

/// What was learned of a run, and the package of the model to use.
#[derive(Clone, Debug)]
pub struct Adaptation {
    /// Which model the package holds.
    pub choice: Choice,
    /// Why it is not the adapted one; empty if it is.
    pub doubts: Vec<Doubt>,
    /// What was seen.
    pub findings: Findings,
    /// The files of the package.
    pub files: PackageFiles,
    /// What the model to start from is called.
    start: String,
    /// The network that it holds.
    network: Network,
    /// What runs with known errors taught of k-mers, as far as the model to start from knows.
    experience: Option<Experience>,
}

impl Adaptation {
    /// Checks that a model can be started from.
    ///
    /// # Errors
    ///
    /// As [`Adaptation::learn`].
    pub fn check(start: &ModelPackage) -> Result<(), AdaptError> {
        network_of(start).map(drop)
    }

    /// Checks that a model knows what k-mers are worth, so that [`Adaptation::weigh`] will.
    ///
    /// # Errors
    ///
    /// [`AdaptError::NoExperience`], or that the package is broken.
    pub fn check_experience(start: &ModelPackage) -> Result<(), AdaptError> {
        let name = start.name().to_owned();
        start.experience()?.map(drop).ok_or(AdaptError::NoExperience { package: name })
    }

    /// Learns from a sample of a run and its labels, from a model to start from, and chooses.
    ///
    /// # Errors
    ///
    /// If the package of `start` is broken, or its network is not a correction of reported
    /// qualities.
    pub fn learn(
        sample: &RunSample,
        labels: &Labels,
        start: &ModelPackage,
        settings: &Settings,
    ) -> Result<Self, AdaptError> {
        let network = network_of(start)?;
        let mut findings = seen(sample, labels);
        let mut doubts = gate::doubts_of_labels(&findings, sample, labels);
        let mut adapted = None;
        let mut reported = !settings.start_applies;
        if doubts.is_empty() {
            let learned = learn(sample, labels, &network, settings, &mut findings);
            doubts = gate::doubts_of_learning(&findings);
            reported |= gate::reported_is_better(&findings.held_out);
            adapted = Some(learned);
        }
        let choice = match adapted {
            Some(_) if doubts.is_empty() => Choice::Adapted,
            _ if reported => Choice::Reported,
            _ => Choice::Start,
        };
        let network = match (choice, adapted) {
            (Choice::Adapted, Some(adapted)) => adapted,
            (Choice::Reported, _) => Network::reported(),
            (Choice::Start | Choice::Adapted, _) => network,
        };
        let origin = Origin { start, sample, findings: &findings, settings };
        let files = package::files(choice, &network, &doubts, &origin)?;
        Ok(Self {
            choice,
            doubts,
            findings,
            files,
            start: start.name().to_owned(),
            network,
            experience: start.experience()?,
        })
    }

    /// Weighs what the k-mers of the run say of its bases, given the sample that was learned from,
    /// and decides whether they may. The package stays as it is: see [`Adaptation::add_evidence`].
    ///
    /// # Errors
    ///
    /// If the model that was started from does not know what k-mers are worth.
    pub fn weigh(
        &self,
        index: Index,
        sample: &RunSample,
        threads: usize,
    ) -> Result<RunEvidence, AdaptError> {
        let experience = self
            .experience
            .as_ref()
            .ok_or_else(|| AdaptError::NoExperience { package: self.start.clone() })?;
        let (evidence, findings) =
            evidence::weigh(index, sample, &self.network, experience, threads);
        Ok(RunEvidence::of(evidence, findings, &self.findings, &self.doubts))
    }

    /// Puts into the package that the k-mers may testify, with the digest of what they say, or why
    /// they may not. The file `evidence` itself is not among the files, as it may be large:
    /// [`bm_evidence::Evidence::write`] writes it beside them, or [`ModelPackage::with_evidence`]
    /// gives it to a package in memory.
    ///
    /// # Errors
    ///
    /// If the package's own manifest cannot be written.
    pub fn add_evidence(&mut self, evidence: &RunEvidence) -> Result<(), AdaptError> {
        package::add_evidence(&mut self.files, evidence)
    }
}

/// Returns the network of a package.
pub(crate) fn network_of(start: &ModelPackage) -> Result<Network, AdaptError> {
    let refused =
        |reason: String| AdaptError::OtherKind { package: start.name().to_owned(), reason };
    if !matches!(start.facts().rule, ReadRule::Errors(_)) {
        return Err(refused("it does not count errors".to_owned()));
    }
    let file = start.model_file(Variant::Portable)?;
    let correction = Correction::read(file.bytes()).map_err(refused)?;
    Network::of(&correction).ok_or_else(|| refused("its network has another shape".to_owned()))
}

fn seen(sample: &RunSample, labels: &Labels) -> Findings {
    let count = |label| labels.of_bases().iter().filter(|other| **other == label).count() as u64;
    let disputes = labels.disputes().len() as u64;
    let wrong = count(Label::Wrong) + disputes;
    Findings {
        reads_seen: sample.reads_seen(),
        bases_seen: sample.bases_seen(),
        copies_dropped: sample.copies_dropped(),
        reads_kept: sample.reads_kept() as u64,
        bases_kept: sample.bases_kept() as u64,
        depth: labels.depth() as u64,
        positions: (labels.anchors() as f64 * sample.kmers_an_anchor()
            / labels.depth().max(1) as f64) as u64,
        labelled: wrong + disputes + count(Label::Right),
        labelled_by_mates: labels.by_mates() + 2 * disputes,
        disputes,
        wrong,
        mixed_share: labels.mixed_share(),
        ..Findings::default()
    }
}

/// Learned bases from which on there are enough of them to judge by one part of the reads.
const MANY: u64 = 2_000_000;

/// Reads that judges are asked about by one thread at a time.
const TOGETHER: usize = 8192;

/// Learns, and adds to the findings how all judges do on reads that were not learned from.
///
/// With many bases, what learned from all parts but the first is judged by the first. With few,
/// every part is judged by what learned from the others, and what is returned has learned from all.
fn learn(
    sample: &RunSample,
    labels: &Labels,
    start: &Network,
    settings: &Settings,
    findings: &mut Findings,
) -> Network {
    let judged = if findings.labelled < MANY { FOLDS } else { 1 };
    let all = if judged == 1 { None } else { Some(None) };
    let parts: Vec<Option<u64>> = (0..judged).map(Some).chain(all).collect();
    let mut networks = in_parallel(&parts, settings.threads, |without| {
        let (examples, bases) = examples::choose(sample, labels, start, settings.seed, *without);
        train(start, &examples, bases, &Training::new(settings.seed))
    });
    let scores = Scores::new();
    let (mut tally, mut held) = (Tally::new(), Held::default());
    for (fold, adapted) in (0..judged).zip(&networks) {
        let calibration = Calibration::of(sample, labels, fold);
        let judges = Judges::new(&scores, &calibration, start, adapted);
        let some: Vec<_> = (0..sample.reads.len())
            .step_by(TOGETHER)
            .map(|first| first..first + TOGETHER)
            .collect();
        let asked = in_parallel(&some, settings.threads, |some| {
            let (mut tally, mut held) = (Tally::new(), Held::default());
            held.add(sample, labels, fold, some.clone(), &judges, |codes, at, wrong, p, count| {
                tally.add(codes, at, wrong, p, count)
            });
            (tally, held)
        });
        for (tallied, reads) in asked {
            tally.merge(&tallied);
            held.merge(reads);
        }
    }
    tally.into_findings(findings);
    findings.held_out = HeldOut::of(&held);
    // There is one for each part that was asked for, and at least one was.
    networks.pop().unwrap_or_else(|| start.clone())
}
