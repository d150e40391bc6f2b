"""CreateModel and CreateEndpointConfig: what nobody would act on, and answers would be false without, is refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from transform_emulator.control_plane import request_validation as shapes
from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.rules import NOT_EMULATED, check_environment

CREATE_MODEL = "CreateModel"
LIST_MODELS = "ListModels"
CREATE_ENDPOINT_CONFIG = "CreateEndpointConfig"
# Members of CreateEndpointConfig, and of one of its variants, without which other answers, or none, would come back.
NOT_EMULATED_OF_ENDPOINTS = ("ShadowProductionVariants", "DataCaptureConfig", "AsyncInferenceConfig", "ExplainerConfig")


def check(body: dict[str, Any]) -> None:
    """Refuses a model that the API's model does not allow, or of which a part would be ignored.

    Raises:
        ApiError: With the first reason.
    """
    # Nothing is done in the role's name here, so that it may be a made-up one.
    shapes.check(CREATE_MODEL, {name: value for name, value in body.items() if name != "ExecutionRoleArn"})
    for reason in _reasons(body):
        raise validation(reason)
    for container in _containers(body):
        check_environment(container)


def check_endpoint_config(body: Mapping[str, Any]) -> None:
    """Refuses an endpoint of which only a part would answer.

    Raises:
        ApiError: With the first reason.
    """
    if len(body.get("ProductionVariants") or ()) > 1:
        raise validation(f"More than one of ProductionVariants {NOT_EMULATED}: the first alone would answer.")
    for name in NOT_EMULATED_OF_ENDPOINTS:
        if body.get(name):
            raise validation(f"{name} {NOT_EMULATED}: the endpoint would answer as if it were not there.")


def _containers(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [body.get("PrimaryContainer") or {}, *(body.get("Containers") or ())]


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("PrimaryContainer") and body.get("Containers"):
        yield "PrimaryContainer and Containers must not both be given: a model is one container, or a pipeline of them."
    if (body.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct":
        yield f"InferenceExecutionConfig.Mode Direct {NOT_EMULATED}: the containers would be run in series."
    for container in _containers(body):
        if container.get("Mode") == "MultiModel" or container.get("MultiModelConfig"):
            yield f"Mode MultiModel, and with it MultiModelConfig, {NOT_EMULATED}: one artifact would be served."
        if container.get("AdditionalModelDataSources"):
            yield f"AdditionalModelDataSources {NOT_EMULATED}: the container would not find them."
