"""What `aws.s3` means for Spark's own `s3a://`: Hadoop's settings for the identity and for what requests carry. Pure.

Which Hadoop has which setting is read from the constants of its hadoop-aws jars (3.3.4, 3.3.6, 3.4.0 to 3.4.2, 3.5.0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from batch_transform.config.identities import S3Access
from batch_transform.config.runfile import RunConfig
from batch_transform.core.aws_partitions import domain_of
from batch_transform.core.errors import ConfigurationError

EXTERNAL_ID = "fs.s3a.assumed.role.external.id"
_ALGORITHM = {"AES256": "AES256", "aws:kms": "SSE-KMS"}
# The SDK's whole chain, from 3.4 on; before it and where the version is not known, what both SDKs have of it.
CHAIN_OF_SDK_2 = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
_CHAIN_OF_ANY = (
    "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider,com.amazonaws.auth.EnvironmentVariableCredentialsProvider,"
    "org.apache.hadoop.fs.s3a.auth.IAMInstanceCredentialsProvider"
)
_EXTERNAL_ID_SINCE, _PROFILE_SINCE, _HEADERS_SINCE = (3, 4, 1), (3, 4, 2), (3, 5, 0)
_OTHERWISE = "or keep Spark itself away from S3: staging, input and output elsewhere"


def s3a_settings(config: RunConfig, hadoop: str) -> dict[str, str]:
    """Returns Hadoop's settings, without `spark.hadoop.` before them; none against an embedded emulator but its key's.

    Args:
        config: of the run.
        hadoop: its version; '' where that is not known.
    """
    given = config.aws.s3
    if given is None:
        return {}
    own = {} if config.emulated else {**_identity(config, given, hadoop), **_owner(given, hadoop)}
    return {**own, **_encryption(given), **({"fs.s3a.requester.pays.enabled": "true"} if given.requester_pays else {})}


def check_s3a(config: RunConfig, hadoop: str) -> None:
    """Checks that Spark's own `s3a://` can be what `aws.s3` asks for.

    Raises:
        ConfigurationError: this Hadoop is older than a setting that it takes, or none knows it.
    """
    given, version = config.aws.s3, _version(hadoop)
    if given is None or config.emulated:
        return
    faults = []
    if given.external_id is not None and version and version < _EXTERNAL_ID_SINCE:
        faults.append(
            f"aws.s3.external_id: s3a of Hadoop {hadoop} sends none (3.4.1 and later do); make a profile that has "
            f"role_arn and external_id and name it in aws.profile, {_OTHERWISE}"
        )
    if given.profile is not None and version and version < _PROFILE_SINCE:
        faults.append(
            f"aws.s3.profile: s3a of Hadoop {hadoop} has no profile of its own (3.4.2 and later do); name it in "
            f"aws.profile, and the other account's in aws.sagemaker.profile, {_OTHERWISE}"
        )
    if given.service_credential is not None:
        faults.append(f"aws.s3.service_credential: is Databricks', and no s3a of Hadoop's knows it; {_OTHERWISE}")
    if faults:
        raise ConfigurationError(faults)


def _version(hadoop: str) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", hadoop)
    return tuple(map(int, match.groups())) if match else ()


def _identity(config: RunConfig, given: S3Access, hadoop: str) -> Mapping[str, str]:
    if given.profile is not None:
        return {
            "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.auth.ProfileAWSCredentialsProvider",
            "fs.s3a.auth.profile.name": given.profile,
        }
    if given.role_arn is None:
        return {}
    settings = {
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.auth.AssumedRoleCredentialProvider",
        "fs.s3a.assumed.role.arn": given.role_arn,
        "fs.s3a.assumed.role.credentials.provider": CHAIN_OF_SDK_2 if _version(hadoop) >= (3, 4) else _CHAIN_OF_ANY,
    }
    if given.external_id is not None:
        settings[EXTERNAL_ID] = given.external_id
    if (region := config.aws.region) is not None:  # else it asks STS's global endpoint
        host = urlsplit(config.aws.endpoint("sts") or "").netloc or f"sts.{region}.{domain_of(region)}"
        settings |= {"fs.s3a.assumed.role.sts.endpoint": host, "fs.s3a.assumed.role.sts.endpoint.region": region}
    return settings


def _encryption(given: S3Access) -> Mapping[str, str]:
    """s3a has no setting for the bucket key: without its header the bucket's own setting holds (S3 user guide)."""
    if given.sse is None:
        return {}
    settings = {"fs.s3a.encryption.algorithm": _ALGORITHM[given.sse]}
    return {**settings, "fs.s3a.encryption.key": given.kms_key} if given.kms_key else settings


def _owner(given: S3Access, hadoop: str) -> Mapping[str, str]:
    """A header of one's own, which s3a before 3.5 knows nothing of; there the owner is looked at by boto3 alone."""
    if given.expected_bucket_owner is None or _version(hadoop) < _HEADERS_SINCE:
        return {}
    return {"fs.s3a.client.s3.custom.headers": f"x-amz-expected-bucket-owner={given.expected_bucket_owner}"}
