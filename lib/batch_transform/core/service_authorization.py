"""What IAM knows of the actions that a run needs: on which resources, under which condition keys, and their ARNs.

Made from AWS's service authorization reference as of 2026-10-27 (docs.aws.amazon.com/service-authorization/latest/
reference/list_PREFIX.html, where PREFIX is what stands before an action's colon), cut to these actions, and to the
resource types and condition keys that a policy of ours may name. An action without resource types takes `*` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import TypedDict

ARNS = {
    "s3:bucket": "arn:${Partition}:s3:::${BucketName}",
    "s3:object": "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
    "s3:accesspoint": "arn:${Partition}:s3:${Region}:${Account}:accesspoint/${AccessPointName}",
    "s3:accesspointobject": (
        "arn:${Partition}:s3:${Region}:${Account}:accesspoint/${AccessPointName}/object/${ObjectName}"
    ),
    "s3express:bucket": "arn:${Partition}:s3express:${Region}:${Account}:bucket/${BucketName}",
    "s3express:accesspoint": "arn:${Partition}:s3express:${Region}:${Account}:accesspoint/${AccessPointName}",
    "sagemaker:model": "arn:${Partition}:sagemaker:${Region}:${Account}:model/${ModelName}",
    "sagemaker:transform-job": "arn:${Partition}:sagemaker:${Region}:${Account}:transform-job/${TransformJobName}",
    "logs:log-group": "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}",
    "logs:log-stream": (
        "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:log-stream:${LogStreamName}"
    ),
    "ecr:repository": "arn:${Partition}:ecr:${Region}:${Account}:repository/${RepositoryName}",
    "iam:role": "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",
    "sts:role": "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",
    "kms:key": "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",
}


@dataclass(frozen=True)
class Action:
    """An action: the resource types that it can be allowed on, and the condition keys that hold for it."""

    resources: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


_OBJECT, _JOB, _MODEL = Action(("object", "accesspointobject")), Action(("transform-job",)), Action(("model",))
_KEY = Action(("key",), ("kms:ResourceAliases", "kms:ViaService"))
ACTIONS: Mapping[str, Action] = {
    "s3:AbortMultipartUpload": _OBJECT,
    "s3:DeleteObject": _OBJECT,
    "s3:GetObject": _OBJECT,
    "s3:ListBucket": Action(("bucket", "accesspoint"), ("s3:prefix",)),
    "s3:PutObject": _OBJECT,
    "s3express:CreateSession": Action(("bucket", "accesspoint"), ("s3express:SessionMode",)),
    "sagemaker:AddTags": Action(("model", "transform-job")),
    "sagemaker:CreateModel": _MODEL,
    "sagemaker:CreateTransformJob": _JOB,
    "sagemaker:DescribeModel": _MODEL,
    "sagemaker:DescribeTransformJob": _JOB,
    "sagemaker:StopTransformJob": _JOB,
    "logs:CreateLogGroup": Action(("log-group",)),
    "logs:CreateLogStream": Action(("log-stream",)),
    "logs:DescribeLogStreams": Action(("log-group",)),
    "logs:GetLogEvents": Action(("log-stream",)),
    "logs:PutLogEvents": Action(("log-stream",)),
    "ecr:BatchCheckLayerAvailability": Action(("repository",)),
    "ecr:BatchGetImage": Action(("repository",)),
    "ecr:GetAuthorizationToken": Action(),
    "ecr:GetDownloadUrlForLayer": Action(("repository",)),
    "iam:PassRole": Action(("role",), ("iam:PassedToService",)),
    "sts:AssumeRole": Action(("role",)),
    "kms:CreateGrant": Action(("key",), ("kms:GrantIsForAWSResource", "kms:ResourceAliases")),
    "kms:Decrypt": _KEY,
    "kms:GenerateDataKey": _KEY,
    "ec2:CreateNetworkInterface": Action(("network-interface", "security-group", "subnet")),
    "ec2:CreateNetworkInterfacePermission": Action(("network-interface",)),
    "ec2:DeleteNetworkInterface": Action(("network-interface",)),
    "ec2:DeleteNetworkInterfacePermission": Action(("network-interface",)),
    "ec2:DescribeDhcpOptions": Action(),
    "ec2:DescribeNetworkInterfaces": Action(),
    "ec2:DescribeSecurityGroups": Action(),
    "ec2:DescribeSubnets": Action(),
    "ec2:DescribeVpcs": Action(),
}


Conditions = Mapping[str, Mapping[str, str | list[str]]]


class PolicyStatement(TypedDict, total=False):
    """A statement of a policy, by IAM's own names."""

    Sid: str
    Effect: str
    Action: list[str]
    Resource: list[str]
    Condition: Conditions


class PolicyDocument(TypedDict):
    """A policy as create-policy takes it."""

    Version: str
    Statement: list[PolicyStatement]


def arn(kind: str, **parts: str) -> str:
    """Returns the ARN of a resource of one of ARNS."""
    return Template(ARNS[kind]).substitute(parts)
