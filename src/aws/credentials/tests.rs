use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use aws_credential_types::{credential_fn::provide_credentials_fn, provider::SharedCredentialsProvider};
use futures::future::join_all;
use rstest::rstest;

use super::*;
use crate::api::Reason;

/// Credentials that last for so many seconds; for ever without.
fn credentials(key: &str, now: SystemTime, lasts: Option<u64>) -> Credentials {
    Credentials::new(key, "secret", None, lasts.map(|seconds| now + Duration::from_secs(seconds)), "test")
}

/// A session with a source of credentials that last an hour, and a clock that stands still until it is moved.
struct World {
    session: Session,
    fetched: Arc<AtomicU32>,
    is_broken: Arc<AtomicU32>,
    seconds: AtomicU64,
}

const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

impl World {
    fn new() -> Self {
        let (fetched, is_broken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (count, broken) = (Arc::clone(&fetched), Arc::clone(&is_broken));
        let provider = provide_credentials_fn(move || {
            let (count, broken) = (Arc::clone(&count), Arc::clone(&broken));
            async move {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                if broken.load(Ordering::SeqCst) > 0 {
                    return Err(CredentialsError::provider_error("the vault is closed"));
                }
                // Each set lasts an hour from when it is made, at the nth minute 55.
                let made = EPOCH + Duration::from_secs(u64::from(number - 1) * 55 * 60);
                Ok(credentials(&format!("key-{number}"), made, Some(3600)))
            }
        });
        let session = Session::new(Source::Provided(SharedCredentialsProvider::new(provider)));
        Self { session, fetched, is_broken, seconds: AtomicU64::new(0) }
    }

    fn at(&self, seconds: u64) -> &Self {
        self.seconds.store(seconds, Ordering::SeqCst);
        self
    }

    fn now(&self) -> SystemTime {
        EPOCH + Duration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    async fn key(&self) -> Result<String, Error> {
        let credentials = self.session.credentials_by(|| self.now()).await?;
        Ok(credentials.access_key_id().to_owned())
    }

    fn fetched(&self) -> u32 {
        self.fetched.load(Ordering::SeqCst)
    }

    fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(u32::from(is_broken), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn many_who_wait_fetch_once() {
    let world = World::new();
    let keys = join_all((0..50).map(|_| world.key())).await;
    assert!(keys.into_iter().all(|key| key.unwrap() == "key-1"));
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn a_session_is_renewed_before_it_ends_and_nobody_else_waits_for_that() {
    let world = World::new();
    world.key().await.unwrap();
    assert_eq!(world.at(54 * 60).key().await.unwrap(), "key-1");
    let mut keys: Vec<_> =
        join_all((0..50).map(|_| world.at(55 * 60).key())).await.into_iter().map(Result::unwrap).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys, ["key-1", "key-2"], "one renews, the others go on with what is held");
    assert_eq!(world.fetched(), 2);
    assert_eq!(world.at(60 * 60).key().await.unwrap(), "key-2");
}

#[tokio::test]
async fn a_request_under_way_renews_nothing_and_fetches_only_what_it_cannot_do_without() {
    let world = World::new();
    let key = async || {
        let credentials = world.session.credentials_in_request(|| world.now()).await.unwrap();
        credentials.access_key_id().to_owned()
    };
    assert_eq!(key().await, "key-1");
    world.at(59 * 60);
    assert_eq!(key().await, "key-1");
    assert_eq!(world.fetched(), 1);
    world.at(60 * 60);
    assert_eq!(key().await, "key-2");
}

#[tokio::test]
async fn where_a_renewal_fails_the_session_serves_to_its_end() {
    let world = World::new();
    world.key().await.unwrap();
    world.set_broken(true);
    assert_eq!(world.at(56 * 60).key().await.unwrap(), "key-1");
    assert_eq!(world.at(56 * 60 + 9).key().await.unwrap(), "key-1");
    assert_eq!(world.fetched(), 2, "a failure counts for a moment");
    assert_eq!(world.at(59 * 60).key().await.unwrap(), "key-1");
    let error = world.at(60 * 60 - 15).key().await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Kind::Credentials, "the vault is closed"));
    world.set_broken(false);
    assert!(world.key().await.is_err(), "the failure still counts");
    assert_eq!(world.at(60 * 60).key().await.unwrap(), format!("key-{}", world.fetched()));
}

#[tokio::test]
async fn a_failed_renewal_is_told_once_the_end_is_near_and_no_more_once_it_succeeds() {
    let world = World::new();
    let standing = |world: &World| world.session.standing(world.now());
    assert_eq!(standing(&world), (None, false));
    world.key().await.unwrap();
    let end = EPOCH + Duration::from_hours(1);
    assert_eq!(standing(&world), (Some(end), false));
    world.set_broken(true);
    world.at(56 * 60).key().await.unwrap();
    assert_eq!(standing(&world), (Some(end), false), "there is time yet");
    world.at(58 * 60).key().await.unwrap();
    assert_eq!(standing(&world), (Some(end), true));
    world.set_broken(false);
    world.at(59 * 60).key().await.unwrap();
    assert!(!standing(&world).1);
}

#[tokio::test]
async fn many_who_wait_for_a_source_that_fails_ask_it_once() {
    let world = World::new();
    world.set_broken(true);
    let keys = join_all((0..50).map(|_| world.key())).await;
    assert!(keys.iter().all(Result::is_err));
    assert_eq!(world.fetched(), 1);
}

#[tokio::test]
async fn credentials_that_aws_does_not_take_are_replaced_unless_they_are_new() {
    let world = World::new();
    world.key().await.unwrap();
    world.session.reject(world.now() + Duration::from_secs(1));
    assert_eq!(world.key().await.unwrap(), "key-1");
    world.at(10).session.reject(world.now());
    assert_eq!(world.key().await.unwrap(), "key-2");
}

#[tokio::test]
async fn doubted_credentials_serve_until_others_are_there() {
    let world = World::new();
    world.key().await.unwrap();
    world.session.doubt();
    world.set_broken(true);
    assert_eq!(world.key().await.unwrap(), "key-1");
    world.set_broken(false);
    assert_eq!(world.at(10).key().await.unwrap(), "key-3");
}

#[rstest]
#[case::an_hour(Some(3600), 3299, 3300, 3585)]
#[case::a_quarter(Some(900), 599, 600, 885)]
#[case::a_moment(Some(120), 59, 60, 105)]
fn renewal_begins_five_minutes_before_the_end_or_at_half_of_a_short_life(
    #[case] lasts: Option<u64>,
    #[case] good: u64,
    #[case] due: u64,
    #[case] ended: u64,
) {
    let credentials = credentials("key", EPOCH, lasts);
    let held = Held { credentials: credentials.clone(), obtained: EPOCH, is_doubted: false };
    let state = State { held: Some(held), failed: None };
    let judge = |seconds| state.judge(EPOCH + Duration::from_secs(seconds));
    assert_eq!(judge(good), Verdict::Use(credentials.clone()));
    assert_eq!(judge(due), Verdict::Renew(credentials.clone()));
    assert_eq!(judge(ended - 1), Verdict::Renew(credentials));
    assert_eq!(judge(ended), Verdict::Fetch);
}

#[test]
fn credentials_without_an_end_are_looked_up_anew_and_never_end() {
    let credentials = credentials("key", EPOCH, None);
    let held = Held { credentials: credentials.clone(), obtained: EPOCH, is_doubted: false };
    let state = State { held: Some(held), failed: None };
    assert_eq!(state.judge(EPOCH + Duration::from_secs(899)), Verdict::Use(credentials.clone()));
    assert_eq!(state.judge(EPOCH + Duration::from_hours(1000)), Verdict::Renew(credentials));
}

fn chain() -> Vec<AssumeRole> {
    let role = |arn: &str| AssumeRole { arn: arn.to_owned(), ..AssumeRole::default() };
    let second = AssumeRole {
        external_id: Some("the-external-id".to_owned()),
        session_tags: [("team".to_owned(), "shop".to_owned())].into(),
        ..role("arn:aws:iam::210987654321:role/spoke")
    };
    vec![role("arn:aws:iam::123456789012:role/hub"), second]
}

#[test]
fn a_role_that_cannot_be_assumed_is_named_with_who_tried_and_the_fix() {
    let refused = || Error {
        operation: "sts:AssumeRole",
        kind: Kind::AccessDenied,
        detail: "AccessDenied: not authorized".to_owned(),
    };
    let failure = in_chain(refused(), &chain(), 1).failure("orders", None);
    assert_eq!(failure.reason, Reason::AccessDenied);
    for part in [
        "role arn:aws:iam::210987654321:role/spoke (spec.account.assumeRole[1]",
        "as arn:aws:iam::123456789012:role/hub",
        "AccessDenied: not authorized",
        "trust policy allows sts:AssumeRole and sts:TagSession",
        "externalId",
    ] {
        assert!(failure.message.contains(part), "{part}: {failure}");
    }
    assert!(!failure.message.contains("the-external-id"));
    let first = in_chain(refused(), &chain(), 0).failure("orders", None).message;
    assert!(first.contains("assumeRole[0]") && first.contains("the controller's own principal"), "{first}");
    assert!(!first.contains("TagSession"), "{first}");
}

#[rstest]
#[case(Kind::Throttled, Reason::Throttled)]
#[case(Kind::Unavailable, Reason::AwsUnavailable)]
#[case(Kind::Credentials, Reason::CredentialsUnavailable)]
fn what_is_no_refusal_keeps_its_kind(#[case] kind: Kind, #[case] reason: Reason) {
    let error = Error { operation: "sts:AssumeRole", kind, detail: "detail".to_owned() };
    let error = in_chain(error, &chain(), 1);
    assert_eq!(error.failure("orders", None).reason, reason);
    assert!(error.detail.contains("role/spoke"), "{error}");
}

#[test]
fn nothing_secret_is_printed() {
    let world = World::new();
    let held = Held { credentials: credentials("AKIA", EPOCH, None), obtained: EPOCH, is_doubted: false };
    world.session.state().held = Some(held);
    let text = format!("{:?}", world.session);
    assert!(!text.contains("secret") && !text.contains("AKIA"), "{text}");
}
