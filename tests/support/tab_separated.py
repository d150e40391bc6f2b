"""A record format that the package does not know: a row's fields with tabs between them."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from batch_transform.records.port import RecordFormat


class TabSeparated(RecordFormat):
    """Each field as a cast spells it; null is an empty one."""

    name = "tab-separated"
    media_type = "text/tab-separated-values"
    suffix = "tsv"
    remedy = "Replace tabs with record.sql"

    def type_faults(self, kind: StructType, key: str) -> list[str]:
        flat = ("string", "int", "bigint", "double")
        return [f"{key}: {each.name} is no text or number" for each in kind if each.dataType.simpleString() not in flat]

    def record(self, kind: DataType, value: Column) -> Column:
        assert isinstance(kind, StructType)
        return F.array_join(F.array(*[value[name].cast("string") for name in kind.names]), "\t", "")

    def fault(self, kind: DataType, value: Column, record: Column, name: str) -> Column:
        assert isinstance(kind, StructType)
        tabs = F.size(F.split(record, "\t")) != len(kind.names)
        return F.when(tabs | F.contains(record, F.lit("\n")), F.lit("a tab or a newline"))


FORMAT = TabSeparated()
