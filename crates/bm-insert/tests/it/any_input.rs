//! Whatever reads and adapters are, probabilities are probabilities.

use bm_insert::Adapter;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::run::{Read, Run};

fn letters() -> impl Strategy<Value = Vec<u8>> {
    let bases = || prop_oneof![Just(b'A'), Just(b'C'), Just(b'G'), Just(b'T')];
    prop_oneof![
        vec(any::<u8>(), 0..60),
        vec(bases(), 0..300),
        vec(bases(), 0..700),
        vec(prop_oneof![8 => bases(), 1 => Just(b'N')], 0..160),
        // The same base again and again, behind some others.
        (vec(bases(), 0..90), bases(), 0..90usize).prop_map(|(first, base, many)| [
            first,
            vec![base; many]
        ]
        .concat()),
    ]
}

fn read() -> impl Strategy<Value = Read> {
    letters().prop_flat_map(|sequence| {
        let scores = prop_oneof![
            vec(any::<u8>(), sequence.len()),
            vec(b'!'..b'J', sequence.len()),
            Just(vec![b'I'; sequence.len()]),
        ];
        (Just(sequence), scores).prop_map(|(sequence, scores)| Read { sequence, scores })
    })
}

fn columns() -> impl Strategy<Value = Vec<[f32; 4]>> {
    let probability = || prop_oneof![4 => 0.0..=1.0f32, 2 => Just(0.0), 2 => Just(1.0)];
    let certain = (0..4usize).prop_map(|base| {
        let mut column = [0.01; 4];
        column[base] = 0.97;
        column
    });
    let any = [probability(), probability(), probability(), probability()];
    vec(prop_oneof![3 => certain, 1 => any], 0..80)
}

/// A run: some reads or pairs, and for each whether it ends in the first adapter.
fn run() -> impl Strategy<Value = (Run, [Vec<Vec<[f32; 4]>>; 2])> {
    let template = prop_oneof![vec(read(), 0..=2), vec(read(), 2), vec(read(), 1), vec(read(), 3)];
    let templates = vec((template, any::<bool>(), 1..40usize), 0..24);
    (templates, [vec(columns(), 0..3), vec(columns(), 0..3)]).prop_map(|(templates, adapters)| {
        let tail: Vec<u8> = adapters[0].first().map_or(Vec::new(), |columns| {
            let most = |column: &[f32; 4]| {
                (0..4).max_by(|a, b| column[*a].total_cmp(&column[*b])).unwrap_or(0)
            };
            columns.iter().map(|column| b"ACGT"[most(column)]).collect()
        });
        let change = |(mut mates, has_tail, copies): (Vec<Read>, bool, usize)| {
            if let Some(read) = mates.first_mut().filter(|_| has_tail) {
                read.sequence.extend(&tail);
                read.scores.resize(read.sequence.len(), b'F');
            }
            vec![mates; copies]
        };
        (Run(templates.into_iter().flat_map(change).collect()), adapters)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn probabilities_are_probabilities((run, adapters) in run()) {
        let adapters = adapters.map(|columns| columns.iter().map(|c| Adapter::new(c)).collect());
        let model = run.learn(adapters);
        run.find(&model, |_, _, read, insert| {
            let length = read.sequence.len();
            let sum: f32 = insert.ends.iter().map(|end| end.probability).sum();
            assert!(sum <= 1.0 + 1e-4, "{:?}", insert.ends);
            assert!(insert.ends.iter().all(|end| (0.0..=1.0).contains(&end.probability)));
            assert!(insert.ends.is_sorted_by(|a, b| a.at <= b.at));
            assert!(insert.ends.iter().all(|end| (end.at as usize) < length.max(1)));
            assert!(insert.front.len() <= length);
            assert!(insert.front.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", insert.front);
            let part = insert.part(length);
            assert!(part.start <= part.end && part.end <= length);
            assert!(insert.adapter_bases(length) <= length);
            assert!((0..length).all(|base| (0.0..=1.0).contains(&insert.foreign(base))));
        });
    }
}
