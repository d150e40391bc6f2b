"""Names that the service accepts, whatever the run id."""

from __future__ import annotations

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.config.places import check_run_id
from batch_transform.core.object_names import (
    NONCE_CHARACTERS,
    OBJECT_NAME,
    control_name,
    folder_named,
    is_data_file,
    job_name,
    object_name,
    run_folder,
    slug,
)
from batch_transform.core.spans import OVERSIZE, STANDARD

NAME = botocore.session.get_session().get_service_model("sagemaker").shape_for("TransformJobName").metadata
RUN_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}", fullmatch=True).filter(lambda text: ".." not in text)
NONCES = st.text("0123456789abcdef", min_size=NONCE_CHARACTERS, max_size=NONCE_CHARACTERS)


@given(
    st.one_of(RUN_IDS, st.text()),
    NONCES,
    st.integers(1, 999),
    st.sampled_from([STANDARD, OVERSIZE]),
    st.integers(0, 999),
    st.integers(1, 99),
)
def test_job_names_are_legal(run_id, nonce, round_number, lane, index, attempt):
    name = job_name(run_id, nonce, round_number, lane, index, attempt)
    assert NAME["min"] <= len(name) <= NAME["max"] == 63
    assert re.fullmatch(NAME["pattern"], name)


@given(RUN_IDS)
def test_the_strategy_above_draws_what_a_run_file_accepts(run_id):
    assert check_run_id(run_id) == run_id


# Of one letter each, so that two draws are often alike once characters are replaced.
ODD_IDS = st.text("a:/+._ é=-~\\", min_size=1, max_size=6) | st.text(min_size=1, max_size=250)
AIRFLOW = "scheduled__2024-05-01T00:00:00+00:00"


@given(RUN_IDS)
def test_an_id_that_needs_no_mapping_is_its_folder(run_id):
    assert run_folder(run_id) == folder_named(run_id) == run_id


@given(st.lists(RUN_IDS | ODD_IDS, min_size=2, max_size=9, unique=True))
def test_no_two_ids_share_a_folder_nor_is_a_folder_another_ids(run_ids):
    folders = [run_folder(run_id) for run_id in run_ids]
    assert len(set(folders)) == len(run_ids)
    mapped = {folder for folder, run_id in zip(folders, run_ids, strict=True) if folder != run_id}
    assert not mapped & {run_folder(folder) for folder in mapped}, "whoever gives a folder as an id has another run"


@given(RUN_IDS | ODD_IDS)
def test_a_folder_is_one_plain_segment_of_a_path_and_names_itself(run_id):
    folder = run_folder(run_id)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}", folder)
    assert folder_named(folder) == folder == folder_named(run_id)


def test_an_id_of_airflow_can_be_told_from_its_folder():
    assert run_folder(AIRFLOW) == "scheduled__2024-05-01T00-00-00-00-00..015e0b8f"
    assert run_folder(AIRFLOW.replace("+", "-")) != run_folder(AIRFLOW)


def test_a_job_name_says_run_nonce_round_lane_and_attempt():
    assert job_name("churn_2024-05-01", "0123456789", 2, OVERSIZE, 1, 3) == "churn-2024-05-01-0123456789-r2-o1-a3"


def test_jobs_that_differ_in_anything_differ_in_name():
    varied = [("n" * 10, 1, STANDARD, 0, 1), ("m" * 10, 1, STANDARD, 0, 1), ("n" * 10, 2, STANDARD, 0, 1)]
    varied += [("n" * 10, 1, OVERSIZE, 0, 1), ("n" * 10, 1, STANDARD, 1, 1), ("n" * 10, 1, STANDARD, 0, 2)]
    assert len({job_name("run", *parts) for parts in varied}) == len(varied)


def test_a_name_of_63_characters_passes_and_of_64_raises():
    fits = job_name("x" * 24, "n" * 10, 10**14, STANDARD, 10**4, 1)
    assert len(fits) == 63 - 1
    assert len(job_name("x" * 24, "n" * 10, 10**15, STANDARD, 10**4, 1)) == 63
    with pytest.raises(ValueError, match="has 64 characters, the limit is 63"):
        job_name("x" * 24, "n" * 10, 10**16, STANDARD, 10**4, 1)


@pytest.mark.parametrize(
    ("run_id", "beginning"),
    [
        ("a", "a"),
        ("a__b", "a-b"),
        ("-.-", "run"),
        ("", "run"),
        ("é", "run"),
        ("a" * 30, "a" * 24),
        ("a" * 23 + "_b", "a" * 23),
    ],
)
def test_slugs(run_id, beginning):
    assert slug(run_id) == beginning


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**9), st.text("0123456789abcdef", min_size=1, max_size=16))
def test_an_object_name_is_flat_no_hidden_file_and_says_its_rows(start, rows, token):
    name = object_name(start, rows, token)
    found = re.search(OBJECT_NAME, name)
    assert (int(found["first"]), int(found["rows"])) == (start, rows)
    assert is_data_file(name)
    assert "/" not in name
    assert ":" not in name


def test_a_witness_is_no_name_of_rows():
    assert not re.search(OBJECT_NAME, control_name("0f", ".jsonl"))
    assert is_data_file(control_name("0f", ".jsonl"))
