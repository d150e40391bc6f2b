"""A pyarrow of the platform's that is too old is refused with what to choose instead."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks.all_checks import check_pyarrow


def test_serverless_environment_1_is_refused_with_a_remedy():
    with pytest.raises(ConfigurationError, match=r"^pyarrow 8\.0\.0 is installed here.*environment version 2 or later"):
        check_pyarrow("8.0.0")


@pytest.mark.parametrize("version", ["14.0.1", "15.0.2", "26.0.1", "100.0.0.dev1"])
def test_what_later_ones_and_databricks_15_4_have_is_taken(version):
    check_pyarrow(version)


def test_so_is_the_one_that_is_here():
    check_pyarrow()
