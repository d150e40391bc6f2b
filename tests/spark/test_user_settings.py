"""Each setting of the user's: data on which it matters, and the pipeline gives what the user's session says.

The settings of a group of examples are set in one session. There each example is evaluated anew with its own setting
changed alone, and must differ; then all of them are scored at once.
"""

from __future__ import annotations

import functools
import json

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.spark.setting_classes import user_settings
from batch_transform.spark.settings import session_settings
from support.setting_examples import EXAMPLES, NOT_SHOWN, whole
from support.setting_examples.examples import BASE

pytestmark = [pytest.mark.spark, pytest.mark.slow]

GROUPS = sorted({example.group for example in EXAMPLES})


@pytest.fixture(scope="module")
def versions(spark):
    """What a setting of another Spark does is not shown here."""
    if not spark.version.startswith("4.2."):
        pytest.skip("the examples are of Spark 4.2")


def of_group(group, every=1):
    """The examples of a group and the settings of its session; two examples that need different ones are an error."""
    examples = [example for example in EXAMPLES if example.group == group][::every]
    settings: dict[str, str] = {}
    for example in examples:
        for key, value in example.settings.items():
            assert settings.setdefault(key, value) == value, f"{example.key}: {group} has another {key}"
    return examples, settings


def rendered(df: DataFrame):
    """The schema and the rows of a table as text, in any order."""
    rows = df.select(F.struct("*").cast("string")).collect()
    return df.schema.simpleString(), sorted(str(row[0]) for row in rows)


def outcome(spark, example, folder):
    """What an example gives in the session as it is; None: nothing but an error."""
    try:
        return rendered(example.make(spark, folder / example.key))
    except (PySparkException, Py4JJavaError) as err:  # the latter where a task fails
        return f"error: {str(err)[:300]}"


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
def test_each_setting_matters(spark, versions, tmp_path, group):
    examples, settings = of_group(group)
    same = []
    for example in examples:
        with session_settings(spark, settings):
            ours = outcome(spark, example, tmp_path)
            with session_settings(spark, {whole(example.key): example.other}):
                other = outcome(spark, example, tmp_path)
        if isinstance(ours, str) or ours == other:
            same.append((example.key, ours, other))
    assert same == []


def test_every_setting_of_the_users_is_shown_or_listed():
    shown = {whole(example.key) for example in EXAMPLES}
    assert sorted(shown & NOT_SHOWN.keys()) == []
    assert sorted(user_settings() - shown - NOT_SHOWN.keys()) == []
    assert sorted((shown | NOT_SHOWN.keys()) - user_settings()) == []
    assert all(reason.strip() for reason in NOT_SHOWN.values())


def rows_of(spark, example, folder):
    """An example's table as rows of text, whatever its columns are."""
    df = example.make(spark, folder / example.key)
    text = F.concat_ws(" ", F.lit(df.schema.simpleString()), F.struct("*").cast("string"))
    return df.select(F.lit(example.key).alias("key"), text.alias("text"))


def table_of(spark, examples, folder):
    """One table of all examples: a typed column for each expression, rows for each other table."""
    base = [F.expr(sql).alias(name) for name, sql in BASE.items()]
    expressions = {f"c{place}": example.sql for place, example in enumerate(examples) if example.sql}
    row = spark.range(1).select(F.lit("expressions").alias("key"), F.lit("").alias("text"), *base)
    typed = row.select("*", *[F.expr(sql).alias(name) for name, sql in expressions.items()])
    tables = [rows_of(spark, example, folder).select("key", "text", *base) for example in examples if not example.sql]
    table = functools.reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tables, typed)
    return table.coalesce(2)  # a file for each partition of each example would take minutes


def record_of(examples):
    """A record's expression: the key, and each example's value as text."""
    fields = [f"'{example.key}', cast({example.sql} as string)" for example in examples if example.sql]
    return f"named_struct('key', key, {', '.join(fields)})"


# Nearly all examples are of the first group: CI takes a tenth of them.
OF_CI = [("main", 10), *[(group, 1) for group in GROUPS if group != "main"]]


@pytest.mark.parametrize(("group", "every"), [*OF_CI, pytest.param("main", 1, marks=pytest.mark.long)])
def test_a_run_gives_what_the_users_session_says(spark, world, versions, tmp_path, group, every):
    examples, settings = of_group(group, every)
    sql = record_of(examples)
    with session_settings(spark, settings):
        df = table_of(spark, examples, tmp_path)
        wanted = rendered(df)
        record = df.where("key = 'expressions'").select(F.expr(sql)).first()[0].asDict()
        result = score(df, **world.arguments(tmp_path, record={"sql": sql, "format": "jsonlines"}))
        assert {key: spark.conf.get(key) for key in settings} == settings
        assert rendered(result.df.drop("echo")) == wanted
    bodies = b"".join(world.body(key) for key in world.objects(f"rows/{result.report['run_id']}/input/"))
    sent = {line["key"]: line for line in map(json.loads, bodies.split(b"\n")[:-1])}
    assert sent["expressions"] == record
