"""Rows of the workloads that are about how a run is driven. A6 runs in `end_to_end/test_airflow.py`."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import load
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from support.memory_run import MemoryRun, all_rows, echoing

pytestmark = pytest.mark.slow

HOUR = 3600

BASE = """\
workspace: s3://models/scoring
input: {path: "s3://models/customers", where: "ds = '${ds}'"}
transform: {instance_type: ml.m5.xlarge, instance_count: 4}
output: {path: "s3://models/scores/${model}/ds=${ds}"}
"""


def test_a7_a_failed_job_with_one_bad_file_gives_the_rows_of_all_others():
    """The job is Failed, and says neither which file nor why: what is missing is found by comparing."""
    sizes = [8, 8, 8, 8]
    bad = all_rows(sizes)[17]
    run = MemoryRun(sizes, echoing(lambda row: 400 if row == bad else None), exported=False)
    run.service.logs_late = True
    state = run.to_the_end()
    assert state.jobs[0].status.value == "Failed"
    assert [row for row, _ in run.published("dead_letter")] == [bad]
    assert len(run.published("result")) == 31


def test_a13_a_job_is_stopped_after_eight_hours_and_tried_once_more():
    run = MemoryRun([4, 4], echoing(lambda row: None), exported=False)
    run.service.looks = 1_000_000
    run.step(PREPARE)
    (late,) = run.step(SUBMIT)["wait_for"]
    run.sleep(8 * HOUR - 60)
    assert (run.step(COLLECT)["wait_for"], run.service.stopped) == ([late], [])
    run.sleep(120)
    assert (run.step(COLLECT)["wait_for"], run.service.stopped) == ([late], [late])
    (again,) = run.step(COLLECT)["wait_for"]
    assert again != late
    run.service.looks = 0
    report = run.step(COLLECT)
    assert (report["status"], report["rows_scored"]) == ("published", 8)
    assert [job["status"] for job in report["jobs"]] == ["Stopped", "Completed"]


def test_a14_two_hundred_run_files_over_one_base_with_the_day_as_a_variable(tmp_path):
    (tmp_path / "_base.yml").write_text(BASE)
    names = [f"churn-{number}" for number in range(200)]
    for name in names:
        text = f"extends: _base.yml\nrun_id: {name}-${{ds}}\nmodel: {{name: {name}}}\n"
        (tmp_path / f"{name}.yml").write_text(text)
    variables = "ds=2024-05-01", "model=m"
    configs = [load(tmp_path / f"{name}.yml", variables=variables) for name in names]
    assert [config.run_id for config in configs] == [f"{name}-2024-05-01" for name in names]
    assert {config.input.where for config in configs} == {"ds = '2024-05-01'"}
    with pytest.raises(ConfigurationError, match="ds"):
        load(tmp_path / "churn-7.yml", variables=["model=m"])
