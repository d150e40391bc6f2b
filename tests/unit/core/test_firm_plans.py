"""A plan is firm by what is known of its functions and operators, so that what nobody has decided is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batch_transform.core.firm_plans import _FIRM, _OF_A_QUERY, is_by_values, is_firm, is_of_one_scan
from batch_transform.core.source_identity import Plan

# As `SHOW FUNCTIONS` names them; tests/spark/test_firm_inputs.py holds it to the Spark that runs.
FUNCTIONS = json.loads((Path(__file__).parent / "spark_functions.json").read_text())
CHANGING = {
    "a seed that Spark draws": ["rand", "randn", "random", "randstr", "shuffle", "uniform", "uuid"],
    "a random initialisation vector": ["aes_encrypt"],
    "any Java method": ["java_method", "reflect", "try_reflect"],
    "a KLL sketch keeps rows by coin tosses": [
        f"kll_{what}_{kind}"
        for what in ("merge_agg", "sketch_agg", "sketch_merge")
        for kind in ("bigint", "double", "float")
    ],
    "what Python workers have logged by then": ["python_worker_logs"],
}  # fmt: skip
SCAN = "Relation [id#1L,s#2] parquet"


def plan(*lines):
    return "\n".join(["", "id: bigint, s: string", *lines, ""])


@pytest.mark.parametrize("version", FUNCTIONS)
def test_each_function_of_spark_is_decided(version):
    changing = {name for names in CHANGING.values() for name in names}
    assert not changing & _FIRM
    words = {name for name in FUNCTIONS[version] if name.isidentifier()}
    assert words - _FIRM - changing == set()


@pytest.mark.parametrize(
    ("condition", "is_alike"),
    [
        ("((id#1L > cast(5 as bigint)) AND isnull(s#2))", True),
        ("(s#2 = nowhere)", True),
        ("(ts#3 < current_timestamp())", False),
        ("(ts#3 < now())", False),
        ("(ds#3 >= date_sub(current_date(Some(Etc/UTC)), 1))", False),
        ("(s#2 = current_user())", False),
        ("(monotonically_increasing_id() < cast(3 as bigint))", False),
        ("(rand(1) < 0.5)", False),
        ("(<lambda>(id#1L)#49L > 5)", False),
    ],
)
def test_a_condition_that_another_query_answers_otherwise_does_not_go_by_values_alone(condition, is_alike):
    assert is_by_values(plan(f"Filter {condition}", f"+- {SCAN}"), "") is is_alike


@pytest.mark.parametrize(
    ("condition", "is_alike"),
    [("ds < 'today'", False), ("ts < TIMESTAMP ' Now'", False), ("s = 'nowhere'", True), ("today > 5", True)],
)
def test_a_text_that_is_a_day_of_its_query_does_not_go_by_values_alone(condition, is_alike):
    assert is_by_values(plan("Filter (ds#3 < 2024-05-01)", f"+- {SCAN}"), condition) is is_alike


def test_a_condition_with_a_query_in_it_does_not_go_by_values_alone():
    assert not is_by_values(plan("Filter id#1L IN (list#11 [])", ":  +- Relation [id#3L] parquet", f"+- {SCAN}"), "")
    assert _OF_A_QUERY < _FIRM


@pytest.mark.parametrize(
    "lines",
    [
        [SCAN],
        ["Relation spark_catalog.default.t[id#1L,s#2] parquet"],
        ["Filter (((id#1L > cast(5 as bigint)) AND s#2 LIKE a%) OR s#2 IN (a,b))", f"+- {SCAN}"],
        ["Filter (-abs(id#1L) < cast(s#2 as decimal(18,2)))", f"+- {SCAN}"],
        ["Filter exists(a#7, lambdafunction((lambda x#38 > 1), lambda x#38, false))", f"+- {SCAN}"],
        ["Filter (ds#2 >= date_sub(current_date(Some(Etc/UTC)), 1))", f"+- {SCAN}"],
        [
            "Filter (ds#2 > date_add(current_date(Some(Etc/UTC)), -extractansiintervaldays(INTERVAL '3' DAY)))",
            f"+- {SCAN}",
        ],
        ["Filter ((-(id#1L + cast(1 as bigint)) < 0) AND atleastnnonnulls(1, s#2))", f"+- {SCAN}"],
        ["Project [try_cast(s#2 as int) AS n#3, update_fields(q#4, WithField(1)) AS q#5]", f"+- {SCAN}"],
        ["Project [id#1L]", "+- Filter StartsWith(s#2, a)", "   +- SubqueryAlias t", f"      +- {SCAN}"],
    ],
)
def test_a_scan_that_is_taken_row_by_row_is_firm(lines):
    assert is_firm(plan(*lines))


@pytest.mark.parametrize(
    "condition",
    [
        "(rand(-2588787840917908352) < 0.5)",
        "(cast(uniform(cast(0 as float), cast(1 as float), 46755, true, Some(Etc/UTC)) as double) < 0.5)",
        "(randstr((2 + 2), -135077609610423124, true) > F)",
        "(java_method(java.util.UUID, randomUUID, true) > 8)",
        "(hex(aes_encrypt(cast(s#2 as binary), cast(0000 as binary), GCM, DEFAULT, , )) > 8)",
        "(hex(static_invoke(ExpressionImplUtils.aesEncrypt(cast(s#2 as binary), 0x30))) > 8)",
        "(<lambda>(id#1L)#49L > 5)",
        "(upper(s#2)#49 = A)",  # Python's, whatever its name
        "(UDF(id#1L) > 5)",
        "(HiveSimpleUDF#org.example.Upper(s#2) = A)",
        "(of_a_later_spark(id#1L) > 5)",
        "*********(redacted)",
        "RLIKE(s#2, a(b|c))",  # a text that looks like a call costs a copy
    ],
)
def test_a_function_that_is_not_known_to_be_firm_makes_a_plan_that_is_not(condition):
    text = plan(f"Filter {condition}", f"+- {SCAN}")
    assert not is_firm(text)
    assert not Plan.of(text).is_firm


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["GlobalLimit 10", "+- LocalLimit 10", f"   +- {SCAN}"],
        ["Sample 0.0, 0.1, false, Bernoulli", f"+- {SCAN}"],
        ["Sort [id#1L ASC NULLS FIRST], true", f"+- {SCAN}"],
        ["Join Inner, (id#1L = id#3L)", f":- {SCAN}", "+- Relation [id#3L] parquet"],
        ["Filter id#1L IN (list#11 [])", ":  +- Relation [id#3L] parquet", f"+- {SCAN}"],
        ["LogicalRDD [id#1L, s#2], false"],
        ["Filter (s#2 = ", "a)", f"+- {SCAN}"],
    ],
)
def test_an_operator_that_may_take_or_place_rows_otherwise_makes_a_plan_that_is_not(lines):
    assert not is_firm(plan(*lines))


@pytest.mark.parametrize(
    ("lines", "takes_others"),
    [
        (["Filter (java_method(java.util.UUID, randomUUID, true) > 8)", f"+- {SCAN}"], True),
        (["GlobalLimit 10", "+- LocalLimit 10", f"   +- {SCAN}"], True),
        (["Project [rand(-2588787840917908352) AS r#3]", f"+- {SCAN}"], False),
        (["Filter (id#1L > cast(5 as bigint))", f"+- {SCAN}"], False),
    ],
)
def test_rows_are_counted_by_file_only_where_the_same_are_taken_each_time(lines, takes_others):
    found = Plan.of(plan(*lines))
    assert found.takes_others == takes_others
    assert not (takes_others and found.tells_files)


def test_a_literal_of_half_a_megabyte_without_a_space_is_read_once():
    """Once for each of its characters would outlast the time that a test has."""
    pattern = "alternative|" * 40_000
    assert is_firm(plan(f"Filter RLIKE(s#2, {pattern})", f"+- {SCAN}"))
    assert not is_firm(plan(f"Filter RLIKE(s#2, {pattern}f(x))", f"+- {SCAN}"))


@pytest.mark.parametrize(
    ("lines", "is_one"),
    [
        ([SCAN], True),
        (["GlobalLimit 10", "+- LocalLimit 10", "   +- Sort [id#1L ASC]", f"      +- {SCAN}"], True),
        (["View (`part`, [id#1L])", "+- Aggregate [id#1L], [id#1L]", f"   +- {SCAN}"], True),
        (["Join LeftAnti, (id#1L = id#3L)", ":- LogicalRDD [id#3L], false", f"+- {SCAN}"], False),
        (["Union false, false", f":- {SCAN}", f"+- {SCAN}"], False),
        (["Filter NOT id#1L IN (list#5 [])", ":  +- Project [id#3L]", f":     +- {SCAN}", f"+- {SCAN}"], False),
        (["LocalRelation [id#1L]"], False),
        (["Project [id#1L]", "+- Range (0, 9, step=1)"], False),
    ],
)
def test_a_plan_without_a_branch_has_the_rows_of_its_scan(lines, is_one):
    assert is_of_one_scan(plan(*lines)) is is_one
