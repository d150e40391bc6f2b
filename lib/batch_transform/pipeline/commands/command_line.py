"""The command line: what was asked for, of this program and of spark-submit. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.argument_faults import (
    DASH,
    foreign_options,
    names_file,
    options_at_odds,
    options_of_spark,
    subject_faults,
    unknown_option,
    wrong_values,
)
from batch_transform.pipeline.commands.argument_parser import parser_of_all
from batch_transform.pipeline.commands.command_options import (
    COMMANDS,
    LIFECYCLE,
    OLDER_THAN,
    OWN,
    RESUME,
    RUN,
    option_of,
)
from batch_transform.pipeline.commands.spark_submit_arguments import OPTIONS, SWITCHES
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.telling import TEXT_LOG


@dataclass(frozen=True)
class CommandLine:
    """What was asked for: each option of `command_options` has a field, and is told there.

    A switch is whether it was given, any other option all the values it was given. Of `variables`, `sets`,
    `emulator_models` and `only` all count, of the others the last.

    Attributes:
        subject: the path of a run file, or its location on S3; for the commands that are not OF_A_RUN_FILE also the
            run's folder on S3, for `clean` also a workspace.
        command: one of COMMANDS.
        spark: options of spark-submit with their values.
        rest: what stood after `--`, passed on unread.
        given: all of it, as it was typed.
    """

    subject: str
    command: str = RUN
    variables: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    emulator_models: tuple[str, ...] = ()
    older_than: tuple[str, ...] = ()
    lifecycle: tuple[str, ...] = ()
    unfinished: bool = False
    rows_only: bool = False
    dry_run: bool = False
    document: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    exact: bool = False
    show_record: bool = False
    target: tuple[str, ...] = ()
    dist: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    endpoint: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    tolerance: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    job: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    bucket: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    instance_type: tuple[str, ...] = ()
    price_per_hour: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    keep: bool = False
    input: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    workspace: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    no_merge: bool = False
    retry_dead: bool = False
    accept_model: bool = False
    accept_expectations: bool = False
    spark: tuple[tuple[str, str | None], ...] = ()
    rest: tuple[str, ...] = ()
    given: tuple[str, ...] = field(default=(), compare=False)

    @property
    def names_file(self) -> bool:
        """Whether the subject is a run file."""
        return names_file(self.command, self.subject)

    @property
    def switches(self) -> RunSwitches:
        """What the run's driver is told as well."""
        return RunSwitches(self.retry_dead, self.accept_model, self.accept_expectations)


def step_of(asked: CommandLine) -> str:
    """Returns what a driver is told that it does: a step of a run; RESUME of one that goes on with what it has; RUN.

    A run file names the input anew, also to `resume`; a run's folder does not.
    """
    is_run = asked.command == RESUME and asked.names_file
    return RUN if is_run else asked.command


def log_form(asked: CommandLine) -> str:
    """Returns the form in which it is told what happens."""
    return asked.log[-1] if asked.log else TEXT_LOG


def parse(arguments: Sequence[str]) -> CommandLine:
    """Returns what the arguments ask for.

    An option that neither this command nor spark-submit knows is refused, so that a misspelled `--set` is not passed
    on in silence; what stands after `--` is not read.

    Raises:
        ConfigurationError: with all faults of the arguments.
    """
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    given = _Given.of(arguments[:cut])
    found, left = parser_of_all().parse_known_args([given.command, *given.subjects, *given.whole_flags])
    # By the names of CommandLine's fields: strings for what takes values, bools for flags, as the parser declares them.
    asked: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in vars(found).items()
    }
    # argparse takes -1, and what has a blank in it, for a word.
    left += [argument for argument in asked.pop("words") if not _is_word(argument)]
    subject, rest = given.subjects[0] if given.subjects else "", tuple(arguments[cut + 1 :])
    line = CommandLine(subject, **asked, spark=given.spark, rest=rest, given=tuple(arguments))
    if faults := [*_faults(given, left, line)]:
        raise ConfigurationError(faults)
    return line


@dataclass(frozen=True)
class _Given:
    """The arguments, sorted.

    Attributes:
        all: each with its value.
        valued: the options that take a value.
    """

    all: tuple[str, ...]
    valued: frozenset[str]

    @classmethod
    def of(cls, arguments: Sequence[str]) -> _Given:
        """Joins each option with its value; which take one depends on the command."""
        meant = next((argument for argument in arguments if argument in COMMANDS), RUN)
        valued = OPTIONS | {flag for flag in OWN if option_of(flag, meant).value is not None}
        return cls(tuple(_with_values(arguments, valued)), frozenset(valued))

    @property
    def words(self) -> list[str]:
        """What is no option."""
        return [argument for argument in self.all if _is_word(argument)]

    @property
    def command(self) -> str:
        """The first word, if it is a command."""
        return next((word for word in self.words[:1] if word in COMMANDS), RUN)

    @property
    def subjects(self) -> list[str]:
        """The words behind the command."""
        words = self.words
        return words[1:] if words and words[0] in COMMANDS else words

    @property
    def flags(self) -> list[str]:
        """Options that are not spark-submit's."""
        return [argument for argument in self.all if not _is_word(argument) and _name(argument) not in _SPARKS]

    @property
    def whole_flags(self) -> list[str]:
        """Those of them that do not lack their value."""
        return [flag for flag in self.flags if flag not in self.valued]

    @property
    def spark(self) -> tuple[tuple[str, str | None], ...]:
        """The options that are spark-submit's."""
        found = (each for each in self.all if _name(each) in _SPARKS and each not in self.valued)
        return tuple(_option(argument) for argument in found)


def _faults(given: _Given, left: Sequence[str], line: CommandLine) -> Iterator[str]:
    """All that is wrong with arguments, of which argparse has left some and taken the others for this."""
    unknown = [argument for argument in left if _name(argument) not in OWN]
    known = [_name(argument) for argument in left if _name(argument) in OWN]
    yield from (unknown_option(_name(argument)) for argument in unknown)
    yield from (f"{argument}: needs a value" for argument in given.all if argument in given.valued)
    yield from subject_faults(given.command, given.subjects, _beside(given.all, unknown))
    yield from foreign_options(given.command, known)
    yield from options_at_odds([_name(argument) for argument in given.flags])
    yield from options_of_spark(given.command, [name for name, _ in given.spark], line.no_merge)
    days = {OLDER_THAN: line.older_than, LIFECYCLE: line.lifecycle}
    yield from wrong_values(line.target, line.form, line.limit, line.log, line.document, days)


_SPARKS = OPTIONS | SWITCHES


def _is_word(argument: str) -> bool:
    return argument == DASH or not argument.startswith("-")


def _beside(given: Sequence[str], unknown: Collection[str]) -> Sequence[str]:
    """The words that are no options, without the command and those that may be values of options that nobody knows."""
    behind = zip(["", *given], given, strict=False)
    words = [word for before, word in behind if _is_word(word) and (before not in unknown or "=" in before)]
    return words[1:] if words and words[0] in COMMANDS else words


def _with_values(arguments: Sequence[str], valued: Collection[str]) -> Iterator[str]:
    """The arguments with each value joined to its option, `--name=value`: it may begin with a dash, as Java's do."""
    pending = list(arguments)
    while pending:
        argument = pending.pop(0)
        yield f"{argument}={pending.pop(0)}" if argument in valued and pending else argument


def _name(argument: str) -> str:
    return argument.partition("=")[0]


def _option(argument: str) -> tuple[str, str | None]:
    name, equals, value = argument.partition("=")
    return name, value if equals else None
