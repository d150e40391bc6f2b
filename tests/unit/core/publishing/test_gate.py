"""Nothing is published unless three independent counts agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED
from batch_transform.core.publishing.gate import Counts, check, check_written
from support.core_tables import leaf, leaves, object_of, staged_file

FILES = [staged_file(0, 10, "a"), staged_file(100, 5, "b")]
GOOD = [leaf(0, 4), leaf(4, 6, DEAD), leaf(6, 10), leaf(100, 105)]


@st.composite
def outcomes(draw):
    """Staged files and the leaves of all their rows: outputs with unreadable runs, and spans without an output."""
    files, made, first = [], [], 0
    for index, lengths in enumerate(draw(st.lists(st.lists(st.integers(1, 6), max_size=4), min_size=1, max_size=3))):
        files.append(staged_file(first, sum(lengths), f"f{index}"))
        for rows in lengths:
            if draw(st.booleans()):
                cut = draw(st.integers(0, rows))
                parts = [
                    (first, first + cut, SCORED),
                    (first + cut, first + rows, draw(st.sampled_from([SCORED, DEAD]))),
                ]
                taken = {"job": "j", "object": object_of(first, first + rows), "lines": rows, "etag": "e"}
                made += [leaf(a, b, state, **{**taken, "line": a - first}) for a, b, state in parts if a < b]
            else:
                made.append(leaf(first, first + rows, DEAD))
            first += rows
        first += draw(st.sampled_from([0, 50]))
    return files, made


@given(outcomes(), st.randoms())
def test_any_full_set_of_outcomes_passes_with_its_counts(case, random):
    files, made = case
    random.shuffle(made)
    counts = check(files, leaves(*made))
    assert counts.rows_in == sum(file.rows for file in files) == counts.rows_scored + counts.rows_dead_letter
    assert counts.rows_dead_letter == sum(row["stop"] - row["start"] for row in made if row["state"] == DEAD)


@given(outcomes().filter(lambda case: case[1]), st.data())
def test_no_leaf_can_be_forgotten_or_undecided(case, data):
    files, made = case
    index = data.draw(st.integers(0, len(made) - 1))
    rest = made[:index] + made[index + 1 :]
    for changed in (rest, [*rest, {**made[index], "state": FAILED}], [*made, made[index]]):
        with pytest.raises(GateRefused):
            check(files, leaves(*changed))


@given(outcomes().filter(lambda case: any("lines" in row for row in case[1])), st.data())
def test_an_output_with_one_line_more_or_less_is_refused(case, data):
    files, made = case
    chosen = data.draw(st.sampled_from(sorted({row["object"] for row in made if "lines" in row})))
    by = data.draw(st.sampled_from([-1, 1]))
    changed = [{**row, "lines": row["lines"] + by} if row.get("object") == chosen else row for row in made]
    with pytest.raises(GateRefused, match=f"1 output without one line for each row; first: {chosen} of j has"):
        check(files, leaves(*changed))


def refused(*rows):
    with pytest.raises(GateRefused) as info:
        check(FILES, leaves(*rows))
    return info.value.what


def test_the_good_one():
    assert check(FILES, leaves(*GOOD)) == Counts(rows_in=15, rows_scored=13, rows_dead_letter=2)


@pytest.mark.parametrize("stop", [3, 5])
def test_a_span_off_by_one_leaves_a_gap_or_an_overlap(stop):
    assert "hold each staged row once" in refused({**GOOD[0], "stop": stop}, *GOOD[1:])


def test_neighbours_that_moved_their_bound_tile_but_do_not_fit_their_lines():
    moved = [leaf(0, 5, lines=4), leaf(5, 6, DEAD), *GOOD[2:]]
    assert "1 output without one line for each row; first: s0-5-0f.jsonl of j has 4 lines for 5 rows" in refused(*moved)
    kept = [leaf(0, 5, object=object_of(0, 4)), *moved[1:]]
    assert "1 range of rows would not be where the names of objects say; first: rows [0, 5) as line 0" in refused(*kept)


def test_two_spans_that_were_swapped_are_refused_though_all_counts_are_right():
    files = [staged_file(0, 10)]
    swapped = [leaf(0, 5, object=object_of(5, 10)), leaf(5, 10, object=object_of(0, 5))]
    with pytest.raises(GateRefused, match="2 ranges of rows would not be where the names of objects say"):
        check(files, leaves(*swapped))
    assert check(files, leaves(leaf(0, 5), leaf(5, 10))).rows_scored == 10


def test_an_object_that_no_export_wrote_is_refused():
    assert refused(leaf(0, 4, object="o"), *GOOD[1:]) == "1 range of rows would be in objects that no export wrote"


def test_two_outputs_whose_line_counts_were_swapped_are_refused_though_the_sum_is_right():
    swapped = [{**GOOD[0], "lines": 5}, GOOD[1], GOOD[2], {**GOOD[3], "lines": 4}]
    assert sum(row.get("lines", 0) for row in swapped) == sum(row.get("lines", 0) for row in GOOD)
    assert "2 outputs without one line for each row" in refused(*swapped)


def test_a_forgotten_dead_span_is_refused():
    assert "near row number 4" in refused(GOOD[0], *GOOD[2:])


def test_rows_to_be_sent_again_are_no_outcome():
    assert refused(GOOD[0], leaf(4, 6, FAILED), *GOOD[2:]) == "no outcome is known of 2 rows"


def test_a_state_that_is_none_of_the_three_is_no_outcome():
    assert refused(GOOD[0], leaf(4, 6, "lost"), *GOOD[2:]) == "15 rows in, but 13 scored and 0 dead letters"


def test_a_span_called_scored_needs_a_counted_output():
    assert "1 object would be scored of which no output was counted; first: " in refused(
        {**GOOD[0], "lines": None}, *GOOD[1:]
    )


def test_leaves_of_one_output_must_agree_on_its_lines():
    whole = object_of(0, 4)
    halves = [leaf(0, 2, object=whole, lines=4), leaf(2, 4, object=whole, lines=5, line=2)]
    assert "without one line for each row" in refused(*halves, *GOOD[1:])


@pytest.mark.parametrize("places", [(0, 0), (2, 0), (1, 3), (0, 3), (-1, 1)])
def test_leaves_that_take_other_lines_than_those_of_their_rows_are_refused(places):
    named = {"object": object_of(0, 4), "lines": 4}
    first, second = (leaf(2 * i, 2 * i + 2, line=line, **named) for i, line in enumerate(places))
    assert "would not be where the names of objects say" in refused(first, second, *GOOD[1:])


def test_rows_may_not_be_taken_from_an_output_around_rows_that_have_none():
    named = {"object": object_of(0, 8), "lines": 4}
    split = [leaf(0, 2, **named), GOOD[1], leaf(6, 8, line=6, **named)]
    assert "would not be used line by line" in refused(split[0], leaf(2, 4, DEAD), *split[1:], leaf(8, 10), GOOD[3])


def test_outputs_of_two_jobs_for_one_object_are_two_outputs():
    whole = object_of(0, 10)
    twice = [leaf(0, 4, object=whole, job="j1"), GOOD[1], leaf(6, 10, object=whole, job="j2", line=6), GOOD[3]]
    assert "1 output would not be used line by line; first: s0-10-0f.jsonl of j2" in refused(*twice)


@pytest.mark.parametrize("written", [(12, 2), (14, 2), (13, 1), (13, 3), (14, 1), (2, 13)])
def test_what_was_written_must_be_what_was_proven(written):
    with pytest.raises(GateRefused, match=f"wrote {written[0]} result rows? and {written[1]} dead letters?;"):
        check_written(Counts(15, 13, 2), *written)


def test_what_was_proven_may_be_published():
    check_written(Counts(15, 13, 2), 13, 2)
