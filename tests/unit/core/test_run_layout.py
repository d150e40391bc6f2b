"""Where a run lies: one folder for all rows of a workspace, one for all ledgers, and the one folder of before."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from batch_transform.core.run_layout import (
    RunLayout,
    is_step,
    layouts_named,
    layouts_of,
    rows_of_all_runs,
    run_of_step,
)
from batch_transform.core.uris import S3Uri

WORKSPACE = S3Uri.parse("s3://b/ws")
NEW, OLD = RunLayout(WORKSPACE, "r"), RunLayout(WORKSPACE, "r", rows_apart=False)


def places(layout):
    """Every place of a run, with whether it holds values of rows."""
    kept = [layout.step(0), layout.part("parts/p"), layout.manifest("m"), layout.lease, layout.status, layout.page]
    kept += [layout.stop_request, layout.ledger_probe("p"), layout.part(layout.new_part("t"))]
    rows = [layout.input, layout.output("j", "o"), layout.merged("w"), layout.probe("p"), *layout.row_folders]
    rows.append(S3Uri.parse(layout.rows_below(f"{layout.workspace}/", on_s3=True)).join("staging"))
    return kept, rows


@pytest.mark.parametrize("workspace", ["s3://b/ws", "s3://b", "s3://b/rows", "s3://b/a/runs"])
@pytest.mark.parametrize("run_id", ["r", "rows", "runs", "ledger", "a=b.c"])
def test_one_prefix_has_all_that_holds_rows_and_nothing_else(workspace, run_id):
    layout = RunLayout(S3Uri.parse(workspace), run_id)
    kept, rows = places(RunLayout(layout.workspace, run_id))
    prefix = rows_of_all_runs(layout.workspace).prefix
    assert all(uri.key.startswith(prefix) for uri in rows)
    assert not any(uri.key.startswith(prefix) for uri in kept)


def test_a_run_of_before_has_one_folder():
    kept, rows = places(OLD)
    assert all(uri.key.startswith("ws/r/") for uri in kept + rows)
    assert (str(OLD.step(12)), str(OLD.input)) == ("s3://b/ws/r/ledger/000000000012.json", "s3://b/ws/r/input")


def test_both_are_named_alike():
    assert NEW.run == OLD.run == WORKSPACE.join("r")
    assert layouts_of(WORKSPACE, "r") == (NEW, OLD)
    assert layouts_named(NEW.run) == (NEW, OLD)


def test_the_folder_of_a_ledger_names_its_run_as_well():
    assert NEW in layouts_named(NEW.kept)
    assert layouts_named(NEW.kept)[0] == RunLayout(WORKSPACE.join("runs"), "r")  # a workspace may be named so


@pytest.mark.parametrize("layout", [NEW, OLD])
def test_whose_a_step_is_follows_from_its_key(layout):
    assert run_of_step(WORKSPACE, layout.step(3).key) == layout
    assert is_step(layout.step(3).key)
    others = [layout.lease, layout.part("parts/p"), layout.input.join("ledger", "x.json"), layout.ledger.join("x.json")]
    assert [run_of_step(WORKSPACE, other.key) for other in others] == [None] * len(others)


def test_runs_of_odd_names_are_not_taken_for_one_another():
    odd = [
        RunLayout(WORKSPACE, name, rows_apart=apart) for name in ("ledger", "runs", "rows") for apart in (True, False)
    ]
    assert [run_of_step(WORKSPACE, layout.step(0).key) for layout in odd] == odd
    assert len({layout.step(0) for layout in odd}) == len(odd)


def test_rows_elsewhere_on_s3_lie_below_a_prefix_of_theirs_and_on_a_disk_as_ever():
    assert NEW.rows_below("s3://other/x/", on_s3=True) == "s3://other/x/rows/r"
    assert NEW.rows_below("/mnt/x", on_s3=False) == "/mnt/x/r"
    assert OLD.rows_below("s3://other/x", on_s3=True) == "s3://other/x/r"


def test_the_policy_of_a_models_role_reaches_what_a_job_reads_and_writes_and_no_ledger():
    policy = json.loads((Path(__file__).parents[3] / "conf" / "iam-policy.json").read_text())
    layout = RunLayout(S3Uri.parse("s3://BUCKET/PREFIX"), "r")

    def may(action, uri):
        named = [
            (list(_all(statement["Action"])), list(_all(statement["Resource"])))
            for statement in policy["model_execution_role"]["Statement"]
        ]
        arn = f"arn:aws:s3:::{uri.bucket}/{uri.key}"
        return any(action in actions and any(fnmatchcase(arn, each) for each in arns) for actions, arns in named)

    assert may("s3:GetObject", layout.manifest("m"))
    assert may("s3:GetObject", layout.input.join("o"))
    assert may("s3:PutObject", layout.output("j", "o"))
    kept, _ = places(layout)
    assert not any(may("s3:PutObject", uri) for uri in kept)


def _all(given):
    return [given] if isinstance(given, str) else given
