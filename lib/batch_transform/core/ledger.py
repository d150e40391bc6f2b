"""The ledger's records: an append-only chain of steps, each bound to the one before by its digest.

The digest makes a step that was edited, lost or swapped visible; what forbids two drivers to write the same number is
the store (`If-None-Match`, see `s3.ledger`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, TypeAlias

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, LedgerCorrupt

FORMAT_VERSION = 1

# A JSON object as it is read: which keys it has, and what they hold, follows from where it stands, and is said by what
# is made of it (`state.fold`, `RunSettings.of`). Never for what one function here hands to another:
# tests/unit/core/test_json_in_core.py lists who may read one.
JsonObject: TypeAlias = Mapping[str, Any]


class StepKind(str, Enum):
    """What a step can say that has happened; `state.fold` tells when each may come, and what it sets."""

    OPENED = "opened"
    RESUMED = "resumed"
    STAGED = "staged"
    EXPORTED = "exported"
    PLANNED = "planned"
    REPLANNED = "replanned"
    MODEL_RECORDED = "model_recorded"
    JOB_CREATED = "job_created"
    JOB_STOPPING = "job_stopping"
    STOPPED = "stopped"
    JOB_ENDED = "job_ended"
    JOB_JUDGED = "job_judged"
    INFERRED = "inferred"
    RECONCILED = "reconciled"
    MENDED = "mended"
    UNSCORED = "unscored"
    RETRIED = "retried"
    UNSTAGED = "unstaged"
    UNMERGED = "unmerged"
    GATED = "gated"
    CHECKED = "checked"
    PUBLICATION = "publication"
    PUBLISHED = "published"
    DONE = "done"
    CLEANED = "cleaned"

    def __str__(self) -> str:
        """The word that stands in the ledger."""
        return self.value


@dataclass(frozen=True)
class Part:
    """Bulk that a step names: a Parquet file below the run's prefix. A file that no step names does not exist."""

    key: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Step:
    """One transition of a run.

    Attributes:
        number: its place, dense from 0.
        writer: the process that wrote it, random for each.
        epoch: how often the run had changed hands.
        previous: digest of the step before, "" for step 0.
        kind: what happened: a StepKind, or the word of a version that knows more of them.
        version: of the record's format.
        payload: small JSON document.
        parts: the bulk that belongs to it.
    """

    number: int
    writer: str
    epoch: int
    previous: str
    kind: str
    version: int
    payload: JsonObject
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class NewStep:
    """A step that is to be appended: kind, payload and the parts that were written for it."""

    kind: StepKind
    payload: JsonObject
    parts: tuple[Part, ...] = ()


def encode(step: Step) -> bytes:
    """Returns the step's one form in bytes (JSON, keys sorted, compact, ASCII).

    Raises:
        TypeError, ValueError: the payload is no JSON document (NaN counts as none).
    """
    # Not by `asdict`, which copies the payload in depth: a ledger is encoded anew, step by step, whenever it is loaded.
    document = vars(step) | {"payload": dict(step.payload), "parts": [vars(part) for part in step.parts]}
    return _in_one_form(document)


def _in_one_form(document: JsonObject) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def decode(body: bytes) -> Step:
    """Returns the step that `encode` made these bytes from.

    Raises:
        ConfigurationError: a later version has written the step.
        LedgerCorrupt: the bytes are no step, or not in the one form.
    """
    try:
        document = json.loads(body)
        _refuse_later(document.get("number"), document.get("version"))
        _refuse_more(document, body)
        parts = tuple(Part(**part) for part in document.pop("parts"))
        step = Step(**document, parts=parts)
        _require_types(step)
        canonical = encode(step)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:  # of brackets in brackets
        raise LedgerCorrupt(f"what is no step of a ledger, {counted(len(body), 'byte')}") from err
    if step.version != FORMAT_VERSION:
        raise LedgerCorrupt(f"step {step.number} has the format {step.version}, of which no version knows")
    if canonical != body:
        raise LedgerCorrupt(f"step {step.number} is not as it was written")
    return step


def _require_types(step: Step) -> None:
    """Raises ValueError where a field holds what compares with no other step's: another program has written it."""
    numbers = (step.number, step.epoch, step.version, *(part.rows for part in step.parts))
    texts = (step.writer, step.previous, step.kind, *(text for part in step.parts for text in (part.key, part.sha256)))
    require(all(type(number) is int for number in numbers), "a number is none")
    require(all(isinstance(text, str) for text in texts), "a text is none")
    require(isinstance(step.payload, dict), "the payload is no object")


def _refuse_later(number: object, version: object) -> None:
    """Refuses what a later version has written before its fields are looked at: nothing is wrong with it."""
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise written_later(number, f"in its format {version}, and this version reads {FORMAT_VERSION}")


def _refuse_more(document: JsonObject, body: bytes) -> None:
    """Refuses a step, or a part in it, with all of its fields and others, in the one form, which no editor keeps."""
    whole = (_more_than(_OF_A_STEP, document), *(_more_than(_OF_A_PART, part) for part in document["parts"]))
    if None in whole or not any(whole) or _in_one_form(document) != body:
        return
    more = ", ".join(sorted({name for names in whole for name in names or ()}))
    raise written_later(document["number"], f"which says {more} of what this one reads without")


_OF_A_STEP, _OF_A_PART = ({each.name for each in fields(record)} for record in (Step, Part))


def _more_than(known: set[str], document: JsonObject) -> set[str] | None:
    """The names that a record of ours has not; None where one of its own is lacking."""
    return set(document) - known if known <= document.keys() else None


def written_later(number: object, what: str) -> ConfigurationError:
    """Returns what is said of a step that a later version has written; `what` tells by what that is seen."""
    return ConfigurationError(
        f"step {number} of the ledger was written by a later version of batch_transform, {what}: go on with the run by "
        "that version"
    )


def digest(body: bytes) -> str:
    """Returns the SHA-256 of a step or part, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def check_chain(steps: Iterable[Step]) -> str:
    """Returns the digest of the last of the steps, "" of none, which are a whole ledger, from step 0 on.

    Raises:
        LedgerCorrupt: a number is missing or out of order, a digest does not fit, or the epoch goes back.
    """
    previous, epoch = "", 0
    for number, step in enumerate(steps):
        if step.number != number:
            raise LedgerCorrupt(f"the ledger has step {step.number} where step {number} belongs")
        if step.previous != previous:
            raise LedgerCorrupt(f"step {number} does not follow the step {number - 1} that is there")
        if step.epoch < epoch:
            raise LedgerCorrupt(f"step {number} goes back from epoch {epoch} to {step.epoch}")
        previous, epoch = digest(encode(step)), step.epoch
    return previous


def require(condition: bool, why: str) -> None:
    """Checks what must hold where a step comes; `why` says what that is.

    Raises:
        ValueError: it does not hold.
    """
    if not condition:
        raise ValueError(why)
