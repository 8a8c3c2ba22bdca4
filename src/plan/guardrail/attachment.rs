//! Which managed policies may be attached.

use super::{
    LocatedDocument,
    compile::Compiler,
    violation::{Refusal, Violation},
};
use crate::{
    api::class::PatternRules,
    policy::{ActionPattern, Arn, Excerpt, Pattern},
};

const ALLOWED: &str = "spec.guardrails.managedPolicies.allowed";
const DENIED: &str = "spec.guardrails.managedPolicies.denied";

/// The rules about managed policies.
#[derive(Clone, Debug)]
pub(super) struct Attachments {
    allowed: Option<Vec<Policies>>,
    denied: Vec<Policies>,
}

/// An entry of a list of rules.
#[derive(Clone, Debug)]
enum Policies {
    /// By ARN.
    Arn(String),
    /// AWS's own: by name, whatever the path, or by path and name.
    Aws(String),
}

impl Attachments {
    pub(super) fn compile(rules: &PatternRules, compiler: &mut Compiler<'_>) -> Self {
        let PatternRules { allowed, denied } = rules;
        let mut read = |list: &[String], path| Policies::compile_all(list, path, compiler);
        Self { allowed: allowed.as_ref().map(|list| read(list, ALLOWED)), denied: read(denied, DENIED) }
    }

    /// What the policy is refused for by its name, or because nobody could read it.
    pub(super) fn refusals(&self, policy: &LocatedDocument) -> Vec<Refusal> {
        let LocatedDocument { path, arn, is_described, document } = policy;
        let refusal = |rule: String, message: String, fix: &str| Refusal {
            violation: Violation { rule, path: path.clone(), message, fix: fix.to_owned() },
            subjects: Vec::new(),
        };
        let named = Excerpt(arn);
        let mut refusals = Vec::new();
        let is_listed = |allowed: &Vec<Policies>| *is_described || allowed.iter().any(|entry| entry.allows(arn));
        if self.allowed.as_ref().is_some_and(|allowed| !is_listed(allowed)) {
            let fix = "Attach one that it lists, or have the class allow it";
            refusals.push(refusal(ALLOWED.to_owned(), format!("attaches {named}, which is not listed"), fix));
        }
        for (index, _) in self.denied.iter().enumerate().filter(|(_, entry)| entry.denies(arn)) {
            let message = format!("attaches {named}, which is denied");
            refusals.push(refusal(format!("{DENIED}[{index}]"), message, "Detach it"));
        }
        if let Err(why) = document {
            refusals.push(refusal(
                "what is attached is judged".to_owned(),
                format!("attaches {named}, which could not be read: {}", Excerpt(why)),
                "Attach a policy that exists and that the controller may read, or leave it out",
            ));
        }
        refusals
    }
}

impl Policies {
    fn compile_all(list: &[String], path: &str, compiler: &mut Compiler<'_>) -> Vec<Self> {
        let mut policies = Vec::with_capacity(list.len());
        for entry in compiler.texts(list, path) {
            if is_name(&entry.text) {
                policies.push(Self::Aws(entry.text));
            } else {
                compiler.policy_arns(std::slice::from_ref(&entry));
                policies.push(Self::Arn(entry.text));
            }
        }
        policies
    }

    /// In the case in which ARNs are written.
    fn allows(&self, arn: &str) -> bool {
        let matches = |pattern: &str, text: &str| Pattern::new(pattern).matches(text);
        match self {
            Self::Arn(pattern) => matches(pattern, arn),
            Self::Aws(pattern) => aws_name(arn, pattern).is_some_and(|name| matches(pattern, name)),
        }
    }

    /// In any case: IAM tells names of policies apart without regard to it, and does not say how it looks them up. A name
    /// that begins with a wildcard may be meant for an ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>
    fn denies(&self, arn: &str) -> bool {
        let matches = |pattern: &str, text: &str| ActionPattern::new(pattern).matches(text);
        match self {
            Self::Arn(pattern) => matches(pattern, arn),
            Self::Aws(pattern) => {
                matches(pattern, arn) || aws_name(arn, pattern).is_some_and(|name| matches(pattern, name))
            }
        }
    }
}

/// What `pattern` is about of the ARN of a policy of AWS's: its path and name, or its name alone.
fn aws_name<'a>(arn: &'a str, pattern: &str) -> Option<&'a str> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "iam" && arn.account == "aws")?;
    let name = arn.resource.strip_prefix("policy/")?;
    if pattern.contains('/') { Some(name) } else { name.rsplit('/').next() }
}

/// Whether an entry is a name of a policy of AWS's, not an ARN.
fn is_name(text: &str) -> bool {
    !text.starts_with("arn:") && text.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_/-*?".contains(c))
}
