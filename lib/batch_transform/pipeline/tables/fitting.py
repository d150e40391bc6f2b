"""What is asked of the places where a run's tables go, by the work on those tables."""

from __future__ import annotations

from typing import Protocol

from batch_transform.core.staged_table import Staged
from batch_transform.spark.prediction_columns import PredictionShape


class Fitting(Protocol):
    """Whether the tables of a run fit the places where they go."""

    def check_rows(self, staged: Staged) -> None:
        """Refuses staged rows that the output could not take."""

    def fitting(self, shape: PredictionShape) -> PredictionShape:
        """Returns predictions whose columns were inferred; refuses those that the output could not take."""
