//! An STS that says who signed each request, which the emulator does not look at.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use lambdaroles::{
    api::class::ClassAccount,
    aws::{Accounts, Settings},
};
use tokio::net::TcpListener;

use super::{HUB, SPOKE, role};

/// Role or operation, and the access key that signed the request for it.
type Signed = Arc<Mutex<Vec<(String, String)>>>;

async fn answer(State(signed): State<Signed>, headers: HeaderMap, body: String) -> String {
    let authorization = headers["authorization"].to_str().unwrap();
    let key = authorization.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let role = body.split("role%2F").nth(1).and_then(|rest| rest.split('&').next());
    signed.lock().unwrap().push((role.unwrap_or("GetCallerIdentity").to_owned(), key.to_owned()));
    match role {
        Some(role) => format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>key-of-{role}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
        None => format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:sts::{SPOKE}:assumed-role/spoke/x</Arn><UserId>A</UserId><Account>{SPOKE}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    }
}

#[tokio::test]
async fn each_role_is_assumed_with_the_session_of_the_one_before() {
    let signed = Signed::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&signed));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let accounts = Accounts::new(&Settings::default(), Arc::new(|_| {})).await;
    let chain = ["first", "second", "spoke"].map(|name| role(HUB, name)).to_vec();
    let account =
        ClassAccount { id: SPOKE.to_owned(), assume_role: chain, endpoint_url: Some(url), ..ClassAccount::default() };
    assert_eq!(accounts.of(&account).identity().await.unwrap().account_id, SPOKE);
    server.abort();
    let expected = [
        ("first", "local"),
        ("second", "key-of-first"),
        ("spoke", "key-of-second"),
        ("GetCallerIdentity", "key-of-spoke"),
    ];
    assert_eq!(*signed.lock().unwrap(), expected.map(|(what, key)| (what.to_owned(), key.to_owned())));
}
