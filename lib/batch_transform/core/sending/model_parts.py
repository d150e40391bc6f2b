"""A model that is made of its parts: its name, the CreateModel request, and whether one that is there is the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from batch_transform.core.service_shapes import ContainerDefinition, DescribedModel, ModelRequest

_PREFIX = "batch-transform-"
_HASH_CHARACTERS = 20
_FIRST_PARTS = ("image", "data_url", "role_arn", "environment")


@dataclass(frozen=True)
class ContainerParts:
    """One container of a model; exactly one of image and package.

    Attributes:
        image: of the container.
        package: ModelPackageName, a model package that has image and artifact; None: none.
        data_url: the artifact; None: none.
        environment: of the container.
    """

    image: str | None = None
    package: str | None = None
    data_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VpcParts:
    """The network in which a model's containers run."""

    security_group_ids: tuple[str, ...]
    subnets: tuple[str, ...]


@dataclass(frozen=True)
class ModelParts:
    """Of what a model is made; equal parts are one model.

    Attributes:
        image: of the one container; None where that has a package, or where there are several.
        data_url: the artifact; None: none.
        role_arn: as which the containers run.
        environment: of the one container.
        package: of the one container, instead of an image.
        containers: several, each of which is sent the answer of the one before.
        vpc_config: where they run; None: in the service's own network.
        network_isolation: whether they can reach nothing.
    """

    image: str | None
    data_url: str | None
    role_arn: str
    environment: Mapping[str, str]
    package: str | None = None
    containers: tuple[ContainerParts, ...] = ()
    vpc_config: VpcParts | None = None
    network_isolation: bool = False

    @property
    def each(self) -> tuple[ContainerParts, ...]:
        """The containers, in their order."""
        return self.containers or (ContainerParts(self.image, self.package, self.data_url, self.environment),)


def model_name(parts: ModelParts, secrets: Collection[str] = ()) -> str:
    """Returns the name under which a model of these parts is made: `batch-transform-` and 20 hexadecimal digits.

    Args:
        parts: of the model.
        secrets: dotted keys of variables whose values have no part in the name, which is told everywhere.
    """
    # What is not given has no part in it either: the name of the first four is that of every version.
    given = {key: value for key, value in asdict(parts).items() if key in _FIRST_PARTS or value}
    told = _without(given, "", secrets)
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _PREFIX + hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARACTERS]


def _without(value: object, key: str, secrets: Collection[str]) -> object:
    """The parts with null in the place of each secret."""
    if isinstance(value, Mapping):
        return {name: _without(inner, f"{key}.{name}".lstrip("."), secrets) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_without(inner, f"{key}.{place}", secrets) for place, inner in enumerate(value)]
    return None if key in secrets else value


def is_made_name(name: str) -> bool:
    """Returns whether a model may have been made under a name."""
    return re.fullmatch(f"{_PREFIX}[0-9a-f]{{{_HASH_CHARACTERS}}}", name) is not None


def model_request(name: str, parts: ModelParts) -> ModelRequest:
    """Returns the whole CreateModel request."""
    containers = [_container(container) for container in parts.each]
    request: ModelRequest = {"ModelName": name, "ExecutionRoleArn": parts.role_arn}
    if parts.containers:
        request["Containers"] = containers
    else:
        request["PrimaryContainer"] = containers[0]
    if (vpc := parts.vpc_config) is not None:
        request["VpcConfig"] = {"SecurityGroupIds": list(vpc.security_group_ids), "Subnets": list(vpc.subnets)}
    if parts.network_isolation:
        request["EnableNetworkIsolation"] = True
    return request


def _container(parts: ContainerParts) -> ContainerDefinition:
    container: ContainerDefinition = {}
    if parts.image is not None:
        container["Image"] = parts.image
    if parts.package is not None:
        container["ModelPackageName"] = parts.package
    if parts.data_url is not None:
        container["ModelDataUrl"] = parts.data_url
    if parts.environment:
        container["Environment"] = dict(parts.environment)
    return container


def model_differences(parts: ModelParts, described: DescribedModel) -> list[str]:
    """Returns which of its parts a described model does not have, by the names of the run file's keys."""
    if parts.containers:
        found = described.get("Containers") or []
        changed = [
            f"containers.{place}.{key}"
            for place, (container, there) in enumerate(zip(parts.containers, found, strict=False))
            for key in _container_differences(container, there)
        ]
        changed += ["containers"] if len(found) != len(parts.containers) else []
    else:  # a model of several containers, or of none, has none of them
        changed = _container_differences(parts.each[0], described.get("PrimaryContainer") or {})
    vpc = described.get("VpcConfig")
    network = VpcParts(tuple(vpc["SecurityGroupIds"]), tuple(vpc["Subnets"])) if vpc else None
    changed += ["role_arn"] if described.get("ExecutionRoleArn") != parts.role_arn else []
    changed += ["vpc_config"] if network != parts.vpc_config else []
    is_isolated = described.get("EnableNetworkIsolation", False)
    changed += ["network_isolation"] if is_isolated != parts.network_isolation else []
    return [f"model.{key}" for key in changed]


def _container_differences(parts: ContainerParts, described: ContainerDefinition) -> list[str]:
    found = {
        "image": described.get("Image"),
        "package": described.get("ModelPackageName"),
        "data_url": described.get("ModelDataUrl") or None,
        "environment": dict(described.get("Environment") or {}),
    }
    wanted = {**asdict(parts), "environment": dict(parts.environment)}
    # Of a package the service may show what it holds.
    compared = ("package", "environment") if parts.package is not None else tuple(found)
    return [key for key in compared if found[key] != wanted[key]]
