"""Whether Parquet files that are there and those of a run can be read as one table, by the footers of a few of them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType, TimestampNTZType

from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.naming import is_data_file
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.publication import Mode
from batch_transform.outputs.column_types import type_differences
from batch_transform.outputs.footers import read_metadata
from batch_transform.outputs.trees import Tree

_SPARKS_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"


def check_fits(mode: Mode, target: Tree, schema: StructType, partition_by: Sequence[str], key: str = "output") -> None:
    """Checks the first and the last of the files that stay beside those of a run.

    Raises:
        ConfigurationError: a column of another type: Spark reads such a table with an error, or wrongly.
    """
    if mode not in ("append", "overwrite_partitions"):
        return
    chosen = {name.lower() for name in partition_by}
    ours = StructType([field for field in schema.fields if field.name.lower() not in chosen])
    data = sorted((file for file in target.list() if is_data_file(file.name)), key=lambda file: file.name)
    faults = []
    for file in {file.name: file for file in (data[:1] + data[-1:])}.values():
        try:
            theirs = _schema(read_metadata(target, file))
        except (GateRefused, StoreFailure) as err:
            raise ConfigurationError(f"{key}: {err}") from err
        if theirs is not None:
            place = f"{target.location}/{file.name}"
            faults += [
                f"{key}: {difference}, which is there already; cast it in the input (or in prediction.schema), or "
                "write to another place"
                for difference in type_differences(ours, theirs, place, exact=True)
            ]
    if faults:
        raise ConfigurationError(faults)


def _schema(metadata: pq.FileMetaData) -> StructType | None:
    """The columns as Spark wrote them, or as Arrow reads another writer's; None for types that Spark has not."""
    text = (metadata.metadata or {}).get(_SPARKS_SCHEMA)
    if text is not None:
        return StructType.fromJson(json.loads(text))
    try:
        schema = from_arrow_schema(metadata.schema.to_arrow_schema())
    except (PySparkException, pa.ArrowException):
        return None
    # INT96 says nothing of a zone: Arrow takes it for a time without one, Spark for one with.
    return StructType([field for field in schema.fields if not isinstance(field.dataType, TimestampNTZType)])
