"""DAGs of `jobs/airflow_dags.py` in a real Airflow, against an emulator that runs beside it."""

from __future__ import annotations

import json
import signal
import sys
import threading
import uuid

import pytest

from support import answers
from support.airflow_runs import DAY, AirflowHome, as_yaml
from support.drivers import POISON, ROOT, expected

# The first run makes the environment.
pytestmark = [pytest.mark.spark, pytest.mark.timeout(1200), pytest.mark.long]

# Dies once after `submit` has done its work and before it could say so.
DYING = """\
#!/bin/bash
{command} "$@"
code=$?
[ "$1" != submit ] || [ -e {mark} ] || {{ touch {mark}; kill -KILL $$; }}
exit $code
"""


# What the console script is, wherever it is installed.
CONSOLE = "import sys; from batch_transform.pipeline.submit.console_script import main; sys.exit(main())"


@pytest.fixture
def gate(scene):
    """Holds the answers of the model until it is set."""
    opened, script = threading.Event(), scene.world.models["shaped"].script

    def held(body):
        opened.wait()
        return answers.shaped(body)

    before, script.answer = script.answer, held
    yield opened
    opened.set()
    script.answer = before


@pytest.fixture
def airflow(tmp_path):
    return AirflowHome(tmp_path, uuid.uuid4().hex)


def files(airflow, run, **sections):
    """The run as a run file of two lines over a base, with the day as a variable."""
    document = run.document | sections
    base = {name: value for name, value in document.items() if name != "run_id"}
    airflow.write("runs/_base.yml", as_yaml(base))
    airflow.write("runs/churn.yml", f"extends: _base.yml\nrun_id: {run.run_id}-${{ds}}\n")
    run.run_id = f"{run.run_id}-{DAY}"
    return run


def test_a6_the_steps_as_a_dag_with_nothing_held_while_it_waits(scene, airflow, gate, tmp_path):
    """Poison rows, so several rounds; `submit` dies at its first try; each job is created once."""
    run = files(airflow, scene.run(), staging=str(tmp_path / "staging"))
    dying = tmp_path / "dying.sh"
    dying.write_text(DYING.format(command=ROOT / "spark-submit.sh", mark=tmp_path / "died"))
    dying.chmod(0o755)
    airflow.dags(command=str(dying), environment={"VIRTUAL_ENV": sys.prefix}, poke_seconds=2)
    dag = airflow.test("churn")
    dag.until(lambda: any("java" in command for command in airflow.processes()), "Spark prepared")
    dag.until(lambda: airflow.states("churn").get("wait", ("", 0))[0] == "up_for_reschedule", "the sensor waited")
    assert [command for command in airflow.processes() if "java" in command or "pyspark" in command] == []
    assert scene.world.jobs(run.run_id)
    gate.set()
    assert dag.wait() == 0, dag.words()
    assert airflow.states("churn") == {
        "prepare": ("success", 1),
        "submit": ("success", 2),
        "wait": ("success", 1),
        "collect": ("success", 1),
    }
    report = json.loads(scene.world.body(f"runs/{run.run_id}/status.json"))
    assert report["rounds"] >= 2
    run.check(report)


def test_a_task_that_is_killed_stops_its_job_and_the_next_try_goes_on(scene, airflow, gate):
    """The variant with one task, which Airflow kills by SIGTERM while it waits for its jobs, one for each lane."""
    given = scene.run()
    good = given.document["input"] | {"where": f"id not in ({', '.join(map(str, POISON))})"}  # one round will do
    run = files(airflow, given, input=good)
    airflow.dags(
        command=[sys.executable, "-c", CONSOLE],
        environment={"SPARK_REMOTE": scene.remote, "PYTHONPATH": str(ROOT / "lib")},
        single_task=True,
    )
    dag = airflow.test("churn")
    dag.until(lambda: "InProgress" in statuses(scene, run), "a job ran")
    dag.process.send_signal(signal.SIGTERM)
    dag.until(lambda: set(statuses(scene, run)) == {"Stopped"}, "every job was stopped")
    gate.set()
    assert dag.wait() == 0, dag.words()
    assert airflow.states("churn") == {"run": ("success", 2)}
    report = json.loads(scene.world.body(f"runs/{run.run_id}/status.json"))
    # What was stopped is sent once more; each job was created once.
    assert sorted(scene.world.jobs(run.run_id)) == sorted(job["name"] for job in report["jobs"])
    assert {job["status"] for job in report["jobs"]} == {"Stopped", "Completed"}
    assert run.table("result") == expected()


def statuses(scene, run):
    client, names = scene.world.client("sagemaker"), scene.world.jobs(run.run_id)
    return [client.describe_transform_job(TransformJobName=name)["TransformJobStatus"] for name in names]
