"""The part of `prepare`, `submit` and `collect` that needs no Spark, as one process does it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_state import RunState
from batch_transform.core.secret_values import secrets_of
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.checks.before_spark import check_unheard_of
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.commands.named_run import Reached, loaded, reached, resumable
from batch_transform.pipeline.commands.other_command import spelled
from batch_transform.pipeline.commands.step_work import is_prepared, step_report, without_spark
from batch_transform.pipeline.handshake import Handshake, seconds_before
from batch_transform.pipeline.lifecycle.acquiring_run import renewed
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.lifecycle.resuming_without_spark import NeedsSpark, resume_without_spark
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.spelling import Spelling
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.pipeline.world.package_data import PACKAGE_CACHE, resolve_input


def step_without_spark(asked: CommandLine, environ: Mapping[str, str], handshake: Handshake) -> int | None:
    """Returns a step's exit code, with its report at the handshake; None: the rest is Spark's, nothing is reported.

    Args:
        asked: the command line, of one of STEPS.
        environ: where `${name}` is looked up, and what reaches AWS.
        handshake: gets the report.
    """
    step = _Step(asked, environ, handshake)
    code = step.do(step.run)
    return None if step.needs_spark else code


def going_on(asked: CommandLine, environ: Mapping[str, str], there: Reached, state: RunState | None) -> RunConfig:
    """Returns the configuration with which a step goes on with a run, its input as `prepare` has recorded it.

    Raises:
        ConfigurationError: the run is not prepared; else as `resumable`.
    """
    if state is None and not asked.names_file:
        there.run()  # there is none, and it says which one may be meant
    if state is None or not is_prepared(state):
        program = Spelling.from_environ(environ).program
        file = asked.subject if asked.names_file else "RUNFILE"
        raise ConfigurationError(f"{there.uri}: is not prepared; first give: {shlex.join([program, PREPARE, file])}")
    return resolve_input(resumable(asked, environ, there, state), PACKAGE_CACHE)


class _Step(Guarded):
    def __init__(self, asked: CommandLine, environ: Mapping[str, str], handshake: Handshake) -> None:
        # It ends within moments by itself, and what it has recorded counts: nobody's death need end it.
        super().__init__(None, handshake, Interrupts(watch_parent=False))
        self._asked = asked
        self._environ = environ
        self.needs_spark = False
        self._began = CLOCK.monotonic() - seconds_before(environ, CLOCK.wall())

    def run(self) -> None:
        there = self.resources.enter_context(reached(self._asked, self._environ))
        run, self.place = there.recorded(), str(there.uri)
        if self._asked.command == PREPARE and not is_prepared(run.state):
            if run.state is None and self._asked.names_file:
                config = loaded(self._asked, self._environ)
                if config.emulator is not None:
                    check_unheard_of(config, self._environ)
            self.needs_spark = True
            return
        config = going_on(self._asked, self._environ, there, run.state)
        self.run_id, self.secrets = config.run_id, secrets_of(config.to_document()).values()
        meant = self._asked.command == SUBMIT
        self.driver = resume_without_spark(
            run, config, there.access, tell_terminal, is_meant=meant, switches=self._asked.switches
        )
        self.driver.ctx = replace(self.driver.ctx, began=self._began)
        self._drive(self.driver)

    def _drive(self, driver: Driver) -> None:
        if driver.ctx.lease.epoch:
            self.resources.enter_context(renewed(driver.ctx.lease))
            self._work(driver)
        config = driver.ctx.config
        report = step_report(
            driver, self._asked.command, lambda step: spelled(step, self._asked, config, self._environ)
        )
        report = driver.close(report)
        self.needs_spark |= self._may_begin_spark and report["status"] == RunStatus.SETTLED
        if not self.needs_spark:
            self.handshake.report(report)

    def _work(self, driver: Driver) -> None:
        """Does what needs no Spark. What is hurt is made again by Spark, where this step may begin it."""
        try:
            without_spark(driver, self._asked.command)
        except NeedsSpark as err:
            if not self._may_begin_spark:
                raise
            driver.ctx.tell("mend", err.what)
            self.needs_spark = True

    @property
    def _may_begin_spark(self) -> bool:
        return self._asked.command == COLLECT and not self._asked.no_merge
