"""Of a run that scored nothing: what a person is told to do works, also where what was sent has to change."""

from __future__ import annotations

import shlex

import pytest

from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.other_command import commands_here
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.ending.reporting import report_of_end
from batch_transform.pipeline.handshake import variables
from batch_transform.pipeline.recorded import check_same
from batch_transform.pipeline.remedies import as_another_run
from batch_transform.pipeline.spelling import PROGRAM_VARIABLE
from support.memory_run import MemoryRun, echoing

HERE = {PROGRAM_VARIABLE: "./spark-submit.sh"}
TYPED = "run.yml --var ds=1 --master yarn -- --weird"
ANOTHER = "./spark-submit.sh run.yml --var ds=1 --master yarn --set run_id=run-2 -- --weird"


def here(typed=TYPED):
    return variables(commands_here(parse(shlex.split(typed)), HERE))


def given_up(run):
    driver = run.driver()
    with pytest.raises(ServiceFailure) as raised:
        driver.run()
    return driver, raised.value


def test_its_error_says_that_nothing_is_kept_and_that_another_question_needs_another_name():
    _, error = given_up(MemoryRun([6, 6], echoing(lambda row: 400)))
    (line,) = error.lines
    assert "nothing is published; no record at all was scored: first every object failed" in line
    assert "is kept" not in line
    assert "another `record`, `input` or transform.environment" in line
    assert "another run and needs another run_id" in line
    assert "Start the run again to try once more" not in line
    assert [way.rpartition(": ")[2] for way in error.ways] == [
        "the same call of score()",
        'the same call of score() with run_id="run-2"',
    ]


def test_both_commands_stand_last_on_lines_of_their_own():
    driver, error = given_up(MemoryRun([6, 6], echoing(lambda row: 400)))
    lines = last_lines(report_of_end(driver.ctx, driver.state, exit_of(error), error))
    assert lines[-2:] == list(error.ways)


def test_where_something_was_scored_that_is_kept():
    run = MemoryRun([6, 6], echoing(lambda row: 400 if row == 2 else None))
    run.service.job_faults.extend([None, "stopped"])
    _, error = given_up(run)
    assert "nothing is published, what was scored is kept; " in str(error)
    assert error.ways == ()


def test_where_somebody_else_stopped_the_only_job_the_same_run_is_started_again():
    run = MemoryRun([6, 6], echoing(lambda row: None))
    run.service.job_faults.append("stopped")
    _, error = given_up(run)
    assert "Start the run again to try once more" in str(error)
    assert error.ways == ()


# One row of each object is bad, so a probe is the second job; what befalls that one says nothing of the model.
BAD = (3, 13, 1022)


@pytest.mark.parametrize("fault", ["capacity", "internal", "lost"])
def test_a_probe_that_nobody_answered_is_made_again(fault):
    run = MemoryRun([10, 10, 10], echoing(lambda row: 500 if row in BAD else None))
    run.service.job_faults.extend([None, fault])
    state = run.to_the_end()
    assert (state.rows_scored, state.rows_dead) == (27, 3)
    assert [record.is_probe for record in state.round_records[:4]] == [False, True, True, False]


@pytest.mark.parametrize("types", [["ml.m5.xlarge"], ["ml.m5.xlarge", "ml.c5.xlarge"]])
def test_a_probe_waits_for_capacity_and_tries_other_types_as_any_job_does(types):
    run = MemoryRun([40, 40], echoing(lambda row: 500), transform={"instance_type": types})
    run.service.job_faults.extend([None, *["capacity"] * 9])
    _, error = given_up(run)
    asked = [request["TransformResources"]["InstanceType"] for request in run.service.requests]
    assert asked == [types[0]] * (4 if len(types) == 1 else 2) + [types[-1]] * 3 * (len(types) - 1)
    assert "capacity in 3 jobs" in str(error)
    assert "no record at all was scored" not in str(error)
    assert error.ways == ()


def test_what_the_service_would_not_send_at_its_largest_payload_is_dead_in_a_probe_as_well():
    """It is the service's word on a row, so the same rows are not probed again, for twenty rounds."""
    run = MemoryRun([6, 40], echoing(lambda row: "over the payload limit"))
    state = run.to_the_end()
    assert (state.rows_scored, state.rows_dead) == (0, 46)
    assert [record.is_probe for record in state.round_records] == [False, False, True, False]


def test_a_probe_that_somebody_else_stopped_says_nothing_of_the_model():
    run = MemoryRun([6, 6], echoing(lambda row: 400))
    run.service.job_faults.extend([None, "stopped"])
    _, error = given_up(run)
    assert "was stopped by somebody else" in str(error)
    assert "It is the model" not in str(error)
    assert "Start the run again to try once more" in str(error)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (TYPED, ANOTHER),
        ("prepare run.yml", "./spark-submit.sh prepare run.yml --set run_id=run-2"),
        ("resume s3://bucket/run", "the command of its run file with --set run_id=run-2"),
        ("run.yml --var API_TOKEN=hunter2", "the command of its run file with --set run_id=run-2"),
    ],
)
def test_what_scores_the_input_as_another_run_is_the_very_command_with_another_name(typed, said):
    with here(typed):
        assert as_another_run("run", takes_frame=False) == said


def test_another_configuration_is_told_once_with_a_line_for_each_key_and_the_command():
    run = MemoryRun([2], echoing(lambda row: None))
    run.to_the_end()
    config = run.driver().ctx.config
    other = config.model_copy(update={"output": None, "prediction": config.prediction.model_copy(update={"sql": "1"})})
    with pytest.raises(ConfigurationError) as refused:
        check_same(run.state(), other)
    first, *rest = refused.value.faults
    assert first.startswith("run was begun with another configuration; give that one, or another run_id: output")
    assert len(rest) > 0
    assert not any("configuration" in line for line in rest)
    assert refused.value.ways == ('To score it as another run: the same call of score() with run_id="run-2"',)
    assert refused.value.ways[0] in str(refused.value)


def test_one_key_that_is_another_is_one_fault_and_no_heading_is_counted_as_one():
    run = MemoryRun([2], echoing(lambda row: None))
    run.to_the_end()
    config = run.driver().ctx.config
    other = config.model_copy(update={"prediction": config.prediction.model_copy(update={"sql": "1"})})
    with pytest.raises(ConfigurationError) as refused:
        check_same(run.state(), other)
    assert len(refused.value.faults) == 1
    assert "faults" not in str(refused.value)


def test_before_a_run_is_held_the_command_stands_last_in_the_place_of_general_advice():
    error = ConfigurationError(["a", "b"], [f"To score it as another run: {ANOTHER}"])
    report = exit_of(error, is_begun=False).report("run")
    assert report["error"] == ["a", "b", *error.ways]
    assert last_lines(report) == ["Refused: nothing was done and nothing is paid.", *error.ways]


def test_no_secret_is_left_in_a_way():
    for error in (ConfigurationError("a", ["do: hunter2"]), BatchTransformError("a", ways=["do: hunter2"])):
        error.hide({"hunter2"})
        assert "hunter2" not in error.ways[0]
