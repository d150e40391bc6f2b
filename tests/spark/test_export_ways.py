"""`export: rows` is the oracle of `export: arrow`: equal records as parsed JSON, and the same table by either merge."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ErrorBudgetExceeded
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.reserved_columns import quoted
from batch_transform.core.sending.json_records import are_rendered
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.spans import check_tiling
from batch_transform.core.uris import S3Uri
from batch_transform.exports.export_ways import export_way
from batch_transform.exports.port import ToExport
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.pipeline.tables.file_exporting import exported_by_workers
from batch_transform.pipeline.tables.staged_files import pinned
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.s3.store import S3Store
from batch_transform.spark.file_merge_rules import plain_columns
from batch_transform.spark.job_settings import own_job
from batch_transform.spark.join_merge import with_outcomes_joined
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.staging import stage
from batch_transform.spark.zip_merge import select_result
from support.answers import keys
from support.emulated import BUCKET
from support.rows import UNSENDABLE, table
from support.runs import reopened
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = pytest.mark.spark
WAYS = ("arrow", "rows")


@pytest.fixture
def exported(spark, world, tmp_path):
    """Exports a table by a way; returns the record of each row number, as parsed JSON, and the number of objects."""

    def export(df, way, staged, rule):
        target = S3Uri(BUCKET, uuid.uuid4().hex)
        given = ToExport(spark, staged, rule, CuttingRules(9_000, 9_000), JSON_LINES, target, WorkerStore(world.access))
        with own_job(spark, staged):
            by_workers = way == "workers"
            done = (
                exported_by_workers(given, S3Store(world.client("s3"))) if by_workers else export_way(way).export(given)
            )
        spans = done.spans
        check_tiling(staged.files, spans)
        records, sizes = {}, []
        for span in spans.to_pylist():
            lines = world.body(target.join(span["object"]).key).split(b"\n")[:-1]
            assert len(lines) == span["stop"] - span["start"]
            sizes += [len(line) + 1 for line in lines]
            records |= {span["start"] + place: json.loads(line) for place, line in enumerate(lines)}
        edges, counts = done.sizes["edges"], done.sizes["counts"]
        assert np.histogram(sizes, edges)[0].tolist() == counts
        assert sum(counts) == len(sizes)
        return records, spans.num_rows

    return export


@pytest.mark.parametrize("number", one_in(2, [12, 11]))
def test_records_of_any_type_are_equal_as_parsed_json(spark, exported, tmp_path, number):
    df = table(spark, 250, number).drop(UNSENDABLE).repartition(2).localCheckpoint()
    rule = record_rule(spark, df.schema, "jsonlines", None, None)
    staged = stage(df, rule, f"{tmp_path}/staged")
    (arrow, _), (rows, objects) = (exported(df, way, staged, rule) for way in WAYS)
    assert len(rows) == df.count()
    assert objects > 3
    assert rows.keys() == arrow.keys()
    assert rows == arrow


def is_plain(field):
    columns = plain_columns(StructType([field]))
    return columns is not None and are_rendered(columns)


@pytest.mark.parametrize("number", one_in(2, [12, 11]))
def test_records_that_workers_render_are_equal_as_parsed_json(spark, exported, tmp_path, number):
    """Of plain columns; also where a record has some of them, in another order."""
    df = table(spark, 250, number).drop(UNSENDABLE)
    df = df.select(*[F.col(quoted(field.name)) for field in df.schema if is_plain(field)]).repartition(2)
    df = df.localCheckpoint()
    kinds = {field.dataType.typeName() for field in df.schema}
    assert kinds >= {"boolean", "byte", "long", "double", "string", "date", "timestamp"}
    for columns in (None, df.columns[::-2]):
        rule = record_rule(spark, df.schema, "jsonlines", columns, None)
        staged = stage(df, rule, f"file:{tmp_path}/staged-{columns is None}")
        staged = replace(staged, files=pinned(staged.files, lambda folder: LocalTree(folder.removeprefix("file:"))))
        (ours, objects), (arrow, _) = (exported(df, way, staged, rule) for way in ("workers", "arrow"))
        assert len(ours) == df.count()
        assert objects > 1
        assert ours == arrow
        assert list(map(list, ours.values())) == [list(arrow[number]) for number in ours]


@pytest.fixture
def refusing(world, monkeypatch):
    """The model refuses the record of row 7, alone and with others."""
    served = world.models["echo"]
    answer = served.script.answer
    is_seven = lambda body: any(key.startswith("7:") for key in keys(body))  # noqa: E731
    monkeypatch.setattr(served.script, "answer", lambda body: (400, b"no") if is_seven(body) else answer(body))
    return world


def result_of(world, df, folder, way):
    """A run that is refused for a dead row, resumed with leave to have one; its result by zip and by join."""
    arguments = world.arguments(folder / way, export=way)
    with pytest.raises(ErrorBudgetExceeded):
        score(df, **arguments)
    jobs = world.jobs(arguments["run_id"])
    result = score(df, **{**arguments, "errors": {"max_rows": 1}})
    assert world.jobs(arguments["run_id"]) == jobs
    driver = reopened(df, world, arguments)
    prefix = f"rows/{arguments['run_id']}/output/"
    for key in world.objects(prefix):
        path = folder / way / "outputs" / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.body(key))
    leaves = driver.ctx.ledger.read_part(driver.state.gate.parts[0])
    path_of = lambda job, name: f"file:{folder}/{way}/outputs/{job}/{name}.out"  # noqa: E731
    shape = driver.ctx.tables.shape
    joined = select_result(
        with_outcomes_joined(df.sparkSession, driver.state.staged, leaves, path_of, shape), shape, run_id="", model=""
    )
    return result, joined


@pytest.mark.slow
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])  # of the columns; of all the key
def test_the_table_is_the_same_by_either_export_and_merge_and_over_a_resumption(spark, refusing, tmp_path, every):
    df = table(spark, 60, 13).drop(UNSENDABLE).repartition(2)
    others = [F.col(quoted(name)) for name in df.columns if name != "key"]
    df = df.select("key", *others[::every]).localCheckpoint()
    arrow, arrow_joined = result_of(refusing, df, tmp_path, "arrow")
    rows, rows_joined = result_of(refusing, df, tmp_path, "rows")
    assert_same_rows(rows.df.drop("echo"), df.where("key NOT LIKE '7:%'"))
    for other in (arrow.df, arrow_joined, rows_joined):
        assert_same_rows(rows.df, other)
    assert [row["key"][:2] for row in rows.dead_letters.select("key").collect()] == ["7:"]


def test_records_that_are_no_json_are_refused_before_any_work(spark, world, tmp_path):
    arguments = world.arguments(tmp_path, export="rows", record={"format": "csv"})
    before = world.objects()
    with pytest.raises(ConfigurationError, match=r"export: rows makes JSON, but record\.format is csv"):
        score(spark.range(3), **arguments)
    assert world.objects() == before
