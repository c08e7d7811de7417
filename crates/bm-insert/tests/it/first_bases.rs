//! Bases before the sample, and unknown ones at either end.

use bm_insert::{End, Tail};

use crate::run::{ADAPTER, Draw, Read, Run, adapter};

const LENGTH: usize = 90;

fn run(before: impl Fn(&mut Draw, usize) -> Vec<u8>) -> Run {
    let mut draw = Draw::new(3);
    let genome = draw.bases(20_000);
    let read = |number: usize| {
        let before = before(&mut draw, number);
        let start = draw.below(genome.len() - LENGTH);
        vec![Read::of(&[&before, &genome[start..start + LENGTH]], LENGTH)]
    };
    Run((0..3000).map(read).collect())
}

#[test]
fn what_a_run_adds_before_the_sample_is_cut() {
    for (many, before) in [(3, "GGG"), (9, ""), (12, "TTACGTAC")] {
        let run =
            run(|draw, _| [draw.bases(many - before.len().min(many)), before.into()].concat());
        let many = many.max(before.len());
        let model = run.learn([vec![], vec![]]);
        assert!(!model.is_idle());
        let mut right = 0;
        run.find(&model, |_, _, read, insert| {
            right += usize::from(insert.part(read.sequence.len()) == (many..LENGTH));
        });
        assert!(right > 2900, "{right} of 3000 with {many}");
    }
}

#[test]
fn a_run_of_t_that_begins_reads_is_cut() {
    let run =
        run(|draw, number| vec![b'T'; if number % 20 == 0 { 12 + draw.below(20) } else { 0 }]);
    let model = run.learn([vec![], vec![]]);
    let mut cut = [0; 2];
    run.find(&model, |number, _, read, insert| {
        let start = insert.part(read.sequence.len()).start;
        cut[usize::from(number % 20 == 0)] += usize::from(start >= 12);
    });
    assert!(cut[1] >= 148 && cut[0] == 0, "{cut:?}");
}

#[test]
fn unknown_bases_at_the_ends_are_not_of_the_sample() {
    for adapters in [vec![], vec![adapter(ADAPTER)]] {
        let mut run = run(|_, _| Vec::new());
        let reads = [
            [&b"NNN"[..], &[b'A'; 5], b"CGNTCA", b"nN."].concat(),
            vec![b'N'; 20],
            [&run.0[0][0].sequence[..40], &ADAPTER[..30], b"NNNNN"].concat(),
        ];
        run.0.extend(reads.iter().map(|read| vec![Read::of(&[read], read.len())]));
        let model = run.learn([adapters.clone(), vec![]]);
        run.find(&model, |number, _, read, insert| {
            let length = read.sequence.len();
            match number {
                3000 => {
                    assert_eq!(insert.front, [1.0; 3]);
                    let end = End { at: 14, probability: 1.0, tail: Tail::Unknown };
                    assert_eq!((insert.ends, insert.part(length)), (&[end][..], 3..14));
                }
                3001 => assert_eq!((insert.part(length), insert.foreign(3)), (0..0, 1.0)),
                3002 => {
                    let end = if adapters.is_empty() { 70 } else { 40 };
                    assert_eq!(insert.part(length), 0..end);
                    assert_eq!(insert.adapter_bases(length), if end == 40 { 35 } else { 0 });
                    assert!(insert.foreign(74) > 0.999);
                }
                _ => {}
            }
        });
    }
}
