"""The command line of `spark-submit.sh`: its own arguments, and those that it passes on. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.spark_arguments import OPTIONS, SWITCHES

COMMANDS_BUILT = ("run",)
COMMANDS_LATER = ("plan", "status", "resume", "stop")
OWN_OPTIONS = {"--var": "variables", "--set": "sets", "--emulator": "emulator_models"}


@dataclass(frozen=True)
class CommandLine:
    """What was asked for.

    Attributes:
        run_file: its path.
        variables: `name=value` each.
        sets: `a.b=value` each.
        emulator_models: `NAME=COMMAND_OR_URL` each.
        spark: options of spark-submit with their values.
        rest: what stood after `--`, passed on unread.
    """

    run_file: str
    variables: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    emulator_models: tuple[str, ...] = ()
    spark: tuple[tuple[str, str | None], ...] = ()
    rest: tuple[str, ...] = ()


@dataclass
class _Reading:
    own: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in OWN_OPTIONS.values()})
    spark: list[tuple[str, str | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, argument: str, following: list[str]) -> None:
        """Sorts one argument, and takes its value from the following ones where it needs one."""
        name, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            self.words.append(argument)
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
    run_file = _run_file(reading)
    if reading.faults:
        raise ConfigurationError(reading.faults)
    own = {name: tuple(values) for name, values in reading.own.items()}
    return CommandLine(run_file, **own, spark=tuple(reading.spark), rest=tuple(rest))


def _run_file(reading: _Reading) -> str:
    words = list(reading.words)
    if words and words[0] in COMMANDS_LATER:
        reading.faults.append(f"{words[0]}: is not built yet; built: {', '.join(COMMANDS_BUILT)}")
        return ""
    if words and words[0] in COMMANDS_BUILT:
        words.pop(0)
    if len(words) != 1:
        given = f"got {', '.join(words)}" if words else "none given"
        reading.faults.append(f"RUNFILE: exactly one is needed, {given}; see --help")
    return words[0] if words else ""


def _unknown(name: str) -> str:
    close = get_close_matches(name, [*OWN_OPTIONS, *OPTIONS], n=1)
    hint = f"; did you mean {close[0]}?" if close else "; after -- anything is passed on"
    return f"{name}: is no option of this command nor of spark-submit{hint}"
