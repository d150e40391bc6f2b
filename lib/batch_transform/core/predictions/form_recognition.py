"""What an output is that is not as it should be: it is read in other forms until one is proven on the whole of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, JSON, AnswerForm
from batch_transform.core.predictions.form_guesses import HEAD_BYTES, Guess, guesses, wrapped_guesses
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.long_lines import is_stand_in
from batch_transform.core.predictions.output_lines import MARK, NEWLINE, blank_lines, blocks, lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.wrapping import first_wrapped, may_be_wrapped, unwrap

_FEW_BYTES = 16 * 1024
_MANY_OF_ONE = re.compile(r"\b1 ((?:JSON |blank )?[a-z]+)s\b")
_BEGINS_WITH_TEXT = re.compile(rb"\[\s*\"")

Opened = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Recognised:
    """What an output seems to be, with which setting it is read, and whether blank lines are all that is too much."""

    shape: str
    setting: str
    skips_blank: bool


def recognised(opened: Opened, reader: PredictionReader, rows: int, *, as_many: bool) -> Recognised | None:
    """Returns what an output is instead, None if no form is known that reads it.

    Args:
        opened: opens it at its beginning.
        reader: as configured.
        rows: how many predictions it should hold.
        as_many: whether it holds as many lines as it should, of which none can be read.
    """
    head = _head(opened())
    names = tuple(reader.schema.names) if reader.schema is not None else ()
    wrapped, is_pair = _if_wrapped(head, opened, reader, names)
    most = reader.form.most_line_bytes
    for guessed in [*wrapped, *guesses(head, reader.form, names)]:
        guess = replace(guessed, form=replace(guessed.form, most_line_bytes=most))
        if as_many and not _reads_better(guess, reader, opened()):
            continue
        seen = _measured(_effective(guess, reader), opened())
        if seen is not None and (seen.lines, seen.blank_lines) == (rows, 0):
            return _as(guess, rows, opened, reader)
    # Whatever the bodies are: nothing reads them as they are wrapped.
    return _as(wrapped[0], rows, opened, reader) if is_pair else None


def _as(guess: Guess, rows: int, opened: Opened, reader: PredictionReader) -> Recognised:
    skips_more = guess.form.skips_blank and not reader.form.skips_blank
    return Recognised(_described(guess, rows, opened), guess.settings, skips_more)


def _if_wrapped(
    head: bytes, opened: Opened, reader: PredictionReader, names: tuple[str, ...]
) -> tuple[list[Guess], bool]:
    """The forms of an output whose answers are wrapped, and whether the first is body and media type."""
    text = head.lstrip(b" \t\r\n" + MARK)
    # What holds other things may be long, and would be held.
    by_name = may_be_wrapped(text.decode(errors="replace"))
    may_be_long = by_name or text.startswith(b'"') or _BEGINS_WITH_TEXT.match(text)
    if reader.form.is_wrapped or not (may_be_long or (text.startswith(b"[") and len(head) < HEAD_BYTES)):
        return [], False
    first = first_wrapped(opened())
    if first is None or is_stand_in(first.body):
        return [], False
    if first.beside is None and first.body.lstrip()[:1] not in ("{", "["):
        return [], False  # a string, which may well be the answer
    return wrapped_guesses(first, reader.form, names), first.beside is not None


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


def _reads_better(guess: Guess, reader: PredictionReader, chunks: Iterable[bytes]) -> bool:
    """Whether an output of which no line can be read has a readable first prediction in another form."""
    try:
        lines = next(blocks(guess.form.lines(chunks), _FEW_BYTES), lines_of(b""))
        answers = replace(reader, form=guess.form).read(lines_of(lines[0] if len(lines) else b""))
    except NotUnpacked:
        return False
    except ConfigurationError:
        return True  # the schema is no such form's, which the settings say
    return guess.form.format == CSV or (bool(len(answers)) and not answers.reasons)


@dataclass(frozen=True)
class LineCount:
    """How many lines a stream has."""

    lines: int = 0
    blank_lines: int = 0


def count(chunks: Iterable[bytes]) -> LineCount:
    """Returns the number of lines of a stream; holds one chunk at a time, never a line.

    A blank line is empty or has nothing but ASCII white space. It counts as a line.
    """
    lines = blank = 0
    open_bytes, open_blank = 0, True  # the line that the chunks so far have begun and not ended
    for chunk in chunks:
        found = lines_of(chunk)
        if not len(found):
            continue
        lengths = found.ends - found.starts
        blanks = blank_lines(found)
        lengths[0] += open_bytes
        blanks[0] &= open_blank
        open_bytes, open_blank = 0, True
        if chunk[-1] != NEWLINE:
            open_bytes, open_blank = int(lengths[-1]), bool(blanks[-1])
            blanks = blanks[:-1]
        lines += len(blanks)
        blank += int(np.count_nonzero(blanks))
    if open_bytes:
        lines, blank = lines + 1, blank + open_blank
    return LineCount(lines, blank)
