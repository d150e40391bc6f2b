"""The two tables of a run as DataFrames, from the recorded leaves."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from batch_transform.core.records import RunState
from batch_transform.pipeline.context import RunContext
from batch_transform.spark.dead_letters import dead_letters
from batch_transform.spark.joining import with_outcomes_joined
from batch_transform.spark.merging import MergeSource, select_result, with_outcomes


@dataclass(frozen=True)
class Merged:
    """Result and dead letters; each is computed anew whenever it is written."""

    result: DataFrame
    dead_letters: DataFrame


def merge(ctx: RunContext, state: RunState) -> Merged:
    """Returns the tables of a gated run, by the way that `merge` names."""
    assert state.staged is not None
    assert state.gate is not None
    (part,) = state.gate.parts
    source = MergeSource(ctx.uri(part.key), ctx.places.outputs, ctx.connect)
    leaves = ctx.ledger.read_part(part)
    if ctx.config.merge == "zip":
        outcomes = with_outcomes(ctx.spark, state.staged, source, ctx.shape)
    else:
        outcomes = with_outcomes_joined(
            ctx.spark,
            state.staged,
            leaves,
            lambda job, name: ctx.places.spark_path(str(source.output(job, name))),
            ctx.shape,
        )
    return Merged(select_result(outcomes, ctx.shape), dead_letters(ctx.spark, state.staged, leaves, source))
