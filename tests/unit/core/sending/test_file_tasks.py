"""Each row group is in one task, in the order of the rows, and tasks are about as large."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.sending.file_tasks import RowGroups, StagedGroups, file_tasks

SIZES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100)), max_size=6)


def files_of(every):
    return [StagedGroups(f"f{place}", place * 1_000, tuple(sizes)) for place, sizes in enumerate(every)]


@given(st.lists(SIZES, max_size=5), st.integers(1, 120), st.integers(1, 4))
def test_every_row_group_is_in_one_task_and_the_rows_stay_in_order(every, at_most, workers):
    tasks = file_tasks(files_of(every), at_most, workers)
    assert all(tasks)
    found = [
        (int(groups.path[1:]), place) for task in tasks for groups in task for place in range(groups.start, groups.stop)
    ]
    assert found == [(file, place) for file, sizes in enumerate(every) for place in range(len(sizes))]


@given(st.lists(SIZES, max_size=5), st.integers(1, 120), st.integers(1, 4))
def test_a_task_knows_the_number_of_its_first_row_in_each_file(every, at_most, workers):
    for task in file_tasks(files_of(every), at_most, workers):
        for groups in task:
            file = int(groups.path[1:])
            assert groups.first == file * 1_000 + sum(rows for rows, _ in every[file][: groups.start])


@given(st.lists(SIZES, min_size=1, max_size=5), st.integers(20, 120), st.integers(1, 4))
def test_no_task_is_larger_than_is_asked_for_by_more_than_a_row_group(every, at_most, workers):
    sizes = {(f"f{file}", place): size for file, each in enumerate(every) for place, (_, size) in enumerate(each)}
    for task in file_tasks(files_of(every), at_most, workers):
        inside = [sizes[groups.path, place] for groups in task for place in range(groups.start, groups.stop)]
        assert sum(inside) <= at_most + max(inside)


def test_small_files_are_shared_out_among_the_workers():
    files = files_of([[(10, 50)]] * 8)
    assert [len(task) for task in file_tasks(files, 1_000, 2)] == [4, 4]
    assert file_tasks(files[:1], 1_000, 2) == [(RowGroups("f0", 0, 0, 1),)]


def test_a_large_file_is_merged_by_several_tasks_each_with_neighbouring_row_groups():
    tasks = file_tasks(files_of([[(10, 100)] * 6]), 200, 1)
    assert tasks == [(RowGroups("f0", first, start, start + 2),) for first, start in ((0, 0), (20, 2), (40, 4))]
