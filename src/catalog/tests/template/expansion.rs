//! Templates filled in, well and badly.

use proptest::prelude::*;
use rstest::rstest;

use super::{
    samples::{expand, positive, resources, samples},
    *,
};
use crate::{
    catalog::{parameter::Kind, recipe::Values},
    policy::{Arn, Statement},
};

#[rstest]
fn every_template_expands_in_every_partition(#[values("aws", "aws-cn", "aws-us-gov")] partition: &str) {
    for template in templates() {
        let name = &template.name;
        let statements = expand(template, &samples(template, partition), partition).unwrap();
        assert_eq!(statements.len(), template.statements.len(), "{name}");

        for action in statements.iter().flat_map(|statement| positive(&statement.actions)) {
            let (service, action) = action.split_once(':').unwrap();
            assert!(service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{name}: {service}");
            assert!(action == "*" || action.chars().all(|c| c.is_ascii_alphanumeric()), "{name}: {action}");
        }
        for resource in resources(&statements) {
            assert!(resource == "*" || is_arn_in(resource, partition), "{name}: {resource}");
        }
        let values = statements.iter().flat_map(|statement| statement.conditions.values()).flat_map(BTreeMap::values);
        for value in values.flatten() {
            assert!(value == "orders" || is_arn_in(value, partition), "{name}: {value}");
        }
    }
}

fn is_arn_in(text: &str, partition: &str) -> bool {
    let is_plain = !text.contains(['$', '{', '(']);
    is_plain && Arn::parse(text).is_some_and(|arn| arn.partition == partition && !arn.resource.is_empty())
}

#[test]
fn every_parameter_is_required_and_takes_wildcards() {
    for template in templates() {
        for parameter in &template.parameters {
            let mut values = samples(template, "aws");
            let value = values.get_mut(&parameter.name).unwrap();
            value[0] = value[0].replace("orders", "ord*");
            assert!(expand(template, &values, "aws").is_ok(), "{}: {}", template.name, parameter.name);

            values.remove(&parameter.name);
            let faults = expand(template, &values, "aws").unwrap_err();
            let expected = format!("{}: is required", parameter.name);
            assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected], "{}", template.name);
        }
    }
}

#[rstest]
#[case::empty("")]
#[case::space("two words")]
#[case::placeholder("$(region)")]
#[case::variable("${aws:username}")]
#[case::quote("a\"b")]
#[case::beyond_ascii("bestellungen-für-märz")]
#[case::arn_of_another_service("arn:aws:iam::123456789012:role/admin")]
fn a_bad_value_is_refused_by_the_name_of_its_parameter(#[case] bad: &str) {
    for template in templates() {
        for parameter in &template.parameters {
            let mut values = samples(template, "aws");
            values.insert(parameter.name.clone(), vec![bad.to_owned()]);
            let faults = expand(template, &values, "aws").unwrap_err();
            assert_eq!(faults.len(), 1, "{}: {faults:?}", template.name);
            assert_eq!(faults[0].parameter, parameter.name, "{}", template.name);
        }
    }
}

#[test]
fn an_unknown_parameter_is_refused_by_name_with_those_that_there_are() {
    for template in templates() {
        let mut values = samples(template, "aws");
        values.insert("Tabel".to_owned(), vec!["orders".to_owned()]);
        let faults = expand(template, &values, "aws").unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(fault.parameter, "Tabel");
        assert!(template.parameters.iter().all(|parameter| fault.message.contains(&parameter.name)), "{fault}");
    }
}

#[rstest]
#[case("SSMParameterReadPolicy", "ParameterName", "/shop/key", "shop/key")]
#[case("SSMParameterWithSlashPrefixReadPolicy", "ParameterName", "shop/key", "/shop/key")]
#[case("KMSDecryptPolicy", "KeyId", "alias/shop", "1234abcd-12ab-34cd-56ef-1234567890ab")]
#[case("LambdaInvokePolicy", "FunctionName", "orders:prod", "orders")]
#[case("Route53ChangeResourceRecordSetsPolicy", "HostedZoneId", "/hostedzone/Z148QEXAMPLE8V", "Z148QEXAMPLE8V")]
#[case("S3ReadPolicy", "BucketName", "arn:aws:s3:::archive", "archive")]
#[case("S3ReadPolicy", "BucketName", "archive/*", "archive-*")]
#[case("SNSPublishMessagePolicy", "TopicName", "arn:aws:sns:eu-west-1:123456789012:orders", "orders.fifo")]
#[case("EcsRunTaskPolicy", "TaskDefinition", "task-definition/orders:3", "orders:3")]
#[case("EcsRunTaskPolicy", "TaskDefinition", "orders", "orders:*")]
#[case("SESSendBouncePolicy", "IdentityName", "Shop <shop@example.com>", "shop@example.com")]
#[case(
    "AcmGetCertificatePolicy",
    "CertificateArn",
    "12345678-1234-1234-1234-123456789012",
    "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
)]
fn what_is_often_given_in_place_of_a_name_is_refused(
    #[case] template: &str,
    #[case] parameter: &str,
    #[case] mistaken: &str,
    #[case] right: &str,
) {
    let template = find(templates(), template).unwrap();
    let expand = |value: &str| {
        let values = Values::from([(parameter.to_owned(), vec![value.to_owned()])]);
        expand(template, &values, "aws")
    };
    assert!(expand(mistaken).is_err(), "{mistaken}");
    assert!(expand(right).is_ok(), "{:?}", expand(right));
}

#[test]
fn the_stream_of_a_table_is_known_by_when_it_began() {
    let values = Values::from([
        ("TableName".to_owned(), vec!["orders".to_owned()]),
        ("StreamName".to_owned(), vec!["2026-05-11T21:21:33.291".to_owned()]),
    ]);
    let statements = expand(find(templates(), "DynamoDBStreamReadPolicy").unwrap(), &values, "aws").unwrap();
    let stream = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-05-11T21:21:33.291";
    assert_eq!(resources(&statements), [stream, "*"]);
}

/// Names that begin alike belong to other functions and topics.
#[rstest]
#[case("LambdaInvokePolicy", "arn:aws:lambda:eu-west-1:123456789012:function:orders-admin")]
#[case("SNSCrudPolicy", "arn:aws:sns:eu-west-1:123456789012:orders-admin")]
fn a_name_does_not_match_longer_ones(#[case] template: &str, #[case] other: &str) {
    let template = find(templates(), template).unwrap();
    let statements = expand(template, &samples(template, "aws"), "aws").unwrap();
    assert!(resources(&statements).iter().all(|pattern| !matches(pattern, other)));
}

proptest! {
    /// Whatever a parameter is given, the ARNs stay in the service, region and account that the template is about.
    #[test]
    fn no_value_leaves_its_place_in_the_arn(value in r"[a-zA-Z0-9:/*?.$(){}@_ -]{0,40}", index in 0..81_usize) {
        let template = &templates()[index];
        let plain = expand(template, &samples(template, "aws"), "aws").unwrap();
        let mut values = samples(template, "aws");
        for parameter in template.parameters.iter().filter(|parameter| matches!(parameter.kind, Kind::Name(_))) {
            values.insert(parameter.name.clone(), vec![value.clone()]);
        }
        if let Ok(statements) = expand(template, &values, "aws") {
            let places = |statements: &[Statement]| -> Vec<[String; 4]> {
                let arns = resources(statements).into_iter().filter_map(|resource| Arn::parse(resource));
                arns.map(|arn| [arn.partition, arn.service, arn.region, arn.account].map(str::to_owned)).collect()
            };
            prop_assert_eq!(places(&statements), places(&plain));
        }
    }
}
