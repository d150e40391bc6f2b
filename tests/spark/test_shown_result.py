"""A notebook's picture of a result has the first rows that Spark reads."""

from __future__ import annotations

import re

import pytest

from batch_transform.pipeline.commands.score_result import ScoreResult
from support.published_report import PUBLISHED

pytestmark = pytest.mark.spark


def test_the_first_ten_rows_of_the_table_are_shown(spark):
    df = spark.range(12, numPartitions=1).selectExpr("id", "array(struct('<b>' AS a)) AS nested", "null AS p")
    page = ScoreResult(df, df, PUBLISHED)._repr_html_()
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
    assert cells[::3] == [str(number) for number in range(10)]
    assert cells[1:3] == ["[Row(a=&#x27;&lt;b&gt;&#x27;)]", "null"]
