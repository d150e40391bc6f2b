"""Looks at a model: what DescribeModel says of it, what its artifacts on S3 and its images in ECR are.

Only DescribeModel has to be allowed for that to be worth anything. Artifacts and images are asked for as far as the
caller may (s3:GetObject, s3:ListBucket, ecr:DescribeImages or ecr:BatchGetImage): what is refused, or not reached, is
not known, and is no reason to end a run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.aws_partitions import DOMAINS
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.model_identity import (
    DataPlace,
    ModelData,
    ModelIdentity,
    containers_of,
    data_places,
    identity_of,
)
from batch_transform.core.uris import S3Uri
from batch_transform.sagemaker.service_errors import failure_of, is_no_model, is_refused, words_of

# A prefix of more objects is not listed at each Create; then the model's creation time has to do.
MOST_OBJECTS = 10_000
# Of the registry: a VPC without an endpoint for it answers nothing at all.
REGISTRY_OPTIONS = {"connect_timeout": 3, "read_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 2}}

_GONE = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
_IN_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    rf"(?:{'|'.join(map(re.escape, DOMAINS))})/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?"
)


def ecr_repository(image: str) -> tuple[str, str, str] | None:
    """Returns region, account and repository of an image that lies in ECR; None: it lies elsewhere."""
    found = _IN_ECR.match(image)
    return (found["region"], found["account"], found["repository"]) if found else None


_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")


class ModelGone(ServiceFailure):
    """There is no model of that name any more."""


@dataclass(frozen=True)
class ModelFound:
    """What a look at a model told.

    Attributes:
        identity: None: it may not be looked at.
        trouble: why not, in the service's words; '' for nothing that a person should be told.
    """

    identity: ModelIdentity | None
    trouble: str = ""


@dataclass
class ModelLookup:
    """Looks at models.

    Attributes:
        sagemaker: boto3's client.
        s3: boto3's client, as the pipeline reads S3.
        registry: makes boto3's client of ECR for a region.
    """

    sagemaker: Any
    s3: Any
    registry: Callable[[str], Any]
    _silent: set[str] = field(default_factory=set)

    def look(self, name: str, nonce: str) -> ModelFound:
        """Returns what a model is now.

        Raises:
            ModelGone: there is none of that name.
            NotNow: the call may be made again.
            ServiceFailure: it failed for another reason than that it is not allowed.
        """
        try:
            described = self.sagemaker.describe_model(ModelName=name)
        except ClientError as err:
            if is_refused(err):
                return ModelFound(None, words_of(err))
            failure = failure_of("DescribeModel", name, err)
            raise (ModelGone(str(failure)) if is_no_model(err) else failure) from err
        except BotoCoreError as err:
            raise failure_of("DescribeModel", name, err) from err
        containers = containers_of(described)
        data = {place.uri: self._data(place) for container in containers for place in data_places(container)}
        images = {str(container["Image"]) for container in containers if container.get("Image")}
        digests = {image: found for image in sorted(images) if (found := self._image_digest(image))}
        return ModelFound(identity_of(described, data, digests, nonce))

    def _data(self, place: DataPlace) -> ModelData:
        uri = S3Uri.parse(place.uri)
        try:
            return self._listed(place, uri) if place.is_prefix else self._object(place, uri)
        except ClientError as err:
            gone = err.response["Error"]["Code"] in _GONE
            return ModelData(place.uri, "" if gone else None)
        except BotoCoreError:
            return ModelData(place.uri)

    def _object(self, place: DataPlace, uri: S3Uri) -> ModelData:
        found = self.s3.head_object(Bucket=uri.bucket, Key=uri.key)
        version = found.get("VersionId")
        kept = version if version not in (None, "null") else None
        return ModelData(place.uri, found["ETag"].strip('"'), int(found["ContentLength"]), kept)

    def _listed(self, place: DataPlace, uri: S3Uri) -> ModelData:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.prefix)
        listed = list(islice((info for page in pages for info in page.get("Contents", ())), MOST_OBJECTS + 1))
        if len(listed) > MOST_OBJECTS:
            return ModelData(place.uri)
        if not listed:
            return ModelData(place.uri, "")
        lines = sorted(f"{info['Key']}\n{info['ETag']}\n{info['Size']}\n" for info in listed)
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        return ModelData(place.uri, digest, sum(int(info["Size"]) for info in listed))

    def _image_digest(self, image: str) -> str | None:
        """The digest that an image's tag stands for now; None where nobody tells."""
        if named := _DIGEST.search(image):
            return named[1]
        found = _IN_ECR.fullmatch(image)
        if found is None or image in self._silent:
            return None
        try:
            return _asked(self.registry(found["region"]), found)
        except BotoCoreError:
            self._silent.add(image)  # not reached: it is not waited for again
            return None


def _asked(client: Any, image: Mapping[str, Any] | re.Match[str]) -> str | None:
    """What ECR says by either of the calls that tell, of which a caller may be allowed one."""
    tag = {"imageTag": image["tag"] or "latest"}
    asked = {"registryId": image["account"], "repositoryName": image["repository"], "imageIds": [tag]}
    try:
        return str(client.describe_images(**asked)["imageDetails"][0]["imageDigest"])
    except (ClientError, LookupError):
        pass
    try:
        return str(client.batch_get_image(**asked)["images"][0]["imageId"]["imageDigest"])
    except (ClientError, LookupError):
        return None
