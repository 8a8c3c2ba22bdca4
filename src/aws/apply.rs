//! Carrying out steps, in order, each idempotent.

use aws_sdk_iam::types::Tag;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{Aws, Error, Kind, error::from_sdk};
use crate::plan::{Step, step::NewRole};

/// What came of a list of steps.
#[derive(Debug, Default)]
pub struct Applied {
    /// The steps that were carried out.
    pub done: Vec<Step>,
    /// ARN and id of the role, if it was created.
    pub created: Option<(String, String)>,
    /// The managed policy that was written last, if one was.
    pub written: Option<Written>,
    /// The step that failed, and how; the steps behind it were not tried.
    pub failed: Option<(Step, Error)>,
    /// Whether the process is stopping, so that steps were left for the next start.
    pub is_interrupted: bool,
}

/// What IAM answers when a managed policy is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its unique id, if it was created.
    pub id: Option<String>,
    /// Id of the version that counts from now on.
    pub version: String,
}

/// What a step made.
enum Made {
    Nothing,
    Role(String, String),
    Policy(Written),
}

/// Carries out `steps` on the role called `role_name`, up to the first failure, or until `stop` is cancelled.
pub async fn apply(aws: &Aws, role_name: &str, steps: Vec<Step>, stop: &CancellationToken) -> Applied {
    let mut applied = Applied::default();
    for step in steps {
        if stop.is_cancelled() {
            applied.is_interrupted = true;
            break;
        }
        match aws.execute(role_name, &step).await {
            Ok(made) => {
                info!(iam_name = role_name, %step, "changed IAM");
                match made {
                    Made::Nothing => {}
                    Made::Role(arn, id) => applied.created = Some((arn, id)),
                    Made::Policy(written) => {
                        let id = written.id.or_else(|| applied.written.take()?.id);
                        applied.written = Some(Written { id, ..written });
                    }
                }
                applied.done.push(step);
            }
            Err(error) => {
                applied.failed = Some((step, error));
                break;
            }
        }
    }
    applied
}

impl Aws {
    async fn execute(&self, role: &str, step: &Step) -> Result<Made, Error> {
        let iam = &self.iam_writes;
        match step {
            Step::CreateRole(new) => {
                let (arn, id) = self.create_role(role, new).await?;
                return Ok(Made::Role(arn, id));
            }
            Step::PutPermissionsBoundary(arn) => {
                let request = iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn);
                request.send().await.map_err(|error| from_sdk("iam:PutRolePermissionsBoundary", &error))?;
            }
            Step::DeletePermissionsBoundary => {
                let answer = iam.delete_role_permissions_boundary().role_name(role).send().await;
                gone(answer.map_err(|error| from_sdk("iam:DeleteRolePermissionsBoundary", &error)))?;
            }
            Step::PutInlinePolicy { name, document } => {
                debug!(role, policy = name, %document, "putting inline policy");
                let request = iam.put_role_policy().role_name(role).policy_name(name);
                let answer = request.policy_document(document.to_string()).send().await;
                answer.map_err(|error| from_sdk("iam:PutRolePolicy", &error))?;
            }
            Step::DeleteInlinePolicy(name) => {
                let answer = iam.delete_role_policy().role_name(role).policy_name(name).send().await;
                gone(answer.map_err(|error| from_sdk("iam:DeleteRolePolicy", &error)))?;
            }
            Step::AttachManagedPolicy(arn) => {
                let answer = iam.attach_role_policy().role_name(role).policy_arn(arn).send().await;
                answer.map_err(|error| from_sdk("iam:AttachRolePolicy", &error))?;
            }
            Step::DetachManagedPolicy(arn) => {
                let answer = iam.detach_role_policy().role_name(role).policy_arn(arn).send().await;
                gone(answer.map_err(|error| from_sdk("iam:DetachRolePolicy", &error)))?;
            }
            Step::CreatePolicy(new) => {
                debug!(policy = new.arn, document = %new.document, "creating policy");
                return self.create_policy(new).await.map(Made::Policy);
            }
            Step::CreatePolicyVersion { arn, document } => {
                debug!(policy = arn, %document, "writing policy version");
                return self.create_policy_version(arn, document).await.map(Made::Policy);
            }
            Step::DeletePolicyVersion { arn, version } => self.delete_policy_version(arn, version).await?,
            Step::TagPolicy { arn, tags } => self.tag_policy(arn, tags).await?,
            Step::UntagPolicy { arn, keys } => self.untag_policy(arn, keys).await?,
            Step::DetachFromRole { arn, role } => {
                let answer = iam.detach_role_policy().role_name(role).policy_arn(arn).send().await;
                gone(answer.map_err(|error| from_sdk("iam:DetachRolePolicy", &error)))?;
            }
            Step::DeletePolicy(arn) => self.delete_policy(arn).await?,
            Step::UpdateTrustPolicy(document) => {
                debug!(role, %document, "replacing trust policy");
                let request = iam.update_assume_role_policy().role_name(role);
                let answer = request.policy_document(document.to_string()).send().await;
                answer.map_err(|error| from_sdk("iam:UpdateAssumeRolePolicy", &error))?;
            }
            Step::UpdateRole { description, max_session_seconds } => {
                let request = iam.update_role().role_name(role).description(description);
                let answer = request.max_session_duration(*max_session_seconds).send().await;
                answer.map_err(|error| from_sdk("iam:UpdateRole", &error))?;
            }
            Step::TagRole(tags) => {
                let request = iam.tag_role().role_name(role).set_tags(Some(sdk_tags(tags)?));
                request.send().await.map_err(|error| from_sdk("iam:TagRole", &error))?;
            }
            Step::UntagRole(keys) => {
                let answer = iam.untag_role().role_name(role).set_tag_keys(Some(keys.clone())).send().await;
                answer.map_err(|error| from_sdk("iam:UntagRole", &error))?;
            }
            Step::DeleteRole => {
                let answer = iam.delete_role().role_name(role).send().await;
                gone(answer.map_err(|error| from_sdk("iam:DeleteRole", &error)))?;
            }
        }
        Ok(Made::Nothing)
    }

    async fn create_role(&self, role: &str, new: &NewRole) -> Result<(String, String), Error> {
        debug!(role, document = %new.trust_policy, "creating role");
        let request = self
            .iam_writes
            .create_role()
            .role_name(role)
            .path(&new.path)
            .assume_role_policy_document(new.trust_policy.to_string())
            .max_session_duration(new.max_session_seconds)
            .set_description(Some(new.description.clone()).filter(|description| !description.is_empty()))
            .set_permissions_boundary(new.permissions_boundary.clone())
            .set_tags(Some(sdk_tags(&new.tags)?));
        let answer = request.send().await.map_err(|error| from_sdk("iam:CreateRole", &error))?;
        Ok(answer.role.map(|role| (role.arn, role.role_id)).unwrap_or_default())
    }
}

/// What shall be gone and was gone already is as it shall be.
pub(super) fn gone<T>(answer: Result<T, Error>) -> Result<(), Error> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn sdk_tags(tags: &std::collections::BTreeMap<String, String>) -> Result<Vec<Tag>, Error> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| Error::unbuilt("iam:TagRole", &error))
}
