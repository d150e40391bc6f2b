"""A model that is made of its parts: its name, the CreateModel request, and whether one that is there is the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from batch_transform.core.service_shapes import ContainerDefinition, DescribedModel, ModelRequest

_PREFIX = "batch-transform-"
_HASH_CHARACTERS = 20


@dataclass(frozen=True)
class ModelParts:
    """Of what a model is made; equal parts are one model.

    Attributes:
        image: of the container.
        data_url: the artifact; None: none.
        role_arn: as which the container runs.
        environment: of the container.
    """

    image: str
    data_url: str | None
    role_arn: str
    environment: Mapping[str, str]


def model_name(parts: ModelParts, secrets: Collection[str] = ()) -> str:
    """Returns the name under which a model of these parts is made: `batch-transform-` and 20 hexadecimal digits.

    Args:
        parts: of the model.
        secrets: variables whose values have no part in the name, which is told everywhere.
    """
    named = {name: None if name in secrets else value for name, value in parts.environment.items()}
    document = {**asdict(parts), "environment": named}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _PREFIX + hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARACTERS]


def is_made_name(name: str) -> bool:
    """Returns whether a model may have been made under a name."""
    return re.fullmatch(f"{_PREFIX}[0-9a-f]{{{_HASH_CHARACTERS}}}", name) is not None


def model_request(name: str, parts: ModelParts) -> ModelRequest:
    """Returns the whole CreateModel request."""
    container: ContainerDefinition = {"Image": parts.image}
    if parts.data_url is not None:
        container["ModelDataUrl"] = parts.data_url
    if parts.environment:
        container["Environment"] = dict(parts.environment)
    return {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": parts.role_arn}


def model_differences(parts: ModelParts, described: DescribedModel) -> list[str]:
    """Returns which of its parts a described model does not have, by the names of the run file's keys.

    A model of several containers, or of none, has none of them.
    """
    container = described.get("PrimaryContainer") or {}
    found = {
        "image": container.get("Image"),
        "data_url": container.get("ModelDataUrl") or None,
        "role_arn": described.get("ExecutionRoleArn"),
        "environment": dict(container.get("Environment") or {}),
    }
    wanted = {**asdict(parts), "environment": dict(parts.environment)}
    return [f"model.{key}" for key, value in found.items() if value != wanted[key]]
