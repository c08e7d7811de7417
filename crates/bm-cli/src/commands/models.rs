//! `bm models`: the embedded models and their cards.

use std::path::Path;

use anyhow::{Context, Result};
use bm_infer::Variant;
use bm_pipeline::open_package;
use bm_quality::{EmbeddingPackage, ModelPackage};
use clap::Subcommand;

use crate::terminal;

/// List the embedded models, or show the card of one
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the card of an embedded model, or of a package folder
    Show {
        /// Id of a model, or path of a package
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl Args {
    /// Prints a table of the embedded models, or one model's card.
    pub(crate) fn run(&self) -> Result<()> {
        let text = match &self.command {
            None => terminal::table(&table()?, Path::new("-")).into_owned(),
            Some(Command::Show { id }) => {
                let card = match EmbeddingPackage::shipped_card(id) {
                    Some(card) => Some(card.to_owned()),
                    None => open_package(Some(id))?.card()?,
                };
                let no_card = || format!("{id}: a bare file has no card; name a package");
                terminal::harmless(&card.with_context(no_card)?).into_owned()
            }
        };
        terminal::print(text.as_bytes())
    }
}

/// Returns a row per embedded model.
fn table() -> Result<String> {
    let mut text = "model\tversion\tencoding\tthreshold\tlabel\tsha256\n".to_owned();
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id)?;
        let facts = package.facts();
        let (encoding, version) = (&facts.encoding.id, facts.encoding.version);
        text += &format!(
            "{id}\t{}\t{encoding} v{version}\t{}\t{}\t{}\n",
            facts.version,
            facts.threshold.get(),
            facts.label,
            package.model_file(Variant::Portable)?.sha256()
        );
    }
    Ok(text)
}
