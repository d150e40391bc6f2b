"""What two inputs are told apart by, without a row of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform.core.source_identity import FileVersion, Likeness, Plan, SourceFiles, SourceIdentity, compared

SCAN = "Filter (ds#2 = 1)\n+- Relation [id#1L,ds#2] parquet"
FILES = [FileVersion("file:/a", 10, 1000, 3), FileVersion("file:/b", 20, 1000, 4)]


def identity(plan=SCAN, hash=7, session="app/1", files=FILES, exact=True, engine="4.2.0"):
    kept = SourceFiles.of(files, exact=exact) if files else None
    return SourceIdentity(engine, session, hash, Plan.of(plan), kept)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Project [id#1L]", "Project [id#99L]"),
        ("Range (0, 5, step=1, splits=Some(2))", "Range (0, 5, step=1, splits=Some(8))"),
        ("Project [rand(8294963660376458269) AS r#1]", "Project [rand(-924558192481260131) AS r#2]"),
        ("Project [uuid(Some(8917619758568460966)) AS u#1]", "Project [uuid(Some(-207234561037973001)) AS u#1]"),
        ("Project [randstr(4, -6315017630126468421, true) AS r#1]", "Project [randstr(4, 6315017630, true) AS r#1]"),
        (
            "Filter (uniform(cast(0 as float), cast(1 as float), 4675533997618651087, true, Some(Etc/UTC)) < 0.5)",
            "Filter (uniform(cast(0 as float), cast(1 as float), -675533997618651087, true, Some(Etc/UTC)) < 0.5)",
        ),
        ("Filter (randstr((2 + 2), -13507760961, true) > a)", "Filter (randstr((2 + 2), 13507760961, true) > a)"),
        ("Sample 0.0, 0.5, false, 1004339737553718753", "Sample 0.0, 0.5, false, -879282105800674"),
    ],
)  # fmt: skip
def test_what_spark_numbers_or_draws_anew_does_not_tell_two_plans_apart(one, other):
    assert Plan.of(one) == Plan.of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Filter (ms#1L > 1714516200000)", "Filter (ms#1L > 1714516200001)"),
        ("Project [rand(7) AS r#1]", "Project [rand(8) AS r#1]"),
        ("Range (0, 5, step=1)", "Range (0, 6, step=1)"),
    ],
)
def test_what_a_person_wrote_tells_them_apart(one, other):
    assert Plan.of(one).digest != Plan.of(other).digest
    assert not Plan.of(one).is_random


@pytest.mark.parametrize(
    ("changes", "likeness"),
    [
        ({}, Likeness.SAME),
        ({"session": "app/2", "hash": 8}, Likeness.SAME),
        ({"session": None, "hash": 8}, Likeness.SAME),
        ({"hash": 8}, Likeness.UNSURE),
        ({"plan": "Range (0, 5)", "hash": 8}, Likeness.OTHER),
        ({"plan": "Range (0, 5)", "session": "app/2"}, Likeness.OTHER),
        ({"plan": "Range (0, 5)", "engine": "4.1.0"}, Likeness.UNSURE),
        ({"files": FILES[:1]}, Likeness.OTHER),
        ({"files": [FILES[0], FileVersion("file:/b", 21, 1000, 4)]}, Likeness.OTHER),
        ({"files": [FILES[0], FileVersion("file:/b", 20, 2000, 4)]}, Likeness.OTHER),
        ({"files": [FILES[0], FileVersion("file:/b", 20, 1000, 3)]}, Likeness.OTHER),
        ({"files": FILES[::-1]}, Likeness.SAME),
        ({"files": FILES[:1], "exact": False}, Likeness.UNSURE),
        ({"files": None}, Likeness.UNSURE),
    ],
)
def test_two_inputs_are_told_apart(changes, likeness):
    found, why = compared(identity(), identity(**changes))
    assert found is likeness
    assert bool(why) == (likeness is not Likeness.SAME)


def test_local_rows_are_told_by_the_hash_of_their_session_only():
    here = identity("LocalRelation [x#1]", files=None)
    assert compared(here, here)[0] is Likeness.SAME
    assert compared(replace(here, session="app/2"), here)[0] is Likeness.UNSURE


def test_seeds_leave_nothing_to_the_hash():
    plan = "Project [rand(8294963660376458269) AS r#1]\n+- Range (0, 5)"
    assert compared(identity(plan, hash=1), identity(plan, hash=2))[0] is Likeness.SAME


def test_the_ledger_keeps_it_whole_and_no_value_of_a_row():
    told = identity("Filter (name#1 = Smith)\n+- Relation [name#1] csv")
    document = told.to_document()
    assert SourceIdentity.from_document(document) == told
    assert "Smith" not in str(document)


@pytest.mark.parametrize(("one", "other"), [("s3", "s3a"), ("s3a", "s3")])
def test_files_are_the_same_where_another_platform_calls_the_store_otherwise(one, other):
    """EMR reads `s3://`, where Hadoop knows `s3a://` alone: a run may go on with the other's."""
    before, now = ([FileVersion(f"{scheme}://b/s3/{name}", 10, 1000, 3) for name in "ba"] for scheme in (one, other))
    recorded = SourceIdentity.from_document(identity(files=before).to_document())
    assert "respelled" not in identity(files=before).to_document()["files"]
    assert compared(recorded, identity(files=now))[0] is Likeness.SAME
    moved = [replace(now[0], path=f"{other}://c/s3/b"), now[1]]
    assert compared(recorded, identity(files=moved))[0] is Likeness.OTHER
