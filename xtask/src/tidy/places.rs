//! Results name no places of the machine that made them: they say nothing to others.

/// Folders that only one machine, or one person, has.
const OF_A_MACHINE: [&str; 5] = ["/tmp/", "/home/", "/root/", "/Users/", "/var/folders/"];

/// Returns the lines of a results file with such a place.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let found = |line: &str| OF_A_MACHINE.into_iter().find(|place| line.contains(place));
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| {
            found(line).map(|place| {
                format!("{path}:{}: names a place of one machine, {place}", number + 1)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_one_machine_is_a_finding_and_others_are_not() {
        assert_eq!(check("a.json", "{\"file\": \"reads/a.fastq\", \"of\": \"1/4\"}\n"), [""; 0]);
        let text = "{\"a\": 1,\n\"said\": \"wrote /tmp/x/a.obs\",\n\"by\": \"/home/me/bm\"}\n";
        assert_eq!(
            check("a.json", text),
            [
                "a.json:2: names a place of one machine, /tmp/",
                "a.json:3: names a place of one machine, /home/"
            ]
        );
    }
}
