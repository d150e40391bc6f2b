"""How old, in days, is what `clean` forgets."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_line import parse

DAYS = "is no number of days; valid: a whole number of days, 1 to 36,500"


@pytest.mark.parametrize("option", ["--older-than", "--lifecycle"])
@pytest.mark.parametrize("days", ["0", "-1", "1.5", "²", "36501", "9" * 11, "9" * 5000])
def test_what_is_no_number_of_days_is_refused_before_anything_is_looked_at(option, days):
    with pytest.raises(ConfigurationError) as caught:
        parse(["clean", "s3://bucket/w", option, days])
    assert caught.value.faults == (f"{option}: {DAYS}",)


def test_a_run_that_is_no_folder_is_told_beside_the_days():
    with pytest.raises(ConfigurationError) as caught:
        parse(["clean", "s3://b/r", "--older-than", "x"])
    run, days = caught.value.faults
    assert run.startswith("RUN: is 's3://b/r'; valid: ")
    assert days == f"--older-than: {DAYS}"
