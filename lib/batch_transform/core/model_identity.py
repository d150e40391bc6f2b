"""What a model is, so that it is seen when it becomes another one under its name. Pure.

SageMaker's models cannot be changed, but they can be deleted and made anew under their name, their artifact on S3 can
be overwritten, and the tag of their image can be moved. A job takes what is there when it begins. So what DescribeModel
says of the containers is held against what it said before, with the ETags of their data and the digests of their
images where these may be asked. The creation time alone tells a model that was made anew exactly as it was from the one
before, and is looked at only where the data cannot be.

Values of the environment may be secrets: the ledger gets their digests, salted with the run's nonce.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from batch_transform.core.amounts import counted
from batch_transform.core.ledger import JsonObject
from batch_transform.core.service_shapes import ContainerDefinition, DescribedModel

_LABEL_CHARACTERS = 12


@dataclass(frozen=True)
class DataPlace:
    """Where an artifact of a model lies on S3: an object, or all objects under a prefix."""

    uri: str
    is_prefix: bool = False


@dataclass(frozen=True)
class ModelData:
    """An artifact as it is.

    Attributes:
        uri: of the object or the prefix.
        etag: of the object, or a digest over the listing of the prefix; "" where nothing is there; None: it may not be
            looked at.
        size_bytes: of all of it.
        version: S3's, where the bucket keeps them; it is told and not compared, as equal bytes are no other model.
    """

    uri: str
    etag: str | None = None
    size_bytes: int | None = None
    version: str | None = None

    @property
    def told(self) -> str:
        """What a person is told of it."""
        if not self.etag:
            return "not there" if self.etag == "" else "not to be looked at"
        version = f", version {self.version}" if self.version else ""
        return f"ETag {self.etag}, {self.size_bytes:,} bytes{version}"


@dataclass(frozen=True)
class ContainerIdentity:
    """A container of a model.

    Attributes:
        keys: what DescribeModel says of it, (key, JSON) each in order, but for the environment.
        environment: (name, salted digest of the value) each in order.
        image_digest: of its image, None where the registry may not be asked, or is none of ECR's.
        data: its artifacts.
    """

    keys: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    image_digest: str | None
    data: tuple[ModelData, ...]


@dataclass(frozen=True)
class ModelIdentity:
    """What a model is.

    Attributes:
        name: of the model.
        execution: how its containers are called, InferenceExecutionConfig as JSON.
        containers: in their order.
        created_at: when it was made.
    """

    name: str
    execution: str
    containers: tuple[ContainerIdentity, ...]
    created_at: str | None = None

    @property
    def label(self) -> str:
        """Twelve hexadecimal digits that are its own."""
        return _digest(json.dumps(self.to_document(), sort_keys=True))[:_LABEL_CHARACTERS]

    def to_document(self) -> JsonObject:
        """Returns it as plain maps and lists."""
        document: JsonObject = json.loads(json.dumps(asdict(self)))
        return document

    @classmethod
    def from_document(cls, document: JsonObject) -> ModelIdentity:
        """Returns what `to_document` wrote."""
        containers = tuple(
            ContainerIdentity(
                tuple((key, value) for key, value in container["keys"]),
                tuple((name, value) for name, value in container["environment"]),
                container["image_digest"],
                tuple(ModelData(**data) for data in container["data"]),
            )
            for container in document["containers"]
        )
        return cls(document["name"], document["execution"], containers, document["created_at"])


@dataclass(frozen=True)
class ModelVersion:
    """A model that jobs of the run were created with.

    Attributes:
        number: 1 for the first.
        identity: what it is; None: it may not be looked at.
        accepted: whether it is another one than scored before, and a person has accepted that.
        at: when it was seen.
    """

    number: int
    identity: ModelIdentity | None
    accepted: bool
    at: str


def containers_of(described: DescribedModel) -> list[ContainerDefinition]:
    """Returns the containers that DescribeModel tells, in their order."""
    primary = described.get("PrimaryContainer")
    return [primary] if primary else list(described.get("Containers") or [])


def data_places(container: ContainerDefinition) -> list[DataPlace]:
    """Returns where a container's artifacts lie on S3, each once; an https address is none that can be asked."""
    sources = [container.get("ModelDataSource") or {}, *(container.get("AdditionalModelDataSources") or [])]
    found = [
        DataPlace(source["S3Uri"], source.get("S3DataType") == "S3Prefix")
        for source in (each.get("S3DataSource") or {} for each in sources)
        if source.get("S3Uri")
    ]
    url = container.get("ModelDataUrl")
    if url and url not in {place.uri for place in found}:
        found.append(DataPlace(url, container.get("Mode") == "MultiModel" or url.endswith("/")))
    return [place for place in found if place.uri.startswith("s3://")]


def identity_of(
    described: DescribedModel, data: Mapping[str, ModelData], digests: Mapping[str, str], nonce: str
) -> ModelIdentity:
    """Returns what a model is.

    Args:
        described: DescribeModel's answer.
        data: what is known of the artifacts, by their URI.
        digests: of the images, by image, where they are known.
        nonce: of the run, which salts digests.
    """
    containers = tuple(
        ContainerIdentity(
            tuple((key, _canonical(value)) for key, value in sorted(container.items()) if key != "Environment"),
            tuple((k, _digest(f"{nonce}:{k}:{v}")) for k, v in sorted((container.get("Environment") or {}).items())),
            digests.get(str(container.get("Image"))),
            tuple(data.get(place.uri, ModelData(place.uri)) for place in data_places(container)),
        )
        for container in containers_of(described)
    )
    made = described.get("CreationTime")
    execution = _canonical(described.get("InferenceExecutionConfig") or {})
    return ModelIdentity(described["ModelName"], execution, containers, str(made) if made else None)


def _canonical(value: Any) -> str:
    """A value as JSON; what follows a question mark in an address may sign it, and becomes a digest."""
    if isinstance(value, str) and value.startswith("https://") and "?" in value:
        address, _, signed = value.partition("?")
        value = f"{address}?{_digest(signed)}"
    return json.dumps(value, sort_keys=True, default=str)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def model_changes(before: ModelIdentity, now: ModelIdentity) -> list[str]:
    """Returns what makes a model another one than before, a line each; what either side does not know says nothing."""
    if len(before.containers) != len(now.containers):
        return [f"it had {counted(len(before.containers), 'container')}, now {len(now.containers)}"]
    found = [] if before.execution == now.execution else ["InferenceExecutionConfig"]
    pairs = list(zip(before.containers, now.containers, strict=True))
    for number, (old, new) in enumerate(pairs, start=1):
        where = f"container {number}: " if len(pairs) > 1 else ""
        found += [where + line for line in _container_changes(old, new)]
    blind = not pairs or any(not (a and a.etag and b.etag) for old, new in pairs for a, b in _data_pairs(old, new))
    if not found and blind and None not in (before.created_at, now.created_at) and before.created_at != now.created_at:
        found.append(f"it was made at {before.created_at}, now at {now.created_at}, and its data cannot be compared")
    return found


def _container_changes(old: ContainerIdentity, new: ContainerIdentity) -> Iterator[str]:
    before, now = dict(old.keys), dict(new.keys)
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"{key} was {before.get(key, 'not given')}, now {now.get(key, 'not given')}"
    names = {name for name, _ in {*old.environment} ^ {*new.environment}}
    if names:
        yield f"Environment differs in {', '.join(sorted(names))}"
    if old.image_digest and new.image_digest and old.image_digest != new.image_digest:
        yield f"the image {now.get('Image')} was {old.image_digest}, now {new.image_digest}"
    for was, found in _data_pairs(old, new):
        unknown = None in (was.etag, found.etag)
        if not unknown and (was.etag, was.size_bytes) != (found.etag, found.size_bytes):
            yield f"the data at {found.uri} was {was.told}, now {found.told}"


def _data_pairs(old: ContainerIdentity, new: ContainerIdentity) -> list[tuple[ModelData, ModelData]]:
    """The artifacts of a container whose places are the same; other places are told by the keys."""
    found = {data.uri: data for data in new.data}
    return [(data, found[data.uri]) for data in old.data if data.uri in found]
