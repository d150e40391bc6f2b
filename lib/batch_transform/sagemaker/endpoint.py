"""A real-time endpoint of Amazon SageMaker, asked as a job asks its model."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.errors import ConfigurationError
from batch_transform.sagemaker.service_errors import failure_of, words_of

# A container has 60 seconds, so a client should wait 70 (botocore, InvokeEndpoint).
READ_TIMEOUT_SECONDS = 70


class ModelRefusal(Exception):
    """The model answered with an error; its words may hold row data and are left out."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the model answered with HTTP {status}")


class Endpoint:
    """An endpoint that is asked with the content types of a run."""

    def __init__(self, client: Any, name: str, content_type: str, accept: str | None) -> None:
        self._client = client
        self._name = name
        self._kinds = {"ContentType": content_type, **({"Accept": accept} if accept is not None else {})}

    def invoke(self, body: bytes) -> bytes:
        """Returns the model's answer.

        Raises:
            ModelRefusal: the model answered with an error.
            ConfigurationError: there is no such endpoint, or it may not be asked.
            ServiceFailure: the service did not answer.
        """
        try:
            answer = self._client.invoke_endpoint(EndpointName=self._name, Body=body, **self._kinds)
            data: bytes = answer["Body"].read()
        except ClientError as err:
            code = err.response["Error"]["Code"]
            if code == "ModelError":
                raise ModelRefusal(int(err.response.get("OriginalStatusCode", 0))) from err
            if code in ("ValidationError", "ValidationException", "AccessDeniedException"):
                raise ConfigurationError(
                    f"--endpoint: {self._name}: {words_of(err)}; name an endpoint that is in service and may be asked"
                ) from err
            raise failure_of("InvokeEndpoint", self._name, err) from err
        except BotoCoreError as err:
            raise failure_of("InvokeEndpoint", self._name, err) from err
        return data
