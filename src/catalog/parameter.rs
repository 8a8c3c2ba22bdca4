//! What a recipe asks of its user, and what is wrong with an answer.

use serde::Deserialize;

use super::recipe::{OneOrMany, When};
use crate::policy::Arn;

/// Longest ARN, in characters. <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>
const ARN_MAX: usize = 2_048;

/// One parameter of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Parameter {
    /// Name, in camel case or, in a serverless template, as users know it.
    pub name: String,
    /// What its values may be.
    pub kind: Kind,
    /// Whether it must be given.
    pub need: Need,
    /// Whether it may be given more than one value.
    pub is_list: bool,
    /// The parameter exists only where all of these hold: elsewhere it is neither needed nor taken.
    pub when: Vec<When>,
}

/// Whether a parameter must be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may be left out, and then has no value.
    Optional,
    /// It may be left out, and then has these values.
    Default(Vec<String>),
}

/// What the values of a parameter may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ARN, wildcards allowed.
    Arn {
        /// The service that it names.
        service: String,
        /// The form of its last component: `*` stands for one or more characters but `/`, `**` for one or more of any.
        resource: String,
        /// Whether FIFO queues and topics are none of these.
        standard: bool,
    },
    /// `true` or `false`.
    Flag,
    /// One of a few words.
    Choice(Vec<String>),
    /// What a service calls something of its own, wildcards allowed.
    Name(Name),
}

/// What services call their resources. One entry for all that share a rule: what counts is that nothing else can be
/// slipped into an ARN.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Deserialize,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum Name {
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/creating-access-points-restrictions-limitations-naming-rules.html>
    AccessPointName,
    /// Buckets made before 2018 in us-east-1 may hold capitals and underscores and be longer.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
    BucketName,
    /// <https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateCollection.html>
    CollectionId,
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_AmazonManagedKafkaEventSourceConfig.html>
    ConsumerGroupId,
    /// <https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html>
    DeliveryStreamName,
    /// <https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_CreateDomain.html>
    DomainName,
    /// An address or a domain. <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailIdentity.html>
    EmailIdentity,
    /// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html>
    EndpointName,
    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html>
    EventBusName,
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html>
    FunctionName,
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>
    KafkaTopicName,
    /// <https://docs.aws.amazon.com/polly/latest/dg/API_PutLexicon.html>
    LexiconName,
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
    LogGroupName,
    /// Without a slash before it: in ARNs there is one already.
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
    ParameterName,
    /// A parameter's name or the beginning of one, with the slash before it.
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-hierarchies.html>
    ParameterPath,
    /// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_CreatePipeline.html>
    PipelineName,
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
    QueueName,
    /// <https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateRepository.html>
    RepositoryName,
    /// What AWS makes up: `fs-0123456789abcdef0`, a key's UUID, an image, a cluster, a hosted zone.
    ResourceId,
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html>
    StateMachineName,
    /// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html>
    StreamName,
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>
    TableName,
    /// When the stream of a table began: `2015-05-11T21:21:33.291`.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Stream.html>
    TableStreamLabel,
    /// A family and its revision: without one, no ARN of a task definition is matched.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
    TaskDefinition,
    /// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailTemplate.html>
    TemplateName,
    /// <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>
    TopicName,
    /// <https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateWorkGroup.html>
    WorkGroupName,
}

impl Name {
    /// The characters that may stand beside letters, digits and wildcards, and the greatest length.
    const fn rule(self) -> (&'static str, usize) {
        match self {
            Self::AccessPointName => ("-", 50),
            Self::BucketName | Self::CollectionId | Self::TableName => ("-_.", 255),
            Self::ConsumerGroupId => ("-_.:/+=@", 200),
            Self::DeliveryStreamName => ("-_.", 64),
            Self::DomainName => ("-", 28),
            Self::EmailIdentity => ("-_.@+", 320),
            Self::EndpointName => ("-", 63),
            Self::EventBusName => ("-_./", 256),
            Self::FunctionName | Self::TemplateName => ("-_", 64),
            Self::KafkaTopicName => ("-_.", 249),
            Self::LexiconName => ("", 20),
            Self::LogGroupName => ("-_./#", 512),
            Self::ParameterName | Self::ParameterPath => ("-_./", 1_011),
            Self::PipelineName => ("-_.@", 100),
            Self::QueueName | Self::StateMachineName => ("-_.", 80),
            Self::RepositoryName => ("-_.", 100),
            Self::ResourceId => ("-", 64),
            Self::StreamName | Self::WorkGroupName => ("-_.", 128),
            Self::TableStreamLabel => ("-:.", 64),
            Self::TaskDefinition => ("-_:", 266),
            Self::TopicName => ("-_.", 256),
        }
    }

    fn check(self, value: &str) -> Result<(), String> {
        let (marks, longest) = self.rule();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "*?".contains(c) || marks.contains(c);
        if let Some(c) = value.chars().find(|c| !is_allowed(*c)) {
            let marks: Vec<String> = marks.chars().map(|c| format!(", {c}")).collect();
            return Err(format!(
                "{value} holds {c:?}: a {self} consists of letters, digits{} and the wildcards * and ?",
                marks.concat()
            ));
        }
        match value.len() {
            0 => Err(format!("is empty: a {self} has at least one character")),
            length if length > longest => Err(format!("is {length} characters long: a {self} has at most {longest}")),
            _ => self.check_form(value),
        }
    }

    /// What some ask beyond characters and length.
    fn check_form(self, value: &str) -> Result<(), String> {
        let form = match self {
            Self::ParameterName if value.starts_with('/') => "a ParameterName is written without the slash before it",
            Self::ParameterPath if !value.starts_with('/') => "a ParameterPath begins with a slash",
            Self::TaskDefinition if value.split(':').map(str::is_empty).ne([false, false]) => {
                "a TaskDefinition is FAMILY:REVISION, where REVISION may be *"
            }
            _ => return Ok(()),
        };
        Err(format!("{form}, unlike {value}"))
    }
}

impl Kind {
    /// What is wrong with `value`, as a sentence without its subject, which is the parameter.
    pub(super) fn check(&self, value: &str) -> Result<(), String> {
        match self {
            Self::Arn { service, resource, standard } => {
                check_arn(value, service, resource)?;
                if *standard && value.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo") {
                    return Err(format!("{value} is FIFO, where Lambda sends nothing: name a standard one"));
                }
                Ok(())
            }
            Self::Flag if ["true", "false"].contains(&value) => Ok(()),
            Self::Flag => Err(format!("must be true or false, not {value}")),
            Self::Choice(choices) if choices.iter().any(|choice| choice == value) => Ok(()),
            Self::Choice(choices) => Err(format!("must be one of {}, not {value}", choices.join(", "))),
            Self::Name(name) => name.check(value),
        }
    }
}

fn check_arn(value: &str, service: &str, shape: &str) -> Result<(), String> {
    if value.len() > ARN_MAX {
        return Err(format!("is {} characters long: an ARN has at most {ARN_MAX}", value.len()));
    }
    if let Some(c) = value.chars().find(|c| !c.is_ascii_graphic()) {
        return Err(format!("holds {c:?}, which no ARN does"));
    }
    let is_component = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-*?".contains(c));
    let is_such = Arn::parse(value).is_some_and(|arn| {
        arn.service == service
            && !arn.partition.is_empty()
            && [arn.partition, arn.region, arn.account].into_iter().all(is_component)
            && fits(shape, arn.resource)
    });
    if is_such {
        Ok(())
    } else {
        // Names of buckets are the same in all regions and accounts of a partition.
        let place = if service == "s3" { ":" } else { "REGION:ACCOUNT" };
        Err(format!("must be an ARN like arn:PARTITION:{service}:{place}:{shape}, not {value}"))
    }
}

/// Whether `text` has the form of `shape`; see [`Kind::Arn`]. Wildcards of `text` are characters like any other.
fn fits(shape: &str, text: &str) -> bool {
    let Some((literal, behind)) = shape.split_once('*') else { return shape == text };
    let (behind, is_deep) = behind.strip_prefix('*').map_or((behind, false), |behind| (behind, true));
    let Some(text) = text.strip_prefix(literal) else { return false };
    text.char_indices()
        .take_while(|(_, c)| is_deep || *c != '/')
        .any(|(start, c)| fits(behind, &text[start + c.len_utf8()..]))
}

/// A parameter as the data files write it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    service: Option<String>,
    resource: Option<String>,
    #[serde(default)]
    standard: bool,
    choices: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
    default: Option<OneOrMany<String>>,
    #[serde(default)]
    list: bool,
    #[serde(default)]
    when: OneOrMany<When>,
}

impl TryFrom<Written> for Parameter {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, kind, service, resource, standard, choices, optional, default, list, when } = written;
        let kind = match (kind.as_str(), service, resource, choices) {
            ("Arn", Some(service), Some(resource), None) => Kind::Arn { service, resource, standard },
            ("Arn", Some(service), None, None) => Kind::Arn { service, resource: "**".to_owned(), standard },
            ("Flag", None, None, None) => Kind::Flag,
            ("Choice", None, None, Some(choices)) => Kind::Choice(choices),
            (kind, None, None, None) => {
                Kind::Name(kind.parse().map_err(|_| format!("{name}: {kind} is no type of parameter"))?)
            }
            (kind, ..) => return Err(format!("{name}: {kind} does not go with service, resource or choices")),
        };
        let need = match (optional, default, &kind) {
            (true, None, _) => Need::Optional,
            (false, Some(default), _) => Need::Default(default.into()),
            (false, None, Kind::Flag) => Need::Default(vec!["false".to_owned()]),
            (false, None, _) => Need::Required,
            (true, Some(_), _) => return Err(format!("{name}: what has a default is not optional")),
        };
        Ok(Self { name, kind, need, is_list: list, when: when.into() })
    }
}
