"""Row counts and ranges from Parquet footers, by reading ends of files only."""

from __future__ import annotations

import base64
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.object_store import PreconditionFailed
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.formats.parquet import FORMAT
from batch_transform.outputs.parquet_footers import TAIL_BYTES, open_footer_of, plain_footer_of, told_by_footer
from batch_transform.outputs.s3_tree import S3Tree
from support.memory_store import MemoryStore


class Watching(MemoryStore):
    """Notes the bytes of each ranged read."""

    def __init__(self):
        super().__init__()
        self.lengths = []

    def get_tail(self, uri, length_bytes, if_match=None):
        self.lengths.append(length_bytes)
        return super().get_tail(uri, length_bytes, if_match)


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


ROWS = pa.table({"a": [1, 2], "b": ["x", "y"]})


def tree_of(**files):
    tree = S3Tree(Watching(), S3Uri("bucket", "t"))
    for name, body in files.items():
        tree.put(name, body)
    return tree


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), max_size=4), st.integers(1, 7))
def test_rows_are_those_of_the_data(files, group):
    tree = tree_of(
        **{str(i): parquet(pa.table({"n": pa.array(v, pa.int64())}), row_group_size=group) for i, v in enumerate(files)}
    )
    assert FORMAT.file_rows(tree, tree.list(), threads=1) == {str(i): len(v) for i, v in enumerate(files)}


def test_many_files_are_read_in_threads():
    tree = tree_of(**{f"{i:03d}": parquet(pa.table({"n": range(i)})) for i in range(40)})
    assert FORMAT.file_rows(tree, tree.list(), threads=8) == {f"{i:03d}": i for i in range(40)}


def test_one_small_read_for_each_file():
    """3 MB of data, and no more than the end of it is fetched."""
    tree = tree_of(a=parquet(pa.table({"n": range(400_000)}), compression="none"))
    assert FORMAT.file_rows(tree, tree.list()) == {"a": 400_000}
    assert tree._store.lengths == [TAIL_BYTES]


def test_a_footer_longer_than_the_first_read():
    wide = pa.table({f"a_rather_long_column_name_{i}": [i] for i in range(1500)})
    tree = tree_of(a=parquet(wide))
    assert FORMAT.file_rows(tree, tree.list()) == {"a": 1}
    assert len(tree._store.lengths) == 2


def test_the_version_that_was_listed_is_the_one_that_is_counted():
    tree = tree_of(a=parquet(pa.table({"n": [1]})))
    files = list(tree.list())
    tree.put("a", parquet(pa.table({"n": [1, 2]})))
    with pytest.raises(PreconditionFailed):
        FORMAT.file_rows(tree, files)


@pytest.mark.parametrize(
    "body", [b"", b"PAR1", b"no Parquet at all", b"PAR1" + b"x" * 30 + b"\x05\0\0\0PAR1", b"\xff\xff\xff\x7fPAR1"]
)
def test_what_is_no_parquet_is_refused_by_name(body):
    tree = tree_of(broken=body)
    with pytest.raises(GateRefused, match="s3://bucket/t/broken"):
        FORMAT.file_rows(tree, tree.list())


GROUPS = st.lists(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=12), min_size=1, max_size=4)


@given(GROUPS, st.integers(1, 5))
def test_ranges_of_numeric_predictions_are_those_of_the_data(files, group):
    tables = [
        pa.table({"age": pa.array([1.0] * len(v)), "p": pa.array(v, pa.float64()), "word": pa.array(["x"] * len(v))})
        for v in files
    ]
    tree = tree_of(**{str(i): parquet(made, row_group_size=group) for i, made in enumerate(tables)})
    values = [value for v in files for value in v]
    filled = [value for value in values if value is not None]
    expected = [
        {
            "column": "p",
            "rows": len(values),
            "nulls": len(values) - len(filled),
            "least": min(filled, default=None),
            "most": max(filled, default=None),
        }
    ]
    assert FORMAT.ranges(tree, tree.list(), {"age"}) == (expected if values else [])


def test_a_range_that_a_footer_does_not_tell_is_null_and_a_field_of_a_struct_has_one():
    nan = parquet(pa.table({"p": [float("nan"), float("nan")], "s": pa.array([{"q": 1}, {"q": 3}])}))
    bare = parquet(pa.table({"p": [1.0]}), write_statistics=False)
    ranges = FORMAT.ranges(tree_of(a=nan, b=bare), tree_of(a=nan, b=bare).list(), ())
    assert ranges[0] == {"column": "p", "rows": 3, "nulls": None, "least": None, "most": None}
    assert ranges[1] == {"column": "s.q", "rows": 2, "nulls": 0, "least": 1, "most": 3}


def test_days_times_decimals_and_lists_have_no_range():
    odd = pa.table(
        {
            "day": pa.array([1], pa.date32()),
            "at": pa.array([1], pa.timestamp("us")),
            "price": pa.array([1], pa.decimal128(9, 2)),
            "many": pa.array([[1, 2]]),
        }
    )
    tree = tree_of(a=parquet(odd, store_decimal_as_integer=True))
    assert FORMAT.ranges(tree, tree.list(), ()) == []


def encrypted(table, column):
    """Returns a file of which one column is encrypted; its footer is in plain text, and signed."""
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Keys(encryption.KmsClient):
        def wrap_key(self, key, name):
            return base64.b64encode(key)

        def unwrap_key(self, key, name):
            return base64.b64decode(key)

    asked = encryption.EncryptionConfiguration("footer", column_keys={"k": [column]}, plaintext_footer=True)
    access = encryption.KmsConnectionConfig()
    keys = encryption.CryptoFactory(lambda _: Keys()).file_encryption_properties(access, asked)
    return parquet(table, encryption_properties=keys)


def test_a_file_with_an_encrypted_column_is_refused_where_its_columns_are_asked():
    """Pyarrow ended the process, a driver in the middle of its run."""
    tree = tree_of(plain=parquet(ROWS), some=encrypted(ROWS, "b"))
    plain, some = tree.list()
    assert told_by_footer(tree, plain).columns == ("a", "b")
    assert FORMAT.file_rows(tree, [some]) == {"some": 2}
    assert FORMAT.ranges(tree, [plain], ()) != []
    with pytest.raises(GateRefused, match=r"s3://bucket/t/some: .*encrypted"):
        told_by_footer(tree, some)
    assert FORMAT.ranges(tree, [plain, some], ()) == []


MOMENTS = pa.table({"at": pa.array([1, 2], pa.timestamp("us", "UTC")), "local": pa.array([1, 2], pa.timestamp("us"))})


def test_a_footer_that_says_everything_in_one_way_is_plain():
    """A time without a zone has the converted type of one that has, whoever wrote it."""
    tree = tree_of(**{version: parquet(MOMENTS, version=version) for version in ("1.0", "2.4", "2.6")})
    assert [plain_footer_of(tree, file).num_rows for file in tree.list()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (MOMENTS.select(["at"]), (b"\x25\x14", b"\x25\x12")),  # milliseconds, beside a logical type of microseconds
        (MOMENTS.select(["local"]), (b"\x25\x14", b"\x25\x12")),
        (
            ROWS.replace_schema_metadata({"org.apache.spark.version": "4.2.0", "org.apache.spark.versio_": "2.4.0"}),
            None,
        ),
    ],
)
def test_a_footer_that_says_one_thing_in_two_ways_is_not(written, said):
    """To Spark a column is of its converted type, and of two notes the last one holds; pyarrow takes the others."""
    body = parquet(written, store_schema=said is None)
    earlier, later = said or (b"org.apache.spark.versio_", b"org.apache.spark.version")
    assert body.count(earlier) == 1
    tree = tree_of(whole=body, other=body.replace(earlier, later))
    other, whole = tree.list()
    assert open_footer_of(tree, other).schema.to_arrow_schema().types == written.schema.types
    assert plain_footer_of(tree, whole).num_rows == 2
    with pytest.raises(GateRefused, match="one thing in two ways"):
        plain_footer_of(tree, other)


def test_a_name_that_is_no_utf8_is_refused():
    """Spark reads it as another one."""
    tree = tree_of(
        odd=parquet(pa.table({"n\u00e4me": [1]}), store_schema=False).replace("\u00e4".encode(), b"\xff\xe4")
    )
    (odd,) = tree.list()
    with pytest.raises(GateRefused, match=r"s3://bucket/t/odd: its Parquet footer cannot be read"):
        told_by_footer(tree, odd)
