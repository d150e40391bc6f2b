"""The output of a run may change until it has published: files by the step `publication`, a commit once it exists."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_state import RunState
from batch_transform.core.staged_table import Staged
from batch_transform.core.state import actions as act
from batch_transform.core.state.fold import fold
from batch_transform.core.state.next_action import next_action
from batch_transform.pipeline.checks.retargeting import check_uncommitted
from batch_transform.pipeline.recorded import check_same
from support.core_tables import step
from support.recorded_steps import EXPORTED, FILE, GATED, PUBLISHED, tried

DOCUMENT = {
    "run_id": "run",
    "workspace": "s3://lake/runs",
    "input": {"path": "s3://lake/in"},
    "model": {"name": "m"},
    "output": {"path": "s3://lake/out", "format": "delta", "mode": "append"},
}


def config(**changes):
    return RunConfig.from_document({**DOCUMENT, **changes})


def output(**changes):
    return config(output={**DOCUMENT["output"], **changes})


def begun(first, *later):
    """A run whose every row is scored, and what came then."""
    opened = step("opened", run_id="run", nonce="n", config=first.to_document(), at="2024-05-01T00:00:00+00:00")
    staged = step("staged", files=[FILE], schema="{}")
    return fold([opened, staged, EXPORTED, *tried("j", 1, 0), GATED, *later])


DELTA = step("publication", format="delta", targets={"output": "s3://lake/out"})
PARQUET = step("publication", parts=1, format="parquet", targets={"output": "s3://lake/out"})


def resumed(changed):
    return step("resumed", config=changed.to_document())


def test_an_intent_to_commit_falls_when_the_output_is_another():
    state = begun(output(), DELTA, resumed(output(path="s3://lake/other")))
    assert next_action(state) == act.Intend()
    assert [intent["output"]["path"] for intent in state.intents] == ["s3://lake/out"]


def test_an_intent_to_commit_stands_when_the_same_is_published():
    state = begun(output(), DELTA, resumed(config(lease_seconds=9)))
    assert isinstance(next_action(state), act.Publish)


def test_an_intent_to_copy_files_stands_whatever_comes():
    first = output(format="parquet")
    state = begun(first, PARQUET)
    with pytest.raises(ConfigurationError, match=r"output\.path: was 's3://lake/out', now 's3://lake/other'"):
        check_same(state, output(format="parquet", path="s3://lake/other"))
    again = begun(first, PARQUET, resumed(output(format="parquet", path="s3://lake/other")))
    assert isinstance(next_action(again), act.Publish)


def test_files_that_may_have_been_copied_fix_the_output_also_when_they_are_merged_again():
    state = begun(output(format="parquet"), PARQUET, step("unmerged"))
    with pytest.raises(ConfigurationError, match=r"output\.path"):
        check_same(state, output(format="parquet", path="s3://lake/other"))


@pytest.mark.parametrize(
    "changed", [output(path="s3://lake/other"), config(prediction={"sql": ["1 AS x"]}), config(merge="join")]
)
def test_until_a_commit_is_known_output_and_columns_and_merge_may_change(changed):
    check_same(begun(output(), DELTA), changed)


def test_a_published_run_keeps_its_output():
    with pytest.raises(ConfigurationError, match=r"output\.path"):
        check_same(begun(output(), DELTA, PUBLISHED), output(path="s3://lake/other"))


@dataclass
class Tables:
    """Tables in which this run has committed so many rows: (path of the output, kind) -> rows."""

    rows: dict[tuple[str, str], int] = field(default_factory=dict)

    def committed(self, state, document, kind):
        return self.rows.get((document["output"]["path"], kind))


STATE = begun(output(), DELTA, resumed(output(path="s3://lake/other")))


def test_no_commit_anywhere_lets_the_run_publish_elsewhere():
    check_uncommitted(Tables(), STATE, output(path="s3://lake/other"))


def test_a_result_that_is_committed_is_published_nowhere_else():
    tables = Tables({("s3://lake/out", "result"): 0, ("s3://lake/out", "dead_letter"): 0})
    with pytest.raises(ConfigurationError, match="has published its result in s3://lake/out already"):
        check_uncommitted(tables, STATE, output(path="s3://lake/other"))
    check_uncommitted(tables, STATE, output())


def test_dead_letters_that_are_committed_stay_where_they_are():
    tables = Tables({("s3://lake/out", "dead_letter"): 2})
    with pytest.raises(
        ConfigurationError, match=r"2 dead letters in s3://lake/out_dead_letter already; set dead_letter\.path"
    ):
        check_uncommitted(tables, STATE, output(path="s3://lake/other"))
    named = config(
        output={**DOCUMENT["output"], "path": "s3://lake/other"}, dead_letter={"path": "s3://lake/out_dead_letter"}
    )
    check_uncommitted(tables, STATE, named)


def test_no_dead_letters_may_have_been_committed_anywhere():
    check_uncommitted(Tables({("s3://lake/out", "dead_letter"): 0}), STATE, output(path="s3://lake/other"))


def test_a_state_without_intents_asks_no_table():
    check_uncommitted(None, RunState("run", "n", {}, "", "", staged=Staged("{}", ())), output())


def recorded_before(made):
    """The document of a run that was begun when a place kept its empty segments."""
    document = made.to_document()
    document["output"] = {**document["output"], "path": "s3://lake/a//out"}
    return {**document, "dead_letter": {"path": "s3a://lake/./dead"}, "staging": "s3://lake//staging"}


@pytest.mark.parametrize("publication", [PARQUET, None])
def test_a_run_whose_places_were_recorded_with_empty_segments_goes_on(publication):
    """It was refused for another output, which nobody had given and nobody could give back."""
    format = "delta" if publication is None else "parquet"
    made = config(
        output={"path": "s3://lake/a//out", "format": format, "mode": "append"},
        dead_letter={"path": "s3a://lake/./dead"},
        staging="s3://lake//staging",
    )
    opened = step("opened", run_id="run", nonce="n", config=recorded_before(made), at="2024-05-01T00:00:00+00:00")
    staged = step("staged", files=[FILE], schema="{}")
    state = fold([opened, staged, EXPORTED, *tried("j", 1, 0), GATED, *([publication] if publication else [])])
    check_same(state, made)
    check_same(state, RunConfig.from_document(recorded_before(made)))
    with pytest.raises(ConfigurationError, match=r"staging: was 's3://lake//staging', now 's3://lake/other'"):
        check_same(state, config(output=made.to_document()["output"], staging="s3://lake/other"))


def test_a_commit_where_the_same_place_was_recorded_with_empty_segments_is_no_other_one():
    """It had committed, and died before it could record so: the table named as another one was its own."""
    made = output(path="s3://lake/a//out")
    before = made.to_document()
    before["output"] = {**before["output"], "path": "s3://lake/a//out"}
    state = RunState("run", "n", before, "", "", intents=(before,))
    check_uncommitted(Tables({("s3://lake/a//out", "result"): 3}), state, made)
