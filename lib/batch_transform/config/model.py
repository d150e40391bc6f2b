"""The section `model`: what scores the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from typing_extensions import Self

from batch_transform.config.places import check_no_secret
from batch_transform.config.sections import Section
from batch_transform.config.values import ModelName, check_environment, check_pattern
from batch_transform.core import limits
from batch_transform.core.secret_values import secrets_of
from batch_transform.core.sending.model_parts import ModelParts, is_made_name, model_name

_NAMED_LATER = "made-of-parts"
# botocore, ContainerImage, Url and RoleArn.
Image = Annotated[str, AfterValidator(check_pattern(r"\S+", limits.MAX_IMAGE_CHARACTERS, "an image without spaces"))]
DataUrl = Annotated[
    str,
    AfterValidator(check_no_secret),
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
        name: of the model; of parts it is made under a name that follows from them, which the run file as a whole fills
            in (`named`), so that whoever reads a configuration finds the name in one place.
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
    def _given_or_made(cls, name: Any, info: ValidationInfo) -> Any:
        if not name and info.data.get("image", "refused") is None:
            raise ValueError("is required; or image, with role_arn, from which a model is made")
        return name or _NAMED_LATER

    @property
    def parts(self) -> ModelParts | None:
        """Of what the model is made; None: it is there."""
        if self.image is None or self.role_arn is None:
            return None
        return ModelParts(self.image, self.data_url, self.role_arn, self.environment)

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
        found = secrets_of({"secrets": secret_keys, "model": {"environment": parts.environment}})
        secrets = {key.removeprefix("model.environment.") for key in found}
        made = model_name(parts, secrets)
        # Of a version that hashed secrets as well: a run that it has begun keeps the name that is recorded.
        is_earlier = bool(secrets) and is_made_name(self.name)
        if self.name not in (made, _NAMED_LATER) and not is_earlier:
            raise ValueError("has a name beside an image, from which a model is made under a name of its own")
        return self if is_earlier else self.model_copy(update={"name": made})

    @property
    def served_as(self) -> str:
        """What the emulator knows it by: the image, or the name."""
        return self.image or self.name
