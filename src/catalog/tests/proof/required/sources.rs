//! Event sources.

use super::*;

const STREAM_OF_TABLE: &str = "
    dynamodb:DescribeStream   arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000
    dynamodb:GetRecords       arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000
    dynamodb:GetShardIterator arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000
    dynamodb:ListStreams      *";
const DATA_STREAM: &str = "
    kinesis:DescribeStream        arn:aws:kinesis:eu-west-1:123456789012:stream/orders
    kinesis:DescribeStreamSummary arn:aws:kinesis:eu-west-1:123456789012:stream/orders
    kinesis:GetRecords            arn:aws:kinesis:eu-west-1:123456789012:stream/orders
    kinesis:GetShardIterator      arn:aws:kinesis:eu-west-1:123456789012:stream/orders
    kinesis:ListShards            arn:aws:kinesis:eu-west-1:123456789012:stream/orders
    kinesis:ListStreams           *";
const CONSUMER: &str = "
    kinesis:SubscribeToShard arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/fast:1";
const QUEUE: &str = "
    sqs:DeleteMessage      arn:aws:sqs:eu-west-1:123456789012:orders
    sqs:GetQueueAttributes arn:aws:sqs:eu-west-1:123456789012:orders
    sqs:ReceiveMessage     arn:aws:sqs:eu-west-1:123456789012:orders";
const RECEIVE: &str = "
    sqs:DeleteMessage      *
    sqs:GetQueueAttributes *
    sqs:ReceiveMessage     *";
const IAM_OF_ALL: &str = "
    kafka-cluster:Connect                            arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
    kafka-cluster:DescribeClusterDynamicConfiguration arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
    kafka-cluster:DescribeTopic                      arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/*
    kafka-cluster:ReadData                           arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/*
    kafka-cluster:AlterGroup                         arn:aws:kafka:eu-west-1:123456789012:group/orders/1-2/*
    kafka-cluster:DescribeGroup                      arn:aws:kafka:eu-west-1:123456789012:group/orders/1-2/*";
const LIST_SECRETS: &str = "
    kafka:ListScramSecrets arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2";

pub(in crate::catalog::tests::proof) const SOURCES: &[Case] = &[
    // https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    both(
        "source",
        "dynamodb",
        "streamArn=arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
        &[STREAM_OF_TABLE],
        &[managed::LOGS, managed::DYNAMODB],
    ),
    both(
        "source",
        "dynamodb",
        "streamArn=arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[STREAM_OF_TABLE, DECRYPT],
        &[managed::LOGS, managed::DYNAMODB, DECRYPT],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
    both(
        "source",
        "kinesis",
        "streamArn=arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
        &[DATA_STREAM],
        &[managed::LOGS, managed::KINESIS],
    ),
    inline(
        "source",
        "kinesis",
        "streamArn=arn:aws:kinesis:eu-west-1:123456789012:stream/orders
         consumerArn=arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/fast:1",
        &[DATA_STREAM, CONSUMER],
    ),
    both(
        "source",
        "kinesis",
        "streamArn=arn:aws:kinesis:eu-west-1:123456789012:stream/orders
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[DATA_STREAM, DECRYPT],
        &[managed::LOGS, managed::KINESIS, DECRYPT],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    both("source", "sqs", "queueArn=arn:aws:sqs:eu-west-1:123456789012:orders", &[QUEUE], &[managed::LOGS, RECEIVE]),
    both(
        "source",
        "sqs",
        "queueArn=arn:aws:sqs:eu-west-1:123456789012:orders kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[QUEUE, DECRYPT],
        &[managed::LOGS, RECEIVE, DECRYPT],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html
    both(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2",
        &[MSK, POLLER_INTERFACES, LOGS],
        &[managed::MSK, POLLER_INTERFACES, managed::LOGS],
    ),
    inline(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 logGroups=orders",
        &[MSK, POLLER_INTERFACES, LOGS_OF_ORDERS],
    ),
    both(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 authentication=Iam",
        &[MSK, POLLER_INTERFACES, LOGS, IAM_OF_ALL],
        &[managed::MSK, POLLER_INTERFACES, managed::LOGS, IAM_OF_ALL],
    ),
    inline(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 authentication=Iam
         topics=placed,paid-* consumerGroups=orders",
        &[
            MSK,
            POLLER_INTERFACES,
            LOGS,
            "
        kafka-cluster:Connect                            arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
        kafka-cluster:DescribeClusterDynamicConfiguration arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
        kafka-cluster:DescribeTopic                      arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/placed
        kafka-cluster:DescribeTopic                      arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/paid-*
        kafka-cluster:ReadData                           arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/placed
        kafka-cluster:ReadData                           arn:aws:kafka:eu-west-1:123456789012:topic/orders/1-2/paid-*
        kafka-cluster:AlterGroup                         arn:aws:kafka:eu-west-1:123456789012:group/orders/1-2/orders
        kafka-cluster:DescribeGroup                      arn:aws:kafka:eu-west-1:123456789012:group/orders/1-2/orders",
        ],
    ),
    both(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 authentication=Scram
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[MSK, POLLER_INTERFACES, LOGS, LIST_SECRETS, SECRET, DECRYPT],
        &[managed::MSK, POLLER_INTERFACES, managed::LOGS, LIST_SECRETS, SECRET, DECRYPT],
    ),
    both(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2 authentication=MutualTls
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders",
        &[MSK, POLLER_INTERFACES, LOGS, SECRET],
        &[managed::MSK, POLLER_INTERFACES, managed::LOGS, SECRET],
    ),
    both(
        "source",
        "msk",
        "clusterArn=arn:aws:kafka:eu-west-1:123456789012:cluster/orders/1-2
         vpcConnectionArn=arn:aws:kafka:eu-west-1:123456789012:vpc-connection/111122223333/orders/3
         schemaRegistryArn=arn:aws:glue:eu-west-1:123456789012:registry/orders",
        &[MSK, POLLER_INTERFACES, LOGS, REGISTRY, VPC_CONNECTION],
        &[managed::MSK, POLLER_INTERFACES, managed::LOGS, REGISTRY, VPC_CONNECTION],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-permissions.html
    inline("source", "selfManagedKafka", "", &[LOGS]),
    inline("source", "selfManagedKafka", "vpc=true", &[LOGS, POLLER_INTERFACES]),
    inline(
        "source",
        "selfManagedKafka",
        "secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1
         schemaRegistryArn=arn:aws:glue:eu-west-1:123456789012:registry/orders logGroups=orders",
        &[LOGS_OF_ORDERS, SECRET, DECRYPT, REGISTRY],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
    inline(
        "source",
        "mq",
        "brokerArn=arn:aws:mq:eu-west-1:123456789012:broker:orders:b-1
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders",
        &[BROKER, SECRET, POLLER_INTERFACES, LOGS],
    ),
    inline(
        "source",
        "mq",
        "brokerArn=arn:aws:mq:eu-west-1:123456789012:broker:orders:b-1
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1 logGroups=orders",
        &[BROKER, SECRET, DECRYPT, POLLER_INTERFACES, LOGS_OF_ORDERS],
    ),
    // https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
    inline(
        "source",
        "documentDb",
        "clusterArn=arn:aws:rds:eu-west-1:123456789012:cluster:orders
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders",
        &[DOCUMENT_DB, SECRET, POLLER_INTERFACES],
    ),
    inline(
        "source",
        "documentDb",
        "clusterArn=arn:aws:rds:eu-west-1:123456789012:cluster:orders
         secretArn=arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders
         kmsKeyArn=arn:aws:kms:eu-west-1:123456789012:key/k-1",
        &[DOCUMENT_DB, SECRET, DECRYPT, POLLER_INTERFACES],
    ),
];

const VPC_CONNECTION: &str = "
    kafka:DescribeVpcConnection arn:aws:kafka:eu-west-1:123456789012:vpc-connection/111122223333/orders/3";
const BROKER: &str = "
    mq:DescribeBroker arn:aws:mq:eu-west-1:123456789012:broker:orders:b-1";
const DOCUMENT_DB: &str = "
    rds:DescribeDBClusters          arn:aws:rds:eu-west-1:123456789012:cluster:orders
    rds:DescribeDBClusterParameters arn:aws:rds:eu-west-1:123456789012:cluster-pg:*
    rds:DescribeDBSubnetGroups      arn:aws:rds:eu-west-1:123456789012:subgrp:*";
