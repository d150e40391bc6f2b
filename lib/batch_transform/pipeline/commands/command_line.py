"""The command line of `spark-submit.sh`: its own arguments, and those that it passes on. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.spark_arguments import OPTIONS, SWITCHES

RUN, RESUME, STATUS, STOP, CLEAN, PLAN, COMPARE = "run", "resume", "status", "stop", "clean", "plan", "compare"
# A run in steps, each of which ends at once.
PREPARE, SUBMIT, COLLECT = "prepare", "submit", "collect"
STEPS = (PREPARE, SUBMIT, COLLECT)
COMMANDS_BUILT = (RUN, RESUME, PLAN, *STEPS, STATUS, STOP, CLEAN, COMPARE)
# Those that Spark has no part in.
WITHOUT_SPARK = (STATUS, STOP, CLEAN, COMPARE)
# Those that begin with a run file and not with a run that is there.
OF_A_RUN_FILE = (RUN, PLAN, PREPARE)
NO_MERGE = "--no-merge"
RETRY_DEAD = "--retry-dead"
OWN_OPTIONS = {
    "--var": "variables",
    "--set": "sets",
    "--emulator": "emulator_models",
    "--older-than": "older_than",
    "--lifecycle": "lifecycle",
    "--endpoint": "endpoint",
    "--rows": "rows",
    "--tolerance": "tolerance",
}
ACCEPT_MODEL = "--accept-model"
OWN_SWITCHES = {
    "--unfinished": "unfinished",
    NO_MERGE: "no_merge",
    RETRY_DEAD: "retry_dead",
    ACCEPT_MODEL: "accept_model",
}
# The options that belong to some commands only.
BELONGING: dict[str, tuple[str, ...]] = {
    "older_than": (CLEAN,),
    "lifecycle": (CLEAN,),
    "unfinished": (CLEAN,),
    "no_merge": (COLLECT,),
    "retry_dead": (RESUME,),
    "accept_model": (RUN, RESUME, SUBMIT, COLLECT),
    "endpoint": (COMPARE,),
    "rows": (COMPARE,),
    "tolerance": (COMPARE,),
}


@dataclass(frozen=True)
class CommandLine:
    """What was asked for.

    Attributes:
        subject: the path of a run file; for the commands that are not OF_A_RUN_FILE also the run's folder on S3, for
            `clean` also a workspace.
        command: one of COMMANDS_BUILT.
        variables: `name=value` each.
        sets: `a.b=value` each.
        emulator_models: `NAME=COMMAND_OR_URL` each.
        older_than: days, of `clean`; the last one given.
        lifecycle: days, of `clean`; the last one given.
        unfinished: of `clean`: whether a run goes that is not published.
        endpoint: of `compare`; the last one given.
        rows: of `compare`: how many; the last one given.
        tolerance: of `compare`: the difference of two numbers that is none; the last one given.
        no_merge: of `collect`: whether it ends where a merge would begin.
        retry_dead: of `resume`: whether the dead rows of an unpublished run are sent again.
        accept_model: of what goes on with a run: whether its model may be another one than scored before.
        spark: options of spark-submit with their values.
        rest: what stood after `--`, passed on unread.
    """

    subject: str
    command: str = RUN
    variables: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    emulator_models: tuple[str, ...] = ()
    older_than: tuple[str, ...] = ()
    lifecycle: tuple[str, ...] = ()
    unfinished: bool = False
    endpoint: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    tolerance: tuple[str, ...] = ()
    no_merge: bool = False
    retry_dead: bool = False
    accept_model: bool = False
    spark: tuple[tuple[str, str | None], ...] = ()
    rest: tuple[str, ...] = ()


def step_of(asked: CommandLine) -> str:
    """Returns what a driver is told that it does: a step of a run; RESUME of one that goes on with what it has; RUN.

    A run file names the input anew, also to `resume`; a run's folder does not.
    """
    is_run = asked.command == RESUME and not is_s3(asked.subject)
    return RUN if is_run else asked.command


@dataclass
class _Reading:
    own: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in OWN_OPTIONS.values()})
    switches: set[str] = field(default_factory=set)
    spark: list[tuple[str, str | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, argument: str, following: list[str]) -> None:
        """Sorts one argument, and takes its value from the following ones where it needs one."""
        name, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            self.words.append(argument)
        elif name in OWN_SWITCHES:
            self.switches.add(OWN_SWITCHES[name])
        elif name in SWITCHES:
            self.spark.append((name, None))
        elif name not in OPTIONS and name not in OWN_OPTIONS:
            self.faults.append(_unknown(name))
        elif not equals and not following:
            self.faults.append(f"{name}: needs a value")
        else:
            self._option(name, value if equals else following.pop(0))

    def _option(self, name: str, value: str) -> None:
        # Those of spark-submit keep their order: the last of two equal settings holds.
        if name in OWN_OPTIONS:
            self.own[OWN_OPTIONS[name]].append(value)
        else:
            self.spark.append((name, value))


def parse(arguments: list[str]) -> CommandLine:
    """Returns what the arguments ask for.

    An option that neither this command nor spark-submit knows is refused, so that a misspelled `--set` is not passed
    on in silence; what stands after `--` is not read.

    Raises:
        ConfigurationError: with all faults of the arguments.
    """
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    pending, rest = arguments[:cut], arguments[cut + 1 :]
    reading = _Reading()
    while pending:
        reading.take(pending.pop(0), pending)
    command, subject = _subject(reading)
    own = {name: tuple(values) for name, values in reading.own.items()}
    _check_fitting(command, [name for name in BELONGING if own.get(name) or name in reading.switches], reading)
    if reading.faults:
        raise ConfigurationError(reading.faults)
    chosen: dict[str, Any] = {**own, **{name: name in reading.switches for name in OWN_SWITCHES.values()}}
    return CommandLine(subject, command, **chosen, spark=tuple(reading.spark), rest=tuple(rest))


def _subject(reading: _Reading) -> tuple[str, str]:
    words, command = list(reading.words), RUN
    if words and words[0] in COMMANDS_BUILT:
        command = words.pop(0)
    folder = "RUN (a run's folder, s3://bucket/prefix/run_id, or its run file)"
    what = "RUNFILE" if command in OF_A_RUN_FILE else folder
    if len(words) != 1:
        given = f"got {', '.join(words)}" if words else "none given"
        reading.faults.append(f"{what}: exactly one is needed, {given}; see --help")
    return command, words[0] if words else ""


def _check_fitting(command: str, given: list[str], reading: _Reading) -> None:
    for owners in dict.fromkeys(BELONGING[name] for name in given):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given if BELONGING[name] == owners)
        if command not in owners:
            reading.faults.append(f"{names}: belongs to {', '.join(owners)}, not to {command}")
    if reading.spark and (command in (*WITHOUT_SPARK, SUBMIT) or "no_merge" in reading.switches):
        names = ", ".join(name for name, _ in reading.spark)
        reading.faults.append(f"{names}: is spark-submit's, and {command} runs without Spark")


def _unknown(name: str) -> str:
    close = get_close_matches(name, [*OWN_OPTIONS, *OWN_SWITCHES, *OPTIONS], n=1)
    hint = f"; did you mean {close[0]}?" if close else "; after -- anything is passed on"
    return f"{name}: is no option of this command nor of spark-submit{hint}"
