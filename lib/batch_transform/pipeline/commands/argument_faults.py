"""What is wrong with a command line, a line each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_transform.core.near_names import meant, nearest
from batch_transform.deploy.targets import target_names
from batch_transform.pipeline.commands.command_options import (
    COMMANDS,
    HELP,
    INIT,
    JSON,
    LIMIT,
    LOG_FORM,
    OF_A_RUN_FILE,
    OWN,
    PACKAGE,
    RUN,
    SMOKE,
    SUBMIT,
    TABLE,
    TARGET,
    TEXT,
    VERSION,
    WITHOUT_SPARK,
)
from batch_transform.pipeline.commands.spark_submit_arguments import OPTIONS, SWITCHES

# Below it a word resembles a command by chance.
_ALIKE = 0.7


def wrong_values(
    targets: Sequence[str], forms: Sequence[str], limits: Sequence[str], logs: Sequence[str]
) -> Iterator[str]:
    """Yields what is wrong with the values of `--target`, `-o`, `--limit` and `--log`."""
    yield from _targets(targets)
    yield from _forms("-o", forms, (TABLE, JSON))
    yield from _forms(LOG_FORM, logs, (TEXT, JSON))
    yield from _limits(limits)


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
        if not number.isdecimal() or not int(number):
            yield f"{LIMIT}: is no number of rows; give a whole number from 1 on"


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
    if command == INIT:
        if len(words) > 1:
            yield f"{command}: writes one file; {len(words)} were given"
        return
    if command in (PACKAGE, SMOKE):
        if words:
            yield f"{command}: takes no run file; {len(words)} were given"
        return
    first = words[0] if words and command == RUN else ""
    close = nearest(first, COMMANDS, _ALIKE) or _of_these_letters(first)
    # A word without a dot or a slash is hardly a run file.
    if first.isalpha() and (close or len(words) > 1):
        hint = f"did you mean {close}?" if close else f"valid: {', '.join(COMMANDS)}."
        named = first if close else "the first word"  # which may be the value of an option of another program
        yield f"{named}: is no command; {hint} A run file of that name is given with ./ in front of it"
    elif len(words) != 1:
        folder = "RUN (a run's folder, s3://bucket/prefix/run_id, or its run file)"
        given = f"{len(words)} were given" if words else "none given"
        yield f"{'RUNFILE' if command in OF_A_RUN_FILE else folder}: exactly one is needed, {given}; see --help"


def _of_these_letters(word: str) -> str | None:
    """The command of the same letters: of a short one a swap makes a word that is hardly like it."""
    return next((command for command in COMMANDS if sorted(command) == sorted(word.lower())), None)


def foreign_options(command: str, foreign: Sequence[str]) -> Iterator[str]:
    """Yields what is told of options that are other commands'."""
    for owners in dict.fromkeys(OWN[name].owners for name in OWN if name in foreign):
        names = ", ".join(name for name in OWN if name in foreign and OWN[name].owners == owners)
        yield f"{names}: belongs to {', '.join(owners)}, not to {command}"


def options_of_spark(command: str, spark: Sequence[str], no_merge: bool) -> Iterator[str]:
    """Yields what is told of options of spark-submit that are given where Spark has no part."""
    if spark and (command in (*WITHOUT_SPARK, SUBMIT) or no_merge):
        yield f"{', '.join(spark)}: is spark-submit's, and {command} runs without Spark"


def unknown_option(name: str) -> str:
    """Returns what is told of an option that nobody knows."""
    close = nearest(name, [*OWN, *HELP, VERSION, *OPTIONS, *SWITCHES])
    hint = f"; did you mean {close}?" if close else "; after -- anything is passed on"
    return f"{name}: is no option of this command nor of spark-submit{hint}"
