"""The console script `batch-transform`: a run in this process, for a Python wheel task, and the commands about runs."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError, Interrupted, ServiceFailure
from batch_transform.core.escaping import visible_json
from batch_transform.core.ledger import JsonObject
from batch_transform.core.progress.event_lines import ERROR
from batch_transform.core.publishing.last_words import is_told_in_words
from batch_transform.core.publishing.report import already_published
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.argument_parser import asked_for
from batch_transform.pipeline.commands.command_line import CommandLine, parse, step_of
from batch_transform.pipeline.commands.command_options import JSON, PLAN, PREPARE, RUN, STEPS
from batch_transform.pipeline.commands.dispatch import configuration, done_without_spark
from batch_transform.pipeline.commands.other_command import commands_here
from batch_transform.pipeline.commands.package import ENTRY, ENTRY_TEXT
from batch_transform.pipeline.ending.exits import ended, teller
from batch_transform.pipeline.handshake import BEGAN_VARIABLE, Handshake, variables
from batch_transform.pipeline.spelling import PROGRAM_NAME, PROGRAM_VARIABLE
from batch_transform.pipeline.standard_output import lost_of, open_streams
from batch_transform.pipeline.submit.destination import destination
from batch_transform.pipeline.telling import write_log_as
from batch_transform.pipeline.world.package_data import PACKAGE_CACHE, resolve_input


def main() -> None:
    """Does what the arguments of this process ask for, and returns if all is well.

    Raises:
        SystemExit: with the exit code, where it is not 0: Databricks' launcher of a wheel ignores what is returned.
    """
    open_streams()
    code = exit_code(sys.argv[1:])
    if code:
        raise SystemExit(code)


def exit_code(arguments: list[str], *, is_job: bool = False) -> int:
    """Returns the exit code of a command; its report, or the help, is all that is on standard output.

    Args:
        arguments: of the command line.
        is_job: whether this is the driver that a target has started, which sends the run nowhere else.
    """
    printed, code = PrintedReport.from_environ(os.environ), 4
    if (text := asked_for(arguments)) is not None:
        printed.show(text.removesuffix("\n"))
        return printed.code_of(0)
    with ExitStack() as resources:
        try:
            asked = parse(arguments)
            printed = dataclasses.replace(printed, is_json=JSON in asked.form[-1:])
            write_log_as(*asked.log)
            began = {} if is_job else {BEGAN_VARIABLE: str(time.time())}
            resources.enter_context(variables({**began, **commands_here(asked, os.environ)}))
            code = _done(asked, printed, is_job)
        except KeyboardInterrupt as err:  # Python's own as well, before anything handles signals
            code = ended(err if isinstance(err, Interrupted) else Interrupted(signal.SIGINT), printed)
        except Exception as err:  # noqa: BLE001 - whoever called needs a report and an exit code of ours
            code = ended(err, printed)
        finally:
            printed.end(code)
    return printed.code_of(code)


def _done(asked: CommandLine, printed: PrintedReport, is_job: bool) -> int:
    if asked.command in STEPS:
        _refuse_spark_options(asked)
    if (done := done_without_spark(asked, os.environ, printed)) is not None:
        return done
    config = configuration(asked, os.environ)
    if not is_job and (asked.dry_run or destination(asked, config, os.environ) is not None):
        return _sent(asked, printed)
    document = resolved(asked, config)
    # Imported late: a wrong run file is refused without the seconds that Spark's modules take.
    if asked.command == PLAN:
        from batch_transform.pipeline.checks.before_spark import check_plan
        from batch_transform.pipeline.commands.plan import plan_job

        check_plan(config, os.environ, teller("warning"))

        return plan_job(document, printed, exact=asked.exact, show_record=asked.show_record)
    from batch_transform.pipeline.checks.before_spark import told_before_spark
    from batch_transform.pipeline.commands.run import run_job

    # In a cluster's job Spark is there already, and the run asks AWS all at once.
    if asked.command in (RUN, PREPARE) and not asked.retry_dead and not (is_job and config.emulator is None):
        report = told_before_spark(config, os.environ)
        if report is not None:
            teller(RUN)(already_published(report))
            printed.report(report)
            return 0

    with variables(commands_here(asked, os.environ, RunConfig.from_document(document))):
        return run_job(document, printed, step_of(asked), asked.switches)


def _sent(asked: CommandLine, printed: PrintedReport) -> int:
    """Does what `spark-submit.sh` does with the same arguments, for whoever has no more than the wheel."""
    from batch_transform.pipeline.submit.spark_arguments import COMMAND_FILE, FALLBACK_FILE
    from batch_transform.pipeline.submit.submission import submit
    from batch_transform.pipeline.submit.supervising import Supervised

    with tempfile.TemporaryDirectory(prefix="batch-transform.") as folder:
        work = Path(folder)
        (work / ENTRY).write_text(ENTRY_TEXT, encoding="utf-8")
        fallback = Handshake(report_file=work / FALLBACK_FILE)
        code = submit(asked, work, work / ENTRY, {PROGRAM_VARIABLE: PROGRAM_NAME, **os.environ}, fallback)
        if (work / COMMAND_FILE).exists():
            supervised = Supervised(work, os.environ)
            code = supervised.run(work / COMMAND_FILE)
            if supervised.is_without_word(code):
                return ended(Interrupted(code - 128), printed, "before the driver wrote a report")
        written = [path for path in (work / "report", work / FALLBACK_FILE) if path.exists()]
        report = json.loads(written[0].read_text(encoding="utf-8")) if written else {"status": RunStatus.FAILED}
        if written:
            printed.report(report)
        if report["status"] == RunStatus.FAILED:  # what came in the place of a report tells of no work that is done
            return code or ServiceFailure.exit_code
        return code


def resolved(asked: CommandLine, config: RunConfig) -> JsonObject:
    """Returns the document of the run that is asked for.

    Raises:
        ConfigurationError: options are for spark-submit, which has begun.
    """
    _refuse_spark_options(asked)
    return resolve_input(config, PACKAGE_CACHE).to_document()


def _refuse_spark_options(asked: CommandLine) -> None:
    if asked.spark or asked.rest:
        names = ", ".join([name for name, _ in asked.spark] + ["what stands after --"] * bool(asked.rest))
        raise ConfigurationError(
            f"{names}: are spark-submit's; this command runs in a Spark that is there already: leave them out, or use "
            "spark-submit.sh"
        )


@dataclasses.dataclass(frozen=True)
class PrintedReport(Handshake):
    """A handshake that also prints the report when the process ends, and after it what a person is told last.

    Attributes:
        is_json: whether it prints one on a terminal as well that is told there in words.
        lost: why what was to be printed is not, if so.
    """

    is_json: bool = False
    lost: list[str] = dataclasses.field(default_factory=list, compare=False)

    def show(self, text: str) -> None:
        """Prints it."""
        self._print(f"{text}\n")

    def end(self, exit_code: int) -> None:
        """Prints the last report to standard output, whose only line it is; not where a person has it in words."""
        for report in self.reports:
            if sys.stdout.isatty() and not self.is_json and is_told_in_words(report):
                continue
            self._print(visible_json(report) + "\n")
        super().end(exit_code)

    def code_of(self, exit_code: int) -> int:
        """Returns the exit code of the process: who is to read what could not be printed must not take it for done."""
        return exit_code or (ServiceFailure.exit_code if self.lost else 0)

    def _print(self, text: str) -> None:
        if why := lost_of(text):
            self.lost.append(why)
            teller(ERROR)(why)
