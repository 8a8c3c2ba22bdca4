//! An account in trouble costs the others nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use lambdaroles::{
    api::class::ClassAccount,
    aws::{Aws, Kind},
};

use super::{HUB, account, accounts, proxy};
use crate::harness::{Fault, patiently};

const BROKEN: Fault = Fault::Error { status: 503, code: "ServiceUnavailable", message: "not now" };

/// Enough to use up the five hundred tokens of a quota of retries, at ten a retry and two retries a request.
const ENOUGH: usize = 60;

#[tokio::test]
async fn an_account_that_fails_uses_up_nobody_elses_retries() {
    let (broken, sound, accounts) = (proxy().await, proxy().await, accounts().await);
    let (in_trouble, beside) = (accounts.of(&account(&broken, HUB)), accounts.of(&account(&sound, HUB)));
    broken.fault("GetRole", usize::MAX, BROKEN);
    join_all((0..ENOUGH).map(|_| in_trouble.observe("nobody"))).await;
    broken.heal();
    broken.fault("GetRole", 1, BROKEN);
    sound.fault("GetRole", 1, BROKEN);
    let error = in_trouble.observe("nobody").await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "its own retries are used up");
    assert_eq!(beside.observe("nobody").await.unwrap(), None, "tried again");

    let function_regions = vec!["eu-west-1".to_owned()];
    let of_another_class = accounts.of(&ClassAccount { function_regions, ..account(&broken, HUB) });
    broken.fault("GetRole", 1, BROKEN);
    let error = of_another_class.observe("nobody").await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "the account is the same, whatever the class");
}

async fn time_of_reads(aws: &Aws) -> Duration {
    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(aws.observe("nobody").await.unwrap(), None);
    }
    started.elapsed()
}

#[tokio::test]
async fn an_account_that_is_throttled_slows_itself_down_and_no_other() {
    let (throttled, sound, accounts) = (proxy().await, proxy().await, accounts().await);
    let (in_trouble, beside) = (accounts.of(&account(&throttled, HUB)), accounts.of(&account(&sound, HUB)));
    throttled.fault("GetRole", usize::MAX, Fault::THROTTLED);
    let aws = Arc::clone(&in_trouble);
    let trouble = tokio::spawn(async move {
        loop {
            for result in join_all((0..8).map(|_| aws.observe("nobody"))).await {
                assert_eq!(result.unwrap_err().kind, Kind::Throttled);
            }
        }
    });
    // Each of the eight has been throttled at least once.
    while throttled.operations().len() < 16 {
        patiently("a request", throttled.next_call()).await;
    }
    let quick = time_of_reads(&beside).await;
    trouble.abort();
    throttled.heal();
    let slow = time_of_reads(&in_trouble).await;
    assert!(quick < slow / 2, "{quick:?} beside {slow:?}");
}

#[tokio::test]
async fn an_account_that_hangs_keeps_no_other_from_its_answers() {
    let (hanging, sound, accounts) = (proxy().await, proxy().await, accounts().await);
    let (in_trouble, beside) = (accounts.of(&account(&hanging, HUB)), accounts.of(&account(&sound, HUB)));
    hanging.fault("GetRole", usize::MAX, Fault::Hold);
    let waiting = join_all((0..50).map(|_| in_trouble.observe("nobody")));
    tokio::select! {
        _ = waiting => panic!("nothing was held"),
        seen = beside.observe("nobody") => assert_eq!(seen.unwrap(), None),
    }
}
