//! Containment and intersection of the languages of two patterns.

use super::Token;

/// Whether every text that matches `inner` matches `outer`, in at most |inner| · |outer| steps.
///
/// `outer` is read as segments with gaps: a maximal run of wildcards that holds a `*` is a gap of at least as many
/// characters as it has `?`; a run of `?` alone stays in its segment. So a segment begins and ends with a literal,
/// except that the first, which is bound to the beginning, may begin with `?`, and the last, bound to the end, may end
/// with `?`. In `inner` a `?` is taken for a character # that `outer` does not name, and a `*` for a block of them,
/// of any number. Then `inner` is within `outer` if and only if each segment in turn, put at its first possible place,
/// fits into `inner` without lying across a block, where gaps count a block for nothing.
///
/// *If*: whatever the blocks hold, the segments stay where they are put and the gaps only grow.
///
/// *Only if*: let blocks that begin less than a gap's length behind the segment before it be empty, and all others
/// hold more # than `outer` is long. In that text no segment lies across a block: not across an empty one, for the
/// segment would begin within the gap; not across, and not in, a long one, for it begins and ends with a literal. (The
/// first segment lies at the beginning, and ends with a literal, which # is not; the last likewise, from the end.)
/// So each first possible place in that text is the one in `inner`, and a text matches if its segments, each at its
/// first possible place, do not run out of it. That text matches `inner`; if the placement fails, it does not match
/// `outer`.
pub(super) fn is_within(inner: &[Token], outer: &[Token]) -> bool {
    let Some((first, mut gap, mut rest)) = split_at_gap(outer) else { return fits(outer, inner) };
    if !inner.get(..first.len()).is_some_and(|beginning| fits(first, beginning)) {
        return false;
    }
    let mut end = first.len();
    while let Some((segment, next_gap, next_rest)) = split_at_gap(rest) {
        let Some(start) = first_place(segment, inner, end, gap) else { return false };
        (end, gap, rest) = (start + segment.len(), next_gap, next_rest);
    }
    inner
        .len()
        .checked_sub(rest.len())
        .is_some_and(|start| start >= end && least_length(&inner[end..start]) >= gap && fits(rest, &inner[start..]))
}

/// Whether any text matches both.
pub(super) fn intersects(one: &[Token], other: &[Token]) -> bool {
    // Most of what is compared differs in its first characters.
    let literals = one.iter().zip(other).take_while(|(one, other)| is_literal(**one) && is_literal(**other));
    let mut length = 0;
    for (one, other) in literals {
        if one != other {
            return false;
        }
        length += 1;
    }
    have_common_text(&one[length..], &other[length..])
}

fn is_literal(token: Token) -> bool {
    matches!(token, Token::Exactly(_))
}

/// By the table of the ends of both that have a text in common.
fn have_common_text(one: &[Token], other: &[Token]) -> bool {
    // `behind[j]`: whether what is left of `one` behind its token at hand and `other[j..]` have a text in common.
    let mut behind: Vec<bool> = (0..=other.len()).map(|start| is_all_any(&other[start..])).collect();
    let mut here = vec![false; other.len() + 1];
    for token in one.iter().rev() {
        here[other.len()] = *token == Token::Any && behind[other.len()];
        for (index, against) in other.iter().enumerate().rev() {
            here[index] = match (token, against) {
                (Token::Any, _) | (_, Token::Any) => behind[index] || here[index + 1],
                (Token::Exactly(one), Token::Exactly(other)) => one == other && behind[index + 1],
                (Token::One, Token::One | Token::Exactly(_)) | (Token::Exactly(_), Token::One) => behind[index + 1],
            };
        }
        std::mem::swap(&mut behind, &mut here);
    }
    behind[0]
}

fn is_all_any(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| *token == Token::Any)
}

/// The segment before the first gap of `pattern`, the least length of that gap, and what is behind it.
fn split_at_gap(pattern: &[Token]) -> Option<(&[Token], usize, &[Token])> {
    let mut start = 0;
    while start < pattern.len() {
        let run = pattern[start..].iter().take_while(|token| !matches!(token, Token::Exactly(_))).count();
        let (run, rest) = pattern[start..].split_at(run);
        if run.contains(&Token::Any) {
            return Some((&pattern[..start], least_length(run), rest));
        }
        start += run.len() + 1;
    }
    None
}

/// Where `segment` first fits into `tokens`, at least `gap` characters behind `end`.
fn first_place(segment: &[Token], tokens: &[Token], end: usize, gap: usize) -> Option<usize> {
    let mut start = end;
    let mut left = gap;
    while left > 0 {
        left -= usize::from(*tokens.get(start)? != Token::Any);
        start += 1;
    }
    (start..tokens.len())
        .find(|start| tokens.get(*start..start + segment.len()).is_some_and(|part| fits(segment, part)))
}

/// Whether `segment`, which holds no `*`, matches `tokens` one by one.
fn fits(segment: &[Token], tokens: &[Token]) -> bool {
    segment.len() == tokens.len()
        && segment
            .iter()
            .zip(tokens)
            .all(|(expected, found)| *found != Token::Any && (*expected == Token::One || expected == found))
}

/// How many characters there are at least in a text that matches.
fn least_length(tokens: &[Token]) -> usize {
    tokens.iter().filter(|token| **token != Token::Any).count()
}
