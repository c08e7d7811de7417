//! From the sample of a run to a model package.

use bm_evidence::Experience;
use bm_infer::Variant;
use bm_infer::onnx::correction::Correction;
use bm_kmers::Index;
use bm_quality::{FailedCycles, ModelPackage, PackageFiles, ReadRule};

use crate::calibration::Calibration;
use crate::doubts::{self, Doubt};
use crate::error::AdaptError;
use crate::evidence::{self, Prior, RunEvidence};
use crate::examples::{self, FOLDS};
use crate::findings::{Findings, HeldOut, Tally};
use crate::held_out::{Candidates, HeldOutReads};
use crate::labels::{Label, Labels};
use crate::network::{Network, Scores};
use crate::package::{self, Origin};
use crate::parallel::in_parallel;
use crate::read_support;
use crate::sample::RunSample;
use crate::settings::{Choice, Settings};
use crate::train::{Training, train};

/// The outcome of learning a run: findings, doubts, and the package of the model to use.
#[derive(Clone, Debug)]
pub struct Adaptation {
    /// Which model the package holds.
    pub choice: Choice,
    /// Why the package does not hold the adapted model; empty if it does.
    pub doubts: Vec<Doubt>,
    /// What was measured.
    pub findings: Findings,
    /// Whether every read had one quality instead of its own, which the findings call the reported
    /// one.
    pub ignores_quality: bool,
    /// The files of the package.
    pub files: PackageFiles,
    /// The cycles that failed in the run; the package has them too.
    pub failed_cycles: FailedCycles,
    /// Name of the base model.
    start: String,
    /// The network in the package.
    network: Network,
    /// Experience of k-mers from earlier runs, if the base model has it.
    experience: Option<Experience>,
}

impl Adaptation {
    /// Checks that a model can be adapted, and that its files can be read, for the new package may
    /// need them.
    ///
    /// # Errors
    ///
    /// As [`Adaptation::learn`].
    pub fn check(start: &ModelPackage) -> Result<(), AdaptError> {
        network_of(start)?;
        start.files()?;
        Ok(())
    }

    /// Checks that a model has the experience that [`Adaptation::weigh`] needs.
    ///
    /// # Errors
    ///
    /// [`AdaptError::NoExperience`] if it has none; [`AdaptError::Quality`] if the package is
    /// invalid.
    pub fn check_experience(start: &ModelPackage) -> Result<(), AdaptError> {
        let name = start.name().to_owned();
        start.experience()?.map(drop).ok_or(AdaptError::NoExperience { package: name })
    }

    /// Returns the model to use for a run, learned from a sample and its labels.
    ///
    /// Trains the network of the base model `start` on the labels, and compares it on held-out
    /// reads with the base model and with the reported qualities.
    ///
    /// # Errors
    ///
    /// [`AdaptError::OtherKind`] if the network of `start` is not a correction of reported
    /// qualities; [`AdaptError::Quality`] if its package is invalid.
    pub fn learn(
        sample: &RunSample,
        labels: &Labels,
        start: &ModelPackage,
        settings: &Settings,
    ) -> Result<Self, AdaptError> {
        let network = network_of(start)?;
        let mut findings = counts(sample, labels);
        let mut doubts = doubts::doubts_of_labels(&findings, sample, labels);
        let mut adapted = None;
        let mut reported = !settings.start_applies;
        // The run's own table ranks reads as the reported qualities do, and is calibrated.
        let mut table = settings.ignores_quality && doubts::rate_is_known(&findings, &doubts);
        if doubts.is_empty() {
            let learned = learn(sample, labels, &network, settings, &mut findings);
            doubts = doubts::doubts_of_learning(&findings);
            reported |= doubts::reported_is_better(&findings.held_out);
            table = doubts::table_is_better(&findings.held_out, settings.start_applies);
            if table && doubts.is_empty() {
                doubts.extend(doubts::doubt_over_table(&findings.held_out));
            }
            adapted = Some(learned);
        }
        let choice = match adapted {
            Some(_) if doubts.is_empty() => Choice::Adapted,
            // Known before learning, or shown by it.
            _ if table => Choice::Table,
            _ if reported => Choice::Reported,
            _ => Choice::Start,
        };
        let network = match (choice, adapted) {
            (Choice::Adapted, Some(adapted)) => adapted,
            (Choice::Table, _) => Calibration::of(sample, labels, None).network(&Scores::new()),
            (Choice::Reported, _) => Network::reported(),
            (Choice::Start | Choice::Adapted, _) => network,
        };
        let failed_cycles = labels.failed_cycles().clone();
        let origin =
            Origin { start, sample, findings: &findings, settings, failed_cycles: &failed_cycles };
        let files = package::files(choice, &network, &doubts, &origin)?;
        Ok(Self {
            choice,
            doubts,
            findings,
            ignores_quality: settings.ignores_quality,
            files,
            failed_cycles,
            start: start.name().to_owned(),
            network,
            experience: start.experience()?,
        })
    }

    /// Returns the k-mer evidence of the run, with weights fitted to the sample that was learned
    /// from, and whether it may be used. The package stays as it is: see
    /// [`Adaptation::add_evidence`].
    ///
    /// # Errors
    ///
    /// [`AdaptError::NoExperience`] if the base model has no experience of k-mers.
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
        let prior = Prior::new(&self.network, &self.failed_cycles);
        let (evidence, findings, not_errors) =
            evidence::weigh(index, sample, &prior, experience, threads);
        let mut doubts = self.doubts.clone();
        doubts::add_not_errors(&mut doubts, not_errors);
        let doubts = doubts::doubts_of_evidence(&findings, &doubts);
        Ok(RunEvidence::of(evidence, findings, doubts))
    }

    /// Returns the k-mer evidence of a run of long reads, whose errors are gaps: how many errors a read
    /// has, and not where, learned from the sample.
    pub fn weigh_long_reads(
        &self,
        index: Index,
        sample: &RunSample,
        threads: usize,
    ) -> RunEvidence {
        let prior = Prior::new(&self.network, &self.failed_cycles);
        let (evidence, findings) = read_support::of_run(index, sample, &prior, threads);
        let doubts = doubts::doubts_of_read_support(&findings, evidence.scale());
        RunEvidence::of(evidence, findings, doubts)
    }

    /// Adds k-mer evidence to the package: the SHA-256 of the file `evidence`, or why the evidence
    /// is not used.
    ///
    /// The file itself is not added, as it may be large. [`bm_evidence::Evidence::write`] writes it
    /// beside the others; [`ModelPackage::with_evidence`] gives it to a package in memory.
    ///
    /// # Errors
    ///
    /// [`AdaptError::Json`] if the manifest cannot be written; [`AdaptError::Evidence`] if the
    /// SHA-256 cannot be computed.
    pub fn add_evidence(&mut self, evidence: &RunEvidence) -> Result<(), AdaptError> {
        package::add_evidence(&mut self.files, evidence)
    }
}

/// Returns the network of a model package.
pub(crate) fn network_of(start: &ModelPackage) -> Result<Network, AdaptError> {
    let refused =
        |reason: String| AdaptError::OtherKind { package: start.name().to_owned(), reason };
    if !matches!(start.facts().rule, ReadRule::Errors(_)) {
        return Err(refused("the model does not predict errors of bases".to_owned()));
    }
    let file = start.model_file(Variant::Portable)?;
    let correction = Correction::read(file.bytes()).map_err(refused)?;
    Network::of(&correction).ok_or_else(|| refused("the network has another shape".to_owned()))
}

/// Returns the findings that are known before learning.
fn counts(sample: &RunSample, labels: &Labels) -> Findings {
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
        positions: (labels.anchors() as f64 * sample.kmers_per_anchor()
            / labels.depth().max(1) as f64) as u64,
        labelled: wrong + disputes + count(Label::Right),
        labelled_by_mates: labels.by_mates() + 2 * disputes,
        disputes,
        wrong,
        mixed_share: labels.mixed_fraction(),
        ..Findings::default()
    }
}

/// Labelled bases from which on one fold is enough for testing.
const MANY: u64 = 2_000_000;

/// Reads that one thread evaluates at a time.
const READS_PER_TASK: usize = 8192;

/// Returns the trained network, and adds to the findings how all candidates do on held-out reads.
///
/// With many labels, the network is trained on all folds but the first and tested on the first.
/// With few, each fold is tested with a network trained on the others (cross-validation), and the
/// returned network is trained on all.
fn learn(
    sample: &RunSample,
    labels: &Labels,
    start: &Network,
    settings: &Settings,
    findings: &mut Findings,
) -> Network {
    let tested = if findings.labelled < MANY { FOLDS } else { 1 };
    let all = if tested == 1 { None } else { Some(None) };
    let left_out: Vec<Option<u64>> = (0..tested).map(Some).chain(all).collect();
    let mut networks = in_parallel(&left_out, settings.threads, |without| {
        let (examples, bases) = examples::choose(sample, labels, start, settings.seed, *without);
        train(start, &examples, bases, &Training::new(settings.seed))
    });
    let scores = Scores::new();
    let (mut tally, mut held) = (Tally::new(), HeldOutReads::default());
    for (fold, adapted) in (0..tested).zip(&networks) {
        let calibration = Calibration::of(sample, labels, Some(fold));
        let candidates = Candidates::new(&scores, &calibration, start, adapted);
        let ranges: Vec<_> = (0..sample.reads.len())
            .step_by(READS_PER_TASK)
            .map(|first| first..first + READS_PER_TASK)
            .collect();
        let parts = in_parallel(&ranges, settings.threads, |range| {
            let (mut tally, mut held) = (Tally::new(), HeldOutReads::default());
            held.add(sample, labels, fold, range.clone(), &candidates, |codes, at, wrong, p, w| {
                tally.add(codes, at, wrong, p, w)
            });
            (tally, held)
        });
        for (tables, reads) in parts {
            tally.merge(&tables);
            held.merge(reads);
        }
    }
    tally.into_findings(findings);
    findings.held_out = HeldOut::of(&held);
    // The last network is the one to return; there is at least one.
    networks.pop().unwrap_or_else(|| start.clone())
}
