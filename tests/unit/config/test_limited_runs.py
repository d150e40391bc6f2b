"""`run --limit N` is a run of its own, which reaches nothing but its own folder."""

from __future__ import annotations

import pytest

from batch_transform.config import load
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_settings import RunSettings
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.dispatch import configuration

FILE = """\
run_id: r1
workspace: s3://bucket/prefix
input: {path: in}
model: {name: churn}
output: {path: out, format: delta}
dead_letter: {path: dead}
"""


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "run.yml"
    path.write_text(FILE)
    return str(path)


def test_it_has_an_id_of_its_own_and_no_output(run_file):
    config = configuration(parse(["run", run_file, "--limit", "1000"]), {})
    assert (config.run_id, config.limit, config.output, config.dead_letter_place) == ("r1-limit-1000", 1000, None, None)
    assert configuration(parse([run_file]), {}).limit is None


def test_what_is_expected_of_all_predictions_is_not_expected_of_some(run_file):
    assert load(run_file, sets=['expect=["count(*) > 100"]']).limited(10).expect == ()


def test_its_document_gives_it_back_for_the_driver_and_for_a_resume(run_file):
    config = load(run_file).limited(10)
    assert RunConfig.from_document(config.to_document()) == config
    assert not RunSettings.of(config.to_document()).is_of_frame


def test_an_output_that_a_resume_names_is_none_of_it(run_file):
    document = load(run_file).limited(10).to_document()
    assert RunConfig.from_document({**document, "output": {"path": "out"}}).output is None


def test_it_is_asked_for_by_the_option_alone(run_file, tmp_path):
    with pytest.raises(ConfigurationError, match="limit: is no key"):
        load(run_file, sets=["limit=10"])


@pytest.mark.parametrize("given", ["0", "-1", "1e3", "many", ""])
def test_what_is_no_number_of_rows_is_refused(given):
    with pytest.raises(ConfigurationError, match=r"--limit: (is no number of rows|needs a value)"):
        parse(["run.yml", f"--limit={given}"])
