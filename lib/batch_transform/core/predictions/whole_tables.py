"""Answers to a whole request that are one table, of a form that no setting reads row by row. Pure.

| form | document |
|---|---|
| tensors of KServe V2 | `{"outputs": [{"name": "p", "shape": [2], "datatype": "FP64", "data": [0.1, 0.9]}]}` |
| pandas' `orient="columns"` (the default) | `{"p": {"0": 0.1, "1": 0.9}}` |
| pandas' `orient="index"` | `{"0": {"p": 0.1}, "1": {"p": 0.9}}` |

Pandas' other forms are lists, which `prediction.records_path` reads (`lists_beside`). Its rows have numbers by default:
objects by other names are scores by class, or an error with its code and message, and not told from an answer to a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.records_path import unpack

# Of a document that is looked at, which is held with all its values: more than a request of 6 MB is answered with.
_MOST_CHARACTERS = 8 * BYTES_PER_MB
_OF_A_TENSOR = {"name", "shape", "datatype", "data"}
_BY_RECORD = 'pandas\' to_json(orient="records", lines=True) writes that'


@dataclass(frozen=True)
class TableForm:
    """A form of tables.

    Attributes:
        name: of it.
        why: no setting is of use, or what writes one object for each record.
    """

    name: str
    why: str


_TENSORS = TableForm("tensors of KServe V2", "no setting reads the data of a tensor, which lies in a list of outputs")
_COLUMNS = TableForm('columns of values by name (pandas\' orient="columns")', _BY_RECORD)
_INDEX = TableForm('objects by name (pandas\' orient="index")', _BY_RECORD)


def whole_tables(chunks: Iterable[bytes], rows: int, most_line_bytes: int) -> tuple[TableForm, int] | None:
    """Returns the form and the number of the documents of an output that are tables of so many rows; None: of no form.

    Args:
        chunks: an output.
        rows: how many predictions it should hold.
        most_line_bytes: of a prediction; a larger document is not held either.
    """
    most = min(_MOST_CHARACTERS, most_line_bytes)
    held = dict.fromkeys((_TENSORS, _COLUMNS, _INDEX), 0)
    documents = 0
    try:
        for text in unpack(chunks, (), most):
            documents += 1
            found = dict(_rows_by_form(json.loads(text)))
            held = {form: held[form] + found[form] for form in held if form in found}
            if not held:
                return None
    except (NotUnpacked, ValueError, RecursionError):
        return None
    # A table of a row is an answer to one record, which may be read as it is.
    return next(((form, documents) for form, number in held.items() if number == rows > documents), None)


def _rows_by_form(document: object) -> Iterator[tuple[TableForm, int]]:
    """How many rows a document has in each form that it may be in."""
    if not isinstance(document, dict) or not document:
        return
    tensors = document.get("outputs")
    if isinstance(tensors, list) and tensors and all(map(_is_tensor, tensors)):
        sizes = {tensor["shape"][0] for tensor in tensors}
        yield from [(_TENSORS, sizes.pop())] if len(sizes) == 1 else []
        return
    inner = list(document.values())
    first = inner[0]
    if not isinstance(first, dict) or any(not isinstance(each, dict) or each.keys() != first.keys() for each in inner):
        return
    if len(inner) == 1 and any(isinstance(each, dict) for each in first.values()):
        yield from _rows_by_form(first)  # as in {"predictions": {...}}
        return
    for form, labels in ((_COLUMNS, first), (_INDEX, document)):
        if all(map(str.isdecimal, labels)):
            yield form, len(labels)


def _is_tensor(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() >= _OF_A_TENSOR:
        return False
    shape = value["shape"]
    return isinstance(shape, list) and bool(shape) and type(shape[0]) is int
