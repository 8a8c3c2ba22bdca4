use rstest::rstest;

use super::*;

fn of_size(characters: usize) -> Vec<Finding> {
    let sizes = [Size {
        path: "spec.statements".to_owned(),
        what: "the inline policies of the role".to_owned(),
        characters,
        quota: 10_240,
    }];
    lint(&Subject { home: HOME, statements: &[], trust: &[], managed_policies: &[], sizes: &sizes })
}

#[rstest]
#[case(9215, false)]
#[case(9216, true)]
#[case(10_240, true)]
#[case(10_241, false)]
fn a_document_is_nearly_full_from_nine_tenths_of_the_quota(#[case] characters: usize, #[case] expected: bool) {
    let found = of_size(characters);
    assert_eq!(severity_of(&found, Code::SizeNearQuota), expected.then_some(Severity::Warning));
}

#[test]
fn the_message_gives_the_numbers() {
    assert_eq!(
        text_of(&of_size(9216), Code::SizeNearQuota),
        "spec.statements: the inline policies of the role take 9216 of the 10240 characters that IAM allows, 90 %. Move statements into managed policies, or share wildcards, before the next one does not fit"
    );
}
