"""Who may read what a run leaves on the driver's own disk."""

import os

import pytest

from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.places import Places


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def rights(path):
    return oct(path.stat().st_mode & 0o777)


def test_the_owner_alone_reads_what_is_staged_on_disk(tmp_path, open_umask):
    """Whatever the umask, and files of before too; the folder above is not the run's."""
    above = tmp_path / "staging"
    inner = above / "run" / "staging" / "w"
    inner.mkdir(parents=True)
    (inner / "part-0.parquet").write_bytes(b"rows")
    (inner / "elsewhere").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").write_bytes(b"")
    Places(RunLayout(S3Uri("b", ""), "run"), f"file:{above}/run", "s3a").close_to_others()
    assert {rights(folder) for folder in (above / "run", inner.parent, inner)} == {"0o700"}
    assert rights(inner / "part-0.parquet") == "0o600"
    assert (rights(above), rights(tmp_path / "mine")) == ("0o777", "0o666")


def test_a_scratch_folder_is_private_before_a_row_lies_in_it(tmp_path, open_umask):
    """Spark makes its files in it by the umask; nobody else reaches them there."""
    Places(RunLayout(S3Uri("b", ""), "run"), f"file://{tmp_path}/run", "s3a").close_to_others()
    assert rights(tmp_path / "run") == "0o700"


@pytest.mark.parametrize("scratch", ["s3a://b/run", "dbfs:/runs/run", "hdfs://h/run"])
def test_other_file_systems_have_rights_of_their_own(scratch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Places(RunLayout(S3Uri("b", ""), "run"), scratch, "s3a").close_to_others()
    assert list(tmp_path.iterdir()) == []
