"""CreateModel: what moto would drop is kept and described, and what nobody would act on is refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from transform_emulator.control_plane import shapes
from transform_emulator.control_plane.errors import validation
from transform_emulator.control_plane.rules import NOT_EMULATED

CREATE_MODEL = "CreateModel"


def check(body: dict[str, Any]) -> None:
    """Refuse a model that the API's model does not allow, or of which a part would be ignored.

    Raises:
        ApiError: With the first reason.
    """
    shapes.check(CREATE_MODEL, body)
    for reason in _reasons(body):
        raise validation(reason)


def _reasons(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("PrimaryContainer") and body.get("Containers"):
        yield "PrimaryContainer and Containers must not both be given: a model is one container, or a pipeline of them."
    if (body.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct":
        yield f"InferenceExecutionConfig.Mode Direct {NOT_EMULATED}: the containers would be run in series."
    for container in (body.get("PrimaryContainer") or {}, *(body.get("Containers") or ())):
        if container.get("Mode") == "MultiModel" or container.get("MultiModelConfig"):
            yield f"Mode MultiModel, and with it MultiModelConfig, {NOT_EMULATED}: one artifact would be served."
        if container.get("AdditionalModelDataSources"):
            yield f"AdditionalModelDataSources {NOT_EMULATED}: the container would not find them."
