"""The converted types of a Parquet file's columns, as its footer has them. Pure.

A column may have a converted type, the older way to say what its values mean, and a logical type beside it. Where they
differ Spark goes by the converted type and pyarrow by the logical one, and pyarrow tells no converted type but that of
the logical one: the footer is read for them, up to the end of its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

NONE = "NONE"
# By their numbers (Parquet format, ConvertedType), as pyarrow names them.
_NAMES = (
    *("UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS"),
    *("TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32"),
    *("INT_64", "JSON", "BSON", "INTERVAL"),
)
_SCHEMA = 2  # of FileMetaData
_TYPE, _CONVERTED_TYPE = 1, 6  # of SchemaElement
_SEVEN_BITS, _LONG_LIST = 0x7F, 15


def converted_types(footer: bytes) -> list[str]:
    """Returns that of each column that has values, in their order; NONE where there is none.

    Raises:
        ValueError: this is no footer of Parquet.
    """
    try:
        elements: Any = _Compact(footer).struct(until=_SCHEMA)[_SCHEMA]
        leaves = [element for element in elements if _TYPE in element]
        return [_NAMES[each[_CONVERTED_TYPE]] if _CONVERTED_TYPE in each else NONE for each in leaves]
    except (IndexError, KeyError, TypeError, RecursionError) as err:
        raise ValueError("no footer of Parquet") from err


class _Compact:
    """Values of Thrift's compact protocol; of those that no caller asks for the place is passed."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0
        # By the numbers of the types; a boolean field has its value in its type.
        self._read: Mapping[int, Callable[[], object]] = {
            **dict.fromkeys((1, 2), lambda: None),
            3: self._byte,
            **dict.fromkeys((4, 5, 6), self._signed),
            7: lambda: self._pass(8),
            8: lambda: self._pass(self._number()),
            **dict.fromkeys((9, 10), self._list),
            12: self.struct,
        }

    def struct(self, until: int | None = None) -> dict[int, object]:
        """Returns the fields by their numbers, no further than to one of them."""
        found, number = dict[int, object](), 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            found[number] = self._read[head & 0x0F]()
            if number == until:
                break
        return found

    def _list(self) -> list[object]:
        head = self._byte()
        size, kind = head >> 4, head & 0x0F
        size = self._number() if size == _LONG_LIST else size
        read = self._byte if kind in (1, 2) else self._read[kind]
        return [read() for _ in range(size)]

    def _byte(self) -> int:
        self._at += 1
        return self._body[self._at - 1]

    def _number(self) -> int:
        found = shift = 0
        while (octet := self._byte()) > _SEVEN_BITS:
            found |= (octet & _SEVEN_BITS) << shift
            shift += 7
        return found | octet << shift

    def _signed(self) -> int:
        found = self._number()
        return (found >> 1) ^ -(found & 1)

    def _pass(self, size: int) -> None:
        self._at += size
        if self._at > len(self._body):
            raise IndexError
