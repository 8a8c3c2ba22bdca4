//! Reading the rules of a class.

use crate::{
    api::rule,
    lint::Finding,
    policy::{
        ActionPattern, Arn, Excerpt, Pattern, Placeholders,
        function::{FunctionPattern, Home, NoFunction},
    },
};

/// Reads rules for one object and collects what is wrong with them.
pub(super) struct Compiler<'a> {
    placeholders: &'a Placeholders,
    home: Home<'a>,
    faults: Vec<Finding>,
}

/// A text of a class with its placeholders replaced, and its path.
pub(super) struct Text {
    pub path: String,
    pub text: String,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(placeholders: &'a Placeholders, home: Home<'a>) -> Self {
        Self { placeholders, home, faults: Vec::new() }
    }

    pub(super) fn home(&self) -> Home<'a> {
        self.home
    }

    pub(super) fn fault(&mut self, path: &str, message: &str) {
        self.faults.push(Finding::invalid(path, message));
    }

    pub(super) fn into_faults(self) -> Vec<Finding> {
        self.faults
    }

    /// A list with its placeholders replaced. What cannot be is left out and told.
    pub(super) fn texts(&mut self, list: &[String], path: &str) -> Vec<Text> {
        let entries = list.iter().enumerate();
        entries.filter_map(|(index, entry)| self.text(entry, format!("{path}[{index}]"))).collect()
    }

    /// The same of a list of which an empty one would make its rule be about nothing.
    pub(super) fn some_texts(&mut self, list: &[String], path: &str) -> Vec<Text> {
        if list.is_empty() {
            self.fault(path, "is empty, so that the rule is about nothing: leave it out for all");
        }
        self.texts(list, path)
    }

    /// A text with its placeholders replaced. A value brings in no wildcard, since what a name may hold would then decide
    /// what the class allows; and what IAM fills in at each request cannot be compared with a pattern.
    pub(super) fn text(&mut self, text: &str, path: String) -> Option<Text> {
        let specials = |text: &str| text.matches(['*', '?', '$']).count();
        let message = match self.placeholders.expand(text) {
            Err(unknown) => unknown.to_string(),
            Ok(_) if text.contains("${") => {
                "holds ${, which begins a policy variable: a pattern of a class takes none".to_owned()
            }
            Ok(expanded) if specials(&expanded) != specials(text) - text.matches("$(").count() => {
                format!("stands for {}, into which a placeholder brings a wildcard", Excerpt(&expanded))
            }
            Ok(expanded) => return Some(Text { path, text: expanded.into_owned() }),
        };
        self.fault(&path, &message);
        None
    }

    /// Patterns of texts of which each may be anything.
    pub(super) fn patterns(&mut self, list: &[String], path: &str) -> Vec<Pattern> {
        self.texts(list, path).iter().map(|entry| Pattern::new(&entry.text)).collect()
    }

    pub(super) fn actions(&mut self, list: &[Text]) -> Vec<ActionPattern> {
        for Text { path, text } in list {
            if !is_action_pattern(text) {
                self.fault(path, &format!("is {}: {}", Excerpt(text), rule::ACTION_PATTERN));
            }
        }
        list.iter().map(|entry| ActionPattern::new(&entry.text)).collect()
    }

    /// A pattern that no resource matches denies nothing, and nobody would notice.
    pub(super) fn resources(&mut self, list: &[Text]) -> Vec<Pattern> {
        let arns = Pattern::new("arn:*:*:*:*:*");
        let is_possible = |text: &str| {
            // Nearly all are written as ARNs, and need no closer look.
            Arn::parse(text).is_some() || Pattern::new(text).matches("*") || Pattern::new(text).intersects(&arns)
        };
        self.checked(list, is_possible, "matches no ARN and not *")
    }

    /// Patterns of ARNs of managed policies.
    pub(super) fn policy_arns(&mut self, list: &[Text]) -> Vec<Pattern> {
        let arns = Pattern::new("arn:*:iam::*:policy/*");
        self.checked(list, |text| Pattern::new(text).intersects(&arns), "matches no ARN of a managed policy")
    }

    /// Patterns of principals, those of account ids included.
    pub(super) fn principals(&mut self, list: &[Text]) -> Vec<Pattern> {
        let (arns, ids) = (Pattern::new("arn:*:*:*:*:*"), Pattern::new("????????????"));
        let is_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "*?".contains(c));
        let is_possible = |text: &str| {
            let pattern = Pattern::new(text);
            pattern.intersects(&arns) || (is_digits(text) && pattern.intersects(&ids))
        };
        self.checked(list, is_possible, "matches no ARN and no account id")
    }

    pub(super) fn functions(&mut self, list: &[Text]) -> Vec<FunctionPattern> {
        let mut functions = Vec::with_capacity(list.len());
        for Text { path, text } in list {
            match FunctionPattern::parse(text, &self.home) {
                Ok(function) => functions.push(function),
                Err(NoFunction::Qualified) => {
                    self.fault(path, &format!("is {}: {}", Excerpt(text), rule::FUNCTION_ARN_QUALIFIED));
                }
                Err(NoFunction::OtherResource | NoFunction::Impossible(_)) => {
                    self.fault(path, &format!("is {}: {}", Excerpt(text), rule::FUNCTION_ARN));
                }
            }
        }
        functions
    }

    pub(super) fn policy_arn(&mut self, text: &str, path: &str) -> Option<String> {
        let Text { path, text } = self.text(text, path.to_owned())?;
        if !Arn::parse(&text).is_some_and(|arn| arn.is_managed_policy()) {
            self.fault(&path, &format!("is {}: {}", Excerpt(&text), rule::POLICY_ARN));
        }
        Some(text)
    }

    fn checked(&mut self, list: &[Text], is_possible: impl Fn(&str) -> bool, why: &str) -> Vec<Pattern> {
        for Text { path, text } in list.iter().filter(|entry| !is_possible(&entry.text)) {
            self.fault(path, &format!("is {}, which {why}", Excerpt(text)));
        }
        list.iter().map(|entry| Pattern::new(&entry.text)).collect()
    }
}

/// As the CRD has it: `^([*]|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+)$`.
fn is_action_pattern(text: &str) -> bool {
    let is_part = |part: &str, others: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    text == "*" || text.split_once(':').is_some_and(|(service, name)| is_part(service, "*?-") && is_part(name, "*?"))
}
