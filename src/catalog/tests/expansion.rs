//! How recipes are filled in, well and badly.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::policy::Arn;

const CLUSTER: &str = "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2";
const KEY: &str = "kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k";

fn faults(kind: &str, name: &str, filling: &str, form: Form) -> Vec<String> {
    match recipe(kind, name).expand(&values(filling), form, &placeholders("aws")) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[rstest]
#[case::missing("sqs", "", "queueArn: is required")]
#[case::unknown(
    "sqs",
    "queueArn=arn:aws:sqs:r:1:q queue=q",
    "queue: is no parameter of sqs, which has queueArn, kmsKeyArn"
)]
#[case::no_arn("sqs", "queueArn=q", "queueArn: must be an ARN like arn:PARTITION:sqs:REGION:ACCOUNT:*, not q")]
#[case::of_another_service(
    "sqs",
    "queueArn=arn:aws:sns:r:1:q",
    "queueArn: must be an ARN like arn:PARTITION:sqs:REGION:ACCOUNT:*, not arn:aws:sns:r:1:q"
)]
#[case::any_service(
    "sqs",
    "queueArn=arn:aws:*:r:1:q",
    "queueArn: must be an ARN like arn:PARTITION:sqs:REGION:ACCOUNT:*, not arn:aws:*:r:1:q"
)]
#[case::a_table_for_its_stream(
    "dynamodb",
    "streamArn=arn:aws:dynamodb:r:1:table/t",
    "streamArn: must be an ARN like arn:PARTITION:dynamodb:REGION:ACCOUNT:table/*/stream/*, not arn:aws:dynamodb:r:1:table/t"
)]
#[case::an_alias_for_its_key(
    "sqs",
    "queueArn=arn:aws:sqs:r:1:q kmsKeyArn=arn:aws:kms:r:1:alias/a",
    "kmsKeyArn: must be an ARN like arn:PARTITION:kms:REGION:ACCOUNT:key/*, not arn:aws:kms:r:1:alias/a"
)]
#[case::no_flag("selfManagedKafka", "vpc=yes", "vpc: must be true or false, not yes")]
#[case::two_of_one("sqs", "queueArn=arn:aws:sqs:r:1:q,arn:aws:sqs:r:1:p", "queueArn: takes one value")]
#[case::bad_character(
    "selfManagedKafka",
    "logGroups=a:b",
    "logGroups: a:b holds ':': a LogGroupName consists of letters, digits, -, _, ., /, # and the wildcards * and ?"
)]
#[case::empty("selfManagedKafka", "logGroups=", "logGroups: is empty: a LogGroupName has at least one character")]
#[case::key_without_what_it_encrypts("selfManagedKafka", KEY, "kmsKeyArn: has an effect only where secretArn is given")]
fn a_fault_names_the_parameter_and_what_would_be_right(
    #[case] name: &str,
    #[case] filling: &str,
    #[case] expected: &str,
) {
    assert_eq!(faults("source", name, filling, Form::Inline), [expected]);
}

#[rstest]
#[case("s3", "bucketArn=failed", "bucketArn: must be an ARN like arn:PARTITION:s3:::*, not failed")]
#[case(
    "sns",
    "topicArn=arn:aws:sns:r:1:t.fifo",
    "topicArn: arn:aws:sns:r:1:t.fifo is FIFO, where Lambda sends nothing: name a standard one"
)]
#[case(
    "deadLetterSqs",
    "queueArn=arn:aws:sqs:r:1:q.fifo",
    "queueArn: arn:aws:sqs:r:1:q.fifo is FIFO, where Lambda sends nothing: name a standard one"
)]
fn a_destination_is_one_that_lambda_sends_to(#[case] name: &str, #[case] filling: &str, #[case] expected: &str) {
    assert_eq!(faults("destination", name, filling, Form::Inline), [expected]);
}

#[test]
fn lambda_polls_fifo_queues_too() {
    assert_eq!(faults("source", "sqs", "queueArn=arn:aws:sqs:r:1:q.fifo", Form::Inline), [""; 0]);
}

#[test]
fn what_is_too_long_is_told_with_the_limit() {
    let name = "g".repeat(513);
    assert_eq!(
        faults("source", "selfManagedKafka", &format!("logGroups={name}"), Form::Inline),
        ["logGroups: is 513 characters long: a LogGroupName has at most 512"]
    );
    let arn = format!("queueArn=arn:aws:sqs:r:1:{}", "q".repeat(2048));
    let [fault] = faults("source", "sqs", &arn, Form::Inline).try_into().unwrap();
    assert!(fault.ends_with("an ARN has at most 2048"), "{fault}");
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults("source", "mq", "broker=b secretArn=s logGroups=a:b", Form::Managed);
    let parameters: Vec<&str> = found.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert_eq!(parameters, ["broker", "brokerArn", "secretArn", "logGroups", "form"]);
}

#[rstest]
#[case("authentication=Scram", &["secretArn: is required, as authentication is Scram or MutualTls"])]
#[case("authentication=MutualTls", &["secretArn: is required, as authentication is Scram or MutualTls"])]
#[case("authentication=Iam", &[])]
#[case("", &[])]
#[case("authentication=Kerberos", &["authentication: must be one of None, Iam, Scram, MutualTls, not Kerberos"])]
#[case("authentication=Iam secretArn=arn:aws:secretsmanager:r:1:secret:s",
    &["secretArn: has an effect only where authentication is Scram or MutualTls"])]
#[case("topics=a consumerGroups=g", &[
    "topics: has an effect only where authentication is Iam",
    "consumerGroups: has an effect only where authentication is Iam",
])]
fn a_secret_goes_with_the_authentication_that_needs_one(#[case] filling: &str, #[case] expected: &[&str]) {
    assert_eq!(faults("source", "msk", &format!("{CLUSTER} {filling}"), Form::Inline), expected);
}

#[rstest]
#[case("destination", "sqs", "queueArn=arn:aws:sqs:r:1:q", "form: sqs has no AWS managed policy: use Inline")]
#[case("feature", "Logging", "logGroups=a", "logGroups: has no effect on an AWS managed policy: set form to Inline")]
#[case(
    "feature",
    "EfsMount",
    "fileSystemArn=arn:aws:elasticfilesystem:r:1:file-system/f
        accessPointArn=arn:aws:elasticfilesystem:r:1:access-point/a",
    "accessPointArn: has no effect on an AWS managed policy: set form to Inline"
)]
fn the_managed_form_takes_nothing_that_it_would_lose(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] filling: &str,
    #[case] expected: &str,
) {
    assert_eq!(faults(kind, name, filling, Form::Managed), [expected]);
}

#[rstest]
#[case("source", "sqs", "queueArn=arn:aws:sqs:*:*:orders-?")]
#[case("source", "dynamodb", "streamArn=arn:aws:dynamodb:r:1:table/orders/stream/*")]
#[case(
    "source",
    "mq",
    "brokerArn=arn:aws:mq:r:1:broker:b:b-1 secretArn=arn:aws:secretsmanager:r:1:secret:prod/mq-??????"
)]
#[case("destination", "s3", "bucketArn=arn:aws:s3:::b*")]
#[case("destination", "eventBridge", "eventBusArn=arn:aws:events:r:1:event-bus/aws.partner/example.com/1")]
fn arns_may_have_wildcards_and_names_their_slashes(#[case] kind: &str, #[case] name: &str, #[case] filling: &str) {
    assert_eq!(faults(kind, name, filling, Form::Inline), Vec::<String>::new());
}

#[test]
fn what_lies_in_another_account_is_named_where_it_lies() {
    let filling = "clusterArn=arn:aws:kafka:us-east-1:999999999999:cluster/c/1-2 topic=t";
    let grant = recipe("destination", "kafka").expand(&values(filling), Form::Inline, &placeholders("aws")).unwrap();
    assert_eq!(resources(&grant.statements[1]), ["arn:aws:kafka:us-east-1:999999999999:topic/c/1-2/t"]);
}

/// An unknown hole is a fault of the data, which a test of the data would find: it is told all the same.
#[test]
fn a_hole_that_nobody_fills_is_told() {
    let found =
        recipe("feature", "Logging").expand(&Values::new(), Form::Inline, &Placeholders::default()).unwrap_err();
    assert_eq!(found[0].parameter, "$(partition)");
}

/// What flags and choices may be, which a random value never is.
const CHOICES: [&str; 6] = ["true", "false", "None", "Iam", "Scram", "MutualTls"];

proptest! {
    /// Whatever it is given, a recipe refuses it or makes ARNs of it that are of the service that the recipe is about.
    #[test]
    fn no_value_leaves_its_place(value in r"(arn:aws:sqs:[a-z*]{0,3}:[0-9]{0,3}:)?[a-zA-Z0-9:/*?.$(){}@#_ -]{0,30}", index in 0..23_usize) {
        let recipe = recipes().nth(index).unwrap();
        for mut filling in fillings(recipe, "aws") {
            let plain = recipe.expand(&filling, Form::Inline, &placeholders("aws")).unwrap();
            for values in filling.values_mut().filter(|values| !CHOICES.contains(&values[0].as_str())) {
                let is_arn = value.starts_with("arn:") == values[0].starts_with("arn:");
                *values = if is_arn { vec![value.clone()] } else { values.clone() };
            }
            if let Ok(grant) = recipe.expand(&filling, Form::Inline, &placeholders("aws")) {
                let services = |grant: &Grant| -> Vec<Vec<Option<String>>> {
                    let service = |resource: &String| Arn::parse(resource).map(|arn| arn.service.to_owned());
                    grant.statements.iter().map(|statement| resources(statement).iter().map(service).collect()).collect()
                };
                prop_assert_eq!(services(&grant), services(&plain));
            }
        }
    }
}
