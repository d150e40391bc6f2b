"""The predictions in a stream of JSON documents, each as it is written, with no document in memory.

Documents follow one another with white space between them or with nothing: so does the service glue the answers of an
object's mini-batches together (transform_emulator/FACTS.md, 2.3, AssembleWith=None). Held are a chunk and the value at
hand. Values are found by Python's decoder and cut out of the text, so that a number keeps every digit.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator

from batch_transform.core.predictions.long_lines import MOST_LINE_BYTES, TOO_LONG_REASON, is_stand_in, stand_in

BYTE_ORDER_MARK = "\ufeff"
# `len` instead of a number: the value is thrown away, and int() refuses 4,300 digits.
_ANY = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
_SPACE = re.compile(r"[ \t\r\n]*")
_STRUCTURE, _SCALAR = re.compile(r'[{}\[\]"]'), re.compile(r"[^,\]} \t\r\n]*")
_MORE_CHARACTERS = 256 * 1024
# A decoder that came to the end of the text complains here, or where an open string began.
_LONGEST_TOKEN = 16
_KINDS = {"{": "an object", "[": "an array", '"': "a string", "t": "a boolean", "f": "a boolean", "n": "null"}


class NotUnpacked(Exception):
    """A stream is not as the settings say; the message says where and how, without row data."""


class JsonStream:
    """A cursor in a stream of JSON text. Each method begins where the last one ended."""

    def __init__(self, chunks: Iterable[bytes], most_characters: int = MOST_LINE_BYTES) -> None:
        self.documents = 0
        self._most = most_characters  # of a value: of a longer one there is a stand-in, and it is not held
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._place = 0
        self._ended = False

    def peek(self) -> str:
        """Returns the next character that is no white space, "" at the end of the stream."""
        while True:
            space = _SPACE.match(self._text, self._place)
            self._place = space.end() if space else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._more():
                return ""

    def begin(self) -> bool:
        """Goes to the next document and counts it; False at the end of the stream.

        A byte order mark may stand before each, as some servers put one before each answer.
        """
        while (found := self.peek()) == BYTE_ORDER_MARK:
            self._place += 1
        self.documents += bool(found)
        return bool(found)

    def value(self) -> str:
        """Returns the text of the next value, or a stand-in for a longer one than is held.

        Raises:
            NotUnpacked: there is none.
        """
        first = self.peek()
        while True:
            end = self._end_of_value()
            # A number near the end of the text may go on in the next chunk (of `1.5e+` all but the last two characters
            # are one already); nothing else may.
            if end is not None and (end + 2 < len(self._text) or self._ended or first in '{["'):
                text = self._text[self._place : end]
                self._place = end
                return text if len(text) <= self._most else stand_in(text)
            if len(self._text) - self._place > self._most:
                text = stand_in(self._text[self._place :])
                (self._skip if first in '{["' else self._skip_scalar)()
                return text
            if not self._more() and end is None:
                raise self.fault("it is not JSON, or ends within a value")

    def _end_of_value(self) -> int | None:
        """Where the next value ends; None if it goes on beyond the text at hand."""
        try:
            return _ANY.raw_decode(self._text, self._place)[1]
        except json.JSONDecodeError as err:
            if err.msg.startswith("Unterminated string") or len(self._text) - err.pos < _LONGEST_TOKEN:
                return None
            raise self.fault("it is not JSON") from None
        except RecursionError:
            raise self.fault("it is nested too deeply") from None

    def _skip(self) -> None:
        """Goes behind an object, an array or a string, whether it is JSON or not, and holds none of it."""
        depth = 0
        while True:
            found = _STRUCTURE.search(self._text, self._place)
            self._place = found.end() if found else len(self._text)
            if found is None:
                self._draw()
                continue
            if found.group() == '"':
                self._skip_text()
            else:
                depth += 1 if found.group() in "{[" else -1
            if depth <= 0:
                return

    def _skip_text(self) -> None:
        escapes = False  # whether what stands before the place escapes what follows
        while True:
            end = self._text.find('"', self._place)
            part = self._text[self._place : end if end >= 0 else len(self._text)]
            slashes = len(part) - len(part.rstrip("\\"))
            escapes = (slashes % 2 == 1) != (escapes and slashes == len(part))
            self._place += len(part) + (end >= 0)
            if end < 0:
                self._draw()
            elif escapes:
                escapes = False
            else:
                return

    def _skip_scalar(self) -> None:
        while True:
            found = _SCALAR.match(self._text, self._place)
            self._place = found.end() if found else self._place
            if self._place < len(self._text) or not self._more():
                return

    def _draw(self) -> None:
        if not self._more():
            raise self.fault("it is not JSON, or ends within a value")

    def members(self) -> Iterator[str]:
        """Yields the names of the next object's members; the caller takes the value of each."""
        self._expect("{")
        while self.peek() != "}":
            # Before it is read: int() refuses 4,300 digits.
            if (found := self.peek()) != '"':
                raise self.fault("it is not JSON" if found else "it is not JSON, or ends within a value")
            text = self.value()
            if is_stand_in(text):
                raise self.fault(f"a name in it is {TOO_LONG_REASON}")
            name = str(json.loads(text))
            self._expect(":")
            yield name
            self._comma("}")
        self._place += 1

    def elements(self) -> Iterator[None]:
        """Yields for each element of the next array; the caller takes its value."""
        self._expect("[")
        while self.peek() != "]":
            yield None
            self._comma("]")
        self._place += 1

    def _expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            if character == ":":
                raise self.fault("it is not JSON")
            kind = "a number" if found.isdigit() or found == "-" else _KINDS.get(found, "no JSON")
            raise self.fault(f"expected {_KINDS[character]}, found {kind}")
        self._place += 1

    def _comma(self, closing: str) -> None:
        found = self.peek()
        if found == ",":
            self._place += 1
            if self.peek() == closing:
                raise self.fault("it is not JSON")
        elif found != closing:
            raise self.fault("it is not JSON" if found else "it is not JSON, or ends within a value")

    def _more(self) -> bool:
        """Draws as much as is held again, so that a long value costs no more than its length; False at the end."""
        held = [self._text[self._place :]]
        wanted = max(len(held[0]), _MORE_CHARACTERS)
        while wanted > 0 and not self._ended:
            chunk = next(self._chunks, None)
            try:
                text = self._decoder.decode(chunk or b"", final=chunk is None)
            except UnicodeDecodeError:
                raise self.fault("it is not UTF-8") from None
            self._ended = chunk is None
            held.append(text)
            wanted -= len(text)
        self._text, self._place = "".join(held), 0
        return len(held[0]) < len(self._text)

    def fault(self, words: str) -> NotUnpacked:
        """Returns the error for the document at hand."""
        return NotUnpacked(f"document {self.documents} of the output: {words}")
