"""What a run has made of its two tables: files that are to be copied, or a commit."""

from __future__ import annotations

from dataclasses import dataclass

from batch_transform.core.publishing.file_publication import Kind, TreeFile
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN, PredictedNumbers
from batch_transform.outputs.file_tree import Tree


@dataclass(frozen=True)
class WrittenTable:
    """A table in the run's own folder: the files to publish, where they lie, where they go, and what is in them."""

    kind: Kind
    tree: Tree
    target: Tree
    files: tuple[TreeFile, ...]
    numbers: PredictedNumbers = NOTHING_KNOWN

    @property
    def rows(self) -> int:
        """Rows by the files' own footers."""
        return sum(file.rows or 0 for file in self.files)


@dataclass(frozen=True)
class CommittedTable:
    """A table whose rows are committed: how many, and what is in them, if it was this process that wrote them."""

    rows: int
    numbers: PredictedNumbers = NOTHING_KNOWN
