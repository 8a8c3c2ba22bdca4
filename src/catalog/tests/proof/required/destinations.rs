//! Destinations and dead-letter targets.

use super::*;

const ENCRYPT: &str = "
    kms:Decrypt         arn:aws:kms:eu-west-1:123456789012:key/k-1
    kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/k-1";
const SEND: &str = "
    sqs:SendMessage arn:aws:sqs:eu-west-1:123456789012:orders";
const PUBLISH: &str = "
    sns:Publish arn:aws:sns:eu-west-1:123456789012:orders";
const PUT: &str = "
    s3:ListBucket arn:aws:s3:::orders
    s3:PutObject  arn:aws:s3:::orders/*";

const TO_QUEUE: &str = "queueArn=arn:aws:sqs:eu-west-1:123456789012:orders";
const TO_ENCRYPTED_QUEUE: &str = "queueArn=arn:aws:sqs:eu-west-1:123456789012:orders
    kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1";
const TO_TOPIC: &str = "topicArn=arn:aws:sns:eu-west-1:123456789012:orders";
const TO_ENCRYPTED_TOPIC: &str = "topicArn=arn:aws:sns:eu-west-1:123456789012:orders
    kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1";

/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
pub(in crate::catalog::tests::proof) const DESTINATIONS: &[Case] = &[
    inline("destination", "sqs", TO_QUEUE, &[SEND]),
    inline("destination", "sqs", TO_ENCRYPTED_QUEUE, &[SEND, ENCRYPT]),
    inline("destination", "sns", TO_TOPIC, &[PUBLISH]),
    inline("destination", "sns", TO_ENCRYPTED_TOPIC, &[PUBLISH, ENCRYPT]),
    inline("destination", "s3", "bucketArn=arn:aws:s3:::orders", &[PUT]),
    inline(
        "destination",
        "s3",
        "bucketArn=arn:aws:s3:::orders kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[PUT, "kms:GenerateDataKey arn:aws:kms:eu-west-1:123456789012:key/k-1"],
    ),
    inline(
        "destination",
        "lambda",
        "functionArn=arn:aws:lambda:eu-west-1:123456789012:function:after",
        &["lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:after"],
    ),
    inline(
        "destination",
        "lambda",
        "functionArn=arn:aws:lambda:eu-west-1:123456789012:function:after:live",
        &["lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:after:live"],
    ),
    inline(
        "destination",
        "eventBridge",
        "eventBusArn=arn:aws:events:eu-west-1:123456789012:event-bus/orders",
        &["events:PutEvents arn:aws:events:eu-west-1:123456789012:event-bus/orders"],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
    inline(
        "destination",
        "kafka",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 topic=failed",
        &["
        kafka-cluster:Connect       arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
        kafka-cluster:DescribeTopic arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/failed
        kafka-cluster:WriteData     arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/failed"],
    ),
    inline("destination", "deadLetterSqs", TO_QUEUE, &[SEND]),
    inline("destination", "deadLetterSqs", TO_ENCRYPTED_QUEUE, &[SEND, ENCRYPT]),
    inline("destination", "deadLetterSns", TO_TOPIC, &[PUBLISH]),
    inline("destination", "deadLetterSns", TO_ENCRYPTED_TOPIC, &[PUBLISH, ENCRYPT]),
];
