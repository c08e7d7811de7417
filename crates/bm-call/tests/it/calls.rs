//! What is called, and what is not.

use bm_call::{CallError, Filter, Genotype, Settings, VcfText};
use bm_truth::Reference;

use crate::support::{Line, Numbers, calls, read, sequence, texts};

/// Reads of 100 bases, on both strands, at random places; one base in 300 is wrong.
fn run(sequence: &[u8], reads: usize, mut change: impl FnMut(usize, &mut Line)) -> Vec<Line> {
    let mut numbers = Numbers::new(3);
    (0..reads)
        .map(|number| {
            let start = numbers.below(sequence.len() - 100);
            let flags = 16 * (number % 2) as u16;
            let mut line = read(sequence, &format!("r{number}"), flags, start, 100);
            for base in &mut line.bases {
                if numbers.below(300) == 0 {
                    *base = b"ACGT"[numbers.below(4)];
                }
            }
            change(number, &mut line);
            line
        })
        .collect()
}

fn other(base: u8) -> u8 {
    if base == b'A' { b'C' } else { b'A' }
}

#[test]
fn a_substitution_in_one_read_of_twenty_is_called_and_errors_are_not() {
    let letters = sequence(2000);
    let (place, alt) = (900usize, other(letters[900]));
    let lines = run(&letters, 3000, |number, line| {
        if (number % 20 < 1 || number % 20 == 11)
            && let Some(base) = place.checked_sub(line.start).and_then(|at| line.bases.get_mut(at))
        {
            *base = alt;
        }
    });
    let (found, totals) = calls(&texts(&letters, &lines), &Settings::default(), &[], 3e-3).unwrap();
    let passed: Vec<_> = found.iter().filter(|it| it.filters.is_empty()).collect();
    assert_eq!(passed.len(), 1, "{passed:?}");
    assert_eq!((passed[0].place, passed[0].alternative[0]), (place, alt));
    assert!((0.06..0.15).contains(&passed[0].fraction), "{:?}", passed[0]);
    assert!(totals.sites > 1900 && totals.passed == 1);
}

#[test]
fn gaps_are_called_where_they_start_whatever_the_aligner_wrote() {
    let letters = [&sequence(400)[..], b"CAAAAAG", &sequence(700)[400..]].concat();
    // One A of five is deleted, and the aligner deleted the last one.
    let (run_start, run_end) = (401, 406);
    let lines = run(&letters, 1200, |number, line| {
        let (start, end) = (line.start, line.start + 100);
        if number % 10 < 2 && start + 20 < run_start && run_end + 20 < end {
            let before = run_end - 1 - start;
            line.bases.remove(before);
            line.cigar = format!("{before}M1D{}M", 99 - before);
        }
    });
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 3e-3).unwrap();
    let gaps: Vec<_> = found.iter().filter(|it| it.is_gap()).collect();
    assert_eq!(gaps.len(), 1, "{found:?}");
    assert_eq!((gaps[0].place, gaps[0].reference.as_slice()), (400, &b"CA"[..]));
    assert_eq!((gaps[0].alternative.as_slice(), gaps[0].run), (&b"C"[..], 5));
    assert!(gaps[0].filters.is_empty());
}

#[test]
fn errors_of_a_base_that_all_reads_have_are_counted_against_it() {
    let letters = sequence(2000);
    let place = 900usize;
    let [alt, third] = match letters[place] {
        b'A' => [b'C', b'G'],
        b'C' => [b'A', b'G'],
        _ => [b'A', b'C'],
    };
    let mut seen = 0;
    let lines = run(&letters, 3000, |_, line| {
        if let Some(base) = place.checked_sub(line.start).and_then(|at| line.bases.get_mut(at)) {
            seen += 1;
            *base = if seen % 40 == 0 { third } else { alt };
        }
    });
    let loose = Settings { min_quality: 0.0, written_quality: -1e6, ..Settings::default() };
    let (found, _) = calls(&texts(&letters, &lines), &loose, &[], 3e-3).unwrap();
    let fraction = |base| {
        let call = found.iter().find(|it| it.place == place && it.alternative == [base]);
        call.map(|it| (it.fraction, it.with_reference))
    };
    let (of_alt, of_third) = (fraction(alt).expect("called"), fraction(third).expect("written"));
    assert!(of_alt.0 > 0.95 && of_alt.1 == [0, 0], "{of_alt:?}");
    assert!(of_third.0 < 0.05 && of_third.1 == [0, 0], "{of_third:?}");
}

#[test]
fn errors_in_an_insertion_are_no_other_insertions() {
    let letters = sequence(800);
    let place = 400usize;
    let mut seen = 0;
    let lines = run(&letters, 1500, |_, line| {
        let Some(at) = place.checked_sub(line.start).filter(|at| (10..90).contains(at)) else {
            return;
        };
        seen += 1;
        let inserted: &[u8] = match seen % 60 {
            0 => b"GTCA",
            1 => b"GACC",
            _ => b"GACA",
        };
        line.bases.splice(at + 1..at + 1, inserted.iter().copied());
        line.cigar = format!("{}M4I{}M", at + 1, 99 - at);
    });
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 3e-3).unwrap();
    let passed: Vec<_> = found.iter().filter(|it| it.filters.is_empty()).collect();
    assert_eq!(passed.len(), 1, "{passed:?}");
    assert!(passed[0].is_gap() && passed[0].fraction > 0.85, "{passed:?}");
}

#[test]
fn a_gap_beside_one_that_many_more_have_is_its_shadow() {
    let letters = [&sequence(400)[..], b"GACCT", &sequence(800)[400..]].concat();
    let mut seen = 0;
    // All reads lack two bases; the aligner puts the gap of every eighth one elsewhere.
    let lines = run(&letters, 1500, |_, line| {
        let Some(at) = 400usize.checked_sub(line.start).filter(|at| (20..80).contains(at)) else {
            return;
        };
        seen += 1;
        let at = if seen % 8 == 0 { at + 3 } else { at };
        line.bases.drain(at..at + 2);
        line.cigar = format!("{at}M2D{}M", 98 - at);
    });
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 3e-3).unwrap();
    let gaps: Vec<_> = found.iter().filter(|it| it.is_gap()).collect();
    let passed = gaps.iter().filter(|it| it.filters.is_empty()).count();
    assert!(gaps.len() > 1 && passed == 1, "{gaps:?}");
}

#[test]
fn overlapping_mates_count_once() {
    let letters = sequence(600);
    let alt = other(letters[250]);
    // Pairs of mates that lie over each other; one pair in ten has the variant.
    let lines: Vec<Line> = (0..400)
        .flat_map(|number| {
            let name = format!("p{number}");
            [(99, 200), (147, 210)].map(|(flags, start)| {
                let mut line = read(&letters, &name, flags, start, 100);
                if number % 10 == 0 {
                    line.bases[250 - start] = alt;
                }
                line
            })
        })
        .collect();
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 1e-2).unwrap();
    let call = found.iter().find(|it| it.place == 250).expect("a call");
    assert_eq!((call.depth, call.found()), (400, 40));
}

#[test]
fn an_error_of_one_mate_is_none_of_the_fragment() {
    let letters = sequence(600);
    let alt = other(letters[250]);
    let lines: Vec<Line> = (0..200)
        .flat_map(|number| {
            let name = format!("p{number}");
            [(99u16, 200), (147, 210)].map(|(flags, start)| {
                let mut line = read(&letters, &name, flags, start, 100);
                if flags == 99 && number % 10 == 0 {
                    line.bases[250 - start] = alt;
                }
                line
            })
        })
        .collect();
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 1e-2).unwrap();
    assert!(found.iter().all(|it| !it.filters.is_empty()), "{found:?}");
}

#[test]
fn what_one_strand_has_alone_is_doubted() {
    let letters = sequence(800);
    let alt = other(letters[400]);
    let lines = run(&letters, 2000, |number, line| {
        if number % 6 == 0
            && let Some(base) =
                400usize.checked_sub(line.start).and_then(|at| line.bases.get_mut(at))
        {
            *base = alt;
        }
    });
    let (found, _) = calls(&texts(&letters, &lines), &Settings::default(), &[], 3e-3).unwrap();
    let is_sure = |it: &&bm_call::Variant| it.place == 400 && it.filters.is_empty();
    assert!(!found.iter().any(|it| is_sure(&it)), "{found:?}");
    let loose = Settings { min_quality: -1e6, written_quality: -1e6, ..Settings::default() };
    let (found, _) = calls(&texts(&letters, &lines), &loose, &[], 3e-3).unwrap();
    let call = found.iter().find(|it| it.place == 400).expect("written");
    assert!(call.filters.contains(&Filter::StrandBias), "{call:?}");
}

#[test]
fn genotypes_of_two_copies() {
    let letters = sequence(600);
    let lines = run(&letters, 600, |number, line| {
        for (place, every) in [(200usize, 2), (400, 1)] {
            let at = place.checked_sub(line.start).filter(|at| *at < 100);
            if let Some(at) = at.filter(|_| number / 2 % every == 0) {
                line.bases[at] = other(letters[place]);
            }
        }
    });
    let settings = Settings { ploidy: Some(2), ..Settings::default() };
    let texts = texts(&letters, &lines);
    let (found, _) = calls(&texts, &settings, &[], 3e-3).unwrap();
    let genotype = |place| found.iter().find(|it| it.place == place).and_then(|it| it.genotype);
    assert!(matches!(genotype(200), Some(Genotype { copies: 1, ploidy: 2, quality: 40.. })));
    assert!(matches!(genotype(400), Some(Genotype { copies: 2, ploidy: 2, quality: 40.. })));
    let reference = Reference::read(texts.0.as_bytes()).unwrap();
    let text = VcfText::new(&reference, &settings, "test", "s1");
    let call = found.iter().find(|it| it.place == 200).unwrap();
    let line = String::from_utf8(text.line(&reference, call).unwrap()).unwrap();
    let columns: Vec<&str> = line.trim_end().split('\t').collect();
    assert_eq!((columns[1], columns[6], columns[8]), ("201", "PASS", "GT:GQ"));
    assert!(columns[9].starts_with("0/1:") && columns[7].starts_with("DP="), "{line}");
    let header = String::from_utf8(text.header().unwrap()).unwrap();
    assert!(header.starts_with("##fileformat=VCFv4.4\n") && header.ends_with("FORMAT\ts1\n"));
}

#[test]
fn records_out_of_order_are_refused() {
    let letters = sequence(600);
    let (fasta, sam) =
        texts(&letters, &[read(&letters, "a", 0, 10, 50), read(&letters, "b", 0, 20, 50)]);
    let mut lines: Vec<&str> = sam.lines().collect();
    lines.swap(1, 2);
    let unsorted = lines.join("\n") + "\n";
    let refused = calls(&(fasta, unsorted), &Settings::default(), &[], 1e-3);
    assert!(matches!(refused, Err(CallError::Unsorted)));
}
