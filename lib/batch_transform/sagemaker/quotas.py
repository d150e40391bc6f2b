"""What an account may use at once, as Service Quotas says it; it may be that nobody can be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.escaping import visible
from batch_transform.core.estimate.instance_quotas import OF_ALL_TYPES, QuotasFound, of_type
from batch_transform.sagemaker.service_errors import words_of

SERVICE = "service-quotas"
# Nothing hangs on the answer but a line of a plan, so it is not waited for. One page is answered within a second.
PATIENCE: dict[str, Any] = {"connect_timeout": 3, "read_timeout": 5, "retries": {"mode": "standard", "max_attempts": 2}}
_MOST_SECONDS = 15.0
_PAGE = 100  # ListServiceQuotas, MaxResults


def instance_quotas(client: Any, types: Sequence[str], monotonic: Callable[[], float]) -> QuotasFound:
    """Returns the quotas of these instance types and of all together; says of others why they are not known.

    Quotas have codes by which one alone could be had, and no page says which: all of SageMaker's, which are some
    thousands, are gone through (ListServiceQuotas, "Lists the applied quota values for the specified AWS service").

    Args:
        client: boto3's, of `service-quotas`.
        types: instance types.
        monotonic: seconds.
    """
    wanted, found = {*map(of_type, types), OF_ALL_TYPES}, dict[str, float]()
    end, token = monotonic() + _MOST_SECONDS, dict[str, str]()
    try:
        while True:
            page = client.list_service_quotas(ServiceCode="sagemaker", MaxResults=_PAGE, **token)
            values = {each.get("QuotaName"): each.get("Value") for each in page.get("Quotas", ())}
            found |= {name: values[name] for name in wanted & values.keys() if values[name] is not None}
            if wanted == found.keys() or not page.get("NextToken"):
                return QuotasFound(found)
            if monotonic() > end:
                return QuotasFound(found, f"Service Quotas did not list it within {_MOST_SECONDS:g} s")
            token = {"NextToken": page["NextToken"]}
    except ClientError as err:
        return QuotasFound(found, f"ListServiceQuotas: {words_of(err)}")
    except BotoCoreError as err:
        return QuotasFound(found, f"ListServiceQuotas: {visible(str(err))}")
