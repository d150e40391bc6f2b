"""What an output is that is not as it should be: it is read in other forms until one is proven on the whole of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, JSON, TEXT, AnswerForm
from batch_transform.core.predictions.form_advice import (
    ANSWER_BY_ROW,
    answer_otherwise,
    any_is_read,
    path_in_quotes,
    schema_of,
    settings_of,
)
from batch_transform.core.predictions.form_guesses import HEAD_BYTES, Guess, at, escaped, guesses, wrapped_guesses
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.line_counts import LineCount, count
from batch_transform.core.predictions.lists_beside import lists_beside
from batch_transform.core.predictions.long_lines import is_stand_in
from batch_transform.core.predictions.output_lines import MARK, Lines, blocks, lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.records_path import EACH
from batch_transform.core.predictions.whole_tables import whole_tables
from batch_transform.core.predictions.wrapping import first_wrapped, may_be_wrapped, unwrap

_FEW_BYTES, _FEW_LINES = 16 * 1024, 100
_MANY_OF_ONE = re.compile(r"\b1 ((?:JSON |blank )?[a-z]+)s\b")
_BEGINS_WITH_TEXT = re.compile(rb"\[\s*\"")

Opened = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Recognised:
    """What an output seems to be, and with which setting it is read.

    Attributes:
        skips_blank: whether blank lines are all that is too much.
        is_packed: whether each prediction lies within a document, so that a line of one may look like one alone.
    """

    shape: str
    setting: str
    skips_blank: bool = False
    is_packed: bool = False


def recognised(opened: Opened, reader: PredictionReader, rows: int, *, as_many: bool) -> Recognised | None:
    """Returns what an output is instead, None if no form is known that reads it.

    Args:
        opened: opens it at its beginning.
        reader: as configured.
        rows: how many predictions it should hold.
        as_many: whether it holds as many lines as it should, of which none can be read.
    """
    if not as_many and (table := whole_tables(opened(), rows, reader.form.most_line_bytes)):
        form, documents = table
        shape = f"{counted(documents, 'JSON document')} with {counted(rows, 'row')} as {form.name}"
        return Recognised(shape, answer_otherwise(form.why), is_packed=True)
    head = _head(opened())
    names = tuple(reader.schema.names) if reader.schema is not None else ()
    wrapped, is_pair = _if_wrapped(head, opened, reader, names)
    unread: list[Guess] = []  # hold as many, but for another schema
    for guess in [*wrapped, *guesses(head, reader.form, names)]:
        if (as_many and not _may_read_better(guess, reader, opened())) or (guess.if_read and rows == 1):
            continue  # the one line may be what the model says of a bad row
        held = [each for each in _with_those_beside(guess, opened) if _holds(each, rows, opened, reader)]
        # A list that the schema names is meant, though its values may want another type and another's would not.
        held = [each for each in held if each.form.steps[-2:-1] and each.form.steps[-2] in names] or held
        if readable := [each for each in held if _is_read(each, reader, opened())]:
            return _read(readable, rows, opened, reader)
        unread = unread or ([] if guess.if_read else held)
    if unread:
        return _unread(unread, rows, opened, reader)
    if not is_pair:
        return None
    # Whatever the bodies are: nothing reads them as they are wrapped.
    why = f"no setting reads these bodies as {counted(rows, 'prediction')}"
    return Recognised(_described(wrapped[0], rows, opened), answer_otherwise(why))


def _with_those_beside(guess: Guess, opened: Opened) -> list[Guess]:
    """A guess; where its predictions are a list beside others in a document, those that may hold predictions."""
    steps = guess.form.steps
    if len(steps) < 2 or steps[-1] is not EACH:
        return [guess]
    chunks = unwrap(opened()) if guess.form.is_wrapped else opened()
    found = []
    for path in lists_beside(chunks, steps):
        saw = guess.saw if guess.form.is_wrapped else at(path).saw
        found.append(replace(guess, form=replace(guess.form, steps=path), saw=saw))
    return found


def _holds(guess: Guess, rows: int, opened: Opened, reader: PredictionReader) -> bool:
    """Whether an output has as many predictions in a form as it should."""
    seen = _measured(_effective(guess, reader), opened())
    return seen is not None and (seen.lines, seen.blank_lines) == (rows, 0)


def _read(found: list[Guess], rows: int, opened: Opened, reader: PredictionReader) -> Recognised:
    """An output that each of some forms reads: of several lists a person knows which is meant."""
    settings = settings_of(found[0].form, reader)
    others = [path_in_quotes(each.form) for each in found[1:]]
    if others:
        settings[-1] += f" (or {', '.join(others)}; for several of them {ANSWER_BY_ROW})"
    return _told(found, settings, rows, opened, reader)


def _unread(found: list[Guess], rows: int, opened: Opened, reader: PredictionReader) -> Recognised:
    """An output in a form that would read it by another schema, or by none."""
    form = found[0].form
    schema = schema_of(form, reader, _first(form, opened())) if len(found) == 1 else None
    if schema is not None:
        return _told(found, [*settings_of(form, reader), schema], rows, opened, reader)
    why = "prediction.records_path reads one list alone" if len(found) > 1 else "no prediction.schema reads its answers"
    return _told(found, [answer_otherwise(why)], rows, opened, reader)


def _told(found: list[Guess], settings: list[str], rows: int, opened: Opened, reader: PredictionReader) -> Recognised:
    guess = found[0]
    if len(found) > 1 and not guess.form.is_wrapped:
        paths = " and ".join(escaped(path_in_quotes(each.form)) for each in found)
        guess = replace(guess, saw=f"{{documents}} JSON documents with {{rows}} values in each of {paths}")
    skips_more = guess.form.skips_blank and not reader.form.skips_blank
    return Recognised(_described(guess, rows, opened), " and ".join(settings), skips_more, bool(guess.form.steps))


def _if_wrapped(
    head: bytes, opened: Opened, reader: PredictionReader, names: tuple[str, ...]
) -> tuple[list[Guess], bool]:
    """The forms of an output whose answers are wrapped, and whether the first is body and media type."""
    text = head.lstrip(b" \t\r\n" + MARK)
    # What holds other things may be long, and would be held.
    by_name = may_be_wrapped(text.decode(errors="replace"))
    may_be_long = by_name or text.startswith(b'"') or _BEGINS_WITH_TEXT.match(text)
    is_short = text.startswith(b"[") and len(head) < HEAD_BYTES
    if not (reader.form.is_wrapped or may_be_long or is_short):
        return [], False
    first = first_wrapped(opened())
    if first is None or is_stand_in(first.body):
        return [], False
    if first.beside is None and first.body.lstrip()[:1] not in ("{", "["):
        return [], False  # a string, which may well be the answer
    found = wrapped_guesses(first, reader.form, names)
    if reader.form.is_wrapped:
        return found[1:], False  # but the first, which is the form that was configured
    return found, first.beside is not None


def _effective(guess: Guess, reader: PredictionReader) -> AnswerForm:
    """A form as the reader of this schema has it."""
    try:
        return replace(reader, form=guess.form).form
    except ConfigurationError:
        return guess.form


def _described(guess: Guess, rows: int, opened: Opened) -> str:
    plain = count(opened())
    documents = _measured(AnswerForm(JSON), opened()) if guess.form.is_unpacked and not guess.form.is_wrapped else None
    words = guess.saw.format(
        rows=rows,
        documents=documents.lines if documents else 0,
        lines=plain.lines,
        full=plain.lines - plain.blank_lines,
        blank=plain.blank_lines,
        answers=_wrapped(opened()) if guess.form.is_wrapped else 0,
    )
    return _MANY_OF_ONE.sub(r"1 \1", words)


def _wrapped(chunks: Iterable[bytes]) -> int:
    """How many answers of an output are wrapped before one is not."""
    found = 0
    with suppress(NotUnpacked):
        for _ in unwrap(chunks):
            found += 1
    return found


def _head(chunks: Iterable[bytes]) -> bytes:
    head = bytearray()
    for chunk in chunks:
        head += chunk[:HEAD_BYTES]
        if len(head) >= HEAD_BYTES:
            break
    return bytes(head[:HEAD_BYTES])


def _measured(form: AnswerForm, chunks: Iterable[bytes]) -> LineCount | None:
    """What an output holds in a form; None if it is not in that form."""
    try:
        return count(form.lines(chunks))
    except NotUnpacked:
        return None


def _may_read_better(guess: Guess, reader: PredictionReader, chunks: Iterable[bytes]) -> bool:
    """Whether an output of which no line can be read may be in another form; cells may want another schema as well."""
    return guess.form.format in (CSV, TEXT) or _is_read(guess, reader, chunks)


def _is_read(guess: Guess, reader: PredictionReader, chunks: Iterable[bytes]) -> bool:
    return any_is_read(guess.form, reader, reader.schema, _first(guess.form, chunks))


def _first(form: AnswerForm, chunks: Iterable[bytes]) -> Lines:
    """The first predictions of an output; none where it is not in that form."""
    try:
        return next(blocks(form.lines(chunks), _FEW_BYTES), lines_of(b"")).part(0, _FEW_LINES)
    except NotUnpacked:
        return lines_of(b"")
