//! What the parts of a run whose reports were merged say together.

use std::collections::BTreeMap;

use crate::adapter_facts::MateAdapters;
use crate::library_facts::{LibraryFacts, StructureFacts};
use crate::part_facts::{PartFacts, ShardFacts};
use crate::run_facts::{Domain, EngineFacts, Time};
use crate::text;

/// Returns the values that occur, each once, in the order of their first occurrence.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// Returns the names of the files of all parts; shards of the same files name them once.
pub(crate) fn inputs(parts: &[PartFacts]) -> Vec<String> {
    // Of streams without a name, each part has its own.
    let lists = parts
        .iter()
        .enumerate()
        .map(|(part, facts)| (facts.is_of_stream().then_some(part), &facts.inputs));
    distinct(lists).into_iter().flat_map(|(_, names)| names).cloned().collect()
}

/// Returns the names of the outputs of all parts.
pub(crate) fn outputs(parts: &[PartFacts]) -> Vec<String> {
    distinct(parts.iter().flat_map(|part| &part.outputs)).into_iter().cloned().collect()
}

/// Returns the names of the tables of scores; `None` if a model scored the reads.
pub(crate) fn scores(parts: &[PartFacts]) -> Option<String> {
    let tables = distinct(parts.iter().filter_map(|part| part.scores.as_deref()));
    (!tables.is_empty()).then(|| tables.join(", "))
}

/// Returns the adapters in the first reads of all parts, by mate: the numbers of reads that show them
/// are added. Shards of the same files that found the same looked at the same reads, which count once.
pub(crate) fn adapters(parts: &[PartFacts]) -> Vec<MateAdapters> {
    let looks = parts.iter().enumerate().map(|(number, part)| {
        let number = if part.shard.is_some() { None } else { Some(number) };
        (number, &part.inputs, &part.adapters_found)
    });
    let mut merged: Vec<MateAdapters> = Vec::new();
    for mate in distinct(looks).into_iter().flat_map(|(.., found)| found) {
        match merged.iter_mut().find(|it| it.mate == mate.mate) {
            Some(ours) => ours.add(mate),
            None => merged.push(mate.clone()),
        }
    }
    merged.sort_by_key(|mate| mate.mate);
    merged
}

/// Returns what else of the reads of all parts is of their libraries, with the fraction of the reads of
/// the first part that has it; a conversion only if all parts with reads have the same.
pub(crate) fn library(parts: &[PartFacts]) -> Option<LibraryFacts> {
    let with_reads = || parts.iter().filter(|part| !part.is_empty());
    let mut structures: Vec<StructureFacts> = Vec::new();
    for structure in with_reads().flat_map(|part| &part.library).flat_map(|it| &it.structures) {
        let is_same = |it: &StructureFacts| {
            (it.mate, it.bases, &it.what) == (structure.mate, structure.bases, &structure.what)
        };
        if !structures.iter().any(is_same) {
            structures.push(structure.clone());
        }
    }
    structures.sort_by_key(|structure| structure.mate);
    let conversion = |part: &PartFacts| part.library.as_ref().and_then(|it| it.conversion);
    let conversion = match distinct(with_reads().map(conversion))[..] {
        [conversion] => conversion,
        _ => None,
    };
    (!structures.is_empty() || conversion.is_some())
        .then_some(LibraryFacts { structures, conversion })
}

/// Returns whether the model applies to all parts: what the first part says to which it does not, or
/// else the first one with reads.
pub(crate) fn domain(parts: &[PartFacts]) -> Option<Domain> {
    let with_reads = || parts.iter().filter(|part| !part.is_empty());
    let domains = || with_reads().filter_map(|part| part.domain.as_ref());
    let first = || with_reads().chain(parts).next().and_then(|part| part.domain.as_ref());
    domains().find(|domain| !domain.applies).or_else(first).cloned()
}

/// Returns the engine of all parts, with every version and device.
pub(crate) fn engine(parts: &[PartFacts]) -> Option<EngineFacts> {
    let engines = || parts.iter().filter_map(|part| part.engine.as_ref());
    let descriptions = distinct(engines().map(|engine| engine.description.as_str())).join("; ");
    engines().next().map(|first| EngineFacts { description: descriptions, ..first.clone() })
}

/// Returns the duration of the longest part and the threads of all parts, as if the parts had run side
/// by side.
pub(crate) fn time(parts: &[PartFacts], reads: u64) -> Time {
    let wall_s = parts.iter().map(|part| part.time.wall_s).fold(0.0, f64::max);
    let threads = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.time.threads));
    Time { wall_s, reads_per_s: if wall_s > 0.0 { reads as f64 / wall_s } else { 0.0 }, threads }
}

/// Returns what readers of a merged report should know of its parts.
pub(crate) fn warnings(parts: &[PartFacts]) -> Vec<String> {
    let mut warnings = missing_shards(parts);
    let with_reads = || parts.iter().filter(|part| !part.is_empty());
    let adapters = |part: &PartFacts| {
        let of_mate = |mate: &MateAdapters| {
            let of_mate = mate.adapters.iter();
            (
                mate.mate,
                of_mate.map(|it| (it.name.clone(), it.sequence.clone())).collect::<Vec<_>>(),
            )
        };
        part.adapters_found.iter().map(of_mate).collect::<Vec<_>>()
    };
    if distinct(with_reads().map(adapters)).len() > 1 {
        warnings.push(
            "the first reads of the parts show different adapters; each part was judged by its own"
                .to_owned(),
        );
    }
    let library = |part: &PartFacts| {
        let library = part.library.clone().unwrap_or_default();
        let structures = library.structures.into_iter().map(|it| (it.mate, it.what));
        (structures.collect::<Vec<_>>(), library.conversion)
    };
    if distinct(with_reads().map(library)).len() > 1 {
        warnings.push(
            "the first reads of the parts show different bases of the library; each part was judged by \
             its own"
                .to_owned(),
        );
    }
    warnings
}

/// Most numbers of missing shards that are listed.
const SHOWN: usize = 10;

/// Returns a line for each list of files of which a shard is missing.
fn missing_shards(parts: &[PartFacts]) -> Vec<String> {
    let mut found: BTreeMap<&[String], Vec<ShardFacts>> = BTreeMap::new();
    for part in parts {
        found.entry(&part.inputs).or_default().extend(part.shard);
    }
    let lists = distinct(parts.iter().map(|part| part.inputs.as_slice()));
    let of_list = |inputs: &[String]| {
        let shards = found.get(inputs)?;
        let of = shards.first()?.of;
        let number = of.saturating_sub(shards.len() as u32);
        let missing = (1..=of).filter(|index| shards.iter().all(|shard| shard.index != *index));
        let mut missing: Vec<_> = missing.take(SHOWN + 1).map(|index| index.to_string()).collect();
        if missing.len() > SHOWN {
            missing[SHOWN] = format!("{} more", u64::from(number) - SHOWN as u64);
        }
        let names = inputs.join(", ");
        let (shards, are) = if number == 1 { ("shard", "is") } else { ("shards", "are") };
        (number > 0)
            .then(|| format!("{shards} {} of {of} of {names} {are} missing", text::list(&missing)))
    };
    lists.into_iter().filter_map(of_list).collect()
}

#[cfg(test)]
mod tests {
    use bm_pipeline::ReadTotals;

    use super::*;
    use crate::adapter_facts::{Accepted, AdapterFacts};

    fn part(file: &str, index: u32, of: u32) -> PartFacts {
        PartFacts {
            sample: None,
            model: None,
            inputs: vec![file.to_owned()],
            outputs: vec!["stdout".to_owned()],
            shard: (of > 0).then_some(ShardFacts { index, of }),
            scores: None,
            reads: ReadTotals { r#in: 5, kept: 5, ..ReadTotals::default() },
            adapters_found: Vec::new(),
            library: None,
            domain: None,
            engine: None,
            time: Time { wall_s: f64::from(index), reads_per_s: 1.0, threads: 2 },
        }
    }

    fn adapters_of(sequence: &str) -> Vec<MateAdapters> {
        let adapter = AdapterFacts {
            name: "unknown".to_owned(),
            sequence: sequence.to_owned(),
            reads: 3,
            accepted: Accepted::Kit,
            reasons: Vec::new(),
        };
        vec![MateAdapters { mate: 1, reads: 5, adapters: vec![adapter] }]
    }

    #[test]
    fn shards_name_their_file_once_and_missing_ones_are_named() {
        let parts = [part("a.fq", 3, 4), part("b.fq", 1, 2), part("a.fq", 1, 4)];
        assert_eq!(inputs(&parts), ["a.fq", "b.fq"]);
        assert_eq!(outputs(&parts), ["stdout"]);
        assert_eq!(
            warnings(&parts),
            ["shards 2 and 4 of 4 of a.fq are missing", "shard 2 of 2 of b.fq is missing"]
        );
        let many = warnings(&[part("a.fq", 1, 4_000_000_000)]);
        assert!(many[0].starts_with("shards 2, 3, 4, "), "{many:?}");
        assert!(many[0].contains("11 and 3999999989 more of 4000000000 of a.fq"), "{many:?}");
        let whole = [part("a.fq", 2, 2), part("b.fq", 0, 0), part("a.fq", 1, 2)];
        assert_eq!(warnings(&whole), Vec::<String>::new());
        let Time { wall_s, reads_per_s, threads } = time(&whole, 10);
        assert_eq!((wall_s, reads_per_s, threads), (2.0, 5.0, 6));
    }

    #[test]
    fn each_stream_counts_as_an_input() {
        assert_eq!(inputs(&[part("stdin", 0, 0), part("stdin", 0, 0)]), ["stdin", "stdin"]);
    }

    #[test]
    fn adapters_of_all_parts_are_added() {
        let mut parts = [part("a.fq", 0, 0), part("b.fq", 0, 0), part("c.fq", 0, 0)];
        let shown = |parts: &[PartFacts]| {
            let mates = adapters(parts);
            let [mate] = &mates[..] else { return (0, Vec::new()) };
            let of = mate.adapters.iter().map(|it| (it.sequence.clone(), it.reads));
            (mate.reads, of.collect::<Vec<_>>())
        };
        let acgt = |reads| ("ACGT".to_owned(), reads);
        parts[0].adapters_found = adapters_of("ACGT");
        parts[1].adapters_found = adapters_of("ACGT");
        parts[2].reads.r#in = 0;
        assert_eq!(shown(&parts), (10, vec![acgt(6)]));
        assert_eq!(warnings(&parts), Vec::<String>::new());
        parts[2].reads.r#in = 1;
        assert_eq!(warnings(&parts).len(), 1);
        parts[2].adapters_found = adapters_of("TTTT");
        assert_eq!(shown(&parts), (15, vec![acgt(6), ("TTTT".to_owned(), 3)]));
        assert_eq!(warnings(&parts).len(), 1);
        // Shards look at the same first reads.
        let mut shards = [part("a.fq", 1, 2), part("a.fq", 2, 2)];
        shards.iter_mut().for_each(|it| it.adapters_found = adapters_of("ACGT"));
        assert_eq!(shown(&shards), (5, vec![acgt(3)]));
    }
}
