"""The section `model`: what scores the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from batch_transform.config.places import check_no_secret
from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field, OfSection
from batch_transform.config.values import (
    ModelName,
    RoleArn,
    check_entries,
    check_environment,
    check_pattern,
    read_list,
    read_truth,
)
from batch_transform.core import limits
from batch_transform.core.secret_values import secrets_of
from batch_transform.core.sending.model_parts import ContainerParts, ModelParts, VpcParts, is_made_name, model_name

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMED_LATER = "made-of-parts"
# botocore, ContainerImage and Url.
Image = Annotated[
    str,
    AfterValidator(check_no_secret),
    AfterValidator(check_pattern(r"\S+", limits.MAX_IMAGE_CHARACTERS, "an image without spaces")),
]
DataUrl = Annotated[
    str,
    AfterValidator(check_no_secret),
    AfterValidator(
        check_pattern(
            r"(https|s3)://[^/]+/.+", limits.MAX_MODEL_DATA_URL_CHARACTERS, "s3://bucket/key of a model.tar.gz"
        )
    ),
]


Package = Annotated[
    str,
    AfterValidator(
        check_pattern(
            r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*/)?[a-zA-Z0-9][a-zA-Z0-9-]{0,62}(?<!-)(/[0-9]{1,9})?",
            limits.MAX_PACKAGE_CHARACTERS,
            "the name or the ARN of a model package, arn:aws:sagemaker:REGION:ACCOUNT:model-package/NAME/VERSION",
        )
    ),
]
VpcId = Annotated[
    str, AfterValidator(check_pattern("[-0-9a-zA-Z]+", limits.MAX_VPC_ID_CHARACTERS, "an id, as subnet-0a1b2c3d"))
]


class Container(Section):
    """One of the containers of a model that has several: an image, with an artifact or without, or a package.

    Attributes:
        environment: of the container alone; `transform.environment` is given to all.
    """

    image: Image | None = None
    package: Package | None = Field(default=None, validate_default=True)
    data_url: DataUrl | None = Field(default=None, validate_default=True)
    environment: dict[str, str] = Field(default_factory=dict)

    @field_validator("package")
    @classmethod
    def _one_of_two(cls, package: str | None, info: ValidationInfo) -> str | None:
        if "image" in info.data and (package is None) == (info.data["image"] is None):
            if package is None:
                raise OfSection("needs image or package")
            raise ValueError("is given beside image; give one of the two")
        return package

    @field_validator("data_url")
    @classmethod
    def _of_an_image(cls, data_url: str | None, info: ValidationInfo) -> str | None:
        return check_artifact(data_url, info)

    @field_validator("environment")
    @classmethod
    def _environment(cls, environment: dict[str, str]) -> dict[str, str]:
        return check_variables(environment)


class Vpc(Section):
    """The network in which a model's containers run."""

    security_group_ids: Annotated[
        tuple[VpcId, ...], BeforeValidator(read_list), AfterValidator(check_entries(limits.MAX_SECURITY_GROUPS))
    ]
    subnets: Annotated[tuple[VpcId, ...], BeforeValidator(read_list), AfterValidator(check_entries(limits.MAX_SUBNETS))]


def check_artifact(data_url: str | None, info: ValidationInfo) -> str | None:
    """Returns the place of an artifact, which a package has itself."""
    if data_url is not None and info.data.get("package") is not None:
        raise ValueError("is given beside package, which has an artifact of its own; leave it out")
    return data_url


def check_variables(environment: dict[str, str]) -> dict[str, str]:
    """Returns variables that SageMaker takes for a container of a model."""
    values = limits.MAX_MODEL_ENVIRONMENT_VALUE_CHARACTERS
    return check_environment(environment, limits.MAX_MODEL_ENVIRONMENT_ENTRIES, values)


class Model(Section):
    """The SageMaker model: one that is there, by its name, or the parts of which it is made.

    Attributes:
        image: of the container.
        package: ModelPackageName, instead of an image.
        containers: several instead, each of which is sent the answer of the one before.
        data_url: the artifact, `model.tar.gz`; None: the image holds what it needs.
        role_arn: as which the containers run.
        environment: of the container; the job's own (`transform.environment`) wins.
        vpc_config: VpcConfig; None: the service's own network.
        network_isolation: EnableNetworkIsolation; None: the containers may reach what their network does.
        name: of the model; of parts it is made under a name that follows from them, which the run file as a whole fills
            in (`named`), so that whoever reads a configuration finds the name in one place.
    """

    # A rule that spans keys stands at the later one, which sees the earlier ones: keep the order. What came later is
    # null where it is not given, as it is in the ledgers of before.
    image: Image | None = None
    package: Package | None = None
    containers: (
        Annotated[
            tuple[Container, ...], BeforeValidator(read_list), AfterValidator(check_entries(limits.MAX_CONTAINERS))
        ]
        | None
    ) = None
    data_url: DataUrl | None = Field(default=None, validate_default=True)
    role_arn: RoleArn | None = Field(default=None, validate_default=True)
    environment: dict[str, str] = Field(default_factory=dict, validate_default=True)
    vpc_config: Vpc | None = Field(default=None, validate_default=True)
    network_isolation: Annotated[bool, BeforeValidator(read_truth)] | None = Field(default=None, validate_default=True)
    name: ModelName = Field(default="", validate_default=True)

    @field_validator("package")
    @classmethod
    def _one_of_two(cls, package: str | None, info: ValidationInfo) -> str | None:
        if package is not None and info.data.get("image") is not None:
            raise ValueError("is given beside image; give one of the two")
        return package

    @field_validator("containers")
    @classmethod
    def _one_way_to_say_it(cls, containers: Any, info: ValidationInfo) -> Any:
        given = [key for key in ("image", "package") if info.data.get(key) is not None]
        if containers is not None and given:
            raise ValueError(f"is given beside {' and '.join(given)}; a container of several has its own")
        return containers

    @field_validator("data_url", "role_arn", "environment", "vpc_config", "network_isolation")
    @classmethod
    def _belongs_to_a_container(cls, value: Any, info: ValidationInfo) -> Any:
        if not {"image", "package", "containers"} <= set(info.data):  # refused: its own fault is enough
            return value
        of_one = info.field_name in ("data_url", "environment")
        parts = [key for key in ("image", "package", "containers") if info.data[key] is not None]
        if not parts and value:
            raise ValueError("is given, but there is no model.image that it could belong to")
        if of_one and value and parts == ["containers"]:
            raise ValueError("is given beside containers, each of which has its own")
        if parts and info.field_name == "role_arn" and value is None:
            raise ValueError(f"is required beside model.{parts[0]}; the model's container runs as this role")
        return value

    @field_validator("data_url")
    @classmethod
    def _of_an_image(cls, data_url: str | None, info: ValidationInfo) -> str | None:
        return check_artifact(data_url, info)

    @field_validator("environment")
    @classmethod
    def _environment(cls, environment: dict[str, str]) -> dict[str, str]:
        return check_variables(environment)

    @field_validator("name", mode="before")
    @classmethod
    def _given_or_made(cls, name: Any, info: ValidationInfo) -> Any:
        if not name and all(info.data.get(key, "refused") is None for key in ("image", "package", "containers")):
            raise ValueError("is required; or image, with role_arn, from which a model is made")
        return name or _NAMED_LATER

    @property
    def parts(self) -> ModelParts | None:
        """Of what the model is made; None: it is there."""
        if self.role_arn is None or not (self.image or self.package or self.containers):
            return None
        vpc = self.vpc_config
        return ModelParts(
            self.image,
            self.data_url,
            self.role_arn,
            self.environment,
            self.package,
            tuple(ContainerParts(c.image, c.package, c.data_url, c.environment) for c in self.containers or ()),
            VpcParts(vpc.security_group_ids, vpc.subnets) if vpc is not None else None,
            bool(self.network_isolation),
        )

    def named(self, secret_keys: Sequence[str]) -> Self:
        """Returns the section with the name of a model that is made of parts.

        A hash of a secret gives it away to whoever tries long enough, so secrets have no part in the name.

        Args:
            secret_keys: of the run file, that are secrets although their names do not say so.

        Raises:
            ValueError: another name was given; the end of a sentence about `model`.
        """
        parts = self.parts
        if parts is None:
            return self
        of_each = [{"environment": container.environment} for container in parts.containers]
        model = {"environment": parts.environment, "containers": of_each}
        secrets = {key.removeprefix("model.") for key in secrets_of({"secrets": secret_keys, "model": model})}
        made = model_name(parts, secrets)
        # Of a version that hashed secrets as well: a run that it has begun keeps the name that is recorded.
        is_earlier = bool(secrets) and is_made_name(self.name)
        if self.name not in (made, _NAMED_LATER) and not is_earlier:
            raise ValueError("has a name beside an image, from which a model is made under a name of its own")
        return self if is_earlier else self.model_copy(update={"name": made})

    @property
    def served_as(self) -> tuple[str, ...]:
        """What the emulator knows it by: the images and packages, or the name."""
        parts = self.parts
        return (self.name,) if parts is None else tuple(each.image or each.package or "" for each in parts.each)
