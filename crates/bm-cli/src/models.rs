//! `bm models`: what is embedded.

use std::io::{self, Write};

use anyhow::{Context, Result};
use bm_infer::Variant;
use bm_quality::ModelPackage;

use crate::args::{ModelsArgs, ModelsCommand};
use crate::engine::open_package;
use crate::terminal;

/// Prints a table of the embedded models, or one model's card.
pub(crate) fn run(args: &ModelsArgs) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match &args.command {
        None => {
            writeln!(stdout, "model\tversion\tencoding\tthreshold\tlabel\tsha256")
                .context("stdout")?;
            for id in ModelPackage::embedded_ids() {
                let package = ModelPackage::embedded(id)?;
                let facts = package.facts();
                let sha256 = package.model_file(Variant::Portable)?.sha256();
                writeln!(
                    stdout,
                    "{id}\t{}\t{} v{}\t{}\t{}\t{sha256}",
                    facts.version,
                    facts.encoding.id,
                    facts.encoding.version,
                    facts.threshold.get(),
                    facts.label
                )
                .context("stdout")?;
            }
        }
        Some(ModelsCommand::Show { id }) => {
            let package = open_package(Some(id))?;
            let card = package
                .card()?
                .with_context(|| format!("{id}: a bare file has no card; name a package"))?;
            stdout.write_all(terminal::harmless(&card).as_bytes()).context("stdout")?;
        }
    }
    stdout.flush().context("stdout")
}
