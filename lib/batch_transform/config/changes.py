"""What may not change between two drivers of one run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batch_transform.config.faults import Path
from batch_transform.config.layers import leaves
from batch_transform.config.places import as_hadoop, is_s3
from batch_transform.core.plain_paths import without_file_scheme
from batch_transform.core.secret_values import is_named_by_a_person, is_same, is_secret_name, secrets_of
from batch_transform.core.written_values import written

# They steer on what a run is computed, how it is watched and reached and what is accepted, not what is asked of the
# model or published.
MAY_CHANGE: tuple[Path, ...] = (
    ("errors",),
    ("transform",),
    ("lease_seconds",),
    ("budget_usd",),
    ("workspace_retention",),
    # What is a secret is held against its placeholder, whoever calls it one.
    ("secrets",),
    ("secret_variables",),
    ("aws",),
    ("deploy",),
    ("emulator",),
    ("export",),
)
# What of `transform` is part of the question to the model, or of how its answer is read: jobs that were created already
# and those to come must agree in it.
ASKED_OF_THE_MODEL: tuple[Path, ...] = (
    ("transform", "split"),
    ("transform", "strategy"),
    ("transform", "input_filter"),
    ("transform", "output_filter"),
    ("transform", "join_source"),
    ("transform", "accept"),
    ("transform", "environment"),
)
ENVIRONMENT: Path = ("transform", "environment")
_MAY_CHANGE = "transform.environment_may_change"
OPTIONS: Path = ("input", "options")
# Nothing has been written there, or made of predictions, before a run begins to publish.
MAY_CHANGE_BEFORE_PUBLISHING: tuple[Path, ...] = (
    ("output",),
    ("dead_letter",),
    ("prediction", "sql"),
    ("prediction", "column"),
    ("prediction", "provenance"),
    ("merge",),
    ("expect",),
)
# May become `skip` at any time: what was accepted while it was `refuse`, once the default, has no blank line.
BLANK_LINES: Path = ("prediction", "blank_lines")
# How answers are read, as long as none was accepted.
MAY_CHANGE_BEFORE_READING: tuple[Path, ...] = (
    ("prediction", "format"),
    ("prediction", "schema"),
    ("prediction", "records_path"),
    ("prediction", "separator"),
    BLANK_LINES,
    ("prediction", "body"),
    ("prediction", "max_line_mb"),
)


def differences(
    recorded: Mapping[str, Any], given: Mapping[str, Any], *, publishing: bool, reading: bool = True
) -> list[str]:
    """Returns a line for each key in which a ledger's document and one of `RunConfig.to_document` differ, in order.

    Keys that may change under one run id are left out; a key that one version does not know is null. Rows are staged,
    so a secret of the input's options, such as a token of the hour, is asked for no more: it says who reads, not what.

    Args:
        recorded: the configuration that the run has.
        given: the one that it is started with now.
        publishing: whether it has begun to publish.
        reading: whether it has accepted an answer.
    """
    free_now = MAY_CHANGE + (() if publishing else MAY_CHANGE_BEFORE_PUBLISHING)
    free_now += () if reading else MAY_CHANGE_BEFORE_READING
    named = _environment_that_may_change(given)
    credentials = {key for document in (recorded, given) for key in secrets_of(document)}
    before, after = leaves(recorded), leaves(given)
    return [
        f"{'.'.join(path)}: {_told(path, before.get(path), after.get(path))}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)  # only what is written otherwise may be the same secret
        and not is_same(_given(before.get(path)), _given(after.get(path)))
        and not _is_one_place(path, before.get(path), after.get(path))
        and not (path == BLANK_LINES and after.get(path) == "skip")
        and not (_lies_in(path, [OPTIONS]) and ".".join(path) in credentials)
        and ((path not in named and _lies_in(path, ASKED_OF_THE_MODEL)) or not _lies_in(path, free_now))
    ]


def _given(value: Any) -> Any:
    """A value; None for a list without entries, which an earlier version that did not know the key cannot have said."""
    return None if isinstance(value, (list, tuple)) and not value else value


def _in_one_spelling(location: str) -> str:
    return f"s3:{location.partition(':')[2]}" if is_s3(location) else without_file_scheme(location)


_SPELLINGS: Mapping[Path, Callable[[str], str]] = {
    # Files of this machine with a scheme or without, S3 by each of its schemes.
    ("input", "path"): _in_one_spelling,
    # On S3 an earlier version recorded them with the empty and dot segments that a person had given.
    **dict.fromkeys((("output", "path"), ("dead_letter", "path"), ("staging",)), as_hadoop),
}


def _is_one_place(path: Path, before: Any, after: Any) -> bool:
    """Whether a key names one place in two spellings."""
    spelled = _SPELLINGS.get(path)
    if spelled is None or not (isinstance(before, str) and isinstance(after, str)):
        return False
    return spelled(before) == spelled(after)


def _environment_that_may_change(given: Mapping[str, Any]) -> set[Path]:
    """The variables of the jobs' environment of which a person says that no answer depends on them."""
    names = (given.get("transform") or {}).get("environment_may_change") or ()
    return {(*ENVIRONMENT, name) for name in names}


def _lies_in(path: Path, sections: Iterable[Path]) -> bool:
    return any(path[: len(section)] == section for section in sections)


def _told(path: Path, before: Any, after: Any) -> str:
    has_maps = any(isinstance(entry, Mapping) for value in (before, after) for entry in _entries(value))
    hidden = has_maps or is_named_by_a_person(path) or is_secret_name(path[-1])
    told = "differs (its values may be secret)" if hidden else f"was {written(before)}, now {written(after)}"
    return told + remedy(path) if hidden else told


def remedy(path: Path) -> str:
    """Returns what to do where a variable of a container has another value than before; '' for any other key."""
    if _lies_in(path, [ENVIRONMENT]):
        return f"; give the value of before, or, where no answer depends on it, add {path[-1]} to {_MAY_CHANGE}"
    if path[0] == "model":
        return "; give the value of before, by ${NAME} or in the run file; a model with another one is another run's"
    return ""


def _entries(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else ()
