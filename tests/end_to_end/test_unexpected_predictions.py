"""Predictions that are not as `expect` says publish nothing, and are published by the command that is printed."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import answers
from support.drivers import ROOT
from support.scripted_model import ScriptedModel
from support.submissions import Submission

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
ROWS = 40
EXPECT = ["avg(cast(echo AS double)) between 0 and 1", "count_if(echo is null) = 0"]


@pytest.fixture
def model():
    with closing(ScriptedModel()) as server:
        server.script.answer = answers.echo
        yield server


@pytest.mark.parametrize("format", ["parquet", pytest.param("delta", marks=pytest.mark.long)])
def test_nothing_is_published_before_the_printed_command_accepts_it_and_that_asks_no_model(tmp_path, model, format):
    pq.write_table(pa.table({"id": list(range(ROWS)), "key": list(map(str, range(ROWS)))}), tmp_path / "in.parquet")
    out = tmp_path / "out"
    document = {
        "run_id": "laptop",
        "workspace": "s3://lake/runs",
        "staging": str(tmp_path / "staging"),
        "input": {"path": str(tmp_path / "in.parquet")},
        "model": {"name": "m"},
        "prediction": {"schema": "echo string"},
        "transform": {"poll_seconds": 0.2},
        "output": {"path": str(out), "format": format},
        "expect": EXPECT,
        "emulator": {"models": {"m": model.url}, "state": str(tmp_path / "state")},
        "lease_seconds": 2,
    }
    code, report = Submission(tmp_path, document).wait()
    assert (code, report["status"]) == (3, "unexpected_predictions"), report
    assert report["error"][:2] == [
        "expect: 1 of 2 expectations not met; nothing is published, and what was scored is kept",
        f"not met: {EXPECT[0]} (avg(cast(echo AS double)) is 19.5)",
    ]
    assert [each["held"] for each in report["expectations"]] == [False, True]
    assert not _rows(out)
    asked = len(model.invocations)
    command = shlex.split(report["ways"][0].partition("without scoring again: ")[2])
    assert command[:3] == [str(ROOT / "spark-submit.sh"), "resume", "s3://lake/runs/laptop"]
    assert command[-1] == "--accept-expectations"
    code, accepted = Submission(tmp_path, document, *command[1:]).wait()
    assert (code, accepted["status"]) == (0, "published"), accepted
    assert accepted["expectations"][0]["accepted"]
    assert _rows(out) == [(place, str(place)) for place in range(ROWS)]
    assert (len(model.invocations), accepted["jobs"]) == (asked, report["jobs"])


def _rows(place: Path) -> list[tuple[int, str]]:
    files = sorted(place.glob("part-*.parquet"))
    return sorted((row["id"], row["echo"]) for file in files for row in pq.read_table(file).to_pylist())
