"""On a laptop: with `emulator.state` a run survives its driver, whatever ends that, and without it says so."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from contextlib import closing

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support import answers
from support.drivers import POISON, ROOT
from support.scripted_model import ScriptedModel
from support.submissions import PATIENCE_SECONDS, Submission

pytestmark = [pytest.mark.spark, pytest.mark.slow]
WRAPPER = str(ROOT / "spark-submit.sh")
ROWS = 40
EXPECTED = [(place, str(place)) for place in range(ROWS) if place not in POISON]


@pytest.fixture
def model():
    with closing(ScriptedModel()) as server:
        server.script.answer = answers.shaped
        yield server


@pytest.fixture
def document(tmp_path, model):
    """A run file whose rows are all well but two."""
    keys = [POISON.get(place, str(place)) for place in range(ROWS)]
    pq.write_table(pa.table({"id": list(range(ROWS)), "key": keys}), tmp_path / "in.parquet")
    return {
        "run_id": "laptop",
        "workspace": "s3://lake/runs",
        "staging": str(tmp_path / "staging"),
        "input": {"path": str(tmp_path / "in.parquet")},
        "model": {"name": "m"},
        "prediction": {"schema": "echo string"},
        "transform": {"poll_seconds": 0.2, "invocations_max_retries": 0},
        "output": {"path": str(tmp_path / "out"), "mode": "append"},
        "emulator": {"models": {"m": model.url}, "state": str(tmp_path / "state")},
        "lease_seconds": 2,
    }


def published(tmp_path):
    return sorted((row["id"], row["echo"]) for row in pq.read_table(tmp_path / "out").to_pylist())


@pytest.mark.long
def test_over_budget_it_is_published_by_the_command_in_the_message(tmp_path, model, document):
    """Without scoring again: the second process finds the first one's S3 on disk."""
    code, report = Submission(tmp_path, document).wait()
    assert (code, report["status"]) == (3, "over_budget")
    asked = len(model.invocations)
    command = shlex.split(report["ways"][-1].partition("To publish without scoring again: ")[2])
    assert command[:3] == [str(ROOT / "spark-submit.sh"), "resume", "s3://lake/runs/laptop"]
    code, report = Submission(tmp_path, document, *command[1:]).wait()
    assert (code, report["rows_dead_letter"]) == (0, len(POISON))
    assert published(tmp_path) == EXPECTED
    assert len(model.invocations) == asked


@pytest.mark.long
def test_it_survives_the_death_of_everything(tmp_path, model, document):
    """Killed while its model is being asked, with the emulator; the job goes on in the next one."""
    submission, killed = Submission(tmp_path, document | {"errors": {"max_rows": 2}}), []

    def answer(body):
        if not killed:
            killed.append(body)
            submission.kill("group")
        return answers.shaped(body)

    model.script.answer = answer
    code, _ = submission.wait()
    assert (code, len(killed)) == (4, 1)
    code, report = Submission(tmp_path, document | {"errors": {"max_rows": 2}}).wait()
    assert code == 0, report
    assert published(tmp_path) == EXPECTED
    names = [job["name"] for job in report["jobs"]]
    assert len(set(names)) == len(names)


@pytest.mark.long
def test_while_a_run_is_at_work_it_is_shown_and_stopped_from_another_terminal(tmp_path, model, document):
    """Its emulator has the folder, and is asked meanwhile."""
    asked = threading.Event()

    def answer(body):
        asked.set()
        over.wait(PATIENCE_SECONDS)
        return answers.shaped(body)

    over = threading.Event()
    model.script.answer = answer
    within = document | {"errors": {"max_rows": 2}, "lease_seconds": 60}
    submission = Submission(tmp_path, within)
    try:
        assert asked.wait(PATIENCE_SECONDS), submission.log()
        assert told(tmp_path, "show", "-o", "json")["status"] == "running"
        assert [run["run_id"] for run in told(tmp_path, "list", "-o", "json")["runs"]] == ["laptop"]
        assert told(tmp_path, "status")["rows_in"] == ROWS
        stopped = told(tmp_path, "stop")
    finally:
        over.set()
    code, report = submission.wait()
    assert (code, report["status"], stopped["status"]) == (143, "interrupted", "interrupted")
    page = tmp_path / "staging" / "laptop" / "report.html"
    assert report["report"] == stopped["report"] == told(tmp_path, "show", "-o", "json")["report"] == str(page)
    assert "Stopped as a person has asked" in page.read_text(encoding="utf-8")
    *_, last = printed(tmp_path, "show").splitlines()
    program, *going_on = shlex.split(last.partition("To go on: ")[2])
    assert program == WRAPPER
    code, report = Submission(tmp_path, within, *going_on).wait()
    assert code == 0, report
    assert published(tmp_path) == EXPECTED


def printed(place, command, *options):
    """What a command prints of the run file in a folder."""
    words = [WRAPPER, command, "run.yml", *options]
    return subprocess.run(words, capture_output=True, check=True, cwd=place, timeout=PATIENCE_SECONDS, text=True).stdout


def told(place, command, *options):
    return json.loads(printed(place, command, *options))


def test_without_a_state_there_is_nothing_to_go_back_to(tmp_path, document):
    del document["emulator"]["state"]
    code, report = Submission(tmp_path, document, "resume", "run.yml").wait()
    (message,) = report["error"]
    assert (code, report["status"]) == (2, "refused")
    assert "set emulator.state to a folder before a run begins, and it survives its driver" in message


@pytest.mark.long
def test_no_process_is_left_that_a_test_here_has_killed():
    """Guards the tests above: an emulator that outlived its driver would be asked instead of the state on disk."""
    left = [p for p in psutil.process_iter(["cmdline"]) if "--state" in (p.info["cmdline"] or []) and p.is_running()]
    assert [p for p in left if "test_it_survives" in " ".join(p.info["cmdline"])] == []


def test_the_wrappers_report_is_one_line():
    """`Submission.wait` reads the report as the only line of standard output."""
    asked = subprocess.run([str(ROOT / "spark-submit.sh"), "status"], capture_output=True, check=False)
    assert json.loads(asked.stdout)["status"] == "refused"
