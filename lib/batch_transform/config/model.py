"""The section `model`: what scores the rows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from batch_transform.config.sections import Section
from batch_transform.config.values import ModelName, check_environment, check_pattern
from batch_transform.core import limits
from batch_transform.core.sending.model_parts import ModelParts, model_name

# botocore, ContainerImage, Url and RoleArn.
Image = Annotated[str, AfterValidator(check_pattern(r"\S+", limits.MAX_IMAGE_CHARACTERS, "an image without spaces"))]
DataUrl = Annotated[
    str,
    AfterValidator(
        check_pattern(
            r"(https|s3)://[^/]+/.+", limits.MAX_MODEL_DATA_URL_CHARACTERS, "s3://bucket/key of a model.tar.gz"
        )
    ),
]
RoleArn = Annotated[
    str,
    AfterValidator(
        check_pattern(
            r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
            limits.MAX_ROLE_ARN_CHARACTERS,
            "an IAM role's ARN, arn:aws:iam::ACCOUNT:role/NAME",
        )
    ),
]


class Model(Section):
    """The SageMaker model: one that is there, by its name, or the parts of which it is made.

    Attributes:
        image: of the container.
        data_url: the artifact, `model.tar.gz`; None: the image holds what it needs.
        role_arn: as which the container runs.
        environment: of the container; the job's own (`transform.environment`) wins.
        name: of the model; of parts it is made under a name that follows from them, which is filled in here, so that
            whoever reads a configuration finds the name in one place.
    """

    # A rule that spans keys stands at the later one, which sees the earlier ones: keep the order.
    image: Image | None = None
    data_url: DataUrl | None = Field(default=None, validate_default=True)
    role_arn: RoleArn | None = Field(default=None, validate_default=True)
    environment: dict[str, str] = Field(default_factory=dict, validate_default=True)
    name: ModelName = Field(default="", validate_default=True)

    @field_validator("data_url", "role_arn", "environment")
    @classmethod
    def _belongs_to_an_image(cls, value: Any, info: ValidationInfo) -> Any:
        if "image" not in info.data:  # refused: its own fault is enough
            return value
        if info.data["image"] is None and value:
            raise ValueError("is given, but there is no model.image that it could belong to")
        if info.data["image"] is not None and info.field_name == "role_arn" and value is None:
            raise ValueError("is required beside model.image; the model's container runs as this role")
        return value

    @field_validator("environment")
    @classmethod
    def _environment(cls, environment: dict[str, str]) -> dict[str, str]:
        values = limits.MAX_MODEL_ENVIRONMENT_VALUE_CHARACTERS
        return check_environment(environment, limits.MAX_MODEL_ENVIRONMENT_ENTRIES, values)

    @field_validator("name", mode="before")
    @classmethod
    def _of_its_parts(cls, name: Any, info: ValidationInfo) -> Any:
        if not {"image", "data_url", "role_arn", "environment"} <= set(info.data):
            return name or "refused"
        parts = cls._parts(info.data)
        made = model_name(parts) if parts else None
        if made is None and not name:
            raise ValueError("is required; or image, with role_arn, from which a model is made")
        if made is not None and name not in ("", None, made):
            raise ValueError("is given beside model.image, from which a model is made under a name of its own")
        return made or name

    @property
    def parts(self) -> ModelParts | None:
        """Of what the model is made; None: it is there."""
        return self._parts(vars(self))

    @staticmethod
    def _parts(values: dict[str, Any]) -> ModelParts | None:
        if values["image"] is None:
            return None
        return ModelParts(values["image"], values["data_url"], values["role_arn"], values["environment"])

    @property
    def served_as(self) -> str:
        """What the emulator knows it by: the image, or the name."""
        return self.image or self.name
