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

from batch_transform.core.predictions.media_types import media_type_of
from batch_transform.core.predictions.records_path import EACH, Steps, spelled

BYTE_ORDER_MARK = "\ufeff"
# `len` instead of a number: the value is thrown away, and int() refuses 4,300 digits.
_ANY = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
_SPACE = re.compile(r"[ \t\r\n]*")
_MORE_CHARACTERS = 256 * 1024
# A decoder that came to the end of the text complains here, or where an open string began.
_LONGEST_TOKEN = 16
_LONGEST_TYPE = 300
_ENDS_AS_A_PAIR = re.compile(r'/[^\[\]]*"\s*\]\Z')
_KINDS = {"{": "an object", "[": "an array", '"': "a string", "t": "a boolean", "f": "a boolean", "n": "null"}


class NotUnpacked(Exception):
    """A stream is not as the settings say; the message says where and how, without row data."""


class JsonStream:
    """A cursor in a stream of JSON text. Each method begins where the last one ended."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.documents = 0
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
        """Returns the text of the next value.

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

    def members(self) -> Iterator[str]:
        """Yields the names of the next object's members; the caller takes the value of each."""
        self._expect("{")
        while self.peek() != "}":
            # Before it is read: int() refuses 4,300 digits.
            if (found := self.peek()) != '"':
                raise self.fault("it is not JSON" if found else "it is not JSON, or ends within a value")
            name = str(json.loads(self.value()))
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


def unpack(chunks: Iterable[bytes], steps: Steps) -> Iterator[str]:
    """Yields the text of each prediction, on one line, in order.

    Args:
        chunks: the stream, in pieces of any size.
        steps: to the predictions of a document; (): the document is one.

    Raises:
        NotUnpacked: what is there is not JSON, or a document has nothing where the steps lead.
    """
    stream = JsonStream(chunks)
    while stream.begin():
        for text in _document(stream, steps):
            # Within a value a newline is white space: in a string it would not be JSON.
            yield text.replace("\n", " ")


def pair_of(document: str) -> list[str]:
    """Returns the elements of a JSON document that may be an array of a body and its media type; [] for any other."""
    if not (document.startswith("[") and _ENDS_AS_A_PAIR.search(document[-_LONGEST_TYPE:])):
        return []
    stream = JsonStream([document.encode(errors="surrogatepass")])
    return [stream.value() for _ in stream.elements()]


def _refuse_pair(stream: JsonStream, elements: list[str]) -> None:
    """One answer, which would pass for one array, or for two predictions."""
    media_type = media_type_of(elements)
    if media_type is not None:
        raise stream.fault(f"it is an array of a body and its media type, {media_type}")


def _document(stream: JsonStream, steps: Steps) -> Iterator[str]:
    if steps == (EACH,):
        yield from _elements(stream)
    elif steps:
        yield from _walk(stream, steps)
    else:
        text = stream.value()
        _refuse_pair(stream, pair_of(text))
        yield text


def _elements(stream: JsonStream) -> Iterator[str]:
    """The elements of an array that is the whole document; of two it is seen first what they are."""
    held: list[str] | None = []
    for _ in stream.elements():
        text = stream.value()
        if held is None:
            yield text
            continue
        held.append(text)
        if len(held) > 2:
            yield from held
            held = None
    if held is not None:
        _refuse_pair(stream, held)
        yield from held


def _walk(stream: JsonStream, steps: Steps) -> Iterator[str]:
    if not steps:
        yield stream.value()
    elif steps[0] is EACH:
        for _ in stream.elements():
            yield from _walk(stream, steps[1:]) if steps[1:] else (stream.value(),)
    else:
        yield from _member(stream, steps)


def _member(stream: JsonStream, steps: Steps) -> Iterator[str]:
    found = 0
    for name in stream.members():
        if name != steps[0]:
            stream.value()
            continue
        found += 1
        if found == 1:
            yield from _walk(stream, steps[1:])
        else:
            raise stream.fault(f"it has {name!r} twice")
    if not found:
        raise stream.fault(f"it has nothing at {spelled(steps)!r}")
