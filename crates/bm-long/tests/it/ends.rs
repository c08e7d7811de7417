//! Ends of reads that are not of the sample.

use bm_long::Ends;

use crate::run::{self, Draw};

/// Reads with errors of a genome, behind one of these adapters.
fn reads(adapters: &[Vec<u8>], number: usize) -> Vec<Vec<u8>> {
    let mut draw = Draw::new(1);
    let sample = run::reads(&run::genome(100_000, 1), number, 1_000, &mut draw, |_| 0.02);
    sample
        .into_iter()
        .enumerate()
        .map(|(at, read)| match adapters {
            [] => read.bases,
            _ => [&adapters[at % adapters.len()][..], &read.bases[..]].concat(),
        })
        .collect()
}

fn found(reads: &[Vec<u8>]) -> (Ends, Vec<&[u8]>) {
    let reads: Vec<&[u8]> = reads.iter().map(Vec::as_slice).collect();
    (Ends::find(&reads), reads)
}

#[test]
fn adapters_are_left_out_and_the_sample_is_not() {
    let reads = reads(&[run::genome(60, 2)], 200);
    let (ends, reads) = found(&reads);
    let starts: Vec<usize> = reads.iter().map(|read| ends.sample(read).start).collect();
    // A k-mer that goes on into the sample by chance may be of several reads, too.
    assert!(starts.iter().all(|start| (60..64).contains(start)), "{starts:?}");
    assert!(reads.iter().all(|read| ends.sample(read).end == read.len()));
    assert_eq!(ends.lengths()[1], 0);
}

#[test]
fn each_of_some_barcodes_is_found() {
    let adapters: Vec<Vec<u8>> =
        (0..8).map(|seed| run::genome(40 + seed, 10 + seed as u64)).collect();
    let reads = reads(&adapters, 400);
    let (ends, reads) = found(&reads);
    for (read, adapter) in reads.iter().zip(adapters.iter().cycle()) {
        let beyond = ends.sample(read).start - adapter.len();
        assert!(beyond < 5, "{beyond}");
    }
}

#[test]
fn at_the_other_end_they_are_found_as_well() {
    let reads: Vec<Vec<u8>> = reads(&[run::genome(60, 2)], 200)
        .iter()
        .map(|read| run::reverse_complement(read))
        .collect();
    let (ends, reads) = found(&reads);
    assert!(reads.iter().all(|read| ends.sample(read).start == 0));
    assert!(reads.iter().all(|read| (60..64).contains(&(read.len() - ends.sample(read).end))));
}

#[test]
fn reads_without_an_adapter_lose_nothing() {
    let reads = reads(&[], 200);
    let (ends, reads) = found(&reads);
    assert_eq!(ends, Ends::default());
    assert!(reads.iter().all(|read| ends.sample(read) == (0..read.len())));
}

#[test]
fn no_reads_have_no_ends() {
    assert_eq!(Ends::find(&[]), Ends::default());
    assert_eq!(Ends::default().sample(b""), 0..0);
}

#[test]
fn reads_with_an_adapter_inside_are_two_pieces() {
    let reads = reads(&[run::genome(60, 2)], 200);
    let (ends, reads) = found(&reads);
    let (mut draw, mut found) = (Draw::new(5), 0);
    for pair in reads.chunks(2) {
        // Of one read alone, nothing is inside.
        assert_eq!(ends.pieces(pair[0]), []);
        // With errors in the adapter between them, as everywhere.
        let (adapter, _) = run::with_errors(&pair[1][..60], 0.03, &mut draw);
        let joined = [pair[0], &adapter, &pair[1][60..]].concat();
        let pieces = ends.pieces(&joined);
        if pieces.is_empty() {
            // Errors may leave no k-mer.
            continue;
        }
        found += 1;
        assert_eq!(pieces.len(), 2, "{pieces:?}");
        assert!(pieces[0].end.abs_diff(pair[0].len()) < 40 && pieces[0].start == 0, "{pieces:?}");
        let beyond = pair[0].len() + adapter.len();
        assert!(pieces[1].start.abs_diff(beyond) < 40 && pieces[1].end == joined.len());
        // So it is on the other strand.
        let other = ends.pieces(&run::reverse_complement(&joined));
        let turned: Vec<_> =
            other.iter().rev().map(|it| joined.len() - it.end..joined.len() - it.start).collect();
        assert_eq!(turned, pieces);
    }
    assert!(found >= 90, "{found} of 100");
    // An adapter near an end is of the end, and short reads have no inside.
    let near = [&reads[0][..60 + 80], reads[1]].concat();
    assert_eq!(ends.pieces(&near), []);
    assert_eq!((ends.pieces(&near[..250]), ends.pieces(b"")), (vec![], vec![]));
    assert_eq!(Ends::default().pieces(&near), []);
}

#[test]
fn no_read_of_a_genome_without_adapters_is_divided() {
    let reads = reads(&[run::genome(60, 2)], 200);
    let (ends, _) = found(&reads);
    let mut draw = Draw::new(9);
    for read in run::reads(&run::genome(1_000_000, 77), 200, 5_000, &mut draw, |_| 0.02) {
        assert_eq!(ends.pieces(&read.bases), []);
    }
}
