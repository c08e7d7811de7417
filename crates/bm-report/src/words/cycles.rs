//! Lines on the cycles that failed in a run.

use bm_quality::FailedCycles;

/// Cycles that a line names; there may be many.
const NAMED: usize = 12;

/// Returns a line for each mate with failed cycles.
pub(crate) fn lines(cycles: &FailedCycles) -> Vec<String> {
    let has_second = cycles.iter().any(|cycle| cycle.mate == 2);
    let line = |mate: u8| {
        let of_mate = || cycles.iter().filter(|cycle| cycle.mate == mate);
        let named = of_mate().take(NAMED);
        let named = named.map(|it| format!("{} ({:.1} %)", it.cycle, 100.0 * it.wrong));
        let named = named.collect::<Vec<_>>().join(", ");
        let of = match (has_second, mate) {
            (false, _) => "",
            (true, 1) => " of first mates",
            (true, _) => " of second mates",
        };
        let more = match of_mate().count().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let known = "their bases count as that unsure, and the k-mers are made without them";
        (!named.is_empty())
            .then(|| format!("failed cycles{of}, with wrong bases: {named}{more}; {known}"))
    };
    [1, 2].into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use bm_quality::FailedCycle;

    use super::*;

    fn cycles(numbers: &[(u8, usize)]) -> FailedCycles {
        let cycle = |(mate, cycle): &(u8, usize)| FailedCycle {
            mate: *mate,
            cycle: *cycle,
            wrong: 0.794,
            by_score: vec![],
        };
        FailedCycles::new(numbers.iter().map(cycle).collect()).expect("in order")
    }

    #[test]
    fn each_line_names_the_cycles_of_a_mate() {
        assert_eq!(lines(&FailedCycles::none()), Vec::<String>::new());
        let one = lines(&cycles(&[(1, 4), (1, 150)]));
        assert!(
            one[0].starts_with("failed cycles, with wrong bases: 4 (79.4 %), 150 (79.4 %); "),
            "{one:?}"
        );
        let two = lines(&cycles(&[(1, 4), (2, 9)]));
        assert!(two[0].contains(" of first mates, with wrong bases: 4 "), "{two:?}");
        assert!(two[1].contains(" of second mates, with wrong bases: 9 "), "{two:?}");
        let many: Vec<_> = (1..20).map(|cycle| (1, cycle)).collect();
        assert!(lines(&cycles(&many))[0].contains(" and 7 more; "));
    }
}
