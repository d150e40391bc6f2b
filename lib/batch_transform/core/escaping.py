"""What is shown of foreign text, and how: a model, a service or Spark may say what nobody sees, or should see."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# They lay out a text, and are seen by what they do.
_LAYOUT = "\t\n"
# Control, format (the byte order mark, zero-width and bidirectional marks among them), half pairs, private use,
# unassigned, separators of lines and paragraphs.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

# Shorter ones are found in any text by chance, and guessed at once.
_SHORTEST_HIDDEN = 6


def visible(text: str) -> str:
    """Returns the text with what cannot be seen, or looks like a space and is none, as Python escapes it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _is_unseen(character) else character for character in text)


def one_line(text: str) -> str:
    """Returns the text as `visible` does, on one line: what is quoted in it cannot pass for a line of ours."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def visible_json(document: Any, indent: int | None = None) -> str:
    """Returns a document as JSON in which what cannot be seen is escaped, as JSON does it: it is read back alike."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    if text.isascii() and text.isprintable():
        return text
    return "".join(json.dumps(c)[1:-1] if c > "~" and _is_unseen(c) else c for c in text).replace("\x7f", "\\u007f")


def has_half_character(text: str) -> bool:
    """Returns whether a text has half of a surrogate pair in it, which no file, no terminal and no JVM takes."""
    return _HALF_CHARACTER.search(text) is not None


def _is_unseen(character: str) -> bool:
    if character in _LAYOUT or " " <= character <= "~":
        return False
    category = unicodedata.category(character)
    return category in _UNSEEN or category == "Zs"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode() if character != "\r" else "\\r"


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Returns a text without the secrets that it quotes: a service, or Spark, may repeat what it was given.

    What repeats one may have escaped it before, as a message of one line is, or as Python and JSON have it in quotes.
    """
    found = {spelled for value in secrets if len(value) >= _SHORTEST_HIDDEN for spelled in _spellings(value)}
    for spelled in sorted(found, key=len, reverse=True):
        text = text.replace(spelled, "<secret>")
    return text


def _spellings(value: str) -> set[str]:
    quoted = (repr(value), json.dumps(value), visible_json(value))
    return {value, visible(value), one_line(value), *(text[1:-1] for text in quoted)}
