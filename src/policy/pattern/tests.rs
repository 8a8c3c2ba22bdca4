use std::collections::HashSet;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::no_wildcard("orders", "orders", true)]
#[case::case_counts("orders", "Orders", false)]
#[case::any_takes_none("orders*", "orders", true)]
#[case::any_takes_colons_and_slashes("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/test/3/object.jpg", true)]
#[case::text_between_wildcards_is_needed(
    "arn:aws:s3:::bucket/*/test/*",
    "arn:aws:s3:::bucket/1-test/object.jpg",
    false
)]
#[case::one_takes_one("order?", "orders", true)]
#[case::one_takes_not_none("orders?", "orders", false)]
#[case::one_takes_a_character_of_several_bytes("M?nchen", "München", true)]
#[case::nothing("", "", true)]
#[case::nothing_is_not_something("", "a", false)]
#[case::a_later_place("*ab", "aab", true)]
#[case::a_literal_star_in_the_text_is_text("a?b", "a*b", true)]
fn texts_match_as_aws_says(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
    assert_eq!(Pattern::new(pattern).matches(text), expected);
    assert_eq!(matches(pattern, text), expected);
}

#[rstest]
#[case("s3:GetObject", "s3:getobject", true)]
#[case("S3:get*", "s3:GetObject", true)]
#[case("s3:Get?bject", "s3:GetObject", true)]
#[case("s3:Put*", "s3:GetObject", false)]
fn actions_match_without_regard_to_case(#[case] pattern: &str, #[case] action: &str, #[case] expected: bool) {
    assert_eq!(ActionPattern::new(pattern).matches(action), expected);
    assert_eq!(matches_action(pattern, action), expected);
    assert!(!expected || ActionPattern::new(action).is_within(&ActionPattern::new(pattern)));
}

#[rstest]
#[case::no_colon_is_crossed("arn:*:s3:::bucket", "arn:aws:x:s3:::bucket", false)]
#[case::but_in_the_last_component(
    "arn:aws:lambda:*:*:*",
    "arn:aws:lambda:us-east-1:123456789012:function:orders:1",
    true
)]
#[case::a_component_may_be_empty("arn:aws:s3:*:*:bucket", "arn:aws:s3:::bucket", true)]
#[case::what_is_no_arn_does_not_match("*:*:*:*:*:*", "orders", false)]
fn arns_match_by_component(#[case] pattern: &str, #[case] arn: &str, #[case] expected: bool) {
    assert_eq!(ArnPattern::parse(pattern).unwrap().matches(arn), expected);
}

#[test]
fn arn_patterns_are_contained_by_component() {
    let arn = |text| ArnPattern::parse(text).unwrap();
    let orders = arn("arn:aws:lambda:us-east-1:123456789012:function:orders-*");
    assert!(orders.is_within(&arn("arn:aws:lambda:*:123456789012:function:*")));
    assert!(!orders.is_within(&arn("arn:aws:lambda:*:210987654321:function:*")));
    assert!(orders.intersects(&arn("arn:*:lambda:us-*:*:*admin")));
    assert!(!orders.intersects(&arn("arn:*:lambda:eu-*:*:*admin")));
    // As whole texts these would be nested: the wildcard would take `a:b`.
    assert!(Pattern::new("arn:aws:a:b:c:d:e").is_within(&Pattern::new("arn:aws:*:c:d:e")));
    assert!(!arn("arn:aws:a:b:c:d:e").is_within(&arn("arn:aws:*:c:d:e")));
    assert_eq!(ArnPattern::parse("arn:aws:lambda:*"), None);
}

#[rstest]
#[case::the_same("a*b?c", "a*b?c", true)]
#[case::anything("a*b", "*", true)]
#[case::a_wildcard_moved("a?*b", "a*?b", true)]
#[case::at_least_one_is_not_any("a*", "a?*", false)]
#[case::two_places_for_one("*a*", "*a*a*", false)]
#[case::across_a_block("a*b", "*ab", false)]
#[case::a_gap_that_a_block_cannot_fill("a*ab", "a*?b", true)]
#[case::the_last_behind_the_first("ab", "ab*b", false)]
fn containment_is_told(#[case] inner: &str, #[case] outer: &str, #[case] expected: bool) {
    assert_eq!(Pattern::new(inner).is_within(&Pattern::new(outer)), expected);
    assert_eq!(Language::of(inner).is_within(&Language::of(outer)), expected, "the oracle");
}

#[test]
fn one_of_a_list_is_enough_and_several_together_are_not() {
    let patterns = |list: &[&str]| -> Vec<Pattern> { list.iter().map(|text| Pattern::new(text)).collect() };
    assert!(Pattern::new("ab").is_within_one_of(&patterns(&["b*", "a*"])));
    assert!(!Pattern::new("a*").is_within_one_of(&patterns(&["a", "a?*"])));
}

#[test]
fn a_pattern_without_wildcards_is_literal() {
    assert!(Pattern::new("a:b/${c}").is_literal());
    assert!(!Pattern::new("a?").is_literal());
    assert!(!ActionPattern::new("s3:*").is_literal());
    assert!(!ArnPattern::parse("arn:aws:s3:::b/*").unwrap().is_literal());
}

#[test]
fn patterns_are_shown_as_policies_write_them() {
    assert_eq!(Pattern::new("a*b?c").to_string(), "a*b?c");
    assert_eq!(ArnPattern::parse("arn:aws:s3:::b/*").unwrap().to_string(), "arn:aws:s3:::b/*");
    assert_eq!([Token::Exactly('*'), Token::Any].into_iter().collect::<Pattern>().to_string(), "${*}*");
}

/// Exponential work would not come to an end here, and cubic work would be noticed.
#[test]
fn long_patterns_are_no_more_work_than_the_product_of_their_lengths() {
    let stars = "*a".repeat(1_000);
    let words = "a".repeat(4_000);
    assert!(!Pattern::new(&format!("{stars}b")).matches(&words));
    assert!(Pattern::new(&stars).matches(&words));
    let (short, long) = (Pattern::new(&stars), Pattern::new(&format!("{stars}*b*")));
    assert!(!short.is_within(&long));
    assert!(!long.is_within(&short));
    assert!(long.is_within(&Pattern::new(&format!("{stars}*"))));
    assert!(!short.intersects(&Pattern::new(&"?".repeat(999))));
    assert!(short.intersects(&long));
    assert!(!Pattern::new(&"a?".repeat(1_000)).is_within(&Pattern::new(&format!("{}b", "*a?".repeat(600)))));
}

/// Every pattern of up to three characters with every other, against the automata.
#[test]
fn short_patterns_are_related_as_their_automata_are() {
    let texts = (0..=3).flat_map(|length| words("ab*?", length));
    let compiled: Vec<(Pattern, Language)> = texts.map(|text| (Pattern::new(&text), Language::of(&text))).collect();
    for (inner, inner_language) in &compiled {
        for (outer, outer_language) in &compiled {
            assert_eq!(inner.is_within(outer), inner_language.is_within(outer_language), "{inner} within {outer}");
            assert_eq!(inner.intersects(outer), inner_language.intersects(outer_language), "{inner} and {outer}");
        }
    }
}

#[test]
fn short_texts_match_as_the_automata_accept() {
    let texts: Vec<String> = (0..=5).flat_map(|length| words("ab#", length)).collect();
    for pattern in (0..=4).flat_map(|length| words("ab*?", length)) {
        let (language, pattern) = (Language::of(&pattern), Pattern::new(&pattern));
        for text in &texts {
            assert_eq!(pattern.matches(text), language.accepts(text), "{text} by {pattern}");
        }
    }
}

proptest! {
    #[test]
    fn patterns_are_related_as_their_automata_are(inner in "[ab*?]{0,12}", outer in "[ab*?]{0,9}") {
        let (inner_language, outer_language) = (Language::of(&inner), Language::of(&outer));
        let (inner, outer) = (Pattern::new(&inner), Pattern::new(&outer));
        prop_assert_eq!(inner.is_within(&outer), inner_language.is_within(&outer_language));
        prop_assert_eq!(inner.intersects(&outer), inner_language.intersects(&outer_language));
        prop_assert_eq!(inner.intersects(&outer), outer.intersects(&inner));
    }

    /// Patterns made alike, so that most are contained: random ones rarely are.
    #[test]
    fn a_pattern_is_within_what_it_is_widened_to(
        inner in "[ab*?]{0,12}",
        widenings in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4),
    ) {
        let mut wider: Vec<char> = inner.chars().collect();
        for (at, to_any) in widenings {
            if !wider.is_empty() {
                let at = at.index(wider.len());
                wider[at] = if to_any || wider[at] == '*' { '*' } else { '?' };
            }
        }
        let wider: String = wider.into_iter().collect();
        prop_assert!(Pattern::new(&inner).is_within(&Pattern::new(&wider)), "{} within {}", inner, wider);
        prop_assert_eq!(
            Pattern::new(&wider).is_within(&Pattern::new(&inner)),
            Language::of(&wider).is_within(&Language::of(&inner))
        );
    }

    #[test]
    fn what_is_within_matches_as_well(inner in "[ab:*?]{0,8}", outer in "[ab:*?]{0,6}", text in "[ab:#]{0,8}") {
        let (inner, outer) = (Pattern::new(&inner), Pattern::new(&outer));
        if inner.is_within(&outer) && inner.matches(&text) {
            prop_assert!(outer.matches(&text));
        }
        if inner.matches(&text) && outer.matches(&text) {
            prop_assert!(inner.intersects(&outer));
        }
    }
}

fn words(alphabet: &str, length: usize) -> Vec<String> {
    (0..length).fold(vec![String::new()], |words, _| {
        words.iter().flat_map(|word| alphabet.chars().map(move |next| format!("{word}{next}"))).collect()
    })
}

/// The oracle: a pattern as a nondeterministic automaton over a, b and #, which stands for all other characters.
struct Language(Vec<char>);

/// A bit for each state: how much of the pattern is behind.
type States = u32;

impl Language {
    const ALPHABET: [char; 3] = ['a', 'b', '#'];

    fn of(pattern: &str) -> Self {
        assert!(pattern.len() < 32);
        Self(pattern.chars().collect())
    }

    fn start(&self) -> States {
        self.closure(1)
    }

    /// A `*` may be passed without a character.
    fn closure(&self, states: States) -> States {
        self.0.iter().enumerate().fold(states, |states, (state, token)| {
            if *token == '*' { states | ((states >> state & 1) << (state + 1)) } else { states }
        })
    }

    fn step(&self, states: States, character: char) -> States {
        let next =
            self.0.iter().enumerate().filter(|(state, _)| states >> state & 1 == 1).map(|(state, token)| match token {
                '*' => 1 << state,
                '?' => 1 << (state + 1),
                literal => States::from(*literal == character) << (state + 1),
            });
        self.closure(next.fold(0, |states, next| states | next))
    }

    fn is_accepting(&self, states: States) -> bool {
        states >> self.0.len() & 1 == 1
    }

    fn accepts(&self, text: &str) -> bool {
        self.is_accepting(text.chars().fold(self.start(), |states, character| self.step(states, character)))
    }

    fn is_within(&self, other: &Self) -> bool {
        self.pairs(other).iter().all(|(ours, theirs)| !self.is_accepting(*ours) || other.is_accepting(*theirs))
    }

    fn intersects(&self, other: &Self) -> bool {
        self.pairs(other).iter().any(|(ours, theirs)| self.is_accepting(*ours) && other.is_accepting(*theirs))
    }

    /// The pairs of states that any text leads to.
    fn pairs(&self, other: &Self) -> HashSet<(States, States)> {
        let mut seen = HashSet::new();
        let mut open = vec![(self.start(), other.start())];
        while let Some((ours, theirs)) = open.pop() {
            if seen.insert((ours, theirs)) {
                let next = Self::ALPHABET.map(|c| (self.step(ours, c), other.step(theirs, c)));
                open.extend(next.into_iter().filter(|(ours, _)| *ours != 0));
            }
        }
        seen
    }
}
