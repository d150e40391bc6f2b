"""The commands, their options and their help, as one parser of argparse. Needs nothing that is not Python's own.

`python -m batch_transform.pipeline.commands.argument_parser ARGUMENT...` prints the help, or the version, that they ask
for.
"""

from __future__ import annotations

import os
import sys
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from batch_transform.core import __version__
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_options import (
    COMMANDS,
    HELP,
    OWN,
    SMOKE,
    SMOKE_WAYS,
    VERSION,
    has_option,
    option_of,
)
from batch_transform.pipeline.spelling import PROGRAM_NAME, PROGRAM_VARIABLE
from batch_transform.pipeline.standard_output import lost_of, open_streams

_WAYS = """\
WORKSPACE is the folder of the runs, s3://bucket/prefix, or the run file of one.
RUN is a run's folder, s3://bucket/prefix/run_id (its id, or its folder's name), or its run file (with --var and --set
as it was begun).
spark-submit.sh passes on what spark-submit knows (--master, --conf, ...), where a command begins Spark, and whatever
stands after --."""
_ENDS = """\
The one line on standard output is the report, in JSON; everything else goes to standard error, at its end what became
of it in a sentence. On a terminal, where words tell a run or a plan, its report is printed with -o json only. What
list, show, errors, logs and report print is for a person; with -o json it is JSON. iam and clean --lifecycle print JSON
for AWS alone, and init a run file, unless FILE is named.
Exit codes: 0 published, or done; 2 run file, arguments or input are wrong, or the estimate passes `budget_usd`, and
nothing was paid; 3 more dead letters than `errors` accepts, predictions that `expect` does not, jobs that have cost
`budget_usd`, or compare found other predictions; 4 the service, S3 or the cluster failed, the same again resumes;
129, 130, 143 interrupted, jobs were stopped."""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Nothing is required and each value is a text: what is left is a value where none belongs.
        name = message.removeprefix("argument ").partition(":")[0]
        raise ConfigurationError(f"{name}: takes no value; see --help")


def parser_of_all() -> ArgumentParser:
    """Returns the parser of all commands; the first argument must be one of them."""
    return _parsers(PROGRAM_NAME)[0]


def _parsers(program: str) -> tuple[ArgumentParser, dict[str, ArgumentParser]]:
    """The parser of all commands, and that of each."""
    form = RawDescriptionHelpFormatter
    parser = _Parser(
        prog=program,
        usage=f"{program} [COMMAND] RUNFILE|RUN [OPTION ...]",
        description="Scores a table with Amazon SageMaker Batch Transform, as a run file says.",
        epilog=f"{program} COMMAND --help says more.\n\n{_WAYS}\n\nexample:\n  {program} conf/demo.yml\n\n{_ENDS}",
        formatter_class=form,
        allow_abbrev=False,
    )
    parser.add_argument(VERSION, action="version", version=f"spark-batch-transform {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", dest="command", parser_class=_Parser)
    each: dict[str, ArgumentParser] = {}
    for name, (subject, sentence, example) in COMMANDS.items():
        one = each[name] = commands.add_parser(
            name,
            help=sentence,
            usage=f"{program} {name} {subject} [OPTION ...]".replace("  ", " "),
            description=sentence,
            epilog=f"{SMOKE_WAYS if name == SMOKE else _WAYS}\n\nexample:\n  {program} {name} {example}\n\n{_ENDS}",
            formatter_class=form,
            allow_abbrev=False,
        )
        _add_options(one, name)
    for flag, option in OWN.items():  # those that every command has are said here too
        if not option.owners:
            parser.add_argument(flag, metavar=option.value, help=option.help, default=SUPPRESS)
    return parser, each


def _add_options(parser: ArgumentParser, command: str) -> None:
    parser.add_argument("words", nargs="*", metavar=COMMANDS[command].subject or "NOTHING", help=SUPPRESS)
    for flag in OWN:
        if not has_option(command, flag):
            continue
        name, value, _, words = option_of(flag, command)
        if value is None:
            parser.add_argument(flag, dest=name, action="store_true", help=words)
        else:
            parser.add_argument(flag, dest=name, metavar=value, action="append", default=[], help=words)


def asked_for(arguments: Sequence[str], program: str = PROGRAM_NAME) -> str | None:
    """Returns the text that `--help` or `--version` asks for; None: neither is given, or after `--`, which is not ours.

    The help is that of the first word that is a command, wherever it stands.
    """
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if any(argument in HELP for argument in ours):
        parser, each = _parsers(program)
        command = next((argument for argument in ours if argument in COMMANDS), None)
        return (each[command] if command else parser).format_help()
    return f"spark-batch-transform {__version__}\n" if VERSION in ours else None


if __name__ == "__main__":
    open_streams()
    raise SystemExit(lost_of(asked_for(sys.argv[1:], os.environ.get(PROGRAM_VARIABLE, PROGRAM_NAME)) or "") or 0)
