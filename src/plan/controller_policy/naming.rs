//! From a class's names to the ARNs of roles.

use super::distinct;
use crate::{
    api::LambdaRoleClassSpec,
    lint::Finding,
    plan::class::{DEFAULT_NAME, DEFAULT_PATH},
    policy::Placeholders,
};

/// The partition of an account that names none.
const PARTITION: &str = "aws";

/// ARNs of roles and managed policies, as patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Roles that the class lets be made.
    pub(super) created: Vec<String>,
    /// Those, and the ones that it lets be taken over.
    pub(super) managed: Vec<String>,
    /// The managed policies of those roles' own, which are called after them.
    pub(super) overflow: Vec<String>,
    /// Whatever has one of their names, under any path: names are unique in an account without their paths, so that such a
    /// role stands in the way; and a role that does not exist is asked for under no path.
    pub(super) read: Vec<String>,
    /// Managed policies that the class lets be made.
    pub(super) policies: Vec<String>,
}

/// The strings of a class, as they stand in a policy.
#[derive(Debug)]
pub(super) struct Written<'a> {
    class: &'a str,
    placeholders: Placeholders,
    /// What could not be read.
    pub(super) faults: Vec<Finding>,
}

impl<'a> Written<'a> {
    /// Placeholders of objects stand for any text.
    pub(super) fn of(class: &'a str, spec: &LambdaRoleClassSpec) -> Self {
        let any = ["namespace", "name", "roleName"];
        let known = Placeholders::default()
            .with("partition", partition(spec))
            .with("accountId", &spec.account.id)
            .with("region", spec.account.region.as_deref().unwrap_or("*"));
        let placeholders = any.into_iter().fold(known, |known, name| known.with(name, "*"));
        Self { class, placeholders, faults: Vec::new() }
    }

    /// The pattern that `text`, at `path` of the class, stands for. IAM's own variables are none in a class.
    pub(super) fn pattern(&mut self, path: &str, text: &str) -> Option<String> {
        match self.placeholders.expand(text) {
            Ok(text) => Some(literal(&single_stars(&text))),
            Err(unknown) => {
                self.faults.push(Finding::invalid(format!("{}: {path}", self.class), unknown.to_string()));
                None
            }
        }
    }

    /// The patterns of a list.
    pub(super) fn patterns(&mut self, path: &str, texts: &[String]) -> Vec<String> {
        let entries = texts.iter().enumerate();
        entries.filter_map(|(index, text)| self.pattern(&format!("{path}[{index}]"), text)).collect()
    }

    /// The class's names.
    pub(super) fn names(&mut self, spec: &LambdaRoleClassSpec) -> Names {
        let naming = &spec.naming;
        let path = naming.path.as_deref().unwrap_or(DEFAULT_PATH);
        let name = naming.role_name.as_deref().unwrap_or(DEFAULT_NAME);
        let mut paths: Vec<String> = self.pattern("spec.naming.path", path).into_iter().collect();
        paths.extend(self.patterns("spec.naming.allowedPaths", &naming.allowed_paths));
        let paths = distinct(paths.iter().flat_map(|path| whole_paths(path)));
        let mut names: Vec<String> = self.pattern("spec.naming.roleName", name).into_iter().collect();
        names.extend(self.patterns("spec.naming.allowedRoleNames", &naming.allowed_role_names));
        let adoptable = self.patterns("spec.naming.adoptable", &naming.adoptable);

        let name = naming.policy_name.as_deref().unwrap_or(DEFAULT_NAME);
        let mut policies: Vec<String> = self.pattern("spec.naming.policyName", name).into_iter().collect();
        policies.extend(self.patterns("spec.naming.allowedPolicyNames", &naming.allowed_policy_names));

        let prefix = format!("arn:{}:iam::{}:", partition(spec), spec.account.id);
        let arns = |kind: &str, paths: &[String], names: &[String]| {
            let arn = |path: &String, name: &String| single_stars(&format!("{prefix}{kind}{path}{name}"));
            distinct(paths.iter().flat_map(|path| names.iter().map(move |name| arn(path, name))))
        };
        let under = |paths: &[String], names: &[String]| arns("role", paths, names);
        let created = distinct(names);
        let managed_names = distinct([created.clone(), adoptable].concat());
        let managed = under(&paths, &managed_names);
        let overflow = managed.iter().map(|arn| single_stars(&format!("{}+*", arn.replacen(":role/", ":policy/", 1))));
        Names {
            overflow: distinct(overflow),
            read: under(&["/".to_owned(), "/*/".to_owned()], &managed_names),
            managed,
            created: under(&paths, &created),
            policies: arns("policy", &paths, &policies),
        }
    }
}

/// The partition of a class's account.
pub(super) fn partition(spec: &LambdaRoleClassSpec) -> &str {
    spec.account.partition.as_deref().unwrap_or(PARTITION)
}

/// The patterns, with a slash at both ends, of the paths that `pattern` matches. IAM takes no resource whose pattern does not
/// begin with `role/`, and a `*` at the end would reach into the name.
fn whole_paths(pattern: &str) -> Vec<String> {
    let begun = match pattern.strip_prefix('*') {
        Some(rest) if rest.starts_with('/') => vec![rest.to_owned(), format!("/*{rest}")],
        Some(rest) => vec![format!("/*{rest}")],
        None => pattern.strip_prefix(['/', '?']).map(|rest| format!("/{rest}")).into_iter().collect(),
    };
    let ended = |pattern: String| match pattern.strip_suffix('*') {
        Some(body) if body.ends_with('/') => vec![body.to_owned(), format!("{body}*/")],
        Some(body) => vec![format!("{body}*/")],
        None => pattern.strip_suffix(['/', '?']).map(|body| format!("{body}/")).into_iter().collect(),
    };
    begun.into_iter().flat_map(ended).collect()
}

fn single_stars(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        if character != '*' || !text.ends_with('*') {
            text.push(character);
        }
    }
    text
}

/// The text, in which IAM sees no variable.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>
pub(super) fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::policy::Pattern;

    #[rstest]
    #[case::default("/", &["/"])]
    #[case::template("/lambda/*/", &["/lambda/*/"])]
    #[case::any_below("/lambda/*", &["/lambda/", "/lambda/*/"])]
    #[case::any_beside("/lambda*", &["/lambda*/"])]
    #[case::any("*", &["/*/", "/"])]
    #[case::any_before("*/lambda/", &["/lambda/", "/*/lambda/"])]
    #[case::any_text_before("*lambda/", &["/*lambda/"])]
    #[case::one_character("?lambda?", &["/lambda/"])]
    #[case::no_path("lambda/", &[])]
    #[case::no_path_either("/lambda", &[])]
    fn the_patterns_of_whole_paths_match_the_same_paths(#[case] pattern: &str, #[case] expected: &[&str]) {
        let whole = whole_paths(pattern);
        let mut sorted = whole.clone();
        sorted.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
        for path in ["/", "/lambda/", "/lambda/x/", "/lambdas/", "/x/lambda/", "/xlambda/", "/x/y/z/"] {
            let matches = whole.iter().any(|whole| Pattern::new(whole).matches(path));
            assert_eq!(matches, Pattern::new(pattern).matches(path), "{path}");
        }
    }
}
