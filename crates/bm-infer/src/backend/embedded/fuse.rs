//! Replaces several steps by one kernel, where one does the same work.

use super::corrected::Corrected;
use super::step::Step;

/// Replaces the steps that compute a guess, its correction and their sum by one step, wherever no
/// other step reads their results.
pub(super) fn fuse(mut steps: Vec<Step>) -> Vec<Step> {
    while let Some(fused) = first(&steps) {
        let [window, last, guess, add] = fused.steps;
        let (mut parts, mut rest) = ((None, None), Vec::new());
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Tables(tables, _) if i == window => parts.0 = Some(tables),
                Step::ReluDot(layer, ..) if i == last => parts.1 = Some(layer),
                _ if i == guess => {}
                Step::Add(.., out) if i == add => {
                    if let (Some(window), Some(last)) = (parts.0.take(), parts.1.take()) {
                        rest.push(Step::Corrected(
                            Box::new(Corrected::new(window, last, fused.guess.clone())),
                            out,
                        ));
                    }
                }
                step => rest.push(step),
            }
        }
        steps = rest;
    }
    steps
}

/// Steps that one step can replace.
struct Fused {
    /// The window, the layer after it, the guess and the sum.
    steps: [usize; 4],
    /// One number per code.
    guess: Vec<f32>,
}

/// Returns the first steps that one step can replace.
fn first(steps: &[Step]) -> Option<Fused> {
    let made_by = |slot: usize| steps.iter().position(|step| step.out() == slot);
    let used_once = |slot: usize| {
        steps.iter().flat_map(Step::reads).filter(|read| *read == Some(slot)).count() == 1
    };
    let one = |add: usize, guess: usize, correction: usize| {
        let (guess, last) = (made_by(guess)?, made_by(correction)?);
        let (Step::Tables(guess_tables, guess_out), Step::ReluDot(_, hidden, last_out)) =
            (&steps[guess], &steps[last])
        else {
            return None;
        };
        let window = made_by(*hidden)?;
        let Step::Tables(tables, _) = &steps[window] else { return None };
        let alone = [*guess_out, *last_out, *hidden].into_iter().all(used_once);
        let guess_values = guess_tables.values()?;
        (alone && tables.is_one_vector())
            .then_some(Fused { steps: [window, last, guess, add], guess: guess_values })
    };
    steps.iter().enumerate().find_map(|(add, step)| match step {
        Step::Add(a, b, _) => one(add, *a, *b).or_else(|| one(add, *b, *a)),
        _ => None,
    })
}
