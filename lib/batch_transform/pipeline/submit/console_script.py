"""The console script `batch-transform`: a run in this process, for a Python wheel task, and the commands about runs."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.escaping import visible_json
from batch_transform.core.ledger import JsonObject
from batch_transform.pipeline.commands.command_line import STEPS, WITHOUT_SPARK, CommandLine, parse, step_of
from batch_transform.pipeline.commands.dispatch import configuration, execute
from batch_transform.pipeline.commands.other_command import spelled
from batch_transform.pipeline.commands.parser import PLAN, SUBMIT, asked_for
from batch_transform.pipeline.commands.steps import step_without_spark
from batch_transform.pipeline.ending.exits import ended, teller
from batch_transform.pipeline.handshake import SUBMIT_NEXT, Handshake
from batch_transform.pipeline.world.package_data import PACKAGE_CACHE, resolve_input


def main() -> None:
    """Does what the arguments of this process ask for, and returns if all is well.

    Raises:
        SystemExit: with the exit code, where it is not 0: Databricks' launcher of a wheel ignores what is returned.
    """
    code = exit_code(sys.argv[1:])
    if code:
        raise SystemExit(code)


def exit_code(arguments: list[str]) -> int:
    """Returns the exit code of a command; its report, or the help, is all that is on standard output."""
    if (text := asked_for(arguments)) is not None:
        sys.stdout.write(text)
        return 0
    printed = PrintedReport(**vars(Handshake.from_environ(os.environ)))
    try:
        return _done(parse(arguments), printed)
    except Exception as err:  # noqa: BLE001 - whatever it is, whoever called needs a report and an exit code of ours
        return ended(err, printed)


def _done(asked: CommandLine, printed: PrintedReport) -> int:
    if asked.command in WITHOUT_SPARK:
        printed.report(execute(asked, os.environ, teller(asked.command)))
        return 0
    if asked.command in STEPS:
        _refuse_spark_options(asked)
        done = step_without_spark(asked, os.environ, printed)
        if not done.needs_spark:
            return done.exit_code
    document = resolved(asked)
    # Imported late: a wrong run file is refused without the seconds that Spark's modules take.
    if asked.command == PLAN:
        from batch_transform.pipeline.commands.plan import plan_job

        return plan_job(document, printed)
    from batch_transform.pipeline.commands.run import run_job

    following = spelled(SUBMIT, asked, RunConfig.from_document(document), os.environ)
    with _variable(SUBMIT_NEXT, following):
        return run_job(document, printed, step_of(asked), retry_dead=asked.retry_dead, accept_model=asked.accept_model)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Sets a variable of the environment within the block: the process may be another's, and go on."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def resolved(asked: CommandLine) -> JsonObject:
    """Returns the document of the run that is asked for.

    Raises:
        ConfigurationError: the arguments or the run file are wrong, or options are for spark-submit, which has begun.
    """
    _refuse_spark_options(asked)
    return resolve_input(configuration(asked, os.environ), PACKAGE_CACHE).to_document()


def _refuse_spark_options(asked: CommandLine) -> None:
    if asked.spark or asked.rest:
        names = ", ".join([name for name, _ in asked.spark] + ["what stands after --"] * bool(asked.rest))
        raise ConfigurationError(f"{names}: are spark-submit's; this command runs in a Spark that is there already")


@dataclasses.dataclass(frozen=True)
class PrintedReport(Handshake):
    """A handshake that also prints the report."""

    def report(self, report: JsonObject) -> None:
        """Writes the report to its file, if one is named, and to standard output."""
        super().report(report)
        sys.stdout.write(visible_json(report) + "\n")
        sys.stdout.flush()  # a process that is ended while it hangs flushes nothing
