//! Reads are cut where the sample ends, and only there.

use bm_insert::{Finder, Insert, Tail};

use crate::run::{ADAPTER, Draw, OTHER, Read, Run, adapter, reverse_complement};

const LENGTH: usize = 100;

/// Reads from anywhere in a genome, those of every second one with an insert of `ends` bases and
/// `tail` behind it; returns the ends, too.
fn run(
    ends: impl Fn(&mut Draw) -> usize,
    tail: impl Fn(&mut Draw) -> Vec<u8>,
) -> (Run, Vec<usize>) {
    let mut draw = Draw::new(1);
    let genome = draw.bases(20_000);
    let one = |number: usize| {
        let end = if number.is_multiple_of(2) { LENGTH } else { ends(&mut draw) };
        let start = draw.below(genome.len() - LENGTH);
        let forward = &genome[start..start + end];
        let strand =
            if draw.below(2) == 0 { forward.to_vec() } else { reverse_complement(forward) };
        (vec![Read::of(&[&strand, &tail(&mut draw)], LENGTH)], end)
    };
    let (reads, ends) = (0..3000).map(one).unzip();
    (Run(reads), ends)
}

/// Returns the fraction of the reads that are cut where they end, for reads with a tail of at least
/// this length and for those without one.
fn right(run: &Run, ends: &[usize], least: usize) -> [f64; 2] {
    let model = run.learn([vec![adapter(ADAPTER)], vec![]]);
    let mut counts = [[0, 0]; 2];
    run.find(&model, |number, _, read, insert| {
        let (end, part) = (ends[number], insert.part(read.sequence.len()));
        assert_eq!(part.start, 0);
        if end == LENGTH || LENGTH - end >= least {
            let [right, all] = &mut counts[usize::from(end == LENGTH)];
            *right += usize::from(part.end == end);
            *all += 1;
        }
    });
    counts.map(|[right, all]| f64::from(right as u32) / f64::from(all as u32))
}

#[test]
fn adapters_are_cut_exactly_and_clean_reads_stay_whole() {
    let (run, ends) = run(|draw| 30 + draw.below(70), |_| ADAPTER.to_vec());
    let [tails, clean] = right(&run, &ends, 4);
    assert!(tails > 0.99 && clean > 0.995, "{tails} {clean}");
    // Inserts of which little or nothing is left.
    let [tails, clean] = right(&run, &ends, 30);
    assert!(tails == 1.0 && clean > 0.995, "{tails} {clean}");
}

#[test]
fn an_adapter_with_a_base_lost_or_gained_is_one() {
    let changed = |draw: &mut Draw| {
        let mut bases = ADAPTER.to_vec();
        let at = 4 + draw.below(12);
        if draw.below(2) == 0 {
            bases.remove(at);
        } else {
            let base = draw.bases(1)[0];
            bases.insert(at, base);
        }
        bases
    };
    let (run, ends) = run(|draw| 30 + draw.below(45), changed);
    let [tails, clean] = right(&run, &ends, 25);
    assert!(tails > 0.97 && clean > 0.995, "{tails} {clean}");
}

#[test]
fn what_is_behind_an_adapter_does_not_matter() {
    for base in [b'G', b'A', b'T'] {
        let tail = |_: &mut Draw| [&ADAPTER[..20], &[base; 60]].concat();
        let (run, ends) = run(|draw| 10 + draw.below(50), tail);
        let [tails, clean] = right(&run, &ends, 12);
        assert!(tails > 0.99 && clean > 0.995, "{tails} {clean}");
    }
}

#[test]
fn nothing_is_left_of_an_adapter_without_an_insert() {
    let (run, ends) = run(|draw| if draw.below(4) == 0 { 0 } else { 90 }, |_| ADAPTER.to_vec());
    let model = run.learn([vec![adapter(ADAPTER)], vec![]]);
    run.find(&model, |number, _, read, insert| {
        if ends[number] == 0 {
            assert_eq!(insert.part(LENGTH), 0..0, "{:?}", insert.ends);
            assert_eq!(insert.adapter_bases(read.sequence.len()), LENGTH);
            assert!(insert.foreign(0) > 0.99);
        }
    });
}

#[test]
fn a_run_without_signal_is_no_adapter() {
    let (run, ends) = run(|draw| 40 + draw.below(40), |_| vec![b'G'; LENGTH]);
    let model = run.learn([vec![], vec![]]);
    assert!(!model.is_idle());
    let mut right = 0;
    run.find(&model, |number, _, read, insert| {
        let part = insert.part(read.sequence.len());
        // The sample may end in G.
        right += usize::from(part.end <= ends[number] && part.end + 4 > ends[number]);
        assert!(insert.ends.iter().all(|end| end.tail == Tail::Run));
        assert_eq!(insert.adapter_bases(LENGTH), 0);
    });
    assert!(right as f64 > 0.995 * ends.len() as f64, "{right} of {}", ends.len());
}

/// Pairs of molecules of 20 to 249 bases, read over these lengths.
fn pairs(lengths: [usize; 2]) -> (Run, Vec<usize>) {
    let mut draw = Draw::new(2);
    let genome = draw.bases(20_000);
    let one = |_| {
        let insert = 20 + draw.below(230);
        let start = draw.below(genome.len() - insert);
        let molecule = &genome[start..start + insert];
        let other = reverse_complement(molecule);
        let mates = vec![
            Read::of(&[molecule, ADAPTER, &[b'G'; 100]], lengths[0]),
            Read::of(&[&other, OTHER, &[b'G'; 100]], lengths[1]),
        ];
        (mates, insert)
    };
    let (mates, inserts) = (0..2000).map(one).unzip();
    (Run(mates), inserts)
}

#[test]
fn mates_are_cut_at_their_insert_with_and_without_adapters() {
    for lengths in [[100, 100], [100, 70], [60, 120]] {
        let (run, inserts) = pairs(lengths);
        let known = [vec![adapter(ADAPTER)], vec![adapter(OTHER)]];
        for adapters in [known, [vec![], vec![]]] {
            let model = run.learn(adapters);
            let (mut right, mut all) = (0, 0);
            run.find(&model, |number, _, read, insert| {
                let length = read.sequence.len();
                all += 1;
                right += usize::from(insert.part(length) == (0..inserts[number].min(length)));
            });
            assert!(
                f64::from(right as u32) > 0.99 * f64::from(all),
                "{right} of {all}, {lengths:?}"
            );
        }
    }
}

#[test]
fn a_run_with_nothing_to_find_is_idle() {
    let (run, _) = run(|_| LENGTH, |_| Vec::new());
    let model = run.learn([vec![], vec![]]);
    assert!(model.is_idle());
    run.find(&model, |_, _, _, insert| assert_eq!(insert, Insert::default()));
    // Adapters without bases find nothing.
    assert!(run.learn([vec![adapter(b""), adapter(b"ACGT")], vec![]]).is_idle());
}

#[test]
fn the_order_of_templates_and_what_was_found_before_do_not_matter() {
    let (run, _) = run(|draw| 30 + draw.below(70), |_| ADAPTER.to_vec());
    let mut turned = run.clone();
    turned.0.reverse();
    let [model, other] = [&run, &turned].map(|run| run.learn([vec![adapter(ADAPTER)], vec![]]));
    let mut used = Finder::default();
    let templates = run.templates();
    for mates in templates.iter().rev().chain(&templates) {
        used.find(&model, mates, true);
        let [mut fresh, mut of_other] = [Finder::default(), Finder::default()];
        fresh.find(&model, mates, true);
        of_other.find(&other, mates, true);
        assert_eq!((used.ends(0), used.front(0)), (fresh.ends(0), fresh.front(0)));
        let [insert, of_other] =
            [&used, &of_other].map(|finder| Insert { ends: finder.ends(0), front: &[] });
        for base in 0..LENGTH {
            let [p, other] = [insert, of_other].map(|insert| insert.foreign(base));
            assert!((p - other).abs() < 2e-3, "{p} {other}");
        }
    }
}
