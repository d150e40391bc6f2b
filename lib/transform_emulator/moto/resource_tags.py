"""Tags of models and whatever else of SageMaker moto keeps, which fails for what is not there and keeps a key twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend

from transform_emulator.control_plane.tags import too_many


def keep_tags() -> None:
    """Lets moto give a key one value, and refuse a resource that there is none of; once in a process."""
    theirs: Callable[..., Any] = SageMakerModelBackend._get_resource_from_arn

    @wraps(theirs)
    def resource_of(self: SageMakerModelBackend, arn: str) -> Any:
        try:
            found = theirs(self, arn)
        except (AttributeError, ValueError):  # a kind that moto has not, or a text that is no ARN
            found = None
        if found is None:
            raise ValidationError(message=f"Could not find resource {arn}.")
        return found

    def add_tags(self: SageMakerModelBackend, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        resource = self._get_resource_from_arn(arn)
        of_keys = {tag["Key"]: tag["Value"] for tag in [*(resource.tags or ()), *tags]}
        if (text := too_many(of_keys)) is not None:
            raise ValidationError(message=text)
        resource.tags = [{"Key": key, "Value": value} for key, value in of_keys.items()]
        return list(resource.tags)

    setattr(SageMakerModelBackend, "_get_resource_from_arn", resource_of)  # noqa: B010
    setattr(SageMakerModelBackend, "add_tags", add_tags)  # noqa: B010
