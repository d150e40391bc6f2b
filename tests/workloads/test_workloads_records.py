"""Rows of the table of workloads that are about what is sent: formats, objects, requests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image, UnidentifiedImageError
from pyspark.sql import functions as F
from sklearn.cluster import DBSCAN

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from support.answers import answer, keys
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def model(world, monkeypatch):
    """Makes the model answer as a function of the body does; returns it, with the requests of this test alone."""
    served = world.models["echo"]
    monkeypatch.setattr(served, "seen", [])

    def say(function):
        monkeypatch.setattr(served.script, "answer", function)
        return served

    return say


def lines(answers):
    return 200, "\n".join(json.dumps(each) for each in answers).encode()


def table(body):
    """What Python's csv module makes of a body."""
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def run(world, df, folder, **sections):
    """The result of a run, its request as the service describes it, and its input objects."""
    arguments = world.arguments(folder, **sections)
    result = score(df, **arguments)
    (name, *_) = [job["name"] for job in result.report["jobs"]]
    request = world.client("sagemaker").describe_transform_job(TransformJobName=name)
    return result, request, [world.body(key) for key in world.objects(f"rows/{arguments['run_id']}/input/")]


def test_b1_csv_records_without_a_header_hold_2348_numbers_of_an_array(spark, world, tmp_path, model):
    """Ratings of films as a matrix: the record of the original has 2,348 fields."""
    ratings = F.transform(F.sequence(F.lit(1), F.lit(2348)), lambda user: (user * F.col("id") % 11) / 2)
    df = spark.range(40, numPartitions=2).select(F.col("id").alias("key"), ratings.alias("ratings"))
    served = model(lambda body: lines({"n": len(row), "sum": sum(map(float, row))} for row in table(body)))
    result, request, _ = run(
        world,
        df,
        tmp_path,
        record={"format": "csv", "columns": ["ratings"]},
        prediction="n int, sum double",
        transform={"poll_seconds": 0.1, "max_payload_mb": 1},
    )
    assert (request["TransformInput"]["SplitType"], request["BatchStrategy"]) == ("Line", "MultiRecord")
    assert {seen.headers["Content-Type"] for seen in served.invocations} == {"text/csv"}
    assert len(served.bodies) < 40
    total = F.aggregate("ratings", F.lit(0.0), lambda a, b: a + b)
    assert_same_rows(result.df, df.select("*", F.lit(2348).alias("n"), total.alias("sum")))


def clusters(body):
    """A clustering model: its answer for a point depends on all points of the request."""
    points = np.array([[float(value) for value in row] for row in table(body)])
    labels = DBSCAN(eps=0.5, min_samples=3).fit_predict(points)
    return lines({"cluster": int(label), "of": len(points)} for label in labels)


@pytest.fixture(scope="module")
def points(spark):
    """Two clouds, in three partitions."""
    cloud = F.when(F.col("id") < 20, 0.0).otherwise(10.0)
    x, y = (cloud + (F.col("id") * step % 7) / 20 for step in (3, 5))
    return spark.range(40, numPartitions=3).select("id", x.alias("x"), y.alias("y")).localCheckpoint()


ONE_REQUEST = {
    "record": {"format": "csv", "columns": ["x", "y"], "rows_per_object": "all"},
    "prediction": "cluster int, of int",
}


def test_b3_split_none_sends_the_whole_set_as_one_request(spark, world, tmp_path, model, points):
    """The first try meets a server that is not up to it: the set is sent again as a whole, and never in parts."""
    served = model(lambda body: clusters(body) if len(served.bodies) > 1 else (503, b"busy"))
    transform = {"poll_seconds": 0.1, "invocations_max_retries": 0, "split": "None"}
    result, request, _ = run(world, points, tmp_path, transform=transform, **ONE_REQUEST)
    assert (request["TransformInput"]["SplitType"], request["TransformOutput"]["AssembleWith"]) == ("None", "None")
    assert "BatchStrategy" not in request
    assert [len(table(body)) for body in served.bodies] == [40, 40]
    found = result.df.groupBy("cluster", "of").agg(F.array_sort(F.collect_set("id")).alias("ids")).orderBy("ids")
    assert [(row["of"], row["ids"]) for row in found.collect()] == [(40, list(range(20))), (40, list(range(20, 40)))]


def test_b3_a_set_that_is_refused_ends_the_run_and_is_not_split(world, tmp_path, model, points):
    served = model(lambda body: (400, b"no"))
    with pytest.raises(ServiceFailure, match=r"40 rows are one request .*rejected by the model.*answered 400"):
        score(points, **world.arguments(tmp_path, transform={"poll_seconds": 0.1, "split": "None"}, **ONE_REQUEST))
    assert [len(table(body)) for body in served.bodies] == [40]


def test_b3_a_set_that_fits_no_request_is_refused_before_anything_is_paid_for(spark, world, tmp_path, points):
    wide = points.withColumn("x", F.repeat(F.lit("x"), 30_000))
    transform = {"split": "None", "max_payload_mb": 1}
    arguments = world.arguments(tmp_path, transform=transform, **ONE_REQUEST)
    with pytest.raises(ConfigurationError, match=r"records are 1,20\d,\d{3} bytes and .* \(1\) allows 1,000,000"):
        score(wide, **arguments)
    assert world.jobs(arguments["run_id"]) == []


def refusing(body):
    """Answers as `echo`, but refuses a body with the record "bad"."""
    asked = keys(body)
    return (400, b"no") if "bad" in asked else (200, "\n".join(map(answer, asked)).encode())


def test_c1_gzip_objects_are_cut_and_compared_as_plain_ones(spark, world, tmp_path, model, monkeypatch):
    """A bad record among them, so that objects are read and written again, and keys, so that they are read at all."""
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 200)
    key = F.when(F.col("id") == 33, "bad").otherwise(F.col("id").cast("string"))
    df = spark.range(60, numPartitions=2).select(key.alias("key")).localCheckpoint()
    served = model(refusing)
    result, request, objects = run(
        world,
        df,
        tmp_path,
        record={"compression": "gzip"},
        prediction={"schema": "echo string", "key": {"field": "echo", "column": "key"}},
        errors={"max_rows": 1},
    )
    assert request["TransformInput"]["CompressionType"] == "Gzip"
    assert all(body[:2] == b"\x1f\x8b" for body in objects)
    assert all(body.startswith(b'{"key"') for body in served.bodies)
    good = df.where("key != 'bad'")
    assert_same_rows(result.df, good.withColumn("echo", F.col("key")))
    (dead,) = result.dead_letters.select("key", "error.*").collect()
    assert (dead["key"], dead["class"], dead["object"][-9:]) == ("bad", "rejected by the model", ".jsonl.gz")


def test_c2_one_json_document_a_request_with_all_that_a_request_can_say(spark, world, tmp_path, model):
    df = spark.range(5, numPartitions=1).select(F.col("id").cast("string").alias("key"), F.lit("é\n").alias("text"))
    served = model(lambda body: (200, answer(json.loads(body)["key"]).encode()))
    result, request, _ = run(
        world,
        df,
        tmp_path,
        record={"format": "json"},
        transform={
            "poll_seconds": 0.1,
            "strategy": "SingleRecord",
            "environment": {"MODE": "fast"},
            "accept": "application/json",
            "tags": {"team": "ml"},
            "invocations_max_retries": 2,
            "output_kms_key": "alias/out",
            "volume_kms_key": "alias/volume",
        },
    )
    assert sorted(json.loads(body)["key"] for body in served.bodies) == ["0", "1", "2", "3", "4"]
    types = {(seen.headers["Content-Type"], seen.headers["Accept"]) for seen in served.invocations}
    assert types == {("application/json", "application/json")}
    assert (request["BatchStrategy"], request["Environment"]) == ("SingleRecord", {"MODE": "fast"})
    assert request["ModelClientConfig"]["InvocationsMaxRetries"] == 2
    assert request["TransformOutput"]["KmsKeyId"] == "alias/out"
    assert request["TransformResources"]["VolumeKmsKeyId"] == "alias/volume"
    tags = world.client("sagemaker").list_tags(ResourceArn=request["TransformJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "ml"}]
    assert_same_rows(result.df, df.withColumn("echo", F.col("key")))


def test_c3_raw_lines_are_sent_byte_for_byte(spark, world, tmp_path, model):
    """Half characters, a lone carriage return, blanks at the ends, U+2028: all of it is the line's own."""
    raw = [b"caf\xe9", b" a\r", "b\u2028c".encode(), b"\x00\xff", b'{"a": 1, "a": 2}', b"last\r\r "]
    df = spark.createDataFrame([(number, bytearray(line)) for number, line in enumerate(raw)], "n int, line binary")
    served = model(lambda body: lines({"hex": line.hex()} for line in body.split(b"\n")[:-1]))
    result, _, _ = run(
        world,
        df.coalesce(1),
        tmp_path,
        record={"format": "raw", "column": "line", "content_type": "application/x-lines"},
        prediction="hex string",
    )
    assert {seen.headers["Content-Type"] for seen in served.invocations} == {"application/x-lines"}
    assert b"".join(served.bodies) == b"".join(line + b"\n" for line in raw)
    assert {row["n"]: row["hex"] for row in result.df.collect()} == {n: line.hex() for n, line in enumerate(raw)}


def pictures():
    """Two photographs as scikit-learn ships them, and handwritten digits as PNG."""
    folder = Path(sklearn.datasets.__file__).parent / "images"
    yield from ((name, (folder / name).read_bytes()) for name in ("china.jpg", "flower.jpg"))
    for number, digit in enumerate(sklearn.datasets.load_digits().images[:6]):
        file = io.BytesIO()
        Image.fromarray((digit * 15).astype("uint8")).save(file, "PNG")
        yield f"{number}.png", file.getvalue()


def classify(body):
    """A model of pictures: it decodes the one that a request is, and says how large and how bright it is."""
    try:
        picture = Image.open(io.BytesIO(body))
        bright = float(np.asarray(picture.convert("L")).mean())
    except (UnidentifiedImageError, OSError):
        return 400, b"no picture"
    return lines([{"kind": picture.format, "width": picture.width, "bright": bright}])


def test_d3_the_bytes_of_each_row_are_one_object_and_one_request(spark, world, tmp_path, model):
    photographs = dict(pictures())
    images = photographs | {"corrupt.jpg": photographs["china.jpg"][:5000], "text.png": b"\n\nno picture\n"}
    rows = [(name, bytearray(body)) for name, body in images.items()]
    df = spark.createDataFrame(rows, "name string, content binary")
    served = model(classify)
    result, request, objects = run(
        world,
        df.repartition(2).localCheckpoint(),
        tmp_path,
        record={"format": "binary", "column": "content"},
        prediction="kind string, width int, bright double",
        errors={"max_rows": 2},
    )
    assert request["TransformInput"]["SplitType"] == "None"
    # A bad row is tried more than once, and some good ones beside it: whatever is sent is the bytes of one row.
    assert set(served.bodies) == set(objects) == set(images.values())
    found = {row["name"]: (row["kind"], row["width"], row["bright"]) for row in result.df.collect()}
    expected = {name: json.loads(classify(body)[1]) for name, body in photographs.items()}
    assert found == {name: (each["kind"], each["width"], each["bright"]) for name, each in expected.items()}
    dead = {row["name"]: row["class"] for row in result.dead_letters.select("name", "error.class").collect()}
    assert dead == dict.fromkeys(["corrupt.jpg", "text.png"], "rejected by the model")


def test_e4_each_object_has_its_header_and_the_columns_their_order(spark, world, tmp_path, model):
    """A bad row among them: its object is split, and each part has the header as well."""
    name = F.when(F.col("id") == 9, "bad").otherwise(F.concat(F.lit("n,"), F.col("id").cast("string")))
    df = spark.range(20, numPartitions=2).select("id", name.alias("na,me"), (F.col("id") / 2).alias("half"))

    def answers(body):
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        if any(row["na,me"] == "bad" for row in rows):
            return 400, b"no"
        return lines({"echo": f"{row['half']} {row['na,me']}"} for row in rows)

    served = model(answers)
    result, _, _ = run(
        world,
        df.localCheckpoint(),
        tmp_path,
        record={"format": "csv", "columns": ["half", "na,me"], "header": True, "rows_per_object": 6},
        transform={"poll_seconds": 0.1, "split": "None"},
        errors={"max_rows": 1},
    )
    assert {body.split(b"\n")[0] for body in served.bodies} == {b'half,"na,me"'}
    assert sorted(len(table(body)) - 1 for body in served.bodies)[-2:] == [6, 6]
    assert {row["id"]: row["echo"] for row in result.df.collect()} == {n: f"{n / 2} n,{n}" for n in range(20) if n != 9}
    assert [row["id"] for row in result.dead_letters.collect()] == [9]


def test_e4_a_header_for_lines_that_the_service_cuts_blindly_is_refused(spark, world, tmp_path):
    with pytest.raises(ConfigurationError, match="would reach the first mini-batch of an object only"):
        score(spark.range(1), **world.arguments(tmp_path, record={"format": "csv", "header": True}))


def test_e5_newlines_in_csv_are_refused_with_the_rows_place_and_record_sql_sends_them(spark, world, tmp_path, model):
    """The refused run has sent nothing; under the same name it goes on with a record that can be sent."""
    text = F.when(F.col("id").isin(3, 7), F.concat(F.lit("a\nb"), F.col("id"))).otherwise("plain")
    df = spark.range(10, numPartitions=1).select("id", text.alias("text")).localCheckpoint()
    arguments = world.arguments(tmp_path, prediction="echo string")
    with pytest.raises(ConfigurationError) as refused:
        score(df, **arguments, record={"format": "csv"})
    words = str(refused.value)
    assert "2 rows cannot be sent as csv: a newline in text. The first is row 3 (__row_number) of file:" in words
    assert "record.format: jsonlines" in words
    assert "input.where" in words
    place = words.partition(" of ")[2].partition(";")[0]
    kept = spark.read.parquet(place).where("__record_fault is not null").select("__row_number", "id").collect()
    assert [tuple(row) for row in kept] == [(3, 3), (7, 7)]
    assert refused.value.exit_code == 2
    assert world.objects(f"rows/{arguments['run_id']}/input/") == world.jobs(arguments["run_id"]) == []
    model(lambda body: lines({"echo": "|".join(row)} for row in table(body)))
    sql = r"named_struct('text', replace(text, '\n', ' '), 'id', id)"
    result = score(df, **arguments, record={"format": "csv", "sql": sql})
    assert {row["id"]: row["echo"] for row in result.df.collect()}[3] == "a b3|3"
