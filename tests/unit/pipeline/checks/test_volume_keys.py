"""A key for the volumes of instances whose storage is their own, which CreateTransformJob refuses."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.limits import LOCAL_STORAGE_FAMILIES
from batch_transform.pipeline.checks.collected_faults import check_volume_key
from support.aws_shapes import CREATE


def config(types, key="alias/k"):
    transform = {"instance_type": types, "volume_kms_key": key}
    return from_arguments(run_id="r", workspace="s3://bucket/w", model="m", transform=transform)


@pytest.mark.parametrize("types", ["ml.g5.xlarge", ["ml.m5.xlarge", "ml.g4dn.xlarge"]])
def test_it_is_refused_before_rows_are_staged(types):
    """The first or a later instance type: the run ended at its first job, or where capacity lacked in its midst."""
    with pytest.raises(ConfigurationError, match=r"transform\.volume_kms_key: is given, but .* ml\.g"):
        check_volume_key(config(types))


def test_it_is_taken_with_other_types_and_no_key_with_any():
    check_volume_key(config(["ml.m5.xlarge", "ml.inf2.xlarge"]))
    check_volume_key(config("ml.g5.xlarge", None))


def test_the_families_are_those_of_jobs():
    kinds = CREATE.members["TransformResources"].members["InstanceType"].enum
    assert {kind.split(".")[1] for kind in kinds} >= LOCAL_STORAGE_FAMILIES
