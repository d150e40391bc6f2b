"""The partitions are those of botocore."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import create_loader

from batch_transform.core.aws_partitions import DOMAINS, DUAL_STACK_DOMAINS, domain_of, is_of_aws, partition_of

KNOWN = create_loader().load_data("partitions")["partitions"]
REGIONS = [(each, region) for each in KNOWN for region in each["regions"] if not region.endswith("-global")]


@pytest.mark.parametrize(("partition", "region"), REGIONS, ids=[region for _, region in REGIONS])
def test_a_region_is_of_the_partition_that_botocore_says(partition, region):
    assert re.match(partition["regionRegex"], region)
    assert (partition_of(region), domain_of(region)) == (partition["id"], partition["outputs"]["dnsSuffix"])


@pytest.mark.parametrize("suffix", ["dnsSuffix", "dualStackDnsSuffix"])
def test_an_endpoint_is_awss_own_in_each_partition_and_at_each_port(suffix):
    for each in KNOWN:
        assert is_of_aws(f"https://s3.region.{each['outputs'][suffix]}:443")
        assert not is_of_aws(f"https://s3.{each['outputs'][suffix]}.example.com")


def test_no_domain_is_left_out():
    assert set(DOMAINS) == {each["outputs"]["dnsSuffix"] for each in KNOWN}
    assert set(DUAL_STACK_DOMAINS) == {each["outputs"]["dualStackDnsSuffix"] for each in KNOWN}
