"""ORC, as Spark's own writer and reader have it (`spark.sql.orc.impl=native`).

It loses without an error (seen on Spark 4.2): a name is cut at a backtick, a collation or a user's type is gone; dates
of the ten days that the Gregorian calendar left out, and timestamps of these days and of the last second before 1970,
come back as others; of a map with dates in its keys one entry is left. All of that is refused before anything is paid
for. The entries of a map come back sorted by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batch_transform.core.error_causes import cause_of
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.near_names import listed
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import escaped
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.reserved_columns import quoted
from batch_transform.core.stack_traces import of_error
from batch_transform.outputs.copied_files import FileFormat, file_format
from batch_transform.outputs.file_tree import THREADS, Tree, in_threads
from batch_transform.outputs.orc_footers import told_by_footer
from batch_transform.outputs.port import OutputTable, TableRule
from batch_transform.outputs.registry import names_that

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import DataType, StructField, StructType

_STRIPE_BYTES = 32 * 1024 * 1024
_DAYS = (-141437, -141428)  # 1582-10-05 to 1582-10-14, of which the hybrid calendar has none, as days since 1970
_DAY_MICROS = 24 * 3600 * 1_000_000
_LOST_MICROS = (
    # A day more at both ends: a timestamp has its day in the zone of the JVM that writes it.
    ((_DAYS[0] - 1) * _DAY_MICROS, (_DAYS[1] + 2) * _DAY_MICROS - 1),
    (-999_999, -1),  # seconds are cut towards 1970 there, and the fraction is added
)


class Orc(FileFormat):
    """Files of ORC."""

    can = file_format("orc", "ORC")
    settings = {  # noqa: RUF012
        "spark.sql.orc.impl": "native",  # Hive's is another one, with losses of its own
        "spark.sql.orc.mergeSchema": "false",
        "spark.sql.orc.filterPushdown": "true",
    }

    def writer_options(self, *, large: bool) -> Mapping[str, str]:
        """Returns small stripes for large records; the writer looks at its size every 5,000 rows by default."""
        small = {"orc.stripe.size": str(_STRIPE_BYTES), "orc.rows.between.memory.checks": "1"}
        return small if large else {}

    def writer_settings(self, *, large: bool) -> Mapping[str, str]:
        """Returns that rows go to the writer one by one, if they are large, and not 1,024 at a time."""
        return {"spark.sql.orc.columnarWriterBatchSize": "1"} if large else {}

    def file_rows(self, tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
        """Returns name -> rows by the files' own footers."""
        listed = list(files)
        footers = in_threads(lambda file: told_by_footer(tree, file), listed, threads)
        return {file.name: footer.rows for file, footer in zip(listed, footers, strict=True)}

    def column_names(self, tree: Tree, file: TreeFile) -> tuple[str, ...]:
        """Returns the columns by the footer, which is all that is read."""
        return told_by_footer(tree, file).names

    def file_schema(self, spark: SparkSession, tree: Tree, file: TreeFile, path: str) -> StructType | None:
        """Returns the columns as Spark reads them: types that ORC has not stand in attributes that Arrow ignores."""
        from pyspark.errors import PySparkException

        told_by_footer(tree, file)
        try:
            return spark.read.format(self.can.name).load(escaped(path)).schema
        except PySparkException as err:
            raise GateRefused(f"{tree.location}/{file.name} cannot be read: {cause_of(of_error(err)).words}") from err

    def check_fits(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, schema: StructType, *, complete: bool
    ) -> list[str]:
        """Checks the files that stay, and that Spark reads these columns by their names."""
        warnings = super().check_fits(spark, store, table, schema, complete=complete)
        chosen = {name.lower() for name in table.partition_by}
        names = [field.name for field in schema.fields if field.name.lower() not in chosen]
        stays = table.mode in ("append", "overwrite_partitions")
        if complete and stays and all(name.startswith("_col") for name in names):
            raise ConfigurationError(
                f"{table.key}: Spark reads files of ORC whose columns are all named _col..., as {listed(names)}, by "
                "their places, and beside others one would be read as another; rename one"
            )
        return warnings

    def refused_names(self, names: Sequence[str]) -> list[str]:
        """Returns the names that are empty, or cut at a backtick."""
        return [name for name in names if "`" in name or not name]

    def name_faults(self, schema: StructType) -> list[str]:
        """Returns a fault for each column that has such a name, or a field with one."""
        odd = [(field.name, name) for field in schema.fields for name in self.refused_names(_names_in(field))]
        return [
            f"output.format: ORC takes no name that is empty or has a backtick, as {name!r} (the column {column}); "
            f"rename it, or set output.format: {_others()}"
            for column, name in odd
        ]

    def type_faults(self, written: StructType, read: StructType) -> list[str]:
        """Returns a fault for each column whose type is another one where it is read, or whose maps lose entries."""
        faults = [
            f"output.format: ORC keeps one entry of a map whose keys have dates, as in the column {field.name}; cast "
            f"them, or set output.format: {_others()}"
            for field in written.fields
            if _has_date_keys(field.dataType)
        ]
        for ours, theirs in zip(written.fields, read.fields, strict=True):
            if _bare(ours.dataType) != _bare(theirs.dataType):
                kinds = f"{theirs.dataType.simpleString()}, not as {ours.dataType.simpleString()}"
                told = f"ORC gives the column {ours.name} back as {kinds}; cast it"
                faults.append(f"output.format: {told}, or set output.format: {_others()}")
        return faults

    def row_rules(self, spark: SparkSession, table: OutputTable, schema: StructType) -> list[TableRule]:
        """Returns that no date or timestamp is one that comes back as another."""
        from batch_transform.outputs.value_rules import condition_on

        by = {name.lower() for name in table.partition_by}  # these are text, in names of folders
        fields = [field for field in schema.fields if field.name.lower() not in by]
        rules = [(field, condition_on(quoted(field.name), field.dataType, _is_kept)) for field in fields]
        return [
            TableRule(
                holds,
                f"{field.name} has dates or timestamps that ORC gives back as others (of 1582-10-04 to "
                "1582-10-15, or of the last second before 1970)",
            )
            for field, holds in rules
            if holds is not None and table.key == "output"  # dead letters have the same columns
        ]

    def warnings(self, spark: SparkSession, tables: Sequence[OutputTable], schema: StructType) -> list[str]:
        """Returns that timestamps are wall-clock times of the JVM's zone, where there are any."""
        names = [field.name for field in schema.fields if '"timestamp"' in field.dataType.json()]
        if not names:
            return []
        return [
            f"output.format: orc keeps timestamps ({listed(names)}) by the clock of the writing JVM's zone "
            "(user.timezone): where a reader's JVM has another one, they are other instants; timestamp_ntz has no zone"
        ]


def _others() -> str:
    return names_that(lambda can: can.name != Orc.can.name)


def _kinds_in(kind: DataType) -> Iterator[DataType]:
    """A type, and all types within it."""
    yield kind
    inner = [field.dataType for field in getattr(kind, "fields", ())]
    inner += [getattr(kind, part) for part in ("elementType", "keyType", "valueType") if hasattr(kind, part)]
    for each in inner:
        yield from _kinds_in(each)


def _names_in(field: StructField) -> list[str]:
    """The name of a column, and of all fields within it."""
    return [field.name, *(inner.name for kind in _kinds_in(field.dataType) for inner in getattr(kind, "fields", ()))]


def _has_date_keys(kind: DataType) -> bool:
    """Whether a map within a type has dates in its keys, of which ORC's own maps think that all are one."""
    keys = [inner.keyType for inner in _kinds_in(kind) if hasattr(inner, "keyType")]
    return any(part.typeName() == "date" for key in keys for part in _kinds_in(key))


def _is_kept(value: str, kind: DataType) -> str | None:
    from pyspark.sql.types import DateType, TimestampType

    if isinstance(kind, DateType):
        return f"({value} IS NULL OR unix_date({value}) NOT BETWEEN {_DAYS[0]} AND {_DAYS[1]})"
    if isinstance(kind, TimestampType):
        lost = " OR ".join(f"unix_micros({value}) BETWEEN {first} AND {last}" for first, last in _LOST_MICROS)
        return f"({value} IS NULL OR NOT ({lost}))"
    return None


def _bare(kind: DataType) -> Any:
    """A type without what a column is free in: whether it may be null, and its metadata."""
    return _without(kind.jsonValue())


def _without(told: Any) -> Any:
    free = ("nullable", "containsNull", "valueContainsNull", "metadata")
    if isinstance(told, dict):
        return {key: _without(value) for key, value in told.items() if key not in free}
    return [_without(value) for value in told] if isinstance(told, list) else told


FORMAT = Orc()
