//! `bm filter`: keep the reads that pass.

use anyhow::{Context, Result};
use bm_quality::Verdict;

use crate::args::FilterArgs;
use crate::judge::Job;
use crate::output::{self, Output};

/// Writes the reads that pass to one output and, if asked, all others to another.
pub(crate) fn run(args: &FilterArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output), args.discarded.as_ref(), args.judge.report.as_ref()])?;
    let inputs = [args.judge.input.path.as_path()];
    let compression = args.judge.compression();
    let kept = Output::create(&args.output, &inputs, &compression)?;
    let discarded = args.discarded.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()?;
    let job = Job { command: "filter", args: &args.judge, output: kept.name(), compression: &compression };
    job.run(
        |_| Ok((kept, discarded)),
        |(kept, discarded), record, _, verdict| {
            let output = match verdict {
                Verdict::Pass => Some(kept),
                Verdict::Fail | Verdict::Unscored => discarded.as_mut(),
            };
            match output {
                Some(output) => record.write_to(output, b"").with_context(|| output.name()),
                None => Ok(()),
            }
        },
        |(kept, discarded)| {
            // The main output gets its name last: whoever waits for it finds the others complete.
            discarded.map_or(Ok(()), Output::finish)?;
            kept.finish()
        },
    )
}
