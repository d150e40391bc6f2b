"""What S3's client raises is told with what a person can do about it."""

from __future__ import annotations

import pytest
from botocore.exceptions import NoCredentialsError

from batch_transform.core.object_store import StoreFailure
from batch_transform.s3.s3_errors import s3_errors


def test_where_no_credentials_are_found_it_is_said_how_to_name_some_and_how_to_do_without():
    with (
        pytest.raises(StoreFailure, match=r"AWS_PROFILE.*--emulator") as failure,
        s3_errors("HeadBucket", "s3://my-bucket"),
    ):
        raise NoCredentialsError
    assert failure.value.code == "NoCredentialsError"
