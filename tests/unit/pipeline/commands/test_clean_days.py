"""How old, in days, is what `clean` forgets."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import clean
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.local_process import CLOCK

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


def test_a_run_over_which_this_program_trips_is_kept_and_the_others_are_cleaned(monkeypatch, capsys):
    old = CLOCK.now() - timedelta(days=9)
    runs = {S3Uri("bucket", f"w/runs/{name}"): old for name in ("good", "odd", "other")}

    def cleaned(there, asked, tell):
        if there.uri.name == "odd":
            raise KeyError("a row's value")
        return {"workspace": str(there.uri), "objects": 1, "bytes": 2}

    monkeypatch.setattr(clean, "_runs_of_workspace", lambda there: runs)
    monkeypatch.setattr(clean, "_clean_run", cleaned)
    told = []
    asked = parse(["clean", "s3://bucket/w", "--older-than", "7"])
    report = clean.clean_command(SimpleNamespace(access=None), asked, told.append)
    assert (report["kept"], report["objects"]) == (["s3://bucket/w/runs/odd"], 2)
    assert "KeyError" in told[0]
    assert "a row's value" not in told[0]
    capsys.readouterr()
