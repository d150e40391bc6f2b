"""The sections `aws.s3`, `aws.sagemaker` and `aws.logs`: who calls a service, and what its requests carry."""

from __future__ import annotations

import re
from typing import Annotated

from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field
from batch_transform.config.values import KmsKey, RoleArn, Text, check_pattern, one_of, read_truth
from batch_transform.core.secret_values import is_sealed

KMS = "aws:kms"
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")  # botocore, externalIdType


def check_external_id(value: str) -> str:
    """Returns an external id that STS takes, or what stands in its place in a ledger."""
    if not (_EXTERNAL_ID.fullmatch(value) or is_sealed(value)):
        raise ValueError("is none that STS takes; valid: 2 to 1,224 letters, digits and _+=,.@:/-")  # not repeated
    return value


class Identity(Section):
    """Who calls a service, at most one of the three; None: whoever calls the others. Keep the order of the keys.

    Attributes:
        profile: of the shared configuration files, wherever a client is made.
        role_arn: is assumed by whoever would call otherwise.
        external_id: that the role's trust policy asks for.
        service_credential: of Databricks' Unity Catalog.
    """

    profile: Text | None = None
    role_arn: RoleArn | None = None
    external_id: Annotated[str, AfterValidator(check_external_id)] | None = Field(default=None, validate_default=True)
    service_credential: Text | None = None

    @field_validator("role_arn", "service_credential")
    @classmethod
    def _one_of_three(cls, value: str | None, info: ValidationInfo) -> str | None:
        others = [name for name in ("profile", "role_arn") if info.data.get(name) is not None]
        if value is not None and others:
            raise ValueError(
                f"is given beside {' and '.join(others)}; give one of profile, role_arn, service_credential"
            )
        return value

    @field_validator("external_id")
    @classmethod
    def _of_a_role(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A role that was refused is missing from `data`: its own fault is enough.
        if value is not None and "role_arn" in info.data and info.data["role_arn"] is None:
            raise ValueError("is given without role_arn; it is sent when a role is assumed")
        return value


class S3Access(Identity):
    """Who reads and writes S3, and what goes on every request.

    Attributes:
        kms_key: of SSE-KMS, with the S3 bucket key on; the jobs' outputs have it as well (`transform.output_kms_key`).
        sse: the encryption that is asked for; a key says it by itself.
        expected_bucket_owner: the account to which each bucket must belong.
        requester_pays: whether the run pays for requests to a bucket whose owner does not.
    """

    kms_key: KmsKey | None = None
    sse: Annotated[str, AfterValidator(one_of("AES256", KMS))] | None = Field(default=None, validate_default=True)
    expected_bucket_owner: (
        Annotated[str, AfterValidator(check_pattern(r"\d{12}", 12, "the 12 digits of an account"))] | None
    ) = None
    requester_pays: Annotated[bool, BeforeValidator(read_truth)] = False

    @field_validator("sse")
    @classmethod
    def _goes_with_the_key(cls, sse: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("kms_key") is None:
            return sse
        if sse not in (None, KMS):
            raise ValueError(f"is {sse} beside kms_key, which is for {KMS}; leave one of the two out")
        return KMS
