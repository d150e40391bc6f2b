"""A model in memory, with its artifact and its image, that a test lets become another one."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from batch_transform.core.model_identity import ModelData, containers_of, data_places, identity_of
from batch_transform.sagemaker.model_lookup import ModelFound, ModelGone

DATA = "s3://models/churn/model.tar.gz"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:7"


def described_model() -> Any:
    """DescribeModel's answer, of which tests alter what they are about."""
    container = {"Image": IMAGE, "ModelDataUrl": DATA, "Environment": {"THRESHOLD": "0.5", "TOKEN": "hidden"}}
    return {"ModelName": "m", "PrimaryContainer": container, "CreationTime": "2024-05-01T00:00:00+00:00"}


@dataclass
class MemoryModels:
    """What DescribeModel, S3 and ECR say.

    Attributes:
        described: DescribeModel's answer; None: there is no such model.
        etags: of the artifacts; None for one that may not be looked at.
        digests: of the images.
        refused: whether DescribeModel is not allowed.
        looks: how often it was asked.
    """

    described: Any = field(default_factory=described_model)
    etags: dict[str, str | None] = field(default_factory=lambda: {DATA: "etag-1"})
    digests: dict[str, str] = field(default_factory=lambda: {IMAGE: "sha256:1"})
    refused: bool = False
    looks: int = 0

    def look(self, name: str, nonce: str) -> ModelFound:
        self.looks += 1
        if self.refused:
            return ModelFound(None, "AccessDeniedException: no")
        if self.described is None:
            raise ModelGone(f'DescribeModel {name}: ValidationException: Could not find model "{name}".')
        places = [place for container in containers_of(self.described) for place in data_places(container)]
        data = {place.uri: ModelData(place.uri, self.etags.get(place.uri), 10) for place in places}
        return ModelFound(identity_of(self.described, data, self.digests, nonce))

    def copy(self) -> MemoryModels:
        return copy.deepcopy(self)
