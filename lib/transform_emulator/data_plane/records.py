"""Cut an object into request bodies: a record each, or greedy mini-batches of whole records.

Nothing here does I/O: chunks of bytes come in, bodies go out. At most one body and one chunk are held at a time.
"""

from collections.abc import Iterable, Iterator

from transform_emulator.job_request import Split, Strategy


class RecordTooLargeError(Exception):
    """A record does not fit into MaxPayloadInMB: the file fails ("a single record > MaxPayloadInMB", batch errors)."""


def bodies(chunks: Iterable[bytes], split: Split, strategy: Strategy, limit_bytes: int | None) -> Iterator[bytes]:
    r"""Yield the bodies to send for one object, in order.

    With `Split.NONE` the strategy is ignored and the whole object is one body. A line keeps its `\n`, and `\n` alone
    ends a line: a lone `\r` or U+2028 belongs to the record.

    Args:
        chunks: The object's bytes, in pieces of any size.
        split: SplitType.
        strategy: BatchStrategy.
        limit_bytes: MaxPayloadInMB in bytes, inclusive; None for no limit (MaxPayloadInMB=0), where MultiRecord puts
            the whole object into one body.

    Raises:
        RecordTooLargeError: A record, or an unsplit object, is over the limit.
    """
    if split is Split.LINE and strategy is Strategy.SINGLE_RECORD:
        return _lines(chunks, limit_bytes)
    if split is Split.LINE and limit_bytes is not None:
        return _line_batches(chunks, limit_bytes)
    return _whole(chunks, limit_bytes)


def _whole(chunks: Iterable[bytes], limit_bytes: int | None) -> Iterator[bytes]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        _check(len(body), limit_bytes)
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
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        # With more than a body's worth at hand, the last newline within the limit is where the greedy body ends.
        while len(buffer) > limit_bytes:
            end = buffer.rfind(b"\n", 0, limit_bytes) + 1
            if end == 0:
                raise RecordTooLargeError
            yield bytes(memoryview(buffer)[:end])
            del buffer[:end]
    if buffer:
        yield bytes(buffer)


def _check(size_bytes: int, limit_bytes: int | None) -> None:
    if limit_bytes is not None and size_bytes > limit_bytes:
        raise RecordTooLargeError
