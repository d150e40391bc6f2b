"""What happens before spark-submit: the run file is resolved and refused or turned into spark-submit's command.

`python -m batch_transform.pipeline.submit.submission WORK ENTRY ARGUMENT...` writes into the folder WORK:
`resolved.json` (the checked run file), `lib` or `lib.zip` (the run's modules), `command.json` (for `exec_command`), and
`fallback.json`, the report that is printed when the driver leaves none. With exit code 2 there are `fallback.json` and
the faults on standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from batch_transform.config import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.ledger import JsonObject
from batch_transform.core.publishing.report import already_published
from batch_transform.core.report_keys import FaultReport, RunReport
from batch_transform.core.statuses import RunStatus
from batch_transform.deploy.port import SparkTarget
from batch_transform.pipeline.checks.before_spark import check_plan, told_before_spark
from batch_transform.pipeline.commands.command_line import CommandLine, log_form, parse, step_of
from batch_transform.pipeline.commands.command_options import EXACT, LOG_FORM, PLAN, PREPARE, RUN, SHOW_RECORD
from batch_transform.pipeline.commands.dispatch import configuration, done_without_spark
from batch_transform.pipeline.commands.other_command import commands_here
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments
from batch_transform.pipeline.ending.exits import ended, teller
from batch_transform.pipeline.handshake import Handshake, variables
from batch_transform.pipeline.spelling import PROGRAM_VARIABLE
from batch_transform.pipeline.submit.archive import copy_compiled, write_archive
from batch_transform.pipeline.submit.class_archive import java_options
from batch_transform.pipeline.submit.deployment import deployed, dry_run
from batch_transform.pipeline.submit.destination import (
    LOG4J,
    check_machine,
    destination,
    placed_arguments,
)
from batch_transform.pipeline.submit.spark_arguments import (
    COMMAND_FILE,
    FALLBACK_FILE,
    IVY_FILE,
    LIB,
    LIB_ZIP,
    LOGGING_FILE,
    RESOLVED_FILE,
    WORKER_DAEMON,
    Folders,
    environment,
    finds_files,
    full_arguments,
)
from batch_transform.pipeline.submit.watching import choose_display
from batch_transform.pipeline.telling import JSON_LOG, write_log_as
from batch_transform.pipeline.world.jars import ivy_settings, reads_s3
from batch_transform.pipeline.world.package_data import PACKAGE_CACHE, resolve_input
from batch_transform.pipeline.world.s3a_access import check_s3a
from batch_transform.pipeline.world.spark_home import SparkHome

BeforeSpark = Callable[[RunConfig, Mapping[str, str], bool], RunReport | None]


def write_submission(
    asked: CommandLine,
    config: RunConfig,
    target: SparkTarget | None,
    places: Folders,
    environ: Mapping[str, str],
    handshake: Handshake,
    tell: BeforeSpark,
) -> None:
    """Writes everything that `exec_command` and the driver need into the work folder; of a published run its report.

    With `--dry-run` there is no command but a report of it.

    Raises:
        ConfigurationError: the run file or the arguments are wrong.
    """
    home, given = placed_arguments(asked, config, target, places.work, environ)
    _check(asked, config, given, home, environ)
    is_told = asked.command in (RUN, PREPARE) and not asked.retry_dead and not given.in_cluster and not asked.dry_run
    if is_told and (report := tell(config, environ, given.local)):
        teller(RUN)(already_published(report))
        handshake.report(report)
        return
    config = resolve_input(config, PACKAGE_CACHE)
    if given.local and (options := java_options(home, environ)):
        given = given.with_default("spark.driver.extraJavaOptions", options)
    given, variables_of_modules = _with_modules(given, asked.rest, home, places, environ)
    arguments = full_arguments(config, given, home, places, environ)
    resolved = RESOLVED_FILE if given.in_cluster else str(places.work / RESOLVED_FILE)
    command = [home.command, *arguments.command_line(), *asked.rest, str(places.entry), "--resolved", resolved]
    command += _words_of_the_driver(asked)
    (places.work / LOGGING_FILE).write_text(LOG4J, encoding="utf-8")
    (places.work / IVY_FILE).write_text(ivy_settings(environ), encoding="utf-8")
    added = environment(config, given, places, home, environ) | variables_of_modules
    if not given.in_cluster:
        added |= commands_here(asked, {PROGRAM_VARIABLE: "spark-submit.sh", **environ}, config)
    choose_display(places.work, log_form(asked), is_elsewhere=given.in_cluster)
    _write_json(places.work / RESOLVED_FILE, config.to_document())
    if asked.dry_run:
        handshake.report(dry_run(asked, config, arguments, target, command, added))
        return
    # Before its report: a report without a command is that of what is done here, also where a signal comes in between.
    _write_json(places.work / COMMAND_FILE, {"command": command, "environment": added})
    handshake.report(_fallback(config, arguments))


def _check(
    asked: CommandLine, config: RunConfig, given: SparkArguments, home: SparkHome, environ: Mapping[str, str]
) -> None:
    """Refuses what neither this machine's Spark nor a plan's way of telling can do."""
    check_machine(config, given)
    if reads_s3(config):
        check_s3a(config, home.versions().hadoop)
    if asked.command == PLAN and given.in_cluster:
        raise ConfigurationError(
            "plan: is printed by its driver, which is here with --deploy-mode client only; leave --deploy-mode out"
        )
    if asked.command == PLAN:
        check_plan(config, environ, teller("warning"), given.local)


def _words_of_the_driver(asked: CommandLine) -> list[str]:
    """What the driver is told besides where its configuration lies."""
    step = step_of(asked)
    return [
        *(["--step", step] if step != RUN else []),
        *([EXACT] if asked.exact else []),
        *([SHOW_RECORD] if asked.show_record else []),
        *asked.switches.flags,
        *([LOG_FORM, JSON_LOG] if log_form(asked) == JSON_LOG else []),
    ]


def _with_modules(
    given: SparkArguments, rest: Sequence[str], home: SparkHome, places: Folders, environ: Mapping[str, str]
) -> tuple[SparkArguments, dict[str, str]]:
    """Returns the arguments and the variables by which a run's processes find its modules, once they are written."""
    if not finds_files(given, rest, home, places, environ):
        archive = write_archive(places.lib, places.work / LIB_ZIP)
        return given.with_added("spark.submit.pyFiles", [str(archive)]), {}
    folder, sources = str(copy_compiled(places.lib, places.work / LIB)), str(places.lib)
    # Without the sources, which the wrapper names before what a person has named.
    named = environ.get("PYTHONPATH") or sources
    theirs = [] if named == sources else [named.removeprefix(f"{sources}{os.pathsep}")]
    found = {"PYTHONPATH": os.pathsep.join([folder, *theirs])}
    return given.with_default("spark.python.daemon.module", WORKER_DAEMON), found


def _fallback(config: RunConfig, arguments: SparkArguments) -> FaultReport:
    if arguments.in_cluster:
        report = str(config.layout.status)
        return {"run_id": config.run_id, "status": RunStatus.SUBMITTED.value, "report": report}
    error = "the driver ended before it wrote a report; standard error says why"
    return {"run_id": config.run_id, "status": RunStatus.FAILED.value, "error": [error], "report": None}


def _write_json(path: Path, document: JsonObject) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def main(arguments: list[str], environ: Mapping[str, str] = os.environ, tell: BeforeSpark = told_before_spark) -> int:
    """Returns the exit code: 0 with everything written, 2 with the faults on standard error, 4 where it failed.

    A command that needs no Spark, or the part of a step that needs none, is done here; it leaves its report and no
    command.

    Args:
        arguments: WORK ENTRY ARGUMENT...
        environ: of the wrapper.
        tell: what is told before Spark starts of a run whose driver is here.
    """
    work, entry, *rest = arguments
    handshake = Handshake(report_file=Path(work) / FALLBACK_FILE)
    with ExitStack() as resources:
        try:
            write_log_as(*(asked := parse(rest)).log)
            resources.enter_context(variables(commands_here(asked, {PROGRAM_VARIABLE: "spark-submit.sh", **environ})))
            return submit(asked, Path(work), Path(entry), environ, handshake, tell)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wrapper needs a report and an exit code of ours
            return ended(error, handshake)


def submit(
    asked: CommandLine,
    work: Path,
    entry: Path,
    environ: Mapping[str, str],
    handshake: Handshake,
    tell: BeforeSpark = told_before_spark,
) -> int:
    """Returns the exit code of what is done here; `work` then holds the command of what is left, if anything is.

    Raises:
        BatchTransformError: as the command that is asked for.
    """
    if (code := done_without_spark(asked, environ, handshake)) is not None:
        return code
    config = configuration(asked, environ)
    target = destination(asked, config, environ)
    lib = Path(__file__).resolve().parents[3]
    if target is not None and not isinstance(target, SparkTarget):
        handshake.report(deployed(asked, config, target, environ, lib))
        return 0
    places = Folders(work.resolve(), entry.resolve(), lib)
    write_submission(asked, config, target, places, environ, handshake, tell)
    return 0


if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    gc.freeze()  # what was imported is not looked through once more
    sys.exit(exit_code)
