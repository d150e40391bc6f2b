"""`transform.join_source: input`, and the filters: what the service can join, and where predictions then lie.

The service reads each record and each answer for it, so it must know their format (transform_emulator/FACTS.md, 2.4).
"""

from __future__ import annotations

from batch_transform.config.prediction import Prediction
from batch_transform.config.transform import Transform
from batch_transform.core.framing import WHOLE
from batch_transform.core.predictions.answer_form import CSV, JSON, JSON_LINES

CSV_TYPE = "text/csv"
# "Text/CSV, application/json and application/jsonlines" (developer guide, batch-transform-data-processing).
READABLE = (CSV_TYPE, "application/json", "application/jsonlines")


def bare_type(media_type: str) -> str:
    """Returns a media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def check_processing(transform: Transform, media_type: str) -> None:
    """Checks that the service can read what it is to filter or to join.

    Raises:
        ValueError: the records are of another type, or the answers are to be of a type that the service cannot read,
            or, for a join, of another one than the records.
    """
    joins = transform.join_source == "input"
    if joins and transform.split == WHOLE:
        raise ValueError(
            "has join_source: input beside split: None; an object is then one record, which gets one answer: set "
            "split: Line"
        )
    if bare_type(media_type) not in READABLE:
        raise ValueError(
            f"has a filter or join_source: input, but records are {media_type}, and the service reads "
            f"{', '.join(READABLE)}; send one of these (record.format), or leave filters and join_source out"
        )
    if transform.accept is None:
        return
    if joins and transform.accept != media_type:
        raise ValueError(
            f"has accept: {transform.accept} beside join_source: input, but records are {media_type}; "
            "the service takes the same type for both: leave accept out"
        )
    # An answer is read by Accept, and only where something of it is selected.
    if transform.output_filter is not None and bare_type(transform.accept) not in READABLE:
        raise ValueError(
            f"has accept: {transform.accept} beside output_filter, and the service reads answers of "
            f"{', '.join(READABLE)}; ask for one of these, or leave output_filter out"
        )


def check_joined(prediction: Prediction, transform: Transform, media_type: str) -> None:
    """Checks that predictions can be found in joined lines.

    Raises:
        ValueError: the format is not that of the joined lines, or they do not say where the record ends.
    """
    if prediction.body == "wrapped":
        raise ValueError(
            "has body: wrapped beside transform.join_source: input, and the service joins answers as they are; leave "
            "one of the two out"
        )
    is_csv = bare_type(media_type) == CSV_TYPE
    kinds = (CSV,) if is_csv else (JSON, JSON_LINES)
    if is_csv and transform.output_filter is not None and prediction.ddl is prediction.records_path is None:
        kinds = (CSV, JSON_LINES)  # a bare string: what the filter leaves of a line
    if prediction.format not in kinds:
        kind = "CSV: set prediction.format: csv" if is_csv else "JSON: leave prediction.format out"
        raise ValueError(f"has format: {prediction.format}, but with transform.join_source: input a line is {kind}")
    if is_csv and transform.output_filter is None:
        raise ValueError(
            "has format: csv, but with transform.join_source: input a line of CSV does not say where the record ends, "
            "so a cell of the input could pass for a prediction: send record.format: jsonlines, or keep the prediction "
            "alone with transform.output_filter, such as '$[3:]' behind a record of three cells"
        )
