"""The words in which the service refuses a request, or says why an object failed."""

from __future__ import annotations

import re

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, Refusal
from batch_transform.core.smoke.telling import Told, other, yes

_ARN = re.compile(r"arn:[\w-]+:sagemaker:[\w-]*:\d*:transform-job/[\w-]+")
_TAKEN = "ResourceInUse"


def join_mismatch(found: Findings) -> Told:
    """The data log's headline where two lines answer one record."""
    headline = found.job(smoke.JOIN).headline("two-for-one")
    return Told(headline, ("JoinSource Input: two lines were answered to one record",))


def too_large(found: Findings) -> Told:
    """The data log's headline of a record over the limit."""
    return Told(found.job(smoke.PAYLOAD).headline("too-large"), ("MaxPayloadInMB 1: a record of 1,200,000 bytes",))


def join_settings(found: Findings) -> Told:
    """What refuses a join whose AssembleWith is not its SplitType."""
    said = found.refusal(smoke.JOIN_SETTINGS)
    asked = "JoinSource Input with SplitType Line, without AssembleWith"
    return Told(said.message, (f"{asked}: {said.code}",)) if said.code else other(f"{asked}: was not refused")


def payload_product(found: Findings) -> Told:
    """What refuses a payload and a concurrency whose product is over 100, with both numbers by their names."""
    said = found.refusal(smoke.PRODUCT)
    asked = f"MaxConcurrentTransforms {smoke.PRODUCT_CONCURRENCY}, MaxPayloadInMB {smoke.PRODUCT_PAYLOAD_MB}"
    if not said.code:
        return other(f"{asked}: was not refused")
    message = re.sub(rf"\b{smoke.PRODUCT_CONCURRENCY}\b", "{concurrent}", said.message)
    message = re.sub(rf"\b{smoke.PRODUCT_PAYLOAD_MB}\b", "{payload}", message)
    return Told(message, (f"{asked}: {said.code}",))


def duplicate_name(found: Findings) -> Told:
    """What refuses a job of a name that is taken, with the other one's ARN by its name."""
    said = found.refusal(smoke.DUPLICATE)
    evidence = f"a job of a name that is taken: {said.code or 'was not refused'}"
    if not said.code.startswith(_TAKEN):
        return other(evidence, said.message)
    return Told(_ARN.sub("{arn}", said.message), (evidence,))


def unknown_job(found: Findings) -> Told:
    """The code of DescribeTransformJob for a job that does not exist."""
    said: Refusal = found.refusal(smoke.UNKNOWN)
    evidence = f"DescribeTransformJob of a name that nobody has used: {said.message}"
    return Told(said.code, (evidence,)) if said.code else other(evidence)


def model_data_source(found: Findings) -> Told:
    """Whether a job is refused whose model has its artifact from ModelDataSource."""
    said = found.refusal(smoke.DATA_SOURCE)
    if not said.code:
        return yes(False, "a job of a model that uses ModelDataSource was created")
    if "ModelDataSource" not in said.message:
        return other(f"a job of a model that uses ModelDataSource: {said.code}: {said.message}")
    return yes(True, f"a job of a model that uses ModelDataSource: {said.code}: {said.message}")
