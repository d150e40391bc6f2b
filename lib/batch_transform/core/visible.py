"""What is shown of foreign text, and how: a model, a service or Spark may say what nobody sees, or should see."""

from __future__ import annotations

import re
import unicodedata

# They lay out a text, and are seen by what they do.
_LAYOUT = "\t\n"
# Control, format (the byte order mark, zero-width and bidirectional marks among them), half pairs, private use,
# unassigned, separators of lines and paragraphs.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def visible(text: str) -> str:
    """Returns the text with what cannot be seen, or looks like a space and is none, as Python escapes it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _is_unseen(character) else character for character in text)


def _is_unseen(character: str) -> bool:
    if character in _LAYOUT or " " <= character <= "~":
        return False
    category = unicodedata.category(character)
    return category in _UNSEEN or category == "Zs"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode() if character != "\r" else "\\r"


# The names of settings that hold one; their values look like anything.
SECRET = re.compile("secret|password|token", re.IGNORECASE)
