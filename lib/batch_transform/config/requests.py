"""Rules that span the sections `record`, `transform` and `prediction`: what is one request, and what proves answers."""

from __future__ import annotations

from batch_transform.config.prediction import Prediction
from batch_transform.config.record import Record
from batch_transform.config.transform import Transform
from batch_transform.core.framing import LINE, WHOLE
from batch_transform.records.registry import built_in, record_format

_WHOLE_ONLY = "set transform.split: None, which makes each object one request"


def settled(transform: Transform, record: Record) -> Transform:
    """Returns the section with its split as it will be: as given, else as the record's format has it.

    Raises:
        ValueError: the two sections do not go together; the end of a sentence about `transform`.
    """
    split = transform.split or record_format(record.format).split
    if split == LINE:
        _check_lines(transform, record)
    else:
        _check_whole(transform, record)
    return transform.model_copy(update={"split": split})


def _check_lines(transform: Transform, record: Record) -> None:
    record_format(record.format).check_lines(transform.strategy)
    if record.header:
        raise ValueError(
            "has split: Line, with which the service cuts objects blindly: record.header would reach the first "
            f"mini-batch of an object only, and the others would fail; {_WHOLE_ONLY}"
        )
    if record.rows_per_object is not None:
        raise ValueError(
            "has split: Line, with which the service fills each request to the payload limit, so "
            f"record.rows_per_object would decide nothing; {_WHOLE_ONLY}"
        )


def _check_whole(transform: Transform, record: Record) -> None:
    one_row = record_format(record.format).is_one_row(WHOLE) or record.rows_per_object == 1
    if transform.strategy == "SingleRecord" and not one_row:
        # botocore, BatchStrategy: it is enabled by SplitType Line, RecordIO or TFRecord.
        raise ValueError(
            "has strategy: SingleRecord, which the service ignores with split: None: an object is one request. For one "
            "row a request set record.rows_per_object: 1, or transform.split: Line"
        )


def check_key(prediction: Prediction, record: Record) -> None:
    """Checks that a key can be compared.

    Raises:
        ValueError: records are not JSON; the end of a sentence about `prediction`.
    """
    if prediction.key is not None and not record_format(record.format).is_json:
        having = " or ".join(name for name, format in built_in().items() if format.is_json)
        raise ValueError(
            f"has a key, which is read from the JSON of the records, but record.format is {record.format}; leave "
            f"prediction.key out, or send {having}"
        )
