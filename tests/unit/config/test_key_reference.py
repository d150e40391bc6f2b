"""The reference of keys is made of the code, and each key has its line."""

from __future__ import annotations

from pathlib import Path

from batch_transform.config.key_meanings import MEANINGS
from batch_transform.config.key_reference import keys, table
from batch_transform.config.runfile import RunConfig

PAGE = Path(__file__).parents[3] / "conf/README.md"


def test_each_key_has_a_line_and_each_line_a_key():
    assert [key.path for key in keys()] == list(MEANINGS)
    sections = {path.partition(".")[0] for path in MEANINGS}
    assert set(RunConfig.model_fields) - sections == {"secret_variables", "limit"}


def test_defaults_are_those_of_the_code():
    told = {key.path: key.default for key in keys()}
    assert (told["transform.instance_type"], told["lease_seconds"]) == ("`ml.m5.xlarge`", "`60.0`")
    assert (told["aws.s3.requester_pays"], told["model.name"], told["input.path"]) == ("`false`", "", "")


def test_the_page_has_what_the_command_prints():
    assert table() in PAGE.read_text(encoding="utf-8"), "python -m batch_transform.config.key_reference prints it anew"
