"""Where AWS's console shows a run: its jobs, what their containers wrote, its folders. Pure.

The console has one host for each region, whose domain is the partition's ("AWS Management Console" in the general
reference; `aws-cn`: amazonaws.cn, `aws-us-gov`: amazonaws-us-gov.com; `aws-eusc`: amazonaws-eusc.eu).
"""

from __future__ import annotations

from urllib.parse import quote

from batch_transform.core.aws_partitions import partition_of
from batch_transform.core.uris import S3Uri

_DOMAINS = {
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
_DOMAIN = "console.aws.amazon.com"
# As the service names it (DG, "Log Amazon SageMaker events with Amazon CloudWatch").
_LOG_GROUP = "/aws/sagemaker/TransformJobs"


def job_link(region: str, name: str) -> str:
    """Returns the page of a transform job."""
    return f"{_host(region)}/sagemaker/home?region={region}#/transform-jobs/{quote(name, safe='')}"


def logs_link(region: str, name: str) -> str:
    """Returns the log streams of a job, whose names begin with its own.

    What is in the console's fragment is quoted with `$` for `%`, and a path in it twice.
    """
    group = quote(quote(_LOG_GROUP, safe=""), safe="").replace("%", "$")
    chosen = quote(f"?logStreamNameFilter={name}", safe="").replace("%", "$")
    return f"{_host(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}{chosen}"


def folder_link(region: str, folder: S3Uri) -> str:
    """Returns a folder of a bucket."""
    prefix = quote(folder.prefix, safe="")
    return f"{_host(region)}/s3/buckets/{quote(folder.bucket, safe='')}?region={region}&prefix={prefix}"


def _host(region: str) -> str:
    return f"https://{region}.{_DOMAINS.get(partition_of(region), _DOMAIN)}"
