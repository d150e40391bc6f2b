"""Who calls AWS: a named profile, a role that is assumed, or what Databricks hands out; each renews itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from importlib import import_module
from typing import Any

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError

from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure

# What CloudTrail shows of who has assumed a role.
SESSION_NAME = "spark-batch-transform"
_LATER = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled"})

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Identity:
    """Who calls a service; at most one of profile, role and service credential. Goes to executors: holds no key.

    Attributes:
        profile: of the shared configuration files.
        role_arn: a role to assume, by whoever the default chain finds.
        external_id: that the role's trust policy may ask for; shown nowhere.
        service_credential: the name of one of Databricks' Unity Catalog.
    """

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    service_credential: str | None = None


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def assumed(own: Identity, sts: Any, key: str, now: Clock = _utc_now) -> RefreshableCredentials:
    """Returns the credentials of a role, which botocore assumes again before they expire.

    Args:
        own: with the role.
        sts: boto3's client of STS, of whoever assumes the role.
        key: of the run file that names it.
        now: the time by which they expire.

    Raises:
        ConfigurationError: whoever the default chain finds may not assume it, or it finds nobody.
        ServiceFailure: STS does not answer.
    """
    asked = {"RoleArn": own.role_arn, "RoleSessionName": SESSION_NAME}
    if own.external_id is not None:
        asked["ExternalId"] = own.external_id

    def assume() -> dict[str, Any]:
        found = sts.assume_role(**asked)["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    try:
        first = assume()
    except (ClientError, BotoCoreError) as err:
        raise _refusal(own, key, err) from err
    expires = datetime.fromisoformat(first.pop("expiry_time"))
    return RefreshableCredentials(
        **first, expiry_time=expires, refresh_using=assume, method="sts-assume-role", time_fetcher=now
    )


def _refusal(own: Identity, key: str, err: ClientError | BotoCoreError) -> BatchTransformError:
    told = f"{key}: AssumeRole of {own.role_arn}: {err}"
    if isinstance(err, ClientError):
        status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if err.response["Error"]["Code"] in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ServiceFailure(told)
    elif not isinstance(err, (NoCredentialsError, CredentialRetrievalError)):
        return ServiceFailure(told)
    section = key.rpartition(".")[0]
    hint = "" if own.external_id else f", or asks for an external id ({section}.external_id)"
    return ConfigurationError(
        f"{told}. Whoever the default chain finds (aws.profile, the environment, the machine's own role) must be "
        f"allowed sts:AssumeRole on it, and the role's trust policy must name them{hint}"
    )


def of_databricks(name: str, key: str) -> Any:
    """Returns botocore's session of a service credential, as Databricks makes it; it renews itself.

    In a Python worker it is had from another place than in the driver ("Use Unity Catalog service credentials to
    connect to external cloud services", docs.databricks.com).

    Args:
        name: of the service credential.
        key: of the run file that names it.

    Raises:
        ConfigurationError: there is no Databricks here, or it hands out none of that name.
    """
    try:
        return _provider()(name)
    except ImportError as err:
        raise ConfigurationError(
            f"{key}: {name} can be had in Databricks only ({err}): Databricks Runtime 16.2 or later, Python; elsewhere "
            "name a profile or a role_arn"
        ) from err
    except Exception as err:  # Databricks names none; it may be Py4J's
        raise ConfigurationError(
            f"{key}: Databricks does not hand out {name}: {type(err).__name__}: {str(err)[:500]}. The run needs the "
            "privilege ACCESS on that service credential"
        ) from err


def _provider() -> Callable[[str], Any]:
    from pyspark import TaskContext

    if TaskContext.get() is not None:
        return import_module("databricks.service_credentials").getServiceCredentialsProvider  # type: ignore[no-any-return]
    dbutils = import_module("databricks.sdk.runtime").dbutils
    return dbutils.credentials.getServiceCredentialsProvider  # type: ignore[no-any-return]
