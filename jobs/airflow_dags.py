"""A DAG of Airflow 3 for each run file of a folder, for a DAG file of a person's own (the README has an example).

Its tasks call `spark-submit.sh` or `batch-transform` as processes, in whatever environment those have: nothing of this
project, no Spark and no boto3 is needed where Airflow is. It is imported by Airflow alone.

    prepare -> submit -> wait -> collect

`wait` is a sensor in reschedule mode: between two looks it holds neither a slot nor a process. A look is `collect
--no-merge`: jobs that have ended, Completed or Failed or Stopped, are counted, and what failed is sent again in the
next round, so that one sensor waits for all rounds, however many they are. Then `collect` merges and publishes.

Each task goes on where the ledger ends, so one that Airflow tries again creates no job twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator
from airflow.sdk.bases.sensor import PokeReturnValue

DONE = 0
# What no other try mends: the run file is wrong; too many dead letters. And what a person wanted: somebody gave `stop`.
NOT_TO_BE_TRIED_AGAIN = (2, 3, 129, 130, 143)
SETTLED, PUBLISHED, HELD = "settled", "published", "held"
# A run file whose name begins so is one that others extend, and no run.
BASE_MARK = "_"
# Variables of Airflow's own environment that would lead another Python astray.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
DEFAULT_ARGS = {"retries": 2, "retry_delay": timedelta(minutes=5)}


def make_dags(
    folder: str | Path,
    *,
    command: str | Sequence[str],
    variables: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    spark_arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    poke_seconds: float = 60,
    single_task: bool = False,
    **of_dag: Any,
) -> dict[str, DAG]:
    """Returns a DAG for each run file (`*.yml`, `*.yaml`) in a folder, by its name, which is the file's.

    A file whose name begins with `_` is a base that others extend, and gets none.

    Args:
        folder: of the run files.
        command: `spark-submit.sh` or `batch-transform`, by its whole path.
        variables: of the run files; each may be a template. Default: `ds`, the day.
        arguments: more for every task, such as `--set` and its value.
        spark_arguments: for the tasks that begin Spark, if `command` is `spark-submit.sh`.
        environment: variables beside Airflow's own.
        poke_seconds: between two looks at the jobs.
        single_task: one task that does the whole `run`, instead of steps.
        of_dag: what else `airflow.sdk.DAG` takes: schedule, start_date, catchup, default_args.
    """
    words = [command] if isinstance(command, str) else list(command)
    given = {"ds": "{{ ds }}"} if variables is None else dict(variables)
    of_dag["default_args"] = DEFAULT_ARGS | of_dag.get("default_args", {})
    dags = {}
    for path in sorted([*Path(folder).glob("*.yml"), *Path(folder).glob("*.yaml")]):
        if path.name.startswith(BASE_MARK):
            continue
        shared: dict[str, Any] = {"run_file": str(path), "variables": given}
        shared |= {"arguments": arguments, "environment": environment}
        with DAG(path.stem, **of_dag) as dag:
            if single_task:
                Step(task_id="run", step="run", command=words, spark_arguments=spark_arguments, **shared)
            else:
                prepare = Step(task_id="prepare", command=words, spark_arguments=spark_arguments, **shared)
                submit = Step(task_id="submit", command=words, **shared)
                wait = Wait(task_id="wait", command=words, poke_interval=poke_seconds, **shared)
                collect = Step(task_id="collect", command=words, spark_arguments=spark_arguments, **shared)
                prepare >> submit >> wait >> collect
        dags[path.stem] = dag
    return dags


class _Calls:
    """Calls the commands: what both kinds of task are."""

    template_fields: Sequence[str] = ("variables", "arguments")

    def __init__(
        self,
        *,
        run_file: str,
        command: Sequence[str],
        variables: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **of_operator: Any,
    ) -> None:
        super().__init__(**of_operator)
        self.run_file = run_file
        self.command = list(command)
        self.variables = dict(variables or {})
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._is_killed = False

    def answer(self, step: str, *more: str) -> tuple[int, dict[str, Any]]:
        """Returns the exit code and the report of a command; its progress goes to the task's log."""
        words = [*self.command, step, self.run_file, *more, *self.arguments]
        words += [word for name, value in self.variables.items() for word in ("--var", f"{name}={value}")]
        code, lines = self._output(words)
        return code, _last_document(lines)

    def call(self, step: str, *more: str) -> dict[str, Any]:
        """Returns the report of a command, which it prints as its only line.

        Raises:
            AirflowFailException: it failed, and another try would fail alike.
            AirflowException: it failed; another try goes on where it ended.
        """
        code, report = self.answer(step, *more)
        if code == DONE:
            return report
        raise self.failure(step, code, report)

    def failure(self, step: str, code: int, report: Mapping[str, Any]) -> AirflowException:
        """Returns how a command failed: AirflowFailException where another try would fail alike."""
        told = [*(report.get("error") or ()), *(report.get("ways") or ())]
        said = f"{step}: exit code {code}, {report.get('status')}: {' '.join(told)}"
        is_final = code in NOT_TO_BE_TRIED_AGAIN and not self._is_killed
        return AirflowFailException(said) if is_final else AirflowException(said)

    def _output(self, words: list[str]) -> tuple[int, list[str]]:
        self._is_killed = False
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN} | self.environment
        # In a session of its own, so that a signal reaches all of it and nothing else.
        self._process = process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            lines = process.stdout.read().split("\n")
            return process.wait(), lines
        except BaseException:  # a time-out of Airflow's, which would leave it behind
            self._terminate()
            process.wait()
            raise
        finally:
            self._process = None

    def on_kill(self) -> None:
        """Ends the command as SIGTERM does: it stops its jobs, or leaves them, as `transform.on_interrupt` says.

        The call that waits for it goes on to wait. Airflow 3 kills the task five seconds later, and the command, being
        in a session of its own, ends all the same.
        """
        self._is_killed = True
        self._terminate()

    def _terminate(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)


def _last_document(lines: list[str]) -> dict[str, Any]:
    """The report: the last line that is not empty; none if it was killed before it could say anything."""
    said = [line for line in lines if line.strip()]
    try:
        found = json.loads(said[-1]) if said else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


class Step(_Calls, BaseOperator):
    """One command of a run, by default that of the task's name; its report is what the task returns.

    What ends a run, `collect` or `run`, must have published it: a cluster's driver tells nobody how it ended, so what
    the wrapper prints for one is looked up with `status`.
    """

    template_fields = _Calls.template_fields

    def __init__(self, *, step: str | None = None, spark_arguments: Sequence[str] = (), **of_operator: Any) -> None:
        super().__init__(**of_operator)
        self.step = step or self.task_id
        self.spark_arguments = list(spark_arguments)

    def execute(self, context: Any) -> dict[str, Any]:
        """Returns the report of the command."""
        report = self.call(self.step, *self.spark_arguments)
        if self.step in ("collect", "run") and report.get("status") != PUBLISHED:
            report = self.call("status")
            if report.get("status") != PUBLISHED:
                raise AirflowException(f"{self.step}: is not published but {report.get('status')}")
        return report


class Wait(_Calls, BaseSensorOperator):
    """Waits, in reschedule mode, until every row has its outcome, round after round; its report is what it returns."""

    template_fields = _Calls.template_fields

    def __init__(self, **of_operator: Any) -> None:
        super().__init__(mode="reschedule", **of_operator)

    def poke(self, context: Any) -> PokeReturnValue:
        """Looks at the jobs once, and has done what can be done without Spark."""
        code, report = self.answer("collect", "--no-merge")
        if code != DONE and report.get("status") == HELD:
            return PokeReturnValue(is_done=False)  # somebody else is at work on the run: no reason to use up a try
        if code != DONE:
            raise self.failure("collect", code, report)
        return PokeReturnValue(report.get("status") in (SETTLED, PUBLISHED), report)
