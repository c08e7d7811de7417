//! The Rust files that the rules look at, and their text without comments and strings.

/// One Rust file of a workspace member.
pub(super) struct Source {
    /// The path from the root of the workspace, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// Returns the code alone: comments and strings become blanks, line ends stay, and so does the
/// length of every line in bytes.
pub(super) fn without_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped_until(&bytes[at..]).map_or(at, |length| at + length);
        if end == at {
            code.push(bytes[at]);
            at += 1;
        } else {
            code.extend(
                bytes[at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }),
            );
            at = end;
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// Returns the length of the comment, string or character at the start of `rest`, if there is one.
fn skipped_until(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(1 + quoted(&rest[1..], b'"')),
        [b'r', b'"' | b'#', ..] => raw_string(rest),
        // A character, not a lifetime.
        [b'\'', b'\\', ..] => Some(1 + quoted(&rest[1..], b'\'')),
        [b'\'', first, rest @ ..] => {
            let length = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            (rest.get(length - 1) == Some(&b'\'')).then_some(length + 2)
        }
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the length up to and including the closing `quote`.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    // `r#name` is an identifier.
    (rest.get(1 + hashes) == Some(&b'"')).then_some(())?;
    let close: Vec<u8> = [b'"'].into_iter().chain(std::iter::repeat_n(b'#', hashes)).collect();
    let start = 2 + hashes;
    let length = rest[start..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| start + length + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_become_blanks() {
        for (text, code) in [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("a(\"b\\\"c\", d)", "a(      , d)"),
            ("a(r#\"b\"#, 'c', '\\'', d)", "a(      ,    ,     , d)"),
            ("('…','\"', a)", "(     ,   , a)"),
            ("fn a<'b>(c: &'b str)", "fn a<'b>(c: &'b str)"),
        ] {
            assert_eq!(without_comments_and_strings(text), code, "{text}");
        }
    }
}
