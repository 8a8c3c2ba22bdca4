//! The page that people read when something is wrong.

use std::{collections::BTreeSet, fs, ops::Range, path::Path};

use lambdaroles::api::Reason;
use strum::IntoEnumIterator;

use super::pages;

const PAGE: &str = "docs/troubleshooting.md";

/// Sections whose entries need nothing done.
const CALM: [&str; 2] = ["All is well", "Events only"];

/// The section that is about no reason.
const SYMPTOMS: &str = "Trouble without a reason";

/// Fewest characters of a text in the code that tell it from others.
const TELLING: usize = 12;

/// The share of a message, in percent, that is in the words of the code where it is put together from several texts. The rest
/// are names.
const IN_WORDS_OF_THE_CODE: usize = 80;

struct Entry {
    section: String,
    reason: String,
    text: String,
}

fn entries() -> Vec<Entry> {
    let page = pages::read(Path::new(PAGE)).text;
    let sections = page.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    let reasons = sections.filter(|(title, _)| *title != SYMPTOMS).flat_map(|(title, text)| {
        let entries = text.split("\n### ").skip(1).filter_map(|entry| entry.split_once('\n'));
        entries.map(|(reason, text)| Entry {
            section: title.to_owned(),
            reason: reason.to_owned(),
            text: text.to_owned(),
        })
    });
    reasons.collect()
}

#[test]
fn every_reason_has_one_entry_and_every_entry_a_reason() {
    let mut told: Vec<String> = entries().into_iter().map(|entry| entry.reason).collect();
    let mut known: Vec<String> = Reason::iter().map(|reason| reason.to_string()).collect();
    told.sort();
    known.sort();
    assert_eq!(told, known);
}

#[test]
fn an_entry_shows_a_message_and_says_why_it_is_where_to_look_and_what_to_do() {
    for Entry { section, reason, text } in entries() {
        assert!(!messages(&text).is_empty(), "{reason} shows no message");
        if CALM.contains(&section.as_str()) {
            continue;
        }
        let places = ["**Why.**", "**Look.**", "**Mend.**"].map(|part| text.find(part));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{reason}: {places:?}");
    }
}

/// A message that is worded anew in the code, and not here, is searched for in vain.
#[test]
fn the_messages_are_worded_as_in_the_code() {
    let templates = templates();
    for Entry { reason, text, .. } in entries() {
        for message in messages(&text) {
            let share = 100 * covered(&message, &templates) / message.len();
            let is_whole = templates.iter().any(|template| is_made_from(&message, template));
            assert!(is_whole || share >= IN_WORDS_OF_THE_CODE, "{reason}: {share} % of: {message}");
        }
    }
}

/// What is quoted as code.
fn messages(text: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        match (line.strip_prefix("> "), is_open) {
            (Some(part), true) => {
                if let Some(message) = messages.last_mut() {
                    message.push(' ');
                    message.push_str(part);
                }
            }
            (Some(part), false) => messages.push(part.to_owned()),
            (None, _) => {}
        }
        is_open = line.starts_with("> ");
    }
    let quoted = messages.iter().filter_map(|message| message.strip_prefix('`')?.strip_suffix('`'));
    quoted.map(str::to_owned).collect()
}

/// The texts of the code, each as what stands between its placeholders.
fn templates() -> BTreeSet<Vec<String>> {
    let mut templates = BTreeSet::new();
    pages::collect(Path::new("src"), "rs", &mut |path| {
        let code = fs::read_to_string(pages::in_project(path)).unwrap();
        templates.extend(literals(&code).iter().map(|literal| parts(literal)));
    });
    assert!(templates.len() > 1000, "the code is somewhere else now");
    templates
}

/// The string literals of `code`, near enough: a character of a quotation mark begins one that is none, up to the next.
fn literals(code: &str) -> Vec<String> {
    let mut literals = Vec::new();
    // A comment may hold one quotation mark alone.
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut characters = code.replace("'\"'", "").chars().collect::<Vec<_>>().into_iter();
    while characters.any(|c| c == '"') {
        let mut literal = String::new();
        while let Some(c) = characters.next() {
            match c {
                '"' => break,
                '\\' => literal.extend(characters.next()),
                c => literal.push(c),
            }
        }
        literals.push(literal);
    }
    literals
}

/// What stands before, between and after the placeholders.
fn parts(literal: &str) -> Vec<String> {
    let mut pieces = literal.split('{');
    let first = pieces.next().unwrap_or_default();
    let others = pieces.map(|piece| piece.split_once('}').map_or("", |(_, after)| after));
    [first].into_iter().chain(others).map(str::to_owned).collect()
}

/// Whether `message` is all of `template`, with something in each place.
fn is_made_from(message: &str, template: &[String]) -> bool {
    let [first, .., last] = template else { return false };
    let is_framed = message.starts_with(first.as_str()) && message.ends_with(last.as_str());
    is_framed && !(first.is_empty() && last.is_empty()) && places(message, template).is_some()
}

/// How many bytes of `message` come from `templates`. A template counts if all of it is there, in order.
fn covered(message: &str, templates: &BTreeSet<Vec<String>>) -> usize {
    let mut is_covered = vec![false; message.len()];
    for place in templates.iter().filter_map(|template| places(message, template)).flatten() {
        is_covered[place].fill(true);
    }
    is_covered.iter().filter(|covered| **covered).count()
}

/// Where the parts of `template` are in `message`, if all are there in order.
fn places(message: &str, template: &[String]) -> Option<Vec<Range<usize>>> {
    let mut from = 0;
    let place = |part: &String| {
        let start = from + message[from..].find(part.as_str())?;
        from = start + part.len();
        Some(start..from)
    };
    let is_telling = template.iter().map(String::len).sum::<usize>() >= TELLING;
    is_telling.then(|| template.iter().map(place).collect()).flatten()
}
