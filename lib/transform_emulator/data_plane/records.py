"""Cut an object into request bodies: a record each, or greedy mini-batches of whole records.

Nothing here does I/O: chunks of bytes come in, bodies go out. At most one body and one chunk are held at a time.
"""

from collections.abc import Iterable, Iterator

from transform_emulator.data_plane.framing import FrameTooLargeError, frames
from transform_emulator.service.job_request import Split, Strategy


class RecordTooLargeError(Exception):
    """A record does not fit into MaxPayloadInMB: the file fails ("a single record > MaxPayloadInMB", batch errors)."""


def is_one_body(split: Split, strategy: Strategy, limit_bytes: int | None) -> bool:
    """Returns whether a whole object is sent in one request of unlimited size, which is streamed rather than held.

    That MultiRecord without a limit (MaxPayloadInMB=0) puts the whole object into one body is the reading of the SDK's
    local mode; how the service groups records then is not written anywhere.
    """
    return limit_bytes is None and (split is Split.NONE or strategy is Strategy.MULTI_RECORD)


def bodies(chunks: Iterable[bytes], split: Split, strategy: Strategy, limit_bytes: int | None) -> Iterator[bytes]:
    r"""Yields the bodies to send for one object, in order.

    With `Split.NONE` the strategy is ignored and the whole object is one body. A line keeps its `\n`, and `\n` alone
    ends a line: a lone `\r` or U+2028 belongs to the record. A RecordIO or TFRecord record loses its wrapper with
    SingleRecord and keeps it with MultiRecord (botocore, SplitType).

    Args:
        chunks: The object's bytes, in pieces of any size.
        split: SplitType.
        strategy: BatchStrategy.
        limit_bytes: MaxPayloadInMB in bytes, inclusive; None for no limit.

    Raises:
        RecordTooLargeError: A record, or an unsplit object, is over the limit.
        MalformedRecordError: The object is not what `split` says.
    """
    if is_one_body(split, strategy, limit_bytes) or split is Split.NONE:
        return _whole(chunks, limit_bytes)
    if split is not Split.LINE:
        return _framed(chunks, split, strategy, limit_bytes)
    if limit_bytes is None or strategy is Strategy.SINGLE_RECORD:
        return _lines(chunks, limit_bytes)
    return _line_batches(chunks, limit_bytes)


def one_by_one(chunks: Iterable[bytes], split: Split) -> Iterator[bytes]:
    """Yields a body of any size for each record, wrapper included: another reading of MaxPayloadInMB=0."""
    if split is Split.LINE:
        return _lines(chunks, None)
    return (record.wrapped for record in frames(chunks, split, None))


def without_blank_lines(chunks: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    r"""Yields the lines that hold more than their `\n`.

    Raises:
        RecordTooLargeError: A line is over the limit; no more of it is held.
    """
    return (line for line in _lines(chunks, limit_bytes) if line != b"\n")


def _whole(chunks: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        _check(len(body), limit_bytes)
    if body:
        yield bytes(body)


def _framed(chunks: Iterable[bytes], split: Split, strategy: Strategy, limit_bytes: int | None) -> Iterator[bytes]:
    try:
        records = frames(chunks, split, limit_bytes)
        if strategy is Strategy.SINGLE_RECORD:
            for record in records:
                yield record.data
        else:
            yield from _packed((record.wrapped for record in records), limit_bytes)
    except FrameTooLargeError as error:
        raise RecordTooLargeError from error


def _packed(records: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    body = bytearray()
    for record in records:
        _check(len(record), limit_bytes)
        # Inclusive: a body of exactly MaxPayloadInMB is sent.
        if body and limit_bytes is not None and len(body) + len(record) > limit_bytes:
            yield bytes(body)
            body.clear()
        body += record
    if body:
        yield bytes(body)


def _lines(chunks: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    unfinished: list[bytes] = []
    unfinished_bytes = 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            unfinished.append(end + b"\n")
            line = b"".join(unfinished)
            unfinished, unfinished_bytes = [], 0
            _check(len(line), limit_bytes)
            yield line
        if rest:
            unfinished.append(rest)
            unfinished_bytes += len(rest)
            _check(unfinished_bytes, limit_bytes)
    if unfinished:
        yield b"".join(unfinished)


def _line_batches(chunks: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    # Beside the body that is out, only what follows it in its last chunk is held: a hundred files may be under way.
    held: list[bytes] = []
    held_bytes = 0
    for chunk in chunks:
        held.append(chunk)
        held_bytes += len(chunk)
        while held_bytes > limit_bytes:
            body, rest = _greedy(b"".join(held), limit_bytes)
            held, held_bytes = [rest], len(rest)
            yield body
    if held_bytes:
        yield b"".join(held)


def _greedy(data: bytes, limit_bytes: int) -> tuple[bytes, bytes]:
    # With more than a body's worth at hand, the last newline within the limit is where the greedy body ends.
    end = data.rfind(b"\n", 0, limit_bytes) + 1
    if end == 0:
        raise RecordTooLargeError
    return data[:end], data[end:]


def _check(size_bytes: int, limit_bytes: int | None) -> None:
    if limit_bytes is not None and size_bytes > limit_bytes:
        raise RecordTooLargeError
