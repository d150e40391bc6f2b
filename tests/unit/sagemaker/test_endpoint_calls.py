"""The call on a real-time endpoint, checked against botocore's service model, and what its refusals mean."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.limits import MAX_ENDPOINT_BODY_BYTES
from batch_transform.sagemaker.endpoint import Endpoint, ModelRefusal
from support.stubbed_clients import answering, unreached


@pytest.fixture
def client():
    return unreached("sagemaker-runtime")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        yield stubber


@pytest.mark.parametrize("accept", [None, "text/csv"])
def test_an_endpoint_is_asked_with_the_content_types_of_the_run(client, stub, accept):
    wanted = {"EndpointName": "live", "Body": b"{}\n", "ContentType": "application/jsonlines"}
    wanted |= {"Accept": accept} if accept else {}
    stub.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(b"answer"), 6)}, wanted)
    assert Endpoint(client, "live", "application/jsonlines", accept).invoke(b"{}\n") == b"answer"


def test_the_words_of_a_model_that_refuses_are_not_repeated(client, stub):
    said = "could not read row data"
    stub.add_client_error(
        "invoke_endpoint",
        "ModelError",
        said,
        424,
        modeled_fields={"OriginalStatusCode": 400, "OriginalMessage": said},
    )
    with pytest.raises(ModelRefusal, match=r"^the model answered with HTTP 400$"):
        Endpoint(client, "live", "text/csv", None).invoke(b"1")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ValidationError", 400, ConfigurationError),
        ("AccessDeniedException", 403, ConfigurationError),
        ("ThrottlingException", 400, ServiceFailure),
        ("ServiceUnavailable", 503, ServiceFailure),
    ],
)
def test_what_is_wrong_with_the_name_is_told_from_what_may_pass(client, stub, code, status, kind):
    stub.add_client_error("invoke_endpoint", code, "words of the service", status)
    with pytest.raises(kind, match=r"live: .*words of the service"):
        Endpoint(client, "live", "text/csv", None).invoke(b"1")


def test_no_answer_is_a_failure_of_the_service(client, monkeypatch):
    def unanswered(**request):
        raise ReadTimeoutError(endpoint_url="http://runtime")

    monkeypatch.setattr(client, "invoke_endpoint", unanswered)
    with pytest.raises(ServiceFailure, match="InvokeEndpoint live: Read timeout"):
        Endpoint(client, "live", "text/csv", None).invoke(b"1")


def test_the_limit_of_a_body_is_botocores_own(client):
    shape = client.meta.service_model.operation_model("InvokeEndpoint").input_shape.members["Body"]
    assert shape.metadata["max"] == MAX_ENDPOINT_BODY_BYTES
