"""What a run takes for rows that are the same whenever they are evaluated, and how it knows such an input again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from batch_transform.core.source_identity import Likeness, Plan, compared
from batch_transform.spark.explaining import explained
from batch_transform.spark.input_reading import file_versions, filtered
from batch_transform.spark.settings import session_settings
from batch_transform.spark.source_identity import identify
from support.sampling import one_in

pytestmark = pytest.mark.spark
FUNCTIONS = Path(__file__).parents[1] / "unit" / "core" / "spark_functions.json"

CHANGING = [
    "rand() < 0.5",
    "uuid() > '8'",
    "shuffle(a)[0] = 1",
    "uniform(0, 10) > 5",
    "uniform(cast(0 as float), cast(1 as float)) < 0.5",
    "randstr(2 + 2) > 'F'",
    "java_method('java.util.UUID', 'randomUUID') > '8'",
    "reflect('java.util.UUID', 'randomUUID') > '8'",
    "try_reflect('java.util.UUID', 'randomUUID') > '8'",
    "hex(aes_encrypt(s, '0000111122223333')) > '8'",
    "id in (select id from firm_t limit 10)",
    "id < (select rand() * 1000 as most)",
]
FIRM = [
    "id > 5 and s like '1%' or s in ('a', 'b')",
    "cast(s as int) % 2 = 0 and not (s is null)",
    "exists(a, x -> x > 1) and coalesce(s, '') <> ''",
    "date_trunc('month', day) = date '2024-01-01' and day >= current_date() - 1",
    "case when id between 3 and 8 then upper(trim(s)) = '5' else regexp_like(s, '[ab]+') end",
]


@pytest.fixture(scope="module")
def path(spark, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("firm") / "t")
    rows = spark.range(1_000).selectExpr("id", "cast(id as string) s", "array(1, 2, 3) a", "date '2024-01-01' day")
    rows.repartition(3).write.parquet(path)
    spark.read.parquet(path).createOrReplaceTempView("firm_t")
    yield path
    spark.catalog.dropTempView("firm_t")


def told(df):
    """As a run with a run file tells its input."""
    return identify(df, file_versions(df))


@pytest.mark.parametrize("where", one_in(2, CHANGING))
def test_a_condition_that_changes_is_not_firm_and_the_same_input_when_it_is_given_again(spark, path, where):
    before, now = (told(filtered(spark.read.parquet(path), where)) for _ in range(2))
    assert not before.plan.is_firm
    assert compared(before, now)[0] is Likeness.SAME


@pytest.mark.parametrize("where", FIRM)
def test_an_ordinary_condition_is_firm(spark, path, where):
    assert told(filtered(spark.read.parquet(path), where)).plan.is_firm


def test_a_function_of_a_person_is_not_firm_even_if_it_is_named_as_one_of_sparks(spark, path):
    def upper(text):
        return text

    df = spark.read.parquet(path)
    assert not identify(df.where(F.udf(upper, "string")("s") > "5"), versions=None).plan.is_firm


def test_files_that_were_added_are_seen_below_a_condition_that_changes(spark, path, tmp_path):
    mine = str(tmp_path / "t")
    spark.range(10).write.parquet(mine)
    before = told(spark.read.parquet(mine).where("rand() < 0.5"))
    spark.range(10).write.mode("append").parquet(mine)
    assert compared(before, told(spark.read.parquet(mine).where("rand() < 0.5")))[0] is Likeness.UNSURE


def test_the_functions_that_are_decided_are_those_of_this_spark(spark):
    """Of another Spark some may be new, and are not firm."""
    known = json.loads(FUNCTIONS.read_text())
    if spark.version not in known:
        pytest.skip(f"no list of Spark {spark.version}")
    assert sorted(row[0] for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect()) == known[spark.version]


WHOLE = {"spark.sql.maxPlanStringLength": "2147483631", "spark.sql.debug.maxToStringFields": "100000"}
MADE = {
    "a scan": lambda df: df,
    "a condition of several lines": lambda df: df.where("s <> 'a\n+- b\nFilter false'"),
    "branches": lambda df: df.join(df.limit(3).select("id"), "id").select("s").union(df.select("s")),
    "a subquery": lambda df: df.where("id in (select id from firm_t)"),
    "local rows": lambda df: df.sparkSession.createDataFrame([(1,)], ["x"]),
    "many columns": lambda df: df.select(*[F.col("id").alias(f"c{place}") for place in range(60)]),
}


@pytest.mark.parametrize("made", MADE)
def test_an_input_is_told_by_the_plan_of_its_rows(spark, path, made):
    """Of which a run of an earlier version has recorded a digest."""
    df = MADE[made](spark.read.parquet(path))
    with session_settings(spark, WHOLE):
        text = explained(df, "extended").partition("== Analyzed Logical Plan ==")[2]
    assert identify(df, versions=None).plan.digest == Plan.of(text.partition("== Optimized Logical Plan ==")[0]).digest
