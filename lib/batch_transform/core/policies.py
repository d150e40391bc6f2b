"""The least that driver, executors and the model's role must be allowed for a run, as policy documents of IAM. Pure.

Each action, and each condition key, is one that `service_authorization` knows for the resources that it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from batch_transform.core.needed_permissions import Needed
from batch_transform.core.run_layout import MANIFESTS, PARTS, ROWS, RUNS
from batch_transform.core.service_authorization import ACTIONS, Conditions, PolicyDocument, PolicyStatement
from batch_transform.core.uris import S3Uri

LOG_GROUP = "/aws/sagemaker/TransformJobs"
_NETWORK = tuple(action for action in ACTIONS if action.startswith("ec2:"))
_READ, _WRITE = ("s3:GetObject",), ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


def driver_policy(needed: Needed) -> PolicyDocument:
    """Returns what the driver must be allowed, by whichever identities it calls S3, SageMaker and CloudWatch Logs."""
    own = [needed.workspace.join(RUNS), needed.workspace.join(ROWS), *_rows_elsewhere(needed)]
    writes = [*own, *needed.written]
    # A run of an earlier version would lie in the workspace itself, and is looked for.
    reads = [needed.workspace, *_rows_elsewhere(needed), *needed.read, *needed.written]
    job = needed.arn("sagemaker:transform-job", TransformJobName="*")
    models = ("sagemaker:DescribeModel", *(("sagemaker:CreateModel",) if needed.model_role is not None else ()))
    jobs = ("sagemaker:CreateTransformJob", "sagemaker:DescribeTransformJob", "sagemaker:StopTransformJob")
    group, streams = _logs(needed)
    return _document(
        *_s3(needed, reads, writes),
        _statement("SageMakerJobs", (*jobs, *(("sagemaker:AddTags",) if needed.has_tags else ())), [job]),
        _statement("SageMakerModel", models, [needed.arn("sagemaker:model", ModelName=needed.model)]),
        *_passed(needed.model_role),
        _statement("LogsStreams", ("logs:DescribeLogStreams",), group),
        _statement("LogsEvents", ("logs:GetLogEvents",), streams),
        *_key(needed, "S3Key", ("kms:GenerateDataKey", "kms:Decrypt"), needed.s3_key),
        *_roles([needed.s3_role, *needed.other_roles]),
    )


def executors_policy(needed: Needed) -> PolicyDocument:
    """Returns what executors must be allowed: their Python workers, and Spark where it reads or writes S3 itself."""
    rows, parts = [needed.workspace.join(ROWS), *_rows_elsewhere(needed)], needed.workspace.join(RUNS, "*", PARTS)
    spark = [place for place in (*needed.read, *needed.written) if place in needed.in_spark]
    writes = [*rows, *(place for place in needed.written if place in needed.in_spark)]
    return _document(
        *_s3(needed, [*rows, parts, *spark], writes, in_parts=bool(needed.in_spark)),
        *_key(needed, "S3Key", ("kms:GenerateDataKey", "kms:Decrypt"), needed.s3_key),
        *_roles([needed.s3_role]),
    )


def model_policy(needed: Needed) -> PolicyDocument:
    """Returns what the model's execution role must be allowed: what its jobs read, write and log, and no ledger."""
    inputs = [needed.workspace.join(RUNS, "*", MANIFESTS), needed.workspace.join(ROWS, "*", "input")]
    outputs = [needed.workspace.join(ROWS, "*", "output")]
    group, streams = _logs(needed)
    images = [
        needed.arn("ecr:repository", account, Region=region, RepositoryName=repository)
        for region, account, repository in needed.images
    ]
    pulls = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
    return _document(
        _statement("S3Input", _READ, [needed.below(place) for place in inputs]),
        _statement("S3Output", (*_READ, "s3:PutObject", "s3:AbortMultipartUpload"), [needed.below(*outputs)]),
        *_listing(needed, [needed.workspace.join(RUNS), needed.workspace.join(ROWS)], ()),
        *([_statement("S3Model", _READ, [needed.object(place) for place in needed.data])] if needed.data else []),
        _statement("LogsGroup", ("logs:CreateLogGroup", "logs:DescribeLogStreams"), group),
        _statement("LogsEvents", ("logs:CreateLogStream", "logs:PutLogEvents"), streams),
        *([_statement("ImagePull", pulls, images)] if images else []),
        *([_statement("ImageLogin", ("ecr:GetAuthorizationToken",), ["*"])] if images else []),
        *([_statement("Network", _NETWORK, ["*"])] if needed.has_vpc else []),
        *_key(needed, "InputKey", ("kms:Decrypt",), needed.s3_key),
        *_key(needed, "OutputKey", ("kms:GenerateDataKey", "kms:Decrypt"), needed.output_key),
        *_key(needed, "VolumeKey", ("kms:CreateGrant",), needed.volume_key, grants=True),
    )


def _document(*statements: PolicyStatement) -> PolicyDocument:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(
    sid: str, actions: Sequence[str], resources: Iterable[str], condition: Conditions | None = None
) -> PolicyStatement:
    keys = [key for keys in (condition or {}).values() for key in keys]
    unknown = [(action, key) for action in actions for key in keys if key not in ACTIONS[action].conditions]
    assert not unknown, unknown
    statement: PolicyStatement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(dict.fromkeys(resources)),
    }
    if condition:
        statement["Condition"] = condition
    return statement


def _passed(role: str | None) -> list[PolicyStatement]:
    """Whoever makes a model hands its role to the service."""
    if role is None:
        return []
    to_service: Conditions = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return [_statement("ModelRole", ("iam:PassRole",), [role], to_service)]


def _roles(assumed: Sequence[str | None]) -> list[PolicyStatement]:
    named = [role for role in assumed if role is not None]
    return [_statement("Roles", ("sts:AssumeRole",), named)] if named else []


def _rows_elsewhere(needed: Needed) -> list[S3Uri]:
    return [] if needed.staging is None else [needed.staging]


def _s3(
    needed: Needed, reads: Sequence[S3Uri], writes: Sequence[S3Uri], *, in_parts: bool = True
) -> Iterator[PolicyStatement]:
    """Reading, writing and listing, without which S3 does not say that something is not there.

    Hadoop looks at a folder by its name as well, and at those that it lies in. Workers put an object at once.
    """
    yield from _sessions(needed, reads, writes)
    reads, writes = ([each for each in some if not needed.directory_bucket(each.bucket)] for some in (reads, writes))
    above = [folder for place in writes if place in needed.in_spark for folder in _above(place)]
    folders = [place for place in (*reads, *above) if place.key]
    seen = [*(needed.below(place) for place in reads), *(needed.object(place) for place in folders)]
    yield _statement("S3Read", _READ, seen)
    yield _statement("S3Write", _WRITE if in_parts else _WRITE[:2], [needed.below(place) for place in writes])
    yield from _listing(needed, reads, above)


def _sessions(needed: Needed, reads: Sequence[S3Uri], writes: Sequence[S3Uri]) -> Iterator[PolicyStatement]:
    """A directory bucket is allowed whole, by the sessions that an SDK makes: "the access control boundary for
    directory buckets is set only at the bucket level" (S3 user guide), and no action of `s3:` counts there.
    """
    written, read = (
        {arn for place in places if (arn := needed.directory_bucket(place.bucket)) is not None}
        for places in (writes, reads)
    )
    if written:
        yield _statement("S3Express", ("s3express:CreateSession",), sorted(written))
    if read - written:
        mode: Conditions = {"StringEquals": {"s3express:SessionMode": "ReadOnly"}}
        yield _statement("S3ExpressRead", ("s3express:CreateSession",), sorted(read - written), mode)


def _listing(needed: Needed, below: Sequence[S3Uri], above: Sequence[S3Uri]) -> Iterator[PolicyStatement]:
    for number, bucket in enumerate(dict.fromkeys(place.bucket for place in (*below, *above))):
        prefixes = [f"{place.prefix}*" for place in below if place.bucket == bucket]
        prefixes += [place.prefix for place in above if place.bucket == bucket]
        yield _statement(
            f"S3List{number or ''}",
            ("s3:ListBucket",),
            [needed.bucket(bucket)],
            {"StringLike": {"s3:prefix": list(dict.fromkeys(prefixes))}},
        )


def _above(place: S3Uri) -> Iterator[S3Uri]:
    while (place := place.parent).key:
        yield place


def _logs(needed: Needed) -> tuple[list[str], list[str]]:
    """The log group of all jobs, as both forms that IAM has of it, and its streams."""
    group = needed.arn("logs:log-group", LogGroupName=LOG_GROUP)
    return [group, f"{group}:*"], [needed.arn("logs:log-stream", LogGroupName=LOG_GROUP, LogStreamName="*")]


def _key(
    needed: Needed, sid: str, actions: Sequence[str], key: str | None, *, grants: bool = False
) -> list[PolicyStatement]:
    """What is done with a KMS key, by S3 in one's name, or by a grant; an alias is no resource, but a condition."""
    if key is None:
        return []
    condition: dict[str, Mapping[str, str | list[str]]] = {}
    if grants:
        condition["Bool"] = {"kms:GrantIsForAWSResource": "true"}
    elif needed.region is not None:
        condition["StringEquals"] = {"kms:ViaService": f"s3.{needed.region}.{needed.domain}"}
    named, separator, alias = key.rpartition("alias/")
    if separator:
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": f"alias/{alias}"}
        key = f"{named}key/*" if named else needed.arn("kms:key", needed.key_account, KeyId="*")
    elif not key.startswith("arn:"):
        key = needed.arn("kms:key", needed.key_account, KeyId=key)
    return [_statement(sid, actions, [key], condition)]
