"""Which settings may read an output that is not in the form that was configured: guesses, for a person to decide.

A guess is made from an output's beginning and told only once it was proven on the whole of it: read so, it holds one
prediction for each row (`output_counts`). Nothing is ever read in a form that was not configured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from batch_transform.core.amounts import counted
from batch_transform.core.predictions.answer_form import CSV, JSON, JSON_LINES, TEXT, AnswerForm
from batch_transform.core.predictions.json_stream import BYTE_ORDER_MARK
from batch_transform.core.predictions.records_path import EACH, Steps, spelled
from batch_transform.core.predictions.wrapping import Wrapped, beside_body

# Of an output's beginning; a document that is longer is judged by how it begins.
HEAD_BYTES = 1024 * 1024
_MOST_GUESSES = 6
_MOST_DEPTH = 3

_BEGINS_AN_ARRAY = re.compile(r'\{\s*"([^"\\]+)"\s*:\s*\[|\{\s*"([^"\\]+)"\s*:\s*\{\s*"([^"\\]+)"\s*:\s*\[')
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|nan|inf)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Guess:
    """A form in which an output may hold its predictions.

    Attributes:
        form: to read it in.
        saw: what it seems to be, with places for `{rows}`, `{documents}`, `{lines}`, `{full}` (of them) and `{blank}`.
        if_read: whether it is one only where the schema reads it: words of a message look like it as well.
    """

    form: AnswerForm
    saw: str
    if_read: bool = False


def guesses(head: bytes, form: AnswerForm, fields: tuple[str, ...]) -> list[Guess]:
    """Returns the forms, other than `form`, in which an output may be, the likeliest first.

    Args:
        head: its beginning, at most HEAD_BYTES.
        form: as configured.
        fields: of the schema; () without one.
    """
    text = head.decode(errors="replace").lstrip(" \t\r\n" + BYTE_ORDER_MARK)
    found = [*_blank(form), *(_json(text, fields) if text[:1] in ("{", "[") else _values(text, form, fields))]
    most, has_records = form.most_line_bytes, form.has_records
    found = [replace(guess, form=replace(guess.form, most_line_bytes=most, has_records=has_records)) for guess in found]
    found = [guess for guess in found if guess.form != form][:_MOST_GUESSES]
    if not form.skips_blank:
        return found
    # Of cells and texts it is told that blank lines are left out only where there are any.
    plain = [guess for guess in found if guess.form.format in (CSV, TEXT)]
    return plain + [replace(guess, form=replace(guess.form, skips_blank=True)) for guess in found]


def wrapped_guesses(first: Wrapped, form: AnswerForm, fields: tuple[str, ...]) -> list[Guess]:
    """Returns the forms in which an output may be whose answers are wrapped.

    Args:
        first: its first answer.
        form: as configured.
        fields: of the schema; () without one.
    """
    saw = "{answers} JSON strings of JSON"
    if first.beside is not None:
        saw = f"{{answers}} {first.holders} of a body and {beside_body(escaped(first.beside), mark=chr(34))}"
    plain = replace(form, is_wrapped=False)
    inner = guesses(first.body.encode(errors="replace")[:HEAD_BYTES], plain, fields)
    return [Guess(replace(each, is_wrapped=True), saw) for each in (plain, *(guess.form for guess in inner))]


def escaped(text: str) -> str:
    """Returns foreign text for a place in what is formatted."""
    return text.replace("{", "{{").replace("}", "}}")


def _blank(form: AnswerForm) -> Iterator[Guess]:
    if not form.is_unpacked:
        yield Guess(replace(form, skips_blank=True), "{blank} blank lines between {rows} answers")


def _json(text: str, fields: tuple[str, ...]) -> Iterator[Guess]:
    try:
        document, end = json.JSONDecoder(parse_int=str).raw_decode(text)
    except (json.JSONDecodeError, RecursionError):
        # It may only be longer than what is at hand.
        document, end = None, len(text)
    paths = _arrays(document, ()) if document is not None else _first_array(text)
    whole = Guess(AnswerForm(JSON), _documents(text, end))
    if isinstance(document, dict) and set(fields) & set(document):
        yield whole
    yield from (at(steps) for steps in paths)
    yield whole


def _documents(text: str, end: int) -> str:
    if "\n" in text[:end].rstrip():
        return "{documents} JSON documents printed over several lines each"
    if text[end : end + 1].strip():
        return "{documents} JSON documents without a line break between them"
    return "{documents} JSON values that are no objects" if text[0] == "[" else "{documents} JSON documents"


def at(steps: Steps) -> Guess:
    """Returns the form of documents whose predictions lie where steps lead."""
    path = spelled(steps)
    if path == "[]":
        return Guess(AnswerForm(JSON, steps), "{documents} JSON arrays of {rows} values")
    return Guess(
        AnswerForm(JSON, steps), f"{{documents}} JSON documents with {{rows}} predictions in {escaped(repr(path))}"
    )


def _arrays(value: object, above: Steps) -> Iterator[Steps]:
    """Yields the paths of the arrays in a document, those of the outer members first."""
    if isinstance(value, list):
        yield (*above, EACH)
    elif isinstance(value, dict) and len(above) < _MOST_DEPTH:
        members = {name: item for name, item in value.items() if spellable(name)}
        for name, item in members.items():
            if isinstance(item, list):
                yield (*above, name, EACH)
        for name, item in members.items():
            if isinstance(item, dict):
                yield from _arrays(item, (*above, name))


def spellable(name: str) -> bool:
    """Returns whether a path can name a member."""
    return bool(name.strip() == name and name.isprintable() and name and not set(name) & set(".[]"))


def _first_array(text: str) -> Iterator[Steps]:
    """Yields the path of the array with which a document begins whose end is not at hand."""
    if text.startswith("["):
        yield (EACH,)
    elif found := _BEGINS_AN_ARRAY.match(text):
        names = [name for name in found.groups() if name is not None]
        if all(map(spellable, names)):
            yield (*names, EACH)


def _values(text: str, form: AnswerForm, fields: tuple[str, ...]) -> Iterator[Guess]:
    first = text.partition("\n")[0].rstrip("\r")
    if "," in first and len(fields) < 2 and form.format != CSV:
        joined = AnswerForm(TEXT, separator=",")
        yield Guess(joined, "{rows} values joined by commas on {lines} lines")
        saw = "{rows} values joined by commas, with {blank} blank lines between them"
        yield Guess(replace(joined, skips_blank=True), saw)
    cells = first.split(",")
    if not form.is_unpacked and all(map(_NUMBER.fullmatch, cells)):
        if len(cells) == 1:
            yield Guess(AnswerForm(TEXT), "{full} lines of one number each")
        else:
            yield Guess(AnswerForm(CSV), f"{{full}} lines of {counted(len(cells), 'number')} each")
    elif first.startswith('"') and form.format == JSON_LINES:
        yield Guess(AnswerForm(JSON), "{documents} JSON values that are no objects", if_read=True)
    elif not form.is_unpacked and fields and not _is_json(first):
        values = counted(len(fields), "value")
        yield Guess(AnswerForm(CSV if len(fields) > 1 else TEXT), f"{{full}} lines of {values} each", if_read=True)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True
