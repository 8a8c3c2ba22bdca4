//! How grants share the room that a role's own policies leave.
//!
//! - What a grant has it keeps: no other grant takes it away.
//! - A namespace has no more than the role's owner allows each; one that has more gives up its youngest grant first.
//! - What is free goes first to the namespace that has least of the role, then to the older grant. Who does not fit is passed over.
//! - If the role's own policies need the room, the namespace that has most gives up its youngest grant first.
//!
//! A second division of the same room among the same grants changes nothing.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::GrantKey;

/// What a grant has of a role, and what it asks for, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub key: GrantKey,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What it has; 0 for nothing.
    pub held: usize,
    /// What it asks for; `None` if it has to do with what it has.
    pub wanted: Option<usize>,
}

/// What there is to divide, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For all grants together.
    pub characters: usize,
    /// Most for those of one namespace.
    pub per_namespace: usize,
}

/// What a grant gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// What it asks for.
    Wanted,
    /// What it has, and no more.
    Held,
    /// Nothing.
    Nothing,
}

impl Claim {
    /// Age and name: the older grant comes first.
    fn rank(&self) -> (Option<Timestamp>, &GrantKey) {
        (self.created, &self.key)
    }

    /// What it takes without anybody else's room.
    fn secure(&self) -> (Share, usize) {
        match self.wanted {
            Some(wanted) if wanted <= self.held => (Share::Wanted, wanted),
            Some(_) | None if self.held > 0 => (Share::Held, self.held),
            Some(_) | None => (Share::Nothing, 0),
        }
    }

    /// What it would rather have than nothing, or than what it has.
    fn better(&self, share: Share) -> Option<(Share, usize)> {
        match (share, self.wanted) {
            (Share::Held | Share::Nothing, Some(wanted)) => Some((Share::Wanted, wanted)),
            (Share::Nothing, None) if self.held > 0 => Some((Share::Held, self.held)),
            (Share::Wanted, _) | (Share::Held | Share::Nothing, None) => None,
        }
    }
}

/// Divides `room` among the claims; what each gets, in their order.
#[must_use]
pub fn divide(claims: &[Claim], room: Room) -> Vec<Share> {
    let mut shares: Vec<(Share, usize)> = claims.iter().map(Claim::secure).collect();
    // The namespace that has most is the first to have too much.
    let has_too_much = |shares: &[(Share, usize)]| {
        taken(shares) > room.characters || by_namespace(claims, shares).values().any(|sum| *sum > room.per_namespace)
    };
    while has_too_much(&shares) {
        let Some(index) = yielding(claims, &shares) else { break };
        shares[index] = (Share::Nothing, 0);
    }
    while let Some((index, share)) = next(claims, &shares, room) {
        shares[index] = share;
    }
    shares.into_iter().map(|(share, _)| share).collect()
}

fn taken(shares: &[(Share, usize)]) -> usize {
    shares.iter().map(|(_, characters)| characters).sum()
}

fn by_namespace<'a>(claims: &'a [Claim], shares: &[(Share, usize)]) -> BTreeMap<&'a str, usize> {
    claims.iter().zip(shares).fold(BTreeMap::new(), |mut sums, (claim, (_, characters))| {
        *sums.entry(claim.key.namespace.as_str()).or_default() += characters;
        sums
    })
}

/// The grant that has to give up what it has: the youngest of the namespace that has most.
fn yielding(claims: &[Claim], shares: &[(Share, usize)]) -> Option<usize> {
    let sums = by_namespace(claims, shares);
    let holding = (0..claims.len()).filter(|index| shares[*index].1 > 0);
    holding.max_by_key(|index| {
        let claim = &claims[*index];
        (sums[claim.key.namespace.as_str()], &claim.key.namespace, claim.rank())
    })
}

/// The grant that comes next to what is free, of those that it suffices for, and what it gets.
fn next(claims: &[Claim], shares: &[(Share, usize)], room: Room) -> Option<(usize, (Share, usize))> {
    let (sums, free) = (by_namespace(claims, shares), room.characters.saturating_sub(taken(shares)));
    let fitting = (0..claims.len()).filter_map(|index| {
        let (share, characters) = shares[index];
        let better = claims[index].better(share)?;
        let of_namespace = room.per_namespace.saturating_sub(sums[claims[index].key.namespace.as_str()]);
        (better.1.saturating_sub(characters) <= free.min(of_namespace)).then_some((index, better))
    });
    fitting.min_by_key(|(index, _)| {
        let claim = &claims[*index];
        (sums[claim.key.namespace.as_str()], claim.rank())
    })
}
