"""A plan asks for the account's quotas where AWS is, and says of all else why it does not know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.estimate.instance_quotas import OF_ALL_TYPES
from batch_transform.pipeline.commands.plan_surroundings import NOBODY_ASKED, account_quotas

TYPES = ("ml.m5.xlarge",)


@dataclass(frozen=True)
class OfAws(AwsAccess):
    region: str | None = "eu-west-1"
    refuses: bool = False

    def client(self, service: str, **options: Any) -> Any:
        assert (service, options["read_timeout"]) == ("service-quotas", 5)
        if self.refuses:
            raise ConfigurationError("aws.profile: there is none")
        return self

    def list_service_quotas(self, **request: Any) -> dict[str, Any]:
        return {"Quotas": [{"QuotaName": OF_ALL_TYPES, "Value": 20.0}]}


def test_aws_is_asked():
    assert account_quotas(OfAws(), TYPES).values == {OF_ALL_TYPES: 20.0}


@pytest.mark.parametrize("access", [AwsAccess(emulated=True), AwsAccess("eu-west-1", "http://127.0.0.1:1")])
def test_an_emulator_is_not(access):
    assert account_quotas(access, TYPES) == NOBODY_ASKED


def test_whoever_cannot_ask_is_told_why():
    assert account_quotas(OfAws(refuses=True), TYPES).why_not == "aws.profile: there is none"
