//! Whatever stands in place of a document ends as a document or a fault, with work in proportion to its length.

use fastrand::Rng;
use proptest::{collection::vec, prelude::*, sample::select};
use rstest::rstest;

use super::{generate::stored_document, *};
use crate::policy::{
    canonical::Canonical,
    check::{Kind, faults},
};

/// Longest path or message, in bytes: five excerpts and the words around them.
const FAULT_MAX: usize = 3_000;

/// Everything that is done with a document whose origin is not ours. What comes out is bounded by what went in: no fault
/// repeats a text at length, and there are no more faults than there are words.
fn survives(json: &str) {
    let document = match Document::parse(json) {
        Ok(document) => document,
        Err(fault) => return assert_bounded(&fault),
    };
    let canonical = Canonical::of(&document);
    // A control character of two bytes is written as an escape of six; a scalar number gets quotes.
    let bound = 6 * json.len() + 100;
    assert!(document.to_string().len() <= bound && canonical.document().to_string().len() <= bound);
    for kind in [Kind::Identity, Kind::Trust, Kind::ServiceControl] {
        let faults = faults(&document, kind);
        assert!(faults.len() <= json.len(), "{} faults", faults.len());
        faults.iter().for_each(assert_bounded);
    }
}

fn assert_bounded(fault: &Fault) {
    assert!(fault.path.len() <= FAULT_MAX && fault.message.len() <= FAULT_MAX, "{fault}");
}

/// Cuts, repeats, swaps and overwrites pieces of `json`, at any byte.
fn mutated(json: &str, times: usize, random: &mut Rng) -> String {
    const TOKENS: [&str; 12] =
        ["{", "}", "[", "]", ",", ":", "\"", "\\u0000", "null", "1e999", "\"Action\":", "\"\u{1F600}\""];
    let mut bytes = json.as_bytes().to_vec();
    for _ in 0..times {
        let start = random.usize(..=bytes.len());
        let end = (start + random.usize(..12)).min(bytes.len());
        match random.u8(..4) {
            0 => drop(bytes.drain(start..end)),
            1 => {
                let piece = bytes[start..end].to_vec();
                let place = random.usize(..=bytes.len());
                drop(bytes.splice(place..place, piece));
            }
            2 => drop(bytes.splice(start..end, TOKENS[random.usize(..TOKENS.len())].bytes())),
            _ => bytes[start..end].iter_mut().for_each(|byte| *byte = random.u8(..)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #[test]
    fn any_text_is_a_document_or_a_fault(text: String) {
        survives(&text);
    }

    #[test]
    fn any_tokens_are_a_document_or_a_fault(
        tokens in vec(select(vec![
            "{", "}", "[", "]", ":", ",", "\"Statement\"", "\"Effect\"", "\"Allow\"", "\"Action\"", "\"Principal\"",
            "\"Condition\"", "\"AWS\"", "\"*\"", "\"\"", "1", "-0.0", "true", "null", " ",
        ]), 0..60)
    ) {
        survives(&tokens.concat());
    }

    #[test]
    fn a_broken_document_is_a_document_or_a_fault(document in stored_document(), times in 1..8usize, seed: u64) {
        survives(&mutated(&document.to_string(), times, &mut Rng::with_seed(seed)));
    }
}

fn statement(body: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"a:B","Resource":"*",{body}}}}}"#)
}

#[rstest]
#[case::lists("[".repeat(100_000))]
#[case::objects(r#"{"Statement":"#.repeat(100_000))]
#[case::closed_lists(format!(r#"{{"Statement":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)))]
#[case::values(statement(&format!(r#""Condition":{{"Bool":{{"a:k":{}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000))))]
fn deep_nesting_is_a_fault_and_no_overflow(#[case] json: String) {
    let fault = Document::parse(&json).unwrap_err().to_string();
    assert!(fault.contains("recursion limit exceeded"), "{fault}");
}

/// Were a path written out at every step, or a name repeated with every fault, each of these would take its length
/// squared: tens of gigabytes.
#[rstest]
#[case::values_of_a_long_key(|half| statement(&format!(
    r#""Condition":{{"Bool":{{"{}":[{}"ü"]}}}}"#, "k".repeat(half), r#""–","#.repeat(half / 6)
)))]
#[case::keys_of_a_long_operator(|half| {
    let keys: Vec<String> = (0..half / 12).map(|index| format!(r#""{index}":"""#)).collect();
    statement(&format!(r#""Condition":{{"{}":{{{}}}}}"#, "o".repeat(half), keys.join(",")))
})]
#[case::a_long_member_that_is_unknown(|half| statement(&format!(r#""{}":1"#, "m".repeat(2 * half))))]
#[case::sids(|half| {
    let statements = r#"{"Sid":"–","Effect":"Allow","Action":"","Resource":""},"#.repeat(half / 30);
    format!(r#"{{"Statement":[{statements}{{"Effect":"Deny","Action":"a:B"}}]}}"#)
})]
#[case::garbage(|half| "\u{1F600}{[\"".repeat(half / 4))]
#[case::one_string(|half| format!("\"{}\"", "\\u00e9".repeat(half / 3)))]
#[case::a_number(|half| statement(&format!(r#""Condition":{{"NumericEquals":{{"a:k":{}}}}}"#, "9".repeat(half))))]
fn a_large_document_takes_work_in_proportion(#[case] json_of: fn(usize) -> String) {
    survives(&json_of(300_000));
}
