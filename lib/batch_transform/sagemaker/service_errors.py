"""What a refused call of SageMaker's means for a run: it may be made again, or not."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.escaping import visible
from batch_transform.core.refused_calls import DENIED, with_remedy

# What the service says of a call that it may obey a little later (botocore; transform_emulator/FACTS.md, 6).
_QUOTA = frozenset({"ResourceLimitExceeded"})
# "... is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances" (FACTS.md, 6).
_LIMIT = re.compile(r" is (\d+) Instances?, .* request delta of (\d+) Instances?")
_NO_CAPACITY = "CapacityError"  # of a job that failed (FACTS.md, 4); of a Create it would mean the same
_LATER = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled"}
    | {"InternalFailure", "InternalServerError", "InternalServerException", "ServiceUnavailable", "RequestTimeout"}
)
# DescribeModel's code for a name that it does not know is that of any wrong request; its words are these (moto, and
# sagemaker-python-sdk, which looks for "Could not find model").
_NO_MODEL = "could not find"


class NotNow(ServiceFailure):
    """The service did not obey a call, and may do so later.

    Attributes:
        is_quota: whether a quota is used up, for as long as other jobs run, or an instance type is not to be had.
        is_beyond: whether the quota is less than what is asked for, whatever else runs.
    """

    def __init__(self, message: str, *, is_quota: bool, is_beyond: bool = False) -> None:
        self.is_quota, self.is_beyond = is_quota, is_beyond
        super().__init__(message)


def failure_of(operation: str, name: str, err: ClientError | BotoCoreError) -> ServiceFailure:
    """Returns the error of a call about `name`; NotNow if it may be made again."""
    if isinstance(err, BotoCoreError):
        # No answer came, so whether the call was obeyed is unknown; a name can be created once only.
        unanswered = isinstance(err, (ConnectionError, HTTPClientError))
        return (partial(NotNow, is_quota=False) if unanswered else ServiceFailure)(f"{operation} {name}: {err}")
    code = err.response["Error"]["Code"]
    status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_quota = code in _QUOTA or _NO_CAPACITY in words_of(err)
    if is_quota or code in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        limit = _LIMIT.search(words_of(err)) if is_quota else None
        is_beyond = limit is not None and int(limit[1]) < int(limit[2])
        return NotNow(f"{operation} {name}: {words_of(err)}", is_quota=is_quota, is_beyond=is_beyond)
    return ServiceFailure(with_remedy(f"{operation} {name}: {words_of(err)}", code))


def words_of(err: ClientError) -> str:
    """Returns what the service said: its code and its message."""
    return visible(f"{err.response['Error']['Code']}: {err.response['Error']['Message']}")


def is_no_model(err: ClientError) -> bool:
    """Returns whether there is no model of the name that was asked for."""
    return _NO_MODEL in words_of(err).lower()


def is_refused(err: ClientError) -> bool:
    """Returns whether the caller may not make a call, whatever there is.

    A status of 403 does not say so: it is that of credentials that have ended as well (common errors of AWS's APIs).
    """
    return err.response["Error"]["Code"] in DENIED
