//! Embeds scripts without comments and indentation, to keep the wasm small.

/// The length of [`stripped`].
pub(super) const fn stripped_len(source: &str) -> usize {
    walk(source.as_bytes(), &mut [])
}

/// `source` without blank lines, indentation and comment lines (`#`). The scripts contain no multi-line strings.
pub(super) const fn stripped<const LEN: usize>(source: &str) -> [u8; LEN] {
    let mut to = [0; LEN];
    walk(source.as_bytes(), &mut to);
    to
}

/// The bytes as text.
pub(super) const fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a script is not UTF-8"),
    }
}

/// Writes to `to` as far as there is room. Returns the whole length.
const fn walk(from: &[u8], to: &mut [u8]) -> usize {
    let mut len = 0;
    let mut at = 0;
    while at < from.len() {
        while at < from.len() && (from[at] == b' ' || from[at] == b'\n' || from[at] == b'\r') {
            at += 1;
        }
        let is_comment = at < from.len() && from[at] == b'#';
        while at < from.len() {
            let byte = from[at];
            at += 1;
            if !is_comment && byte != b'\r' {
                if len < to.len() {
                    to[len] = byte;
                }
                len += 1;
            }
            if byte == b'\n' {
                break;
            }
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_run_is_kept() {
        for (source, kept) in [
            ("# a\n\n  # b\n  if x; then\r\n    y # z\n  fi\n", "if x; then\ny # z\nfi\n"),
            ("a", "a"),
            ("a\n  ", "a\n"),
            ("a\n# b", "a\n"),
            ("#", ""),
            ("", ""),
        ] {
            let mut to = vec![0; stripped_len(source)];
            assert_eq!(walk(source.as_bytes(), &mut to), to.len());
            assert_eq!(text(&to), kept, "{source:?}");
        }
        const LEN: usize = stripped_len(" a\n");
        assert_eq!(text(&stripped::<LEN>(" a\n")), "a\n");
    }
}
