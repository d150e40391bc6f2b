"""A named table that is not there yet: what its catalog would refuse to make, known before anything is paid for."""

from __future__ import annotations

import re

from pyspark.sql import SparkSession

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.reserved_columns import quoted
from batch_transform.outputs.delta_table import SPARK_ERRORS
from batch_transform.outputs.port import OutputTable
from batch_transform.outputs.seen_names import names_below

_PART = re.compile(r"`((?:[^`]|``)*)`|([^`.\s]+)")
_PLAIN = re.compile(r"[A-Za-z0-9_]+")  # Spark's SessionCatalog.validateName
# Those that make a table in the folder of its name; Unity Catalog's have folders of their own.
_OF_FOLDERS = ("spark_catalog", "hive_metastore")


def refuse_unmade(spark: SparkSession, store: ObjectStore | None, output: OutputTable) -> None:
    """Checks schema, name and folder of a table that is to be made, as far as the catalog tells them.

    Raises:
        ConfigurationError: it could not be made.
    """
    *above, name = [(found[1] or found[2]).replace("``", "`") for found in _PART.finditer(output.table or "")]
    if [part.lower() for part in above] == ["delta"]:
        return  # named by its path: there is no schema of that name, and none is wanted
    told = f"{output.key}: {output.table} cannot be made: "
    try:
        # The session's own is told as SQL names it, `my-db` in its backticks, and may be several parts.
        schema = ".".join(map(quoted, above)) or spark.catalog.currentDatabase()
        found = {row[0]: row[1] for row in spark.sql(f"DESCRIBE SCHEMA EXTENDED {schema}").collect()}
    except SPARK_ERRORS as err:
        if "SCHEMA_NOT_FOUND" in str(err):
            if "/" in name and len(above) == 1:
                raise ConfigurationError(
                    f"{told}it names a folder; write {output.key}.path: {name} and output.format: {above[0].lower()}, "
                    "or name a table of Delta"
                ) from err
            raise ConfigurationError(
                f"{told}there is no schema {schema}; make it first (CREATE SCHEMA {schema}), or name another table"
            ) from err
        return  # it may not be described, which says nothing of its tables
    if found.get("Catalog Name") not in _OF_FOLDERS:
        return
    if not _PLAIN.fullmatch(name):
        raise ConfigurationError(f"{told}this catalog takes names of letters, digits and _ alone; name another table")
    folder = f"{(found.get('Location') or '').rstrip('/')}/{name.lower()}"
    if folder.startswith("/"):
        return
    if (first := next(names_below(spark, store, folder, folder), None)) is not None:
        raise ConfigurationError(
            f"{told}{folder}, where the catalog would put it, holds {first}, as what is left of a table that was "
            "dropped; move that away, or name another table"
        )
