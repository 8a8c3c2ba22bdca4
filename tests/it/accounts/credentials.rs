//! The process's own credentials, from each source that needs no cloud: a process of its own, as they are found in its
//! environment.

use std::{ffi::OsString, path::Path, process::Stdio, sync::Arc};

use axum::{
    Router,
    http::{HeaderMap, header},
    routing::get,
};
use lambdaroles::{
    api::class::ClassAccount,
    aws::{Accounts, Settings},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command};

use super::{HUB, SPOKE, unique};
use crate::harness::patiently;

/// Where a child writes who it is.
const OUTPUT: &str = "LAMBDAROLES_TEST_IDENTITY";

/// No test of its own: what a child process runs.
#[tokio::test]
async fn child() {
    let Ok(output) = std::env::var(OUTPUT) else { return };
    let accounts = Accounts::new(&Settings::default(), Arc::new(|_| {})).await;
    let aws = accounts.of(&ClassAccount { id: HUB.to_owned(), ..ClassAccount::default() });
    let text = match aws.identity().await {
        Ok(identity) => identity.arn,
        Err(error) => error.to_string(),
    };
    std::fs::write(output, text).unwrap();
}

/// Who a process is whose environment has these variables and no others of AWS's.
async fn identity_with(folder: &Path, variables: &[(&str, OsString)]) -> String {
    let output = folder.join("identity");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["accounts::credentials::child", "--exact"]).stdout(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", std::env::var_os("AWS_ENDPOINT_URL").unwrap())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env(OUTPUT, &output)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let status = patiently("a child process", command.status()).await.unwrap();
    assert!(status.success());
    std::fs::read_to_string(output).unwrap()
}

/// A user of the emulator's own account: ARN, access key id, secret.
async fn user() -> (String, String, String) {
    let iam = aws_sdk_iam::Client::new(&aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12()).load().await);
    let name = unique("user");
    let user = iam.create_user().user_name(&name).send().await.unwrap().user.unwrap();
    let key = iam.create_access_key().user_name(&name).send().await.unwrap().access_key.unwrap();
    (user.arn, key.access_key_id, key.secret_access_key)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn static_keys_come_from_the_environment() {
    let (folder, (arn, id, secret)) = (folder(), user().await);
    let variables = [("AWS_ACCESS_KEY_ID", id.into()), ("AWS_SECRET_ACCESS_KEY", secret.into())];
    assert_eq!(identity_with(folder.path(), &variables).await, arn);
}

#[tokio::test]
async fn static_keys_come_from_a_profile() {
    let (folder, (arn, id, secret)) = (folder(), user().await);
    let file = folder.path().join("credentials");
    let profile = format!("[controller]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::fs::write(&file, profile).unwrap();
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", file.into()), ("AWS_PROFILE", "controller".into())];
    assert_eq!(identity_with(folder.path(), &variables).await, arn);
}

#[tokio::test]
async fn a_web_identity_is_a_role_that_is_assumed_with_a_token_from_a_file() {
    let folder = folder();
    let file = folder.path().join("token");
    std::fs::write(&file, "a token of the cluster").unwrap();
    let variables = [
        ("AWS_ROLE_ARN", format!("arn:aws:iam::{SPOKE}:role/irsa").into()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.into()),
        ("AWS_ROLE_SESSION_NAME", "controller".into()),
    ];
    let identity = identity_with(folder.path(), &variables).await;
    assert_eq!(identity, format!("arn:aws:sts::{SPOKE}:assumed-role/irsa/controller"));
}

#[tokio::test]
async fn pod_identity_is_an_agent_that_hands_out_credentials_for_a_token_from_a_file() {
    let (folder, (arn, id, secret)) = (folder(), user().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/credentials", listener.local_addr().unwrap());
    let agent = async |headers: HeaderMap, id: String, secret: String| {
        let is_known = headers.get(header::AUTHORIZATION).is_some_and(|token| token == "a token of the cluster");
        let id = if is_known { id } else { "unknown".to_owned() };
        let body = json!({
            "AccessKeyId": id, "SecretAccessKey": secret, "Token": "token", "Expiration": "2999-01-01T00:00:00Z",
        });
        ([(header::CONTENT_TYPE, "application/json")], body.to_string())
    };
    let agent = move |headers| agent(headers, id.clone(), secret.clone());
    let server =
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/credentials", get(agent))).await });
    let file = folder.path().join("token");
    std::fs::write(&file, "a token of the cluster").unwrap();
    let variables =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.into()), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.into())];
    assert_eq!(identity_with(folder.path(), &variables).await, arn);
    server.abort();
}

#[tokio::test]
async fn a_process_without_credentials_says_so() {
    let folder = folder();
    let identity = identity_with(folder.path(), &[]).await;
    assert!(identity.starts_with("AWS credentials: "), "{identity}");
}
