"""What is wrong with a command line, a line each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from batch_transform.config.places import check_workspace, is_s3
from batch_transform.core.near_names import meant, nearest
from batch_transform.deploy.targets import target_names
from batch_transform.pipeline.commands.command_options import (
    COMMANDS,
    FOR,
    HELP,
    IAM,
    INIT,
    JSON,
    LACKED,
    LIFECYCLE,
    LIMIT,
    LIST,
    LOG_FORM,
    OF_A_RUN_FILE,
    OLDER_THAN,
    OWN,
    PACKAGE,
    PLAN,
    RUN,
    SMOKE,
    SUBMIT,
    TABLE,
    TARGET,
    UNFINISHED,
    VERSION,
    WHOM,
    WITHOUT_SPARK,
)
from batch_transform.pipeline.commands.spark_submit_arguments import OPTIONS, SWITCHES
from batch_transform.pipeline.commands.whole_numbers import whole_number
from batch_transform.pipeline.spelling import PROGRAM_NAME
from batch_transform.pipeline.telling import JSON_LOG, TEXT_LOG

MOST_DAYS = 36_500  # ours: a hundred years; S3 takes an int32, and a longer time ago is before any clock
LARGEST_LIMIT = 2_147_483_647  # Dataset.limit takes an int of Java
# Below it a word resembles a command by chance.
_ALIKE = 0.7
# For many programs it names standard input or output; here it is a word like others.
DASH = "-"
# What other programs have as commands.
_ASKED_FOR = {option.lstrip("-"): option for option in (HELP[-1], VERSION)}
_NAMED_SO = "A run file of that name is given with ./ in front of it"


def wrong_values(
    targets: Sequence[str],
    forms: Sequence[str],
    limits: Sequence[str],
    logs: Sequence[str],
    whom: Sequence[str],
    days: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Yields what is wrong with the values of options; `days` are by theirs."""
    yield from _targets(targets)
    yield from _forms("-o", forms, (TABLE, JSON))
    yield from _forms(LOG_FORM, logs, (TEXT_LOG, JSON_LOG))
    if any(name not in WHOM for name in whom):
        yield f"{FOR}: is nobody for whom there is a document; valid: {', '.join(WHOM)}"
    yield from _limits(limits)
    for option, given in days.items():
        if any(whole_number(number, MOST_DAYS) is None for number in given):
            yield f"{option}: is no number of days; valid: a whole number of days, 1 to {MOST_DAYS:,}"


def _targets(given: Sequence[str]) -> Iterator[str]:
    for name in given:
        if name not in target_names():
            hint = meant(name, target_names())
            yield f"{TARGET}: is no target that there is{hint}; valid: {', '.join(target_names())}"


def _forms(option: str, given: Sequence[str], valid: Sequence[str]) -> Iterator[str]:
    if any(form not in valid for form in given):
        yield f"{option}: is no form that there is; valid: {', '.join(valid)}"


def _limits(given: Sequence[str]) -> Iterator[str]:
    for number in given:
        if whole_number(number, LARGEST_LIMIT) is None:
            yield f"{LIMIT}: is no number of rows; give a whole number from 1 to {LARGEST_LIMIT:,}"


def subject_faults(command: str, words: Sequence[str], beside: Sequence[str]) -> Iterator[str]:
    """Yields what is wrong with the words that are no options, whether or not an unknown option takes a value.

    Args:
        command: that they are given to.
        words: those behind it.
        beside: without those that may be the value of an option that nobody knows, which is told by itself.
    """
    if any(_wrong_subjects(command, words)):
        yield from _wrong_subjects(command, beside)


def _wrong_subjects(command: str, words: Sequence[str]) -> Iterator[str]:
    first = words[0] if words else ""
    if first in COMMANDS:
        two = f"{command} and {first}: are two commands; give one of them"
        yield f"{f'{command}: stands twice; give it once' if first == command else two}. {_NAMED_SO}"
    elif command == INIT:
        if len(words) > 1:
            yield f"{command}: writes one file; {len(words)} were given"
        elif first == DASH:
            yield f"{command}: is to write to {DASH}; leave it out, and the run file is printed"
    elif command in (PACKAGE, SMOKE):
        if words:
            yield f"{command}: takes no run file; {len(words)} were given"
    else:
        yield from _wrong_runs(command, words)


def _wrong_runs(command: str, words: Sequence[str]) -> Iterator[str]:
    """What is wrong with the words of a command that is about a run, or begins one."""
    first = words[0] if words and command == RUN else ""
    close = nearest(first, COMMANDS, _ALIKE) or _of_these_letters(first)
    if first in _ASKED_FOR:
        yield f"{first}: is no command; {PROGRAM_NAME} {_ASKED_FOR[first]} tells it. {_NAMED_SO}"
        return
    # A word without a dot or a slash is hardly a run file.
    if first.isalpha() and (close or len(words) > 1):
        hint = f"did you mean {close}?" if close else f"valid: {', '.join(COMMANDS)}."
        named = first if close else "the first word"  # which may be the value of an option of another program
        yield f"{named}: is no command; {hint} {_NAMED_SO}"
        return
    folder = "RUN (a run's folder, s3://bucket/prefix/run_id, or its run file)"
    runs = "WORKSPACE (the folder of the runs, s3://bucket/prefix, or the run file of one)"
    subject = "RUNFILE" if command in OF_A_RUN_FILE else runs if command == LIST else folder
    if len(words) != 1:
        given = f"{len(words)} were given" if words else "none given"
        yield f"{subject}: exactly one is needed, {given}; see --help"
    elif words[0] == DASH:
        yield f"{subject}: is {DASH}, and standard input is not read; save it as a file, and name that"
    elif not words[0].strip():
        yield f"{subject}: is empty; exactly one is needed, see --help"
    elif not names_file(command, words[0]):
        try:
            check_workspace(words[0])
        except ValueError as err:
            yield f"RUN: {err}"


def names_file(command: str, subject: str) -> bool:
    """Returns whether a subject is a run file: one on S3 has the suffix of one, or its command takes nothing else."""
    return not is_s3(subject) or command in (RUN, PLAN, IAM) or subject.lower().endswith((".yml", ".yaml"))


def _of_these_letters(word: str) -> str | None:
    """The command of the same letters: of a short one a swap makes a word that is hardly like it."""
    return next((command for command in COMMANDS if sorted(command) == sorted(word.lower())), None)


def foreign_options(command: str, foreign: Sequence[str]) -> Iterator[str]:
    """Yields what is told of options that are other commands'."""
    lacked, instead = LACKED.get(command, ((), ""))
    if none := ", ".join(name for name in OWN if name in foreign and name in lacked):
        yield f"{none}: means nothing to {command}; {instead}"
    for owners in dict.fromkeys(OWN[name].owners for name in OWN if name in foreign and name not in lacked):
        names = ", ".join(name for name in OWN if name in foreign and OWN[name].owners == owners)
        yield f"{names}: belongs to {', '.join(owners)}, not to {command}"


def options_at_odds(given: Collection[str]) -> Iterator[str]:
    """Yields what is told of options of which one would be dropped for another."""
    for other in (OLDER_THAN, UNFINISHED):
        if LIFECYCLE in given and other in given:
            yield f"{LIFECYCLE}, {other}: {LIFECYCLE} prints a rule and removes nothing; give one of the two"


def options_of_spark(command: str, spark: Sequence[str], no_merge: bool) -> Iterator[str]:
    """Yields what is told of options of spark-submit that are given where Spark has no part."""
    if spark and (command in (*WITHOUT_SPARK, SUBMIT) or no_merge):
        yield f"{', '.join(spark)}: is spark-submit's, and {command} runs without Spark"


def unknown_option(name: str) -> str:
    """Returns what is told of an option that nobody knows."""
    close = nearest(name, [*OWN, *HELP, VERSION, *OPTIONS, *SWITCHES])
    hint = f"; did you mean {close}?" if close else "; after -- anything is passed on"
    return f"{name}: is no option of this command nor of spark-submit{hint}"
