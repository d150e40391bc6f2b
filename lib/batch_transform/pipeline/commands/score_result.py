"""What `score()` returns, and what a notebook shows of it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from batch_transform.core.publishing.last_words import closing
from batch_transform.core.report_keys import RunReport
from batch_transform.core.report_page.result_card import ROWS_SHOWN, Preview, result_card


@dataclass(frozen=True, repr=False)
class ScoreResult:
    """What a run published.

    Attributes:
        df: the scored rows, read from where they are stored.
        dead_letters: the rows without a prediction, with `error`, or what `dead_letter.column` names.
        report: as the job prints it.
    """

    df: DataFrame
    dead_letters: DataFrame
    report: RunReport

    def __repr__(self) -> str:
        """What became of the run, in one sentence, and where its report is."""
        return f"<ScoreResult {self.report['run_id']}: {closing(self.report)}>"

    def _repr_html_(self) -> str:
        """Counts, the first rows of `df`, which are read for it, and where the report is."""
        return result_card(self.report, _preview(self.df))


def _preview(df: DataFrame) -> Preview:
    try:
        return Preview(df.columns, [tuple(row) for row in df.limit(ROWS_SHOWN).collect()])
    except Exception as err:  # noqa: BLE001 - a notebook shows the result all the same: its session may have ended
        return Preview(trouble=type(err).__name__)
