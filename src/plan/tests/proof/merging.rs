//! However statements are put together, they answer as they did apart.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use super::*;
use crate::{
    api::role::Overflow,
    plan::{Quotas, References, expansion, permissions::Permissions, tests::class},
    policy::merge::merged,
};

const FEATURES: &[&str] = &[
    "{name: Logging, form: Inline}",
    "{name: Logging, form: Inline, logGroups: [a, b]}",
    "{name: VpcAccess, form: Inline}",
    "{name: VpcAccess, denyFromCode: true}",
    "{name: ApplicationSignals, form: Inline}",
    "{name: EfsMount, form: Inline, fileSystemArn: 'arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1'}",
    "{name: EfsMount, form: Inline, fileSystemArn: 'arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1', accessPointArn: 'arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-1'}",
];
const SOURCES: &[&str] = &[
    "{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:a'}}",
    "{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:b', kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k'}}",
    "{kinesis: {streamArn: 'arn:aws:kinesis:eu-west-1:111122223333:stream/a'}}",
    "{kinesis: {streamArn: 'arn:aws:kinesis:eu-west-1:111122223333:stream/b', kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k'}}",
    "{selfManagedKafka: {vpc: true}}",
];
const DESTINATIONS: &[&str] = &[
    "{s3: {bucketArn: 'arn:aws:s3:::a'}}",
    "{s3: {bucketArn: 'arn:aws:s3:::b'}}",
    "{sqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:a'}}",
    "{deadLetterSqs: {queueArn: 'arn:aws:sqs:eu-west-1:111122223333:b', kmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/k'}}",
];
const TEMPLATES: &[&str] = &[
    "{name: S3ReadPolicy, parameters: {BucketName: a}}",
    "{name: S3ReadPolicy, parameters: {BucketName: b}, sourceFunctionArns: [orders]}",
    "{name: S3WritePolicy, parameters: {BucketName: a}, sourceFunctionArns: []}",
    "{name: SQSSendMessagePolicy, parameters: {QueueName: a}}",
    "{name: SQSPollerPolicy, parameters: {QueueName: a}}",
    "{name: VPCAccessPolicy}",
];
const STATEMENTS: &[&str] = &[
    "{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::a/*']}",
    "{effect: Allow, actions: ['S3:getobject', 's3:PutObject'], resources: ['arn:aws:s3:::a/*', 'arn:aws:s3:::b/*']}",
    "{effect: Allow, actions: ['s3:GetObject'], resources: ['arn:aws:s3:::b/*'], sourceFunctionArns: [orders]}",
    "{effect: Allow, actions: ['s3:*'], resources: ['arn:aws:s3:::?/*'], sourceFunctionArns: []}",
    "{effect: Allow, actions: ['s3:PutObject'], resources: ['arn:aws:s3:::a/*'], sourceFunctionArns: ['o*'], sourceFunctionArnOperator: ArnNotLike}",
    "{effect: Allow, notActions: ['s3:PutObject', 's3:GetObject'], resources: ['*']}",
    "{effect: Allow, notActions: ['s3:PutObject'], resources: ['*']}",
    "{effect: Allow, actions: ['s3:GetObject'], notResources: ['arn:aws:s3:::a/*']}",
    "{effect: Allow, actions: ['s3:GetObject'], notResources: ['arn:aws:s3:::b/*']}",
    "{effect: Deny, actions: ['s3:PutObject'], resources: ['arn:aws:s3:::a/*']}",
    "{effect: Deny, actions: ['s3:PutObject'], resources: ['arn:aws:s3:::b/*'], sourceFunctionArns: []}",
    "{effect: Deny, notActions: ['s3:GetObject'], notResources: ['arn:aws:s3:::a/*']}",
    "{effect: Allow, actions: ['sqs:SendMessage'], resources: ['arn:aws:sqs:eu-west-1:111122223333:a']}",
    "{effect: Allow, actions: ['kms:Decrypt'], resources: ['arn:aws:kms:eu-west-1:111122223333:key/k'], conditions: {StringEquals: {'kms:ViaService': x}}, sourceFunctionArns: []}",
];

fn list(field: &'static str, entries: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(select(entries), 0..6).prop_map(move |list| format!("{field}: [{}]\n", list.join(", ")))
}

fn any_spec() -> impl Strategy<Value = String> {
    (
        select(vec!["", "sourceFunctionArns: [orders]\n", "sourceFunctionArns: ['o*', other]\n"]),
        list("features", FEATURES),
        list("eventSources", SOURCES),
        list("destinations", DESTINATIONS),
        list("templates", TEMPLATES),
        list("statements", STATEMENTS),
    )
        .prop_map(|(scope, features, sources, destinations, templates, statements)| {
            [scope.to_owned(), features, sources, destinations, templates, statements].concat()
        })
}

/// What statements speak of.
struct Vocabulary {
    /// Of each statement: its actions and its resources.
    statements: Vec<(Vec<String>, Vec<String>)>,
    keys: BTreeMap<String, Vec<String>>,
}

impl Vocabulary {
    fn of(statements: &[Statement]) -> Self {
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, values) in statements.iter().flat_map(|statement| statement.conditions.values()).flatten() {
            keys.entry(key.clone()).or_default().extend(values.iter().map(|value| example(value)));
        }
        let actions = |matching: &Matching| entries(matching).iter().map(|action| example(action)).collect();
        let words = |statement: &Statement| (actions(&statement.actions), resources(statement));
        Self { statements: statements.iter().map(words).collect(), keys }
    }

    /// An action of a statement, a resource of that one or now and then of another, and for each key one of its values,
    /// something else or nothing.
    fn request(&self, choices: &[Index; 8]) -> (&str, &str, Context) {
        let [statement, action, other, resource, keys @ ..] = choices;
        let place = statement.index(self.statements.len());
        let other = if other.index(3) == 0 { other.index(self.statements.len()) } else { place };
        let actions = self.statements[place].0.as_slice();
        let resources = self.statements[other].1.as_slice();
        let context =
            self.keys.iter().zip(keys.iter().cycle()).fold(Context::default(), |context, ((key, values), choice)| {
                match choice.index(values.len() + 2).checked_sub(2) {
                    Some(index) => context.with(key, &*values[index]),
                    None if choice.index(2) == 0 => context,
                    None => context.with(key, OTHER),
                }
            });
        (action.get(actions).as_str(), resource.get(resources).as_str(), context)
    }
}

proptest! {
    #[test]
    fn neither_grouping_nor_merging_changes_an_answer(yaml in any_spec(), requests in vec(any::<[Index; 8]>(), 20)) {
        let (spec, owner, account) = (spec(&yaml), owner(), account());
        let placeholders = expansion::placeholders(&owner, &account, class().role_name(&spec));
        let mut faults = Vec::new();
        let permissions = Permissions::of(&spec, &account, &placeholders, &References::default(), &mut faults);
        prop_assert_eq!(faults, vec![]);
        let apart: Vec<Statement> = permissions.own.iter().map(|located| located.statement.clone()).collect();
        prop_assume!(!apart.is_empty());

        let stored = |inline_policies| {
            let quotas = Quotas { inline_policies, ..Quotas::HIGHEST };
            permissions.own_statements(quotas, Overflow::Refuse, BTreeSet::new()).map(|own| Document::new(own.stored))
        };
        let grouped = stored(usize::MAX).unwrap();
        let quota = grouped.characters() - 1;
        let mut forms = vec![Document::new(merged(&apart)), Document::new(merged(&grouped.statements))];
        // Where merging frees a character, the role gets what is merged.
        forms.extend(stored(quota));
        forms.push(grouped);

        let vocabulary = Vocabulary::of(&apart);
        let apart = [Document::new(apart)];
        for request in &requests {
            let (action, resource, context) = vocabulary.request(request);
            let expected = answer(&apart, action, resource, &context);
            for form in &forms {
                let found = answer(std::slice::from_ref(form), action, resource, &context);
                prop_assert_eq!(found, expected, "{} on {} with {:?}\n{}", action, resource, context, form);
            }
        }
    }
}
