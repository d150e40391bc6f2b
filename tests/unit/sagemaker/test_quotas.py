"""Service Quotas is asked page by page, for no longer than a line of a plan is worth, and never raises."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from batch_transform.core.estimate.instance_quotas import OF_ALL_TYPES, QuotasFound, of_type
from batch_transform.sagemaker.quotas import PATIENCE, SERVICE, instance_quotas

M5 = of_type("ml.m5.xlarge")
FIRST = {"ServiceCode": "sagemaker", "MaxResults": 100}


@pytest.fixture
def service():
    client = boto3.client(
        SERVICE,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(**PATIENCE),
    )
    with Stubber(client) as stub:
        yield client, stub


def page(token=None, **values):
    quotas = [{"QuotaName": name, "Value": value, "ServiceCode": "sagemaker"} for name, value in values.items()]
    return {"Quotas": quotas, **({"NextToken": token} if token else {})}


def asked(client, seconds=0.0):
    now = iter([0.0, *[seconds] * 100])
    return instance_quotas(client, ("ml.m5.xlarge",), lambda: next(now))


def test_pages_are_gone_through_until_all_is_known(service):
    client, stub = service
    stub.add_response("list_service_quotas", page("a", **{M5: 4.0, "ml.m5.xlarge for endpoint usage": 9.0}), FIRST)
    stub.add_response("list_service_quotas", page("b", **{OF_ALL_TYPES: 20.0}), {**FIRST, "NextToken": "a"})
    assert asked(client) == QuotasFound({M5: 4.0, OF_ALL_TYPES: 20.0})
    stub.assert_no_pending_responses()


def test_what_no_page_lists_is_not_known(service):
    client, stub = service
    stub.add_response("list_service_quotas", page(**{M5: 4.0}), FIRST)
    assert asked(client) == QuotasFound({M5: 4.0})


def test_nobody_waits_for_the_last_page(service):
    client, stub = service
    stub.add_response("list_service_quotas", page("a", **{M5: 4.0}), FIRST)
    found = asked(client, 16.0)
    assert found.values == {M5: 4.0}
    assert found.why_not == "Service Quotas did not list it within 15 s"


@pytest.mark.parametrize("code", ["AccessDeniedException", "NoSuchResourceException", "TooManyRequestsException"])
def test_a_refusal_is_told_in_the_service_s_words(service, code):
    client, stub = service
    stub.add_client_error("list_service_quotas", code, "you may not")
    assert asked(client).why_not == f"ListServiceQuotas: {code}: you may not"


def test_no_answer_is_told():
    class Unanswered:
        def list_service_quotas(self, **request):
            raise ConnectTimeoutError(endpoint_url="https://servicequotas.eu-west-1.amazonaws.com")

    assert "servicequotas.eu-west-1" in asked(Unanswered()).why_not
