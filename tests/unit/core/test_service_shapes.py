"""What is written and read of the service has the names and the places that botocore's model of it has."""

from __future__ import annotations

from datetime import datetime
from typing import get_args, get_type_hints, is_typeddict

import pytest

from batch_transform.core.service_shapes import (
    DescribedModel,
    DescribedTransformJob,
    ModelRequest,
    TransformJobRequest,
)
from support.aws_shapes import SERVICE

KINDS = {str: "string", int: "integer", bool: "boolean", datetime: "timestamp"}


def check(kind, shape, where):
    """Each key is a member of the shape, and of its type."""
    for name, hint in get_type_hints(kind).items():
        assert name in shape.members, f"{where}.{name}"
        member, place = shape.members[name], f"{where}.{name}"
        if is_typeddict(hint):
            check(hint, member, place)
        elif getattr(hint, "__origin__", None) is list:
            check(get_args(hint)[0], member.member, place)
        elif getattr(hint, "__origin__", None) is dict:
            assert member.type_name in ("map", "structure"), place
        else:
            assert member.type_name == KINDS[hint], place


@pytest.mark.parametrize(
    ("kind", "operation", "side"),
    [
        (TransformJobRequest, "CreateTransformJob", "input_shape"),
        (DescribedTransformJob, "DescribeTransformJob", "output_shape"),
        (ModelRequest, "CreateModel", "input_shape"),
        (DescribedModel, "DescribeModel", "output_shape"),
    ],
)
def test_every_key_is_the_services_own(kind, operation, side):
    if kind is DescribedTransformJob:  # which never shows tags
        hints = {name for name in get_type_hints(kind) if name != "Tags"}
        assert hints <= set(getattr(SERVICE.operation_model(operation), side).members)
        return
    check(kind, getattr(SERVICE.operation_model(operation), side), operation)
