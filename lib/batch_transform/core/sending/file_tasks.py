"""Which row groups of which staged files one worker takes at once, to export or to merge them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

# A worker holds the file that it writes to S3; a cluster has enough of such tasks to share.
TASK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class StagedGroups:
    """A staged file by its row groups.

    Attributes:
        path: of the file, as `StagedFile` has it.
        first: the number of its first row.
        sizes: (rows, bytes) of each row group, uncompressed, in their order.
        etag: of the version whose row groups these are.
    """

    path: str
    first: int
    sizes: tuple[tuple[int, int], ...]
    etag: str = ""


@dataclass(frozen=True)
class RowGroups:
    """Neighbouring row groups of a staged file, from `start` to before `stop`; `first` is their first row's number.

    They are those of the version at `etag`.
    """

    path: str
    first: int
    start: int
    stop: int
    etag: str = ""


def file_tasks(files: Iterable[StagedGroups], at_most: int, workers: int) -> list[tuple[RowGroups, ...]]:
    """Returns what each task takes, in the order of the rows: no row group is in two, and none is left out.

    Args:
        files: the staged files.
        at_most: bytes of a task, uncompressed, about; no row group is divided.
        workers: how many tasks run at once; each gets one, if there are row groups enough.
    """
    every = list(_each(files))
    total = sum(size for _, size in every)
    count = max(min(workers, len(every)), -(-total // at_most), 1)
    count = -(-count // workers) * workers if count > workers else count  # so that none works while others wait
    tasks: list[list[RowGroups]] = [[] for _ in range(count)]
    before = 0
    for groups, size in every:  # each goes where its middle lies, so that all tasks are about as large
        tasks[min(count - 1, (2 * before + size) * count // max(1, 2 * total))].append(groups)
        before += size
    return [tuple(_joined(task)) for task in tasks if task]


def _each(files: Iterable[StagedGroups]) -> Iterator[tuple[RowGroups, int]]:
    for file in files:
        first = file.first
        for place, (rows, size) in enumerate(file.sizes):
            yield RowGroups(file.path, first, place, place + 1, file.etag), size
            first += rows


def _joined(task: Iterable[RowGroups]) -> list[RowGroups]:
    """The same with neighbours as one."""
    found = list[RowGroups]()
    for groups in task:
        last = found[-1] if found else None
        if last is not None and last.path == groups.path and last.stop == groups.start:
            found[-1] = replace(last, stop=groups.stop)
        else:
            found.append(groups)
    return found
