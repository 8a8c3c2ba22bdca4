//! Answers of the API server, cut where they are nested deeper than any object of ours.
//!
//! A field that is open to any JSON (a raw document, the values of a condition) may be nested as deep as its author likes, and
//! the API server takes it. `serde_json` gives up at 128 levels, and with the one object the whole list or watch that it
//! is in: whoever may write one object could stop the controller for all. What is cut reads as `null`, which no such
//! field takes, so the object itself is refused in words.

use bytes::Bytes;

/// Deepest nesting that is let through. Ours come to about 20, and a list adds two.
const DEPTH_MAX: usize = 100;

/// Reads JSON texts as they come, in any pieces, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    /// The next piece, without what is nested too deep.
    pub(super) fn cut(&mut self, piece: Bytes) -> Bytes {
        let mut kept = Vec::new();
        // Up to here the piece is as it came, so that what is nested like all else is not copied.
        let mut copied = 0;
        for (index, byte) in piece.iter().enumerate() {
            let was_within = self.depth <= DEPTH_MAX;
            self.read(*byte);
            let is_within = self.depth <= DEPTH_MAX;
            if was_within && !is_within {
                kept.extend_from_slice(&piece[copied..index]);
                kept.extend_from_slice(b"null");
            }
            if !is_within || !was_within {
                copied = index + 1;
            }
        }
        if copied == 0 {
            return piece;
        }
        kept.extend_from_slice(&piece[copied..]);
        kept.into()
    }

    fn read(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_in_string => self.is_escaped = true,
            b'"' => self.is_in_string = !self.is_in_string,
            b'{' | b'[' if !self.is_in_string => self.depth += 1,
            b'}' | b']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}\"]}}\\\"\"{}", "[".repeat(depth), "]".repeat(depth))
    }

    fn cut(text: &str, piece: usize) -> String {
        let mut nesting = Nesting::default();
        let pieces = text.as_bytes().chunks(piece).map(|piece| nesting.cut(Bytes::copy_from_slice(piece)));
        String::from_utf8(pieces.collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn what_is_nested_too_deep_reads_as_null_and_the_rest_as_it_was() {
        let list = format!(r#"{{"items":[{{"a":{}}},{{"b":"}}"}}]}}"#, nested(5_000));
        let read: Value = serde_json::from_str(&cut(&list, 7)).unwrap();
        assert_eq!(read["items"][1], json!({"b": "}"}));
        let mut innermost = &read["items"][0]["a"];
        while let Some(inner) = innermost.get(0) {
            innermost = inner;
        }
        assert_eq!(*innermost, Value::Null);
    }

    #[test]
    fn texts_that_follow_each_other_are_told_apart() {
        let lines = format!("{}\n{}\n", nested(300), r#"{"c":[1]}"#);
        let cut = cut(&lines, 64);
        let last = cut.lines().last().unwrap();
        assert_eq!(last, r#"{"c":[1]}"#);
        assert!(serde_json::from_str::<Value>(cut.lines().next().unwrap()).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_not_nested_too_deep_is_left_as_it_is(depth in 0..=DEPTH_MAX, piece in 1_usize..50) {
            prop_assert_eq!(cut(&nested(depth), piece), nested(depth));
        }
    }
}
