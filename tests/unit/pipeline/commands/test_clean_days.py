"""How old, in days, is what `clean` forgets."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.clean import clean_command
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.named_run import Reached


@pytest.mark.parametrize("option", ["older_than", "lifecycle"])
@pytest.mark.parametrize("days", ["0", "-1", "1.5", "²", "36501", "9" * 11, "9" * 5000])
def test_what_is_no_number_of_days_is_refused_before_anything_is_looked_at(option, days):
    asked = CommandLine("clean", "s3://bucket/w", **{option: (days,)})
    with pytest.raises(ConfigurationError, match="valid: a whole number of days, 1 to 36,500"):
        clean_command(Reached(S3Uri("bucket", "w"), None), asked, print)
