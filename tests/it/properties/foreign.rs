//! What others do to a role: every kind of edit, by hand in the console or by another tool.

use std::collections::BTreeMap;

use lambdaroles::{
    api::{LambdaExecutionRoleSpec, TAG_PREFIX, statement::Statement},
    plan::{Step, diff},
    policy::Document,
};
use proptest::{option, prelude::*, sample, sample::Index};

use super::{
    generate::{self, Parts, Pool},
    iam_model::{Fate, Iam},
    world::{NEIGHBOUR, desired, neighbour},
};

/// Inline policies that others put, one of them over the controller's own.
const INLINE_NAMES: [&str; 4] = ["lambdaroles", "legacy", "emergency", "Console-2026"];

/// What a later version of IAM may store, which does not parse.
const SCRIBBLE: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Novelty":1}}"#;

/// An edit that leaves a role, if there is one, its owner's.
#[derive(Clone, Debug)]
pub enum Edit {
    Attach(String),
    Detach(Index),
    PutInlinePolicy(&'static str, Parts),
    DeleteInlinePolicy(Index),
    ScribbleInlinePolicy(&'static str),
    Trust(Parts),
    ScribbleTrust,
    Boundary(Option<String>),
    /// Another version of a managed policy that holds statements of a role.
    RewritePolicy(Index, Parts),
    ScribblePolicy(Index),
    Tag(String, String),
    TagAsAws(String),
    Untag(Index),
    Settings(String, i32),
    /// The principal of that name becomes another one.
    RecreateNeighbour,
    DeleteRole,
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let inline_name = || sample::select(INLINE_NAMES.to_vec());
    prop_oneof![
        4 => generate::any_policy().prop_map(Edit::Attach),
        4 => any::<Index>().prop_map(Edit::Detach),
        6 => (inline_name(), generate::parts()).prop_map(|(name, parts)| Edit::PutInlinePolicy(name, parts)),
        3 => any::<Index>().prop_map(Edit::DeleteInlinePolicy),
        1 => inline_name().prop_map(Edit::ScribbleInlinePolicy),
        3 => generate::parts().prop_map(Edit::Trust),
        1 => Just(Edit::ScribbleTrust),
        3 => option::of(generate::boundary()).prop_map(Edit::Boundary),
        3 => (any::<Index>(), generate::parts()).prop_map(|(index, parts)| Edit::RewritePolicy(index, parts)),
        1 => any::<Index>().prop_map(Edit::ScribblePolicy),
        4 => (generate::tag_key(), generate::tag_value()).prop_map(|(key, value)| Edit::Tag(key, value)),
        1 => "aws:[a-z]{1,8}".prop_map(Edit::TagAsAws),
        3 => any::<Index>().prop_map(Edit::Untag),
        2 => (generate::description(), 3600..=43_200).prop_map(|(text, seconds)| Edit::Settings(text, seconds)),
        2 => Just(Edit::RecreateNeighbour),
        1 => Just(Edit::DeleteRole),
    ]
}

impl Edit {
    /// Makes the edit, as far as IAM allows it.
    pub fn make(&self, iam: &mut Iam, role: &str, pool: &Pool) {
        let Some(observed) = iam.observe(role, None) else { return };
        let pick = |index: &Index, names: Vec<String>| (!names.is_empty()).then(|| index.get(&names).clone());
        let step = match self {
            Self::Attach(arn) => Some(Step::AttachManagedPolicy(arn.clone())),
            Self::Detach(index) => {
                pick(index, observed.managed_policies.into_iter().collect()).map(Step::DetachManagedPolicy)
            }
            Self::PutInlinePolicy(name, parts) => inline_document(pool.statements(parts))
                .map(|document| Step::PutInlinePolicy { name: (*name).to_owned(), document }),
            Self::DeleteInlinePolicy(index) => {
                pick(index, observed.inline_policies.into_keys().collect()).map(Step::DeleteInlinePolicy)
            }
            Self::ScribbleInlinePolicy(name) => {
                let role = iam.role_mut(role).unwrap();
                role.inline_policies.insert((*name).to_owned(), SCRIBBLE.to_owned());
                None
            }
            Self::Trust(parts) => {
                let spec = LambdaExecutionRoleSpec { trust: pool.trust(parts), ..LambdaExecutionRoleSpec::default() };
                Some(Step::UpdateTrustPolicy(desired(&spec).trust_policy))
            }
            Self::ScribbleTrust => {
                SCRIBBLE.clone_into(&mut iam.role_mut(role).unwrap().trust_policy);
                None
            }
            Self::RewritePolicy(index, parts) => {
                let mut document = inline_document(pool.statements(parts));
                for statement in document.iter_mut().flat_map(|document| &mut document.statements) {
                    statement.conditions.clear();
                }
                pick(index, iam.own_policies().into_iter().collect())
                    .zip(document)
                    .map(|(arn, document)| Step::CreatePolicyVersion { arn, document })
            }
            Self::ScribblePolicy(index) => {
                if let Some(arn) = pick(index, iam.own_policies().into_iter().collect()) {
                    iam.scribble_policy(&arn, SCRIBBLE);
                }
                None
            }
            Self::Boundary(Some(arn)) => Some(Step::PutPermissionsBoundary(arn.clone())),
            Self::Boundary(None) => Some(Step::DeletePermissionsBoundary),
            Self::Tag(key, value) => Some(Step::TagRole([(key.clone(), value.clone())].into())),
            Self::TagAsAws(key) => {
                iam.role_mut(role).unwrap().tags.insert(key.clone(), "CloudFormation".to_owned());
                None
            }
            Self::Untag(index) => {
                let is_free = |key: &String| !key.starts_with(TAG_PREFIX) && !key.starts_with("aws:");
                pick(index, observed.tags.into_keys().filter(is_free).collect()).map(|key| Step::UntagRole(vec![key]))
            }
            Self::Settings(description, seconds) => {
                Some(Step::UpdateRole { description: description.clone(), max_session_seconds: *seconds })
            }
            Self::RecreateNeighbour => {
                iam.call(NEIGHBOUR, &Step::DeleteRole).unwrap();
                iam.call(NEIGHBOUR, &Step::CreateRole(Box::new(neighbour()))).unwrap();
                None
            }
            Self::DeleteRole => {
                iam.apply(role, diff::deletion(&observed, &BTreeMap::new()), Fate::Whole);
                None
            }
        };
        // What IAM refuses, for a quota or a principal, was not done.
        let _ = step.map(|step| iam.call(role, &step));
    }
}

/// The document that a role of its own would have for these statements.
pub fn inline_document(statements: Vec<Statement>) -> Option<Document> {
    let spec = LambdaExecutionRoleSpec { statements, ..LambdaExecutionRoleSpec::default() };
    desired(&spec).inline_policies.into_values().next()
}
